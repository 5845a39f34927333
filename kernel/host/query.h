/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi query - what a guest may know of itself */
#ifndef _PVI_QUERY_H
#define _PVI_QUERY_H

#include <linux/types.h>

struct pvi_vm;

s64 pvi_query(struct pvi_vm *vm, u64 kind, u64 index, u64 field);

#endif /* _PVI_QUERY_H */
