// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi walk - a sender's peers one after the other: broadcast, PEERS
 *
 * Both go by position, a bounded number a call: where one call ends the caller
 * goes on with the next.
 */
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "acl.h"
#include "event.h"
#include "gsi.h"
#include "inside.h"
#include "kvm_abi.h"
#include "many.h"
#include "peer.h"
#include "ring.h"
#include "walk.h"

#define CHUNK	8	/* records on the way to guest memory */

/* Rings a GSI of one peer: true if it accepted. Nothing happens where it is not exposed. */
static bool walk_ring_peer(struct pvi_vm *from, struct pvi_peer *peer, u32 gsi)
{
	struct pvi_vm *to = peer->key.vm;
	struct pvi_edge *edge;

	if (!pvi_vm_bound(to) || !pvi_gsi_find(to, gsi))
		return false;
	edge = pvi_acl_find(from, pvi_words_of(&to->uuid), gsi);
	return edge && edge->vm == to && pvi_ring_edge(from, edge, gsi) >= 0;
}

/* From position @first on, as many as one read section is for; returns how many accepted. */
static int walk_ring_piece(struct pvi_vm *from, u32 gsi, unsigned long first)
{
	struct pvi_peer *peer;
	unsigned long i;
	int accepted = 0;

	rcu_read_lock();
	if (pvi_vm_bound(from))
		xa_for_each_range(&from->name->peers, i, peer, first, first + PVI_MANY_PIECE - 1)
			accepted += walk_ring_peer(from, peer, gsi);
	rcu_read_unlock();
	return accepted;
}

/*
 * Rings @gsi of every peer from position @first on, KVM_PVI_BROADCAST_MAX
 * positions; returns how many accepted. Called with a reference to the caller.
 */
int pvi_walk_broadcast(struct pvi_vm *from, u32 gsi, u64 first)
{
	int i, accepted = 0;

	if (first > U32_MAX)
		return 0;
	for (i = 0; i < KVM_PVI_BROADCAST_MAX; i += PVI_MANY_PIECE) {
		accepted += walk_ring_piece(from, gsi, first + i);
		cond_resched();
	}
	return accepted;
}

/* 1 if the row names something that is there. */
static u32 walk_count_row(const struct pvi_edge *edge)
{
	const struct pvi_gsi *g;
	u32 what = edge->key.what;

	if (pvi_what_is_bell(what))
		return xa_load(&edge->vm->bells, what & ~PVI_WHAT_BELL) ? 1 : 0;
	g = rcu_dereference(edge->gsi);
	return g && !test_bit(PVI_GSI_BELL, &g->flags) ? 1 : 0;
}

/*
 * What of @peer @from may ring now: its plain GSIs and the bells that rows name,
 * a GSI once though a row for any names it too. Called under RCU.
 */
static u32 walk_count(const struct pvi_peer *peer, const struct pvi_vm *from)
{
	const struct pvi_vm *to = peer->key.vm;
	const struct pvi_edge *edge;
	u32 plain = 0, bells = 0, gsis;
	bool any = false;

	list_for_each_entry_rcu(edge, &peer->edges, by_peer) {
		if (!pvi_edge_permits(edge, from))
			continue;
		if (edge->key.what == KVM_PVI_GSI_ANY)
			any = true;
		else if (pvi_what_is_bell(edge->key.what))
			bells += walk_count_row(edge);
		else
			plain += walk_count_row(edge);
	}
	if (any) {
		/* Both change meanwhile. */
		gsis = READ_ONCE(to->nr_gsis);
		plain = gsis - min(gsis, READ_ONCE(to->nr_bells));
	}
	return plain + bells;
}

/* Fills records from position *@i on; returns how many. Of strangers, which are passed over, there may be many. */
static unsigned int walk_collect(struct pvi_vm *vm, unsigned long *i, struct kvm_pvi_peer *records,
				 unsigned int max)
{
	unsigned int nr = 0;
	struct pvi_peer *peer;

	while (nr < max) {
		rcu_read_lock();
		peer = pvi_peer_next(vm, i);
		if (peer && pvi_vm_bound(peer->key.vm) && pvi_peer_permits(peer, vm)) {
			records[nr].epoch = peer->key.vm->epoch;
			export_uuid(records[nr].uuid, &peer->key.vm->uuid);
			records[nr].position = peer->position;
			records[nr].gsis = min_t(u32, walk_count(peer, vm), U16_MAX);
			records[nr].__reserved = 0;
			nr++;
		}
		rcu_read_unlock();
		if (!peer || fatal_signal_pending(current))
			break;
		++*i;
		cond_resched();
	}
	return nr;
}

/* Outside of all that others wait for: the VMM may take as long as it likes. */
static int walk_copy_out(struct pvi_call *c, u64 address, const void *from, size_t size)
{
	int ret;

	if (!c->vcpu)
		return copy_to_user(u64_to_user_ptr(address), from, size) ? -EFAULT : 0;
	if (pvi_inside_sleep(c))
		return -KVM_PVI_ENOSYS;
	ret = pvi_kvm_write(c->vcpu, address, from, size);
	pvi_inside_wake(c);
	return ret ? -EFAULT : 0;
}

/* KVM_HC_PVI_PEERS. Called with a reference to the caller. */
s64 pvi_walk_list(struct pvi_call *c)
{
	u64 max = min_t(u64, c->args[1] / sizeof(struct kvm_pvi_peer), KVM_PVI_PEERS_MAX);
	struct kvm_pvi_peer records[CHUNK];
	unsigned long i = c->args[2];
	unsigned int nr, total = 0;
	int ret;

	if (!max)
		return -EINVAL;
	pvi_event_looked(c->vm);
	while (total < max) {
		nr = walk_collect(c->vm, &i, records, min_t(u64, max - total, CHUNK));
		if (!nr)
			break;
		ret = walk_copy_out(c, c->args[0] + total * sizeof(records[0]), records,
				nr * sizeof(records[0]));
		if (ret)
			return ret;
		total += nr;
	}
	return total;
}
