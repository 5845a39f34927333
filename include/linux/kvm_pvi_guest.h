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

struct notifier_block;
struct kvm_pvi_guest_link;
struct kvm_pvi_guest_irq;

/**
 * struct kvm_pvi_guest_handler - what is called when a GSI was rung
 * @ring: called in interrupt context (on PREEMPT_RT in a thread, as other handlers there), and on
 *	two CPUs at once when the host goes or comes; look at everything there is, since several rings may be one
 *	interrupt, and expect to be called without a new ring
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

/* What a notifier of kvm_pvi_guest_watch_host() is told */
#define KVM_PVI_GUEST_HOST_WENT	0
#define KVM_PVI_GUEST_HOST_CAME	1

int kvm_pvi_guest_watch_host(struct notifier_block *nb);
void kvm_pvi_guest_unwatch_host(struct notifier_block *nb);

int kvm_pvi_guest_ring(const uuid_t *to, u32 gsi);
int kvm_pvi_guest_notify(u32 port);
struct kvm_pvi_guest_link *kvm_pvi_guest_connect(const uuid_t *to, u32 gsi);
void kvm_pvi_guest_disconnect(struct kvm_pvi_guest_link *link);
int kvm_pvi_guest_link_ring(struct kvm_pvi_guest_link *link);
int kvm_pvi_guest_link_ring_status(struct kvm_pvi_guest_link *link,
				   const struct kvm_pvi_status *word);

int kvm_pvi_guest_bell_send(struct kvm_pvi_guest_link *link, u64 flags, u64 *old);
int kvm_pvi_guest_bell_notify(u32 port, u64 flags, u64 *old);
int kvm_pvi_guest_bell_receive(u32 bell, u64 clear, u64 *old);
int kvm_pvi_guest_bell_mask(u32 bell, u64 enable, u64 ack);
int kvm_pvi_guest_bell_reset(u32 bell);

int kvm_pvi_guest_peers(u32 first, struct kvm_pvi_peer *peers, unsigned int nr);
int kvm_pvi_guest_watch(struct notifier_block *nb);
void kvm_pvi_guest_unwatch(struct notifier_block *nb);

int kvm_pvi_guest_request(struct kvm_pvi_guest_handler *handler, u32 gsi);
int kvm_pvi_guest_request_exclusive(struct kvm_pvi_guest_handler *handler, u32 gsi);
void kvm_pvi_guest_release(struct kvm_pvi_guest_handler *handler);
int kvm_pvi_guest_handler_irq(const struct kvm_pvi_guest_handler *handler);

#endif /* _LINUX_KVM_PVI_GUEST_H */
