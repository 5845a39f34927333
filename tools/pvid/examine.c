// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid examine - in a helper: what a process is, and what its VM
 *
 * A number is that of one process as long as its descriptor is not refused by pidfd_getfd(), and what was
 * read of it before the BIND was read of the VM's own process: KVM_PVI_BIND_VMM.
 */
#include <errno.h>
#include <libpvi.h>
#include <string.h>
#include <unistd.h>

#include "pvid.h"

/* The VM that is a process' only one */
static int take_vm(int pidfd, pid_t pid, bool begins)
{
	struct vm_fds vms;
	int ret = find_vm_fds(pid, &vms);

	if (ret)
		return ret == -ENOENT ? -ESRCH : ret;
	if (!vms.nr)
		return begins ? -EAGAIN : -ESRCH;
	return vms.nr > 1 ? -ENOTUNIQ : take_fd(pidfd, vms.fd);
}

/* Whether the name is at another process' VM, whose guest may be coming here: that of the same user, and no other */
static bool may_move_here(const struct pvid *d, const struct policy_vm *vm, const struct examined *e)
{
	const struct vm *holder = vm_find(d, vm->uuid);

	return e->arriving && holder && holder->owner == e->owner;
}

/* By another name, which nobody knows. 1: it is, 0: it is not; -errno: that is not known, for the table may be full */
static int is_bound(int vm_fd)
{
	int pvi = pvi_open(), ret;
	uuid_t uuid;

	uuid_generate(uuid);
	ret = pvi < 0 ? pvi : pvi_bind(pvi, vm_fd, uuid, 0, 0, NULL);
	if (pvi >= 0)
		close(pvi);
	return ret == -EEXIST ? 1 : ret;
}

static int bind_vm(const struct pvid *d, int vm_fd, int pvi, const struct policy_vm *vm, struct examined *e)
{
	struct kvm_pvi_list_endpoint r;
	int ret;

	e->what = "bind its VM";
	ret = pvi_bind(pvi, vm_fd, vm->uuid, KVM_PVI_BIND_VMM, e->pid, NULL);
	/* It may have closed the VM that it had, whose endpoint keeps the name. */
	if (ret == -EEXIST && vm_of(d, e->pid)) {
		ret = is_bound(vm_fd);
		return ret < 0 ? ret : ret ? EXAMINED_NOTHING : EXAMINED_NAME_LEFT;
	}
	if (ret == -EEXIST && may_move_here(d, vm, e))
		return EXAMINED_HAS_TO_WAIT;
	if (ret == -ESRCH)
		return EXAMINED_NOT_ITS;
	if (ret)
		return ret;
	e->what = "find its endpoint";
	ret = find_listed(pvi, vm->uuid, &r);
	e->number = ret ? 0 : r.number;
	return ret;
}

static int examine_process(const struct pvid *d, const struct candidate *c, int pidfd, int pvi, struct examined *e)
{
	const struct policy_vm *vm;
	int ret, vm_fd;

	e->what = "see what it is";
	ret = policy_match(&d->policy, e->pid, &vm, &e->arriving);
	if (ret == -EAGAIN)
		e->what = "see it become the user that the policy says";
	/* One that has its VM for long has become whoever it was to be. */
	if (ret == -EAGAIN && !c->begins)
		return EXAMINED_NOTHING;
	if (ret)
		return ret;
	/* Of the last pvid's time, too */
	e->returns = c->may_return || kept_left_by(d, vm->uuid, e->pid, e->owner);
	e->arriving |= e->returns;
	uuid_copy(e->uuid, vm->uuid);
	e->what = "take its VM";
	vm_fd = take_vm(pidfd, e->pid, c->begins);
	if (vm_fd < 0)
		return vm_fd;
	ret = bind_vm(d, vm_fd, pvi, vm, e);
	/* The VM's end is its owner's affair: it has to be the last to close it. */
	close(vm_fd);
	return ret;
}

void examine(const struct pvid *d, const void *candidate, int pvi, void *examined)
{
	const struct candidate *c = candidate;
	struct examined *e = examined;
	struct process process;
	int pidfd;

	e->what = "see what it is";
	e->ret = process_read(c->pid, &process);
	if (e->ret)
		return;
	e->pid = process.pid;
	e->owner = process.uid;
	pidfd = open_pidfd(e->pid);
	e->ret = pidfd < 0 ? pidfd : examine_process(d, c, pidfd, pvi, e);
}

/* What was read of @pid was read of the process that has the VM's address space. */
static int is_vmm_still(int lister, uint64_t number, pid_t pid)
{
	struct kvm_pvi_list_endpoint r;
	int ret = read_listed(lister, number, &r);

	return ret ?: (pid_t)r.vmm == pid ? 0 : -ESRCH;
}

/* What it claims is read last, for that may wait; not at all if no more may that are its user's */
static int examine_vmm(const struct policy_vm *wanted, int lister, const struct vm *vm, struct reexamined *e)
{
	struct kvm_pvi_list_endpoint r;
	int ret = read_listed(lister, vm->number, &r);

	if (ret)
		return ret;
	/* The thread that made the VM has ended. */
	if (!r.vmm)
		return wanted->has_user || *wanted->cgroup ? -ESRCH : 0;
	ret = policy_permits(wanted, r.vmm) ?: is_vmm_still(lister, vm->number, r.vmm);
	if (ret)
		return ret;
	e->permitted = true;
	if (helper_may_not_wait(vm->user))
		return 0;
	return policy_claims(wanted, r.vmm) ?: is_vmm_still(lister, vm->number, r.vmm);
}

static void see_whether_it_ends(int lister, const struct vm *vm, struct reexamined *e)
{
	struct kvm_pvi_list_endpoint r;
	int ret = read_listed(lister, vm->number, &r);

	e->ends = !ret && !r.vmm;
	if (ret)
		e->ret = ret;
}

void examine_again(const struct vm *vm, struct reexamined *e)
{
	const struct pvid *d = vm->d;

	e->ret = examine_vmm(policy_vm(&d->policy, vm->uuid), d->lister, vm, e);
	/* It may be ending, or have begun to while it was looked at. */
	if (e->ret == -ESRCH)
		see_whether_it_ends(d->lister, vm, e);
	/* It is dead, which pvid hears in another way. */
	if (e->ret == -ENOENT)
		e->ret = 0;
}
