// SPDX-License-Identifier: GPL-2.0
/*
 * hostile list|storm ROUNDS SEED - a peer that breaks the rules. The list has each rule broken once,
 * on purpose, with what has to come of it; in the storm a thread stores anything into its section
 * while the victim does all that pvi_ring.h has. To be built with sanitizers; sections lie between
 * pages that nobody may touch, the peer's is read-only to the victim.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "shared.h"

#define QUEUES	2
#define DATA	4096u

static const u64 size = 4096 + QUEUES * DATA;

/* @bad: the peer's section, as the peer has it */
static u8 *own, *bad;
static const u8 *seen;
static struct pvi_ring_link side;
static struct pvi_ring_tx tx;
static struct pvi_ring_rx rx;

static struct pvi_ring_header *bad_header(void)
{
	return (struct pvi_ring_header *)bad;
}

static struct pvi_ring_queue *bad_queue(void)
{
	return (struct pvi_ring_queue *)(bad + PVI_RING_QUEUES);
}

static u32 *bad_word(u32 offset)
{
	return (u32 *)(bad + 4096 + offset);
}

static bool pair(void)
{
	return pvi_ring_pair(&side, (void *)own, size, (const void *)seen, size);
}

/* A session that the peer has come into by the rules */
static void run(void)
{
	section_make(own, 0, QUEUES, DATA);
	section_make(bad, 1, QUEUES, DATA);
	memset(bad + 4096, 0, QUEUES * DATA);
	RING_ASSERT(pair());
	pvi_ring_start(&side, QUEUES, 0);
	bad_header()->use = QUEUES;
	bad_header()->life = PVI_RING_LIFE(PVI_RING_INIT, 7u, 0u);
	RING_ASSERT(pvi_ring_step(&side) == 1);
	bad_header()->life = PVI_RING_LIFE(PVI_RING_RUN, 7u, PVI_RING_SESSION(side.life));
	RING_ASSERT(pvi_ring_step(&side) == 1);
	RING_ASSERT(PVI_RING_STATE(side.life) == PVI_RING_RUN && side.queues == QUEUES);
	pvi_ring_open(&side, 0, &tx, &rx);
}

/* What a receiver gets of @prod bytes of which the first are @len, once it has taken @before */
static u32 receive(u32 before, u32 prod, u32 len)
{
	const void *from;
	u32 got;

	run();
	if (before) {
		*bad_word(0) = before - PVI_RING_HEAD;
		bad_queue()->prod[0] = before;
		from = pvi_ring_take(&rx, &got);
		RING_ASSERT(from == seen + 4096 + PVI_RING_HEAD && got == before - PVI_RING_HEAD);
		pvi_ring_release(&rx);
	}
	*bad_word(before % DATA) = len;
	bad_queue()->prod[0] = before + prod;
	from = pvi_ring_take(&rx, &got);
	if (from) {
		RING_ASSERT(!rx.end.error);
		RING_ASSERT(got <= DATA && (const u8 *)from + got <= seen + 4096 + DATA);
		return ~got;
	}
	RING_ASSERT(!pvi_ring_take(&rx, &got));
	return rx.end.error;
}

#define MESSAGE(len) (~(u32)(len))
#define CHECK(what, is, expected)                                             \
	do {                                                                  \
		u32 __is = (is);                                              \
									      \
		if (__is != (u32)(expected))                                  \
			RING_FAIL("%s: 0x%x, not 0x%x", what, __is, (u32)(expected)); \
		nr_checked++;                                                 \
	} while (0)

static u32 nr_checked;

static void list_receiver(void)
{
	CHECK("a message", receive(0, 16, 8), MESSAGE(8));
	CHECK("an empty message", receive(0, 8, 0), MESSAGE(0));
	CHECK("no message", receive(0, 0, 8), 0);
	CHECK("all of the data", receive(0, DATA, DATA - 8), MESSAGE(DATA - 8));
	CHECK("index beyond the data", receive(0, DATA + 8, 8), PVI_RING_BROKEN);
	CHECK("index far beyond the data", receive(0, 1u << 31, 8), PVI_RING_BROKEN);
	CHECK("index goes back", receive(64, -8, 8), PVI_RING_BROKEN);
	CHECK("index no multiple of 8", receive(0, 12, 8), PVI_RING_BROKEN);
	CHECK("length beyond the index", receive(0, 16, 9), PVI_RING_BROKEN);
	CHECK("length beyond the end", receive(DATA - 64, 128, 100), PVI_RING_BROKEN);
	CHECK("length beyond all", receive(0, DATA, DATA), PVI_RING_BROKEN);
	CHECK("length that overflows to 0", receive(0, 16, 0xfffffff1), PVI_RING_BROKEN);
	CHECK("length that overflows to 8", receive(0, 16, 0xfffffff8), PVI_RING_BROKEN);
	CHECK("length below a pad", receive(0, 16, 0xfffffffe), PVI_RING_BROKEN);
	CHECK("pad of nothing but itself", receive(DATA - 64, 64, PVI_RING_PAD), 0);
	CHECK("pad, then an empty message", receive(DATA - 64, 72, PVI_RING_PAD), PVI_RING_BROKEN);
	CHECK("pad before the end is there", receive(DATA - 64, 56, PVI_RING_PAD), PVI_RING_BROKEN);
	CHECK("pad at the beginning", receive(0, DATA, PVI_RING_PAD), PVI_RING_BROKEN);
	CHECK("short pad at the beginning", receive(0, 8, PVI_RING_PAD), PVI_RING_BROKEN);
}

/* Only what the beginning holds decides what follows a pad */
static void list_after_pad(void)
{
	const void *from;
	u32 len;

	CHECK("pad", receive(DATA - 64, 64, PVI_RING_PAD), 0);
	CHECK("release of a pad", pvi_ring_release(&rx), 0);
	*bad_word(0) = 3;
	bad_queue()->prod[0] += 16;
	from = pvi_ring_take(&rx, &len);
	CHECK("message after a pad", from == seen + 4096 + PVI_RING_HEAD && len == 3, 1);
	*bad_word(16) = PVI_RING_PAD;
	bad_queue()->prod[0] += 8;
	CHECK("pad inside", !pvi_ring_take(&rx, &len) && rx.end.error == PVI_RING_BROKEN, 1);
}

/* What a sender gets that has sent 128 bytes, and then needs room, as @cons is this */
static u32 send(u32 first, u32 cons)
{
	u32 i;
	void *to;

	run();
	for (i = 0; i < 2; i++) {
		to = pvi_ring_reserve(&tx, 56);
		RING_ASSERT(to);
		pvi_ring_commit(&tx, to, 56);
	}
	pvi_ring_publish(&tx);
	bad_queue()->cons[0] = first;
	pvi_ring_arm_tx(&tx, 8);
	RING_ASSERT(!tx.end.error && tx.end.seen == first);
	bad_queue()->cons[0] = cons;
	tx.end.limit -= tx.end.near;
	tx.end.near = 0;
	to = pvi_ring_reserve(&tx, 8);
	RING_ASSERT(!to == !!tx.end.error);
	return tx.end.error;
}

static void list_sender(void)
{
	CHECK("nothing received", send(0, 0), 0);
	CHECK("all received", send(0, 128), 0);
	CHECK("more received than sent", send(0, 136), PVI_RING_BROKEN);
	CHECK("far more received than sent", send(0, 1u << 31), PVI_RING_BROKEN);
	CHECK("received goes back", send(64, 56), PVI_RING_BROKEN);
	CHECK("received goes back below 0", send(0, -8), PVI_RING_BROKEN);
	CHECK("received no multiple of 8", send(0, 4), PVI_RING_BROKEN);
}

/* Too long a message is never sent, whatever room there is */
static void list_lengths(void)
{
	run();
	CHECK("longest", !pvi_ring_reserve(&tx, PVI_RING_LONGEST(DATA)), 0);
	CHECK("longer", !pvi_ring_reserve(&tx, PVI_RING_LONGEST(DATA) + 1), 1);
	CHECK("overflows to 0", !pvi_ring_reserve(&tx, 0xfffffff1), 1);
	CHECK("overflows to 8", !pvi_ring_reserve(&tx, 0xffffffff), 1);
}

static u32 wants(u32 wake, u32 told, u32 index)
{
	u32 word = told;

	return pvi_ring_show(&word, index, &wake);
}

/* How often the index has wrapped, when a message has been sent up to @index */
static u32 laps(u32 index)
{
	struct pvi_ring_queue *queue = (void *)(own + PVI_RING_QUEUES);

	tx.end.limit = index;
	tx.end.near = 0;
	pvi_ring_publish(&tx);
	return queue->prod[1];
}

static void list_laps(void)
{
	run();
	CHECK("below 2^32", laps(-16u), 0);
	CHECK("nothing new", laps(-16u), 0);
	CHECK("across 2^32", laps(8), 1);
	CHECK("goes on", laps(1u << 31), 1);
	CHECK("across it again", laps(0), 2);
	pvi_ring_start(&side, QUEUES, 0);
	CHECK("in the next session", laps(8), 0);
}

/* What stands in the own section when an end has asked for a ring */
static void list_arms(void)
{
	const struct pvi_ring_queue *queue = (const void *)(own + PVI_RING_QUEUES);

	run();
	CHECK("any message", pvi_ring_arm_rx(&rx, 8), 0);
	CHECK("wake for any message", queue->data_wake[0], 0 | PVI_RING_WAKE_BEYOND);
	CHECK("64 bytes", pvi_ring_arm_rx(&rx, 64), 0);
	CHECK("wake for 64 bytes", queue->data_wake[0], 56 | PVI_RING_WAKE_BEYOND);
	bad_queue()->prod[0] = 56;
	CHECK("56 of 64 bytes", pvi_ring_arm_rx(&rx, 64), 0);
	bad_queue()->prod[0] = 64;
	CHECK("64 of 64 bytes", pvi_ring_arm_rx(&rx, 64), 1);
	while (pvi_ring_reserve(&tx, 56))
		pvi_ring_commit(&tx, pvi_ring_reserve(&tx, 56), 56);
	CHECK("room for 64 bytes", pvi_ring_arm_tx(&tx, 56), 0);
	CHECK("wake for room", queue->room_wake[0], 56 | PVI_RING_WAKE_BEYOND);
	bad_queue()->cons[0] = 56;
	CHECK("56 of 64 bytes of room", pvi_ring_arm_tx(&tx, 56), 0);
	bad_queue()->cons[0] = 64;
	CHECK("64 of 64 bytes of room", pvi_ring_arm_tx(&tx, 56), 1);
}

static void list_wakes(void)
{
	CHECK("never", wants(PVI_RING_WAKE_NEVER, 0, 64), 0);
	CHECK("always", wants(PVI_RING_WAKE_ALWAYS, 0, 64), 1);
	CHECK("always, nothing new", wants(PVI_RING_WAKE_ALWAYS, 64, 64), 0);
	CHECK("anything else", wants(0xfffffff6, 0, 64), 1);
	CHECK("beyond the last", wants(0 | PVI_RING_WAKE_BEYOND, 0, 8), 1);
	CHECK("beyond the last, nothing new", wants(0 | PVI_RING_WAKE_BEYOND, 0, 0), 0);
	CHECK("beyond one of before", wants(0 | PVI_RING_WAKE_BEYOND, 8, 64), 0);
	CHECK("beyond one in between", wants(56 | PVI_RING_WAKE_BEYOND, 8, 64), 1);
	CHECK("beyond the new one", wants(64 | PVI_RING_WAKE_BEYOND, 8, 64), 0);
	CHECK("across 2^32", wants(-8u | PVI_RING_WAKE_BEYOND, -16u, 0), 1);
	CHECK("across 2^32, not yet", wants(0 | PVI_RING_WAKE_BEYOND, -16u, 0), 0);
}

/* The session ends with the peer's life, whatever it becomes, and with it all that moves */
static u32 live(u32 life, bool before_look)
{
	u32 len;

	run();
	*bad_word(0) = 0;
	bad_header()->life = life;
	bad_queue()->prod[0] = 8;
	if (before_look)
		return pvi_ring_step(&side);
	return pvi_ring_take(&rx, &len) ? ~len : rx.end.error;
}

static void list_life(void)
{
	u32 ours = 1;

	CHECK("goes on", live(PVI_RING_LIFE(PVI_RING_RUN, 7u, ours), false), MESSAGE(0));
	CHECK("ready", live(PVI_RING_LIFE(PVI_RING_READY, 7u, ours), false), MESSAGE(0));
	CHECK("next session", live(PVI_RING_LIFE(PVI_RING_RUN, 8u, ours), false), PVI_RING_OVER);
	CHECK("follows another", live(PVI_RING_LIFE(PVI_RING_RUN, 7u, 2u), false), PVI_RING_OVER);
	CHECK("reset", live(PVI_RING_LIFE(PVI_RING_RESET, 8u, 0u), false), PVI_RING_OVER);
	CHECK("step: goes on", live(PVI_RING_LIFE(PVI_RING_RUN, 7u, ours), true), 0);
	CHECK("step: next session", live(PVI_RING_LIFE(PVI_RING_RUN, 8u, ours), true), -1);
	CHECK("step: follows another", live(PVI_RING_LIFE(PVI_RING_RUN, 7u, 2u), true), -1);
	CHECK("step: reset", live(PVI_RING_LIFE(PVI_RING_RESET, 8u, 0u), true), -1);
	CHECK("step: all ones", live(~0u, true), -1);
	CHECK("step: 0", live(0, true), -1);
}

/* What INIT becomes as it sees @life, and then READY as it sees @then */
static u32 step(u32 use, u32 life, u32 then)
{
	section_make(own, 0, QUEUES, DATA);
	section_make(bad, 1, QUEUES, DATA);
	RING_ASSERT(pair());
	pvi_ring_start(&side, QUEUES, 0);
	bad_header()->use = use;
	bad_header()->life = life;
	if (pvi_ring_step(&side) != 1)
		return PVI_RING_STATE(side.life);
	RING_ASSERT(PVI_RING_STATE(side.life) == PVI_RING_READY && side.queues);
	RING_ASSERT(side.queues <= QUEUES);
	bad_header()->life = then;
	return pvi_ring_step(&side) < 0 ? 0xff : PVI_RING_STATE(side.life);
}

static void list_steps(void)
{
	const u32 init = PVI_RING_LIFE(PVI_RING_INIT, 7u, 0u);

	CHECK("INIT", step(1, init, init), PVI_RING_READY);
	CHECK("READY for us", step(1, PVI_RING_LIFE(PVI_RING_READY, 7u, 1u), init), PVI_RING_READY);
	CHECK("READY for another", step(1, PVI_RING_LIFE(PVI_RING_READY, 7u, 2u), 0), PVI_RING_INIT);
	CHECK("RUN, though we do not", step(1, PVI_RING_LIFE(PVI_RING_RUN, 7u, 1u), 0), PVI_RING_INIT);
	CHECK("RESET", step(1, PVI_RING_LIFE(PVI_RING_RESET, 7u, 0u), 0), PVI_RING_INIT);
	CHECK("session 0", step(1, PVI_RING_LIFE(PVI_RING_INIT, 0u, 0u), 0), PVI_RING_INIT);
	CHECK("no queue", step(0, init, init), PVI_RING_INIT);
	CHECK("more queues than it has", step(QUEUES + 1, init, init), PVI_RING_INIT);
	CHECK("READY both", step(1, init, PVI_RING_LIFE(PVI_RING_READY, 7u, 1u)), PVI_RING_RUN);
	CHECK("RUN behind READY", step(1, init, PVI_RING_LIFE(PVI_RING_RUN, 7u, 1u)), PVI_RING_RUN);
	CHECK("READY follows another", step(1, init, PVI_RING_LIFE(PVI_RING_READY, 7u, 9u)),
	      PVI_RING_READY);
	CHECK("INIT that follows us", step(1, init, PVI_RING_LIFE(PVI_RING_INIT, 7u, 1u)),
	      PVI_RING_READY);
	CHECK("another session", step(1, init, PVI_RING_LIFE(PVI_RING_READY, 8u, 1u)), 0xff);
}

/* Sessions are numbered from 1 on, and again after the last */
static void list_sessions(void)
{
	run();
	side.life = PVI_RING_LIFE(PVI_RING_RUN, 0x7fffu, 7u);
	pvi_ring_start(&side, 1, 0x123456789abcull);
	CHECK("session after the last", side.life, PVI_RING_LIFE(PVI_RING_INIT, 1u, 0u));
	CHECK("life", ((struct pvi_ring_header *)own)->life, side.life);
	CHECK("use", ((struct pvi_ring_header *)own)->use, 1);
	CHECK("epoch", ((struct pvi_ring_header *)own)->epoch[0], 0x56789abc);
	CHECK("epoch's high half", ((struct pvi_ring_header *)own)->epoch[1], 0x1234);
	pvi_ring_stop(&side);
	CHECK("stop", side.life, PVI_RING_LIFE(PVI_RING_RESET, 2u, 0u));
	CHECK("step when stopped", pvi_ring_step(&side), 0);
}

#define SHAPE(member, bad_value, ok)                                          \
	do {                                                                  \
		run();                                                        \
		bad_header()->shape.member = (bad_value);                     \
		CHECK("peer's " #member " " #bad_value, pair(), ok);          \
		run();                                                        \
		((struct pvi_ring_header *)own)->shape.member = (bad_value);  \
		CHECK("own " #member " " #bad_value, pair(), ok);             \
	} while (0)

/* How often this side is told that its own section is a peer's */
static void *ask_often(void *foreign)
{
	u64 number;

	for (number = 1; number < 2000000; number++)
		*(u32 *)foreign += !pvi_ring_owns((void *)own, number << 32 | number);
	return NULL;
}

static bool both_own(void)
{
	u32 here = 0, there = 0;
	pthread_t other;

	RING_ASSERT(!pthread_create(&other, NULL, ask_often, &there));
	ask_often(&here);
	RING_ASSERT(!pthread_join(other, NULL));
	return !here && !there;
}

static void list_shapes(void)
{
	SHAPE(magic, PVI_RING_MAGIC + 1, 0);
	SHAPE(version, 0, 0);
	SHAPE(version, 2, 0);
	SHAPE(kind, PVI_RING_NET, 0);
	SHAPE(side, 2, 0);
	SHAPE(gsis, 0, 0);
	SHAPE(peer_gsis, 0, 0);
	SHAPE(queues, 0, 0);
	SHAPE(queues, 1, 1);
	SHAPE(queues, 3, 0);
	SHAPE(queues, 65, 0);
	SHAPE(queues, ~0u, 0);
	SHAPE(data_size, 0, 0);
	SHAPE(data_size, 2048, 0);
	SHAPE(data_size, 4095, 0);
	SHAPE(data_size, 6144, 0);
	SHAPE(data_size, 8192, 0);
	SHAPE(data_size, 1u << 31, 0);
	SHAPE(data_offset, 0, 0);
	SHAPE(data_offset, 0x2c0, 0);
	SHAPE(data_offset, 0x300, 1);
	SHAPE(data_offset, 4096 - 64, 1);
	SHAPE(data_offset, 4096 - 32, 0);
	SHAPE(data_offset, 4096 + 64, 0);
	SHAPE(data_offset, ~63u, 0);
	SHAPE(link[15], 0, 0);
	SHAPE(owner[0], 0, 0);
	SHAPE(peer[8], 0, 0);
	run();
	bad_header()->shape.queues = 1;
	bad_header()->shape.data_size = 2 * DATA;
	CHECK("one queue of all", pair(), 1);
	bad_header()->shape.data_size = DATA + DATA / 2;
	CHECK("no power of two", pair(), 0);
	run();
	own[0x60] = 7;
	CHECK("no secret", pair(), 0);
	bad[0x60] = 7;
	CHECK("the same secret", pair(), 1);
	bad[0x6f] = 1;
	CHECK("another secret", pair(), 0);
	run();
	CHECK("an own section", pvi_ring_owns((void *)own, 0x1234567800000009), 1);
	CHECK("nothing stays in it", *(u64 *)(own + 0x90), 0);
	CHECK("an own section, for two who ask at once", both_own(), 1);
	bad_header()->shape.side = 0;
	CHECK("both side 0", pair(), 0);
	run();
	((struct pvi_ring_header *)own)->shape.side = 1;
	CHECK("both side 1", pair(), 0);
	run();
	CHECK("itself", pvi_ring_pair(&side, (void *)own, size, (void *)own, size), 0);
	CHECK("too short for a header", pvi_ring_pair(&side, (void *)own, size, (void *)bad, 255), 0);
	CHECK("shorter than it says", pvi_ring_pair(&side, (void *)own, size, (void *)bad, size - 1), 0);
}

static void run_list(void)
{
	list_receiver();
	list_after_pad();
	list_sender();
	list_lengths();
	list_arms();
	list_laps();
	list_wakes();
	list_life();
	list_steps();
	list_sessions();
	list_shapes();
	printf("# %u rules\n", nr_checked);
}

static bool stop;
static u64 storm_taken;

/* Of the peer's first queue, an index near the present one */
static void storm_index(struct rng *rng)
{
	u32 *word = rng_below(rng, 2) ? bad_queue()->prod : bad_queue()->cons;

	WRITE_ONCE(*word, READ_ONCE(*word) + 8 * (rng_below(rng, 40) - 4));
}

/* A life that lets the victim come into a session, most of the time */
static void storm_life(struct rng *rng)
{
	u32 ours = PVI_RING_SESSION(READ_ONCE(((struct pvi_ring_header *)own)->life));
	u32 life = PVI_RING_LIFE(PVI_RING_READY, 5u, ours);

	WRITE_ONCE(bad_header()->use, rng_below(rng, 16) ? QUEUES : rng_any(rng));
	WRITE_ONCE(bad_header()->life, rng_below(rng, 64) ? life : rng_any(rng));
}

/* A length where one may be looked for */
static void storm_length(struct rng *rng)
{
	u32 len = rng_below(rng, 8) ? rng_below(rng, 64) : rng_any(rng);

	WRITE_ONCE(*bad_word(8 * rng_below(rng, DATA / 8)), rng_below(rng, 8) ? len : PVI_RING_PAD);
}

static void storm_once(struct rng *rng)
{
	switch (rng_below(rng, 1024)) {
	case 0:
		section_make(bad, 1, QUEUES, DATA);
		break;
	case 1:
		WRITE_ONCE(((u32 *)bad)[rng_below(rng, size / 4)], rng_any(rng));
		break;
	case 2 ... 200:
		storm_life(rng);
		break;
	case 201 ... 500:
		storm_index(rng);
		break;
	default:
		storm_length(rng);
	}
}

static void *storm_thread(void *seed)
{
	struct rng rng = { (u64)seed };

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		storm_once(&rng);
	return NULL;
}

/* Each thing, and what the peer does in between even if its thread gets no time */
static u32 storm_round(struct rng *rng, u32 sum)
{
	u32 len, n, i;
	const u8 *from;
	void *to;

	if (rng_below(rng, 4096) == 0)
		while (!pair())
			section_make(bad, 1, QUEUES, DATA);
	storm_life(rng);
	if (pvi_ring_step(&side) < 0 || rng_below(rng, 64) == 0)
		pvi_ring_start(&side, 1 + rng_below(rng, QUEUES), 0);
	if (!side.queues)
		return sum;
	n = rng_below(rng, 4) ? 0 : rng_below(rng, side.queues);
	pvi_ring_open(&side, n, &tx, &rx);
	for (i = 0; i < 16; i++) {
		storm_once(rng);
		from = pvi_ring_take(&rx, &len);
		if (from) {
			if (len > size || from < seen + side.theirs.data_offset ||
			    from + len > seen + size)
				RING_FAIL("a message is not in the peer's data");
			storm_taken++;
			for (; len; len--)
				sum += *from++;
			sum += pvi_ring_release(&rx);
		}
		sum += pvi_ring_arm_rx(&rx, 8 * (1 + rng_below(rng, 4)));
		len = rng_below(rng, DATA);
		to = pvi_ring_reserve(&tx, len);
		if (to) {
			memset(to, 0xee, len);
			pvi_ring_commit(&tx, to, len);
			sum += pvi_ring_publish(&tx);
		}
		sum += pvi_ring_arm_tx(&tx, rng_below(rng, DATA / 2));
	}
	return sum;
}

static void run_storm(u64 rounds, u64 seed)
{
	struct rng rng = { seed };
	u64 i, sessions = 0;
	u32 sum = 0;
	pthread_t thread;

	run();
	if (pthread_create(&thread, NULL, storm_thread, (void *)(seed + 1)))
		RING_FAIL("no thread");
	for (i = 0; i < rounds; i++) {
		sum = storm_round(&rng, sum);
		sessions += PVI_RING_STATE(side.life) == PVI_RING_RUN;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("# %llu rounds, %llu of them in a session, %llu messages, sum %u\n", rounds, sessions,
	       storm_taken, sum);
}

int main(int argc, char **argv)
{
	int fd;

	RING_ASSERT(argc == 4);
	own = memory_map(-1, size, PROT_READ | PROT_WRITE);
	fd = memory_section(1, QUEUES, DATA);
	bad = memory_map(fd, size, PROT_READ | PROT_WRITE);
	seen = memory_map(fd, size, PROT_READ);
	if (argv[1][0] == 'l')
		run_list();
	else
		run_storm(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
	return 0;
}
