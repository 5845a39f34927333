/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi status - status words in pinned user memory */
#ifndef _PVI_STATUS_H
#define _PVI_STATUS_H

#include "gsi.h"

struct seq_file;

int pvi_status_create(struct pvi_vm *vm, void *arg);
int pvi_status_drop(struct pvi_vm *vm, void *arg);
bool pvi_status_owed(struct pvi_gsi *g);
bool pvi_status_mark(struct pvi_gsi *g);
bool pvi_status_pending(const struct pvi_gsi *g);
void pvi_status_reset(struct pvi_gsi *g);
void pvi_status_show(struct seq_file *m, struct pvi_gsi *g);
void pvi_status_free(struct pvi_gsi *g);

#endif /* _PVI_STATUS_H */
