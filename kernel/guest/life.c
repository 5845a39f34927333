// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest life - tells of hosts that come and go, and looks for them while anybody waits
 *
 * No call tells a guest that sleeps that its VMM has bound it anew, and what it
 * waits for may need to be said to the host again. So as long as there is a handler,
 * a connection or somebody to be told, a work looks now and then: four hypercalls
 * and one for each virtual GSI in use. Its timer is not deferrable: a guest all of
 * whose CPUs wait for interrupts would never look.
 */
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/notifier.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "guest.h"
#include "limit.h"

static unsigned int check_seconds = 2;
PVI_LIMIT(check_seconds, 3600, "seconds between two looks for another host, while anybody waits");

static BLOCKING_NOTIFIER_HEAD(watchers);
static atomic_t nr_watchers = ATOMIC_INIT(0);
static atomic_t changes = ATOMIC_INIT(0);	/* hosts lost and met */

static void life_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(work, life_work);

/* Not while this guest is put to sleep: power.c cares for what comes then. */
static void life_queue(void)
{
	queue_delayed_work(system_freezable_power_efficient_wq, &work,
			   round_jiffies_relative(READ_ONCE(check_seconds) * HZ));
}

/* Somebody waits from now on, who is found by life_wanted(). */
void pvi_life_begin(void)
{
	life_queue();
}

/* A host was lost or met. Any context. */
void pvi_life_changed(void)
{
	atomic_inc(&changes);
	pvi_life_look();
}

/* Something says that the host may be another one. Any context. */
void pvi_life_look(void)
{
	mod_delayed_work(system_freezable_power_efficient_wq, &work, 0);
}

static bool life_wanted(void)
{
	return atomic_read(&nr_watchers) || pvi_irq_used() || pvi_ring_used() || pvi_peers_watched();
}

/* A host that goes and comes at once is told of once. */
static void life_tell(void)
{
	static int told;	/* one work at a time */
	int now = atomic_read(&changes);
	bool there;

	if (told == now)
		return;
	told = now;
	there = READ_ONCE(pvi_host.features);
	if (!there)
		pvi_irq_look();
	blocking_notifier_call_chain(&watchers, there ? KVM_PVI_GUEST_HOST_CAME :
				     KVM_PVI_GUEST_HOST_WENT, NULL);
}

static void life_work(struct work_struct *unused)
{
	if (life_wanted() && !pvi_detect_check()) {
		pvi_irq_check();
		pvi_peers_check();
	}
	life_tell();
	if (life_wanted())
		life_queue();
}

/**
 * kvm_pvi_guest_watch_host() - be told when the host goes and comes
 * @nb: called from a work, with KVM_PVI_GUEST_HOST_WENT: calls answer -ENODEV; or
 *	KVM_PVI_GUEST_HOST_CAME: there is a host, perhaps another one. What was connected may
 *	answer -ENXIO now, bells may have been reset, rings dropped: look at everything. Handlers
 *	and watchers stay; they are called as well
 *
 * It is called at the latest a few seconds after the change. No host need be there. May sleep.
 *
 * Return: 0; -EEXIST: @nb is called already.
 */
int kvm_pvi_guest_watch_host(struct notifier_block *nb)
{
	int ret = blocking_notifier_chain_register(&watchers, nb);

	if (ret)
		return ret;
	atomic_inc(&nr_watchers);
	pvi_life_begin();
	return 0;
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_watch_host);

/**
 * kvm_pvi_guest_unwatch_host() - not be told any more
 * @nb: one that is watched
 *
 * When this has returned, it does not run. Not from a notifier. May sleep.
 */
void kvm_pvi_guest_unwatch_host(struct notifier_block *nb)
{
	if (!blocking_notifier_chain_unregister(&watchers, nb))
		atomic_dec(&nr_watchers);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_unwatch_host);

/* Nobody waits any more. */
void pvi_life_exit(void)
{
	cancel_delayed_work_sync(&work);
}
