// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common vmm - a VMM's name and UUID of its VM, read from its command line as QEMU reads it
 *
 * Options are with one dash or two, and their arguments follow, whatever these look like. A VM has
 * one UUID, which -uuid and -smbios type=1,uuid= set, and the last of them stands. It is the name
 * as it is printed, which is ours. Only SMBIOS stores three of its fields the other way round.
 *
 * Of other VMMs it is not known which options have arguments: what is looked for counts wherever it is, with its
 * argument behind it or behind "=".
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

#define MAX_CMDLINE (8 << 20)	/* exec() takes 6 MiB at most */

/* All that QEMU has, or had, without an argument */
static const char * const flags[] = {
	"S", "alt-grab", "async-teardown", "audio-help", "ctrl-grab", "curses", "daemonize", "enable-fips",
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

/* What -name says of the guest: the key may be left out of the first pair */
static const char *guest_name(char *list)
{
	const char *name = NULL;
	bool first = true;
	char *pair;

	for (; (pair = next_pair(&list)); first = false) {
		if (!strncmp(pair, "guest=", 6))
			name = pair + 6;
		else if (first && !strchr(pair, '='))
			name = pair;
	}
	return name;
}

static void take_uuid(const char *uuid, struct vmm *vmm)
{
	vmm->uuid_given = true;
	vmm->has_uuid = !uuid_parse(uuid, vmm->uuid);
	snprintf(vmm->uuid_text, sizeof(vmm->uuid_text), "%s", uuid);
}

static void look_at_option(const char *option, char *arg, struct vmm *vmm)
{
	const char *uuid = NULL, *name = NULL;

	if (!strcmp(option, "uuid"))
		uuid = arg;
	else if (!strcmp(option, "smbios"))
		uuid = smbios_uuid(arg);
	else if (!strcmp(option, "name"))
		name = guest_name(arg);
	else if (!strcmp(option, "id"))
		name = arg;
	/* QEMU's, and that of Cloud Hypervisor and crosvm */
	else if (!strcmp(option, "incoming") || !strcmp(option, "restore"))
		vmm->incoming = true;
	if (uuid)
		take_uuid(uuid, vmm);
	if (name)
		snprintf(vmm->name, sizeof(vmm->name), "%s", name);
}

/* @line: as in /proc */
static void look_at_qemu(char *line, const char *end, struct vmm *vmm)
{
	char *arg, *next, *option;

	/* The first one is the program. */
	for (arg = line + strlen(line) + 1; arg < end; arg = next) {
		next = arg + strlen(arg) + 1;
		if (*arg != '-')
			continue;
		option = arg + 1 + (arg[1] == '-');
		if (!strncmp(option, "name=", 5))
			snprintf(vmm->name, sizeof(vmm->name), "%s", option + 5);
		if (is_flag(option) || strchr(option, '=') || next >= end)
			continue;
		arg = next;
		next = arg + strlen(arg) + 1;
		look_at_option(option, arg, vmm);
	}
}

/* Of Cloud Hypervisor's --platform; newer ones call it system_uuid */
static char *platform_uuid(char *list)
{
	char *uuid = NULL, *pair;

	while ((pair = next_pair(&list))) {
		if (!strncmp(pair, "system_", 7))
			pair += 7;
		if (!strncmp(pair, "uuid=", 5))
			uuid = pair + 5;
	}
	return uuid;
}

/* --name of kvmtool and crosvm, --id of Firecracker, --platform of Cloud Hypervisor, --restore of that and of crosvm */
static void look_at_other(char *line, const char *end, struct vmm *vmm)
{
	char *arg, *next, *option, *value;

	for (arg = line + strlen(line) + 1; arg < end; arg = next) {
		next = arg + strlen(arg) + 1;
		if (*arg != '-')
			continue;
		option = arg + 1 + (arg[1] == '-');
		value = strchr(option, '=');
		if (value)
			*value++ = '\0';
		else if (next < end && *next != '-')
			value = next;
		if (!strcmp(option, "restore"))
			vmm->incoming = true;
		else if (value && !strcmp(option, "platform") && (value = platform_uuid(value)))
			take_uuid(value, vmm);
		else if (value && !strcmp(option, "uuid"))
			take_uuid(value, vmm);
		else if (value && (!strcmp(option, "name") || !strcmp(option, "id")))
			snprintf(vmm->name, sizeof(vmm->name), "%s", value);
	}
}

/* By the beginning of its program's name: a version may follow */
static bool is_other(const char *program)
{
	static const char * const others[] = { "cloud-hypervisor", "firecracker", "lkvm", "kvmtool", "crosvm" };
	const char *slash = strrchr(program, '/');
	size_t i;

	program = slash ? slash + 1 : program;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (!strncmp(program, others[i], strlen(others[i])))
			return true;
	return false;
}

static int read_cmdline(pid_t pid, char **line, size_t *size)
{
	size_t room = 2048, got;
	char path[32], *more;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	*line = NULL;
	*size = 0;
	do {
		room *= 2;
		more = room > MAX_CMDLINE ? NULL : realloc(*line, room + 1);
		if (!more) {
			free(*line);
			fclose(file);
			return room > MAX_CMDLINE ? -E2BIG : -ENOMEM;
		}
		*line = more;
		got = fread(*line + *size, 1, room - *size, file);
		*size += got;
	} while (*size == room);
	(*line)[*size] = '\0';
	fclose(file);
	return 0;
}

int vmm_read(pid_t pid, struct vmm *vmm)
{
	size_t size = 0;
	char *line = NULL;
	int ret = read_cmdline(pid, &line, &size);

	*vmm = (struct vmm){ .pid = pid };
	if (ret)
		return ret;
	(is_other(line) ? look_at_other : look_at_qemu)(line, line + size, vmm);
	free(line);
	return 0;
}
