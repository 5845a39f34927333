// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle, the model: rings, by UUID and by port, many at once, and flags of bells */
#include <errno.h>

#include "model.h"

/*
 * Whether @e has a token. With a rate of one a second nobody can say when it has the next, so the
 * module decides, as long as it does not refuse the first ones, nor gives more than there are.
 */
static bool edge_take(struct edge *e, bool refused)
{
	if (!e->limited)
		return true;
	if (refused && e->spent >= BURST)
		return false;
	e->spent++;
	return e->spent <= BURST + model_seconds() - e->since + 1;
}

static s64 accepted(struct endpoint *from, struct endpoint *rx, const struct edge *e, s64 verdict)
{
	from->sent[verdict]++;
	rx->received[verdict]++;
	if (e->sender != NONE)
		model_hear(rx, from);
	return verdict;
}

/* By a permission that holds, of a GSI that is there and has no bell */
static s64 edge_ring(struct endpoint *from, struct edge *e, u32 i, bool refused)
{
	struct endpoint *rx = &m.eps[e->rx];

	if (rx->frozen)
		return -EAGAIN;
	if (!gsi_owed(rx, i) && !edge_take(e, refused))
		return -EAGAIN;
	return accepted(from, rx, e, gsi_ring(rx, i));
}

static s64 ring_name(struct endpoint *from, u8 name, u32 i, bool refused)
{
	struct endpoint *rx = model_alive(name);
	s32 row;

	if (!gsi_usable(i))
		return -EINVAL;
	if (!rx || rx->grants_only)
		return -EPERM;
	row = model_find_row(rx, from->name, i, false);
	if (row == NONE || m.edges[row].pinned_out)
		row = model_find_row(rx, from->name, ANY_GSI, false);
	if (row == NONE || m.edges[row].pinned_out || !rx->gsis[i].exposed ||
	    rx->gsis[i].bell != NONE)
		return -EPERM;
	return edge_ring(from, &m.edges[row], i, refused);
}

/* What a connection answers whatever is rung through it, or 0: its state before its kind */
static s64 port_refuses(const struct port *p)
{
	switch (port_state(p)) {
	case DEAD:
		return -ENXIO;
	case REVOKED:
		return -EPERM;
	default:
		return m.edges[p->edge].pinned_out ? -EPERM : 0;
	}
}

s64 model_ring_port(struct endpoint *from, u32 port, bool refused)
{
	const struct port *p = &from->ports[port];
	struct endpoint *rx;
	struct edge *e;
	s64 ret;

	if (!p->used)
		return -ENOENT;
	if (p->eventfd != NONE) {
		m.eventfds[p->eventfd]++;
		from->sent[KVM_PVI_RAISED]++;
		return KVM_PVI_RAISED;
	}
	ret = port_refuses(p);
	if (ret)
		return ret;
	e = &m.edges[p->edge];
	rx = &m.eps[e->rx];
	if (e->bell)
		return -EINVAL;
	if (!rx->gsis[p->gsi].exposed)
		return -EPERM;
	if (rx->gsis[p->gsi].bell != NONE)
		return -EINVAL;
	return edge_ring(from, e, p->gsi, refused);
}

static s64 ring_many(struct endpoint *from, const struct op *op, const struct answer *real,
		     struct answer *want)
{
	u32 i, nr = 0;

	for (i = 0; i < 16; i++) {
		/* Numbers that follow each other are of one generation */
		if (from->ports[op->a + i].generation != from->ports[op->a].generation)
			continue;
		if (!(op->c >> i & 1) || model_ring_port(from, op->a + i, !(real->rbx >> i & 1)) < 0)
			continue;
		want->rbx |= 1ULL << i;
		nr++;
	}
	return nr;
}

static s64 ring_all(struct endpoint *from, u32 i)
{
	u32 name;
	s64 nr = 0;

	if (!gsi_usable(i))
		return -EINVAL;
	for (name = 0; name < NR_NAMES; name++)
		if (model_alive(name) && model_sees(model_alive(name), from->name))
			nr += ring_name(from, name, i, false) >= 0;
	return nr;
}

s64 model_ring_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		  struct answer *want)
{
	bool refused = real->ret == -EAGAIN;

	switch (op->kind) {
	case OP_RING:
		return ring_name(ep, op->b, op->a, refused);
	case OP_NOTIFY:
		return model_ring_port(ep, op->a, refused);
	case OP_MANY:
		return ring_many(ep, op, real, want);
	default:
		return ring_all(ep, op->a);
	}
}

/*
 * All executors at once. In whatever order the rings come, of each GSI there are as many of each
 * verdict; those of an eventfd are told by its count.
 */
s64 model_storm(const struct op *storm, struct answer *want)
{
	u32 by, i;

	for (by = 0; by < NR_EXECUTORS; by++) {
		for (i = 0; i < STORM_RINGS; i++) {
			struct op op = op_of_storm(storm, by, i);
			struct endpoint *ep = &m.eps[op.ep];
			const struct port *p = &ep->ports[op.a];
			bool connection = op.kind == OP_NOTIFY && p->used && p->eventfd == NONE;
			s64 ret;

			if (!ep->bound)
				continue;
			ep->mixed = true;
			ret = op.kind == OP_RING ? ring_name(ep, op.b, op.a, false) :
						   model_ring_port(ep, op.a, false);
			if (op.kind == OP_NOTIFY && !connection)
				continue;
			want->verdicts[connection ? p->name : op.b][connection ? p->gsi : op.a]
				      [ret < 0 ? 3 : ret]++;
		}
	}
	return 0;
}

static s64 send_flags(struct endpoint *from, const struct op *op, const struct answer *real,
		      struct answer *want)
{
	const struct port *p = &from->ports[op->a];
	struct endpoint *rx;
	struct edge *e;
	struct bell *b;
	u64 old;
	s64 ret;

	if (!op->b) {
		m.alt = p->used ? 0 : -ENOENT;
		return -EINVAL;
	}
	if (!p->used)
		return -ENOENT;
	if (p->eventfd != NONE)
		return -EINVAL;
	ret = port_refuses(p);
	if (ret)
		return ret;
	e = &m.edges[p->edge];
	rx = &m.eps[e->rx];
	if (!e->bell)
		return -EINVAL;
	b = &rx->bells[e->target];
	if (b->gsi != (s8)p->gsi || (u64)op->b & ~e->bits)
		return -EPERM;
	if (rx->frozen || !edge_take(e, real->ret == -EAGAIN))
		return -EAGAIN;
	old = b->flags;
	b->flags |= op->b;
	ret = op->b & ~old & b->enable ? gsi_raise(rx, p->gsi) : KVM_PVI_COALESCED;
	if (b->flags & b->enable)
		b->flags &= ~b->ack;
	rx->gsis[p->gsi].rings++;
	want->rbx = old & e->bits;
	return accepted(from, rx, e, ret);
}

s64 model_bell_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		  struct answer *want)
{
	struct bell *b = &ep->bells[op->a % NR_BELLS];
	bool there = op->a < NR_BELLS && b->gsi != NONE, was;

	if (op->kind == OP_SEND)
		return send_flags(ep, op, real, want);
	if (op->kind == OP_RECEIVE && !op->b) {
		m.alt = there ? 0 : -ENOENT;
		return -EINVAL;
	}
	if (!there)
		return -ENOENT;
	switch (op->kind) {
	case OP_RECEIVE:
		want->rbx = b->flags;
		b->flags &= ~op->b;
		if (b->flags & b->enable)
			gsi_raise(ep, b->gsi);
		break;
	case OP_MASK:
		was = b->flags & b->enable;
		b->enable = op->b;
		b->ack = op->c;
		if (!(b->flags & b->enable))
			break;
		if (!was)
			gsi_raise(ep, b->gsi);
		b->flags &= ~b->ack;
		break;
	default:
		b->flags = 0;
		b->enable = ~0ULL;
		b->ack = 0;
		ep->gsis[b->gsi].latch = NO;
	}
	m.alt = 0;
	return 0;
}
