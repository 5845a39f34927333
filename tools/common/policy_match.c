// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common policy_match - which VM of the policy a VMM runs
 *
 * Whoever runs a VMM says what UUID and name it has; what a policy says of its user and its cgroup
 * nobody can claim, nor can anybody make us wait for it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy.h"

/* As root, who may become any other user yet: QEMU does so by -runas, when it has its VM. */
static bool may_become(const struct policy_vm *vm, const struct process *p)
{
	return vm->has_user && p->one_user && !p->uid && vm->user;
}

/* 0, -ESRCH, or another -errno */
static int user_and_cgroup_match(const struct policy_vm *vm, const struct process *p)
{
	int ret = 1;

	if (vm->has_user && (!p->one_user || p->uid != vm->user))
		return -ESRCH;
	if (*vm->cgroup)
		ret = process_in_cgroup(p->pid, vm->cgroup);
	return ret < 0 ? ret : ret ? 0 : -ESRCH;
}

static bool vmm_matches(const struct vmm *vmm, const struct policy_vm *vm)
{
	if (*vm->name && strcmp(vm->name, vmm->name))
		return false;
	return vmm->uuid_given ? vmm->has_uuid && !uuid_compare(vm->uuid, vmm->uuid) : *vm->name;
}

/* As user_and_cgroup_match() */
static int may_be_any(const struct policy *policy, const struct process *process)
{
	int ret = -ESRCH;
	size_t i;

	for (i = 0; i < policy->nr_vms && ret == -ESRCH; i++)
		ret = may_become(&policy->vms[i], process) ? 0 :
			user_and_cgroup_match(&policy->vms[i], process);
	return ret;
}

int policy_match(const struct policy *policy, pid_t pid, const struct policy_vm **vm, bool *incoming)
{
	struct process process;
	bool later = false;
	struct vmm vmm;
	size_t i;
	int ret;

	ret = process_read(pid, &process);
	/* Who can be none of them is not read further, which may have us wait. */
	ret = ret ?: may_be_any(policy, &process) ?: vmm_read(pid, &vmm);
	if (ret)
		return ret == -ENOENT ? -ESRCH : ret;
	*incoming = vmm.incoming;
	for (i = 0; i < policy->nr_vms; i++) {
		*vm = &policy->vms[i];
		if (!vmm_matches(&vmm, *vm))
			continue;
		ret = user_and_cgroup_match(*vm, &process);
		if (ret != -ESRCH)
			return ret;
		later |= may_become(*vm, &process);
	}
	return later ? -EAGAIN : -ESRCH;
}

int policy_permits(const struct policy_vm *vm, pid_t pid)
{
	struct process process;

	return process_read(pid, &process) ?: user_and_cgroup_match(vm, &process);
}

int policy_claims(const struct policy_vm *vm, pid_t pid)
{
	struct vmm vmm;
	int ret = vmm_read(pid, &vmm);

	if (ret)
		return ret == -ENOENT ? -ESRCH : ret;
	return vmm_matches(&vmm, vm) ? 0 : -ESRCH;
}
