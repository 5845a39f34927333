// SPDX-License-Identifier: GPL-2.0
/*
 * side - one side of a link, as a library for lockstep.py, which says what it does next
 *
 * All that is decided here pvi_ring.h decides. Whoever calls makes the rings that are wanted.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include "shared.h"

struct side {
	struct pvi_ring_link link;
	struct pvi_ring_header *own;
	const struct pvi_ring_header *peer;
	u64 own_size, peer_size;
	struct pvi_ring_tx tx[PVI_RING_MAX_QUEUES];
	struct pvi_ring_rx rx[PVI_RING_MAX_QUEUES];
};

static void *map(int fd, u64 *size, int prot)
{
	struct stat st;

	if (fstat(fd, &st))
		RING_FAIL("no section");
	*size = st.st_size;
	return memory_map(fd, st.st_size, prot);
}

/* The side whose sections are these descriptors; whether they are any, side_pair() says */
struct side *side_new(int own, int peer)
{
	struct side *side = calloc(1, sizeof(*side));

	RING_ASSERT(side);
	side->own = map(own, &side->own_size, PROT_READ | PROT_WRITE);
	side->peer = map(peer, &side->peer_size, PROT_READ);
	return side;
}

int side_pair(struct side *side)
{
	return pvi_ring_pair(&side->link, side->own, side->own_size, side->peer, side->peer_size);
}

void side_start(struct side *side, u32 use)
{
	pvi_ring_start(&side->link, use, 0);
}

int side_step(struct side *side)
{
	return pvi_ring_step(&side->link);
}

u32 side_life(const struct side *side)
{
	return side->link.life;
}

/* As if this were its life, and in READY and RUN it had seen the session that it follows, of as many queues */
void side_live(struct side *side, u32 life, u32 use)
{
	side->link.life = life;
	side->link.want = PVI_RING_FOLLOWS(life) | PVI_RING_SESSION(life) << 15;
	side->link.use = side->link.queues = use;
}

/* The session runs: how many queues it has */
u32 side_open(struct side *side)
{
	u32 n;

	for (n = 0; n < side->link.queues; n++)
		pvi_ring_open(&side->link, n, &side->tx[n], &side->rx[n]);
	return side->link.queues;
}

static void end_move(struct pvi_ring_end *end, u32 index)
{
	end->limit = end->seen = index;
	end->near = 0;
}

/* As if so many bytes had been sent, and received, and the peer knew */
void side_move(struct side *side, u32 n, u32 prod, u32 cons)
{
	end_move(&side->tx[n].end, prod);
	end_move(&side->rx[n].end, cons);
	side->tx[n].end.own->prod[0] = prod;
	side->rx[n].end.own->cons[0] = cons;
}

/* By what GSI the peer is rung for a queue */
u32 side_gsi(const struct side *side, u32 n)
{
	return side->link.mine.peer_gsi + n % side->link.mine.peer_gsis;
}

u32 side_error(const struct side *side, u32 n)
{
	return side->tx[n].end.error ? side->tx[n].end.error : side->rx[n].end.error;
}

int side_send(struct side *side, u32 n, const void *message, u32 len)
{
	void *to = pvi_ring_reserve(&side->tx[n], len);

	if (!to)
		return 0;
	memcpy(to, message, len);
	pvi_ring_commit(&side->tx[n], to, len);
	return 1;
}

int side_publish(struct side *side, u32 n)
{
	return pvi_ring_publish(&side->tx[n]);
}

/* Its length; -1: there is none */
int side_receive(struct side *side, u32 n, void *message, u32 size)
{
	u32 len;
	const void *from = pvi_ring_take(&side->rx[n], &len);

	if (!from)
		return -1;
	RING_ASSERT(len <= size);
	memcpy(message, from, len);
	return len;
}

int side_release(struct side *side, u32 n)
{
	return pvi_ring_release(&side->rx[n]);
}

/* Whether there is room, or so many bytes; @always: be rung whenever the index moves */
int side_arm_tx(struct side *side, u32 n, u32 len, int always)
{
	int room = pvi_ring_arm_tx(&side->tx[n], len);

	if (always)
		__atomic_store_n(side->tx[n].end.own->room_wake, PVI_RING_WAKE_ALWAYS, __ATOMIC_RELAXED);
	return room;
}

int side_arm_rx(struct side *side, u32 n, u32 bytes, int always)
{
	int data = pvi_ring_arm_rx(&side->rx[n], bytes);

	if (always)
		__atomic_store_n(side->rx[n].end.own->data_wake, PVI_RING_WAKE_ALWAYS, __ATOMIC_RELAXED);
	return data;
}

/* Whether to ring by @wake as an index goes from @from to @to */
int side_wants(u32 wake, u32 from, u32 to)
{
	return pvi_ring_show(&from, to, &wake);
}
