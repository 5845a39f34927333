// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_net stats - what was counted, for "ip -s link" and by queue for ethtool
 */
#include <linux/ethtool.h>

#include "net.h"

/* By queue, in the order in which stats_of() fills them in. */
static const char * const names[] = {
	"rx%u_packets", "rx%u_bytes", "rx%u_length_errors", "rx%u_frame_errors", "rx%u_no_memory",
	"rx%u_filtered", "rx%u_polls", "tx%u_packets", "tx%u_bytes", "tx%u_dropped", "tx%u_stopped",
	"rung%u", "rings%u",
};

void pvi_net_stats_init(struct pvi_net_queue *q)
{
	u64_stats_init(&q->rx.syncp);
	u64_stats_init(&q->tx.syncp);
}

static void stats_of(const struct pvi_net_queue *q, u64 *to)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&q->rx.syncp);
		to[0] = u64_stats_read(&q->rx.packets);
		to[1] = u64_stats_read(&q->rx.bytes);
		to[2] = u64_stats_read(&q->rx.length);
		to[3] = u64_stats_read(&q->rx.frame);
		to[4] = u64_stats_read(&q->rx.nobuf);
		to[5] = u64_stats_read(&q->rx.filtered);
		to[6] = u64_stats_read(&q->rx.polls);
	} while (u64_stats_fetch_retry(&q->rx.syncp, start));
	do {
		start = u64_stats_fetch_begin(&q->tx.syncp);
		to[7] = u64_stats_read(&q->tx.packets);
		to[8] = u64_stats_read(&q->tx.bytes);
		to[9] = u64_stats_read(&q->tx.dropped);
		to[10] = u64_stats_read(&q->tx.stopped);
	} while (u64_stats_fetch_retry(&q->tx.syncp, start));
	to[11] = atomic_long_read(&q->ring->rung);
	to[12] = atomic_long_read(&q->ring->rings);
}

void pvi_net_stats_sum(struct net_device *dev, struct rtnl_link_stats64 *sum)
{
	struct pvi_net *net = netdev_priv(dev);
	u64 of[ARRAY_SIZE(names)];
	unsigned int i;

	for (i = 0; i < net->link->max_queues; i++) {
		stats_of(&net->queues[i], of);
		sum->rx_packets += of[0];
		sum->rx_bytes += of[1];
		sum->rx_length_errors += of[2];
		sum->rx_frame_errors += of[3];
		sum->rx_errors += of[2] + of[3];
		sum->rx_dropped += of[4];
		sum->tx_packets += of[7];
		sum->tx_bytes += of[8];
		sum->tx_dropped += of[9];
	}
}

int pvi_net_stats_count(struct net_device *dev)
{
	struct pvi_net *net = netdev_priv(dev);

	return net->link->max_queues * ARRAY_SIZE(names);
}

void pvi_net_stats_names(struct net_device *dev, u8 *to)
{
	struct pvi_net *net = netdev_priv(dev);
	unsigned int i, n;

	for (i = 0; i < net->link->max_queues; i++)
		for (n = 0; n < ARRAY_SIZE(names); n++)
			ethtool_sprintf(&to, names[n], i);
}

void pvi_net_stats_values(struct net_device *dev, u64 *to)
{
	struct pvi_net *net = netdev_priv(dev);
	unsigned int i;

	for (i = 0; i < net->link->max_queues; i++)
		stats_of(&net->queues[i], to + i * ARRAY_SIZE(names));
}
