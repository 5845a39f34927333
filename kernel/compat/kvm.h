/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi - differences between kernels' KVM, without a test for a version */
#ifndef _PVI_COMPAT_KVM_H
#define _PVI_COMPAT_KVM_H

#include <linux/bits.h>
#include <linux/btf.h>
#include <linux/kvm_host.h>
#include <asm/ibt.h>

/*
 * Newer kernels keep these prototypes to themselves. Where they do not, the compiler
 * compares them with these; where they do, pvi_kvm_is_our_kind() asks BTF.
 */
int kvm_emulate_hypercall(struct kvm_vcpu *vcpu);
int kvm_skip_emulated_instruction(struct kvm_vcpu *vcpu);
s32 bpf_find_btf_id(const char *name, u32 kind, struct btf **btf);

/*
 * RIP has been written since the last entry to the guest. It is the register that
 * follows R15, by whatever name, and what is dirty is a u32 or a bitmap.
 */
static __always_inline bool pvi_compat_rip_written(const struct kvm_vcpu *vcpu)
{
	return *(const u32 *)&vcpu->arch.regs_dirty & BIT(VCPU_REGS_R15 + 1);
}

/* is_endbr() takes an instruction or a pointer to one, and is not always there for modules. */
static inline bool pvi_compat_is_endbr(u32 insn)
{
#if HAS_KERNEL_IBT
	return insn == gen_endbr() || insn == gen_endbr_poison();
#else
	return false;
#endif
}

#endif /* _PVI_COMPAT_KVM_H */
