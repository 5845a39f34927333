// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi bell - bit-field doorbells
 *
 * A bell stands over one GSI: its line is up while flags & enable is not 0, and
 * over an edge GSI the level is kept by raising again. What is to happen is
 * decided here under the bell's lock; the GSI is raised by the caller behind it:
 * an interrupt that comes too late is a spurious one, and whoever finds a flag
 * set sees what its sender wrote before.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "bell.h"
#include "limit.h"

static unsigned int max_bells = 1024;
PVI_LIMIT(max_bells, PVI_BELLS_CAP, "bells of one endpoint");

static bool bell_line(const struct pvi_bell *b)
{
	lockdep_assert_held(&b->lock);
	return b->flags & b->enable;
}

/* Stores what the flags were. @new is not 0. */
bool pvi_bell_send(struct pvi_bell *b, u64 new, u64 *old)
{
	bool raise;

	spin_lock(&b->lock);
	*old = b->flags;
	b->flags |= new;
	/* A line that rises does so by one of these. */
	raise = new & ~*old & b->enable;
	if (bell_line(b))
		b->flags &= ~b->ack;
	spin_unlock(&b->lock);
	return raise;
}

/* A line that stays up raises again, as a level interrupt would after its EOI. */
bool pvi_bell_receive(struct pvi_bell *b, u64 clear, u64 *old)
{
	bool up;

	spin_lock(&b->lock);
	*old = b->flags;
	b->flags &= ~clear;
	up = bell_line(b);
	spin_unlock(&b->lock);
	return up;
}

/* Replaces what @bank covers of both masks. */
bool pvi_bell_mask(struct pvi_bell *b, u64 bank, u64 enable, u64 ack)
{
	bool was, up;

	spin_lock(&b->lock);
	was = bell_line(b);
	b->enable = (b->enable & ~bank) | enable;
	b->ack = (b->ack & ~bank) | ack;
	up = bell_line(b);
	if (up)
		b->flags &= ~b->ack;
	spin_unlock(&b->lock);
	return up && !was;
}

/* As it was made; nothing is owed. */
void pvi_bell_reset(struct pvi_bell *b)
{
	spin_lock(&b->lock);
	b->flags = 0;
	b->enable = ~0ULL;
	b->ack = 0;
	spin_unlock(&b->lock);
	clear_bit(PVI_GSI_LATCH, &b->gsi->flags);
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
	struct pvi_bell *b = pvi_bell_of(g);
	bool up;

	if (!b)
		return false;
	spin_lock(&b->lock);
	up = bell_line(b);
	spin_unlock(&b->lock);
	return up;
}

/* What a permission to ring @g names. Called under RCU. */
u32 pvi_bell_what(const struct pvi_gsi *g)
{
	const struct pvi_bell *b = pvi_bell_of(g);

	return b ? PVI_WHAT_BELL | b->number : g->gsi;
}

static int bell_publish(struct pvi_bell *b, struct pvi_gsi *g)
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
	WRITE_ONCE(g->vm->nr_bells, g->vm->nr_bells + 1);
	return 0;
}

static int bell_add(struct pvi_vm *vm, struct pvi_bell *b, u32 gsi)
{
	struct pvi_gsi *g = pvi_gsi_find_locked(vm, gsi);
	int ret;

	if (IS_ERR(g))
		return PTR_ERR(g);
	ret = bell_publish(b, g);
	pvi_vm_unlock(vm);
	return ret;
}

/* A plain ring that found no bell may still be on its way: then it is a spurious interrupt. */
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
	ret = bell_add(vm, b, u->gsi);
	if (ret)
		kfree(b);
	return ret;
}

/* The GSI goes: nobody is to find its bell any more. */
void pvi_bell_unpublish(struct pvi_gsi *g)
{
	struct pvi_bell *b = rcu_dereference_protected(g->bell, true);

	if (!b)
		return;
	xa_erase(&g->vm->bells, b->number);
	WRITE_ONCE(g->vm->nr_bells, g->vm->nr_bells - 1);
}

/* Whoever had found it has left. */
void pvi_bell_free(struct pvi_gsi *g)
{
	kfree(rcu_dereference_protected(g->bell, true));
}

void pvi_bell_show(struct seq_file *m, struct pvi_gsi *g)
{
	struct pvi_bell *b = pvi_bell_of(g);

	if (!b)
		return;
	spin_lock(&b->lock);
	seq_printf(m, "pvi-bell:\t%u gsi %u flags %#llx enable %#llx ack %#llx\n", b->number,
		   g->gsi, b->flags, b->enable, b->ack);
	spin_unlock(&b->lock);
}

u32 pvi_bell_max(void)
{
	return READ_ONCE(max_bells);
}
