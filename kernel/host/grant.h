/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi grant - permissions that are descriptors */
#ifndef _PVI_GRANT_H
#define _PVI_GRANT_H

#include "edge.h"

struct seq_file;

int pvi_grant_make(struct pvi_vm *vm, void *arg);
int pvi_grant_revoke(struct pvi_vm *vm, void *arg);
struct pvi_edge *pvi_grant_get(struct pvi_vm *vm, int fd, const kuid_t *owner, u32 *gsi);
int pvi_grant_use(struct pvi_vm *vm, struct pvi_edge *edge);
void pvi_grant_settle(struct pvi_vm *vm);
void pvi_grant_list(struct seq_file *m, struct pvi_vm *vm);
u32 pvi_grant_max(void);

#endif /* _PVI_GRANT_H */
