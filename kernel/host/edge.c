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

static struct pvi_rows *edge_get_rows(struct pvi_vm *vm, u32 what)
{
	struct pvi_rows *rows = xa_load(&vm->whats, what);

	if (rows)
		return rows;
	rows = kzalloc(sizeof(*rows), GFP_KERNEL_ACCOUNT);
	if (!rows)
		return NULL;
	INIT_LIST_HEAD(&rows->edges);
	rows->what = what;
	if (!xa_insert(&vm->whats, what, rows, GFP_KERNEL))
		return rows;
	kfree(rows);
	return NULL;
}

static void edge_put_rows(struct pvi_vm *vm, struct pvi_rows *rows)
{
	if (!list_empty(&rows->edges))
		return;
	xa_erase(&vm->whats, rows->what);
	kfree(rows);
}

/*
 * Lists the edge at its receiver: by id, which it gets, and with those that name
 * the same. Nobody rings by it yet. ENOMEM.
 */
int pvi_edge_list(struct pvi_vm *vm, struct pvi_edge *edge)
{
	int ret;

	lockdep_assert_held(&vm->lock);
	edge->rows = edge_get_rows(vm, edge->key.what);
	if (!edge->rows)
		return -ENOMEM;
	edge->id = vm->next_edge + 1;
	ret = xa_insert(&vm->edges, edge->id, edge, GFP_KERNEL);
	if (ret) {
		edge_put_rows(vm, edge->rows);
		return ret;
	}
	list_add_tail(&edge->by_what, &edge->rows->edges);
	vm->next_edge = edge->id;
	return 0;
}

/* The caller has the reference that the lists had. */
void pvi_edge_unlist(struct pvi_vm *vm, struct pvi_edge *edge)
{
	lockdep_assert_held(&vm->lock);
	xa_erase(&vm->edges, edge->id);
	list_del(&edge->by_what);
	edge_put_rows(vm, edge->rows);
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
	struct pvi_rows *rows;
	unsigned long i;

	xa_for_each(&vm->edges, i, edge)
		pvi_edge_put(edge);
	xa_destroy(&vm->edges);
	xa_for_each(&vm->whats, i, rows)
		kfree(rows);
	xa_destroy(&vm->whats);
}
