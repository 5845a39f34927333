// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl attach - the VMM: which descriptor is its VM */
#include <errno.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
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
	int fd = a->vm_fd < 0 ? find_vm(a->pid) : a->vm_fd;
	int vm_fd;

	vm_fd = take_fd(pidfd, fd);
	if (vm_fd < 0)
		die_doing(DOING_TAKE, vm_fd, "cannot take descriptor %d of process %d", fd, a->pid);
	return vm_fd;
}

void attach_check_alive(const struct attach *a, int pidfd)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	if (poll(&ended, 1, 0))
		die_as(STATUS_ABSENT, "process %d has ended", a->pid);
}
