// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_vsock socks - all sockets of a peer
 *
 * They are in the kernel's tables alone. The tables' lock keeps a socket there, with what the transport
 * knows of it; its own lock may be held by whoever sleeps, so it is not taken where many are told, as the
 * kernel's own transports do not, but for those that are being closed.
 */
#include "vsock.h"

/* Packets that may wait to be read at a socket, whatever its room; and beside these by its room */
#define SOCKS_PACKETS	1024
#define SOCKS_BYTES	64
/* Packets of so many bytes are bounded by their bytes */
#define SOCKS_SMALL	256

static bool sock_is_of(const struct vsock_sock *vsk, const struct pvi_vsock *v)
{
	return READ_ONCE(vsk->transport) == &pvi_vsock_transport.transport &&
	       READ_ONCE(vsk->remote_addr.svm_cid) == v->peer_cid;
}

/* There is room for what is sent to the peer, after there was none: who writes may go on. */
void pvi_vsock_socks_room(struct pvi_vsock *v)
{
	struct vsock_sock *vsk;
	unsigned int i;

	spin_lock_bh(&vsock_table_lock);
	for (i = 0; i < ARRAY_SIZE(vsock_connected_table); i++)
		list_for_each_entry(vsk, &vsock_connected_table[i], connected_table) {
			struct sock *sk = sk_vsock(vsk);

			if (sock_is_of(vsk, v))
				sk->sk_write_space(sk);
		}
	spin_unlock_bh(&vsock_table_lock);
}

/* One of the peer's, held; NULL: there is none left in this table. */
static struct vsock_sock *sock_find(const struct pvi_vsock *v, struct list_head *table)
{
	struct vsock_sock *vsk, *found = NULL;

	spin_lock_bh(&vsock_table_lock);
	list_for_each_entry(vsk, table, connected_table) {
		if (!sock_is_of(vsk, v))
			continue;
		sock_hold(sk_vsock(vsk));
		found = vsk;
		break;
	}
	spin_unlock_bh(&vsock_table_lock);
	return found;
}

/*
 * Who closes a socket may wait for the peer as long as the program likes (SO_LINGER), without the lock; and nobody
 * has it any more who waits for a program. What close() has left to the kernel's close_work is not to be done
 * before: that would not let go of it.
 */
static void sock_end_closing(struct vsock_sock *vsk)
{
	struct sock *sk = sk_vsock(vsk);

	lock_sock(sk);
	if (!vsk->close_work_scheduled) {
		sock_set_flag(sk, SOCK_DONE);
		sk->sk_state_change(sk);
	}
	release_sock(sk);
}

/*
 * Who reads is told, after what was received; who writes, that the peer reads nothing any more; and who
 * closes need not wait for it. The peer may use the same port anew. What has ended before stays as it has.
 */
static void sock_end(struct vsock_sock *vsk)
{
	struct sock *sk = sk_vsock(vsk);

	/* First: who is told may connect anew, and be in the table by that. */
	vsock_remove_connected(vsk);
	if (!sock_flag(sk, SOCK_DONE)) {
		WRITE_ONCE(sk->sk_err, ECONNRESET);
		/*
		 * Who reads, and sees the end, looks why behind that, else it would be one as any: pairs with
		 * __vsock_stream_recvmsg()
		 */
		smp_wmb();
		WRITE_ONCE(vsk->peer_shutdown, SHUTDOWN_MASK);
		sk_error_report(sk);
		/* Who closes it sees that it has ended, or is seen here: pairs with transport_release() */
		smp_mb();
		if (sock_flag(sk, SOCK_DEAD))
			sock_end_closing(vsk);
	}
	sock_put(sk);
}

/* One that waits for the peer's answer */
static void sock_fail(struct vsock_sock *vsk)
{
	struct sock *sk = sk_vsock(vsk);

	WRITE_ONCE(sk->sk_err, ECONNRESET);
	sk_error_report(sk);
}

/* The peer has gone. Those that listen stay. */
void pvi_vsock_socks_reset(struct pvi_vsock *v)
{
	struct vsock_sock *vsk;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vsock_connected_table); i++)
		while ((vsk = sock_find(v, &vsock_connected_table[i])))
			sock_end(vsk);
	spin_lock_bh(&vsock_table_lock);
	for (i = 0; i < ARRAY_SIZE(vsock_bind_table); i++)
		list_for_each_entry(vsk, &vsock_bind_table[i], bound_table)
			if (sock_is_of(vsk, v) && sk_vsock(vsk)->sk_state == TCP_SYN_SENT)
				sock_fail(vsk);
	spin_unlock_bh(&vsock_table_lock);
}

/* Whether the socket is, or was, one that leads to @src. */
static bool sock_leads_to(const struct vsock_sock *vsk, const struct sockaddr_vm *src)
{
	return READ_ONCE(vsk->transport) == &pvi_vsock_transport.transport &&
	       vsock_addr_equals_addr(&vsk->remote_addr, src);
}

/* Who connects to @peer from @port. Each port has its chain, which all addresses share. */
static struct vsock_sock *sock_asking(const struct sockaddr_vm *peer, u32 port)
{
	struct vsock_sock *vsk;

	lockdep_assert_held(&vsock_table_lock);
	list_for_each_entry(vsk, &vsock_bind_table[port % VSOCK_HASH_SIZE], bound_table)
		if (vsk->local_addr.svm_port == port && sock_leads_to(vsk, peer) &&
		    READ_ONCE(sk_vsock(vsk)->sk_state) == TCP_SYN_SENT)
			return vsk;
	return NULL;
}

/* Whether another one connects to @peer from the port that @sk has had. */
static bool sock_is_asked_anew(struct sock *sk, const struct sockaddr_vm *peer, u32 port)
{
	const struct vsock_sock *vsk;

	spin_lock_bh(&vsock_table_lock);
	vsk = sock_asking(peer, port);
	spin_unlock_bh(&vsock_table_lock);
	/* Which it is, is all that is asked of it. */
	return vsk && vsk != vsock_sk(sk);
}

/* Its connection has ended here, though a program has it still, and another has, or asks for, one by the same ports. */
bool pvi_vsock_socks_is_replaced(struct sock *sk, const struct virtio_vsock_hdr *hdr)
{
	struct sockaddr_vm peer, own;
	struct sock *other;

	if (likely(!list_empty(&vsock_sk(sk)->connected_table)))
		return false;
	vsock_addr_init(&peer, le64_to_cpu(hdr->dst_cid), le32_to_cpu(hdr->dst_port));
	vsock_addr_init(&own, le64_to_cpu(hdr->src_cid), le32_to_cpu(hdr->src_port));
	other = vsock_find_connected_socket(&peer, &own);
	if (!other)
		return sock_is_asked_anew(sk, &peer, own.svm_port);
	sock_put(other);
	return other != sk;
}

static bool sock_is_crowded(struct vsock_sock *vsk)
{
	struct virtio_vsock_sock *vvs = vsk->trans;

	return vsk->transport == &pvi_vsock_transport.transport &&
	       skb_queue_len_lockless(&vvs->rx_queue) > SOCKS_PACKETS + vvs->buf_alloc / SOCKS_BYTES;
}

/*
 * A socket's credit bounds its bytes, but not in each kernel how many packets they are in. Who has more
 * of them wait than can be expected of anyone has the connection end, as a kernel does that counts them.
 */
static bool sock_is_overdone(struct sock *sk)
{
	bool crowded;

	lock_sock(sk);
	crowded = sock_is_crowded(vsock_sk(sk));
	if (crowded) {
		sk->sk_err = ENOBUFS;
		sk_error_report(sk);
	}
	release_sock(sk);
	return crowded;
}

/* A connection's own. A request would begin another one, which the peer may want after this one has ended. */
static unsigned int sock_judge_connected(struct sock *sk, const struct virtio_vsock_hdr *hdr)
{
	u32 len = le32_to_cpu(hdr->len);

	if (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_REQUEST))
		return PVI_VSOCK_DROP | (sock_flag(sk, SOCK_DONE) ? PVI_VSOCK_RESET : PVI_VSOCK_WRONG);
	if (len && len < SOCKS_SMALL && sock_is_overdone(sk))
		return PVI_VSOCK_END | PVI_VSOCK_RESET | PVI_VSOCK_WRONG;
	return PVI_VSOCK_PASS;
}

/* Whether it is, or was, one that leads to another peer. */
static bool sock_is_anothers(const struct vsock_sock *vsk, const struct sockaddr_vm *src)
{
	u32 cid = READ_ONCE(vsk->remote_addr.svm_cid);

	return cid != VMADDR_CID_ANY && cid != src->svm_cid;
}

/* It goes no further; who has sent it is answered as the kernel would, which does not answer an answer. */
static unsigned int sock_fate_of_stray(__le16 op)
{
	return op == cpu_to_le16(VIRTIO_VSOCK_OP_RST) ? PVI_VSOCK_DROP : PVI_VSOCK_DROP | PVI_VSOCK_RESET;
}

/*
 * A socket that has the port, without such a connection. One that listens is for all; one that connects
 * is for who is asked, alone. What is left hears nothing of it: it is another peer's, which is not for this
 * one, or nobody's, or was this one's, which may have been on the way when the connection ended here. The socket is not
 * locked: its program may be busy with another peer, for which this one's link does not wait. Whoever connects stores
 * whom it asks before it asks.
 */
static unsigned int sock_judge_bound(struct sock *sk, const struct sockaddr_vm *src, __le16 op)
{
	bool leads, connects, anothers;

	if (READ_ONCE(sk->sk_state) == TCP_LISTEN)
		return PVI_VSOCK_PASS;
	if (op == cpu_to_le16(VIRTIO_VSOCK_OP_REQUEST))
		return PVI_VSOCK_DROP | PVI_VSOCK_RESET;
	leads = sock_leads_to(vsock_sk(sk), src);
	anothers = sock_is_anothers(vsock_sk(sk), src);
	connects = READ_ONCE(sk->sk_state) == TCP_SYN_SENT;
	if (leads && connects)
		return PVI_VSOCK_PASS;
	return sock_fate_of_stray(op) | (anothers ? PVI_VSOCK_WRONG : 0);
}

/* The address of this guest's that a socket is bound to which connects to @src from @dst's port; else @dst's */
static u32 sock_asking_cid(const struct sockaddr_vm *src, const struct sockaddr_vm *dst)
{
	const struct vsock_sock *vsk;
	u32 cid;

	spin_lock_bh(&vsock_table_lock);
	vsk = sock_asking(src, dst->svm_port);
	cid = vsk ? vsk->local_addr.svm_cid : dst->svm_cid;
	spin_unlock_bh(&vsock_table_lock);
	return cid;
}

/*
 * A packet is to the link's address; its socket may be bound to another one of this guest's, by which the kernel
 * finds it, and which it would replace by the packet's.
 */
static void sock_readdress(struct virtio_vsock_hdr *hdr, u32 cid)
{
	if (cid != VMADDR_CID_ANY)
		hdr->dst_cid = cpu_to_le64(cid);
}

static unsigned int sock_judge_unconnected(struct virtio_vsock_hdr *hdr, const struct sockaddr_vm *src,
					   struct sockaddr_vm *dst)
{
	unsigned int fate;
	struct sock *sk;

	if (hdr->op != cpu_to_le16(VIRTIO_VSOCK_OP_REQUEST)) {
		sock_readdress(hdr, sock_asking_cid(src, dst));
		dst->svm_cid = le64_to_cpu(hdr->dst_cid);
	}
	sk = vsock_find_bound_socket(dst);
	if (!sk)
		return sock_fate_of_stray(hdr->op);
	fate = sock_judge_bound(sk, src, hdr->op);
	sock_put(sk);
	return fate;
}

/*
 * What is to become of a packet, by the socket that the kernel would give it to: the kernels look for
 * one of that connection, then for any that has the port, and not all of them check whose that is. What
 * there is none for they are not given: they look anew, and by then the port may be that of one which connects
 * to another peer. The packet gets the address that the socket has.
 */
unsigned int pvi_vsock_socks_judge(struct virtio_vsock_hdr *hdr)
{
	struct sockaddr_vm src, dst;
	unsigned int fate;
	struct sock *sk;

	vsock_addr_init(&src, le64_to_cpu(hdr->src_cid), le32_to_cpu(hdr->src_port));
	vsock_addr_init(&dst, le64_to_cpu(hdr->dst_cid), le32_to_cpu(hdr->dst_port));
	sk = vsock_find_connected_socket(&src, &dst);
	if (unlikely(!sk))
		return sock_judge_unconnected(hdr, &src, &dst);
	sock_readdress(hdr, READ_ONCE(vsock_sk(sk)->local_addr.svm_cid));
	fate = sock_judge_connected(sk, hdr);
	sock_put(sk);
	return fate;
}
