/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi kvm_abi - what hook.c knows of a vCPU, inline: it is on the way of each hypercall */
#ifndef _PVI_KVM_ABI_H
#define _PVI_KVM_ABI_H

#include <linux/kvm_host.h>
#include <linux/static_call.h>

DECLARE_STATIC_CALL(pvi_original, kvm_emulate_hypercall);

/* Enters kvm_emulate_hypercall() behind its ftrace site: traced and filtered once. */
static __always_inline int pvi_kvm_original(struct kvm_vcpu *vcpu)
{
	return static_call(pvi_original)(vcpu);
}

/* In nested guest mode the hypercall is the L2's, which knows nothing of us. */
static __always_inline bool pvi_kvm_nested(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.hflags & HF_GUEST_MASK;
}

/* Of a guest with encrypted registers KVM gives back RAX alone. */
static __always_inline bool pvi_kvm_encrypted(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.guest_state_protected;
}

/* Skipping the instruction has written RIP; the flag is cleared by each entry to the guest. */
static __always_inline bool pvi_kvm_skipped(const struct kvm_vcpu *vcpu)
{
	return (vcpu->arch.regs_dirty & BIT(VCPU_REGS_RIP)) || pvi_kvm_encrypted(vcpu);
}

#endif /* _PVI_KVM_ABI_H */
