/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi port - what a sender rings by number */
#ifndef _PVI_PORT_H
#define _PVI_PORT_H

#include <linux/nospec.h>

#include "edge.h"
#include "vm.h"

/**
 * struct pvi_port - what a sender rings by number
 * @eventfd: an eventfd the VMM wired, or
 * @edge: the permission a connection was made by (a reference)
 * @gsi: of @edge's receiver
 * @number: all of it; its index in the table is KVM_PVI_PORT_INDEX(). While it is held it has one of another index,
 *	by which nobody finds it
 * @by_vmm: outlives a reset of the guest
 * @rcu: frees it
 */
struct pvi_port {
	struct eventfd_ctx *eventfd;
	struct pvi_edge *edge;
	u32 gsi;
	u32 number;
	bool by_vmm;
	struct rcu_head rcu;
};

/**
 * struct pvi_port_table - ports by index, replaced by a larger one when it is full
 * @rcu: frees it
 * @size: of @port
 * @port: NULL where none is
 */
struct pvi_port_table {
	struct rcu_head rcu;
	u32 size;
	struct pvi_port __rcu *port[];
};

/* Whatever number it has. Valid under RCU. */
static inline struct pvi_port *pvi_port_at(struct pvi_vm *vm, unsigned long index)
{
	struct pvi_port_table *t;

	t = rcu_dereference_check(vm->ports, lockdep_is_held(&vm->lock));
	if (unlikely(index >= t->size))
		return NULL;
	index = array_index_nospec(index, (unsigned long)t->size);
	return rcu_dereference_check(t->port[index], lockdep_is_held(&vm->lock));
}

/* Only all of a number names a port: the index alone may be another's by now. Valid under RCU. */
static inline struct pvi_port *pvi_port_find(struct pvi_vm *vm, u64 port)
{
	struct pvi_port *p = pvi_port_at(vm, KVM_PVI_PORT_INDEX(port));

	return likely(p && READ_ONCE(p->number) == port) ? p : NULL;
}

/* Whether @p, at @index, is one: what is held there is none yet. Called under RCU or vm->lock. */
static inline bool pvi_port_shown(const struct pvi_port *p, u32 index)
{
	return KVM_PVI_PORT_INDEX(READ_ONCE(p->number)) == index;
}

void pvi_port_init(struct pvi_vm *vm);
int pvi_port_set(struct pvi_vm *vm, void *arg);
int pvi_port_close(struct pvi_vm *vm, void *arg);
int pvi_port_disconnect(struct pvi_vm *vm, u64 port);
void pvi_port_reset(struct pvi_vm *vm);
s64 pvi_port_add(struct pvi_vm *vm, struct pvi_port *p, u32 asked, void *arg, int (*tell)(void *arg, u32 port),
		 int (*last)(struct pvi_vm *vm, struct pvi_port *p));
int pvi_port_reserve(struct pvi_vm *vm, u32 port);
void pvi_port_commit(struct pvi_vm *vm, struct pvi_port *p);
void pvi_port_free(struct pvi_port *p);
void pvi_port_end_all(struct pvi_vm *vm);
void pvi_port_free_all(struct pvi_vm *vm);
u32 pvi_port_end(struct pvi_vm *vm);
u32 pvi_port_state(const struct pvi_port *p);
u32 pvi_port_max(void);

#endif /* _PVI_PORT_H */
