// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi oracle, the model: eventfds that ring a port. When they do nobody says; but when one is unwired all that was
 * signalled has been rung, or was dropped. So they are signalled just before.
 */
#include <errno.h>

#include "model.h"

/* Its port is looked up by all of its number anew each time */
static bool is_source_of(const struct source *s, u32 ep, u32 port)
{
	return s->ep == (s8)ep && s->port == port && s->generation == m.eps[ep].ports[port].generation;
}

bool model_is_wired(u32 i, u32 ep, u32 port)
{
	return is_source_of(&m.sources[i], ep, port);
}

void sources_end(const struct endpoint *ep)
{
	u32 i;

	for (i = 0; i < NR_SOURCES; i++)
		if (m.sources[i].ep == (s8)model_index(ep))
			m.sources[i].ep = NONE;
}

static s64 wire(struct endpoint *ep, const struct op *op)
{
	struct source *s = &m.sources[op->b];
	const struct port *p = &ep->ports[op->a];

	if (s->ep != NONE) {
		m.alt = p->used ? 0 : -ENOENT;
		return -EEXIST;
	}
	if (!p->used)
		return -ENOENT;
	*s = (struct source){ .ep = model_index(ep), .port = op->a, .generation = p->generation };
	return 0;
}

/* One ring, and the other signals are coalesced with it */
static void ring(struct endpoint *ep, u32 port, u32 signals)
{
	const struct port *p = &ep->ports[port];

	if (!signals || model_ring_port(ep, port, false) < 0)
		return;
	ep->sent[KVM_PVI_COALESCED] += signals - 1;
	if (p->edge != NONE)
		m.eps[m.edges[p->edge].rx].received[KVM_PVI_COALESCED] += signals - 1;
}

s64 model_source_op(struct endpoint *ep, const struct op *op, struct answer *want)
{
	if (op->kind == OP_WIRE_SOURCE)
		return wire(ep, op);
	if (!model_is_wired(op->b, op->ep, op->a))
		return -ENOENT;
	ring(ep, op->a, op_signals(op));
	m.sources[op->b].ep = NONE;
	/* What is signalled now stays in the eventfd */
	want->rbx = 1;
	return 0;
}

bool model_source_is_limited(const struct op *op)
{
	const struct port *p = &m.eps[op->ep].ports[op->a];

	return p->used && p->edge != NONE && m.edges[p->edge].limited;
}
