// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi expose - a receiver's GSIs: made, wired, ended
 */
#include <linux/slab.h>

#include "bell.h"
#include "deliver.h"
#include "edge.h"
#include "event.h"
#include "eventfd.h"
#include "expose.h"
#include "limit.h"
#include "status.h"

static unsigned int max_gsis = 1024;
PVI_LIMIT(max_gsis, 8192, "exposed GSIs of one endpoint");

static int expose_check_kind(struct pvi_vm *vm, const struct kvm_pvi_expose *e)
{
	if (e->kind == KVM_PVI_GSI_EVENTFD)
		return e->gsi < KVM_PVI_GSI_MAX ? 0 : -EINVAL;
	if (e->kind > KVM_PVI_GSI_MSI ||
	    (e->kind == KVM_PVI_GSI_MSI) != (e->gsi >= KVM_PVI_GSI_VIRTUAL))
		return -EINVAL;
	if (!vm->kvm || !pvi_kvm_has_lapic(vm->kvm))
		return -EOPNOTSUPP;
	if (e->kind == KVM_PVI_GSI_DIRECT && !pvi_inject_possible(vm->kvm, e->gsi))
		return -EOPNOTSUPP;
	return 0;
}

static int expose_publish(struct pvi_vm *vm, struct pvi_gsi *g)
{
	int ret;

	if (xa_load(&vm->gsis, g->gsi))
		return -EEXIST;
	if (vm->nr_gsis >= READ_ONCE(max_gsis))
		return -ENOSPC;
	ret = xa_insert(&vm->gsis, g->gsi, g, GFP_KERNEL);
	if (ret)
		return ret;
	WRITE_ONCE(vm->nr_gsis, vm->nr_gsis + 1);
	pvi_edge_set_gsi(vm, g->gsi, g);
	return 0;
}

int pvi_expose(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_expose *e = arg;
	struct pvi_gsi *g;
	int ret;

	if (!pvi_gsi_valid(e->gsi) || pvi_bucket_check(e->rate, e->burst))
		return -EINVAL;
	g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	if (!g)
		return -ENOMEM;
	g->vm = vm;
	g->gsi = e->gsi;
	g->kind = e->kind;
	pvi_deliver_init_gsi(g);
	pvi_bucket_set(&g->bucket, e->rate, e->burst);
	g->flags = e->rate ? BIT(PVI_GSI_LIMITED) : 0;

	ret = pvi_vm_lock(vm);
	if (ret)
		goto err_free;
	ret = expose_check_kind(vm, e);
	if (!ret)
		ret = expose_publish(vm, g);
	pvi_vm_unlock(vm);
	if (ret)
		goto err_free;
	return 0;

err_free:
	kfree(g);
	return ret;
}

/* Whoever had found @g has left, and nobody rings it any more: what it has of others. */
static void expose_end_gsi(struct pvi_gsi *g)
{
	struct eventfd_ctx *eventfd = rcu_replace_pointer(g->eventfd, NULL, true);

	cancel_delayed_work_sync(&g->retry);
	pvi_status_free(g);
	if (eventfd)
		pvi_eventfd_put_sink(eventfd);
}

/* Nobody finds @g any more. */
static void expose_free_gsi(struct pvi_gsi *g)
{
	pvi_bell_free(g);
	kfree(g);
}

int pvi_expose_undo(struct pvi_vm *vm, void *arg)
{
	struct pvi_gsi *g = pvi_gsi_find_named(vm, arg);

	if (IS_ERR(g))
		return PTR_ERR(g);
	pvi_edge_set_gsi(vm, g->gsi, NULL);
	xa_erase(&vm->gsis, g->gsi);
	pvi_bell_unpublish(g);
	pvi_event_forget_config(vm, g->gsi);
	WRITE_ONCE(vm->nr_gsis, vm->nr_gsis - 1);
	pvi_vm_unlock(vm);

	synchronize_rcu();
	expose_end_gsi(g);
	expose_free_gsi(g);
	return 0;
}

/*
 * Swaps the eventfd of @g, found and locked or an error, and lets the lock go;
 * pays what is latched, drops the old one when nobody signals it.
 */
static int expose_swap_eventfd(struct pvi_vm *vm, struct pvi_gsi *g, struct eventfd_ctx *eventfd)
	PVI_RELEASES(&vm->lock)
{
	struct eventfd_ctx *old;

	if (IS_ERR(g))
		return PTR_ERR(g);
	if (g->kind != KVM_PVI_GSI_EVENTFD) {
		pvi_vm_unlock(vm);
		return -EOPNOTSUPP;
	}
	old = rcu_replace_pointer(g->eventfd, eventfd, lockdep_is_held(&vm->lock));
	/* A wiring that goes makes nothing possible: what it has delivered is not latched for that. */
	if (eventfd)
		pvi_deliver_owed(g);
	pvi_vm_unlock(vm);

	if (old) {
		synchronize_rcu();
		pvi_eventfd_put_sink(old);
	}
	return 0;
}

int pvi_expose_wire(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_wire *w = arg;
	struct eventfd_ctx *eventfd;
	int ret;

	if (!pvi_gsi_valid(w->gsi))
		return -EINVAL;
	eventfd = pvi_eventfd_get_sink(w->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	ret = expose_swap_eventfd(vm, pvi_gsi_find_locked(vm, w->gsi), eventfd);
	if (ret)
		pvi_eventfd_put_sink(eventfd);
	return ret;
}

int pvi_expose_unwire(struct pvi_vm *vm, void *arg)
{
	return expose_swap_eventfd(vm, pvi_gsi_find_named(vm, arg), NULL);
}

int pvi_expose_kick(struct pvi_vm *vm, void *arg)
{
	struct pvi_gsi *g = pvi_gsi_find_named(vm, arg);

	if (IS_ERR(g))
		return PTR_ERR(g);
	pvi_deliver_owed(g);
	pvi_vm_unlock(vm);
	return 0;
}

/* The guest starts anew: nothing is owed to it. */
void pvi_expose_reset(struct pvi_vm *vm)
{
	struct pvi_gsi *g;
	unsigned long i;

	lockdep_assert_held(&vm->lock);
	xa_for_each(&vm->gsis, i, g) {
		struct pvi_bell *b = pvi_bell_of(g);

		if (g->kind == KVM_PVI_GSI_MSI)
			pvi_msi_set(g, 0, 0);
		if (b)
			pvi_bell_reset(b);
		pvi_status_reset(g);
		clear_bit(PVI_GSI_LATCH, &g->flags);
		cond_resched();
	}
}

/*
 * The receiver has died, and the rings that found it alive have left. What its guest has made, and is
 * owed, stays for KVM_PVI_GET_STATE.
 */
void pvi_expose_end(struct pvi_vm *vm)
{
	struct pvi_gsi *g;
	unsigned long i;

	xa_for_each(&vm->gsis, i, g) {
		expose_end_gsi(g);
		cond_resched();
	}
}

/* Frees the GSIs that pvi_expose_end() ended, when nobody looks any of them up any more. */
void pvi_expose_free(struct pvi_vm *vm)
{
	struct pvi_gsi *g;
	unsigned long i;

	xa_for_each(&vm->gsis, i, g) {
		xa_erase(&vm->gsis, i);
		pvi_bell_unpublish(g);
		expose_free_gsi(g);
		cond_resched();
	}
}

u32 pvi_expose_max(void)
{
	return READ_ONCE(max_gsis);
}
