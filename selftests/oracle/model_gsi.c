// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle, the model: GSIs, their wiring, latches, status words, bells, and what is owed */
#include <errno.h>

#include "model.h"

#define FIRST_VECTOR	0x40

bool gsi_usable(u32 i)
{
	return i < NR_GSIS - 2;
}

static bool gsi_is_virtual(u32 i)
{
	return gsi_number[i] >= KVM_PVI_GSI_VIRTUAL;
}

/* The world routes pins to vectors so; the ones a guest names are its own */
u32 model_vector(const struct gsi *g, u32 i)
{
	return g->kind == KVM_PVI_GSI_MSI ? g->data & 0xff : FIRST_VECTOR + i;
}

/* Makes one interrupt, or signals: false if there is no place for it */
static bool gsi_inject(struct endpoint *ep, u32 i)
{
	struct gsi *g = &ep->gsis[i];

	switch (g->kind) {
	case KVM_PVI_GSI_EVENTFD:
		if (g->wired == NONE)
			return false;
		m.eventfds[g->wired]++;
		return true;
	case KVM_PVI_GSI_DIRECT:
		/* 4095 has no route */
		if (gsi_number[i] > 23)
			return false;
		break;
	default:
		if (!g->address)
			return false;
	}
	m.pending[ep->vm][model_vector(g, i)] = true;
	return true;
}

/* A raise that nobody's word or bucket keeps back: a verdict */
s64 gsi_raise(struct endpoint *ep, u32 i)
{
	struct gsi *g = &ep->gsis[i];
	enum yes_no was = g->latch;

	if (gsi_inject(ep, i)) {
		g->latch = NO;
		return KVM_PVI_RAISED;
	}
	if (was == MAYBE)
		m.alt = KVM_PVI_LATCHED;
	else
		g->latch = YES;
	return was == NO ? KVM_PVI_LATCHED : KVM_PVI_COALESCED;
}

/* The word says that a ring is owed, and nothing is latched */
bool gsi_owed(const struct endpoint *ep, u32 i)
{
	const struct gsi *g = &ep->gsis[i];

	return g->word != NONE && m.words[g->word].pending && g->latch == NO;
}

/* A ring that was permitted, and has its tokens */
s64 gsi_ring(struct endpoint *ep, u32 i)
{
	struct gsi *g = &ep->gsis[i];
	bool owed = gsi_owed(ep, i);

	g->rings++;
	if (g->word != NONE) {
		m.words[g->word].count++;
		m.words[g->word].pending = 1;
	}
	return owed ? KVM_PVI_COALESCED : gsi_raise(ep, i);
}

static bool bell_up(const struct endpoint *ep, u32 i)
{
	const struct gsi *g = &ep->gsis[i];

	return g->bell != NONE && (ep->bells[g->bell].flags & ep->bells[g->bell].enable);
}

/* Delivery may have become possible: what is owed is delivered, once */
void gsi_pay(struct endpoint *ep, u32 i)
{
	struct gsi *g = &ep->gsis[i];
	bool pending = g->word != NONE && m.words[g->word].pending;

	if (ep->frozen || (g->latch == NO && !pending && !bell_up(ep, i)))
		return;
	if (gsi_inject(ep, i))
		g->latch = NO;
	else if (g->latch == NO)
		/* It is owed in any case; whether it is called latched is not said */
		g->latch = MAYBE;
}

/* No longer exposed: the latch, the word and the bell go */
void gsi_drop(struct endpoint *ep, u32 i)
{
	struct gsi *g = &ep->gsis[i];

	if (g->word != NONE)
		m.words[g->word].pending = 0;
	if (g->bell != NONE)
		ep->bells[g->bell].gsi = NONE;
	*g = (struct gsi){ .wired = NONE, .word = NONE, .bell = NONE };
}

/* Once until the guest calls PEERS */
void ep_ring_config(struct endpoint *ep)
{
	if (ep->config == ANY_GSI || ep->frozen || ep->config_rung)
		return;
	ep->config_rung = true;
	ep->gsis[ep->config].config_rang = true;
	gsi_ring(ep, ep->config);
}

void ep_pay_all(struct endpoint *ep)
{
	u32 i;

	for (i = 0; i < NR_GSIS; i++)
		if (ep->gsis[i].exposed)
			gsi_pay(ep, i);
}

static void bell_start(struct endpoint *ep, u32 bell)
{
	struct bell *b = &ep->bells[bell];

	b->flags = 0;
	b->enable = ~0ULL;
	b->ack = 0;
	ep->gsis[b->gsi].latch = NO;
}

void ep_reset(struct endpoint *ep)
{
	u32 i;

	for (i = 0; i < MAX_PORTS; i++)
		if (ep->ports[i].used && !ep->ports[i].by_vmm)
			ep->ports[i].used = false;
	for (i = 0; i < NR_GSIS; i++) {
		struct gsi *g = &ep->gsis[i];

		if (!g->exposed)
			continue;
		g->latch = NO;
		g->address = 0;
		g->data = 0;
		if (g->word != NONE)
			m.words[g->word].pending = 0;
		if (g->bell != NONE)
			bell_start(ep, g->bell);
	}
	ep->config = ANY_GSI;
	ep->config_rung = false;
}

static s64 expose(struct endpoint *ep, const struct op *op)
{
	struct gsi *g = &ep->gsis[op->a];
	u32 kind = op->c % 3;

	if (!gsi_usable(op->a) || (kind == KVM_PVI_GSI_MSI) != gsi_is_virtual(op->a))
		return -EINVAL;
	if (kind != KVM_PVI_GSI_EVENTFD && ep->vm < 0) {
		m.alt = g->exposed ? -EEXIST : 0;
		return -EOPNOTSUPP;
	}
	if (g->exposed)
		return -EEXIST;
	g->exposed = true;
	g->kind = kind;
	return 0;
}

static s64 bell(struct endpoint *ep, const struct op *op)
{
	struct gsi *g = &ep->gsis[op->a];
	u32 number = op->b % NR_BELLS;

	if (!g->exposed)
		return -ENOENT;
	if (g->bell != NONE || ep->bells[number].gsi != NONE) {
		m.alt = g->word != NONE ? -EBUSY : 0;
		return -EEXIST;
	}
	if (g->word != NONE)
		return -EBUSY;
	g->bell = number;
	ep->bells[number] = (struct bell){ .gsi = op->a, .enable = ~0ULL };
	return 0;
}

static s64 status(struct endpoint *ep, const struct op *op)
{
	struct gsi *g = &ep->gsis[op->a];

	if (!g->exposed)
		return -ENOENT;
	if (g->word != NONE)
		return -EEXIST;
	if (g->bell != NONE)
		return -EBUSY;
	g->word = op->b;
	m.words[g->word].pending = 0;
	m.words[g->word].count = 0;
	return 0;
}

static s64 set_msi(struct endpoint *ep, const struct op *op)
{
	struct gsi *g = &ep->gsis[op->a];

	if (!g->exposed) {
		m.alt = op->d == 1 ? -EINVAL : 0;
		return -ENOENT;
	}
	if (g->kind != KVM_PVI_GSI_MSI || op->d == 1)
		return -EINVAL;
	g->address = op->d ? 0xfee00000 : 0;
	g->data = op->d ? FIRST_MSI + (op->c & 15) : 0;
	if (g->address)
		gsi_pay(ep, op->a);
	return 0;
}

/* Ops that name a GSI of the endpoint's own */
s64 model_gsi_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		 struct answer *want)
{
	struct gsi *g = &ep->gsis[op->a % NR_GSIS];

	(void)real;
	(void)want;
	if (op->kind == OP_EXPOSE)
		return expose(ep, op);
	if (op->kind == OP_SET_CONFIG) {
		if (op->a != ANY_GSI && !g->exposed)
			return -ENOENT;
		ep->config = op->a;
		ep->config_rung = false;
		return 0;
	}
	if (op->kind == OP_SET_MSI)
		return set_msi(ep, op);
	if (op->kind == OP_ARM && !gsi_usable(op->a))
		return -ENOENT;
	if (!gsi_usable(op->a))
		return -EINVAL;
	if (op->kind == OP_BELL)
		return bell(ep, op);
	if (op->kind == OP_STATUS)
		return status(ep, op);
	if (!g->exposed)
		return -ENOENT;
	switch (op->kind) {
	case OP_UNEXPOSE:
		gsi_drop(ep, op->a);
		return 0;
	case OP_UNSTATUS:
		if (g->word == NONE)
			return -ENOENT;
		m.words[g->word].pending = 0;
		g->word = NONE;
		return 0;
	case OP_WIRE:
	case OP_UNWIRE:
		if (g->kind != KVM_PVI_GSI_EVENTFD)
			return -EOPNOTSUPP;
		g->wired = op->kind == OP_WIRE ? op->c % NR_EFDS : NONE;
		if (op->kind == OP_WIRE)
			gsi_pay(ep, op->a);
		return 0;
	default:
		gsi_pay(ep, op->a);
		return 0;
	}
}
