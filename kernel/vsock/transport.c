// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_vsock transport - what AF_VSOCK calls
 *
 * Most of it is what all transports of virtio's format have in common.
 */
#include "vsock.h"

/* What is no sibling's may be reached through the host. */
static inline bool transport_has_remote_cid(struct vsock_sock *vsk, u32 cid)
{
	bool has;

	rcu_read_lock();
	has = pvi_vsock_find(cid);
	rcu_read_unlock();
	return has;
}

static PVI_COMPAT_SEND_PKT(transport_send_pkt, skb)
{
	struct pvi_vsock *v;
	int ret = -ENODEV;

	rcu_read_lock();
	v = pvi_vsock_find(le64_to_cpu(virtio_vsock_hdr(skb)->dst_cid));
	if (v)
		ret = pvi_vsock_tx_send(v, skb);
	else
		kfree_skb(skb);
	rcu_read_unlock();
	return ret;
}

/*
 * Who is refused at once does not connect, though AF_VSOCK leaves the socket as if it did: it would get the error when
 * a peer goes that has come since, or be connected by it unasked. What was over before it was connected begins anew:
 * see sock_end().
 */
static int transport_connect(struct vsock_sock *vsk)
{
	int ret;

	vsk->peer_shutdown = 0;
	ret = virtio_transport_connect(vsk);
	if (ret < 0)
		WRITE_ONCE(sk_vsock(vsk)->sk_state, TCP_CLOSE);
	return ret;
}

static int transport_cancel_pkt(struct vsock_sock *vsk)
{
	struct pvi_vsock *v;

	rcu_read_lock();
	v = pvi_vsock_find(vsk->remote_addr.svm_cid);
	if (v)
		pvi_vsock_tx_cancel(v, vsk);
	rcu_read_unlock();
	return v ? 0 : -ENODEV;
}

/* One that the peer has begun believes that this is the host: rx_deliver() */
static int transport_init(struct vsock_sock *vsk, struct vsock_sock *listener)
{
	struct pvi_vsock *v;

	if (listener) {
		rcu_read_lock();
		v = pvi_vsock_find(vsk->remote_addr.svm_cid);
		if (v) {
			vsk->local_addr.svm_cid = v->cid;
			WRITE_ONCE(vsk->cached_peer, READ_ONCE(v->session));
		}
		rcu_read_unlock();
	}
	return virtio_transport_do_socket_init(vsk, listener);
}

/* It is said to be dead already; whether its peer has gone is looked at next: pairs with sock_end() */
static void transport_release(struct vsock_sock *vsk)
{
	smp_mb();
	virtio_transport_release(vsk);
}

/* While anything waits, data would only wait behind it: pvi_vsock_socks_room() wakes those who write. */
static s64 transport_has_space(struct vsock_sock *vsk)
{
	struct pvi_vsock *v;
	bool full;

	rcu_read_lock();
	v = pvi_vsock_find(vsk->remote_addr.svm_cid);
	full = v && READ_ONCE(v->full);
	rcu_read_unlock();
	return full ? 0 : virtio_transport_stream_has_space(vsk);
}

/*
 * What one call may take, whatever credit the peer gives: not each kernel bounds it. AF_VSOCK calls again for the
 * rest, when there is space; and is never given 0, or it would call for ever.
 */
static size_t transport_most(const struct vsock_sock *vsk)
{
	return max_t(u64, vsk->buffer_size, PVI_VSOCK_LARGEST);
}

static ssize_t transport_stream_enqueue(struct vsock_sock *vsk, struct msghdr *msg, size_t len)
{
	len = pvi_compat_vsock_packet(min(len, transport_most(vsk)), PVI_VSOCK_LARGEST);
	return pvi_compat_vsock_sending(vsk, virtio_transport_stream_enqueue(vsk, msg, len));
}

/* There will never be room for a longer message: what is on its way is bounded by the own buffer as well. */
static u32 seqpacket_most(const struct vsock_sock *vsk)
{
	const struct virtio_vsock_sock *vvs = vsk->trans;

	return min(READ_ONCE(vvs->peer_buf_alloc), READ_ONCE(vvs->buf_alloc));
}

/* What was refused last, for who polls: with other families it is what waits to be written. */
static void seqpacket_want(struct vsock_sock *vsk, u32 len)
{
	WRITE_ONCE(sk_vsock(vsk)->sk_write_pending, len);
}

/*
 * Of who does not wait nothing is taken unless all of it may be sent: what is sent in part would be sent again. A
 * full ring is no reason, for what does not fit waits here; but older kernels take one packet at a time, and may find
 * no space between two of them.
 */
static int seqpacket_send(struct vsock_sock *vsk, struct msghdr *msg, size_t len)
{
	int put, all = 0;

	if (len > seqpacket_most(vsk))
		return -EMSGSIZE;
	if (!sock_sndtimeo(sk_vsock(vsk), msg->msg_flags & MSG_DONTWAIT) &&
	    len > virtio_transport_stream_has_space(vsk)) {
		seqpacket_want(vsk, len);
		return -EAGAIN;
	}
	seqpacket_want(vsk, 0);
	do {
		put = virtio_transport_seqpacket_enqueue(vsk, msg, pvi_compat_vsock_packet(len - all,
											   PVI_VSOCK_LARGEST));
		if (put > 0)
			all += put;
	} while (put > 0 && all < len);
	return all ?: put;
}

static int transport_seqpacket_enqueue(struct vsock_sock *vsk, struct msghdr *msg, size_t len)
{
	return pvi_compat_vsock_sending(vsk, seqpacket_send(vsk, msg, len));
}

static int transport_notify_send_post_enqueue(struct vsock_sock *vsk, ssize_t written,
					      struct vsock_transport_send_notify_data *data)
{
	int err = written ? 0 : pvi_compat_vsock_failed(vsk);

	return err ?: virtio_transport_notify_send_post_enqueue(vsk, written, data);
}

/* A part of a message is nothing to read: who polls would try again and again, for as long as the peer likes. */
static int transport_notify_poll_in(struct vsock_sock *vsk, size_t target, bool *now)
{
	int ret = virtio_transport_notify_poll_in(vsk, target, now);

	if (sk_vsock(vsk)->sk_type == SOCK_SEQPACKET && !virtio_transport_seqpacket_has_data(vsk))
		*now = false;
	return ret;
}

/*
 * Who polls can send what was refused last, or hears that it is too long, or that the peer reads no more: else it would
 * try again and again, or wait for ever.
 */
static int transport_notify_poll_out(struct vsock_sock *vsk, size_t target, bool *now)
{
	u32 wanted = min_t(u32, READ_ONCE(sk_vsock(vsk)->sk_write_pending), seqpacket_most(vsk));

	*now = READ_ONCE(vsk->peer_shutdown) & RCV_SHUTDOWN || transport_has_space(vsk) >= max(wanted, 1u);
	return 0;
}

struct virtio_transport pvi_vsock_transport = {
	.transport = {
		.module = THIS_MODULE,
		.get_local_cid = pvi_vsock_local_cid,
		.init = transport_init,
		.destruct = virtio_transport_destruct,
		.release = transport_release,
		.connect = transport_connect,
		.shutdown = virtio_transport_shutdown,
		.cancel_pkt = transport_cancel_pkt,
		.dgram_bind = virtio_transport_dgram_bind,
		.dgram_dequeue = virtio_transport_dgram_dequeue,
		.dgram_enqueue = virtio_transport_dgram_enqueue,
		.dgram_allow = virtio_transport_dgram_allow,
		.stream_dequeue = virtio_transport_stream_dequeue,
		.stream_enqueue = transport_stream_enqueue,
		.stream_has_data = virtio_transport_stream_has_data,
		.stream_has_space = transport_has_space,
		.stream_rcvhiwat = virtio_transport_stream_rcvhiwat,
		.stream_is_active = virtio_transport_stream_is_active,
		.stream_allow = pvi_compat_vsock_stream_allow,
		.seqpacket_dequeue = virtio_transport_seqpacket_dequeue,
		.seqpacket_enqueue = transport_seqpacket_enqueue,
		.seqpacket_allow = pvi_compat_vsock_seqpacket_allow,
		.seqpacket_has_data = virtio_transport_seqpacket_has_data,
		.notify_poll_in = transport_notify_poll_in,
		.notify_poll_out = transport_notify_poll_out,
		.notify_recv_init = virtio_transport_notify_recv_init,
		.notify_recv_pre_block = virtio_transport_notify_recv_pre_block,
		.notify_recv_pre_dequeue = virtio_transport_notify_recv_pre_dequeue,
		.notify_recv_post_dequeue = virtio_transport_notify_recv_post_dequeue,
		.notify_send_init = virtio_transport_notify_send_init,
		.notify_send_pre_block = virtio_transport_notify_send_pre_block,
		.notify_send_pre_enqueue = virtio_transport_notify_send_pre_enqueue,
		.notify_send_post_enqueue = transport_notify_send_post_enqueue,
		.notify_buffer_size = virtio_transport_notify_buffer_size,
		PVI_COMPAT_READ_SKB
		PVI_COMPAT_MSGZEROCOPY
		PVI_COMPAT_RCVLOWAT
		PVI_COMPAT_UNSENT
		PVI_COMPAT_REMOTE_CID
	},
	.send_pkt = transport_send_pkt,
};
