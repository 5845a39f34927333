/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi bell - bit-field doorbells */
#ifndef _PVI_BELL_H
#define _PVI_BELL_H

#include "edge.h"
#include "gsi.h"

struct seq_file;

/**
 * struct pvi_bell - a doorbell of a receiver
 * @gsi: what it raises
 * @number: the receiver's own of it
 * @lock: protects @flags, @enable, @ack
 * @flags: set by senders, cleared by the receiver
 * @enable: flags that make the line
 * @ack: flags that clear by themselves
 */
struct pvi_bell {
	struct pvi_gsi *gsi;
	u32 number;
	spinlock_t lock;
	u64 flags;
	u64 enable;
	u64 ack;
};

/* Valid under RCU. */
static inline struct pvi_bell *pvi_bell_find(struct pvi_vm *vm, u64 number)
{
	return number <= U32_MAX ? xa_load(&vm->bells, number) : NULL;
}

/* Called under RCU or vm->lock. */
static inline struct pvi_bell *pvi_bell_of(const struct pvi_gsi *g)
{
	return rcu_dereference_check(g->bell, lockdep_is_held(&g->vm->lock));
}

/* These say whether the GSI is to be raised. */
bool pvi_bell_send(struct pvi_bell *b, u64 new, u64 *old);
bool pvi_bell_receive(struct pvi_bell *b, u64 clear, u64 *old);
bool pvi_bell_mask(struct pvi_bell *b, u64 bank, u64 enable, u64 ack);

int pvi_bell_create(struct pvi_vm *vm, void *arg);
void pvi_bell_reset(struct pvi_bell *b);
bool pvi_bell_save(struct pvi_bell *b, struct kvm_pvi_state_bell *r);
void pvi_bell_restore(struct pvi_bell *b, const struct kvm_pvi_state_bell *r);
bool pvi_bell_up(struct pvi_gsi *g);
u32 pvi_bell_what(const struct pvi_gsi *g);
void pvi_bell_unpublish(struct pvi_gsi *g);
void pvi_bell_free(struct pvi_gsi *g);
void pvi_bell_show(struct seq_file *m, struct pvi_gsi *g);
u32 pvi_bell_max(void);

#endif /* _PVI_BELL_H */
