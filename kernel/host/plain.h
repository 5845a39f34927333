/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pvi plain - hypercalls of which it is known what KVM would do
 *
 * Of a number that is not KVM's own kvm_emulate_hypercall() does this: it diverts
 * guests of Xen's and Hyper-V's interface, traces, refuses all but ring 0, counts,
 * answers ENOSYS, skips the instruction. Where neither interface nor the tracepoint
 * is on, what is left is done here, by KVM's own functions for the ring and for the
 * skip: a tenth of what a ring costs. Who it is that rings is asked first, so that
 * all others go to KVM untouched.
 */
#ifndef _PVI_PLAIN_H
#define _PVI_PLAIN_H

#include <linux/kvm_host.h>
#include <linux/static_call.h>
#include <linux/tracepoint-defs.h>

#include "../compat/hypercall.h"
#include "../compat/kvm.h"
#include "kvm_abi.h"

void pvi_plain_init(void);

extern const struct tracepoint *pvi_plain_trace;

DECLARE_STATIC_CALL(pvi_plain_cpl, *((struct kvm_x86_ops *)NULL)->get_cpl);
DECLARE_STATIC_CALL(pvi_plain_cs, *((struct kvm_x86_ops *)NULL)->get_cs_db_l_bits);
DECLARE_STATIC_CALL(pvi_plain_skip, kvm_skip_emulated_instruction);

/* 64-bit mode, as KVM tells it. */
static inline bool pvi_plain_is_64bit(struct kvm_vcpu *vcpu)
{
	int db = 0, l = 0;

	if (!(vcpu->arch.efer & EFER_LMA))
		return false;
	static_call(pvi_plain_cs)(vcpu, &db, &l);
	return l;
}

/* The arguments are what they are in any mode: no upper half counts, or all do. */
static __always_inline bool pvi_plain_args(struct kvm_vcpu *vcpu)
{
	const unsigned long *regs = vcpu->arch.regs;
	unsigned long all = regs[VCPU_REGS_RBX] | regs[VCPU_REGS_RCX] |
			    regs[VCPU_REGS_RDX] | regs[VCPU_REGS_RSI];

	return likely(!(all >> 32)) || pvi_plain_is_64bit(vcpu);
}

/* KVM has nothing else to say than ENOSYS; the number is not its own in any mode. */
static __always_inline bool pvi_plain(struct kvm_vcpu *vcpu)
{
	return !rcu_access_pointer(pvi_plain_trace->funcs) && !pvi_kvm_nested(vcpu) &&
	       !pvi_kvm_encrypted(vcpu) && !pvi_compat_has_hyperv(vcpu) &&
	       !pvi_compat_has_xen(vcpu->kvm) && pvi_plain_args(vcpu) &&
	       !static_call(pvi_plain_cpl)(vcpu);
}

/* KVM's part. Returns what it returns; what it answers is left to the caller. */
static __always_inline int pvi_plain_original(struct kvm_vcpu *vcpu)
{
	++vcpu->stat.hypercalls;
	return static_call(pvi_plain_skip)(vcpu);
}

/* As wide as the guest's registers: only of an error that makes a difference. */
static __always_inline void pvi_plain_answer(struct kvm_vcpu *vcpu, s64 ret)
{
	if (unlikely(ret < 0) && !pvi_plain_is_64bit(vcpu))
		ret = (u32)ret;
	vcpu->arch.regs[VCPU_REGS_RAX] = ret;
}

#endif /* _PVI_PLAIN_H */
