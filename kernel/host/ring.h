/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi ring - the start of the hot path, inline */
#ifndef _PVI_RING_H
#define _PVI_RING_H

#include "../compat/eventfd.h"
#include "edge.h"
#include "port.h"
#include "trace.h"

int pvi_ring_connection(struct pvi_vm *from, struct pvi_port *p);
int pvi_ring_edge(struct pvi_vm *from, struct pvi_edge *edge, u32 gsi);
int pvi_ring_bell(struct pvi_vm *from, u64 port, u64 new, u64 *old);
int pvi_ring_source(struct pvi_vm *from, u32 port, u64 signals);
u64 pvi_ring_wait(struct pvi_vm *from, u32 port);
int pvi_ring_uuid(struct pvi_vm *from, struct pvi_words to, u32 gsi);
void pvi_ring_denied(struct pvi_vm *from, const uuid_t *to, u32 gsi);

/* Called under RCU. Returns a verdict or an error. */
static __always_inline int pvi_ring_found(struct pvi_vm *from, struct pvi_port *p, u32 port)
{
	if (!p->eventfd)
		return pvi_ring_connection(from, p);
	pvi_compat_eventfd_signal(p->eventfd);
	this_cpu_inc(from->stats->sent[PVI_RAISED]);
	trace_kvm_pvi_notify(from, port);
	return KVM_PVI_RAISED;
}

/* Called under RCU. Returns a verdict or an error. */
static __always_inline int pvi_ring_port(struct pvi_vm *from, u64 port)
{
	struct pvi_port *p = pvi_port_find(from, port);

	if (unlikely(!p))
		return -ENOENT;
	return pvi_ring_found(from, p, port);
}

#endif /* _PVI_RING_H */
