/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi stats - what a host sees */
#ifndef _PVI_STATS_H
#define _PVI_STATS_H

struct file;
struct pvi_vm;
struct seq_file;

void pvi_stats_init(void);
void pvi_stats_exit(void);
int pvi_stats_get(struct pvi_vm *vm, void *arg);
void pvi_stats_fdinfo(struct seq_file *m, struct file *file);

#endif /* _PVI_STATS_H */
