// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi msg - messages over a link, by linux/pvi_ring.h */
#include <linux/pvi_ring.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "internal.h"

/* Changes of state that one call follows */
#define MSG_STEPS	16
/* Milliseconds until a peer that was rung too often is rung again */
#define MSG_MOMENT	20

/* What a thread has of one queue in this session */
struct msg_queue {
	struct pvi_ring_tx tx;
	struct pvi_ring_rx rx;
};

/*
 * @opened: the queues are those of this session
 * @left: there is none, until pvi_msg_reset()
 * @own, @peer: mappings of @own_size and @peer_size bytes
 * @owed: bit n: GSI @peer_gsi + n, the ring of which was refused for now. Queues have no more of them
 */
struct pvi_msg {
	struct pvi_ring_link link;
	void *own, *peer;
	size_t own_size, peer_size;
	void (*ring)(void *arg, uint32_t gsi);
	void *arg;
	uint64_t epoch, owed;
	bool opened, left;
	struct msg_queue queues[PVI_RING_MAX_QUEUES];
};

static void msg_ring(struct pvi_msg *msg, uint32_t queue)
{
	const struct pvi_ring_shape *mine = &msg->link.mine;
	uint32_t n = queue % mine->peer_gsis;

	msg->owed &= ~(1ull << n);
	msg->ring(msg->arg, mine->peer_gsi + n);
}

static void msg_start(struct pvi_msg *msg)
{
	pvi_ring_start(&msg->link, PVI_RING_MAX_QUEUES, msg->epoch);
	msg->opened = false;
	msg_ring(msg, 0);
}

static int msg_map(int fd, int prot, void **address, size_t *size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size < (off_t)sizeof(struct pvi_ring_header))
		return -ENOLINK;
	*size = st.st_size;
	*address = mmap(NULL, *size, prot, MAP_SHARED, fd, 0);
	return *address == MAP_FAILED ? -errno : 0;
}

int pvi_msg_open(struct pvi_msg **result, int own, int peer,
		 void (*ring)(void *arg, uint32_t gsi), void *arg)
{
	struct pvi_msg *msg = calloc(1, sizeof(*msg));
	int ret;

	if (!msg)
		return -ENOMEM;
	ret = msg_map(own, PROT_READ | PROT_WRITE, &msg->own, &msg->own_size);
	if (ret)
		goto err_free;
	ret = msg_map(peer, PROT_READ, &msg->peer, &msg->peer_size);
	if (ret)
		goto err_unmap_own;
	ret = -ENOLINK;
	if (!pvi_ring_pair(&msg->link, msg->own, msg->own_size, msg->peer, msg->peer_size))
		goto err_unmap_peer;
	msg->ring = ring;
	msg->arg = arg;
	/* Which @ring may need */
	*result = msg;
	msg_start(msg);
	return 0;

err_unmap_peer:
	munmap(msg->peer, msg->peer_size);
err_unmap_own:
	munmap(msg->own, msg->own_size);
err_free:
	free(msg);
	return ret;
}

void pvi_msg_leave(struct pvi_msg *msg)
{
	if (msg->left)
		return;
	msg->left = true;
	msg->opened = false;
	pvi_ring_stop(&msg->link);
	msg_ring(msg, 0);
}

void pvi_msg_close(struct pvi_msg *msg)
{
	pvi_msg_leave(msg);
	munmap(msg->peer, msg->peer_size);
	munmap(msg->own, msg->own_size);
	free(msg);
}

const struct pvi_ring_shape *pvi_msg_shape(const struct pvi_msg *msg)
{
	return &msg->link.mine;
}

void pvi_msg_owe(struct pvi_msg *msg, uint32_t gsi)
{
	uint32_t n = gsi - msg->link.mine.peer_gsi;

	if (n < msg->link.mine.peer_gsis && n < PVI_RING_MAX_QUEUES)
		msg->owed |= 1ull << n;
}

int pvi_msg_pay(struct pvi_msg *msg)
{
	uint64_t owed = msg->owed;
	uint32_t n;

	for (n = 0; owed; n++, owed >>= 1)
		if (owed & 1)
			msg_ring(msg, n);
	return msg->owed ? MSG_MOMENT : -1;
}

void pvi_msg_reset(struct pvi_msg *msg, uint64_t epoch)
{
	msg->epoch = epoch;
	msg->left = false;
	msg_start(msg);
}

int pvi_msg_follow(struct pvi_msg *msg)
{
	struct pvi_ring_link *link = &msg->link;
	bool used = msg->opened;
	uint32_t n, steps;
	int step;

	if (msg->left)
		return -ENOTCONN;
	/* A peer may go on for ever; one that keeps to the rules rings after each change */
	for (steps = 0; steps < MSG_STEPS && (step = pvi_ring_step(link)); steps++) {
		if (step < 0)
			msg_start(msg);
		else
			msg_ring(msg, 0);
		/* What was on its way is lost, of which the caller has to know. The peer rings for the rest */
		if (step < 0 && used)
			return -ECONNRESET;
	}
	if (PVI_RING_STATE(link->life) != PVI_RING_RUN)
		return -ENOTCONN;
	for (n = 0; n < link->queues && !msg->opened; n++)
		pvi_ring_open(link, n, &msg->queues[n].tx, &msg->queues[n].rx);
	msg->opened = true;
	return link->queues;
}

/* A queue that may be used, or -errno in @ret */
static struct msg_queue *msg_queue(struct pvi_msg *msg, uint32_t queue, int *ret)
{
	*ret = msg->opened ? (int)msg->link.queues : pvi_msg_follow(msg);
	if (*ret >= 0 && queue >= (uint32_t)*ret)
		*ret = -EINVAL;
	return *ret < 0 ? NULL : &msg->queues[queue];
}

/* What was taken of a queue, and so is copied, is given back */
static void msg_release(struct pvi_msg *msg, uint32_t n)
{
	if (pvi_ring_release(&msg->queues[n].rx))
		msg_ring(msg, n);
}

/* The caller will wait for the peer, which may wait for the room of what was taken, of any queue */
static int msg_wait(struct pvi_msg *msg)
{
	uint32_t n;

	for (n = 0; n < msg->link.queues; n++)
		msg_release(msg, n);
	return -EAGAIN;
}

/* Nothing moved: why not. In a session that has ended nothing will */
static int msg_stuck(struct pvi_msg *msg, uint32_t error)
{
	if (!error)
		return msg_wait(msg);
	msg_start(msg);
	return error == PVI_RING_OVER ? -ECONNRESET : -EPROTO;
}

int pvi_msg_send(struct pvi_msg *msg, uint32_t n, const void *data, size_t len)
{
	struct msg_queue *queue;
	void *to;
	int ret;

	if (len > PVI_RING_LONGEST(msg->link.mine.data_size))
		return -EMSGSIZE;
	queue = msg_queue(msg, n, &ret);
	if (!queue)
		return ret;
	to = pvi_ring_reserve(&queue->tx, len);
	if (!to && pvi_ring_arm_tx(&queue->tx, len))
		to = pvi_ring_reserve(&queue->tx, len);
	if (!to)
		return msg_stuck(msg, queue->tx.end.error);
	memcpy(to, data, len);
	pvi_ring_commit(&queue->tx, to, len);
	if (pvi_ring_publish(&queue->tx))
		msg_ring(msg, n);
	return 0;
}

ssize_t pvi_msg_receive(struct pvi_msg *msg, uint32_t n, void *data, size_t size)
{
	struct msg_queue *queue;
	const void *from;
	uint32_t len;
	int ret;

	queue = msg_queue(msg, n, &ret);
	if (!queue)
		return ret;
	/* A pad alone moves the index as well, and then the peer is to be asked anew */
	while (!(from = pvi_ring_take(&queue->rx, &len)) && !queue->rx.end.error) {
		msg_release(msg, n);
		if (!pvi_ring_arm_rx(&queue->rx, 8))
			return msg_wait(msg);
	}
	if (!from)
		return msg_stuck(msg, queue->rx.end.error);
	if (len <= size)
		memcpy(data, from, len);
	/* When all that was there at once is taken */
	if (!queue->rx.end.near)
		msg_release(msg, n);
	return len <= size ? (ssize_t)len : -EMSGSIZE;
}
