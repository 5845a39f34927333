// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle, the model: which op is whose */
#include <errno.h>
#include <string.h>

#include "model.h"

#define MANY_PORTS	40	/* a blob has room for them, and they are seldom reached */

struct model m;

void model_reset(void)
{
	u32 i;

	memset(&m, 0, sizeof(m));
	for (i = 0; i < NR_EPS; i++)
		ep_clear(&m.eps[i]);
	for (i = 0; i < NR_GRANTS; i++)
		m.grants[i] = NONE;
	for (i = 0; i < NR_SOURCES; i++)
		m.sources[i].ep = NONE;
}

static bool any_limited(void)
{
	u32 i;

	for (i = 0; i < m.nr_edges; i++)
		if (m.edges[i].state == LIVE && m.edges[i].limited)
			return true;
	return false;
}

static bool any_config(void)
{
	u32 i;

	for (i = 0; i < NR_EPS; i++)
		if (m.eps[i].bound && m.eps[i].config != ANY_GSI)
			return true;
	return false;
}

static bool word_in_use(s64 word)
{
	u32 i, j;

	for (i = 0; i < NR_EPS; i++)
		for (j = 0; j < NR_GSIS; j++)
			if (m.eps[i].bound && m.eps[i].gsis[j].word == word)
				return true;
	return false;
}

bool model_knows(const struct op *op)
{
	const struct endpoint *ep = &m.eps[op->ep];
	const struct gsi *g = &ep->gsis[op->a >= 0 && op->a < NR_GSIS ? op->a : 0];

	if (m.nr_edges > MAX_EDGES - NR_PORTS)
		return false;
	switch (op->kind) {
	case OP_STATUS:
		/* One word for two GSIs: the host does not check that */
		return !word_in_use(op->b) || !g->exposed || g->word != NONE || g->bell != NONE;
	case OP_UNEXPOSE:
		/* Whether it is the config GSI once it is exposed again is not said */
		return !ep->bound || ep->config != op->a;
	case OP_RECEIVE:
	case OP_MASK:
		/* What they raise while nothing is delivered may be delivered twice later */
		return !ep->frozen;
	case OP_CONNECT:
	case OP_GUEST_CONNECT:
	case OP_CONNECT_GRANT:
	case OP_SET_PORT:
		return port_free(ep) < MANY_PORTS;
	case OP_GRANT:
		return m.grants[op->b] == NONE;
	case OP_UNWIRE_SOURCE:
		return !model_source_is_limited(op);
	case OP_BROADCAST:
		return !any_limited();
	case OP_STORM:
		/* A config GSI is rung sooner or later than others ring it */
		return !any_limited() && !any_config();
	default:
		return true;
	}
}

static bool is_gsi_op(enum op_kind kind)
{
	switch (kind) {
	case OP_EXPOSE:
	case OP_UNEXPOSE:
	case OP_WIRE:
	case OP_UNWIRE:
	case OP_KICK:
	case OP_BELL:
	case OP_STATUS:
	case OP_UNSTATUS:
	case OP_SET_MSI:
	case OP_ARM:
	case OP_SET_CONFIG:
		return true;
	default:
		return false;
	}
}

/* Of an endpoint that is bound */
static s64 ep_do(struct endpoint *ep, const struct op *op, const struct answer *real,
		 struct answer *want)
{
	if (is_gsi_op(op->kind))
		return model_gsi_op(ep, op, real, want);
	switch (op->kind) {
	case OP_ALLOW:
	case OP_REVOKE:
	case OP_REVOKE_ALL:
	case OP_GRANT:
	case OP_UNGRANT:
		return model_row_op(ep, op, real, want);
	case OP_SET_PORT:
	case OP_CLOSE_PORT:
	case OP_CONNECT:
	case OP_CONNECT_GRANT:
	case OP_GUEST_CONNECT:
	case OP_DISCONNECT:
	case OP_QUERY_PORT:
		return model_port_op(ep, op, real, want);
	case OP_WIRE_SOURCE:
	case OP_UNWIRE_SOURCE:
		return model_source_op(ep, op, want);
	case OP_SAVE:
	case OP_RESTORE:
	case OP_THAW:
		return model_state_op(ep, op, real, want);
	case OP_SEND:
	case OP_RECEIVE:
	case OP_MASK:
	case OP_RESET_BELL:
		return model_bell_op(ep, op, real, want);
	case OP_RING:
	case OP_NOTIFY:
	case OP_MANY:
	case OP_BROADCAST:
		return model_ring_op(ep, op, real, want);
	default:
		return model_peer_op(ep, op, real, want);
	}
}

static s64 take(const struct op *op)
{
	s64 pending = m.words[op->b].pending;

	m.words[op->b].pending = 0;
	return pending;
}

void model_run_guest(u32 vm)
{
	u32 i;

	for (i = 0; i < 256; i++) {
		m.taken[vm][i] += m.pending[vm][i];
		m.pending[vm][i] = false;
	}
}

void model_do(const struct op *op, const struct answer *real, struct answer *want)
{
	struct endpoint *ep = &m.eps[op->ep];

	memset(want, 0, sizeof(*want));
	m.alt = 0;
	m.group++;
	if (op->kind == OP_BIND)
		want->ret = ep_bind(ep, op, real);
	else if (op->kind == OP_CLOSE)
		want->ret = ep_close(ep);
	else if (op->kind == OP_TAKE)
		want->ret = take(op);
	else if (op->kind == OP_STORM)
		want->ret = model_storm(op, want);
	else if (op->kind == OP_CLOSE_GRANT)
		want->ret = model_row_op(ep, op, real, want);
	else if (!ep->open)
		want->ret = -EBADF;
	else if (!ep->bound)
		want->ret = -ENOTCONN;
	else
		want->ret = ep_do(ep, op, real, want);
}
