// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl attach - the VMM: which descriptor is its VM, and which name it has */
#include <errno.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach.h"
#include "pvictl.h"

struct vms {
	int fd;
	int nr;
};

/* Kernels without kcmp() take duplicates for different ones: then --fd has to decide. */
static bool same_file(pid_t pid, int a, int b)
{
	return !syscall(SYS_kcmp, pid, pid, KCMP_FILE, a, b);
}

static void look_for_vm(pid_t pid, int fd, const char *target, void *arg)
{
	struct vms *vms = arg;

	if (strcmp(target, "anon_inode:kvm-vm"))
		return;
	if (vms->nr && same_file(pid, vms->fd, fd))
		return;
	vms->fd = fd;
	vms->nr++;
}

static int find_vm(pid_t pid)
{
	struct vms vms = { 0 };
	int ret = each_fd(pid, look_for_vm, &vms);

	if (ret)
		die_doing(DOING_TAKE, ret == -ENOENT ? -ESRCH : ret,
			  "cannot see the descriptors of process %d", pid);
	if (!vms.nr)
		die_as(STATUS_ABSENT, "process %d has no VM: 'anon_inode:kvm-vm' is not in /proc/%d/fd", pid,
		       pid);
	if (vms.nr > 1)
		die("process %d has %d VMs: say which with --fd, see 'ls -l /proc/%d/fd'", pid,
		    vms.nr, pid);
	return vms.fd;
}

int attach_take_vm(const struct attach *a, int pidfd)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	int fd = a->vm_fd < 0 ? find_vm(a->pid) : a->vm_fd;
	int vm_fd;

	vm_fd = take_fd(pidfd, fd);
	if (vm_fd < 0)
		die_doing(DOING_TAKE, vm_fd, "cannot take descriptor %d of process %d", fd, a->pid);
	/* Else what was read of that PID may be another process's. */
	if (poll(&ended, 1, 0))
		die_as(STATUS_ABSENT, "process %d has ended", a->pid);
	return vm_fd;
}

/* The argument behind "-uuid" of a command line as in /proc, or NULL. */
static const char *find_uuid(const char *line, const char *end)
{
	const char *arg, *next;

	for (arg = line; arg < end; arg = next) {
		next = arg + strlen(arg) + 1;
		if ((!strcmp(arg, "-uuid") || !strcmp(arg, "--uuid")) && next < end)
			return next;
	}
	return NULL;
}

static char *read_cmdline(pid_t pid, size_t *size)
{
	size_t room = 0, got;
	char path[32], *line = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	file = fopen(path, "re");
	if (!file)
		die("%s: %s", path, strerror(errno));
	*size = 0;
	do {
		room += 4096;
		line = must_alloc(realloc(line, room + 1));
		got = fread(line + *size, 1, room - *size, file);
		*size += got;
	} while (*size == room);
	line[*size] = '\0';
	fclose(file);
	return line;
}

/*
 * QEMU's -uuid is the name as it is printed, which is ours. Only SMBIOS stores
 * three of its fields the other way round.
 */
void attach_read_uuid(struct attach *a)
{
	size_t size;
	char *line = read_cmdline(a->pid, &size);
	const char *uuid = find_uuid(line, line + size);

	if (!uuid)
		die("process %d has no -uuid among its arguments: name the VM with --uuid", a->pid);
	if (uuid_parse(uuid, a->uuid))
		die("process %d: its -uuid '%s' is not a UUID: name the VM with --uuid", a->pid,
		    uuid);
	free(line);
}
