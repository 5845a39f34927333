/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi source - eventfds that ring a port */
#ifndef _PVI_SOURCE_H
#define _PVI_SOURCE_H

#include <linux/types.h>

struct pvi_vm;
struct seq_file;

int pvi_source_wire(struct pvi_vm *vm, void *arg);
int pvi_source_unwire(struct pvi_vm *vm, void *arg);
void pvi_source_free(struct pvi_vm *vm);
void pvi_source_list(struct seq_file *m, struct pvi_vm *vm);
u32 pvi_source_max(void);

#endif /* _PVI_SOURCE_H */
