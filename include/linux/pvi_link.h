/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pvi_link - the bus of links, for what transports something over them
 */
#ifndef _LINUX_PVI_LINK_H
#define _LINUX_PVI_LINK_H

#include <linux/cache.h>
#include <linux/device.h>
#include <linux/kvm_pvi_guest.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uuid.h>
#include <linux/workqueue.h>
#include <uapi/linux/pvi_link.h>
#include <uapi/linux/pvi_ring.h>

/**
 * DOC: Links
 *
 * A link is memory that this guest shares with one peer, and a bell in each direction; it is a
 * device on the bus pvi_link, whose kind (net, vsock) chooses the driver. Those of kind raw are
 * left to programs. The bus does all that has to do with sessions: it pairs sections, follows the
 * peer, begins anew when the peer dies, breaks a rule, or comes back, and when this guest sleeps or
 * is bound anew. A driver is told by @up and @down of struct pvi_link_driver, and between the two
 * moves messages over queues, of which a link has one or more. Each goes both ways; queue n of one
 * side is queue n of the other.
 *
 * Sending, by one context at a time for each queue::
 *
 *	to = pvi_link_reserve(queue, len);	NULL: no room
 *	... write up to len bytes there, from wherever they are; never read them back
 *	pvi_link_commit(queue, to, len);
 *	... any number of these, then once:
 *	pvi_link_publish(queue);
 *
 * Without room: publish, then pvi_link_wait_room(). If it is true try again, else @wake comes when
 * there is room.
 *
 * Receiving, by one context at a time for each queue, beside the one that sends::
 *
 *	from = pvi_link_take(queue, &len);	NULL: no more
 *	... copy, and only then look at the copy: the peer may change it at any time
 *	... any number of these, then once:
 *	pvi_link_release(queue);
 *
 * When there is no more: release, even if nothing was taken, then pvi_link_wait_data(). If it is
 * true go on, else @wake comes when there is something. Between a @wake and the next
 * pvi_link_wait_data() the peer does not ring because of what it sends, however much that is: this
 * is how NAPI polls without interrupts, and nothing has to be switched off for it. Nor does it ring
 * because of room before the next pvi_link_wait_room().
 *
 * In a session that has ended, or where the peer breaks a rule of pvi_ring.h, nothing can be
 * reserved or taken any more, both waits are false, and @down follows. So a driver needs to look at
 * no error.
 */

struct pvi_link;
struct pvi_link_queue;

/**
 * struct pvi_link_driver - what transports something over links of one kind
 * @kind: PVI_RING_NET...
 * @probe: there is such a link, which is not up. As that of any driver. May call
 *	pvi_link_set_queues()
 * @remove: undo @probe. If the link was up, @down has been called
 * @up: a session has begun, with so many queues, from 0 on; all are empty. From here on each of
 *	them may be used. When this has returned @wake is called once for each
 * @down: the session has ended; @wake is not called any more. When this has returned nothing uses
 *	a queue until the next @up. What was sent and not received is lost
 * @wake: the peer has rung: there may be messages to take, or room, or neither. Other queues may be
 *	called at the same time, and this one as well. Schedule NAPI, or a work
 * @driver: its @name is that of the driver
 *
 * @probe, @remove, @up, @down: process context, one at a time for each link; may sleep, and take
 * rtnl_lock(). @up and @down alternate. They may not wait for a caller of pvi_link_set_queues(), who in
 * turn needs no lock. @wake: hard interrupt context, or a thread of the interrupt on PREEMPT_RT, under
 * RCU.
 */
struct pvi_link_driver {
	u32 kind;
	int (*probe)(struct pvi_link *link);
	void (*remove)(struct pvi_link *link);
	void (*up)(struct pvi_link *link, unsigned int queues);
	void (*down)(struct pvi_link *link);
	void (*wake)(struct pvi_link_queue *queue);
	struct device_driver driver;
};

/**
 * struct pvi_link_queue - a queue of a link, both ways
 * @link: whose it is
 * @index: its number, of both sides
 * @priv: the driver's
 * @rung: how often the peer has rung it, or another queue that has its interrupt
 * @rings: how often the peer was rung for it
 * @tx: private: what is sent
 * @rx: private: what is received
 */
struct pvi_link_queue {
	struct pvi_link *link;
	unsigned int index;
	void *priv;
	atomic_long_t rung;
	atomic_long_t rings;
	struct pvi_ring_tx tx ____cacheline_aligned_in_smp;
	struct pvi_ring_rx rx ____cacheline_aligned_in_smp;
};

/**
 * struct pvi_link - a link
 * @dev: on the bus pvi_link; the driver's data is its drvdata. Its parent is the PCI device of the
 *	own section
 * @uuid: its name, which both sides know
 * @peer: the name of the other side's VM
 * @kind: PVI_RING_NET...
 * @side: 0 or 1, the other side's is the other
 * @max_queues: a session has from 1 to so many
 * @longest: no message that either side sends has more bytes than this; PVI_RING_LONGEST(). Of a
 *	hostile peer it may have
 * @config: what who made the link has said of its kind; a copy of this side's, which the peer cannot
 *	write
 * @queue: @max_queues of them
 *
 * All of it is constant.
 */
struct pvi_link {
	struct device dev;
	uuid_t uuid;
	uuid_t peer;
	u32 kind;
	unsigned int side;
	unsigned int max_queues;
	u32 longest;
	u8 config[64] __aligned(8);
	struct pvi_link_queue *queue;
};

#define to_pvi_link(device)	container_of(device, struct pvi_link, dev)

int __pvi_link_driver_register(struct pvi_link_driver *driver, struct module *owner,
			       const char *name);
void pvi_link_driver_unregister(struct pvi_link_driver *driver);

#define pvi_link_driver_register(driver) \
	__pvi_link_driver_register(driver, THIS_MODULE, KBUILD_MODNAME)

#define module_pvi_link_driver(driver) \
	module_driver(driver, pvi_link_driver_register, pvi_link_driver_unregister)

/* MODULE_ALIAS_PVI_LINK("net") has a module loaded by itself */
#define MODULE_ALIAS_PVI_LINK(kind)	MODULE_ALIAS("pvi_link:" kind)

static inline void *pvi_link_get_drvdata(const struct pvi_link *link)
{
	return dev_get_drvdata(&link->dev);
}

static inline void pvi_link_set_drvdata(struct pvi_link *link, void *data)
{
	dev_set_drvdata(&link->dev, data);
}

void pvi_link_set_queues(struct pvi_link *link, unsigned int queues);
void pvi_link_ring(struct pvi_link_queue *queue);
void pvi_link_over(struct pvi_link_queue *queue, u32 error);

/**
 * pvi_link_mac() - an Ethernet address for this side of a link
 * @link: the link
 * @mac: out: six bytes; administered locally, made of the link's UUID
 */
static inline void pvi_link_mac(const struct pvi_link *link, u8 *mac)
{
	memcpy(mac, &link->uuid.b[sizeof(link->uuid) - 6], 6);
	mac[0] = (mac[0] & ~1) | 2;
	mac[5] = (mac[5] & ~1) | link->side;
}

/**
 * pvi_link_reserve() - where to write the next message
 * @queue: of a link that is up
 * @len: its length, or more; at most the link's @longest
 *
 * Return: the place, a multiple of 8, for as long as nothing else is reserved. NULL: there is no
 * room, or the session is over.
 */
static inline void *pvi_link_reserve(struct pvi_link_queue *queue, u32 len)
{
	void *to = pvi_ring_reserve(&queue->tx, len);

	if (unlikely(!to && queue->tx.end.error))
		pvi_link_over(queue, queue->tx.end.error);
	return to;
}

/**
 * pvi_link_commit() - the message is written
 * @queue: of a link that is up
 * @to: from pvi_link_reserve()
 * @len: its length, at most what was reserved
 *
 * A reservation that is not committed is none.
 */
static inline void pvi_link_commit(struct pvi_link_queue *queue, void *to, u32 len)
{
	pvi_ring_commit(&queue->tx, to, len);
}

/**
 * pvi_link_publish() - send what is committed
 * @queue: of a link that is up
 *
 * The peer is rung if it sleeps.
 */
static inline void pvi_link_publish(struct pvi_link_queue *queue)
{
	if (pvi_ring_publish(&queue->tx))
		pvi_link_ring(queue);
}

/**
 * pvi_link_wait_room() - ask for a wake when there is room
 * @queue: of a link that is up, with all published
 * @len: for a message so long
 *
 * Return: true: there is room already. False: @wake comes, or @down.
 */
static inline bool pvi_link_wait_room(struct pvi_link_queue *queue, u32 len)
{
	if (!pvi_ring_arm_tx(&queue->tx, len))
		return false;
	if (likely(!queue->tx.end.error))
		return true;
	pvi_link_over(queue, queue->tx.end.error);
	return false;
}

/**
 * pvi_link_sent() - how much was sent
 * @queue: of a link that is up
 *
 * Return: the index behind all that is committed: bytes of the ring, 0 when the link came up.
 */
static inline u32 pvi_link_sent(const struct pvi_link_queue *queue)
{
	return queue->tx.end.limit - queue->tx.end.near;
}

/**
 * pvi_link_received() - how much of it the peer has received, when last looked at
 * @queue: of a link that is up
 *
 * pvi_link_reserve() looks where it has to, waits do always.
 *
 * Return: an index as that of pvi_link_sent(); never one behind what it was before.
 */
static inline u32 pvi_link_received(const struct pvi_link_queue *queue)
{
	return queue->tx.end.seen;
}

/**
 * pvi_link_has_room() - whether there is room, by what is known; nothing is looked at
 * @queue: of a link that is up
 * @len: for a message so long, at most the link's @longest
 *
 * Return: true: pvi_link_reserve() succeeds.
 */
static inline bool pvi_link_has_room(const struct pvi_link_queue *queue, u32 len)
{
	u32 need = PVI_RING_NEED(len), sent = pvi_link_sent(queue);

	return need <= queue->tx.end.near ||
	       pvi_ring_span(&queue->tx.end, sent, need) <=
	       queue->tx.end.size - (sent - queue->tx.end.seen);
}

/**
 * pvi_link_wait_received() - ask for a wake when the peer has received what was sent
 * @queue: of a link that is up, with all published
 * @index: up to there; one that pvi_link_sent() has given, or one between it and pvi_link_received()
 *
 * As pvi_link_wait_room(), instead of it.
 *
 * Return: true: it has. False: @wake comes, or @down.
 */
static inline bool pvi_link_wait_received(struct pvi_link_queue *queue, u32 index)
{
	struct pvi_ring_end *end = &queue->tx.end;
	u32 sent = pvi_link_sent(queue);

	/* What the peer says is a multiple of 8 */
	index = (index + 7) & ~7u;
	pvi_ring_arm(end->own->room_wake, index);
	pvi_ring_refresh(end, end->peer->cons, sent);
	if (likely(!end->error))
		return sent - end->seen <= sent - index;
	pvi_link_over(queue, end->error);
	return false;
}

/**
 * pvi_link_take() - the next message
 * @queue: of a link that is up
 * @len: out: its length, which says how far it may be read; to be checked as all of it, 0 is one
 *
 * Return: where it is, a multiple of 8, until pvi_link_release(). NULL: there is none, or the
 * session is over.
 */
static inline const void *pvi_link_take(struct pvi_link_queue *queue, u32 *len)
{
	const void *from = pvi_ring_take(&queue->rx, len);

	if (unlikely(!from && queue->rx.end.error))
		pvi_link_over(queue, queue->rx.end.error);
	return from;
}

/**
 * pvi_link_untake() - leave the message that was taken last where it is
 * @queue: of a link that is up
 * @len: its length, as it was given
 *
 * It is taken again, and may be another one then. Once after each pvi_link_take(), before
 * pvi_link_release().
 */
static inline void pvi_link_untake(struct pvi_link_queue *queue, u32 len)
{
	queue->rx.end.near += PVI_RING_NEED(len);
}

/**
 * pvi_link_release() - messages that were taken are copied
 * @queue: of a link that is up
 *
 * The peer is rung if it waits for so much room.
 */
static inline void pvi_link_release(struct pvi_link_queue *queue)
{
	if (pvi_ring_release(&queue->rx))
		pvi_link_ring(queue);
}

/**
 * pvi_link_wait_data() - ask for a wake when there are messages
 * @queue: of a link that is up, with all released
 * @bytes: when there are so many bytes; 8: anything
 *
 * Return: true: they are there already. False: @wake comes, or @down.
 */
static inline bool pvi_link_wait_data(struct pvi_link_queue *queue, u32 bytes)
{
	if (!pvi_ring_arm_rx(&queue->rx, bytes))
		return false;
	if (likely(!queue->rx.end.error))
		return true;
	pvi_link_over(queue, queue->rx.end.error);
	return false;
}

#endif /* _LINUX_PVI_LINK_H */
