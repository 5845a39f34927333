// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi walk - a sender's peers one after the other: broadcast, PEERS
 *
 * Both go by position, a bounded number a call: where one call ends the caller
 * goes on with the next.
 */
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "peer.h"

#define CHUNK	8	/* records on the way to guest memory */

/* Rings a GSI of one peer; true if it accepted. Nothing happens where it is not exposed. */
static bool ring_peer(struct pvi_vm *from, struct pvi_peer *peer, u32 gsi)
{
	struct pvi_vm *to = peer->key.vm;
	struct pvi_edge *edge;

	if (pvi_vm_dying(to) || !pvi_gsi_find(to, gsi))
		return false;
	edge = pvi_acl_find(from, pvi_uuid_words(&to->uuid), gsi);
	return edge && edge->vm == to && pvi_ring_edge(from, edge, gsi) >= 0;
}

/*
 * Rings @gsi of every peer from position @first on, KVM_PVI_BROADCAST_MAX
 * positions; returns how many accepted. Called under RCU.
 */
int pvi_walk_broadcast(struct pvi_vm *from, u32 gsi, u64 first)
{
	struct pvi_peer *peer;
	unsigned long i;
	int accepted = 0;

	if (first > U32_MAX)
		return 0;
	xa_for_each_range(&from->name->peers, i, peer, first, first + KVM_PVI_BROADCAST_MAX - 1)
		accepted += ring_peer(from, peer, gsi);
	return accepted;
}

static bool is_plain(const struct pvi_gsi *g)
{
	return !test_bit(PVI_GSI_BELL, &g->flags);
}

static u32 count_plain(struct pvi_vm *vm)
{
	struct pvi_gsi *g;
	unsigned long i;
	u32 nr = 0;

	xa_for_each(&vm->gsis, i, g)
		nr += is_plain(g);
	return nr;
}

/* GSIs of @peer that @from may ring now. Called under RCU. */
static u32 count_gsis(const struct pvi_peer *peer, const struct pvi_vm *from)
{
	const struct pvi_edge *edge;
	const struct pvi_gsi *g;
	u32 nr = 0;

	list_for_each_entry_rcu(edge, &peer->edges, by_peer) {
		if (pvi_what_is_bell(edge->key.what) || !pvi_acl_permits(edge, from))
			continue;
		if (edge->key.what == KVM_PVI_GSI_ANY)
			return count_plain(peer->key.vm);
		g = rcu_dereference(edge->gsi);
		nr += g && is_plain(g);
	}
	return nr;
}

/* Fills records from position *@i on; returns how many. */
static unsigned int collect(struct pvi_vm *vm, unsigned long *i, struct kvm_pvi_peer *records,
			    unsigned int max)
{
	unsigned int nr = 0;
	struct pvi_peer *peer;

	while (nr < max) {
		rcu_read_lock();
		peer = pvi_peer_next(vm, i);
		if (peer && !pvi_vm_dying(peer->key.vm) && pvi_peer_permits(peer, vm)) {
			records[nr].epoch = peer->key.vm->epoch;
			export_uuid(records[nr].uuid, &peer->key.vm->uuid);
			records[nr].position = peer->position;
			records[nr].gsis = min_t(u32, count_gsis(peer, vm), U16_MAX);
			records[nr].__reserved = 0;
			nr++;
		}
		rcu_read_unlock();
		if (!peer)
			break;
		++*i;
		cond_resched();
	}
	return nr;
}

/* Outside of all that others wait for: the VMM may take as long as it likes. */
static int to_caller(struct pvi_call *c, u64 address, const void *from, size_t size)
{
	int ret;

	if (!c->vcpu)
		return copy_to_user(u64_to_user_ptr(address), from, size) ? -EFAULT : 0;
	if (pvi_hook_sleep(c))
		return -KVM_PVI_ENOSYS;
	ret = pvi_kvm_write(c->vcpu, address, from, size);
	pvi_hook_wake(c);
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
		nr = collect(c->vm, &i, records, min_t(u64, max - total, CHUNK));
		if (!nr)
			break;
		ret = to_caller(c, c->args[0] + total * sizeof(records[0]), records,
				nr * sizeof(records[0]));
		if (ret)
			return ret;
		total += nr;
	}
	return total;
}
