/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi msi - virtual GSIs */
#ifndef _PVI_MSI_H
#define _PVI_MSI_H

#include "gsi.h"

void pvi_msi_init(struct pvi_gsi *g);
bool pvi_msi_valid(u64 address, u64 data);
void pvi_msi_set(struct pvi_gsi *g, u64 address, u32 data);
bool pvi_msi_get(struct pvi_gsi *g, u64 *address, u32 *data);
int pvi_msi_raise(struct pvi_gsi *g);
int pvi_msi_raise_slowly(struct pvi_gsi *g);

#endif /* _PVI_MSI_H */
