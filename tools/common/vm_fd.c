// SPDX-License-Identifier: GPL-2.0-or-later
/* common vm_fd - which descriptor of a VMM is its VM */
#include <linux/kcmp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common.h"

/* Kernels without kcmp() take duplicates for different ones. */
static bool same_file(pid_t pid, int a, int b)
{
	return !syscall(SYS_kcmp, pid, pid, KCMP_FILE, a, b);
}

static bool look_for_vm(pid_t pid, int fd, const char *target, void *arg)
{
	struct vm_fds *vms = arg;

	if (strcmp(target, VM_FD_TARGET) || (vms->nr && same_file(pid, vms->fd, fd)))
		return true;
	vms->fd = fd;
	vms->nr++;
	return true;
}

int find_vm_fds(pid_t pid, struct vm_fds *vms)
{
	*vms = (struct vm_fds){ .fd = -1 };
	return each_fd(pid, look_for_vm, vms);
}
