// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl attach - the VMM: which descriptor is its VM */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "attach.h"
#include "pvictl.h"

static int find_vm(pid_t pid)
{
	struct vm_fds vms;
	int ret = find_vm_fds(pid, &vms);

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

/* The name that a QEMU has */
void attach_read_uuid(struct attach *a)
{
	struct vmm vmm;
	char text[4 * NAME_LEN];
	int ret = vmm_read(a->pid, &vmm);

	if (ret == -E2BIG)
		die("the command line of process %d is too long to be QEMU's: name the VM with --uuid", a->pid);
	if (ret)
		die_doing(DOING_OTHER, ret, "/proc/%d/cmdline", a->pid);
	if (!vmm.uuid_given)
		die("process %d has no -uuid among its arguments: name the VM with --uuid", a->pid);
	if (!vmm.has_uuid) {
		escape(text, sizeof(text), vmm.uuid_text);
		die("process %d: its -uuid '%s' is not a UUID: name the VM with --uuid", a->pid, text);
	}
	uuid_copy(a->uuid, vmm.uuid);
}
