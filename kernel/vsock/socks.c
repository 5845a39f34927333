// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_vsock socks - all sockets of a peer
 *
 * They are in the kernel's tables alone. The tables' lock keeps a socket there, with what the transport
 * knows of it; its own lock may be held by whoever sleeps, so it is not taken where many are told, as the
 * kernel's own transports do not.
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

/* There is room for what is sent to the peer, after there was none. */
void pvi_vsock_socks_room(struct pvi_vsock *v, bool credit)
{
	struct vsock_sock *vsk;
	unsigned int i;

	spin_lock_bh(&vsock_table_lock);
	for (i = 0; i < ARRAY_SIZE(vsock_connected_table); i++)
		list_for_each_entry(vsk, &vsock_connected_table[i], connected_table) {
			struct sock *sk = sk_vsock(vsk);

			if (!sock_is_of(vsk, v))
				continue;
			if (credit)
				pvi_vsock_tx_credit(v, vsk);
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

static void sock_fail(struct vsock_sock *vsk)
{
	struct sock *sk = sk_vsock(vsk);

	WRITE_ONCE(sk->sk_err, ECONNRESET);
	sk_error_report(sk);
}

/*
 * Who reads is told, after what was received; who writes, that the peer reads nothing any more; and who
 * closes need not wait for it. The peer may use the same port anew.
 */
static void sock_end(struct vsock_sock *vsk)
{
	WRITE_ONCE(vsk->peer_shutdown, SHUTDOWN_MASK);
	sock_fail(vsk);
	vsock_remove_connected(vsk);
	sock_put(sk_vsock(vsk));
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

static bool sock_is_crowded(struct vsock_sock *vsk)
{
	struct virtio_vsock_sock *vvs = vsk->trans;

	return vsk->transport == &pvi_vsock_transport.transport &&
	       skb_queue_len_lockless(&vvs->rx_queue) > SOCKS_PACKETS + vvs->buf_alloc / SOCKS_BYTES;
}

/* Whether as many packets wait at the socket that this one is for as can be expected of anyone. */
bool pvi_vsock_socks_crowded(const struct virtio_vsock_hdr *hdr)
{
	struct sockaddr_vm src, dst;
	struct sock *sk;
	bool crowded;

	if (le32_to_cpu(hdr->len) >= SOCKS_SMALL)
		return false;
	vsock_addr_init(&src, le64_to_cpu(hdr->src_cid), le32_to_cpu(hdr->src_port));
	vsock_addr_init(&dst, le64_to_cpu(hdr->dst_cid), le32_to_cpu(hdr->dst_port));
	sk = vsock_find_connected_socket(&src, &dst);
	if (!sk)
		return false;
	lock_sock(sk);
	crowded = sock_is_crowded(vsock_sk(sk));
	release_sock(sk);
	sock_put(sk);
	return crowded;
}
