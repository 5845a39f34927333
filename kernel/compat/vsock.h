/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi - differences between kernels' AF_VSOCK, for the transport between guests */
#ifndef _PVI_COMPAT_VSOCK_H
#define _PVI_COMPAT_VSOCK_H

#include <linux/version.h>
#include <linux/virtio_vsock.h>
#include <net/af_vsock.h>

#if !defined(VIRTIO_VSOCK_SKB_HEADROOM) || !IS_ENABLED(CONFIG_VIRTIO_VSOCKETS_COMMON)
#error kvm_pvi_vsock needs VIRTIO_VSOCKETS_COMMON in the kernel, of 6.3 or of a 6.1 that has its sk_buffs
#endif

/*
 * Since 7.0 sockets of a network namespace may be hidden from other machines. NULL: a packet is for all
 * that are not.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define PVI_COMPAT_SEND_PKT(name, skb)	int name(struct sk_buff *skb)

static inline void pvi_compat_vsock_recv(struct virtio_transport *t, struct sk_buff *skb)
{
	virtio_transport_recv_pkt(t, skb);
}

static inline bool pvi_compat_vsock_stream_allow(u32 cid, u32 port)
{
	return true;
}

static inline bool pvi_compat_vsock_seqpacket_allow(u32 cid)
{
	return true;
}
#else
#define PVI_COMPAT_SEND_PKT(name, skb)	int name(struct sk_buff *skb, struct net *net)

static inline void pvi_compat_vsock_recv(struct virtio_transport *t, struct sk_buff *skb)
{
	virtio_transport_recv_pkt(t, skb, NULL);
}

static inline bool pvi_compat_vsock_stream_allow(struct vsock_sock *vsk, u32 cid, u32 port)
{
	return vsock_net_mode_global(vsk);
}

static inline bool pvi_compat_vsock_seqpacket_allow(struct vsock_sock *vsk, u32 cid)
{
	return vsock_net_mode_global(vsk);
}
#endif

/* The packet is on its way. Since 6.12 SIOCOUTQ tells what is not. */
static inline void pvi_compat_vsock_sent(struct sk_buff *skb)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	consume_skb(skb);
#else
	virtio_transport_consume_skb_sent(skb, true);
#endif
}

/*
 * What a call that is to send fails with is told in it. Before 6.4 AF_VSOCK makes ENOMEM of that: the call has written
 * nothing then, and the hook behind it tells. The socket is locked from here to there.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
static inline ssize_t pvi_compat_vsock_sending(struct vsock_sock *vsk, ssize_t ret)
{
	if (ret >= 0)
		return ret;
	WRITE_ONCE(sk_vsock(vsk)->sk_err_soft, -ret);
	return 0;
}

static inline int pvi_compat_vsock_failed(struct vsock_sock *vsk)
{
	return -xchg(&sk_vsock(vsk)->sk_err_soft, 0);
}
#else
static inline ssize_t pvi_compat_vsock_sending(struct vsock_sock *vsk, ssize_t ret)
{
	return ret;
}

static inline int pvi_compat_vsock_failed(struct vsock_sock *vsk)
{
	return 0;
}
#endif

/* How much of @len to put into a packet. Before 6.7 that is memory in one piece, which may be missing if it is large. */
static inline size_t pvi_compat_vsock_packet(size_t len, size_t small)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return min(len, small);
#else
	return len;
#endif
}

/* What transports have been given since 6.1 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define PVI_COMPAT_READ_SKB
#else
#define PVI_COMPAT_READ_SKB	.read_skb = virtio_transport_read_skb,
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define PVI_COMPAT_MSGZEROCOPY
#else
static inline bool pvi_compat_msgzerocopy_allow(void)
{
	return true;
}

#define PVI_COMPAT_MSGZEROCOPY	.msgzerocopy_allow = pvi_compat_msgzerocopy_allow,
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define PVI_COMPAT_RCVLOWAT
#else
#define PVI_COMPAT_RCVLOWAT	.notify_set_rcvlowat = virtio_transport_notify_set_rcvlowat,
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define PVI_COMPAT_UNSENT
#else
#define PVI_COMPAT_UNSENT	.unsent_bytes = virtio_transport_unsent_bytes,
#endif

/* Before, all addresses above 2 are those of the transport to guests. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 1, 0)
#define PVI_COMPAT_REMOTE_CID
#else
#define PVI_COMPAT_REMOTE_CID	.has_remote_cid = transport_has_remote_cid,
#endif

#endif /* _PVI_COMPAT_VSOCK_H */
