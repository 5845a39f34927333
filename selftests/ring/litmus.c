// SPDX-License-Identifier: GPL-2.0
/*
 * pvi_ring.h itself, as it is, in every order in which two sides can run, and what they may see of
 * each other: no wake is lost, no message is torn, nothing of a former session is taken. With any
 * one barrier left out something of that happens, and the way to it is shown.
 */
#include "model.h"

#define __atomic_load_n(at, order) model_load(at, order, __func__)
#define __atomic_store_n(at, value, order) model_store(at, value, order, __func__)
#define __atomic_thread_fence(order) ((void)(order), model_fence(__func__))
#include <linux/pvi_ring.h>

#include <stdio.h>
#include <string.h>

#define LEN	4
#define SLOT	16

/* Two sections of two queues, of which the first is used; its data end where the other's begin */
static struct {
	struct pvi_ring_header header;
	struct pvi_ring_queue queue[2];
	__u8 data[64];
} sections[2];

static struct pvi_ring_link links[2];
static __u32 size;

static void make(__u32 data_size)
{
	__u32 i;

	memset(sections, 0, sizeof(sections));
	size = data_size;
	for (i = 0; i < 2; i++) {
		links[i] = (struct pvi_ring_link){
			.own = &sections[i].header,
			.peer = &sections[1 - i].header,
			.mine = { .queues = 2, .data_size = size,
				  .data_offset = sizeof(sections[0].header) +
						 sizeof(sections[0].queue) },
		};
		links[i].theirs = links[i].mine;
	}
}

/* As if both had come to RUN */
static void make_running(__u32 data_size)
{
	make(data_size);
	pvi_ring_start(&links[0], 1, 0);
	pvi_ring_start(&links[1], 1, 0);
	while (pvi_ring_step(&links[0]) + pvi_ring_step(&links[1]))
		;
}

static void put(void *to, __u32 value)
{
	model_store(to, value, __ATOMIC_RELAXED, "message");
}

static __u32 get(const void *from)
{
	return model_load(from, __ATOMIC_RELAXED, "message");
}

static void write(struct pvi_ring_tx *tx, __u32 value)
{
	void *to;

	while (!(to = pvi_ring_reserve(tx, LEN))) {
		if (tx->end.error)
			model_fail("the sender's session has ended");
		if (!pvi_ring_arm_tx(tx, LEN))
			model_wait();
	}
	put(to, value);
	pvi_ring_commit(tx, to, LEN);
}

static void publish(struct pvi_ring_tx *tx)
{
	if (pvi_ring_publish(tx))
		model_ring(1);
}

static void receive(__u32 count)
{
	struct pvi_ring_tx tx;
	struct pvi_ring_rx rx;
	const void *from;
	__u32 got = 0, len;

	pvi_ring_open(&links[1], 0, &tx, &rx);
	while (got < count) {
		while ((from = pvi_ring_take(&rx, &len))) {
			if (len != LEN || get(from) != ++got)
				model_fail("a message is torn");
		}
		if (rx.end.error)
			model_fail("the receiver's session has ended");
		if (pvi_ring_release(&rx))
			model_ring(0);
		if (got < count && !pvi_ring_arm_rx(&rx, 8))
			model_wait();
	}
}

/* The receiver waits for data; there is room for all */
static void data_sender(void)
{
	struct pvi_ring_tx tx;
	struct pvi_ring_rx rx;
	__u32 i;

	pvi_ring_open(&links[0], 0, &tx, &rx);
	for (i = 1; i <= 2; i++) {
		write(&tx, i);
		publish(&tx);
	}
}

static void data_receiver(void)
{
	receive(2);
}

/* Each waits for the other: there is room for two */
static void room_sender(void)
{
	struct pvi_ring_tx tx;
	struct pvi_ring_rx rx;

	pvi_ring_open(&links[0], 0, &tx, &rx);
	write(&tx, 1);
	write(&tx, 2);
	publish(&tx);
	write(&tx, 3);
	publish(&tx);
}

static void room_receiver(void)
{
	receive(3);
}

/* Side @who until it runs; a session that ends is followed by another */
static void come_up(struct pvi_ring_link *link, unsigned int who)
{
	int step;

	pvi_ring_start(link, who ? 2 : 1, 0);
	model_ring(1 - who);
	while (PVI_RING_STATE(link->life) != PVI_RING_RUN) {
		step = pvi_ring_step(link);
		if (step < 0)
			pvi_ring_start(link, who ? 2 : 1, 0);
		if (step)
			model_ring(1 - who);
		else
			model_wait();
	}
}

static void up_first(void)
{
	struct pvi_ring_link link = links[0];

	come_up(&link, 0);
}

static void up_second(void)
{
	struct pvi_ring_link link = links[1];

	come_up(&link, 1);
}

static void send_session(const struct pvi_ring_link *link)
{
	struct pvi_ring_tx tx;
	struct pvi_ring_rx rx;

	pvi_ring_open(link, 0, &tx, &rx);
	write(&tx, PVI_RING_SESSION(link->life));
	publish(&tx);
}

/* Sends the number of its session, and starts anew */
static void leave_sender(void)
{
	struct pvi_ring_link link = links[0];

	send_session(&link);
	pvi_ring_start(&link, 1, 0);
	model_ring(1);
}

/* Whether there was a message, which must be one of this session */
static bool take_session(const struct pvi_ring_link *link, struct pvi_ring_rx *rx)
{
	const void *from;
	__u32 len;

	from = pvi_ring_take(rx, &len);
	if (from && (len != LEN || get(from) != PVI_RING_FOLLOWS(link->life)))
		model_fail("a message of another session is taken");
	if (rx->end.error == PVI_RING_BROKEN)
		model_fail("the peer is said to have broken a rule");
	return from;
}

static void leave_receiver(void)
{
	struct pvi_ring_link link = links[1];
	struct pvi_ring_tx tx;
	struct pvi_ring_rx rx;

	pvi_ring_open(&link, 0, &tx, &rx);
	while (!rx.end.error && pvi_ring_step(&link) >= 0) {
		if (!take_session(&link, &rx) && !pvi_ring_arm_rx(&rx, 8))
			model_wait();
	}
}

/* One that was in a session before, and of which a message is still there; and a new one */
static void join_sender(void)
{
	struct pvi_ring_link link = links[0];

	come_up(&link, 0);
}

static void join_receiver(void)
{
	struct pvi_ring_link link = links[1];
	struct pvi_ring_tx tx;
	struct pvi_ring_rx rx;

	come_up(&link, 1);
	if (link.queues != 1)
		model_fail("the queues are those of another session");
	pvi_ring_open(&link, 0, &tx, &rx);
	take_session(&link, &rx);
}

static void make_data(void) { make_running(64); }
static void make_room(void) { make_running(2 * SLOT); }
static void make_up(void) { make(64); }
static void make_leave(void) { make_running(64); }

static void make_join(void)
{
	make_running(64);
	*(__u32 *)sections[0].data = LEN;
	*(__u32 *)(sections[0].data + PVI_RING_HEAD) = 1;
	sections[0].queue[0].prod[0] = SLOT;
	sections[0].header.use = 2;
	memset(&sections[1], 0, sizeof(sections[1]));
	links[1].life = 0;
}

struct scene {
	void (*make)(void);
	model_side sides[2];
};

static const struct scene data = { make_data, { data_sender, data_receiver } };
static const struct scene room = { make_room, { room_sender, room_receiver } };
static const struct scene up = { make_up, { up_first, up_second } };
static const struct scene leave = { make_leave, { leave_sender, leave_receiver } };
static const struct scene join = { make_join, { join_sender, join_receiver } };

static const struct {
	const char *name;
	const struct scene *scene;
	struct model_hole hole;
	bool fails;
} cases[] = {
	{ "data", &data, { MODEL_NOTHING, "" } },
	{ "data, no barrier between index and wake", &data, { MODEL_FENCE, "pvi_ring_show" }, true },
	{ "data, no barrier between arming and index", &data, { MODEL_FENCE, "pvi_ring_arm" }, true },
	{ "data, index shown before the message", &data, { MODEL_RELEASE, "pvi_ring_show" }, true },
	{ "data, message read before the index", &data, { MODEL_ACQUIRE, "pvi_ring_refresh" }, true },
	{ "room", &room, { MODEL_NOTHING, "" } },
	{ "room, no barrier between index and wake", &room, { MODEL_FENCE, "pvi_ring_show" }, true },
	{ "room, no barrier between arming and index", &room, { MODEL_FENCE, "pvi_ring_arm" }, true },
	{ "up", &up, { MODEL_NOTHING, "" } },
	{ "leave", &leave, { MODEL_NOTHING, "" } },
	{ "leave, indexes of 0 shown before RESET", &leave, { MODEL_RELEASE, "pvi_ring_start" }, true },
	{ "leave, life read before the index", &leave, { MODEL_ACQUIRE, "pvi_ring_refresh" }, true },
	{ "join", &join, { MODEL_NOTHING, "" } },
	{ "join, INIT shown before what belongs to it", &join, { MODEL_RELEASE, "pvi_ring_start" }, true },
	{ "join, life read behind what belongs to it", &join, { MODEL_ACQUIRE, "pvi_ring_step" }, true },
};

int main(void)
{
	unsigned int i, failed = 0, nr = ARRAY_SIZE(cases);
	const char *wrong;
	bool as_expected;

	setbuf(stdout, NULL);
	printf("TAP version 13\n1..%u\n", nr);
	for (i = 0; i < nr; i++) {
		cases[i].scene->make();
		wrong = model_run(cases[i].scene->sides, &cases[i].hole);
		printf("# %lu states, %s\n", model_states(), wrong ?: "nothing went wrong");
		as_expected = !wrong != cases[i].fails;
		failed += !as_expected;
		printf("%s %u - %s\n", as_expected ? "ok" : "not ok", i + 1, cases[i].name);
	}
	return failed != 0;
}
