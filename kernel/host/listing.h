/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi listing - all endpoints and what hangs on them, for the administrator */
#ifndef _PVI_LISTING_H
#define _PVI_LISTING_H

struct pvi_vm;

int pvi_listing_get(struct pvi_vm *unused, void *arg);

#endif /* _PVI_LISTING_H */
