// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle, the model: PEERS, events, counters, queries, RESET */
#include <errno.h>
#include <string.h>

#include "model.h"
#include "world.h"

/* How many GSIs of @rx a VM of the name @sender may ring, plain ones and those of bells */
static u32 count_gsis(const struct endpoint *rx, u8 sender)
{
	u32 i, nr = 0;
	s32 row;

	for (i = 0; i < NR_GSIS; i++) {
		const struct gsi *g = &rx->gsis[i];

		if (!g->exposed)
			continue;
		row = model_find_row(rx, sender, g->bell == NONE ? i : (u32)g->bell,
				     g->bell != NONE);
		if (g->bell == NONE && (row == NONE || m.edges[row].pinned_out))
			row = model_find_row(rx, sender, ANY_GSI, false);
		nr += row != NONE && !m.edges[row].pinned_out;
	}
	return nr;
}

static void add(struct answer *want, u8 name, u64 epoch, u32 gsis)
{
	struct kvm_pvi_peer *p = &want->peers[want->nr++];

	p->epoch = epoch;
	memcpy(p->uuid, world_uuid(name), sizeof(p->uuid));
	p->gsis = gsis;
}

/* Records by name; positions are the module's own business, as long as they differ */
static s64 peers(struct endpoint *ep, struct answer *want)
{
	u32 i;

	for (i = 0; i < NR_NAMES; i++) {
		struct endpoint *rx = model_alive(i);

		if (rx && model_sees(rx, ep->name))
			add(want, i, rx->epoch, count_gsis(rx, ep->name));
	}
	add(want, WATCHER, m.watcher_epoch, 1);
	ep->config_rung = false;
	return want->nr;
}

static bool event_matches(const struct event *e, const struct answer *real)
{
	return e->type == real->counts[0] && e->epoch == real->counts[2] &&
	       e->name == real->counts[3];
}

/* The next event: of several that came at once the one that the module has first */
static s64 read_event(struct endpoint *ep, const struct answer *real, struct answer *want)
{
	struct event e;
	u32 i, lost;

	if (!ep->nr_events)
		return -EAGAIN;
	for (i = 0; i < ep->nr_events && ep->events[i].group == ep->events[0].group; i++)
		if (event_matches(&ep->events[i], real))
			break;
	if (i == ep->nr_events || ep->events[i].group != ep->events[0].group)
		i = 0;
	lost = ep->events[0].lost;
	ep->events[0].lost = ep->events[i].lost;
	e = ep->events[i];
	memmove(&ep->events[1], &ep->events[0], i * sizeof(e));
	memmove(&ep->events[0], &ep->events[1], (ep->nr_events - 1) * sizeof(e));
	ep->nr_events--;
	want->counts[0] = e.type;
	want->counts[1] = lost;
	want->counts[2] = e.epoch;
	want->counts[3] = e.name;
	return 0;
}

/* Who of two that ring at once is the first, the module decides; that all rings are there, it does not. */
static void tell_mixed(struct endpoint *ep, const u64 *real)
{
	if (ep->sent[0] + ep->sent[1] + ep->sent[2] != real[0] + real[1] + real[2])
		return;
	memcpy(ep->sent, real, sizeof(ep->sent));
	ep->mixed = false;
}

static void stats(struct endpoint *ep, const struct answer *real, struct answer *want)
{
	u32 i;

	if (ep->mixed)
		tell_mixed(ep, real->counts);
	for (i = 0; i < 3; i++) {
		want->counts[i] = ep->sent[i];
		want->counts[3 + i] = ep->received[i];
	}
}

/* The op->a-th exposed GSI, ascending: its number, kind, state, bell, or how often it was rung */
static s64 query_gsi(struct endpoint *ep, const struct op *op, const struct answer *real)
{
	struct gsi *g = NULL;
	u32 i, nr = 0;

	for (i = 0; i < NR_GSIS && !g; i++)
		if (ep->gsis[i].exposed && nr++ == op->a)
			g = &ep->gsis[i];
	if (!g)
		return -ENOENT;
	switch (op->d % 5) {
	case KVM_PVI_Q_GSI_NUMBER:
		return gsi_number[g - ep->gsis];
	case KVM_PVI_Q_GSI_KIND:
		return g->kind;
	case KVM_PVI_Q_GSI_STATE:
		if (g->latch == MAYBE)
			g->latch = real->ret & KVM_PVI_GSI_LATCHED ? YES : NO;
		return (g->latch == YES ? KVM_PVI_GSI_LATCHED : 0) |
		       (g->word != NONE ? KVM_PVI_GSI_STATUS : 0) |
		       (g->wired != NONE || g->address ? KVM_PVI_GSI_WIRED : 0) |
		       (g->kind == KVM_PVI_GSI_DIRECT ? real->ret & KVM_PVI_GSI_WIRED : 0);
	case KVM_PVI_Q_GSI_RINGS:
		return g->config_rang ? real->ret : (s64)(g->rings & 0xffff);
	default:
		return g->bell == NONE ? -ENOENT : g->bell;
	}
}

s64 model_peer_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		  struct answer *want)
{
	switch (op->kind) {
	case OP_PEERS:
		return peers(ep, want);
	case OP_READ:
		return read_event(ep, real, want);
	case OP_STATS:
		stats(ep, real, want);
		return 0;
	case OP_QUERY_GSI:
		return query_gsi(ep, op, real);
	case OP_QUERY_CONFIG:
		return ep->config == ANY_GSI ? -ENOENT : (s64)gsi_number[ep->config];
	default:
		ep_reset(ep);
		return 0;
	}
}
