// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi bell - bit-field doorbells
 *
 * A bell stands over one GSI: its line is up while flags & enable is not 0, and
 * over an edge GSI the level is kept by raising again. What happens is decided
 * under the bell's lock, the GSI is raised behind it: an interrupt that comes
 * too late is a spurious one, and whoever finds a flag set sees what its sender
 * wrote before.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "limit.h"
#include "pvi.h"

static unsigned int max_bells = 1024;
PVI_LIMIT(max_bells, PVI_BELLS_CAP, "bells of one endpoint");

#define BANK_BITS	32	/* what a register of a 16- or 32-bit guest holds */

static bool line(const struct pvi_bell *b)
{
	lockdep_assert_held(&b->lock);
	return b->flags & b->enable;
}

/* Called under RCU or vm->lock. */
static struct pvi_bell *bell_of(const struct pvi_gsi *g)
{
	return rcu_dereference_check(g->bell, lockdep_is_held(&g->vm->lock));
}

/* Called under RCU: verdict; @old is what the flags were. @new is not 0. */
int pvi_bell_set(struct pvi_bell *b, u64 new, u64 *old)
{
	bool raise;

	spin_lock(&b->lock);
	*old = b->flags;
	b->flags |= new;
	/* A line that rises does so by one of these. */
	raise = new & ~*old & b->enable;
	if (line(b))
		b->flags &= ~b->ack;
	spin_unlock(&b->lock);

	atomic64_inc(&b->gsi->rings);
	return raise ? pvi_gsi_raise(b->gsi) : KVM_PVI_COALESCED;
}

static u64 receive(struct pvi_bell *b, u64 clear)
{
	bool up;
	u64 old;

	spin_lock(&b->lock);
	old = b->flags;
	b->flags &= ~clear;
	up = line(b);
	spin_unlock(&b->lock);

	/* As a level interrupt would come again after its EOI. */
	if (up)
		pvi_gsi_raise(b->gsi);
	return old;
}

/* Replaces what @bank covers of both masks. */
static void set_masks(struct pvi_bell *b, u64 bank, u64 enable, u64 ack)
{
	bool was, up;

	spin_lock(&b->lock);
	was = line(b);
	b->enable = (b->enable & ~bank) | enable;
	b->ack = (b->ack & ~bank) | ack;
	up = line(b);
	if (up)
		b->flags &= ~b->ack;
	spin_unlock(&b->lock);

	if (up && !was)
		pvi_gsi_raise(b->gsi);
}

static void start_anew(struct pvi_bell *b)
{
	spin_lock(&b->lock);
	b->flags = 0;
	b->enable = ~0ULL;
	b->ack = 0;
	spin_unlock(&b->lock);
	clear_bit(PVI_GSI_LATCH, &b->gsi->flags);
}

/* How far the registers of the caller are from the flags they mean, or an error. */
static int bank_shift(const struct pvi_call *c, u64 bank)
{
	if (c->wide)
		return bank ? -EINVAL : 0;
	return bank < 2 ? bank * BANK_BITS : -EINVAL;
}

static struct pvi_bell *own_bell(struct pvi_call *c)
{
	return pvi_bell_find(c->vm, c->args[0]);
}

s64 pvi_bell_call_send(struct pvi_call *c)
{
	int shift = bank_shift(c, c->args[2]);
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
	int shift = bank_shift(c, c->args[2]);
	struct pvi_bell *b = own_bell(c);

	if (!c->rbx_returned)
		return -EOPNOTSUPP;
	if (shift < 0 || !c->args[1])
		return -EINVAL;
	if (!b)
		return -ENOENT;
	c->rbx = receive(b, c->args[1] << shift) >> shift;
	return 0;
}

s64 pvi_bell_call_mask(struct pvi_call *c)
{
	int shift = bank_shift(c, c->args[3]);
	struct pvi_bell *b = own_bell(c);

	if (shift < 0)
		return -EINVAL;
	if (!b)
		return -ENOENT;
	set_masks(b, c->wide ? ~0ULL : (u64)U32_MAX << shift, c->args[1] << shift,
		  c->args[2] << shift);
	return 0;
}

s64 pvi_bell_call_reset(struct pvi_call *c)
{
	struct pvi_bell *b = own_bell(c);

	if (!b)
		return -ENOENT;
	start_anew(b);
	return 0;
}

/* The guest of @g starts anew. */
void pvi_bell_reset(struct pvi_gsi *g)
{
	struct pvi_bell *b = bell_of(g);

	if (b)
		start_anew(b);
}

/* Writes what a guest and its senders have made of @b; false: nothing. */
bool pvi_bell_save(struct pvi_bell *b, struct kvm_pvi_state_bell *r)
{
	spin_lock(&b->lock);
	*r = (struct kvm_pvi_state_bell) {
		.bell = b->number,
		.flags = b->flags,
		.enable = b->enable,
		.ack = b->ack,
	};
	spin_unlock(&b->lock);
	return r->flags || ~r->enable || r->ack;
}

/* Flags that were set since add up; a line that is up is the caller's to pay. */
void pvi_bell_restore(struct pvi_bell *b, const struct kvm_pvi_state_bell *r)
{
	spin_lock(&b->lock);
	b->flags |= r->flags;
	b->enable = r->enable;
	b->ack = r->ack;
	spin_unlock(&b->lock);
}

/* There is a bell whose line is up: an interrupt is owed. Called under RCU. */
bool pvi_bell_up(struct pvi_gsi *g)
{
	struct pvi_bell *b = bell_of(g);
	bool up;

	if (!b)
		return false;
	spin_lock(&b->lock);
	up = line(b);
	spin_unlock(&b->lock);
	return up;
}

/* What a permission to ring @g names. Called under RCU. */
u32 pvi_bell_what(const struct pvi_gsi *g)
{
	const struct pvi_bell *b = bell_of(g);

	return b ? PVI_WHAT_BELL | b->number : g->gsi;
}

static int publish(struct pvi_bell *b, struct pvi_gsi *g)
{
	int ret;

	lockdep_assert_held(&g->vm->lock);
	if (rcu_access_pointer(g->bell))
		return -EEXIST;
	if (rcu_access_pointer(g->status))
		return -EBUSY;
	b->gsi = g;
	ret = xa_insert(&g->vm->bells, b->number, b, GFP_KERNEL);
	if (ret)
		return ret == -EBUSY ? -EEXIST : ret;
	rcu_assign_pointer(g->bell, b);
	set_bit(PVI_GSI_BELL, &g->flags);
	return 0;
}

static int create(struct pvi_vm *vm, struct pvi_bell *b, u32 gsi)
{
	struct pvi_gsi *g = pvi_gsi_find_locked(vm, gsi);
	int ret;

	if (IS_ERR(g))
		return PTR_ERR(g);
	ret = publish(b, g);
	mutex_unlock(&vm->lock);
	return ret;
}

int pvi_bell_create(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_bell *u = arg;
	struct pvi_bell *b;
	int ret;

	if (u->bell >= pvi_bell_max() || !pvi_gsi_valid(u->gsi))
		return -EINVAL;
	b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	if (!b)
		return -ENOMEM;
	b->number = u->bell;
	b->enable = ~0ULL;
	spin_lock_init(&b->lock);
	ret = create(vm, b, u->gsi);
	if (ret) {
		kfree(b);
		return ret;
	}
	/* Plain rings that found no bell have left. */
	synchronize_rcu();
	return 0;
}

/* The GSI goes: nobody is to find its bell any more. */
void pvi_bell_unpublish(struct pvi_gsi *g)
{
	struct pvi_bell *b = rcu_dereference_protected(g->bell, true);

	if (b)
		xa_erase(&g->vm->bells, b->number);
}

/* Whoever had found it has left. */
void pvi_bell_free(struct pvi_gsi *g)
{
	kfree(rcu_dereference_protected(g->bell, true));
}

void pvi_bell_show(struct seq_file *m, struct pvi_gsi *g)
{
	struct pvi_bell *b = bell_of(g);

	if (!b)
		return;
	spin_lock(&b->lock);
	seq_printf(m, "pvi-bell:\t%u gsi %u flags %#llx enable %#llx ack %#llx\n", b->number,
		   g->gsi, b->flags, b->enable, b->ack);
	spin_unlock(&b->lock);
}

/* The bell of @g for a query, or ENOENT. Called under RCU. */
s64 pvi_bell_number(const struct pvi_gsi *g)
{
	const struct pvi_bell *b = bell_of(g);

	if (!b)
		return -ENOENT;
	return b->number;
}

u32 pvi_bell_max(void)
{
	return READ_ONCE(max_bells);
}
