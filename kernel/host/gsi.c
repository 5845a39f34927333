// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi gsi - exposed GSIs of a receiver
 *
 * What cannot be delivered is latched: one bit, accepted means owed. It is paid
 * once, by whoever makes delivery possible (wiring, KVM_HC_PVI_ARM,
 * KVM_PVI_KICK), by the next ring, or by a work that tries again after 10 ms,
 * doubling to 1 s, for guests that know nothing of us.
 *
 * With a status word a ring may be owed although the latch is clear: it was
 * delivered to a wiring or a handler that is gone. Whoever pays looks there too.
 *
 * Whoever delivers takes the latch by exchange before it injects: a ring that
 * fails meanwhile sets it again and is not forgotten.
 */
#include <linux/kvm_host.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "../compat/compat.h"
#include "gsi.h"
#include "limit.h"

#define RETRY_FIRST	10	/* ms */
#define RETRY_LAST	1000

static unsigned int max_gsis = 1024;
PVI_LIMIT(max_gsis, 8192, "exposed GSIs of one endpoint");

/* Of a GSI of kind eventfd: false if it is not wired. Called under RCU. */
bool pvi_gsi_signal(struct pvi_gsi *g)
{
	struct eventfd_ctx *eventfd = rcu_dereference(g->eventfd);

	if (!eventfd)
		return false;
	pvi_compat_eventfd_signal(eventfd);
	return true;
}

static bool raise(struct pvi_gsi *g)
{
	return pvi_gsi_try(g, g->vm);
}

/* A ring can be delivered as far as is known here. */
static bool wired(const struct pvi_gsi *g)
{
	return g->kind == KVM_PVI_GSI_DIRECT || rcu_access_pointer(g->eventfd) ||
	       pvi_msi_wired(g);
}

/* Only injection fails without anybody telling when it would succeed. */
static void retry_later(struct pvi_gsi *g, unsigned int delay)
{
	if (g->kind == KVM_PVI_GSI_EVENTFD || !wired(g))
		return;
	WRITE_ONCE(g->delay, delay);
	queue_delayed_work(pvi_wq, &g->retry, msecs_to_jiffies(delay));
}

/*
 * Nothing took it: set the latch, and look at the wiring once more, for it may
 * have been made meanwhile. Look first and take the latch back only then: while
 * it is taken a payer would find nothing owed. Returns the verdict.
 */
static int latch(struct pvi_gsi *g, bool owed, unsigned int delay)
{
	owed |= test_and_set_bit(PVI_GSI_LATCH, &g->flags);
	/* Implies a full barrier; pairs with pvi_gsi_pay(). */
	while (wired(g) && test_and_clear_bit(PVI_GSI_LATCH, &g->flags)) {
		if (raise(g))
			return KVM_PVI_RAISED;
		set_bit(PVI_GSI_LATCH, &g->flags);
		/* For the others the work tries again. */
		if (g->kind != KVM_PVI_GSI_EVENTFD)
			break;
		/* As above, before looking again. */
		smp_mb__after_atomic();
	}
	retry_later(g, delay);
	return owed ? KVM_PVI_COALESCED : KVM_PVI_LATCHED;
}

/* Makes one interrupt or owes it; returns the verdict. Called under RCU. */
static int raise_or_latch(struct pvi_gsi *g, unsigned int delay)
{
	bool owed = test_bit(PVI_GSI_LATCH, &g->flags) &&
		    test_and_clear_bit(PVI_GSI_LATCH, &g->flags);

	return raise(g) ? KVM_PVI_RAISED : latch(g, owed, delay);
}

/* A plain ring that nothing took: returns the verdict. Called under RCU. */
int pvi_gsi_latch(struct pvi_gsi *g)
{
	return latch(g, false, RETRY_FIRST);
}

/* An interrupt that is no accepted ring. Called under RCU; returns the verdict. */
int pvi_gsi_raise(struct pvi_gsi *g)
{
	return raise_or_latch(g, RETRY_FIRST);
}

/* Delivers what is owed. Called under RCU. */
static void pay(struct pvi_gsi *g, unsigned int delay)
{
	/* What a snapshot has seen owed stays owed; the dead are owed nothing. */
	if (READ_ONCE(g->vm->flags) & PVI_VM_UNAVAILABLE)
		return;
	if (test_and_clear_bit(PVI_GSI_LATCH, &g->flags) || pvi_status_pending(g) ||
	    pvi_bell_up(g))
		raise_or_latch(g, delay);
}

static void retry_work(struct work_struct *work)
{
	struct pvi_gsi *g = container_of(to_delayed_work(work), struct pvi_gsi, retry);

	this_cpu_inc(g->vm->stats->retries);
	rcu_read_lock();
	pay(g, min(READ_ONCE(g->delay) * 2, (unsigned int)RETRY_LAST));
	rcu_read_unlock();
}

/* Delivery has become possible: pay. */
void pvi_gsi_pay(struct pvi_gsi *g)
{
	/* Pairs with setting the latch and looking at the wiring once more in latch(). */
	smp_mb();
	rcu_read_lock();
	pay(g, RETRY_FIRST);
	rcu_read_unlock();
}

/* The same for all GSIs of an endpoint. */
void pvi_gsi_pay_all(struct pvi_vm *vm)
{
	struct pvi_gsi *g;
	unsigned long i;

	lockdep_assert_held(&vm->lock);
	xa_for_each(&vm->gsis, i, g)
		pvi_gsi_pay(g);
}

/* An accepted ring, on its last step: returns the verdict. Called under RCU. */
int pvi_gsi_deliver(struct pvi_gsi *g)
{
	atomic64_inc(&g->rings);
	if (test_bit(PVI_GSI_STATUS, &g->flags) && pvi_status_mark(g))
		return KVM_PVI_COALESCED;
	return raise_or_latch(g, RETRY_FIRST);
}

static int check_kind(struct pvi_vm *vm, const struct kvm_pvi_expose *e)
{
	if (e->kind == KVM_PVI_GSI_EVENTFD)
		return e->gsi < KVM_PVI_GSI_MAX ? 0 : -EINVAL;
	if (e->kind > KVM_PVI_GSI_MSI ||
	    (e->kind == KVM_PVI_GSI_MSI) != (e->gsi >= KVM_PVI_GSI_VIRTUAL))
		return -EINVAL;
	if (!vm->kvm || !pvi_kvm_has_lapic(vm->kvm))
		return -EOPNOTSUPP;
	if (e->kind == KVM_PVI_GSI_DIRECT && !pvi_inject_possible(vm->kvm, e->gsi))
		return -EOPNOTSUPP;
	return 0;
}

static int insert(struct pvi_vm *vm, struct pvi_gsi *g)
{
	int ret;

	if (xa_load(&vm->gsis, g->gsi))
		return -EEXIST;
	if (vm->nr_gsis >= READ_ONCE(max_gsis))
		return -ENOSPC;
	ret = xa_insert(&vm->gsis, g->gsi, g, GFP_KERNEL);
	if (ret)
		return ret;
	vm->nr_gsis++;
	pvi_acl_set_gsi(vm, g->gsi, g);
	return 0;
}

int pvi_gsi_expose(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_expose *e = arg;
	struct pvi_gsi *g;
	int ret;

	if (!pvi_gsi_valid(e->gsi) || pvi_bucket_check(e->rate, e->burst))
		return -EINVAL;
	g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	if (!g)
		return -ENOMEM;
	g->vm = vm;
	g->gsi = e->gsi;
	g->kind = e->kind;
	spin_lock_init(&g->lock);
	pvi_msi_init(g);
	INIT_DELAYED_WORK(&g->retry, retry_work);
	pvi_bucket_set(&g->bucket, e->rate, e->burst);
	g->flags = e->rate ? BIT(PVI_GSI_LIMITED) : 0;

	ret = pvi_vm_lock(vm);
	if (ret)
		goto err_free;
	ret = check_kind(vm, e);
	if (!ret)
		ret = insert(vm, g);
	mutex_unlock(&vm->lock);
	if (ret)
		goto err_free;
	return 0;

err_free:
	kfree(g);
	return ret;
}

/* Nobody finds @g any more, and whoever had found it has left. */
static void gsi_free(struct pvi_gsi *g)
{
	struct eventfd_ctx *eventfd = rcu_dereference_protected(g->eventfd, true);

	cancel_delayed_work_sync(&g->retry);
	pvi_bell_free(g);
	pvi_status_free(g);
	if (eventfd)
		pvi_eventfd_put_sink(eventfd);
	kfree(g);
}

/* Takes vm->lock and finds @gsi; on success the lock is held. */
struct pvi_gsi *pvi_gsi_find_locked(struct pvi_vm *vm, u32 gsi)
{
	struct pvi_gsi *g;
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ERR_PTR(ret);
	g = pvi_gsi_find(vm, gsi);
	if (g)
		return g;
	mutex_unlock(&vm->lock);
	return ERR_PTR(-ENOENT);
}

int pvi_gsi_unexpose(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_gsi *u = arg;
	struct pvi_gsi *g;

	if (u->__reserved || !pvi_gsi_valid(u->gsi))
		return -EINVAL;
	g = pvi_gsi_find_locked(vm, u->gsi);
	if (IS_ERR(g))
		return PTR_ERR(g);
	pvi_acl_set_gsi(vm, g->gsi, NULL);
	xa_erase(&vm->gsis, g->gsi);
	pvi_bell_unpublish(g);
	vm->nr_gsis--;
	mutex_unlock(&vm->lock);

	synchronize_rcu();
	gsi_free(g);
	return 0;
}

/* Swaps the eventfd of a GSI, pays what is latched, drops the old one when nobody signals it. */
static int swap_eventfd(struct pvi_vm *vm, u32 gsi, struct eventfd_ctx *eventfd)
{
	struct eventfd_ctx *old;
	struct pvi_gsi *g;

	g = pvi_gsi_find_locked(vm, gsi);
	if (IS_ERR(g))
		return PTR_ERR(g);
	if (g->kind != KVM_PVI_GSI_EVENTFD) {
		mutex_unlock(&vm->lock);
		return -EOPNOTSUPP;
	}
	old = rcu_replace_pointer(g->eventfd, eventfd, lockdep_is_held(&vm->lock));
	pvi_gsi_pay(g);
	mutex_unlock(&vm->lock);

	if (old) {
		synchronize_rcu();
		pvi_eventfd_put_sink(old);
	}
	return 0;
}

int pvi_gsi_wire(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_wire *w = arg;
	struct eventfd_ctx *eventfd;
	int ret;

	if (!pvi_gsi_valid(w->gsi))
		return -EINVAL;
	eventfd = pvi_eventfd_get_sink(w->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	ret = swap_eventfd(vm, w->gsi, eventfd);
	if (ret)
		pvi_eventfd_put_sink(eventfd);
	return ret;
}

int pvi_gsi_unwire(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_gsi *u = arg;

	if (u->__reserved || !pvi_gsi_valid(u->gsi))
		return -EINVAL;
	return swap_eventfd(vm, u->gsi, NULL);
}

int pvi_gsi_kick(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_gsi *u = arg;
	struct pvi_gsi *g;

	if (u->__reserved || !pvi_gsi_valid(u->gsi))
		return -EINVAL;
	g = pvi_gsi_find_locked(vm, u->gsi);
	if (IS_ERR(g))
		return PTR_ERR(g);
	pvi_gsi_pay(g);
	mutex_unlock(&vm->lock);
	return 0;
}

/* The guest starts anew: nothing is owed to it. */
void pvi_gsi_reset(struct pvi_vm *vm)
{
	struct pvi_gsi *g;
	unsigned long i;

	lockdep_assert_held(&vm->lock);
	xa_for_each(&vm->gsis, i, g) {
		pvi_msi_reset(g);
		pvi_bell_reset(g);
		pvi_status_reset(g);
		clear_bit(PVI_GSI_LATCH, &g->flags);
	}
}

/* The receiver has died, and the rings that found it alive have left. */
void pvi_gsi_free(struct pvi_vm *vm)
{
	struct pvi_gsi *g;
	unsigned long i;

	xa_for_each(&vm->gsis, i, g) {
		xa_erase(&vm->gsis, i);
		pvi_bell_unpublish(g);
		gsi_free(g);
		cond_resched();
	}
}

/* KVM_PVI_GSI_WIRED... */
u32 pvi_gsi_state(const struct pvi_gsi *g)
{
	u32 state = 0;

	if (wired(g))
		state |= KVM_PVI_GSI_WIRED;
	if (test_bit(PVI_GSI_LATCH, &g->flags))
		state |= KVM_PVI_GSI_LATCHED;
	if (test_bit(PVI_GSI_STATUS, &g->flags))
		state |= KVM_PVI_GSI_STATUS;
	return state;
}

u32 pvi_gsi_max(void)
{
	return READ_ONCE(max_gsis);
}
