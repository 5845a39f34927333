/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi hook - in the place of kvm_emulate_hypercall() */
#ifndef _PVI_HOOK_H
#define _PVI_HOOK_H

struct kvm_vcpu;

int pvi_hook_hypercall(struct kvm_vcpu *vcpu);
void pvi_hook_trampoline(void);

#endif /* _PVI_HOOK_H */
