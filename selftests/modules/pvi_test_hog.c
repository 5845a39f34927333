// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvi_test_hog - while a function runs, which is called by softirqs, no memory is left that an interrupt would be
 * given. Loading waits until an interface has dropped frames for that, and fails then. By module parameters:
 *
 * function	its name
 * device	the interface
 * frames	how many it is to drop of what it has received: ECANCELED. ETIME: it has not in ten minutes
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/netdevice.h>
#include <linux/spinlock.h>

static char *function = "";
module_param(function, charp, 0);
MODULE_PARM_DESC(function, "its name");

static char *device = "";
module_param(device, charp, 0);
MODULE_PARM_DESC(device, "the interface");

static unsigned int frames = 1;
module_param(frames, uint, 0);
MODULE_PARM_DESC(frames, "how many it is to drop");

static LIST_HEAD(pages);
static bool over;			/* no more is taken */
static DEFINE_SPINLOCK(pages_lock);	/* protects both */

static int hog_take(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct page *page;

	spin_lock(&pages_lock);
	while (!over && (page = alloc_page(GFP_ATOMIC | __GFP_NOWARN)))
		list_add(&page->lru, &pages);
	spin_unlock(&pages_lock);
	return 0;
}

static int hog_give_back(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct page *page, *next;

	spin_lock(&pages_lock);
	list_for_each_entry_safe(page, next, &pages, lru)
		__free_page(page);
	INIT_LIST_HEAD(&pages);
	spin_unlock(&pages_lock);
	return 0;
}

static struct kretprobe probe = {
	.entry_handler = hog_take,
	.handler = hog_give_back,
};

/* All is given back; who is in the function takes no more. */
static bool hog_is_over(void)
{
	bool empty;

	spin_lock_bh(&pages_lock);
	over = true;
	empty = list_empty(&pages);
	spin_unlock_bh(&pages_lock);
	return empty;
}

static u64 hog_dropped(struct net_device *dev)
{
	struct rtnl_link_stats64 stats;

	return dev_get_stats(dev, &stats)->rx_dropped;
}

static int hog_wait(struct net_device *dev)
{
	unsigned long end = jiffies + 600 * HZ;
	u64 enough = hog_dropped(dev) + frames;

	while (time_before(jiffies, end)) {
		if (hog_dropped(dev) >= enough)
			return -ECANCELED;
		msleep(20);
	}
	return -ETIME;
}

static int __init hog_init(void)
{
	struct net_device *dev = dev_get_by_name(&init_net, device);
	int ret;

	if (!dev)
		return -ENODEV;
	probe.kp.symbol_name = function;
	ret = register_kretprobe(&probe);
	if (!ret) {
		ret = hog_wait(dev);
		/* Who is in the function when the probe goes would keep what it has. */
		while (!hog_is_over())
			msleep(20);
		unregister_kretprobe(&probe);
	}
	dev_put(dev);
	return ret;
}

module_init(hog_init);

MODULE_DESCRIPTION("kvm-pvi selftests: no memory");
MODULE_LICENSE("GPL");
