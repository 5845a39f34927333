// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_vsock tx - sending to a peer
 *
 * A packet goes into the ring at once if there is room, else it waits. How much waits is bounded, whatever
 * the peer does: no data of a socket are taken while anything waits (transport_has_space()), and at once
 * no more than its buffer has (transport.c); of what it says of its credit and of its end one packet
 * each waits (tx_supersede()); and beyond PVI_VSOCK_WAITING packets no connection is begun, in neither
 * direction.
 */
#include <linux/hash.h>

#include "vsock.h"

/* Packets that are sent in a row with the lock held */
#define TX_BATCH	32
/* Jiffies until the peer is shown what it has no need of now */
#define TX_LATE		1

static bool tx_is(const struct sk_buff *skb, u16 op)
{
	return virtio_vsock_hdr((struct sk_buff *)skb)->op == cpu_to_le16(op);
}

/* Room for a message, or a wake when there is. */
static void *tx_reserve(struct pvi_vsock *v, u32 len)
{
	void *to;

	while (!(to = pvi_link_reserve(v->queue, len))) {
		pvi_link_publish(v->queue);
		/* The wake looks at it: pairs with main_wake() */
		WRITE_ONCE(v->full, true);
		if (!pvi_link_wait_room(v->queue, len))
			return NULL;
	}
	return to;
}

/* The next message of a packet; only the last one ends what its socket calls a message. */
static bool tx_piece(struct pvi_vsock *v, struct sk_buff *skb)
{
	struct virtio_vsock_hdr hdr = *virtio_vsock_hdr(skb);
	u32 rest = skb->len - v->sent, len = min(rest, v->largest);
	void *to = tx_reserve(v, sizeof(hdr) + len);

	if (!to)
		return false;
	hdr.src_cid = cpu_to_le64(v->cid);
	hdr.len = cpu_to_le32(len);
	if (len < rest)
		hdr.flags &= ~cpu_to_le32(VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR);
	memcpy(to, &hdr, sizeof(hdr));
	if (len)
		skb_copy_bits(skb, v->sent, to + sizeof(hdr), len);
	pvi_link_commit(v->queue, to, sizeof(hdr) + len);
	v->sent += len;
	return true;
}

/* False: it has to wait, and may be sent in part. */
static bool tx_put(struct pvi_vsock *v, struct sk_buff *skb)
{
	do {
		if (!tx_piece(v, skb))
			return false;
	} while (v->sent < skb->len);
	v->sent = 0;
	virtio_transport_deliver_tap_pkt(skb);
	return true;
}

static struct pvi_vsock_told *tx_told(struct pvi_vsock *v, const struct virtio_vsock_hdr *hdr)
{
	u32 ports = le32_to_cpu(hdr->src_port) + 31 * le32_to_cpu(hdr->dst_port);

	return &v->told[hash_32(ports, PVI_VSOCK_TOLD_BITS)];
}

static void tx_tell(struct pvi_vsock *v, struct sk_buff *skb)
{
	const struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);

	*tx_told(v, hdr) = (struct pvi_vsock_told){ hdr->src_port, hdr->dst_port, hdr->fwd_cnt };
}

/*
 * Whoever has read all there is says so, newer kernels after each byte. The peer has no need of it as long as
 * it knows of half of the room: if it waits for more, then what fills the rest is on its way, and will be
 * read. So this goes along with the next packet, or by @late_work; each of a peer's turns would be two rings.
 */
static bool tx_is_late(struct pvi_vsock *v, struct sk_buff *skb)
{
	const struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	const struct pvi_vsock_told *told = tx_told(v, hdr);
	u32 more = le32_to_cpu(hdr->fwd_cnt) - le32_to_cpu(told->fwd_cnt);

	return tx_is(skb, VIRTIO_VSOCK_OP_CREDIT_UPDATE) && told->port == hdr->src_port &&
	       told->peer_port == hdr->dst_port && more && more < le32_to_cpu(hdr->buf_alloc) / 2;
}

/* There was no room for a moment, which those who write may have seen: tell them. */
static void tx_put_done(struct pvi_vsock *v)
{
	pvi_link_publish(v->queue);
	if (v->full)
		queue_work(pvi_vsock_wq, &v->tx_work);
}

/*
 * Of two packets of one socket that say the same, the later one says all; its place is behind what waits
 * between them, which may say less of credit, or be data that an end is behind. They have no data, so they are
 * not sent in part; and the socket has a reference left, that of @skb.
 */
static void tx_supersede(struct pvi_vsock *v, struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	struct sk_buff *old;

	skb_queue_walk(&v->waiting, old) {
		if (old->sk != skb->sk || virtio_vsock_hdr(old)->op != hdr->op)
			continue;
		hdr->flags |= virtio_vsock_hdr(old)->flags;
		__skb_unlink(old, &v->waiting);
		consume_skb(old);
		return;
	}
}

/* There is no room for it. 1: it waits, 0: it is not needed, -errno. */
static int tx_wait(struct pvi_vsock *v, struct sk_buff *skb)
{
	if (tx_is(skb, VIRTIO_VSOCK_OP_CREDIT_UPDATE) || tx_is(skb, VIRTIO_VSOCK_OP_SHUTDOWN))
		tx_supersede(v, skb);
	if (pvi_vsock_tx_crowded(v)) {
		if (tx_is(skb, VIRTIO_VSOCK_OP_REQUEST))
			return -ENOBUFS;
		/* The peer has asked for it, maybe for nothing else. */
		if (tx_is(skb, VIRTIO_VSOCK_OP_RST) && virtio_vsock_skb_reply(skb)) {
			pvi_vsock_count(v, PVI_VSOCK_DROPPED);
			return 0;
		}
	}
	__skb_queue_tail(&v->waiting, skb);
	return 1;
}

/*
 * A socket is of the session in which it has asked, or was asked for (transport_init()): the next ones are not to
 * hear of it. What answers a packet is of the present one, whatever its socket. The kernel has the word for VMCI's
 * datagrams alone.
 */
static bool tx_is_of_another(const struct pvi_vsock *v, struct sk_buff *skb)
{
	struct vsock_sock *vsk = vsock_sk(skb->sk);

	if (!skb->sk || virtio_vsock_skb_reply(skb))
		return false;
	if (tx_is(skb, VIRTIO_VSOCK_OP_REQUEST))
		WRITE_ONCE(vsk->cached_peer, v->session);
	return READ_ONCE(vsk->cached_peer) != v->session;
}

static int tx_send_locked(struct pvi_vsock *v, struct sk_buff *skb)
{
	lockdep_assert_held(&v->tx_lock);
	if (!v->up)
		return tx_is(skb, VIRTIO_VSOCK_OP_REQUEST) ? -EHOSTUNREACH : -ECONNRESET;
	if (tx_is_of_another(v, skb))
		return 0;
	if (v->full || !tx_put(v, skb))
		return tx_wait(v, skb);
	if (!v->full && tx_is_late(v, skb)) {
		queue_delayed_work(pvi_vsock_wq, &v->late_work, TX_LATE);
		return 0;
	}
	tx_tell(v, skb);
	tx_put_done(v);
	return 0;
}

/* What its socket says the peer would take for the word of another one. */
static bool tx_is_past(struct sk_buff *skb)
{
	return skb->sk && !tx_is(skb, VIRTIO_VSOCK_OP_REQUEST) &&
	       pvi_vsock_socks_is_replaced(skb->sk, virtio_vsock_hdr(skb));
}

/* Takes the packet. Its bytes, or -errno. Under RCU. */
int pvi_vsock_tx_send(struct pvi_vsock *v, struct sk_buff *skb)
{
	int len = skb->len, ret;

	if (unlikely(tx_is_past(skb))) {
		pvi_compat_vsock_sent(skb);
		return len;
	}
	spin_lock_bh(&v->tx_lock);
	ret = tx_send_locked(v, skb);
	spin_unlock_bh(&v->tx_lock);
	if (ret < 0)
		kfree_skb(skb);
	else if (!ret)
		pvi_compat_vsock_sent(skb);
	return ret < 0 ? ret : len;
}

/* Answer a packet that no socket is to see. */
void pvi_vsock_tx_reset(struct pvi_vsock *v, const struct virtio_vsock_hdr *to)
{
	struct sk_buff *skb = virtio_vsock_alloc_skb(VIRTIO_VSOCK_SKB_HEADROOM,
						     GFP_KERNEL | __GFP_NOWARN);

	/* Without memory the peer waits in vain, as for one that is lost. */
	if (!skb)
		return;
	*virtio_vsock_hdr(skb) = (struct virtio_vsock_hdr){
		.src_cid = cpu_to_le64(v->cid),
		.dst_cid = to->src_cid,
		.src_port = to->dst_port,
		.dst_port = to->src_port,
		.type = to->type,
		.op = cpu_to_le16(VIRTIO_VSOCK_OP_RST),
	};
	virtio_vsock_skb_set_reply(skb);
	pvi_vsock_tx_send(v, skb);
}

/* Forget what a socket has not sent yet. */
void pvi_vsock_tx_cancel(struct pvi_vsock *v, struct vsock_sock *vsk)
{
	struct sk_buff *first;

	spin_lock_bh(&v->tx_lock);
	first = skb_peek(&v->waiting);
	virtio_transport_purge_skbs(vsk, &v->waiting);
	if (skb_peek(&v->waiting) != first)
		v->sent = 0;
	spin_unlock_bh(&v->tx_lock);
}

/* May be out of date. */
bool pvi_vsock_tx_crowded(const struct pvi_vsock *v)
{
	return skb_queue_len_lockless(&v->waiting) >= PVI_VSOCK_WAITING;
}

/* Some of what waits. Returns whether all is sent, which it was not before. */
static bool tx_drain(struct pvi_vsock *v, struct sk_buff_head *sent)
{
	struct sk_buff *skb;
	unsigned int i;

	lockdep_assert_held(&v->tx_lock);
	if (!v->up || !v->full)
		return false;
	for (i = 0; i < TX_BATCH && (skb = skb_peek(&v->waiting)); i++) {
		if (!tx_put(v, skb))
			break;
		tx_tell(v, skb);
		__skb_unlink(skb, &v->waiting);
		__skb_queue_tail(sent, skb);
	}
	pvi_link_publish(v->queue);
	if (skb_queue_empty(&v->waiting))
		WRITE_ONCE(v->full, false);
	else if (i == TX_BATCH)
		queue_work(pvi_vsock_wq, &v->tx_work);
	return !v->full;
}

/* After a wake, and again by itself as long as there is something to send and room */
void pvi_vsock_tx_work(struct work_struct *work)
{
	struct pvi_vsock *v = container_of(work, struct pvi_vsock, tx_work);
	struct sk_buff_head sent;
	struct sk_buff *skb;
	bool room;

	__skb_queue_head_init(&sent);
	spin_lock_bh(&v->tx_lock);
	room = tx_drain(v, &sent);
	spin_unlock_bh(&v->tx_lock);
	while ((skb = __skb_dequeue(&sent)))
		pvi_compat_vsock_sent(skb);
	if (room)
		pvi_vsock_socks_room(v);
}

/* What nothing has gone along with in the meantime */
void pvi_vsock_tx_late_work(struct work_struct *work)
{
	struct pvi_vsock *v = container_of(to_delayed_work(work), struct pvi_vsock, late_work);

	spin_lock_bh(&v->tx_lock);
	if (v->up)
		pvi_link_publish(v->queue);
	spin_unlock_bh(&v->tx_lock);
}

void pvi_vsock_tx_up(struct pvi_vsock *v)
{
	static atomic_t sessions = ATOMIC_INIT(0);

	spin_lock_bh(&v->tx_lock);
	memset(v->told, 0, sizeof(v->told));
	WRITE_ONCE(v->session, atomic_inc_return(&sessions));
	WRITE_ONCE(v->up, true);
	spin_unlock_bh(&v->tx_lock);
}

/* From here on nothing of the session is used to send. */
void pvi_vsock_tx_down(struct pvi_vsock *v)
{
	struct sk_buff_head waiting;
	struct sk_buff *skb;

	__skb_queue_head_init(&waiting);
	spin_lock_bh(&v->tx_lock);
	WRITE_ONCE(v->up, false);
	v->sent = 0;
	WRITE_ONCE(v->full, false);
	skb_queue_splice_init(&v->waiting, &waiting);
	spin_unlock_bh(&v->tx_lock);
	/* Nor does it wait any more, for who asks. */
	while ((skb = __skb_dequeue(&waiting)))
		pvi_compat_vsock_sent(skb);
}
