/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi acl - the receivers' pvi_sender_uuid tables */
#ifndef _PVI_ACL_H
#define _PVI_ACL_H

#include "edge.h"

struct seq_file;

int pvi_acl_init(void);
void pvi_acl_exit(void);
int pvi_acl_allow(struct pvi_vm *vm, void *arg);
int pvi_acl_revoke(struct pvi_vm *vm, void *arg);
int pvi_acl_get_edge(struct pvi_vm *vm, void *arg);
struct pvi_edge *pvi_acl_find(struct pvi_vm *from, struct pvi_words to, u32 what);
void pvi_acl_unpublish(struct pvi_vm *vm);
void pvi_acl_list(struct seq_file *m);
u32 pvi_acl_max(void);

#endif /* _PVI_ACL_H */
