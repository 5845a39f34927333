// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi deliver - an interrupt for an accepted ring, now or owed
 *
 * What cannot be delivered is latched: one bit, accepted means owed. It is paid
 * once, by whoever makes delivery possible (wiring, KVM_HC_PVI_ARM,
 * KVM_PVI_KICK), by the next ring, or by a work that tries again after retry_ms,
 * doubling to 1 s, for guests that know nothing of us. What only takes too long
 * for whoever rings, the work delivers at once.
 *
 * With a status word a ring may be owed although the latch is clear: it was
 * delivered to a wiring or a handler that is gone. Whoever pays looks there too.
 *
 * Whoever delivers takes the latch by exchange before it injects: a ring that
 * fails meanwhile sets it again and is not forgotten. While it is taken the ring
 * is still owed: another that fails is not the first, and its verdict says so.
 */
#include "bell.h"
#include "deliver.h"
#include "limit.h"
#include "status.h"
#include "../compat/compat.h"

#define RETRY_FIRST	0	/* stands for retry_ms */
#define RETRY_LAST	1000U	/* ms */

static unsigned int retry_ms = 10;
PVI_LIMIT(retry_ms, 3600000, "ms until what could not be delivered is tried again, then doubling up to 1000");

static struct workqueue_struct *deliver_wq;

/* Of a GSI of kind eventfd: 0 if it is not wired. Called under RCU. */
int pvi_deliver_signal(struct pvi_gsi *g)
{
	struct eventfd_ctx *eventfd = rcu_dereference(g->eventfd);

	if (!eventfd)
		return 0;
	pvi_compat_eventfd_signal(eventfd);
	return 1;
}

/* One interrupt; @slowly: however long it takes. As pvi_deliver_try(). */
static int deliver_once(struct pvi_gsi *g, bool slowly)
{
	if (!slowly)
		return pvi_deliver_try(g, g->vm);
	if (g->kind == KVM_PVI_GSI_DIRECT)
		return pvi_inject_slowly(g, g->vm->kvm);
	if (g->kind == KVM_PVI_GSI_MSI)
		return pvi_msi_raise_slowly(g);
	return pvi_deliver_signal(g);
}

/* What is queued may be of a latch that was paid since: it is as late, or as early, as that one was. */
static void deliver_queue(struct pvi_gsi *g, unsigned long delay, bool fresh)
{
	if (fresh)
		mod_delayed_work(deliver_wq, &g->retry, delay);
	else
		queue_delayed_work(deliver_wq, &g->retry, delay);
}

/* Only injection fails without anybody telling when it would succeed. */
static void deliver_later(struct pvi_gsi *g, unsigned int delay, bool fresh)
{
	if (g->kind == KVM_PVI_GSI_EVENTFD || !pvi_gsi_wired(g))
		return;
	if (delay == RETRY_FIRST)
		delay = READ_ONCE(retry_ms);
	WRITE_ONCE(g->delay, delay);
	deliver_queue(g, msecs_to_jiffies(delay), fresh);
}

/* Before a retry that is due, if there is one: nobody is to wait for more than a worker. */
static void deliver_by_work(struct pvi_gsi *g)
{
	WRITE_ONCE(g->delay, READ_ONCE(retry_ms));
	mod_delayed_work(deliver_wq, &g->retry, 0);
}

/* Takes the latch if it is set; deliver_put() or deliver_owe() must follow. */
static bool deliver_take(struct pvi_gsi *g)
{
	unsigned long old = READ_ONCE(g->flags);

	do {
		if (!(old & BIT(PVI_GSI_LATCH)))
			return false;
	} while (!try_cmpxchg(&g->flags, &old,
			      (old & ~BIT(PVI_GSI_LATCH)) + BIT(PVI_GSI_TAKERS)));
	return true;
}

/* What was taken is delivered. */
static void deliver_put(struct pvi_gsi *g)
{
	unsigned long old = READ_ONCE(g->flags);

	while (!try_cmpxchg(&g->flags, &old, old - BIT(PVI_GSI_TAKERS)))
		;
}

/*
 * Sets the latch, for good or once more: a full barrier. Returns the flags as they
 * were. @taken: what was taken comes back.
 */
static unsigned long deliver_owe(struct pvi_gsi *g, bool taken)
{
	unsigned long old = READ_ONCE(g->flags), new;

	do {
		new = old | BIT(PVI_GSI_LATCH);
		if (taken)
			new -= BIT(PVI_GSI_TAKERS);
	} while (!try_cmpxchg(&g->flags, &old, new));
	return old;
}

/* Whether a ring was owed already, by the latch or by whoever has taken it, which is counted in @old. */
static bool deliver_was_owed(unsigned long old)
{
	return old & BIT(PVI_GSI_LATCH) || old >> PVI_GSI_TAKERS;
}

/*
 * Nothing took it, @why says how: set the latch, and look at the wiring once
 * more, for it may have been made meanwhile. Look first and take the latch back
 * only then: while it is taken a payer finds nothing owed. One that has come
 * meanwhile, to a pin say that the guest has just unmasked, will not come again,
 * so the work pays for it. @slowly: this is that work, which finds out at once what others leave to it, and so
 * waits longer each time. Returns the verdict.
 */
static int deliver_latch(struct pvi_gsi *g, bool taken, unsigned int delay, int why, bool slowly)
{
	/* A full barrier; pairs with pvi_deliver_owed(). */
	unsigned long old = deliver_owe(g, taken);
	int payers;

	while (why != -EWOULDBLOCK && pvi_gsi_wired(g)) {
		payers = atomic_read(&g->payers);
		if (!deliver_take(g))
			break;
		why = deliver_once(g, slowly);
		if (why > 0) {
			deliver_put(g);
			return KVM_PVI_RAISED;
		}
		/* Before looking again; pairs with pvi_deliver_owed(). */
		deliver_owe(g, true);
		if (g->kind == KVM_PVI_GSI_EVENTFD)
			continue;
		/* For the others the work tries again. */
		if (atomic_read(&g->payers) != payers)
			why = -EWOULDBLOCK;
		break;
	}
	if (why == -EWOULDBLOCK)
		deliver_by_work(g);
	else
		deliver_later(g, delay, !taken && !(old & BIT(PVI_GSI_LATCH)));
	return deliver_was_owed(old) ? KVM_PVI_COALESCED : KVM_PVI_LATCHED;
}

/* Makes one interrupt, what is @taken, or owes it; returns the verdict. Called under RCU. */
static int deliver_or_latch(struct pvi_gsi *g, bool taken, unsigned int delay, bool slowly)
{
	int ret = deliver_once(g, slowly);

	if (ret <= 0)
		return deliver_latch(g, taken, delay, ret, slowly);
	if (taken)
		deliver_put(g);
	return KVM_PVI_RAISED;
}

/* A plain ring for which pvi_deliver_try() returned @why: returns the verdict. Called under RCU. */
int pvi_deliver_failed(struct pvi_gsi *g, int why)
{
	return deliver_latch(g, false, RETRY_FIRST, why, false);
}

/* An interrupt that is no accepted ring. Called under RCU; returns the verdict. */
int pvi_deliver_raise(struct pvi_gsi *g)
{
	return deliver_or_latch(g, deliver_take(g), RETRY_FIRST, false);
}

/* An accepted ring, on its last step: returns the verdict. Called under RCU. */
int pvi_deliver_ring(struct pvi_gsi *g)
{
	atomic64_inc(&g->rings);
	if (test_bit(PVI_GSI_STATUS, &g->flags) && pvi_status_mark(g))
		return KVM_PVI_COALESCED;
	return deliver_or_latch(g, deliver_take(g), RETRY_FIRST, false);
}

/* As pvi_deliver_ring(), when there will be a token: owed until then. Called under RCU. */
void pvi_deliver_ring_later(struct pvi_gsi *g)
{
	u64 wait = pvi_bucket_wait(&g->bucket);
	unsigned long old;

	atomic64_inc(&g->rings);
	if (test_bit(PVI_GSI_STATUS, &g->flags) && pvi_status_mark(g))
		return;
	old = deliver_owe(g, false);
	/* One token for all that wait. */
	if (!deliver_was_owed(old)) {
		pvi_bucket_reserve(&g->bucket);
		WRITE_ONCE(g->delay, READ_ONCE(retry_ms));
	}
	deliver_queue(g, nsecs_to_jiffies(wait) + 1, !(old & BIT(PVI_GSI_LATCH)));
}

/* Pays. What a snapshot has seen owed stays owed; the dead are owed nothing. */
static void deliver_pay(struct pvi_gsi *g, unsigned int delay, bool slowly)
{
	bool taken;

	rcu_read_lock();
	if (pvi_vm_open(g->vm)) {
		taken = deliver_take(g);
		if (taken || pvi_status_pending(g) || pvi_bell_up(g))
			deliver_or_latch(g, taken, delay, slowly);
	}
	rcu_read_unlock();
}

static void deliver_retry_work(struct work_struct *work)
{
	struct pvi_gsi *g = container_of(to_delayed_work(work), struct pvi_gsi, retry);

	deliver_pay(g, min(READ_ONCE(g->delay) * 2, max(READ_ONCE(retry_ms), RETRY_LAST)), true);
	/* Whoever sees it counted finds it done. */
	this_cpu_inc(g->vm->stats->retries);
}

/* Delivery has become possible: pay. */
void pvi_deliver_owed(struct pvi_gsi *g)
{
	atomic_inc(&g->payers);
	/* Pairs with setting the latch and looking once more in deliver_latch(). */
	smp_mb__after_atomic();
	deliver_pay(g, RETRY_FIRST, false);
}

/* All that is owed to an endpoint. */
void pvi_deliver_all_owed(struct pvi_vm *vm)
{
	struct pvi_gsi *g;
	unsigned long i;

	lockdep_assert_held(&vm->lock);
	xa_for_each(&vm->gsis, i, g) {
		pvi_deliver_owed(g);
		cond_resched();
	}
}

void pvi_deliver_init_gsi(struct pvi_gsi *g)
{
	spin_lock_init(&g->lock);
	pvi_msi_init(g);
	INIT_DELAYED_WORK(&g->retry, deliver_retry_work);
}

/* Guests get on by it when memory is short. */
int __init pvi_deliver_init(void)
{
	deliver_wq = alloc_workqueue("kvm_pvi", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return deliver_wq ? 0 : -ENOMEM;
}

void pvi_deliver_exit(void)
{
	destroy_workqueue(deliver_wq);
}
