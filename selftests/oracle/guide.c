// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi oracle: ops that find something. Of all that can be asked at random next to nothing is
 * permitted; so most ops are led by what the model has: to ports that are there, rows that hold,
 * GSIs that are exposed.
 */
#include "model.h"

/* One of those for which @fits is true, at random; NONE if there is none */
static s32 pick(struct rng *rng, u32 end, bool (*fits)(u32 i, const struct op *op),
		const struct op *op)
{
	u32 i, start = rng_below(rng, end);

	for (i = 0; i < end; i++)
		if (fits((start + i) % end, op))
			return (start + i) % end;
	return NONE;
}

static bool ep_is_bound(u32 i, const struct op *op)
{
	(void)op;
	return m.eps[i].bound;
}

static bool ep_is_not(u32 i, const struct op *op)
{
	(void)op;
	return !m.eps[i].bound;
}

static bool gsi_fits(u32 i, const struct op *op)
{
	const struct gsi *g = &m.eps[op->ep].gsis[i];

	if (op->kind == OP_EXPOSE)
		return gsi_usable(i) && !g->exposed;
	if (!g->exposed)
		return false;
	if (op->kind == OP_WIRE || op->kind == OP_UNWIRE)
		return g->kind == KVM_PVI_GSI_EVENTFD;
	if (op->kind == OP_SET_MSI)
		return g->kind == KVM_PVI_GSI_MSI;
	return op->kind != OP_UNSTATUS || g->word != NONE;
}

static bool port_fits(u32 i, const struct op *op)
{
	const struct port *p = &m.eps[op->ep].ports[i];

	if (!p->used || op->kind != OP_SEND)
		return p->used;
	return p->eventfd == NONE && (p->edge == NONE || m.edges[p->edge].bell);
}

static bool bell_fits(u32 i, const struct op *op)
{
	return m.eps[op->ep].bells[i].gsi != NONE;
}

static bool grant_fits(u32 i, const struct op *op)
{
	(void)op;
	return m.grants[i] != NONE;
}

/* A row that a bound endpoint may use, or is to lose */
static bool edge_fits(u32 i, const struct op *op)
{
	const struct edge *e = &m.edges[i];

	if (e->state != LIVE || e->sender == NONE)
		return false;
	if (op->kind == OP_REVOKE)
		return true;
	return model_alive(e->sender) && (!e->bell || op->kind != OP_RING);
}

static bool name_is_alive(u32 i, const struct op *op)
{
	(void)op;
	return model_alive(i) != NULL;
}

static void guide_to_edge(struct rng *rng, struct op *op)
{
	s32 i = m.nr_edges ? pick(rng, m.nr_edges, edge_fits, op) : NONE;
	const struct edge *e;
	const struct endpoint *rx;
	s32 gsi;

	if (i == NONE)
		return;
	e = &m.edges[i];
	rx = &m.eps[e->rx];
	if (op->kind == OP_REVOKE) {
		op->ep = e->rx;
		op->a = e->target;
		op->b = e->sender;
		op->d = e->bell;
		return;
	}
	op->ep = model_index(model_alive(e->sender));
	op->b = rx->name;
	gsi = e->target;
	if (e->bell)
		gsi = rx->bells[e->target].gsi;
	if (!e->bell && gsi == ANY_GSI) {
		struct op of_rx = { .ep = e->rx };

		gsi = pick(rng, NR_GSIS, gsi_fits, &of_rx);
	}
	if (gsi != NONE)
		op->a = gsi;
}

/* What is allowed or granted exists already, mostly */
static void guide_to_target(struct rng *rng, struct op *op)
{
	bool bell = op->kind == OP_ALLOW ? op->d & 1 : op->c;
	s32 i = bell ? pick(rng, NR_BELLS, bell_fits, op) : pick(rng, NR_GSIS, gsi_fits, op);

	if (i != NONE && (op->kind != OP_ALLOW || op->a != ANY_GSI))
		op->a = i;
	i = pick(rng, NR_NAMES, name_is_alive, op);
	if (op->kind == OP_ALLOW && i != NONE)
		op->b = i;
}

/* A port of whoever has one; of the flags of a bell mostly those that were granted */
static void guide_to_port(struct rng *rng, struct op *op)
{
	u32 start = op->ep, i;
	s32 port = NONE;

	for (i = 0; i < NR_EPS && port == NONE; i++) {
		op->ep = (start + i) % NR_EPS;
		port = pick(rng, NR_PORTS, port_fits, op);
	}
	if (port == NONE)
		return;
	op->a = port;
	port = m.eps[op->ep].ports[port].edge;
	if (op->kind == OP_SEND && port != NONE && rng_below(rng, 4))
		op->b = op->b & m.edges[port].bits ?: m.edges[port].bits;
}

static bool source_fits(u32 i, const struct op *op)
{
	const struct source *s = &m.sources[i];

	return op->kind == OP_WIRE_SOURCE ? s->ep == NONE : s->ep != NONE;
}

/* One that rings, at its port; or one that does not yet, and any port */
static void guide_to_source(struct rng *rng, struct op *op)
{
	s32 i = pick(rng, NR_SOURCES, source_fits, op);

	if (op->kind == OP_WIRE_SOURCE)
		guide_to_port(rng, op);
	if (i == NONE)
		return;
	op->b = i;
	if (op->kind == OP_WIRE_SOURCE)
		return;
	op->ep = m.sources[i].ep;
	op->a = m.sources[i].port;
}

static bool ep_has_config(u32 i, const struct op *op)
{
	(void)op;
	return m.eps[i].bound && m.eps[i].config != ANY_GSI;
}

static void set(s64 *field, s32 value)
{
	if (value != NONE)
		*field = value;
}

void op_guide(struct rng *rng, struct op *op)
{
	s32 ep = pick(rng, NR_EPS, op->kind == OP_BIND ? ep_is_not : ep_is_bound, op);

	if (op->kind == OP_QUERY_CONFIG)
		ep = pick(rng, NR_EPS, ep_has_config, op);
	if (ep != NONE)
		op->ep = ep;
	switch (op->kind) {
	case OP_EXPOSE:
		set(&op->a, pick(rng, NR_GSIS, gsi_fits, op));
		op->c = gsi_number[op->a] >= KVM_PVI_GSI_VIRTUAL ? KVM_PVI_GSI_MSI :
			m.eps[op->ep].vm == NONE ? KVM_PVI_GSI_EVENTFD : op->c & 1;
		break;
	case OP_UNEXPOSE:
	case OP_WIRE:
	case OP_UNWIRE:
	case OP_KICK:
	case OP_BELL:
	case OP_STATUS:
	case OP_UNSTATUS:
	case OP_SET_MSI:
	case OP_ARM:
		set(&op->a, pick(rng, NR_GSIS, gsi_fits, op));
		break;
	case OP_ALLOW:
	case OP_GRANT:
		guide_to_target(rng, op);
		break;
	case OP_REVOKE:
	case OP_RING:
	case OP_CONNECT:
	case OP_GUEST_CONNECT:
		guide_to_edge(rng, op);
		break;
	case OP_NOTIFY:
	case OP_SEND:
	case OP_DISCONNECT:
	case OP_CLOSE_PORT:
	case OP_QUERY_PORT:
		guide_to_port(rng, op);
		break;
	case OP_WIRE_SOURCE:
	case OP_UNWIRE_SOURCE:
		guide_to_source(rng, op);
		break;
	case OP_RECEIVE:
	case OP_MASK:
	case OP_RESET_BELL:
		set(&op->a, pick(rng, NR_BELLS, bell_fits, op));
		break;
	case OP_CONNECT_GRANT:
		set(&op->b, pick(rng, NR_GRANTS, grant_fits, op));
		break;
	case OP_UNGRANT:
		set(&op->a, pick(rng, NR_GRANTS, grant_fits, op));
		if (m.grants[op->a] != NONE)
			op->ep = m.edges[m.grants[op->a]].rx;
		break;
	default:
		break;
	}
}
