// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvictl attach - the name that a QEMU has, read from its command line as QEMU reads it
 *
 * Options are with one dash or two, and their arguments follow, whatever these look like. A VM has
 * one UUID, which -uuid and -smbios type=1,uuid= set, and the last of them stands. It is the name
 * as it is printed, which is ours. Only SMBIOS stores three of its fields the other way round.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "pvictl.h"

#define MAX_CMDLINE (64 << 20)

/* All that QEMU has, or had, without an argument */
static const char * const flags[] = {
	"S", "alt-grab", "audio-help", "ctrl-grab", "curses", "daemonize", "enable-fips",
	"enable-kvm", "enable-sync-profile", "full-screen", "h", "help", "jitdump", "localtime",
	"mem-prealloc", "no-acpi", "no-fd-bootchk", "no-frame", "no-hpet", "no-kvm",
	"no-kvm-irqchip", "no-kvm-pit", "no-kvm-pit-reinjection", "no-quit", "no-reboot",
	"no-shutdown", "no-user-config", "nodefaults", "nodefconfig", "nographic", "old-param",
	"only-migratable", "perfmap", "portrait", "preconfig", "rtc-td-hack", "s", "sdl",
	"semihosting", "show-cursor", "singlestep", "snapshot", "tdf", "usb", "version",
	"win2k-hack", "xen-attach", "xen-create", "xen-domid-restrict",
};

static bool is_flag(const char *option)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(option, flags[i]))
			return true;
	return false;
}

/* Cuts the next "key=value" off @list; two commas are one, within. */
static char *next_pair(char **list)
{
	char *pair = *list, *from, *to;

	if (!pair || !*pair)
		return NULL;
	for (from = to = pair; *from; *to++ = *from++) {
		if (*from != ',')
			continue;
		if (from[1] != ',')
			break;
		from++;
	}
	*list = *from ? from + 1 : from;
	*to = '\0';
	return pair;
}

/* What -smbios says of the UUID, or NULL. The last of each key counts. */
static const char *smbios_uuid(char *list)
{
	unsigned long type = 0;
	const char *uuid = NULL;
	char *pair;

	while ((pair = next_pair(&list))) {
		if (!strncmp(pair, "type=", 5))
			type = strtoul(pair + 5, NULL, 0);
		else if (!strncmp(pair, "uuid=", 5))
			uuid = pair + 5;
	}
	return type == 1 ? uuid : NULL;
}

/* @line: as in /proc. The UUID, or NULL */
static const char *find_uuid(char *line, const char *end)
{
	const char *uuid = NULL, *option, *found;
	char *arg, *next;

	/* The first one is the program. */
	for (arg = line + strlen(line) + 1; arg < end; arg = next) {
		next = arg + strlen(arg) + 1;
		if (*arg != '-')
			continue;
		option = arg + 1 + (arg[1] == '-');
		if (is_flag(option) || next >= end)
			continue;
		arg = next;
		next = arg + strlen(arg) + 1;
		found = !strcmp(option, "uuid") ? arg :
			!strcmp(option, "smbios") ? smbios_uuid(arg) : NULL;
		if (found)
			uuid = found;
	}
	return uuid;
}

static char *read_cmdline(pid_t pid, size_t *size)
{
	size_t room = 2048, got;
	char path[32], *line = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	file = fopen(path, "re");
	if (!file)
		die_doing(DOING_OTHER, errno, "%s", path);
	*size = 0;
	do {
		room *= 2;
		if (room > MAX_CMDLINE)
			die("%s is too long to be QEMU's: name the VM with --uuid", path);
		line = must_alloc(realloc(line, room + 1));
		got = fread(line + *size, 1, room - *size, file);
		*size += got;
	} while (*size == room);
	line[*size] = '\0';
	fclose(file);
	return line;
}

void attach_read_uuid(struct attach *a)
{
	size_t size;
	char *line = read_cmdline(a->pid, &size), text[160];
	const char *uuid = find_uuid(line, line + size);

	if (!uuid)
		die("process %d has no -uuid among its arguments: name the VM with --uuid", a->pid);
	if (uuid_parse(uuid, a->uuid)) {
		escape(text, sizeof(text), uuid);
		die("process %d: its -uuid '%s' is not a UUID: name the VM with --uuid", a->pid,
		    text);
	}
	free(line);
}
