/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi expose - a receiver's GSIs: made, wired, ended */
#ifndef _PVI_EXPOSE_H
#define _PVI_EXPOSE_H

#include <linux/types.h>

struct pvi_vm;

int pvi_expose(struct pvi_vm *vm, void *arg);
int pvi_expose_undo(struct pvi_vm *vm, void *arg);
int pvi_expose_wire(struct pvi_vm *vm, void *arg);
int pvi_expose_unwire(struct pvi_vm *vm, void *arg);
int pvi_expose_kick(struct pvi_vm *vm, void *arg);
void pvi_expose_reset(struct pvi_vm *vm);
void pvi_expose_end(struct pvi_vm *vm);
void pvi_expose_free(struct pvi_vm *vm);
u32 pvi_expose_max(void);

#endif /* _PVI_EXPOSE_H */
