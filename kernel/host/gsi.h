/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi gsi - the delivery of a ring, inline */
#ifndef _PVI_GSI_H
#define _PVI_GSI_H

#include "inject.h"

/* Makes one interrupt, or returns false: nothing took it. Called under RCU; @vm is @g's. */
static __always_inline bool pvi_gsi_try(struct pvi_gsi *g, struct pvi_vm *vm)
{
	if (likely(g->kind == KVM_PVI_GSI_DIRECT))
		return pvi_inject_gsi(g, vm->kvm);
	if (g->kind == KVM_PVI_GSI_MSI)
		return pvi_msi_raise(g);
	return pvi_gsi_signal(g);
}

#endif /* _PVI_GSI_H */
