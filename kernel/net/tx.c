// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_net tx - frames to the peer
 *
 * A frame is copied into the ring and freed at once. BQL counts bytes of the ring: what was queued is
 * how far the own index has gone, what is completed how far the peer's. The peer is looked at only when
 * the queue stops, for BQL or because the longest frame would not fit. Then the peer rings when
 * it has received what is enough, and NAPI lets the queue go on.
 */
#include "net.h"

/* Below, BQL does not stop a queue: two of the longest frames */
#define MIN_QUEUED	(2 * PVI_RING_NEED(PVI_NET_HEAD + PVI_NET_FRAME(PVI_NET_MAX_MTU)))

static struct netdev_queue *tx_queue(const struct pvi_net_queue *q)
{
	return netdev_get_tx_queue(q->net->dev, q->ring->index);
}

/* Any frame that may come fits into the ring. */
static bool tx_fits(const struct pvi_net_queue *q)
{
	return pvi_link_has_room(q->ring, PVI_NET_HEAD + q->net->longest);
}

/*
 * Tell BQL what the peer has received. The index is the peer's word: it is never behind what it said
 * before, but may be ahead of what was queued, where a pad follows that; and behind @done, where an
 * opening before this one has sent what is still on its way.
 */
static void tx_complete(struct pvi_net_queue *q, struct netdev_queue *txq)
{
	s32 bytes = pvi_link_received(q->ring) - q->done;

	if (bytes <= 0)
		return;
	bytes = min_t(u32, bytes, q->queued - q->done);
	q->done += bytes;
	netdev_tx_completed_queue(txq, 1, bytes);
}

/*
 * The queue is stopped, or has to be: go on, or have the peer ring. Each turn of the loop has seen the
 * peer receive half of what was on its way, so there are few. With the lock of @txq, all published.
 */
static void tx_review(struct pvi_net_queue *q, struct netdev_queue *txq)
{
	bool go;

	do {
		if (!tx_fits(q)) {
			netif_tx_stop_queue(txq);
			/* It is stopped when the peer sees who waits: pairs with the ring's interrupt */
			smp_wmb();
			go = pvi_link_wait_room(q->ring, PVI_NET_HEAD + q->net->longest);
		} else {
			go = pvi_link_wait_received(q->ring, q->queued - (q->queued - q->done) / 2);
		}
		tx_complete(q, txq);
		if (go && netif_tx_queue_stopped(txq) && tx_fits(q))
			netif_tx_wake_queue(txq);
	} while (go && netif_xmit_stopped(txq) && q->done != q->queued);
}

static void tx_go_on(struct pvi_net_queue *q, struct netdev_queue *txq)
{
	if (netif_xmit_stopped(txq))
		tx_review(q, txq);
}

/*
 * NAPI was rung, perhaps for this. netpoll comes wherever this CPU is, even where it has the lock, and
 * then comes again.
 */
void pvi_net_tx_poll(struct pvi_net_queue *q, bool netpoll)
{
	struct netdev_queue *txq = tx_queue(q);

	/* Who has stopped the queue has asked to be rung after that: tx_review() */
	if (likely(!netif_xmit_stopped(txq)))
		return;
	if (!netpoll) {
		__netif_tx_lock(txq, smp_processor_id());
		tx_go_on(q, txq);
		__netif_tx_unlock(txq);
	} else if (__netif_tx_trylock(txq)) {
		tx_go_on(q, txq);
		__netif_tx_unlock(txq);
	}
}

static void tx_count(struct pvi_net_queue *q, u64_stats_t *what)
{
	u64_stats_update_begin(&q->tx.syncp);
	u64_stats_inc(what);
	u64_stats_update_end(&q->tx.syncp);
}

static netdev_tx_t tx_drop(struct pvi_net_queue *q, struct sk_buff *skb)
{
	tx_count(q, &q->tx.dropped);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

/* Not stopped for either reason; what is not published yet is, if nothing follows. */
static void tx_end(struct pvi_net_queue *q, struct netdev_queue *txq, bool publish)
{
	bool stop = !tx_fits(q) || netif_xmit_stopped(txq);

	if (publish || stop)
		pvi_link_publish(q->ring);
	if (likely(!stop))
		return;
	tx_count(q, &q->tx.stopped);
	tx_review(q, txq);
}

/* Copies the frame to where it is sent from; false: there is no such place, or it cannot be said what it is. */
static bool tx_copy(struct pvi_net_queue *q, const struct sk_buff *skb)
{
	struct virtio_net_hdr_v1 head = {};
	u32 len = PVI_NET_HEAD + skb->len;
	void *to;

	if (unlikely(skb->len > q->net->longest))
		return false;
	if (unlikely(virtio_net_hdr_from_skb(skb, (struct virtio_net_hdr *)&head, true, true, 0)))
		return false;
	to = pvi_link_reserve(q->ring, len);
	if (unlikely(!to))
		return false;
	memcpy(to, &head, sizeof(head));
	if (unlikely(skb_copy_bits(skb, 0, to + PVI_NET_HEAD, skb->len)))
		return false;
	pvi_link_commit(q->ring, to, len);
	return true;
}

netdev_tx_t pvi_net_tx_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct pvi_net *net = netdev_priv(dev);
	struct pvi_net_queue *q = &net->queues[skb_get_queue_mapping(skb)];
	struct netdev_queue *txq = tx_queue(q);
	bool more = netdev_xmit_more(), publish;
	u32 bytes;

	/* Who goes by no queue of Linux' is not kept from coming. Pairs with life_start() */
	if (unlikely(!smp_load_acquire(&net->running) || q->ring->index >= net->active))
		return tx_drop(q, skb);
	skb_tx_timestamp(skb);
	if (unlikely(!tx_copy(q, skb))) {
		if (!more)
			pvi_link_publish(q->ring);
		return tx_drop(q, skb);
	}
	bytes = pvi_link_sent(q->ring) - q->queued;
	q->queued += bytes;
	publish = __netdev_tx_sent_queue(txq, bytes, more);
	u64_stats_update_begin(&q->tx.syncp);
	u64_stats_inc(&q->tx.packets);
	u64_stats_add(&q->tx.bytes, skb->len);
	u64_stats_update_end(&q->tx.syncp);
	dev_consume_skb_any(skb);
	tx_end(q, txq, publish);
	return NETDEV_TX_OK;
}

/*
 * The peer takes a long segment only with the sum of its pseudo header in it, for it to go on; what has been
 * received by another interface, and was found right, may have none.
 */
netdev_features_t pvi_net_tx_check(struct sk_buff *skb, struct net_device *dev,
				   netdev_features_t features)
{
	if (skb_is_gso(skb) && skb->ip_summed != CHECKSUM_PARTIAL)
		features &= ~NETIF_F_GSO_MASK;
	return vlan_features_check(skb, features);
}

/* Once, when there is a netdev's queue */
void pvi_net_tx_init(struct pvi_net_queue *q)
{
	netdev_queue_set_dql_min_limit(tx_queue(q), MIN_QUEUED);
}

/*
 * Before frames go: nothing is on its way that BQL knows of. What was is over; to reset BQL would have it
 * allow what was sent in all, until something is received next.
 */
void pvi_net_tx_begin(struct pvi_net_queue *q)
{
	if (q->queued != q->done)
		netdev_tx_completed_queue(tx_queue(q), 1, q->queued - q->done);
	q->queued = pvi_link_sent(q->ring);
	q->done = q->queued;
}
