// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi edge - a permission: a row of a receiver's table, or a grant
 *
 * State before everything: an edge that is not live any more rings nothing,
 * whoever still holds it. Revoking sets the state and then waits for the rings
 * that saw the old one.
 */
#include <linux/slab.h>

#include "edge.h"

void pvi_edge_key(struct pvi_edge_key *key, const uuid_t *to, const uuid_t *from, u32 what)
{
	key->receiver = pvi_words_of(to);
	key->sender = pvi_words_of(from);
	key->what = what;
}

/* Returns one that rings @vm, with one reference, or NULL: no memory. */
struct pvi_edge *pvi_edge_alloc(struct pvi_vm *vm)
{
	struct pvi_edge *edge = kzalloc(sizeof(*edge), GFP_KERNEL_ACCOUNT);

	if (!edge)
		return NULL;
	edge->vm = vm;
	seqcount_init(&edge->row_seq);
	kref_init(&edge->ref);
	return edge;
}

/* Returns one to a receiver that has died, which nobody finds, or NULL: no memory. */
struct pvi_edge *pvi_edge_dead(struct pvi_vm *from, const uuid_t *to, u32 what)
{
	struct pvi_edge *edge = pvi_edge_alloc(NULL);

	if (!edge)
		return NULL;
	pvi_edge_key(&edge->key, to, &from->uuid, what);
	edge->state = PVI_EDGE_DEAD;
	return edge;
}

/* Of plain GSIs alone: the others are found by nobody who exposes something. */
static bool edge_has_ring(const struct pvi_edge *edge)
{
	return edge->key.what != KVM_PVI_GSI_ANY && !pvi_what_is_bell(edge->key.what);
}

/* Into the ring of those that name the same; vm->whats has one of them. */
static int edge_join_ring(struct pvi_vm *vm, struct pvi_edge *edge)
{
	struct pvi_edge *other;

	INIT_LIST_HEAD(&edge->by_what);
	if (!edge_has_ring(edge))
		return 0;
	other = xa_load(&vm->whats, edge->key.what);
	if (!other)
		return xa_insert(&vm->whats, edge->key.what, edge, GFP_KERNEL);
	list_add_tail(&edge->by_what, &other->by_what);
	return 0;
}

static void edge_leave_ring(struct pvi_vm *vm, struct pvi_edge *edge)
{
	struct pvi_edge *other = list_next_entry(edge, by_what);

	list_del(&edge->by_what);
	if (!edge_has_ring(edge) || xa_load(&vm->whats, edge->key.what) != edge)
		return;
	/* In the place of another entry: nothing is allocated. */
	if (other == edge)
		xa_erase(&vm->whats, edge->key.what);
	else
		xa_store(&vm->whats, edge->key.what, other, GFP_KERNEL);
}

/*
 * Lists the edge at its receiver: by id, which it gets, and with those that name
 * the same. Nobody rings by it yet. ENOMEM.
 */
int pvi_edge_list(struct pvi_vm *vm, struct pvi_edge *edge)
{
	int ret;

	lockdep_assert_held(&vm->lock);
	ret = edge_join_ring(vm, edge);
	if (ret)
		return ret;
	/* Its index is one less: of 0, the only one of many tables, xarrays need no node. */
	edge->id = vm->next_edge + 1;
	ret = xa_insert(&vm->edges, vm->next_edge, edge, GFP_KERNEL);
	if (ret)
		edge_leave_ring(vm, edge);
	else
		vm->next_edge = edge->id;
	return ret;
}

/* The caller has the reference that the lists had. */
void pvi_edge_unlist(struct pvi_vm *vm, struct pvi_edge *edge)
{
	lockdep_assert_held(&vm->lock);
	xa_erase(&vm->edges, edge->id - 1);
	edge_leave_ring(vm, edge);
}

/* @gsi is exposed as @g from here on, or not any more if that is NULL. */
void pvi_edge_set_gsi(struct pvi_vm *vm, u32 gsi, struct pvi_gsi *g)
{
	struct pvi_edge *first = xa_load(&vm->whats, gsi), *edge = first;

	lockdep_assert_held(&vm->lock);
	if (!first)
		return;
	do {
		rcu_assign_pointer(edge->gsi, g);
		edge = list_next_entry(edge, by_what);
		cond_resched();
	} while (edge != first);
}

static void edge_free(struct kref *ref)
{
	struct pvi_edge *edge = container_of(ref, struct pvi_edge, ref);

	kfree_rcu(edge, rcu);
}

void pvi_edge_put(struct pvi_edge *edge)
{
	kref_put(&edge->ref, edge_free);
}

/* Drops what is listed of a receiver that nobody refers to. */
void pvi_edge_free_all(struct pvi_vm *vm)
{
	struct pvi_edge *edge;
	unsigned long id;

	xa_for_each(&vm->edges, id, edge) {
		pvi_edge_put(edge);
		cond_resched();
	}
	xa_destroy(&vm->edges);
	xa_destroy(&vm->whats);
}
