/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi state - what a guest has made, saved and restored by its VMM */
#ifndef _PVI_STATE_H
#define _PVI_STATE_H

struct pvi_vm;

int pvi_state_get(struct pvi_vm *vm, void *arg);
int pvi_state_set(struct pvi_vm *vm, void *arg);
int pvi_state_thaw(struct pvi_vm *vm, void *arg);

#endif /* _PVI_STATE_H */
