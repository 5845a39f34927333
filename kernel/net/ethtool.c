// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_net ethtool - what an administrator asks and sets
 */
#include <linux/delay.h>
#include <linux/ethtool.h>

#include "net.h"

/* Results of the self test, 0 is well, in this order */
enum { TEST_LINK, TEST_HOST, TEST_WAKE, NR_TESTS };

static const char test_names[NR_TESTS][ETH_GSTRING_LEN] = {
	[TEST_LINK] = "the peer is up",
	[TEST_HOST] = "the host serves this guest",
	[TEST_WAKE] = "receives and sends",
};

static void tool_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct pvi_net *net = netdev_priv(dev);

	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->bus_info, dev_name(&net->link->dev), sizeof(info->bus_info));
}

static int tool_get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *cmd)
{
	cmd->base.speed = SPEED_UNKNOWN;
	cmd->base.duplex = DUPLEX_FULL;
	cmd->base.port = PORT_OTHER;
	return 0;
}

/* Frames of the MTU that fit: there are no descriptors. */
static void tool_get_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
			       struct kernel_ethtool_ringparam *kernel,
			       struct netlink_ext_ack *extack)
{
	struct pvi_net *net = netdev_priv(dev);
	u32 frames = (2 * net->link->longest + 16) /
		     PVI_RING_NEED(PVI_NET_HEAD + ETH_HLEN + dev->mtu);

	ring->rx_max_pending = frames;
	ring->tx_max_pending = frames;
	ring->rx_pending = frames;
	ring->tx_pending = frames;
}

static void tool_get_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	struct pvi_net *net = netdev_priv(dev);

	channels->max_combined = net->link->max_queues;
	channels->combined_count = net->use;
}

/* The core has checked that it is one at least, no more than there are, and that all are combined. */
static int tool_set_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	pvi_net_life_use(netdev_priv(dev), channels->combined_count);
	return 0;
}

static int tool_get_sset_count(struct net_device *dev, int set)
{
	switch (set) {
	case ETH_SS_STATS:
		return pvi_net_stats_count(dev);
	case ETH_SS_TEST:
		return NR_TESTS;
	default:
		return -EOPNOTSUPP;
	}
}

static void tool_get_strings(struct net_device *dev, u32 set, u8 *to)
{
	switch (set) {
	case ETH_SS_STATS:
		pvi_net_stats_names(dev, to);
		break;
	case ETH_SS_TEST:
		memcpy(to, test_names, sizeof(test_names));
		break;
	}
}

static void tool_get_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *to)
{
	pvi_net_stats_values(dev, to);
}

/* A busy peer keeps NAPI from ever being done, so it is enough that it has begun. @tries are for all queues. */
static bool tool_has_polled(struct pvi_net_queue *q, u64 before, unsigned int *tries)
{
	while (u64_stats_read(&q->rx.polls) == before) {
		if (!*tries)
			return false;
		(*tries)--;
		msleep(20);
	}
	return true;
}

/* Nothing is disturbed: what a queue has to do is done by NAPI, as after a ring. */
static bool tool_test_wake(struct pvi_net *net)
{
	unsigned int tries = 100;
	struct pvi_net_queue *q;
	u64 before;

	if (!net->running)
		return false;
	for (q = net->queues; q < net->queues + net->active; q++) {
		before = u64_stats_read(&q->rx.polls);
		local_bh_disable();
		napi_schedule(&q->napi);
		local_bh_enable();
		if (!tool_has_polled(q, before, &tries))
			return false;
	}
	return true;
}

static void tool_self_test(struct net_device *dev, struct ethtool_test *test, u64 *to)
{
	struct pvi_net *net = netdev_priv(dev);
	unsigned int i;
	uuid_t self;
	u64 epoch;

	to[TEST_LINK] = !netif_carrier_ok(dev);
	to[TEST_HOST] = kvm_pvi_guest_self(&self, &epoch) != 0;
	to[TEST_WAKE] = !tool_test_wake(net);
	for (i = 0; i < NR_TESTS; i++)
		if (to[i])
			test->flags |= ETH_TEST_FL_FAILED;
}

const struct ethtool_ops pvi_net_ethtool_ops = {
	.get_drvinfo = tool_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = tool_get_link_ksettings,
	.get_ringparam = tool_get_ringparam,
	.get_channels = tool_get_channels,
	.set_channels = tool_set_channels,
	.get_sset_count = tool_get_sset_count,
	.get_strings = tool_get_strings,
	.get_ethtool_stats = tool_get_stats,
	.get_ts_info = ethtool_op_get_ts_info,
	.self_test = tool_self_test,
};
