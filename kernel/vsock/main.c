// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_vsock - AF_VSOCK between two guests, over memory that they share
 *
 * AF_VSOCK has one place for the transport to guests, to which all addresses above 2 belong, and
 * another for that to the host. This module takes the first; so it goes with
 * vmw_vsock_virtio_transport and vsock_loopback, and does not go with vhost_vsock.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "vsock.h"

struct workqueue_struct *pvi_vsock_wq;

/* By the peer's address. Readers use RCU. */
static DEFINE_XARRAY(peers);
static DEFINE_MUTEX(peers_lock);
/* This guest's address, which is the same on all of its links. */
static u32 local_cid = VMADDR_CID_ANY;

struct pvi_vsock *pvi_vsock_find(u32 cid)
{
	return xa_load(&peers, cid);
}

u32 pvi_vsock_local_cid(void)
{
	return READ_ONCE(local_cid);
}

/* Returns with peers_lock held; sparse follows no mutex. */
struct xarray *pvi_vsock_lock(void)
{
	mutex_lock(&peers_lock);
	return &peers;
}

void pvi_vsock_unlock(void)
{
	mutex_unlock(&peers_lock);
}

static void main_choose_cid(void)
{
	unsigned long index = 0;
	struct pvi_vsock *v = xa_find(&peers, &index, U32_MAX, XA_PRESENT);

	lockdep_assert_held(&peers_lock);
	WRITE_ONCE(local_cid, v ? v->cid : VMADDR_CID_ANY);
}

static int main_enter(struct pvi_vsock *v)
{
	int ret;

	mutex_lock(&peers_lock);
	ret = xa_insert(&peers, v->peer_cid, v, GFP_KERNEL);
	main_choose_cid();
	mutex_unlock(&peers_lock);
	return ret;
}

static void main_leave(struct pvi_vsock *v)
{
	mutex_lock(&peers_lock);
	xa_erase(&peers, v->peer_cid);
	main_choose_cid();
	mutex_unlock(&peers_lock);
}

static bool main_is_cid(u32 cid)
{
	return cid > VMADDR_CID_HOST && cid != VMADDR_CID_ANY;
}

static bool main_is_valid(const struct pvi_link_vsock *config)
{
	return main_is_cid(config->cid) && main_is_cid(config->peer_cid) &&
	       config->cid != config->peer_cid && config->nr_ports <= PVI_LINK_PORT_RANGES;
}

static struct pvi_vsock *main_new(struct pvi_link *link, const struct pvi_link_vsock *config)
{
	struct pvi_vsock *v = kzalloc(sizeof(*v), GFP_KERNEL);

	if (!v)
		return NULL;
	v->link = link;
	v->queue = &link->queue[0];
	v->cid = config->cid;
	v->peer_cid = config->peer_cid;
	v->nr_ports = config->nr_ports;
	memcpy(v->ports, config->ports, sizeof(v->ports));
	v->largest = min_t(u32, PVI_VSOCK_LARGEST, link->longest - sizeof(struct virtio_vsock_hdr));
	spin_lock_init(&v->tx_lock);
	skb_queue_head_init(&v->waiting);
	INIT_WORK(&v->tx_work, pvi_vsock_tx_work);
	INIT_DELAYED_WORK(&v->late_work, pvi_vsock_tx_late_work);
	INIT_DELAYED_WORK(&v->rx_work, pvi_vsock_rx_work);
	return v;
}

static int main_probe(struct pvi_link *link)
{
	const struct pvi_link_vsock *config = (const void *)link->config;
	struct pvi_vsock *v;
	int ret;

	BUILD_BUG_ON(sizeof(*config) > sizeof(link->config));
	if (!main_is_valid(config)) {
		dev_err(&link->dev, "whoever made this link has given it no addresses\n");
		return -EINVAL;
	}
	v = main_new(link, config);
	if (!v)
		return -ENOMEM;
	pvi_link_set_queues(link, 1);
	pvi_link_set_drvdata(link, v);
	ret = main_enter(v);
	if (!ret)
		return 0;
	if (ret == -EBUSY)
		dev_err(&link->dev, "another link leads to CID %u already\n", v->peer_cid);
	kfree(v);
	return ret;
}

static void main_remove(struct pvi_link *link)
{
	struct pvi_vsock *v = pvi_link_get_drvdata(link);

	main_leave(v);
	/* Whoever has found it has done with it. */
	synchronize_rcu();
	kfree(v);
}

static void main_up(struct pvi_link *link, unsigned int queues)
{
	pvi_vsock_tx_up(pvi_link_get_drvdata(link));
}

/* No wake comes any more, and no work begins another. Sockets are told last: they may connect anew. */
static void main_down(struct pvi_link *link)
{
	struct pvi_vsock *v = pvi_link_get_drvdata(link);

	pvi_vsock_tx_down(v);
	cancel_delayed_work_sync(&v->rx_work);
	cancel_work_sync(&v->tx_work);
	cancel_delayed_work_sync(&v->late_work);
	pvi_vsock_socks_reset(v);
}

static void main_wake(struct pvi_link_queue *queue)
{
	struct pvi_vsock *v = pvi_link_get_drvdata(queue->link);

	mod_delayed_work(pvi_vsock_wq, &v->rx_work, 0);
	/* Set before the peer was asked for a wake: pairs with tx_reserve() */
	if (READ_ONCE(v->full))
		queue_work(pvi_vsock_wq, &v->tx_work);
}

static struct pvi_link_driver main_driver = {
	.kind = PVI_RING_VSOCK,
	.probe = main_probe,
	.remove = main_remove,
	.up = main_up,
	.down = main_down,
	.wake = main_wake,
	.driver = {
		.name = KBUILD_MODNAME,
		.dev_groups = pvi_vsock_groups,
	},
};

static int main_register(void)
{
	int ret = vsock_core_register(&pvi_vsock_transport.transport, VSOCK_TRANSPORT_F_H2G);

	if (ret == -EBUSY)
		pr_err("another module has the place of the transport to guests: unload vhost_vsock first\n");
	return ret;
}

static int __init main_init(void)
{
	int ret;

	/* A peer that never stops sending keeps a work busy, not a CPU's other works. */
	pvi_vsock_wq = alloc_workqueue("kvm_pvi_vsock", WQ_UNBOUND, 0);
	if (!pvi_vsock_wq)
		return -ENOMEM;
	ret = main_register();
	if (ret)
		goto err_wq;
	ret = pvi_vsock_show_init();
	if (ret)
		goto err_register;
	ret = pvi_link_driver_register(&main_driver);
	if (ret)
		goto err_show;
	return 0;

err_show:
	pvi_vsock_show_exit();
err_register:
	vsock_core_unregister(&pvi_vsock_transport.transport);
err_wq:
	destroy_workqueue(pvi_vsock_wq);
	return ret;
}

static void __exit main_exit(void)
{
	pvi_link_driver_unregister(&main_driver);
	pvi_vsock_show_exit();
	vsock_core_unregister(&pvi_vsock_transport.transport);
	destroy_workqueue(pvi_vsock_wq);
}

module_init(main_init);
module_exit(main_exit);

MODULE_ALIAS_PVI_LINK("vsock");
MODULE_DESCRIPTION("AF_VSOCK between two KVM guests over shared memory");
MODULE_LICENSE("GPL");
