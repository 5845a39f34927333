// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_link watch - hosts and peers that come and go
 *
 * Each link looks for itself what that means to it. To be told of peers takes a GSI that is exposed;
 * until there is one it is tried again now and then, as long as there are links.
 */
#include <linux/jiffies.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>

#include "link.h"

#define WATCH_AGAIN	(2 * HZ)
#define WATCH_RECORDS	8

static LIST_HEAD(cores);		/* struct pvi_core */
static DEFINE_SPINLOCK(cores_lock);	/* protects it */
static bool watching;			/* is told of peers; the work's alone, until it is cancelled */

static void watch_begin(struct work_struct *unused);
static DECLARE_DELAYED_WORK(work, watch_begin);

static void watch_tell_all(enum pvi_event event)
{
	struct pvi_core *core;

	spin_lock(&cores_lock);
	list_for_each_entry(core, &cores, node)
		pvi_session_tell(core, event);
	spin_unlock(&cores_lock);
}

static int watch_peers(struct notifier_block *nb, unsigned long action, void *data)
{
	watch_tell_all(PVI_EVENT_PEERS);
	return NOTIFY_DONE;
}

static struct notifier_block peers_block = { .notifier_call = watch_peers };

static int watch_host(struct notifier_block *nb, unsigned long action, void *data)
{
	watch_tell_all(PVI_EVENT_HOST);
	pvi_section_look();
	return NOTIFY_DONE;
}

static struct notifier_block host_block = { .notifier_call = watch_host };

static bool watch_wanted(void)
{
	bool wanted;

	spin_lock(&cores_lock);
	wanted = !list_empty(&cores);
	spin_unlock(&cores_lock);
	return wanted;
}

static void watch_begin(struct work_struct *unused)
{
	if (watching || !watch_wanted())
		return;
	watching = !kvm_pvi_guest_watch(&peers_block);
	if (watching)
		watch_tell_all(PVI_EVENT_PEERS);
	else
		queue_delayed_work(pvi_link_wq, &work, WATCH_AGAIN);
}

void pvi_watch_add(struct pvi_core *core)
{
	spin_lock(&cores_lock);
	list_add(&core->node, &cores);
	spin_unlock(&cores_lock);
	queue_delayed_work(pvi_link_wq, &work, 0);
}

void pvi_watch_remove(struct pvi_core *core)
{
	spin_lock(&cores_lock);
	list_del(&core->node);
	spin_unlock(&cores_lock);
}

static const struct kvm_pvi_peer *watch_find(const struct kvm_pvi_peer *records, int nr,
					     const uuid_t *peer)
{
	for (; nr > 0; nr--, records++)
		if (!memcmp(records->uuid, peer, sizeof(*peer)))
			return records;
	return NULL;
}

/* Which life of that name's this is, 0: none; -errno: the host does not say. May sleep. */
int pvi_watch_epoch(const uuid_t *peer, u64 *epoch)
{
	struct kvm_pvi_peer records[WATCH_RECORDS];
	const struct kvm_pvi_peer *found;
	u32 first = 0;
	int nr;

	do {
		nr = kvm_pvi_guest_peers(first, records, ARRAY_SIZE(records));
		if (nr < 0)
			return nr;
		found = watch_find(records, nr, peer);
		/* They ascend, or the host lies. */
		if (found || !nr || records[nr - 1].position < first)
			break;
		first = records[nr - 1].position + 1;
	} while (first);
	*epoch = found ? found->epoch : 0;
	return 0;
}

int __init pvi_watch_init(void)
{
	return kvm_pvi_guest_watch_host(&host_block);
}

/* There are no links any more. */
void pvi_watch_exit(void)
{
	kvm_pvi_guest_unwatch_host(&host_block);
	cancel_delayed_work_sync(&work);
	if (watching)
		kvm_pvi_guest_unwatch(&peers_block);
}
