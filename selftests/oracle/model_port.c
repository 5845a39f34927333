// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle, the model: rows of tables, grants, and the ports made by them */
#include <errno.h>

#include "model.h"

enum edge_state port_state(const struct port *p)
{
	return p->edge == NONE ? DEAD : m.edges[p->edge].state;
}

/* The lowest free number */
u32 port_free(const struct endpoint *ep)
{
	u32 i;

	for (i = 0; ep->ports[i].used; i++)
		;
	return i;
}

/* By the permission of the receiver's table: 0 and the edge, or an error */
s64 port_connect(struct endpoint *ep, u8 name, u8 gsi, s32 *edge)
{
	struct endpoint *rx = model_alive(name);
	const struct gsi *g;

	if (!gsi_usable(gsi))
		return -EINVAL;
	if (!rx || rx->grants_only || !rx->gsis[gsi].exposed)
		return -EPERM;
	g = &rx->gsis[gsi];
	*edge = model_find_row(rx, ep->name, g->bell == NONE ? gsi : g->bell, g->bell != NONE);
	if (g->bell == NONE && (*edge == NONE || m.edges[*edge].pinned_out))
		*edge = model_find_row(rx, ep->name, ANY_GSI, false);
	return *edge == NONE || m.edges[*edge].pinned_out ? -EPERM : 0;
}

/* A grant that is kept at @place: 0 and the edge, or an error; takes no use yet */
static s64 grant_connect(u32 place, s32 *edge, u8 *gsi)
{
	struct edge *e;
	struct endpoint *rx;

	*edge = m.grants[place];
	if (*edge == NONE)
		return -EBADF;
	e = &m.edges[*edge];
	rx = &m.eps[e->rx];
	if (e->state != LIVE || !e->uses)
		return -EPERM;
	*gsi = e->bell ? (u8)rx->bells[e->target].gsi : e->target;
	if (e->bell ? rx->bells[e->target].gsi == NONE :
		      !rx->gsis[*gsi].exposed || rx->gsis[*gsi].bell != NONE)
		return -EPERM;
	return 0;
}

/* Puts a port at @at or, if that is NONE, where there is room; returns its number */
static s64 put(struct endpoint *ep, s64 at, struct port port)
{
	if (at == NONE)
		at = port_free(ep);
	if (ep->ports[at].used)
		return -EEXIST;
	port.used = true;
	ep->ports[at] = port;
	if (port.edge != NONE && m.edges[port.edge].sender != NONE)
		model_hear(&m.eps[m.edges[port.edge].rx], ep);
	return at;
}

/* @ret is what the permission said; that comes first, though both are wrong */
static s64 connect(struct endpoint *ep, s64 ret, s64 at, struct port port)
{
	if (ret) {
		m.alt = at != NONE && ep->ports[at].used ? -EEXIST : 0;
		return ret;
	}
	return put(ep, at, port);
}

static s64 disconnect(struct endpoint *ep, const struct op *op)
{
	struct port *p = &ep->ports[op->a];

	if (!p->used)
		return -ENOENT;
	if (op->kind == OP_DISCONNECT && p->by_vmm)
		return -EPERM;
	p->used = false;
	return 0;
}

/* The state, or with an odd field the GSI */
static s64 query_port(const struct endpoint *ep, const struct op *op)
{
	static const u8 shown[] = {
		[LIVE] = KVM_PVI_PORT_LIVE,
		[REVOKED] = KVM_PVI_PORT_REVOKED,
		[DEAD] = KVM_PVI_PORT_DEAD,
	};
	const struct port *p = &ep->ports[op->a];

	if (!p->used)
		return -ENOENT;
	if (op->d & 1)
		return p->eventfd == NONE ? (s64)gsi_number[p->gsi] : -ENOENT;
	if (p->eventfd != NONE)
		return KVM_PVI_PORT_EVENTFD;
	return shown[port_state(p)];
}

s64 model_port_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		  struct answer *want)
{
	struct port port = { .eventfd = NONE, .edge = NONE, .by_vmm = true };
	s32 edge = NONE;
	s64 ret;

	(void)want;
	switch (op->kind) {
	case OP_SET_PORT:
		port.eventfd = op->c % NR_EFDS;
		return put(ep, op->a, port);
	case OP_CONNECT:
	case OP_GUEST_CONNECT:
		port.by_vmm = op->kind == OP_CONNECT;
		port.gsi = op->a;
		port.name = op->b;
		port.generation = port.by_vmm ? 0 : real->counts[1];
		ret = port_connect(ep, op->b, op->a, &edge);
		/* d: no pin, one to root, who they all are, or one to another user */
		if (!ret && port.by_vmm && op->d == 2)
			ret = -EPERM;
		port.edge = edge;
		return connect(ep, ret, port.by_vmm ? op->c : NONE, port);
	case OP_CONNECT_GRANT:
		ret = grant_connect(op->b, &edge, &port.gsi);
		port.edge = edge;
		if (edge != NONE)
			port.name = m.eps[m.edges[edge].rx].name;
		ret = connect(ep, ret, op->a, port);
		if (ret >= 0)
			m.edges[edge].uses--;
		return ret;
	case OP_QUERY_PORT:
		return query_port(ep, op);
	default:
		return disconnect(ep, op);
	}
}

/* Whatever is changed, a sender that is bound hears if it makes a difference to it */
static void tell_difference(struct endpoint *rx, u8 sender, bool saw)
{
	struct endpoint *to = model_alive(sender);
	bool sees = to && model_sees(rx, sender);

	if (to && saw != sees)
		model_tell(to, sees ? KVM_PVI_EVENT_PEER_UP : KVM_PVI_EVENT_PEER_REVOKED,
			   rx->name, rx->epoch);
}

static s64 allow(struct endpoint *ep, const struct op *op)
{
	bool bell = op->d & 1, limited = op->d & 4;
	s32 row = model_find_row(ep, op->b, op->a, bell);
	bool saw = model_alive(op->b) && model_sees(ep, op->b);
	struct edge *e;

	if (bell ? !op->c : op->a != ANY_GSI && !gsi_usable(op->a))
		return -EINVAL;
	if (row == NONE)
		row = model_new_edge(ep);
	e = &m.edges[row];
	/* Tokens are kept, but there are none where there is no rate */
	if (!limited) {
		e->spent = 0;
		e->since = model_seconds();
	}
	e->sender = op->b;
	e->target = op->a;
	e->bell = bell;
	e->bits = op->c;
	e->pinned_out = op->d & 2;
	e->limited = limited;
	tell_difference(ep, op->b, saw);
	return 0;
}

static s64 revoke(struct endpoint *ep, const struct op *op)
{
	bool bell = op->kind == OP_REVOKE && (op->d & 1);
	bool saw = model_alive(op->b) && model_sees(ep, op->b);
	u32 i, nr = 0;

	if (op->kind == OP_REVOKE && !bell && op->a != ANY_GSI && !gsi_usable(op->a))
		return -EINVAL;
	for (i = 0; i < m.nr_edges; i++) {
		struct edge *e = &m.edges[i];

		if (!edge_is_row_of(e, ep, op->b))
			continue;
		if (op->kind == OP_REVOKE && (e->target != op->a || e->bell != bell))
			continue;
		e->state = REVOKED;
		nr++;
	}
	tell_difference(ep, op->b, saw);
	return nr ? 0 : -ENOENT;
}

static s64 grant(struct endpoint *ep, const struct op *op, const struct answer *real)
{
	struct edge *e;

	if (!op->c && !gsi_usable(op->a))
		return -EINVAL;
	m.grants[op->b] = model_new_edge(ep);
	e = &m.edges[m.grants[op->b]];
	e->target = op->a;
	e->bell = op->c;
	e->bits = op->c;
	e->uses = op->d ?: 1;
	e->id = real->counts[0];
	return 0;
}

/* The grant of that number, which is one of all the receiver's */
static struct edge *find_grant(const struct endpoint *ep, u64 id)
{
	u32 i;

	for (i = 0; i < m.nr_edges; i++) {
		struct edge *e = &m.edges[i];

		if (e->state == LIVE && e->sender == NONE && e->id == id &&
		    e->rx == model_index(ep) && e->life == ep->epoch)
			return e;
	}
	return NULL;
}

/* The world says which number it named */
static s64 ungrant(const struct endpoint *ep, const struct answer *real)
{
	struct edge *e = find_grant(ep, real->counts[0]);

	if (!e)
		return -ENOENT;
	e->state = REVOKED;
	return 0;
}

/* The last descriptor closes, whatever the receiver is doing */
static s64 close_grant(const struct op *op)
{
	s32 edge = m.grants[op->a];

	m.grants[op->a] = NONE;
	if (edge != NONE && m.edges[edge].state == LIVE)
		m.edges[edge].state = REVOKED;
	return 0;
}

s64 model_row_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		 struct answer *want)
{
	(void)want;
	switch (op->kind) {
	case OP_ALLOW:
		return allow(ep, op);
	case OP_GRANT:
		return grant(ep, op, real);
	case OP_REVOKE:
	case OP_REVOKE_ALL:
		return revoke(ep, op);
	case OP_CLOSE_GRANT:
		return close_grant(op);
	default:
		return ungrant(ep, real);
	}
}
