/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi deliver - an interrupt for an accepted ring, now or owed */
#ifndef _PVI_DELIVER_H
#define _PVI_DELIVER_H

#include "inject.h"
#include "msi.h"

void pvi_deliver_init_gsi(struct pvi_gsi *g);
int pvi_deliver_signal(struct pvi_gsi *g);
int pvi_deliver_ring(struct pvi_gsi *g);
void pvi_deliver_ring_later(struct pvi_gsi *g);
int pvi_deliver_raise(struct pvi_gsi *g);
int pvi_deliver_failed(struct pvi_gsi *g, int why);
void pvi_deliver_owed(struct pvi_gsi *g);
void pvi_deliver_all_owed(struct pvi_vm *vm);
int pvi_deliver_init(void);
void pvi_deliver_exit(void);

/*
 * Makes one interrupt: > 0. Or does not: -EWOULDBLOCK, it takes long, else
 * nothing took it. Called under RCU; @vm is @g's.
 */
static __always_inline int pvi_deliver_try(struct pvi_gsi *g, struct pvi_vm *vm)
{
	if (likely(g->kind == KVM_PVI_GSI_DIRECT))
		return pvi_inject_gsi(g, vm->kvm);
	if (g->kind == KVM_PVI_GSI_MSI)
		return pvi_msi_raise(g);
	return pvi_deliver_signal(g);
}

#endif /* _PVI_DELIVER_H */
