/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi connect - ports that lead to a peer */
#ifndef _PVI_CONNECT_H
#define _PVI_CONNECT_H

#include "port.h"

int pvi_connect(struct pvi_vm *vm, void *arg);
s64 pvi_connect_guest(struct pvi_vm *vm, const uuid_t *to, u32 gsi, struct kvm_pvi_call *call);
struct pvi_port *pvi_connect_stage(struct pvi_vm *vm, u32 port, const uuid_t *to, u32 gsi,
				   bool dead);
void pvi_connect_commit(struct pvi_vm *vm, struct pvi_port *p);

#endif /* _PVI_CONNECT_H */
