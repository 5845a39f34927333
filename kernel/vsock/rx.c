// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_vsock rx - receiving from a peer
 *
 * All of a packet is the peer's word. It is copied, then checked, and goes no further unless it is from
 * that peer's address to this guest's own, and for a socket that has to do with that peer: socks.c.
 * Receiving never waits for what is sent: two guests that fill each other's rings both go on.
 */
#include <linux/compiler.h>

#include "vsock.h"

/* Messages in a row, before other works have their turn */
#define RX_BUDGET	256
/* After so many bytes the peer is told that there is room */
#define RX_RELEASE	(64 << 10)
/* Without memory, until it is tried again */
#define RX_RETRY	msecs_to_jiffies(20)

static bool rx_is(const struct virtio_vsock_hdr *hdr, u16 op)
{
	return hdr->op == cpu_to_le16(op);
}

/* @len: bytes that are behind the header */
static bool rx_is_valid(const struct pvi_vsock *v, const struct virtio_vsock_hdr *hdr, u32 len)
{
	return le64_to_cpu(hdr->src_cid) == v->peer_cid && le64_to_cpu(hdr->dst_cid) == v->cid &&
	       le32_to_cpu(hdr->len) == len && len <= PVI_VSOCK_LARGEST &&
	       !len == !rx_is(hdr, VIRTIO_VSOCK_OP_RW);
}

static bool rx_port_is_allowed(const struct pvi_vsock *v, u32 port)
{
	u32 i;

	for (i = 0; i < v->nr_ports; i++)
		if (v->ports[i].first <= port && port <= v->ports[i].last)
			return true;
	return !v->nr_ports;
}

/* Whether the peer may begin a connection */
static bool rx_admit(struct pvi_vsock *v, const struct virtio_vsock_hdr *hdr)
{
	if (!rx_port_is_allowed(v, le32_to_cpu(hdr->dst_port))) {
		pvi_vsock_count(v, PVI_VSOCK_REFUSED);
		pvi_vsock_tx_reset(v, hdr);
		return false;
	}
	/* The answer would have to wait; so let the peer wait. */
	if (pvi_vsock_tx_crowded(v)) {
		pvi_vsock_count(v, PVI_VSOCK_DROPPED);
		return false;
	}
	return true;
}

/* False: it goes no further; else it may be another one then. */
static bool rx_judge(struct pvi_vsock *v, struct virtio_vsock_hdr *hdr)
{
	unsigned int fate = pvi_vsock_socks_judge(hdr);

	if (likely(fate == PVI_VSOCK_PASS))
		return true;
	if (fate & PVI_VSOCK_WRONG)
		pvi_vsock_count(v, PVI_VSOCK_BAD);
	if (fate & PVI_VSOCK_RESET)
		pvi_vsock_tx_reset(v, hdr);
	if (fate & PVI_VSOCK_END) {
		hdr->op = cpu_to_le16(VIRTIO_VSOCK_OP_RST);
		hdr->len = 0;
	}
	return !(fate & PVI_VSOCK_DROP);
}

/* Whoever reads a packet expects it in one piece, until Linux 6.7. */
static struct sk_buff *rx_alloc(u32 len)
{
	struct sk_buff *skb = virtio_vsock_alloc_skb(VIRTIO_VSOCK_SKB_HEADROOM + len,
						     GFP_KERNEL | __GFP_NOWARN);

	BUILD_BUG_ON(PVI_VSOCK_LARGEST > SKB_MAX_ORDER(VIRTIO_VSOCK_SKB_HEADROOM,
						       PAGE_ALLOC_COSTLY_ORDER));
	return skb;
}

/*
 * A listener gives a connection from one guest to another to the transport that goes through the host.
 * One to the host it gives to this transport; so it is told that, and transport_init() tells the
 * connection the truth.
 */
static void rx_deliver(struct pvi_vsock *v, struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);

	virtio_transport_deliver_tap_pkt(skb);
	if (rx_is(hdr, VIRTIO_VSOCK_OP_REQUEST))
		hdr->dst_cid = cpu_to_le64(VMADDR_CID_HOST);
	if (unlikely(!rx_judge(v, hdr))) {
		kfree_skb(skb);
		return;
	}
	skb_trim(skb, le32_to_cpu(hdr->len));
	pvi_compat_vsock_recv(&pvi_vsock_transport, skb);
}

/* @len: bytes behind the header, at @data */
static int rx_packet(struct pvi_vsock *v, const struct virtio_vsock_hdr *hdr, const void *data, u32 len)
{
	struct sk_buff *skb;

	if (rx_is(hdr, VIRTIO_VSOCK_OP_REQUEST) && !rx_admit(v, hdr))
		return 0;
	skb = rx_alloc(len);
	if (!skb)
		return -ENOMEM;
	*virtio_vsock_hdr(skb) = *hdr;
	skb_put_data(skb, data, len);
	rx_deliver(v, skb);
	return 0;
}

/* One message: the bytes it took; 0: there is none, -errno: it stays. */
static int rx_message(struct pvi_vsock *v)
{
	struct virtio_vsock_hdr hdr = {};
	const void *from;
	u32 len;
	int ret;

	from = pvi_link_take(v->queue, &len);
	if (!from)
		return 0;
	if (len >= sizeof(hdr))
		memcpy(&hdr, from, sizeof(hdr));
	/* From here on the copy is looked at, which the compiler would else be free to make again. */
	barrier();
	if (len < sizeof(hdr) || !rx_is_valid(v, &hdr, len - sizeof(hdr))) {
		pvi_vsock_count(v, PVI_VSOCK_BAD);
		return PVI_RING_NEED(len);
	}
	ret = rx_packet(v, &hdr, from + sizeof(hdr), len - sizeof(hdr));
	if (!ret)
		return PVI_RING_NEED(len);
	pvi_link_untake(v->queue, len);
	return ret;
}

/* Up to so many messages, whose room is given back now and then. As rx_message() at last. */
static int rx_some(struct pvi_vsock *v)
{
	unsigned int i, bytes = 0;
	int ret = 0;

	for (i = 0; i < RX_BUDGET; i++) {
		ret = rx_message(v);
		if (ret <= 0)
			break;
		bytes += ret;
		if (bytes < RX_RELEASE)
			continue;
		pvi_link_release(v->queue);
		bytes = 0;
	}
	pvi_link_release(v->queue);
	return ret;
}

/* After a wake, and again by itself as long as there is something */
void pvi_vsock_rx_work(struct work_struct *work)
{
	struct pvi_vsock *v = container_of(to_delayed_work(work), struct pvi_vsock, rx_work);
	int ret = rx_some(v);

	if (ret < 0)
		queue_delayed_work(pvi_vsock_wq, &v->rx_work, RX_RETRY);
	else if (ret || pvi_link_wait_data(v->queue, PVI_RING_HEAD))
		queue_delayed_work(pvi_vsock_wq, &v->rx_work, 0);
}
