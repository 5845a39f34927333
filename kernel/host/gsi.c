// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi gsi - an exposed GSI of a receiver
 *
 * The object alone: expose.c makes and ends it, deliver.c makes interrupts of
 * its rings.
 */
#include "gsi.h"

/* Takes vm->lock and finds @gsi. On success the lock is held; else an error. */
struct pvi_gsi *pvi_gsi_find_locked(struct pvi_vm *vm, u32 gsi)
	PVI_ACQUIRES_ON(a GSI, &vm->lock)
{
	struct pvi_gsi *g;
	int ret;

	if (!pvi_gsi_valid(gsi))
		return ERR_PTR(-EINVAL);
	ret = pvi_vm_lock(vm);
	if (ret)
		return ERR_PTR(ret);
	g = pvi_gsi_find(vm, gsi);
	if (g)
		return g;
	pvi_vm_unlock(vm);
	return ERR_PTR(-ENOENT);
}

/* As pvi_gsi_find_locked(), for calls that name a GSI and nothing else. */
struct pvi_gsi *pvi_gsi_find_named(struct pvi_vm *vm, const struct kvm_pvi_gsi *named)
	PVI_ACQUIRES_ON(a GSI, &vm->lock)
{
	return named->__reserved ? ERR_PTR(-EINVAL) : pvi_gsi_find_locked(vm, named->gsi);
}

/* KVM_PVI_GSI_WIRED... */
u32 pvi_gsi_state(const struct pvi_gsi *g)
{
	u32 state = 0;

	if (pvi_gsi_wired(g))
		state |= KVM_PVI_GSI_WIRED;
	if (pvi_gsi_latched(g))
		state |= KVM_PVI_GSI_LATCHED;
	if (test_bit(PVI_GSI_STATUS, &g->flags))
		state |= KVM_PVI_GSI_STATUS;
	return state;
}
