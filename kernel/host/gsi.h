/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi gsi - an exposed GSI of a receiver */
#ifndef _PVI_GSI_H
#define _PVI_GSI_H

#include <linux/atomic.h>
#include <linux/eventfd.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <uapi/linux/kvm_pvi.h>

#include "bucket.h"
#include "vm.h"

struct pvi_bell;
struct pvi_status;

/* Bits of pvi_gsi.flags, and a count above; where one is set a ring is not a plain one */
enum { PVI_GSI_LATCH, PVI_GSI_BELL, PVI_GSI_STATUS, PVI_GSI_LIMITED, PVI_GSI_TAKERS };

/**
 * struct pvi_gsi - an exposed GSI of a receiver
 * @vm: the receiver
 * @gsi: its number
 * @kind: KVM_PVI_GSI_DIRECT, _EVENTFD or _MSI
 * @flags: PVI_GSI_LATCH: a ring is owed; PVI_GSI_BELL, PVI_GSI_STATUS: has one;
 *	PVI_GSI_LIMITED: @bucket has a limit; from PVI_GSI_TAKERS on: how many have
 *	taken the latch and try to deliver
 * @eventfd: of kind eventfd, NULL while unwired
 * @bell: its doorbell, or NULL; set once
 * @status: its status word, or NULL
 * @msi_address: of kind msi, 0 while unwired
 * @msi_data: goes with it
 * @msi_seq: the two change as one
 * @lock: one pulse of the line at a time, one writer of the MSI
 * @bucket: limit of all senders together
 * @rings: accepted rings
 * @payers: how often somebody came to pay what is owed
 * @retry: delivers what KVM did not take, or takes long
 * @delay: of the next retry, in ms
 * @rcu: frees it
 */
struct pvi_gsi {
	struct pvi_vm *vm;
	u32 gsi;
	u32 kind;
	unsigned long flags;
	struct eventfd_ctx __rcu *eventfd;
	struct pvi_bell __rcu *bell;
	struct pvi_status __rcu *status;
	u64 msi_address;
	u32 msi_data;
	seqcount_spinlock_t msi_seq;
	spinlock_t lock;
	struct pvi_bucket bucket;
	atomic64_t rings;
	atomic_t payers;
	struct delayed_work retry;
	unsigned int delay;
	struct rcu_head rcu;
};

static inline bool pvi_gsi_valid(u64 gsi)
{
	return gsi < KVM_PVI_GSI_MAX ||
	       (gsi >= KVM_PVI_GSI_VIRTUAL && gsi < KVM_PVI_GSI_VIRTUAL_END);
}

/* Valid under RCU. */
static inline struct pvi_gsi *pvi_gsi_find(struct pvi_vm *vm, u32 gsi)
{
	return xa_load(&vm->gsis, gsi);
}

/* A ring can be delivered as far as is known here. */
static inline bool pvi_gsi_wired(const struct pvi_gsi *g)
{
	return g->kind == KVM_PVI_GSI_DIRECT || rcu_access_pointer(g->eventfd) ||
	       READ_ONCE(g->msi_address);
}

/* A ring is latched, or was and somebody is about to deliver it, or to fail. */
static inline bool pvi_gsi_latched(const struct pvi_gsi *g)
{
	return READ_ONCE(g->flags) & (BIT(PVI_GSI_LATCH) | ~(BIT(PVI_GSI_TAKERS) - 1));
}

struct pvi_gsi *pvi_gsi_find_locked(struct pvi_vm *vm, u32 gsi) PVI_ACQUIRES_ON(a GSI, &vm->lock);
struct pvi_gsi *pvi_gsi_find_named(struct pvi_vm *vm, const struct kvm_pvi_gsi *named)
	PVI_ACQUIRES_ON(a GSI, &vm->lock);
u32 pvi_gsi_state(const struct pvi_gsi *g);

#endif /* _PVI_GSI_H */
