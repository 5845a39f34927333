/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi reserve - names that root keeps for somebody */
#ifndef _PVI_RESERVE_H
#define _PVI_RESERVE_H

#include <linux/uidgid.h>
#include <linux/uuid.h>

struct pvi_vm;
struct seq_file;

int pvi_reserve(struct pvi_vm *vm, void *arg);
int pvi_unreserve(struct pvi_vm *vm, void *arg);
bool pvi_reserve_permits(const uuid_t *uuid, kuid_t owner);
bool pvi_reserve_let(const uuid_t *uuid, kuid_t owner, void (*publish)(struct pvi_vm *vm), struct pvi_vm *vm);
void pvi_reserve_list(struct seq_file *m);
void pvi_reserve_exit(void);

#endif /* _PVI_RESERVE_H */
