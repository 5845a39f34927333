// SPDX-License-Identifier: GPL-2.0
/*
 * count ring|split MESSAGES BURST LENGTH - send and receive so many messages in bursts, one side
 * after the other, for figures.py, which counts instructions and accesses under valgrind. Prints
 * where the sections and the two marks are; a store to a mark says whose turn begins. The receiver
 * is awake: it has asked for a ring once, at an index that is long past.
 */
#include <sys/mman.h>

#include "shared.h"
#include "split.h"

#define DATA	(1u << 17)

static u64 marks[16] __aligned(128);
static u8 source[4096], sink[4096];
static u64 rings;

static struct pvi_ring_tx tx;
static struct pvi_ring_rx rx;
static struct split_tx split_tx;
static struct split_rx split_rx;

#define MARK(side) WRITE_ONCE(marks[8 * (side)], 1)

/* What is constant here is so in a program as well; copies of other lengths than 64 are memcpy()'s */

static inline __attribute(always_inline) void ring_send(u32 burst, u32 len)
{
	void *to;

	MARK(0);
	do {
		to = pvi_ring_reserve(&tx, len);
		if (!to)
			RING_FAIL("no room");
		memcpy(to, source, len);
		pvi_ring_commit(&tx, to, len);
	} while (--burst);
	if (pvi_ring_publish(&tx))
		rings++;
}

static inline __attribute(always_inline) void ring_receive(u32 burst, u32 len)
{
	const void *from;
	u32 got;

	MARK(1);
	do {
		from = pvi_ring_take(&rx, &got);
		if (!from || got != len)
			RING_FAIL("no message");
		memcpy(sink, from, len);
	} while (--burst);
	if (pvi_ring_release(&rx))
		rings++;
}

static inline __attribute(always_inline) void split_send(u32 burst, u32 len)
{
	void *to;

	MARK(0);
	do {
		to = split_reserve(&split_tx, len);
		if (!to)
			RING_FAIL("no room");
		memcpy(to, source, len);
		split_commit(&split_tx, len);
	} while (--burst);
	if (split_publish(&split_tx))
		rings++;
}

static inline __attribute(always_inline) void split_receive(u32 burst, u32 len)
{
	const void *from;
	u32 got;

	MARK(1);
	do {
		from = split_take(&split_rx, &got);
		if (!from || got != len)
			RING_FAIL("no message");
		memcpy(sink, from, len);
	} while (--burst);
	if (split_release(&split_rx))
		rings++;
}

/* Each is a function of its own, which is called once a burst */
#define CASE(layout, name, burst, len)                                        \
	static void __attribute(noinline) layout##_send_##name(u32 n, u32 size) \
	{                                                                     \
		(void)n;                                                      \
		(void)size;                                                   \
		layout##_send(burst, len);                                    \
	}                                                                     \
									      \
	static void __attribute(noinline) layout##_receive_##name(u32 n, u32 size) \
	{                                                                     \
		(void)n;                                                      \
		(void)size;                                                   \
		layout##_receive(burst, len);                                 \
	}

CASE(ring, one, 1, 64)
CASE(ring, many, n, 64)
CASE(ring, any, n, size)
CASE(split, one, 1, 64)
CASE(split, many, n, 64)
CASE(split, any, n, size)

typedef void (*case_fn)(u32 burst, u32 len);

static const case_fn cases[2][3][2] = {
	{ { ring_send_one, ring_receive_one }, { ring_send_many, ring_receive_many },
	  { ring_send_any, ring_receive_any } },
	{ { split_send_one, split_receive_one }, { split_send_many, split_receive_many },
	  { split_send_any, split_receive_any } },
};

static void ring_prepare(void)
{
	u64 size = section_size(1, DATA);
	void *own = memory_map(-1, size, PROT_READ | PROT_WRITE);
	void *peer = memory_map(-1, size, PROT_READ | PROT_WRITE);
	struct pvi_ring_link a, b;
	struct pvi_ring_tx unused_tx;
	struct pvi_ring_rx unused_rx;

	section_make(own, 0, 1, DATA);
	section_make(peer, 1, 1, DATA);
	RING_ASSERT(pvi_ring_pair(&a, own, size, peer, size));
	RING_ASSERT(pvi_ring_pair(&b, peer, size, own, size));
	pvi_ring_start(&a, 1, 0);
	pvi_ring_start(&b, 1, 0);
	while (pvi_ring_step(&a) + pvi_ring_step(&b))
		;
	pvi_ring_open(&a, 0, &tx, &unused_rx);
	pvi_ring_open(&b, 0, &unused_tx, &rx);
	pvi_ring_arm_rx(&rx, 8);
	printf("%p %p %llu ", own, peer, size);
}

static void split_prepare(void)
{
	u64 size = (sizeof(struct split_section) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	struct split_section *own = memory_map(-1, size, PROT_READ | PROT_WRITE);
	struct split_section *peer = memory_map(-1, size, PROT_READ | PROT_WRITE);

	split_tx.own = split_rx.own = own;
	split_rx.own = peer;
	split_tx.peer = peer;
	split_rx.peer = own;
	printf("%p %p %llu ", own, peer, size);
}

int main(int argc, char **argv)
{
	const case_fn *fns;
	u32 messages, burst, len, form;
	bool split;

	RING_ASSERT(argc == 5);
	split = !strcmp(argv[1], "split");
	messages = atoi(argv[2]);
	burst = atoi(argv[3]);
	len = atoi(argv[4]);
	form = burst != 1;
	if (len != 64)
		form = 2;
	fns = cases[split][form];
	if (split)
		split_prepare();
	else
		ring_prepare();
	printf("%p %p\n", &marks[0], &marks[8]);
	fflush(stdout);
	for (; messages; messages -= burst) {
		fns[0](burst, len);
		fns[1](burst, len);
	}
	RING_ASSERT(rings <= 2);
	return 0;
}
