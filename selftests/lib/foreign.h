/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: guests whose hypercalls are another hypervisor's */
#ifndef PVI_TEST_FOREIGN_H
#define PVI_TEST_FOREIGN_H

#include "vm.h"

/* As KVM wants it to take hypercalls for Hyper-V's: its signature, and a guest that named itself */
void vcpu_sign_hyperv(struct vcpu *vcpu);
void vcpu_be_hyperv(struct vcpu *vcpu);
/* As KVM wants it to take hypercalls for Xen's, where it can: else -errno */
int __vm_be_xen(struct vm *vm, u32 flags);

#endif
