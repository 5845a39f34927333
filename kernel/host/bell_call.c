// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi bell_call - the hypercalls of doorbells
 *
 * A register of a 16- or 32-bit guest holds one of the two banks of 32 flags.
 */
#include "bell.h"
#include "bell_call.h"
#include "deliver.h"
#include "ring.h"

#define BANK_BITS	32

/* How far the registers of the caller are from the flags they mean, or an error. */
static int bell_call_shift(const struct pvi_call *c, u64 bank)
{
	if (c->wide)
		return bank ? -EINVAL : 0;
	return bank < 2 ? bank * BANK_BITS : -EINVAL;
}

static struct pvi_bell *bell_call_own(struct pvi_call *c)
{
	return pvi_bell_find(c->vm, c->args[0]);
}

s64 pvi_bell_call_send(struct pvi_call *c)
{
	int shift = bell_call_shift(c, c->args[2]);
	u64 old = 0;
	int ret;

	if (shift < 0 || !c->args[1])
		return -EINVAL;
	ret = pvi_ring_bell(c->vm, c->args[0], c->args[1] << shift, &old);
	c->rbx = old >> shift;
	return ret;
}

s64 pvi_bell_call_receive(struct pvi_call *c)
{
	int shift = bell_call_shift(c, c->args[2]);
	struct pvi_bell *b = bell_call_own(c);
	u64 old;

	if (!c->rbx_returned)
		return -EOPNOTSUPP;
	if (shift < 0 || !c->args[1])
		return -EINVAL;
	if (!b)
		return -ENOENT;
	if (pvi_bell_receive(b, c->args[1] << shift, &old))
		pvi_deliver_raise(b->gsi);
	c->rbx = old >> shift;
	return 0;
}

/* The flags that a KVM_PVI_CALL cleared reach nobody: they are set as if sent again. Called under RCU. */
void pvi_bell_call_unreceive(struct pvi_call *c)
{
	u64 cleared = c->rbx & c->args[1], old;
	struct pvi_bell *b = bell_call_own(c);

	if (b && cleared && pvi_bell_send(b, cleared, &old))
		pvi_deliver_raise(b->gsi);
}

s64 pvi_bell_call_mask(struct pvi_call *c)
{
	int shift = bell_call_shift(c, c->args[3]);
	struct pvi_bell *b = bell_call_own(c);

	if (shift < 0)
		return -EINVAL;
	if (!b)
		return -ENOENT;
	if (pvi_bell_mask(b, c->wide ? ~0ULL : (u64)U32_MAX << shift, c->args[1] << shift,
			  c->args[2] << shift))
		pvi_deliver_raise(b->gsi);
	return 0;
}

s64 pvi_bell_call_reset(struct pvi_call *c)
{
	struct pvi_bell *b = bell_call_own(c);

	if (!b)
		return -ENOENT;
	pvi_bell_reset(b);
	return 0;
}
