/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi many - one exit, many rings */
#ifndef _PVI_MANY_H
#define _PVI_MANY_H

#include <linux/types.h>

struct pvi_vm;

u64 pvi_many_notify(struct pvi_vm *from, u64 first, u64 mask);

/* Rings in one read section: a batch holds nobody up for longer than a few rings. */
#define PVI_MANY_PIECE	8

#endif /* _PVI_MANY_H */
