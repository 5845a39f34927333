/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pvi_net - the private header: structures, what guards them, prototypes by file
 *
 * rtnl_lock guards what begins and ends: opening, the link's sessions, the number of queues. Of a
 * queue, what is sent is guarded by the lock of Linux' transmit queue, what is received by NAPI.
 */
#ifndef _PVI_NET_H
#define _PVI_NET_H

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/pvi_link.h>
#include <linux/u64_stats_sync.h>
#include <linux/virtio_net.h>

/* In front of each frame, little endian; its num_buffers means nothing */
#define PVI_NET_HEAD		sizeof(struct virtio_net_hdr_v1)
#define PVI_NET_MAX_MTU		65521
/* Two tags of VLANs stand in a frame, and do not count as payload */
#define PVI_NET_FRAME(mtu)	(ETH_HLEN + 2 * VLAN_HLEN + (mtu))

/**
 * struct pvi_net_rx_stats - what a queue has received
 * @syncp: for 32-bit readers
 * @packets: frames that were passed on
 * @bytes: of theirs
 * @length: frames that are too short or too long
 * @frame: frames whose header promises what they are not
 * @nobuf: frames for which there was no memory
 * @filtered: frames to other addresses
 * @polls: rounds of NAPI
 */
struct pvi_net_rx_stats {
	struct u64_stats_sync syncp;
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t length;
	u64_stats_t frame;
	u64_stats_t nobuf;
	u64_stats_t filtered;
	u64_stats_t polls;
};

/**
 * struct pvi_net_tx_stats - what a queue has sent
 * @syncp: for 32-bit readers
 * @packets: frames
 * @bytes: of theirs
 * @dropped: frames that cannot be sent, or for which the session had ended
 * @stopped: how often the queue waited for the peer to receive
 */
struct pvi_net_tx_stats {
	struct u64_stats_sync syncp;
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t dropped;
	u64_stats_t stopped;
};

/**
 * struct pvi_net_queue - a queue, both ways
 * @napi: receives, and wakes who sends
 * @net: whose it is
 * @ring: the link's
 * @frag: where the next long frame goes
 * @rx: what was received; the NAPI's
 * @queued: index of the ring up to which BQL knows what was sent
 * @done: and up to which it knows that the peer has received
 * @tx: what was sent
 *
 * What is behind @rx is for who sends, on other CPUs.
 */
struct pvi_net_queue {
	struct napi_struct napi;
	struct pvi_net *net;
	struct pvi_link_queue *ring;
	struct page_frag frag;
	struct pvi_net_rx_stats rx;
	u32 queued ____cacheline_aligned_in_smp;
	u32 done;
	struct pvi_net_tx_stats tx;
};

/**
 * struct pvi_net - an interface
 * @dev: what it is to Linux
 * @link: over what it goes
 * @queues: each of the link's
 * @longest: bytes of the longest frame
 * @filter: no frame to another's address is wanted; set by rx mode, read by NAPI
 * @use: how many queues this side uses
 * @active: how many the session has; 0: there is none
 * @running: NAPI is on, and frames go
 */
struct pvi_net {
	struct net_device *dev;
	struct pvi_link *link;
	struct pvi_net_queue *queues;
	u32 longest;
	bool filter;
	unsigned int use;
	unsigned int active;
	bool running;
};

/* tx.c */
netdev_tx_t pvi_net_tx_xmit(struct sk_buff *skb, struct net_device *dev);
netdev_features_t pvi_net_tx_check(struct sk_buff *skb, struct net_device *dev,
				   netdev_features_t features);
void pvi_net_tx_init(struct pvi_net_queue *q);
void pvi_net_tx_begin(struct pvi_net_queue *q);
void pvi_net_tx_poll(struct pvi_net_queue *q, bool netpoll);

/* rx.c */
int pvi_net_rx_poll(struct napi_struct *napi, int budget);
void pvi_net_rx_free(struct pvi_net_queue *q);

/* life.c */
int pvi_net_life_open(struct net_device *dev);
int pvi_net_life_stop(struct net_device *dev);
void pvi_net_life_use(struct pvi_net *net, unsigned int use);
void pvi_net_life_up(struct pvi_link *link, unsigned int queues);
void pvi_net_life_down(struct pvi_link *link);

/* stats.c */
void pvi_net_stats_init(struct pvi_net_queue *q);
void pvi_net_stats_sum(struct net_device *dev, struct rtnl_link_stats64 *sum);
int pvi_net_stats_count(struct net_device *dev);
void pvi_net_stats_names(struct net_device *dev, u8 *to);
void pvi_net_stats_values(struct net_device *dev, u64 *to);

/* ethtool.c */
extern const struct ethtool_ops pvi_net_ethtool_ops;

#endif /* _PVI_NET_H */
