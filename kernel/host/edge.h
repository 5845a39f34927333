/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi edge - a permission: a row of a receiver's table, or a grant */
#ifndef _PVI_EDGE_H
#define _PVI_EDGE_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rhashtable.h>
#include <linux/seqlock.h>
#include <linux/uidgid.h>
#include <uapi/linux/kvm_pvi.h>

#include "bucket.h"
#include "count.h"
#include "vm.h"
#include "words.h"

struct pvi_gsi;
struct pvi_peer;

enum pvi_edge_state { PVI_EDGE_LIVE, PVI_EDGE_REVOKED, PVI_EDGE_DEAD };

/* Who may ring what; @what is a GSI, KVM_PVI_GSI_ANY, or PVI_WHAT_BELL and a bell. */
struct pvi_edge_key {
	struct pvi_words receiver;
	struct pvi_words sender;
	u32 what;
};

#define PVI_WHAT_BELL	0x80000000u

#define PVI_BELLS_CAP	8192		/* what max_bells may be */

static inline bool pvi_what_is_bell(u32 what)
{
	return what != KVM_PVI_GSI_ANY && (what & PVI_WHAT_BELL);
}

/**
 * struct pvi_edge - a row of a receiver's pvi_sender_uuid table
 * @node: in the table of all edges; unhashed when not live any more
 * @key: receiver, sender, GSI; a grant has the nil UUID for its sender, and is not in the table
 * @state: enum pvi_edge_state, leaves PVI_EDGE_LIVE once
 * @shown: KVM_PVI_LIST has it: nothing of it can fail any more
 * @pinned: @owner must match
 * @owner: uid that must own the sender's endpoint
 * @vm: the receiver; valid under RCU while live
 * @gsi: what it rings, NULL for KVM_PVI_GSI_ANY or while not exposed
 * @heard: epoch of the sender whose rings the receiver knows of
 * @peer: what all rows of this receiver about this sender belong to, if they are looked at
 * @by_peer: in @peer
 * @by_what: a ring of all rows and grants of this receiver that name the same plain GSI
 * @bits: flags of a bell this sender may set
 * @bucket: the agreed rate
 * @counts: what became of the rings
 * @uses: ports that may still be made of a grant
 * @row_seq: of @pinned, @owner and @bits; written under the receiver's lock
 * @id: cursor of KVM_PVI_GET_EDGE; index in pvi_vm.edges, and one more
 * @revoked: on the way out
 * @dropped: in @vm->dropped: a grant whose last descriptor has gone
 * @ref: the table's, and one for each port made by it
 * @rcu: frees it
 */
struct pvi_edge {
	struct rhash_head node;
	struct pvi_edge_key key;
	u8 state;
	bool shown;
	bool pinned;
	kuid_t owner;
	struct pvi_vm *vm;
	struct pvi_gsi __rcu *gsi;
	u64 heard;
	struct pvi_peer *peer;
	struct list_head by_peer;
	struct list_head by_what;
	u64 bits;
	struct pvi_bucket bucket;
	atomic64_t counts[PVI_NR_COUNTS];
	atomic_t uses;
	seqcount_t row_seq;
	u64 id;
	union {
		struct list_head revoked;
		struct llist_node dropped;
	};
	struct kref ref;
	struct rcu_head rcu;
};

static inline bool pvi_edge_is_grant(const struct pvi_edge *edge)
{
	return !(edge->key.sender.first | edge->key.sender.last);
}

/*
 * The uid pin, if there is one, does not match. Both change while rings look at
 * them, under the receiver's lock: acl_set_row() sees to their order.
 */
static inline bool pvi_edge_pinned_out(const struct pvi_edge *edge, const struct pvi_vm *from)
{
	/* Pairs with acl_set_row(). */
	return smp_load_acquire(&edge->pinned) && READ_ONCE(edge->owner.val) != from->owner.val;
}

/* Called under RCU, with an edge that is live or NULL. */
static inline bool pvi_edge_permits(const struct pvi_edge *edge, const struct pvi_vm *from)
{
	return edge && !edge->vm->grants_only && !pvi_edge_pinned_out(edge, from);
}

/*
 * The flags that it lets @from set, of one moment: another owner's are not its. Called under RCU, and by no interrupt, which
 * could have stopped acl_set_row().
 */
static inline u64 pvi_edge_granted(const struct pvi_edge *edge, const struct pvi_vm *from)
{
	unsigned int seq;
	u64 granted;

	/* Each turn is another ALLOW of the receiver's. */
	do {
		seq = read_seqcount_begin(&edge->row_seq);
		granted = pvi_edge_pinned_out(edge, from) ? 0 : READ_ONCE(edge->bits);
	} while (read_seqcount_retry(&edge->row_seq, seq));
	return granted;
}

void pvi_edge_key(struct pvi_edge_key *key, const uuid_t *to, const uuid_t *from, u32 what);
struct pvi_edge *pvi_edge_alloc(struct pvi_vm *vm);
struct pvi_edge *pvi_edge_dead(struct pvi_vm *from, const uuid_t *to, u32 what);
int pvi_edge_list(struct pvi_vm *vm, struct pvi_edge *edge);
void pvi_edge_set_gsi(struct pvi_vm *vm, u32 gsi, struct pvi_gsi *g);
void pvi_edge_unlist(struct pvi_vm *vm, struct pvi_edge *edge);
void pvi_edge_free_all(struct pvi_vm *vm);
void pvi_edge_put(struct pvi_edge *edge);

#endif /* _PVI_EDGE_H */
