// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_net rx - frames from the peer
 *
 * While NAPI polls the peer does not ring. A frame is copied out once, a short one into the buffer's own
 * memory, of a long one what the protocols look at, and the rest into pages. The peer may change
 * it at any time: only the copy is looked at.
 */
#include <linux/compiler.h>
#include <linux/skbuff.h>

#include "../compat/net.h"
#include "net.h"

/* Frames so long are in the buffer itself; of longer ones so much is, and a sum is not behind the former */
#define LINEAR	1664
#define HEADS	128

static bool rx_gso_is_known(const struct virtio_net_hdr_v1 *head)
{
	switch (head->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	default:
		return head->gso_type == VIRTIO_NET_HDR_GSO_NONE;
	}
}

/* What is before the sum is to be in one piece, and Linux complains of sums that are far from the front. */
static bool rx_sum_is_near(const struct virtio_net_hdr_v1 *head)
{
	u32 start = le16_to_cpu((__force __le16)head->csum_start);
	u32 offset = le16_to_cpu((__force __le16)head->csum_offset);

	return !(head->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || start + offset < LINEAR;
}

/* Have pages hold the rest of the frame. A piece is a page at least, but for the last: so there are few. */
static bool rx_add_pages(struct pvi_net_queue *q, struct sk_buff *skb, const void *from, u32 len)
{
	struct page_frag *frag = &q->frag;
	u32 piece;

	for (; len; from += piece, len -= piece) {
		if (skb_shinfo(skb)->nr_frags == MAX_SKB_FRAGS ||
		    !skb_page_frag_refill(min_t(u32, len, PAGE_SIZE), frag,
					  GFP_ATOMIC | __GFP_NOWARN))
			return false;
		piece = min(len, frag->size - frag->offset);
		memcpy(page_address(frag->page) + frag->offset, from, piece);
		get_page(frag->page);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, frag->page, frag->offset, piece,
				piece);
		frag->offset = min(ALIGN(frag->offset + piece, SMP_CACHE_BYTES), frag->size);
	}
	return true;
}

/* The frame in a buffer, or NULL: no memory. */
static struct sk_buff *rx_copy(struct pvi_net_queue *q, const void *from, u32 len)
{
	u32 linear = len <= LINEAR ? len : HEADS;
	struct sk_buff *skb = pvi_compat_napi_alloc_skb(&q->napi, linear);

	if (unlikely(!skb))
		return NULL;
	skb_put_data(skb, from, linear);
	if (len == linear || rx_add_pages(q, skb, from + linear, len - linear))
		return skb;
	dev_kfree_skb_any(skb);
	return NULL;
}

/* What @head says of the frame is so, as far as Linux has to know; its type is known then. */
static bool rx_set_type(struct pvi_net_queue *q, struct sk_buff *skb,
			const struct virtio_net_hdr_v1 *head)
{
	if (head->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (virtio_net_hdr_to_skb(skb, (const struct virtio_net_hdr *)head, true))
		return false;
	skb_record_rx_queue(skb, q->ring->index);
	skb->protocol = eth_type_trans(skb, q->net->dev);
	return true;
}

static void rx_count(struct pvi_net_queue *q, u64_stats_t *what)
{
	u64_stats_update_begin(&q->rx.syncp);
	u64_stats_inc(what);
	u64_stats_update_end(&q->rx.syncp);
}

/* Passes a message on, or counts why not. */
static void rx_message(struct pvi_net_queue *q, const void *from, u32 len)
{
	struct pvi_net *net = q->net;
	struct virtio_net_hdr_v1 head;
	struct sk_buff *skb;

	if (unlikely(len < PVI_NET_HEAD + ETH_HLEN || len > PVI_NET_HEAD + net->longest)) {
		rx_count(q, &q->rx.length);
		return;
	}
	memcpy(&head, from, sizeof(head));
	/* From here on the copy is looked at, which the compiler would else be free to make again. */
	barrier();
	if (unlikely(!rx_gso_is_known(&head) || !rx_sum_is_near(&head))) {
		rx_count(q, &q->rx.frame);
		return;
	}
	len -= PVI_NET_HEAD;
	skb = rx_copy(q, from + PVI_NET_HEAD, len);
	if (unlikely(!skb)) {
		rx_count(q, &q->rx.nobuf);
		return;
	}
	if (unlikely(!rx_set_type(q, skb, &head))) {
		rx_count(q, &q->rx.frame);
		dev_kfree_skb_any(skb);
		return;
	}
	if (skb->pkt_type == PACKET_OTHERHOST && READ_ONCE(net->filter)) {
		rx_count(q, &q->rx.filtered);
		dev_kfree_skb_any(skb);
		return;
	}
	u64_stats_update_begin(&q->rx.syncp);
	u64_stats_inc(&q->rx.packets);
	u64_stats_add(&q->rx.bytes, len);
	u64_stats_update_end(&q->rx.syncp);
	napi_gro_receive(&q->napi, skb);
}

/* Up to @budget messages. Their room is given back now and then: a peer that waits for it may go on. */
static int rx_some(struct pvi_net_queue *q, int budget)
{
	u32 len, held = 0, most = q->net->link->longest / 4;
	const void *from;
	int done = 0;

	rx_count(q, &q->rx.polls);
	while (done < budget) {
		from = pvi_link_take(q->ring, &len);
		if (!from)
			break;
		done++;
		rx_message(q, from, len);
		held += len;
		if (held < most)
			continue;
		held = 0;
		pvi_link_release(q->ring);
	}
	pvi_link_release(q->ring);
	return done;
}

int pvi_net_rx_poll(struct napi_struct *napi, int budget)
{
	struct pvi_net_queue *q = container_of(napi, struct pvi_net_queue, napi);
	int done;

	pvi_net_tx_poll(q, !budget);
	if (!budget)
		return 0;
	done = rx_some(q, budget);
	if (done == budget)
		return done;
	/* A ring that comes before NAPI is complete has it go on. */
	if (pvi_link_wait_data(q->ring, PVI_RING_HEAD))
		return budget;
	napi_complete_done(napi, done);
	return done;
}

void pvi_net_rx_free(struct pvi_net_queue *q)
{
	if (q->frag.page)
		put_page(q->frag.page);
	q->frag.page = NULL;
}
