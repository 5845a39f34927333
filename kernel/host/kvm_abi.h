/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi kvm_abi - KVM's insides that are on the way of each ring, inline; see kvm_abi.c */
#ifndef _PVI_KVM_ABI_H
#define _PVI_KVM_ABI_H

#include <linux/kvm_host.h>
#include <linux/static_call.h>
#include <linux/uaccess.h>

#include "../compat/kvm.h"
#include "words.h"

struct file;

int pvi_kvm_init(void);
unsigned long pvi_kvm_resolve(const char *name);
unsigned long pvi_kvm_resolve_own(const char *name);
bool pvi_kvm_is_our_kind(const char *name);
unsigned long pvi_kvm_hypercall_site(void);
struct kvm *pvi_kvm_get(struct file *file);
void pvi_kvm_put(struct kvm *kvm);
struct mm_struct *pvi_kvm_mm(struct kvm *kvm);
u32 pvi_kvm_vmm(struct kvm *kvm);
bool pvi_kvm_has_lapic(struct kvm *kvm);
int pvi_kvm_send_msi(struct kvm *kvm, u64 address, u32 data);
int pvi_kvm_read(struct kvm_vcpu *vcpu, u64 gpa, void *to, size_t len, bool may_sleep);
int pvi_kvm_write(struct kvm_vcpu *vcpu, u64 gpa, const void *from, size_t len);

DECLARE_STATIC_CALL(pvi_original, kvm_emulate_hypercall);
DECLARE_STATIC_CALL(pvi_set_irq_inatomic, kvm_arch_set_irq_inatomic);
DECLARE_STATIC_CALL(pvi_gfn_to_hva, kvm_vcpu_gfn_to_hva);

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
	return pvi_compat_rip_written(vcpu) || pvi_kvm_encrypted(vcpu);
}

/*
 * Reads a UUID from the guest's memory on its own vCPU's thread, if nothing
 * stands in the way: no fault, writable memory. What fails here is read by
 * pvi_kvm_read(), which knows all cases and costs a hundred instructions more.
 */
static __always_inline bool pvi_kvm_peek_uuid(struct kvm_vcpu *vcpu, u64 gpa,
					      struct pvi_words *uuid)
{
	unsigned long hva = static_call(pvi_gfn_to_hva)(vcpu, gpa_to_gfn(gpa));
	const u64 __user *from = (const u64 __user *)(hva + offset_in_page(gpa));

	if (unlikely(kvm_is_error_hva(hva)))
		return false;
	pagefault_disable();
	if (!user_read_access_begin(from, sizeof(*uuid)))
		goto err_pagefault;
	unsafe_get_user(uuid->first, from, err_access);
	unsafe_get_user(uuid->last, from + 1, err_access);
	user_read_access_end();
	pagefault_enable();
	return true;

err_access:
	user_read_access_end();
err_pagefault:
	pagefault_enable();
	return false;
}

/*
 * Injects an MSI, the short way, which knows most destinations; returns what the
 * LAPICs said: > 0 taken, -EWOULDBLOCK: ask the long way, else not. Of @e it
 * looks at the type and the MSI alone.
 */
static __always_inline int pvi_kvm_set_msi_inatomic(struct kvm_kernel_irq_routing_entry *e,
						    struct kvm *kvm)
{
	return static_call(pvi_set_irq_inatomic)(e, kvm, KVM_USERSPACE_IRQ_SOURCE_ID, 1, false);
}

#endif /* _PVI_KVM_ABI_H */
