/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi walk - a sender's peers one after the other */
#ifndef _PVI_WALK_H
#define _PVI_WALK_H

#include "call.h"

int pvi_walk_broadcast(struct pvi_vm *from, u32 gsi, u64 first);
s64 pvi_walk_list(struct pvi_call *c);

#endif /* _PVI_WALK_H */
