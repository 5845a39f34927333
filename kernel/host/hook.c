// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi hook - in the place of kvm_emulate_hypercall()
 *
 * Entered by what attach.c has put at its ftrace site, for numbers of ours. The
 * original runs first, with all that KVM does; only what it answered with
 * ENOSYS is served. Of rings it is left out where it is known to do nothing
 * else: plain.h.
 */
#include <linux/kvm_host.h>
#include <uapi/linux/kvm_para.h>

#include "gsi.h"
#include "hook.h"
#include "hypercall.h"
#include "inside.h"
#include "kvm_abi.h"
#include "plain.h"
#include "ring.h"

/* What the original answers to a number it does not know, of a 64-bit guest. */
static __always_inline bool hook_unknown(const struct kvm_vcpu *vcpu)
{
	return pvi_kvm_skipped(vcpu) && vcpu->arch.regs[VCPU_REGS_RAX] == (u64)-KVM_ENOSYS;
}

/* Any call, by the table. */
static void hook_serve(struct kvm_vcpu *vcpu, u64 nr, bool wide)
{
	const unsigned long *regs = vcpu->arch.regs;
	struct pvi_call c = {
		.vcpu = vcpu,
		.kvm = vcpu->kvm,
		.nr = (u32)nr - KVM_HC_PVI_BASE,
		.wide = wide,
		.rbx_returned = !pvi_kvm_encrypted(vcpu),
		.args = {
			regs[VCPU_REGS_RBX], regs[VCPU_REGS_RCX], regs[VCPU_REGS_RDX],
			regs[VCPU_REGS_RSI],
		},
	};
	s64 ret;
	int i;

	for (i = 0; !wide && i < ARRAY_SIZE(c.args); i++)
		c.args[i] = (u32)c.args[i];
	if (!pvi_hypercall_serve(&c, &ret))
		return;
	vcpu->arch.regs[VCPU_REGS_RAX] = wide ? ret : (u32)ret;
	if (ret >= 0 && c.rbx_returned && pvi_hypercall_returns_rbx(c.nr))
		vcpu->arch.regs[VCPU_REGS_RBX] = wide ? c.rbx : (u32)c.rbx;
}

/*
 * The original has run, which for a number it does not know changes RAX alone.
 * The width of its answer tells the guest's mode; a 64-bit guest must mean our
 * number in all of RAX.
 */
static noinline void hook_serve_unknown(struct kvm_vcpu *vcpu, u64 nr)
{
	u64 rax = vcpu->arch.regs[VCPU_REGS_RAX];

	if (hook_unknown(vcpu)) {
		if (nr == (u32)nr)
			hook_serve(vcpu, nr, true);
	} else if (pvi_kvm_skipped(vcpu) && rax == (u32)-KVM_ENOSYS) {
		hook_serve(vcpu, nr, false);
	}
}

/* The RFC's call, where nothing is out of the ordinary. False: not served. */
static __always_inline bool hook_ring_by_uuid(struct kvm_vcpu *vcpu, s64 *answer)
{
	const unsigned long *regs = vcpu->arch.regs;
	u64 gpa = regs[VCPU_REGS_RBX], gsi = regs[VCPU_REGS_RCX];
	struct pvi_words uuid;
	struct pvi_vm *vm;

	if (regs[VCPU_REGS_RDX] | regs[VCPU_REGS_RSI] || !IS_ALIGNED(gpa, UUID_SIZE) ||
	    !pvi_gsi_valid(gsi) || !pvi_kvm_peek_uuid(vcpu, gpa, &uuid) ||
	    !pvi_words_are_name(uuid))
		return false;
	rcu_read_lock();
	vm = pvi_vm_find_kvm(vcpu->kvm);
	if (likely(vm))
		*answer = pvi_ring_uuid(vm, uuid, gsi);
	rcu_read_unlock();
	return true;
}

/* All that HC_NOTIFY of a 64-bit guest does not need is left out. */
static __always_inline void hook_ring_by_port(struct kvm_vcpu *vcpu, s64 *answer)
{
	const unsigned long *regs = vcpu->arch.regs;
	struct pvi_vm *vm;

	rcu_read_lock();
	vm = pvi_vm_find_kvm(vcpu->kvm);
	if (unlikely(!vm))
		goto out;
	if (unlikely(regs[VCPU_REGS_RCX] | regs[VCPU_REGS_RDX] | regs[VCPU_REGS_RSI]))
		*answer = -EINVAL;
	else
		*answer = pvi_ring_port(vm, regs[VCPU_REGS_RBX]);
out:
	rcu_read_unlock();
}

/*
 * A ring that KVM is not asked about. As there the skip comes first: where it
 * fails, or has userspace look at the guest, that is KVM's business.
 */
static __always_inline int hook_ring_plainly(struct kvm_vcpu *vcpu, u64 nr)
{
	int ret = pvi_plain_original(vcpu);
	s64 answer = -KVM_ENOSYS;

	if (unlikely(!pvi_kvm_skipped(vcpu)))
		goto out;
	if (likely(nr == KVM_HC_NOTIFY)) {
		hook_ring_by_port(vcpu, &answer);
	} else if (!hook_ring_by_uuid(vcpu, &answer)) {
		pvi_plain_answer(vcpu, answer);
		hook_serve(vcpu, nr, pvi_plain_is_64bit(vcpu));
		return ret;
	}
out:
	pvi_plain_answer(vcpu, answer);
	return ret;
}

/* Any call, behind KVM's answer. */
static noinline int hook_any(struct kvm_vcpu *vcpu, u64 nr)
{
	int ret;

	if (unlikely(pvi_kvm_nested(vcpu)))
		return pvi_kvm_original(vcpu);
	ret = pvi_kvm_original(vcpu);
	hook_serve_unknown(vcpu, nr);
	return ret;
}

/*
 * In the place of kvm_emulate_hypercall(), for numbers whose low half is in our
 * block. Returns what KVM returned: 1 to go on, 0 to exit to userspace.
 */
int notrace pvi_hook_hypercall(struct kvm_vcpu *vcpu)
{
	u64 nr = vcpu->arch.regs[VCPU_REGS_RAX];
	int ret;

	pvi_inside_enter();
	if (likely(nr == KVM_HC_NOTIFY || nr == KVM_HC_PVI) && likely(pvi_plain(vcpu)))
		ret = hook_ring_plainly(vcpu, nr);
	else
		ret = hook_any(vcpu, nr);
	pvi_inside_leave();
	return ret;
}
