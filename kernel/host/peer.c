// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi peer - who may be rung, seen from the sender
 *
 * The receivers' tables turned around. For each name that some table knows as a
 * sender there is one struct pvi_name, and in it one struct pvi_peer for each
 * receiver that has rows of that name. Its position there is the sender's own
 * number of that peer, the lowest that was free, kept until the receiver dies
 * or takes its last row back. So binding a VM with many peers costs nothing:
 * the numbers are there already; and broadcast and PEERS (walk.c) go over them in
 * pieces.
 *
 * A sender is told of receivers that let it ring, a receiver of senders that
 * have rung or connected. Whoever changes something computes what the sender
 * could see before and after, see pvi_peer_tell(). What a receiver was told is
 * up it is told is down, once: when that binding has died, or a later one of
 * the same name is heard first. So a peer of which the receiver has heard stays
 * until then, though its last row is taken back meanwhile.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "event.h"
#include "peer.h"

static DEFINE_SPINLOCK(names_lock);	/* protects names and pvi_name.users */
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
	spin_lock(&names_lock);
	name = rhashtable_lookup_fast(&names, uuid, name_params);
	if (!name && !rhashtable_insert_fast(&names, &new->node, name_params))
		swap(name, new);
	if (name)
		name->users++;
	spin_unlock(&names_lock);
	kfree(new);
	return name;
}

static void name_put(struct pvi_name *name)
{
	spin_lock(&names_lock);
	if (--name->users)
		name = NULL;
	else
		rhashtable_remove_fast(&names, &name->node, name_params);
	spin_unlock(&names_lock);
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
	struct pvi_peer_key key = { vm, name };

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
	edge->peer = peer_get(vm, pvi_words_uuid(&edge->key.sender));
	if (!edge->peer)
		return -ENOMEM;
	list_add_tail_rcu(&edge->by_peer, &edge->peer->edges);
	return 0;
}

/* Nobody finds @peer from here on; who has may use it until a grace period has passed. */
static void peer_remove(struct pvi_peer *peer)
{
	xa_erase(&peer->key.name->peers, peer->position);
	rhashtable_remove_fast(&peers, &peer->node, peer_params);
	list_del(&peer->list);
	name_put(peer->key.name);
	kfree_rcu(peer, rcu);
}

/* Nothing is told of @peer any more. False: the receiver is still to be told that it is down. */
static bool peer_gone(struct pvi_peer *peer)
{
	struct pvi_events *ev = peer->key.vm->events;
	bool heard;

	spin_lock(&ev->lock);
	heard = peer->heard;
	if (!heard)
		WRITE_ONCE(peer->heard, PVI_PEER_GONE);
	spin_unlock(&ev->lock);
	return !heard;
}

/* Removes a peer without rows, unless the receiver is still to be told that it is down. */
static void peer_remove_unheard(struct pvi_vm *vm, struct pvi_peer *peer)
{
	lockdep_assert_held(&vm->lock);
	if (list_empty(&peer->edges) && peer_gone(peer))
		peer_remove(peer);
}

/* The row is not live any more; those who found it before may still use it. */
void pvi_peer_remove_edge(struct pvi_vm *vm, struct pvi_edge *edge)
{
	if (!edge->peer)
		return;
	list_del_rcu(&edge->by_peer);
	peer_remove_unheard(vm, edge->peer);
}

/* The receiver has died, and has no rows any more: nobody is to tell it anything. */
void pvi_peer_unpublish(struct pvi_vm *vm)
{
	struct pvi_peer *peer, *next;

	lockdep_assert_held(&vm->lock);
	list_for_each_entry_safe(peer, next, &vm->peers, list) {
		spin_lock(&vm->events->lock);
		WRITE_ONCE(peer->heard, PVI_PEER_GONE);
		spin_unlock(&vm->events->lock);
		peer_remove(peer);
		cond_resched();
	}
}

/* True if @peer lets @from ring something, or would if it were exposed. Called under RCU. */
bool pvi_peer_permits(const struct pvi_peer *peer, const struct pvi_vm *from)
{
	const struct pvi_edge *edge;

	list_for_each_entry_rcu(edge, &peer->edges, by_peer)
		if (pvi_edge_permits(edge, from))
			return true;
	return false;
}

/* Whether the bound sender, if there is one, may see @peer. */
static bool peer_is_shown(const struct pvi_peer *peer)
{
	struct pvi_vm *from;
	bool ret;

	rcu_read_lock();
	from = pvi_vm_find_uuid(&peer->key.name->uuid);
	ret = from && pvi_peer_permits(peer, from);
	rcu_read_unlock();
	return ret;
}

static void peer_tell_sender(const uuid_t *uuid, u32 type, const struct pvi_vm *about)
{
	struct pvi_vm *from;

	rcu_read_lock();
	from = pvi_vm_find_uuid(uuid);
	if (from)
		pvi_event_tell(from, type, about->epoch, &about->uuid);
	rcu_read_unlock();
}

static struct pvi_peer *peer_find_uuid(struct pvi_vm *vm, const uuid_t *uuid)
{
	struct pvi_peer *peer = NULL;
	struct pvi_name *name;

	spin_lock(&names_lock);
	name = rhashtable_lookup_fast(&names, uuid, name_params);
	if (name)
		peer = peer_find(vm, name);
	spin_unlock(&names_lock);
	return peer;
}

/* Any row but @changed. Called under RCU. */
static bool peer_others_permit(const struct pvi_peer *peer, const struct pvi_edge *changed,
			       const struct pvi_vm *from)
{
	const struct pvi_edge *edge;

	list_for_each_entry_rcu(edge, &peer->edges, by_peer)
		if (edge != changed && pvi_edge_permits(edge, from))
			return true;
	return false;
}

/*
 * The rows of @vm about @uuid have changed: tell the sender if it sees the difference. @changed: the row that was
 * made or replaced, or NULL; @permitted: whether what was replaced or taken away let a sender ring. Both sides of
 * the difference are looked at behind it, for one sender: which may have been bound a moment before it.
 */
void pvi_peer_tell(struct pvi_vm *vm, const uuid_t *uuid, const struct pvi_edge *changed,
		   bool (*permitted)(const void *arg, const struct pvi_vm *from), const void *arg)
{
	struct pvi_peer *peer = peer_find_uuid(vm, uuid);
	struct pvi_vm *from;
	bool others, is_shown;

	rcu_read_lock();
	from = pvi_vm_find_uuid(uuid);
	others = !from || (peer && peer_others_permit(peer, changed, from));
	if (!others) {
		is_shown = pvi_edge_permits(changed, from);
		if (is_shown != permitted(arg, from))
			pvi_event_tell(from, is_shown ? KVM_PVI_EVENT_PEER_UP : KVM_PVI_EVENT_PEER_REVOKED,
				       vm->epoch, &vm->uuid);
	}
	rcu_read_unlock();
}

/* The receiver has died: tell those who may see it, before its rows go. */
void pvi_peer_tell_senders(struct pvi_vm *vm)
{
	struct pvi_peer *peer;

	lockdep_assert_held(&vm->lock);
	list_for_each_entry(peer, &vm->peers, list) {
		if (peer_is_shown(peer))
			peer_tell_sender(&peer->key.name->uuid, KVM_PVI_EVENT_PEER_DOWN, vm);
		cond_resched();
	}
}

/* False: @peer's receiver has not heard of the binding @vm, or of its successor already. Called under RCU. */
static bool peer_keep_down(struct pvi_peer *peer, const struct pvi_vm *vm)
{
	struct pvi_events *ev = peer->key.vm->events;
	bool heard;

	spin_lock(&ev->lock);
	heard = peer->heard == vm->epoch;
	if (heard) {
		WRITE_ONCE(peer->heard, 0);
		pvi_event_keep(ev, KVM_PVI_EVENT_SENDER_DOWN, vm->epoch, &vm->uuid);
	}
	spin_unlock(&ev->lock);
	return heard;
}

/*
 * The sender has died, and its rings have left: tell those who have heard of it
 * and not yet of its successor.
 */
void pvi_peer_tell_receivers(struct pvi_vm *vm)
{
	struct pvi_peer *peer;
	unsigned long i;

	for (i = 0;; i++) {
		rcu_read_lock();
		peer = pvi_peer_next(vm, &i);
		if (peer && peer_keep_down(peer, vm))
			pvi_event_kept(peer->key.vm);
		rcu_read_unlock();
		if (!peer)
			return;
		cond_resched();
	}
}

/* All whose rows have gone, and of whom nobody is to be told any more. */
void pvi_peer_settle(struct pvi_vm *vm)
{
	struct pvi_peer *peer, *next;

	list_for_each_entry_safe(peer, next, &vm->peers, list) {
		peer_remove_unheard(vm, peer);
		cond_resched();
	}
}

/* The rows of @to about the name of @from may have gone: then so does the peer. */
static void peer_forget(struct pvi_vm *to, struct pvi_vm *from)
{
	struct pvi_peer *peer;

	/* It is not to wait for the owner of @to. */
	if (!mutex_trylock(&to->lock)) {
		pvi_vm_owe(to, PVI_OWED_PEERS);
		return;
	}
	peer = peer_find(to, from->name);
	if (peer)
		peer_remove_unheard(to, peer);
	pvi_vm_unlock(to);
}

/*
 * The last of a sender that has died: receivers that took their rows back before
 * have kept the peer, to be told.
 */
void pvi_peer_forget(struct pvi_vm *vm)
{
	struct pvi_peer *peer;
	struct pvi_vm *to;
	unsigned long i;

	for (i = 0;; i++) {
		to = NULL;
		rcu_read_lock();
		peer = pvi_peer_next(vm, &i);
		if (peer && list_empty(&peer->edges) && kref_get_unless_zero(&peer->key.vm->ref))
			to = peer->key.vm;
		rcu_read_unlock();
		if (!peer)
			return;
		if (to) {
			peer_forget(to, vm);
			pvi_vm_put(to);
		}
		cond_resched();
	}
}

/*
 * Whom the receiver hears of changes in the same hold of the lock in which it is
 * kept: or a death could be told behind the next life, or a life for which no
 * death follows. False: there is nothing to tell.
 */
static bool peer_keep_up(struct pvi_peer *peer, struct pvi_vm *from)
{
	struct pvi_events *ev = peer->key.vm->events;
	bool up = false;
	u64 old;

	spin_lock(&ev->lock);
	old = peer->heard;
	if (old == from->epoch || old == PVI_PEER_GONE)
		goto out;
	/*
	 * A ring that was on its way when its sender died may come behind one of the successor. The lock orders
	 * the two looks: pairs with pvi_vm_unlist(), which let the successor in.
	 */
	if (old && !pvi_vm_bound(from))
		goto out;
	WRITE_ONCE(peer->heard, from->epoch);
	if (old)
		pvi_event_keep(ev, KVM_PVI_EVENT_SENDER_DOWN, old, &from->uuid);
	pvi_event_keep(ev, KVM_PVI_EVENT_SENDER_UP, from->epoch, &from->uuid);
	up = true;
out:
	spin_unlock(&ev->lock);
	return up;
}

/*
 * @from has rung or connected by @edge for the first time since it was bound.
 * Called under RCU, while @edge is live.
 */
void pvi_peer_hear(struct pvi_vm *from, struct pvi_edge *edge)
{
	struct pvi_peer *peer = edge->peer;

	WRITE_ONCE(edge->heard, from->epoch);
	if (peer && READ_ONCE(peer->heard) != from->epoch && peer_keep_up(peer, from))
		pvi_event_kept(edge->vm);
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
