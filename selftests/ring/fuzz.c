// SPDX-License-Identifier: GPL-2.0
/*
 * What a fuzzer makes of it: the input is what a peer stores and what the victim does, by turns. One
 * target each, by TARGET: the receiver, the sender, and pairing with the handshake. For libFuzzer;
 * sections lie between pages that nobody may touch, the peer's is read-only to the victim.
 */
#include <sys/mman.h>

#include "shared.h"

#define RECEIVER	0
#define SENDER		1
#define LINK		2

#define DATA	4096u
#define LENGTH	64
#define VARIANTS	50

static const u64 size = 4096 + DATA;

static u8 *own, *bad;
static const u8 *seen;
static struct pvi_ring_link side;
static struct pvi_ring_tx tx;
static struct pvi_ring_rx rx;
static struct pvi_ring_header *header;
static struct pvi_ring_queue *queue;
/* As it ought to be */
static struct pvi_ring_shape shape;

/* The rest of the input */
static const u8 *input;
static size_t left;

static u32 next(u32 bytes)
{
	u32 value = 0;

	for (; bytes && left; bytes--, left--)
		value = value << 8 | *input++;
	return value;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int fd = memory_section(1, 1, DATA);

	(void)argc;
	(void)argv;
	own = memory_map(-1, size, PROT_READ | PROT_WRITE);
	bad = memory_map(fd, size, PROT_READ | PROT_WRITE);
	seen = memory_map(fd, size, PROT_READ);
	section_make(own, 0, 1, DATA);
	shape = ((struct pvi_ring_header *)bad)->shape;
	header = (struct pvi_ring_header *)bad;
	queue = (struct pvi_ring_queue *)(bad + PVI_RING_QUEUES);
	RING_ASSERT(pvi_ring_pair(&side, (void *)own, size, (const void *)seen, size));
	pvi_ring_start(&side, 1, 0);
	header->use = 1;
	header->life = PVI_RING_LIFE(PVI_RING_READY, 7u, PVI_RING_SESSION(side.life));
	while (pvi_ring_step(&side))
		;
	RING_ASSERT(PVI_RING_STATE(side.life) == PVI_RING_RUN);
	return 0;
}

/* In a session, with all indexes at 0. What is left in the data of before does not matter */
static void begin(void)
{
	header->life = PVI_RING_LIFE(PVI_RING_RUN, 7u, PVI_RING_SESSION(side.life));
	queue->prod[0] = queue->cons[0] = queue->room_wake[0] = queue->data_wake[0] = 0;
	((struct pvi_ring_queue *)(own + PVI_RING_QUEUES))->prod[0] = 0;
	((struct pvi_ring_queue *)(own + PVI_RING_QUEUES))->cons[0] = 0;
	pvi_ring_open(&side, 0, &tx, &rx);
	*(u32 *)(bad + 4096) = 0;
}

static void touch(const u8 *from, u32 len)
{
	if (len)
		READ_ONCE(from[0]), READ_ONCE(from[len / 2]), READ_ONCE(from[len - 1]);
}

static void take(void)
{
	u32 before = rx.end.limit - rx.end.near, len;
	const u8 *from = pvi_ring_take(&rx, &len);

	if (!from)
		return;
	RING_ASSERT(len <= DATA - PVI_RING_HEAD);
	RING_ASSERT(from >= seen + 4096 + PVI_RING_HEAD && from + len <= seen + size);
	/* A pad, and a message that has come meanwhile */
	RING_ASSERT(rx.end.limit - rx.end.near - before < 2 * DATA);
	touch(from, len);
}

static void receiver(void)
{
	u32 at;

	switch (next(1) % 10) {
	case 0:
		queue->prod[0] = next(4);
		break;
	case 1:
	case 2:
		queue->prod[0] += 8 * (s32)(signed char)next(1);
		break;
	case 3:
		*(u32 *)(bad + 4096 + next(2) % DATA / 4 * 4) = next(4);
		break;
	case 4:
		at = (rx.end.limit - rx.end.near) % DATA;
		*(u32 *)(bad + 4096 + at) = next(1);
		break;
	case 5:
		at = (rx.end.limit - rx.end.near) % DATA;
		*(u32 *)(bad + 4096 + at) = PVI_RING_PAD - next(1) % 24;
		break;
	case 6:
		pvi_ring_release(&rx);
		break;
	case 7:
		pvi_ring_arm_rx(&rx, next(1));
		break;
	case 8:
		queue->room_wake[0] = next(4);
		break;
	}
	take();
}

static void sender(void)
{
	u32 len;
	u8 *to;

	switch (next(1) % 6) {
	case 0:
		queue->cons[0] = next(4);
		break;
	case 1:
		queue->cons[0] += 8 * (s32)(signed char)next(1);
		break;
	case 2:
		queue->cons[0] = tx.end.limit - tx.end.near;
		break;
	case 3:
		pvi_ring_publish(&tx);
		break;
	case 4:
		pvi_ring_arm_tx(&tx, next(2));
		break;
	case 5:
		queue->data_wake[0] = next(4);
		break;
	}
	len = next(1) << next(1) % 8;
	to = pvi_ring_reserve(&tx, len);
	if (!to)
		return;
	RING_ASSERT(len <= PVI_RING_LONGEST(DATA));
	RING_ASSERT(to >= own + 4096 + PVI_RING_HEAD && to + len <= own + size);
	if (len)
		to[0] = to[len / 2] = to[len - 1] = 1;
	pvi_ring_commit(&tx, to, len);
	RING_ASSERT(tx.end.limit - tx.end.near - tx.end.seen <= DATA);
}

/* The header's words as the input has them, then all that can be done with what is a link */
static void link_up(void)
{
	static const u8 ends[] = { 1, 2, 4 };
	struct pvi_ring_link it;
	u32 n, at, bytes;

	header->shape = shape;
	for (n = next(1) % 4; n; n--) {
		at = next(1) % sizeof(shape);
		bytes = ends[next(1) % 3];
		if (at + bytes <= sizeof(shape))
			memcpy(bad + at, &(u32){ next(bytes) }, bytes);
	}
	if (!pvi_ring_pair(&it, (void *)own, size, (const void *)seen, size))
		return;
	pvi_ring_start(&it, 1 + next(1), 0);
	header->use = next(1) % 8 ? 1 : next(4);
	for (n = 0; n < 4; n++) {
		header->life = PVI_RING_LIFE(next(1) % 4, next(1) % 2 + 7,
					     next(1) % 2 + PVI_RING_SESSION(it.life));
		if (pvi_ring_step(&it) < 0)
			pvi_ring_start(&it, 1, 0);
	}
	if (PVI_RING_STATE(it.life) < PVI_RING_READY)
		return;
	RING_ASSERT(it.queues == 1);
	pvi_ring_open(&it, 0, &tx, &rx);
	RING_ASSERT(tx.end.data >= own + 512 && tx.end.data + tx.end.size <= own + size);
	RING_ASSERT(rx.end.data >= seen + 512 && rx.end.data + rx.end.size <= seen + size);
}

static void run(const u8 *data, size_t length)
{
	input = data;
	left = length;
	begin();
#if TARGET == LINK
	link_up();
#else
	while (left) {
		if (left == length / 2 && *data == 0xff)
			header->life = next(4);
		if (TARGET == RECEIVER)
			receiver();
		else
			sender();
	}
#endif
}

/* The fuzzer's input, and others that differ from it in two bytes: much faster than it makes them */
int LLVMFuzzerTestOneInput(const u8 *data, size_t length)
{
	struct rng rng = { length };
	u8 other[LENGTH];
	u32 i;

	if (!length || length > LENGTH)
		return 0;
	run(data, length);
	for (i = 1; i < VARIANTS; i++) {
		memcpy(other, data, length);
		rng.state ^= data[i % length];
		other[rng_below(&rng, length)] = rng_next(&rng);
		other[rng_below(&rng, length)] = rng_next(&rng);
		run(other, length);
	}
	return 0;
}
