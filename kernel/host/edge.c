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

/* Gives the edge its id. Nobody rings by it yet. */
int pvi_edge_list(struct pvi_vm *vm, struct pvi_edge *edge)
{
	int ret;

	lockdep_assert_held(&vm->lock);
	edge->id = vm->next_edge + 1;
	ret = xa_insert(&vm->edges, edge->id, edge, GFP_KERNEL);
	if (!ret)
		vm->next_edge = edge->id;
	return ret;
}

/* The caller has the reference that the list had. */
void pvi_edge_unlist(struct pvi_vm *vm, struct pvi_edge *edge)
{
	lockdep_assert_held(&vm->lock);
	xa_erase(&vm->edges, edge->id);
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
