/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pvi_guest - paravirtual interrupts, for the drivers of a guest kernel
 */
#ifndef _LINUX_KVM_PVI_GUEST_H
#define _LINUX_KVM_PVI_GUEST_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <uapi/linux/kvm_pvi.h>

struct kvm_pvi_guest_link;
struct kvm_pvi_guest_irq;

/**
 * struct kvm_pvi_guest_handler - what is called when a GSI was rung
 * @ring: called in interrupt context, or with interrupts disabled, and on two CPUs at once when a host comes back;
 *        look at everything there is, since several rings may be one interrupt, and expect to be called without a
 *        new ring
 * @node: private
 * @irq: private
 *
 * Any number of handlers may share a GSI; each is called at each interrupt.
 */
struct kvm_pvi_guest_handler {
	void (*ring)(struct kvm_pvi_guest_handler *handler);
	struct list_head node;
	struct kvm_pvi_guest_irq *irq;
};

int kvm_pvi_guest_probe(void);
u32 kvm_pvi_guest_features(void);
int kvm_pvi_guest_self(uuid_t *uuid, u64 *epoch);

int kvm_pvi_guest_ring(const uuid_t *to, u32 gsi);
int kvm_pvi_guest_notify(u32 port);
struct kvm_pvi_guest_link *kvm_pvi_guest_connect(const uuid_t *to, u32 gsi);
void kvm_pvi_guest_disconnect(struct kvm_pvi_guest_link *link);
int kvm_pvi_guest_link_ring(struct kvm_pvi_guest_link *link);

int kvm_pvi_guest_request(struct kvm_pvi_guest_handler *handler, u32 gsi);
void kvm_pvi_guest_release(struct kvm_pvi_guest_handler *handler);
int kvm_pvi_guest_handler_irq(const struct kvm_pvi_guest_handler *handler);

#endif /* _LINUX_KVM_PVI_GUEST_H */
