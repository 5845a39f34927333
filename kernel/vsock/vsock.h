/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pvi_vsock - the private header: structures, locks, prototypes by file
 *
 * Locks, outermost first:
 *
 *   peers_lock (main.c, mutex)			links that come and go
 *   lock_sock() (the kernel's)			one socket
 *   vsock_table_lock (the kernel's)		all sockets
 *   pvi_vsock.tx_lock				what is sent to one peer
 *   virtio_vsock_sock.rx_lock (the kernel's)	credit of one socket
 *
 * Peers are found under RCU, and stay for as long.
 */
#ifndef _PVI_VSOCK_H
#define _PVI_VSOCK_H

#include <linux/pvi_link.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "../compat/vsock.h"

/* So many packets may wait for room; then those are not taken that nobody has to have */
#define PVI_VSOCK_WAITING	1024

/* Most bytes of a socket in one message: with what belongs to an sk_buff they are 8 pages at most */
#define PVI_VSOCK_LARGEST	(28 << 10)

/* Of so many connections is known what the peer was told of their room */
#define PVI_VSOCK_TOLD_BITS	5

/* What is counted of a peer, and shown in sysfs by these names */
enum pvi_vsock_count {
	PVI_VSOCK_REFUSED,	/* connections to ports that are not allowed */
	PVI_VSOCK_BAD,		/* packets that break a rule */
	PVI_VSOCK_DROPPED,	/* connections and resets, with too much that waits */
	PVI_VSOCK_COUNTS
};

/* What is to become of a packet that is not passed on, a set */
enum pvi_vsock_fate {
	PVI_VSOCK_PASS = 0,
	PVI_VSOCK_DROP = 1 << 0,
	PVI_VSOCK_WRONG = 1 << 1,	/* it breaks a rule */
	PVI_VSOCK_RESET = 1 << 2,	/* it is answered by a reset */
	PVI_VSOCK_END = 1 << 3,		/* its connection is reset here as well */
};

/* What the peer was told last of a connection's room: bytes of it that were read */
struct pvi_vsock_told {
	__le32 port;
	__le32 peer_port;
	__le32 fwd_cnt;
};

/**
 * struct pvi_vsock - a peer, and the link that leads to it
 * @link: the link
 * @queue: its only one
 * @cid: this guest's address there
 * @peer_cid: the peer's
 * @nr_ports: how many of @ports there are; 0: it may connect to all
 * @ports: it may connect to these
 * @largest: most bytes of a socket in one message
 * @counts: what has happened
 * @tx_lock: protects what follows
 * @session: the number of the present one, or the last; no two of any peers are equal
 * @up: there is a session, else nothing is sent; read without the lock as well
 * @full: there was no room, and a wake or @tx_work will come; read without the lock as well
 * @waiting: packets that are to be sent, in order
 * @sent: bytes of the first one that are
 * @told: of connections of late, by their ports
 * @late_work: shows the peer what is in the ring
 * @tx_work: sends what waits
 * @rx_work: receives; it waits where there is no memory
 */
struct pvi_vsock {
	struct pvi_link *link;
	struct pvi_link_queue *queue;
	u32 cid;
	u32 peer_cid;
	u32 nr_ports;
	struct pvi_link_ports ports[PVI_LINK_PORT_RANGES];
	u32 largest;
	atomic_long_t counts[PVI_VSOCK_COUNTS];
	spinlock_t tx_lock;
	u32 session;
	bool up;
	bool full;
	struct sk_buff_head waiting;
	u32 sent;
	struct pvi_vsock_told told[1 << PVI_VSOCK_TOLD_BITS];
	struct delayed_work late_work;
	struct work_struct tx_work;
	struct delayed_work rx_work;
};

static inline void pvi_vsock_count(struct pvi_vsock *v, enum pvi_vsock_count what)
{
	atomic_long_inc(&v->counts[what]);
}

/* main.c: peers */
extern struct workqueue_struct *pvi_vsock_wq;
struct pvi_vsock *pvi_vsock_find(u32 cid);
u32 pvi_vsock_local_cid(void);
/* All of them, by their CIDs, which stay until unlock */
struct xarray *pvi_vsock_lock(void);
void pvi_vsock_unlock(void);

/* show.c: what can be seen of them */
extern const struct attribute_group *pvi_vsock_groups[];
int pvi_vsock_show_init(void);
void pvi_vsock_show_exit(void);

/* transport.c: what AF_VSOCK calls */
extern struct virtio_transport pvi_vsock_transport;

/* tx.c: sending */
int pvi_vsock_tx_send(struct pvi_vsock *v, struct sk_buff *skb);
void pvi_vsock_tx_reset(struct pvi_vsock *v, const struct virtio_vsock_hdr *to);
void pvi_vsock_tx_cancel(struct pvi_vsock *v, struct vsock_sock *vsk);
bool pvi_vsock_tx_crowded(const struct pvi_vsock *v);
void pvi_vsock_tx_work(struct work_struct *work);
void pvi_vsock_tx_late_work(struct work_struct *work);
void pvi_vsock_tx_up(struct pvi_vsock *v);
void pvi_vsock_tx_down(struct pvi_vsock *v);

/* rx.c: receiving */
void pvi_vsock_rx_work(struct work_struct *work);

/* socks.c: all sockets of a peer */
void pvi_vsock_socks_room(struct pvi_vsock *v);
void pvi_vsock_socks_reset(struct pvi_vsock *v);
bool pvi_vsock_socks_is_replaced(struct sock *sk, const struct virtio_vsock_hdr *hdr);
unsigned int pvi_vsock_socks_judge(struct virtio_vsock_hdr *hdr);

#endif /* _PVI_VSOCK_H */
