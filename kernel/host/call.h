/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi call - one hypercall being served */
#ifndef _PVI_CALL_H
#define _PVI_CALL_H

#include <linux/types.h>
#include <linux/uuid.h>

struct kvm;
struct kvm_vcpu;
struct pvi_vm;

/**
 * struct pvi_call - one hypercall being served
 * @vm: the caller; under RCU, or a reference for calls that sleep
 * @vcpu: the calling vCPU, NULL for KVM_PVI_CALL
 * @user: the struct of KVM_PVI_CALL, NULL for a vCPU
 * @kvm: its VM
 * @nr: its number less KVM_HC_PVI_BASE
 * @wide: 64 bits a register
 * @rbx_returned: RBX comes back: KVM_PVI_CALL, or a guest whose registers are not encrypted
 * @uuid: of the calls that take the address of one
 * @args: RBX, RCX, RDX, RSI
 * @rbx: second result
 */
struct pvi_call {
	struct pvi_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_pvi_call *user;
	struct kvm *kvm;
	u32 nr;
	bool wide;
	bool rbx_returned;
	uuid_t uuid;
	u64 args[4];
	u64 rbx;
};

#endif /* _PVI_CALL_H */
