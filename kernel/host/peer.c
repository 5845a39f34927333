// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi peer - who may be rung, seen from the sender
 *
 * The receivers' tables turned around. For each name that some table knows as a
 * sender there is one struct pvi_name, and in it one struct pvi_peer for each
 * receiver that has rows of that name. Its position there is the sender's own
 * number of that peer, the lowest that was free, kept until the receiver dies
 * or takes its last row back. So binding a VM with many peers costs nothing:
 * the numbers are there already; and broadcast and PEERS walk them in pieces.
 *
 * A sender is told of receivers that let it ring, a receiver of senders that
 * have rung or connected. Whoever changes something computes what the sender
 * could see before and after, see pvi_peer_tell().
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pvi.h"

#define CHUNK	8	/* records on the way to guest memory */

/**
 * struct pvi_name - a name that senders have, or may have one day
 * @node: in the table of all names
 * @uuid: the name
 * @peers: position -> struct pvi_peer; readers use RCU
 * @users: peers, and the endpoint bound to this name; protected by names_lock
 */
struct pvi_name {
	struct rhash_head node;
	uuid_t uuid;
	struct xarray peers;
	unsigned int users;
};

struct peer_key {
	struct pvi_vm *vm;
	struct pvi_name *name;
};

/**
 * struct pvi_peer - what the rows of one receiver about one sender have in common
 * @node: in the table of all peers, by receiver and name
 * @key: receiver (valid under RCU while listed), name (a reference)
 * @position: in @key.name->peers
 * @heard: epoch of the sender that the receiver was told of last
 * @edges: the rows, protected by the receiver's lock; readers use RCU
 * @list: in pvi_vm.peers of the receiver, protected by its lock
 * @rcu: frees it
 */
struct pvi_peer {
	struct rhash_head node;
	struct peer_key key;
	u32 position;
	u64 heard;
	struct list_head edges;
	struct list_head list;
	struct rcu_head rcu;
};

static DEFINE_MUTEX(names_lock);	/* protects names and pvi_name.users */
static struct rhashtable names;
static struct rhashtable peers;

static const struct rhashtable_params name_params = {
	.key_offset = offsetof(struct pvi_name, uuid),
	.key_len = sizeof_field(struct pvi_name, uuid),
	.head_offset = offsetof(struct pvi_name, node),
	.automatic_shrinking = true,
};

static const struct rhashtable_params peer_params = {
	.key_offset = offsetof(struct pvi_peer, key),
	.key_len = sizeof_field(struct pvi_peer, key),
	.head_offset = offsetof(struct pvi_peer, node),
	.automatic_shrinking = true,
};

static struct pvi_name *name_alloc(const uuid_t *uuid)
{
	struct pvi_name *name = kzalloc(sizeof(*name), GFP_KERNEL_ACCOUNT);

	if (!name)
		return NULL;
	uuid_copy(&name->uuid, uuid);
	xa_init_flags(&name->peers, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
	return name;
}

/* Returns a reference, or NULL: no memory. */
static struct pvi_name *name_get(const uuid_t *uuid)
{
	struct pvi_name *new = name_alloc(uuid);
	struct pvi_name *name;

	if (!new)
		return NULL;
	mutex_lock(&names_lock);
	name = rhashtable_lookup_fast(&names, uuid, name_params);
	if (!name && !rhashtable_insert_fast(&names, &new->node, name_params))
		swap(name, new);
	if (name)
		name->users++;
	mutex_unlock(&names_lock);
	kfree(new);
	return name;
}

static void name_put(struct pvi_name *name)
{
	mutex_lock(&names_lock);
	if (--name->users)
		name = NULL;
	else
		rhashtable_remove_fast(&names, &name->node, name_params);
	mutex_unlock(&names_lock);
	if (name)
		xa_destroy(&name->peers);
	kfree(name);
}

/* @vm is about to be bound. */
int pvi_peer_get_name(struct pvi_vm *vm)
{
	vm->name = name_get(&vm->uuid);
	return vm->name ? 0 : -ENOMEM;
}

/* @vm will not be bound, or nobody refers to it any more. */
void pvi_peer_put_name(struct pvi_vm *vm)
{
	if (vm->name)
		name_put(vm->name);
	vm->name = NULL;
}

static struct pvi_peer *peer_add(struct pvi_vm *vm, struct pvi_name *name)
{
	struct pvi_peer *peer = kzalloc(sizeof(*peer), GFP_KERNEL_ACCOUNT);

	if (!peer)
		return NULL;
	peer->key.vm = vm;
	peer->key.name = name;
	INIT_LIST_HEAD(&peer->edges);
	if (rhashtable_insert_fast(&peers, &peer->node, peer_params))
		goto err_free;
	if (xa_alloc(&name->peers, &peer->position, peer, xa_limit_31b, GFP_KERNEL))
		goto err_remove;
	list_add_tail(&peer->list, &vm->peers);
	return peer;

err_remove:
	rhashtable_remove_fast(&peers, &peer->node, peer_params);
err_free:
	kfree_rcu(peer, rcu);
	return NULL;
}

static struct pvi_peer *peer_find(struct pvi_vm *vm, struct pvi_name *name)
{
	struct peer_key key = { vm, name };

	lockdep_assert_held(&vm->lock);
	return rhashtable_lookup_fast(&peers, &key, peer_params);
}

/* The peer that rows of @vm about @uuid belong to, a new one if need be; NULL: no memory. */
static struct pvi_peer *peer_get(struct pvi_vm *vm, const uuid_t *uuid)
{
	struct pvi_name *name = name_get(uuid);
	struct pvi_peer *peer;

	if (!name)
		return NULL;
	peer = peer_find(vm, name);
	if (!peer) {
		peer = peer_add(vm, name);
		if (peer)
			return peer;
	}
	name_put(name);
	return peer;
}

/*
 * Makes the new row @edge known to its sender's side, before anybody can ring
 * by it. Rows that are never looked at are not.
 */
int pvi_peer_add_edge(struct pvi_vm *vm, struct pvi_edge *edge)
{
	if (vm->grants_only)
		return 0;
	edge->peer = peer_get(vm, &edge->key.sender);
	if (!edge->peer)
		return -ENOMEM;
	list_add_tail_rcu(&edge->by_peer, &edge->peer->edges);
	return 0;
}

/* The row is not live any more; those who found it before may still use it. */
void pvi_peer_remove_edge(struct pvi_vm *vm, struct pvi_edge *edge)
{
	struct pvi_peer *peer = edge->peer;

	lockdep_assert_held(&vm->lock);
	if (!peer)
		return;
	list_del_rcu(&edge->by_peer);
	if (!list_empty(&peer->edges))
		return;
	xa_erase(&peer->key.name->peers, peer->position);
	rhashtable_remove_fast(&peers, &peer->node, peer_params);
	list_del(&peer->list);
	name_put(peer->key.name);
	kfree_rcu(peer, rcu);
}

/* True if @peer lets @from ring something, or would if it were exposed. Called under RCU. */
static bool permits(const struct pvi_peer *peer, const struct pvi_vm *from)
{
	const struct pvi_edge *edge;

	list_for_each_entry_rcu(edge, &peer->edges, by_peer)
		if (pvi_acl_permits(edge, from))
			return true;
	return false;
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

/* Whether the bound sender, if there is one, may see @peer. */
static bool shown(const struct pvi_peer *peer)
{
	struct pvi_vm *from;
	bool ret;

	rcu_read_lock();
	from = pvi_vm_find_uuid(&peer->key.name->uuid);
	ret = from && permits(peer, from);
	rcu_read_unlock();
	return ret;
}

static void tell_sender(const uuid_t *uuid, u32 type, const struct pvi_vm *about)
{
	struct pvi_vm *from;

	rcu_read_lock();
	from = pvi_vm_find_uuid(uuid);
	if (from)
		pvi_event_tell(from, type, about);
	rcu_read_unlock();
}

/* Whether the sender @uuid may see @vm. Before the rows change; then pvi_peer_tell(). */
bool pvi_peer_shown(struct pvi_vm *vm, const uuid_t *uuid)
{
	struct pvi_peer *peer = NULL;
	struct pvi_name *name;

	mutex_lock(&names_lock);
	name = rhashtable_lookup_fast(&names, uuid, name_params);
	if (name)
		peer = peer_find(vm, name);
	mutex_unlock(&names_lock);
	return peer && shown(peer);
}

/* The rows of @vm about @uuid have changed: tell the sender if it sees the difference. */
void pvi_peer_tell(struct pvi_vm *vm, const uuid_t *uuid, bool was_shown)
{
	bool is_shown = pvi_peer_shown(vm, uuid);

	if (is_shown != was_shown)
		tell_sender(uuid, is_shown ? KVM_PVI_EVENT_PEER_UP : KVM_PVI_EVENT_PEER_REVOKED,
			    vm);
}

/* The receiver has died: tell those who may see it, before its rows go. */
void pvi_peer_tell_senders(struct pvi_vm *vm)
{
	struct pvi_peer *peer;

	lockdep_assert_held(&vm->lock);
	list_for_each_entry(peer, &vm->peers, list) {
		if (shown(peer))
			tell_sender(&peer->key.name->uuid, KVM_PVI_EVENT_PEER_DOWN, vm);
		cond_resched();
	}
}

/* The peer at position *@i or the next one behind it, or NULL. Called under RCU. */
static struct pvi_peer *next_peer(struct pvi_vm *vm, unsigned long *i)
{
	return xa_find(&vm->name->peers, i, ULONG_MAX, XA_PRESENT);
}

/* The sender has died, and its rings have left: tell those who have heard of it. */
void pvi_peer_tell_receivers(struct pvi_vm *vm)
{
	struct pvi_peer *peer;
	unsigned long i;

	for (i = 0;; i++) {
		rcu_read_lock();
		peer = next_peer(vm, &i);
		if (peer && READ_ONCE(peer->heard) == vm->epoch)
			pvi_event_tell(peer->key.vm, KVM_PVI_EVENT_SENDER_DOWN, vm);
		rcu_read_unlock();
		if (!peer)
			return;
		cond_resched();
	}
}

/*
 * @from has rung or connected by @edge for the first time since it was bound.
 * Called under RCU, while @edge is live.
 */
void pvi_peer_hear(struct pvi_vm *from, struct pvi_edge *edge)
{
	WRITE_ONCE(edge->heard, from->epoch);
	if (edge->peer && xchg(&edge->peer->heard, from->epoch) != from->epoch)
		pvi_event_tell(edge->vm, KVM_PVI_EVENT_SENDER_UP, from);
}

/* Rings a GSI of one peer; true if it accepted. Nothing happens where it is not exposed. */
static bool ring_peer(struct pvi_vm *from, struct pvi_peer *peer, u32 gsi)
{
	struct pvi_vm *to = peer->key.vm;
	struct pvi_edge *edge;

	if (pvi_vm_dying(to) || !pvi_gsi_find(to, gsi))
		return false;
	edge = pvi_acl_find(from, &to->uuid, gsi);
	return edge && edge->vm == to && pvi_ring_edge(from, edge, gsi) >= 0;
}

/*
 * Rings @gsi of every peer from position @first on, KVM_PVI_BROADCAST_MAX
 * positions; returns how many accepted. Called under RCU.
 */
int pvi_peer_broadcast(struct pvi_vm *from, u32 gsi, u64 first)
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

/* Fills records from position *@i on; returns how many. */
static unsigned int collect(struct pvi_vm *vm, unsigned long *i, struct kvm_pvi_peer *records,
			    unsigned int max)
{
	unsigned int nr = 0;
	struct pvi_peer *peer;

	while (nr < max) {
		rcu_read_lock();
		peer = next_peer(vm, i);
		if (peer && !pvi_vm_dying(peer->key.vm) && permits(peer, vm)) {
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
s64 pvi_peer_list(struct pvi_call *c)
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

int __init pvi_peer_init(void)
{
	int ret = rhashtable_init(&names, &name_params);

	if (ret)
		return ret;
	ret = rhashtable_init(&peers, &peer_params);
	if (ret)
		rhashtable_destroy(&names);
	return ret;
}

void pvi_peer_exit(void)
{
	rhashtable_destroy(&peers);
	rhashtable_destroy(&names);
}
