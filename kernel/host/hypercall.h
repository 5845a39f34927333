/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi hypercall - table of calls */
#ifndef _PVI_HYPERCALL_H
#define _PVI_HYPERCALL_H

#include "call.h"

bool pvi_hypercall_serve(struct pvi_call *c, s64 *ret);
bool pvi_hypercall_returns_rbx(u32 nr);
u32 pvi_hypercall_features(void);
int pvi_hypercall_ioctl(struct pvi_vm *vm, void *arg);

#endif /* _PVI_HYPERCALL_H */
