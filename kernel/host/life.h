/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi life - of an endpoint */
#ifndef _PVI_LIFE_H
#define _PVI_LIFE_H

#include <linux/types.h>

struct pvi_vm;

struct pvi_vm *pvi_life_open(void);
int pvi_life_bind(struct pvi_vm *vm, void *arg);
void pvi_life_close(struct pvi_vm *vm);
u32 pvi_life_max(void);
int pvi_life_init(void);
void pvi_life_drain(void);
void pvi_life_exit(void);

#endif /* _PVI_LIFE_H */
