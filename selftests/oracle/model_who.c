// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle, the model: endpoints, who sees whom, and who is told */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "model.h"

u32 model_index(const struct endpoint *ep)
{
	return ep - m.eps;
}

void ep_clear(struct endpoint *ep)
{
	u32 i;

	memset(ep, 0, sizeof(*ep));
	ep->config = ANY_GSI;
	ep->vm = NONE;
	for (i = 0; i < NR_BELLS; i++)
		ep->bells[i].gsi = NONE;
	for (i = 0; i < NR_GSIS; i++)
		ep->gsis[i] = (struct gsi){ .wired = NONE, .word = NONE, .bell = NONE };
}

/* Who is bound by that name, or NULL */
struct endpoint *model_alive(u8 name)
{
	u32 i;

	for (i = 0; i < NR_EPS; i++)
		if (m.eps[i].bound && m.eps[i].name == name)
			return &m.eps[i];
	return NULL;
}

struct edge *model_edge(u32 i)
{
	return &m.edges[i];
}

bool edge_is_row_of(const struct edge *e, const struct endpoint *rx, u8 sender)
{
	return e->state == LIVE && e->rx == model_index(rx) && e->life == rx->epoch &&
	       e->sender == (s8)sender;
}

/* Index of the row of exactly that target, or NONE */
s32 model_find_row(const struct endpoint *rx, u8 sender, u8 target, bool bell)
{
	u32 i;

	for (i = 0; i < m.nr_edges; i++)
		if (edge_is_row_of(&m.edges[i], rx, sender) && m.edges[i].target == target &&
		    m.edges[i].bell == bell)
			return i;
	return NONE;
}

u64 model_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

s32 model_new_edge(const struct endpoint *rx)
{
	struct edge *e = &m.edges[m.nr_edges];

	*e = (struct edge){
		.rx = model_index(rx), .life = rx->epoch, .sender = NONE,
		.since = model_seconds(),
	};
	return m.nr_edges++;
}

/* @rx is a peer of @sender's: its table lets it ring, whatever is exposed */
bool model_sees(const struct endpoint *rx, u8 sender)
{
	u32 i;

	if (rx->grants_only)
		return false;
	for (i = 0; i < m.nr_edges; i++)
		if (edge_is_row_of(&m.edges[i], rx, sender) && !m.edges[i].pinned_out)
			return true;
	return false;
}

/* Events of peers leave half of the room to those of senders. */
static bool has_room(const struct endpoint *ep, u32 type)
{
	u32 i, peers = 0;

	for (i = 0; i < ep->nr_events; i++)
		peers += ep->events[i].type <= KVM_PVI_EVENT_PEER_REVOKED;
	return ep->nr_events < KVM_PVI_EVENTS_KEPT &&
	       (type > KVM_PVI_EVENT_PEER_REVOKED || peers < KVM_PVI_EVENTS_KEPT / 2);
}

void model_tell(struct endpoint *ep, u32 type, u8 about, u64 epoch)
{
	if (has_room(ep, type)) {
		ep->events[ep->nr_events++] = (struct event){
			.type = type, .lost = ep->lost, .group = m.group, .name = about,
			.epoch = epoch,
		};
		ep->lost = 0;
	} else {
		ep->lost++;
	}
	ep_ring_config(ep);
}

/* Told once in the life of a sender */
void model_hear(struct endpoint *rx, const struct endpoint *from)
{
	if (rx->grants_only || rx->heard[from->name] == from->epoch)
		return;
	rx->heard[from->name] = from->epoch;
	model_tell(rx, KVM_PVI_EVENT_SENDER_UP, from->name, from->epoch);
}

s64 ep_bind(struct endpoint *ep, const struct op *op, const struct answer *real)
{
	u32 i;

	if (ep->bound)
		return -EBUSY;
	ep->open = true;
	if (model_alive(op->b))
		return -EEXIST;
	for (i = 0; i < NR_EPS; i++)
		if (op->a >= 0 && m.eps[i].bound && m.eps[i].vm == op->a)
			return -EEXIST;
	ep_clear(ep);
	ep->open = true;
	ep->bound = true;
	ep->vm = op->a < 0 ? NONE : op->a;
	ep->name = op->b;
	ep->grants_only = op->d;
	ep->epoch = real->counts[0];
	/* What the world does with each: it rings the watcher once */
	ep->sent[KVM_PVI_RAISED] = 1;
	return 0;
}

static void edges_die(const struct endpoint *ep)
{
	u32 i;

	for (i = 0; i < m.nr_edges; i++)
		if (m.edges[i].rx == model_index(ep) && m.edges[i].life == ep->epoch &&
		    m.edges[i].state == LIVE)
			m.edges[i].state = DEAD;
}

s64 ep_close(struct endpoint *ep)
{
	struct endpoint *other;
	u32 i;

	if (ep->bound) {
		ep->bound = false;
		for (other = m.eps; other < m.eps + NR_EPS; other++) {
			if (!other->bound)
				continue;
			if (model_sees(ep, other->name))
				model_tell(other, KVM_PVI_EVENT_PEER_DOWN, ep->name, ep->epoch);
			if (other->heard[ep->name] == ep->epoch)
				model_tell(other, KVM_PVI_EVENT_SENDER_DOWN, ep->name, ep->epoch);
		}
		edges_die(ep);
		sources_end(ep);
		for (i = 0; i < NR_GSIS; i++)
			gsi_drop(ep, i);
	}
	ep_clear(ep);
	return 0;
}
