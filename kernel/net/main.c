// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_net - an Ethernet between two guests, over memory that they share
 */
#include <linux/module.h>

#include "net.h"

#define FEATURES	(NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | NETIF_F_HW_CSUM | \
			 NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN)

/* All frames come, as from any peer at the end of a wire; those to others are not for the stack. */
static void main_set_rx_mode(struct net_device *dev)
{
	struct pvi_net *net = netdev_priv(dev);

	WRITE_ONCE(net->filter, !(dev->flags & IFF_PROMISC) && netdev_uc_empty(dev));
}

static const struct net_device_ops main_ops = {
	.ndo_open = pvi_net_life_open,
	.ndo_stop = pvi_net_life_stop,
	.ndo_start_xmit = pvi_net_tx_xmit,
	.ndo_features_check = pvi_net_tx_check,
	.ndo_get_stats64 = pvi_net_stats_sum,
	.ndo_set_rx_mode = main_set_rx_mode,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static void main_wake(struct pvi_link_queue *queue)
{
	struct pvi_net_queue *q = queue->priv;

	napi_schedule(&q->napi);
}

/* What fits into the rings; longer segments are cut before they come here. */
static void main_set_sizes(struct pvi_net *net)
{
	struct net_device *dev = net->dev;

	net->longest = min_t(u32, PVI_NET_FRAME(PVI_NET_MAX_MTU),
			     net->link->longest - PVI_NET_HEAD);
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = net->longest - PVI_NET_FRAME(0);
	netif_set_tso_max_size(dev, min_t(u32, GSO_LEGACY_MAX_SIZE,
					  net->longest - 2 * VLAN_HLEN));
}

static void main_set_features(struct net_device *dev)
{
	dev->hw_features = FEATURES & ~NETIF_F_HIGHDMA;
	/* What the peer says of sums is believed, as it would be of any other host's. */
	dev->features = FEATURES | NETIF_F_RXCSUM;
	dev->vlan_features = FEATURES;
	dev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;
}

static void main_set_address(struct pvi_net *net)
{
	u8 mac[ETH_ALEN];

	pvi_link_mac(net->link, mac);
	eth_hw_addr_set(net->dev, mac);
}

static void main_init_queues(struct pvi_net *net)
{
	struct pvi_net_queue *q;
	unsigned int i;

	for (i = 0; i < net->link->max_queues; i++) {
		q = &net->queues[i];
		q->net = net;
		q->ring = &net->link->queue[i];
		q->ring->priv = q;
		pvi_net_stats_init(q);
		pvi_net_tx_init(q);
		netif_napi_add(net->dev, &q->napi, pvi_net_rx_poll);
	}
}

static void main_free(struct pvi_net *net)
{
	unsigned int i;

	for (i = 0; i < net->link->max_queues; i++) {
		netif_napi_del(&net->queues[i].napi);
		pvi_net_rx_free(&net->queues[i]);
	}
	kvfree(net->queues);
	free_netdev(net->dev);
}

static struct pvi_net *main_new(struct pvi_link *link)
{
	struct net_device *dev = alloc_etherdev_mq(sizeof(struct pvi_net), link->max_queues);
	struct pvi_net *net;

	if (!dev)
		return NULL;
	net = netdev_priv(dev);
	net->dev = dev;
	net->link = link;
	net->queues = kvcalloc(link->max_queues, sizeof(*net->queues), GFP_KERNEL);
	if (!net->queues) {
		free_netdev(dev);
		return NULL;
	}
	main_init_queues(net);
	return net;
}

static int main_probe(struct pvi_link *link)
{
	struct pvi_net *net = main_new(link);
	int ret;

	if (!net)
		return -ENOMEM;
	net->use = min(link->max_queues, num_online_cpus());
	main_set_sizes(net);
	main_set_features(net->dev);
	main_set_address(net);
	net->dev->netdev_ops = &main_ops;
	net->dev->ethtool_ops = &pvi_net_ethtool_ops;
	strscpy(net->dev->name, "pvi%d", IFNAMSIZ);
	SET_NETDEV_DEV(net->dev, &link->dev);
	pvi_link_set_drvdata(link, net);
	netif_carrier_off(net->dev);
	netif_tx_stop_all_queues(net->dev);
	/* Until it is opened this side takes no part. */
	pvi_link_set_queues(link, 0);
	ret = register_netdev(net->dev);
	if (ret)
		main_free(net);
	return ret;
}

static void main_remove(struct pvi_link *link)
{
	struct pvi_net *net = pvi_link_get_drvdata(link);

	unregister_netdev(net->dev);
	main_free(net);
}

static struct pvi_link_driver main_driver = {
	.kind = PVI_RING_NET,
	.probe = main_probe,
	.remove = main_remove,
	.up = pvi_net_life_up,
	.down = pvi_net_life_down,
	.wake = main_wake,
	.driver = {
		.name = KBUILD_MODNAME,
	},
};

module_pvi_link_driver(main_driver);

MODULE_ALIAS_PVI_LINK("net");
MODULE_DESCRIPTION("Ethernet between two KVM guests over shared memory");
MODULE_LICENSE("GPL");
