// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi acl - the receivers' pvi_sender_uuid tables
 *
 * A row is an edge: who may ring what, how often, and how often it was. All
 * rows of all receivers stand in one table keyed by (receiver, sender, what),
 * so that a ring by UUID is one lookup however many VMs and senders there are.
 * A row's sender need not exist; a row goes with its receiver.
 */
#include <linux/cred.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "acl.h"
#include "bell.h"
#include "gsi.h"
#include "limit.h"
#include "peer.h"

static unsigned int max_senders = 4096;
PVI_LIMIT(max_senders, 65536, "rows of one receiver's table");

static struct rhashtable edges;

/* Secret, so that names which collide cannot be chosen. */
static u64 hash_key[7];

/*
 * Each bit depends on all of @a and @b, which the low half of a product alone
 * does not. In C, by way of __int128, it would align the stack.
 */
static __always_inline u64 acl_fold(u64 a, u64 b)
{
	u64 high;

	asm("mulq %[b]" : "+a" (a), "=d" (high) : [b] "rm" (b) : "cc");
	return a ^ high;
}

/*
 * The rows are looked up on the way of each ring by UUID, where jhash and
 * memcmp() would be a third of all that kvm_pvi does. Names come in series, and
 * a receiver chooses those of its rows: all bits must count, and unforeseeably.
 * In a sum of products they do not: whatever odd numbers two words are
 * multiplied by, flipping the top bit of both keeps the sum. What is rung is a
 * small number, mostly one of many in a row: by itself in the last product it
 * would be multiplied by one number for all rows of a sender, and where that
 * happens to be even many times over, most of them stand in a few chains.
 */
static __always_inline u32 acl_key_hash(const void *data, u32 len, u32 seed)
{
	const struct pvi_edge_key *key = data;
	u64 hash = acl_fold(key->receiver.first ^ hash_key[0], key->receiver.last ^ hash_key[1]) +
		   acl_fold(key->sender.first ^ hash_key[2], key->sender.last ^ hash_key[3]) +
		   key->what * hash_key[4];

	return acl_fold(hash ^ hash_key[5], (u64)seed << 32 ^ hash_key[6]);
}

static __always_inline u64 acl_differ(const struct pvi_words *a, const struct pvi_words *b)
{
	return (a->first ^ b->first) | (a->last ^ b->last);
}

static __always_inline int acl_key_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct pvi_edge_key *a = arg->key;
	const struct pvi_edge_key *b = &((const struct pvi_edge *)obj)->key;

	return (acl_differ(&a->receiver, &b->receiver) | acl_differ(&a->sender, &b->sender) |
		(a->what ^ b->what)) != 0;
}

static const struct rhashtable_params edge_params = {
	.key_offset = offsetof(struct pvi_edge, key),
	.key_len = sizeof_field(struct pvi_edge, key),
	.head_offset = offsetof(struct pvi_edge, node),
	.hashfn = acl_key_hash,
	.obj_cmpfn = acl_key_cmp,
	.automatic_shrinking = true,
};

static __always_inline struct pvi_edge *acl_find(const struct pvi_vm *from,
						 struct pvi_words to, u32 what)
{
	struct pvi_edge_key key = {
		.receiver = to,
		.sender = pvi_words_of(&from->uuid),
		.what = what,
	};

	return rhashtable_lookup(&edges, &key, edge_params);
}

/* The row is another, or there is none. */
static noinline struct pvi_edge *acl_find_any(const struct pvi_vm *from, struct pvi_words to,
					      u32 what)
{
	struct pvi_edge *edge;

	if (pvi_what_is_bell(what))
		return NULL;
	edge = acl_find(from, to, KVM_PVI_GSI_ANY);
	return pvi_edge_permits(edge, from) ? edge : NULL;
}

/* The row that permits @from to ring @what, a GSI or a bell, of @to, or NULL. Valid under RCU. */
__flatten
struct pvi_edge *pvi_acl_find(struct pvi_vm *from, struct pvi_words to, u32 what)
{
	struct pvi_edge *edge = acl_find(from, to, what);

	return likely(pvi_edge_permits(edge, from)) ? edge : acl_find_any(from, to, what);
}

static bool acl_what_is_plain(u32 gsi)
{
	return pvi_gsi_valid(gsi) || gsi == KVM_PVI_GSI_ANY;
}

static int acl_check(const struct kvm_pvi_allow *a, const uuid_t *uuid, kuid_t *owner)
{
	bool bell = a->flags & KVM_PVI_ALLOW_BELL;

	if (!pvi_words_uuid_is_name(uuid) || bell != !!a->bits)
		return -EINVAL;
	if (bell ? a->gsi >= pvi_bell_max() : !acl_what_is_plain(a->gsi))
		return -EINVAL;
	*owner = INVALID_UID;
	if (a->flags & KVM_PVI_ALLOW_OWNER) {
		*owner = make_kuid(current_user_ns(), a->owner);
		if (!uid_valid(*owner))
			return -EINVAL;
	} else if (a->owner) {
		return -EINVAL;
	}
	return pvi_bucket_check(a->rate, a->burst);
}

/*
 * Rings look at the row meanwhile. Those of plain GSIs look at the pin alone: whom both the old and the new one permits
 * finds it so at any moment, so a pin that goes leaves its owner there.
 */
static void acl_set_row(struct pvi_edge *edge, const struct kvm_pvi_allow *a, kuid_t owner)
{
	preempt_disable();
	/* Pairs with pvi_edge_granted(). */
	write_seqcount_begin(&edge->row_seq);
	if (a->flags & KVM_PVI_ALLOW_OWNER) {
		WRITE_ONCE(edge->owner.val, owner.val);
		/* Pairs with pvi_edge_pinned_out(). */
		smp_store_release(&edge->pinned, true);
	} else {
		WRITE_ONCE(edge->pinned, false);
	}
	WRITE_ONCE(edge->bits, a->bits);
	write_seqcount_end(&edge->row_seq);
	preempt_enable();
	pvi_bucket_set(&edge->bucket, a->rate, a->burst);
}

static int acl_publish_row(struct pvi_vm *vm, struct pvi_edge *edge)
{
	int ret;

	ret = pvi_edge_list(vm, edge);
	if (ret)
		return ret;
	ret = pvi_peer_add_edge(vm, edge);
	if (ret)
		goto err_list;
	if (edge->key.what != KVM_PVI_GSI_ANY)
		rcu_assign_pointer(edge->gsi, pvi_gsi_find(vm, edge->key.what));
	if (rhashtable_insert_fast(&edges, &edge->node, edge_params)) {
		ret = -ENOMEM;
		goto err_peer;
	}
	WRITE_ONCE(edge->shown, true);
	vm->nr_edges++;
	return 0;

err_peer:
	pvi_peer_remove_edge(vm, edge);
err_list:
	pvi_edge_unlist(vm, edge);
	return ret;
}

/* Returns the new row, or an error. */
static struct pvi_edge *acl_add_row(struct pvi_vm *vm, const struct pvi_edge_key *key,
				    const struct kvm_pvi_allow *a, kuid_t owner)
{
	struct pvi_edge *edge;
	int ret;

	if (vm->nr_edges >= READ_ONCE(max_senders))
		return ERR_PTR(-ENOSPC);
	edge = pvi_edge_alloc(vm);
	if (!edge)
		return ERR_PTR(-ENOMEM);
	edge->key = *key;
	acl_set_row(edge, a, owner);
	ret = acl_publish_row(vm, edge);
	if (!ret)
		return edge;
	pvi_edge_put(edge);
	return ERR_PTR(ret);
}

/* A row as it was. */
struct acl_was {
	const struct pvi_vm *vm;
	bool there;
	bool pinned;
	kuid_t owner;
};

static bool acl_was_permitted(const void *arg, const struct pvi_vm *from)
{
	const struct acl_was *was = arg;

	return was->there && !was->vm->grants_only &&
	       !(was->pinned && !uid_eq(was->owner, from->owner));
}

int pvi_acl_allow(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_allow *a = arg;
	struct acl_was was = { .vm = vm };
	struct pvi_edge_key key;
	struct pvi_edge *edge;
	kuid_t owner;
	uuid_t uuid;
	int ret;

	import_uuid(&uuid, a->uuid);
	ret = acl_check(a, &uuid, &owner);
	if (ret)
		return ret;
	ret = pvi_vm_lock(vm);
	if (ret)
		return ret;
	pvi_edge_key(&key, &vm->uuid, &uuid,
		     a->flags & KVM_PVI_ALLOW_BELL ? PVI_WHAT_BELL | a->gsi : a->gsi);
	edge = rhashtable_lookup_fast(&edges, &key, edge_params);
	if (edge) {
		was.there = true;
		was.pinned = edge->pinned;
		was.owner = edge->owner;
		acl_set_row(edge, a, owner);
	} else {
		edge = acl_add_row(vm, &key, a, owner);
	}
	if (!IS_ERR(edge))
		pvi_peer_tell(vm, &uuid, edge, acl_was_permitted, &was);
	pvi_vm_unlock(vm);
	return PTR_ERR_OR_ZERO(edge);
}

/* Ports keep the edge; nobody finds it any more. */
static void acl_remove_row(struct pvi_edge *edge, enum pvi_edge_state state)
{
	WRITE_ONCE(edge->state, state);
	rhashtable_remove_fast(&edges, &edge->node, edge_params);
	pvi_peer_remove_edge(edge->vm, edge);
}

/* The row has one reference, which becomes @revoked's. */
static void acl_revoke_row(struct pvi_vm *vm, struct pvi_edge *edge, struct list_head *revoked)
{
	acl_remove_row(edge, PVI_EDGE_REVOKED);
	pvi_edge_unlist(vm, edge);
	vm->nr_edges--;
	list_add_tail(&edge->revoked, revoked);
}

static void acl_revoke_all(struct pvi_vm *vm, struct pvi_words sender, struct list_head *revoked)
{
	struct pvi_edge *edge;
	unsigned long id;

	xa_for_each(&vm->edges, id, edge) {
		if (!acl_differ(&edge->key.sender, &sender))
			acl_revoke_row(vm, edge, revoked);
		cond_resched();
	}
}

static int acl_check_revoke(const struct kvm_pvi_revoke *r, const uuid_t *uuid)
{
	bool bell = r->flags & KVM_PVI_REVOKE_BELL;

	if (!pvi_words_uuid_is_name(uuid) || r->__reserved)
		return -EINVAL;
	if (r->flags & KVM_PVI_REVOKE_ALL)
		return r->gsi || bell ? -EINVAL : 0;
	return (bell ? r->gsi < PVI_BELLS_CAP : acl_what_is_plain(r->gsi)) ? 0 : -EINVAL;
}

static bool acl_revoked_permitted(const void *arg, const struct pvi_vm *from)
{
	const struct list_head *revoked = arg;
	const struct pvi_edge *edge;

	list_for_each_entry(edge, revoked, revoked)
		if (pvi_edge_permits(edge, from))
			return true;
	return false;
}

int pvi_acl_revoke(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_revoke *r = arg;
	struct pvi_edge *edge, *next;
	struct pvi_edge_key key;
	LIST_HEAD(revoked);
	uuid_t uuid;
	int ret;

	import_uuid(&uuid, r->uuid);
	ret = acl_check_revoke(r, &uuid);
	if (ret)
		return ret;
	ret = pvi_vm_lock(vm);
	if (ret)
		return ret;
	pvi_edge_key(&key, &vm->uuid, &uuid,
		     r->flags & KVM_PVI_REVOKE_BELL ? PVI_WHAT_BELL | r->gsi : r->gsi);
	if (r->flags & KVM_PVI_REVOKE_ALL) {
		acl_revoke_all(vm, key.sender, &revoked);
	} else {
		edge = rhashtable_lookup_fast(&edges, &key, edge_params);
		if (edge)
			acl_revoke_row(vm, edge, &revoked);
	}
	pvi_peer_tell(vm, &uuid, NULL, acl_revoked_permitted, &revoked);
	pvi_vm_unlock(vm);
	if (list_empty(&revoked))
		return -ENOENT;

	/* Pairs with the read section from permission check to injection. */
	synchronize_rcu();
	list_for_each_entry_safe(edge, next, &revoked, revoked) {
		pvi_edge_put(edge);
		cond_resched();
	}
	return 0;
}

int pvi_acl_get_edge(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_edge *e = arg;
	unsigned long next = e->cursor;
	struct pvi_edge *edge;

	if (pvi_vm_lock_any(vm))
		return -EINTR;
	edge = xa_find(&vm->edges, &next, ULONG_MAX, XA_PRESENT);
	if (edge) {
		e->cursor = edge->id;
		export_uuid(e->uuid, pvi_words_uuid(&edge->key.sender));
		e->gsi = edge->key.what;
		e->kind = KVM_PVI_EDGE_GSI;
		if (pvi_what_is_bell(e->gsi)) {
			e->gsi &= ~PVI_WHAT_BELL;
			e->kind = KVM_PVI_EDGE_BELL;
		}
		if (pvi_edge_is_grant(edge))
			e->kind = KVM_PVI_EDGE_GRANT;
		e->counts.raised = atomic64_read(&edge->counts[PVI_RAISED]);
		e->counts.coalesced = atomic64_read(&edge->counts[PVI_COALESCED]);
		e->counts.latched = atomic64_read(&edge->counts[PVI_LATCHED]);
		e->counts.denied = atomic64_read(&edge->counts[PVI_DENIED]);
		e->counts.throttled = atomic64_read(&edge->counts[PVI_THROTTLED]);
	}
	pvi_vm_unlock(vm);
	return edge ? 0 : -ENOENT;
}

/* The receiver has died. The edges stay in its list, for their counters. */
void pvi_acl_unpublish(struct pvi_vm *vm)
{
	struct pvi_edge *edge;
	unsigned long id;

	lockdep_assert_held(&vm->lock);
	xa_for_each(&vm->edges, id, edge) {
		if (pvi_edge_is_grant(edge))
			/* Unless its last descriptor goes at this moment. */
			cmpxchg(&edge->state, PVI_EDGE_LIVE, PVI_EDGE_DEAD);
		else
			acl_remove_row(edge, PVI_EDGE_DEAD);
		cond_resched();
	}
	pvi_peer_unpublish(vm);
}

static void acl_show(struct seq_file *m, const struct pvi_edge *edge)
{
	int i;

	seq_printf(m, "%pUb %pUb ", &edge->key.receiver, &edge->key.sender);
	if (edge->key.what == KVM_PVI_GSI_ANY)
		seq_puts(m, "any");
	else if (pvi_what_is_bell(edge->key.what))
		seq_printf(m, "bell%u", edge->key.what & ~PVI_WHAT_BELL);
	else
		seq_printf(m, "%u", edge->key.what);
	for (i = 0; i < PVI_NR_COUNTS; i++)
		seq_printf(m, " %lld", atomic64_read(&edge->counts[i]));
	seq_putc(m, '\n');
}

/* One line for each row of all tables. */
void pvi_acl_list(struct seq_file *m)
{
	struct rhashtable_iter iter;
	struct pvi_edge *edge;
	unsigned int nr = 0;

	seq_puts(m, "receiver sender gsi raised coalesced latched denied throttled\n");
	rhashtable_walk_enter(&edges, &iter);
	rhashtable_walk_start(&iter);
	while ((edge = rhashtable_walk_next(&iter))) {
		if (!IS_ERR(edge))
			acl_show(m, edge);
		pvi_vm_walk_pause(&iter, ++nr);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}

int __init pvi_acl_init(void)
{
	get_random_bytes(hash_key, sizeof(hash_key));
	return rhashtable_init(&edges, &edge_params);
}

void pvi_acl_exit(void)
{
	rhashtable_destroy(&edges);
}

u32 pvi_acl_max(void)
{
	return READ_ONCE(max_senders);
}
