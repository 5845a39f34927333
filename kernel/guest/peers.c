// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest peers - whom this guest may ring, and to be told when that changes
 *
 * The host rings one GSI when peers come and go, once until it is asked for them
 * again. So whoever is told here, the work has asked before, lest the next change
 * goes unnoticed. That GSI may be one that others use too: the last that can be had,
 * since those are virtual ones, if there are any. Another host may expose others, and
 * the VMM may take it away: then it is chosen anew. A GSI of others' does not tell what
 * it was rung for, and may be rung all the time, so the host is asked now and then only.
 */
#include <linux/export.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "guest.h"

static BLOCKING_NOTIFIER_HEAD(watchers);
static DEFINE_MUTEX(watch_lock);	/* protects nr_watchers; held across starting and stopping */
static unsigned int nr_watchers;
static u32 config_gsi = KVM_PVI_GSI_ANY;	/* the GSI that is rung; both locks to change it */

#define PEERS_APART	(HZ / 10)	/* from one look to the next, because of rings */

static void peers_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(work, peers_look);
static unsigned long peers_looked = INITIAL_JIFFIES;	/* when the last look began */

/**
 * kvm_pvi_guest_peers() - whom this guest may ring
 * @first: the position to begin at
 * @peers: out: records, ascending by position
 * @nr: room for so many
 *
 * To see all begin with 0, and go on behind the last record's position until there are none. May
 * sleep.
 *
 * Return: how many records there are, at most KVM_PVI_PEERS_MAX; -EINVAL: @nr is 0; -EOPNOTSUPP:
 * the host does not serve it; -ENOMEM; -ENODEV.
 */
int kvm_pvi_guest_peers(u32 first, struct kvm_pvi_peer *peers, unsigned int nr)
{
	struct kvm_pvi_peer *records;
	int ret;

	if (!nr)
		return -EINVAL;
	if (kvm_pvi_guest_features() && !(kvm_pvi_guest_features() & KVM_PVI_FEAT_PEERS))
		return -EOPNOTSUPP;
	nr = min(nr, KVM_PVI_PEERS_MAX);
	/* The host writes to physical addresses; @peers may lie anywhere. */
	records = kcalloc(nr, sizeof(*records), GFP_KERNEL_ACCOUNT);
	if (!records)
		return -ENOMEM;
	ret = pvi_call(KVM_HC_PVI_PEERS, virt_to_phys(records), nr * sizeof(*records), first);
	/* A host is not believed that it has written more than there is room for. */
	if (ret > 0) {
		ret = min_t(unsigned int, ret, nr);
		memcpy(peers, records, ret * sizeof(*peers));
	}
	kfree(records);
	return ret;
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_peers);

static void peers_config_ring(struct kvm_pvi_guest_handler *handler)
{
	unsigned long due = READ_ONCE(peers_looked) + PEERS_APART, now = jiffies;

	queue_delayed_work(system_power_efficient_wq, &work, time_before(now, due) ? due - now : 0);
}

static void peers_look_now(void)
{
	mod_delayed_work(system_power_efficient_wq, &work, 0);
}

static struct kvm_pvi_guest_handler handler = { .ring = peers_config_ring };

/* A host that serves it not would answer as if there were none. */
static bool peers_served(void)
{
	return kvm_pvi_guest_features() & KVM_PVI_FEAT_PEERS;
}

/* Have the host ring again at the next change. */
static void peers_rearm(void)
{
	struct kvm_pvi_peer record;

	mutex_lock(&pvi_host_lock);
	if (config_gsi != KVM_PVI_GSI_ANY && peers_served())
		pvi_call(KVM_HC_PVI_SET_CONFIG, config_gsi, 0, 0);
	mutex_unlock(&pvi_host_lock);
	kvm_pvi_guest_peers(0, &record, 1);
}

static void peers_look(struct work_struct *work)
{
	WRITE_ONCE(peers_looked, jiffies);
	peers_rearm();
	blocking_notifier_call_chain(&watchers, 0, NULL);
}

/* A host has come back, perhaps with other peers. */
void pvi_peers_rewire(void)
{
	lockdep_assert_held(&pvi_host_lock);
	if (config_gsi != KVM_PVI_GSI_ANY)
		peers_look_now();
}

bool pvi_peers_watched(void)
{
	return READ_ONCE(nr_watchers);
}

static int peers_set_config(u32 gsi)
{
	int ret;

	mutex_lock(&pvi_host_lock);
	ret = peers_served() ? pvi_call(KVM_HC_PVI_SET_CONFIG, gsi, 0, 0) : -EOPNOTSUPP;
	if (!ret || gsi == KVM_PVI_GSI_ANY)
		config_gsi = gsi;
	mutex_unlock(&pvi_host_lock);
	return ret;
}

/* The last GSI whose interrupt can be had. */
static int peers_start(void)
{
	long index = pvi_irq_exposed(), gsi;
	int ret = -ENOENT;

	if (index < 0)
		return index;
	while (ret && index--) {
		gsi = pvi_query(KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_NUMBER);
		ret = gsi < 0 ? gsi : pvi_irq_add(&handler, gsi, false);
	}
	if (ret)
		return ret;
	ret = peers_set_config(gsi);
	if (ret)
		kvm_pvi_guest_release(&handler);
	return ret;
}

static void peers_stop(void)
{
	if (config_gsi == KVM_PVI_GSI_ANY)
		return;
	peers_set_config(KVM_PVI_GSI_ANY);
	kvm_pvi_guest_release(&handler);
}

/* The host that there is rings the GSI that was chosen, or another is. */
void pvi_peers_check(void)
{
	mutex_lock(&watch_lock);
	if (nr_watchers && peers_served() && (config_gsi == KVM_PVI_GSI_ANY ||
			    pvi_query(KVM_PVI_Q_SELF, 0, KVM_PVI_Q_SELF_CONFIG) != config_gsi)) {
		peers_stop();
		if (!peers_start())
			peers_look_now();
	}
	mutex_unlock(&watch_lock);
}

/**
 * kvm_pvi_guest_watch() - be told when peers come and go
 * @nb: called from a work, with an action and data that mean nothing
 *
 * It is called too when a sender is heard of for the first time or has died, and may be when
 * nothing has changed. When this has returned look once at kvm_pvi_guest_peers(). It takes an
 * exposed GSI that it may share with any handler of this API. May sleep.
 *
 * Return: 0; -ENOENT: no GSI is exposed; -EEXIST: @nb is called already; -EOPNOTSUPP: the host
 * does not serve it; other errors of kvm_pvi_guest_request().
 */
int kvm_pvi_guest_watch(struct notifier_block *nb)
{
	int ret = 0;

	if (pvi_detect_check())
		return -ENODEV;
	if (!peers_served())
		return -EOPNOTSUPP;
	mutex_lock(&watch_lock);
	if (!nr_watchers)
		ret = peers_start();
	if (!ret)
		ret = blocking_notifier_chain_register(&watchers, nb);
	if (!ret)
		WRITE_ONCE(nr_watchers, nr_watchers + 1);
	mutex_unlock(&watch_lock);
	if (!ret)
		pvi_life_begin();
	return ret;
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_watch);

/**
 * kvm_pvi_guest_unwatch() - not be told any more
 * @nb: one that is watched
 *
 * When this has returned, it does not run. Not from a notifier. May sleep.
 */
void kvm_pvi_guest_unwatch(struct notifier_block *nb)
{
	mutex_lock(&watch_lock);
	blocking_notifier_chain_unregister(&watchers, nb);
	WRITE_ONCE(nr_watchers, nr_watchers - 1);
	if (!nr_watchers)
		peers_stop();
	mutex_unlock(&watch_lock);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_unwatch);

void pvi_peers_exit(void)
{
	cancel_delayed_work_sync(&work);
}
