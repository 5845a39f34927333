// SPDX-License-Identifier: GPL-2.0
/*
 * libpvi, continued: messages over a link. Both sides are here, rings are counted; what the header
 * that is behind it withstands is in ring/.
 */
#include <linux/pvi_ring.h>
#include <sys/mman.h>

#include "libpvi_lib.h"

#define QUEUES	2
#define DATA	4096u
#define OFFSET	4096u
#define SIZE	(OFFSET + QUEUES * DATA)
#define LONGEST	PVI_RING_LONGEST(DATA)

static int fds[2];
static struct pvi_ring_header *headers[2];
static struct pvi_msg *sides[2];
/* How often each is rung, and by which GSI last */
static u32 rings[2], gsis[2];
static u8 sent[LONGEST + 1], got[LONGEST + 1];

static void make_section(u32 who)
{
	struct pvi_ring_shape *shape;

	fds[who] = memfd_create_sized(SIZE);
	headers[who] = map_shared(fds[who], SIZE);
	shape = &headers[who]->shape;
	shape->magic = PVI_RING_MAGIC;
	shape->version = PVI_RING_VERSION;
	shape->kind = PVI_RING_RAW;
	shape->side = who;
	memcpy(shape->owner, who ? tx_uuid : rx_uuid, sizeof(shape->owner));
	memcpy(shape->peer, who ? rx_uuid : tx_uuid, sizeof(shape->peer));
	shape->gsi = shape->peer_gsi = 20;
	shape->gsis = shape->peer_gsis = QUEUES;
	shape->queues = QUEUES;
	shape->data_offset = OFFSET;
	shape->data_size = DATA;
}

static void ring(void *arg, u32 gsi)
{
	u32 who = *(u32 *)arg;

	rings[who]++;
	gsis[who] = gsi;
}

static bool answers, refuses;
static u32 refused;

/* Side 1 is rung, and another thread or VM of it is fast. Or a rate has no ring left */
static void ring_fast(void *arg, u32 gsi)
{
	if (refuses) {
		refused++;
		pvi_msg_owe(sides[1 - *(u32 *)arg], gsi);
		return;
	}
	ring(arg, gsi);
	if (answers && *(u32 *)arg == 1)
		pvi_msg_follow(sides[1]);
}

static int side_open(u32 who)
{
	static u32 peers[2] = { 1, 0 };

	return pvi_msg_open(&sides[who], fds[who], fds[1 - who], ring_fast, &peers[who]);
}

static void follow(void)
{
	u32 i;

	for (i = 0; i < 4; i++)
		pvi_msg_follow(sides[i % 2]);
	ASSERT_EQ(pvi_msg_follow(sides[0]), QUEUES);
	ASSERT_EQ(pvi_msg_follow(sides[1]), QUEUES);
	rings[0] = 0;
	rings[1] = 0;
}

static void make(void)
{
	make_section(0);
	make_section(1);
	ASSERT_EQ(side_open(0), 0);
	ASSERT_EQ(side_open(1), 0);
	follow();
}

static void test_open(void)
{
	int before = count_fds(), other;

	make_section(0);
	make_section(1);
	other = fds[1];
	fds[1] = NO_SUCH;
	ASSERT_EQ(side_open(0), -EBADF);
	ASSERT_EQ(side_open(1), -EBADF);
	fds[1] = fds[0];
	ASSERT_EQ(side_open(0), -ENOLINK);
	fds[1] = memfd_create_sized(8);
	ASSERT_EQ(side_open(0), -ENOLINK);
	close(fds[1]);
	fds[1] = open("/dev/null", O_RDWR);
	ASSERT_EQ(side_open(0), -ENOLINK);
	close(fds[1]);
	fds[1] = other;
	headers[1]->shape.data_size = 2 * DATA;
	ASSERT_EQ(side_open(0), -ENOLINK);
	headers[1]->shape.data_size = DATA;
	ASSERT_EQ(headers[0]->life, 0);

	ASSERT_EQ(side_open(0), 0);
	ASSERT_EQ(rings[1], 1);
	ASSERT_EQ(gsis[1], 20);
	ASSERT_EQ(pvi_msg_shape(sides[0])->kind, PVI_RING_RAW);
	ASSERT_EQ(pvi_msg_follow(sides[0]), -ENOTCONN);
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 1), -ENOTCONN);
	ASSERT_EQ(pvi_msg_receive(sides[0], 0, got, 1), -ENOTCONN);
	ASSERT_EQ(side_open(1), 0);
	follow();
	ASSERT_EQ(count_fds(), before + 2);
	pvi_msg_close(sides[0]);
	ASSERT_EQ(rings[1], 1);
	ASSERT_EQ(PVI_RING_STATE(headers[0]->life), PVI_RING_RESET);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, 1), -ECONNRESET);
	ASSERT_EQ(pvi_msg_send(sides[1], 0, sent, 1), -ENOTCONN);
	ASSERT_EQ(side_open(0), 0);
	follow();
}

/* Lengths from 0 to the longest, both ways, each queue by its own GSI */
static void test_messages(void)
{
	u32 len, who, queue;

	make();
	for (len = 0; len <= LONGEST; len++) {
		who = len % 2;
		queue = len / 2 % QUEUES;
		memset(sent, len, len);
		ASSERT_EQ(pvi_msg_receive(sides[1 - who], queue, got, sizeof(got)), -EAGAIN);
		rings[1 - who] = 0;
		ASSERT_EQ(pvi_msg_send(sides[who], queue, sent, len), 0);
		ASSERT_EQ(rings[1 - who], 1);
		ASSERT_EQ(gsis[1 - who], 20 + queue);
		ASSERT_EQ(pvi_msg_receive(sides[1 - who], queue, got, sizeof(got)), len);
		ASSERT_EQ(memcmp(got, sent, len), 0);
	}
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, LONGEST + 1), -EMSGSIZE);
	ASSERT_EQ(pvi_msg_send(sides[0], QUEUES, sent, 1), -EINVAL);
	ASSERT_EQ(pvi_msg_receive(sides[0], QUEUES, sent, 1), -EINVAL);
}

/* Who is awake is not rung, and a sender that waits is rung once there is room */
static void test_rings(void)
{
	u32 n = 0;

	make();
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), -EAGAIN);
	while (!pvi_msg_send(sides[0], 0, sent, 56))
		n++;
	ASSERT_EQ(n, DATA / 64);
	ASSERT_EQ(rings[1], 1);
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 56), -EAGAIN);
	ASSERT_EQ(rings[0], 0);
	for (; n; n--)
		ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), 56);
	ASSERT_EQ(rings[0], 1);
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 56), 0);
	ASSERT_EQ(rings[1], 1);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, 55), -EMSGSIZE);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, 55), -EAGAIN);
}

static void fill(u32 who, u32 queue)
{
	int ret;

	while (!(ret = pvi_msg_send(sides[who], queue, sent, 100)))
		;
	ASSERT_EQ(ret, -EAGAIN);
}

/* What a side has received it has given back before it waits, in the midst of what was there, and in all queues */
static void test_both_full(void)
{
	u32 who;

	make();
	for (who = 0; who < 2; who++)
		fill(who, 0);
	rings[0] = 0;
	rings[1] = 0;
	for (who = 0; who < 2; who++)
		ASSERT_EQ(pvi_msg_receive(sides[who], 0, got, sizeof(got)), 100);
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 100), -EAGAIN);
	ASSERT_EQ(rings[1], 1);
	ASSERT_EQ(pvi_msg_send(sides[1], 0, sent, 100), 0);
	ASSERT_EQ(pvi_msg_send(sides[1], 0, sent, 100), -EAGAIN);
	ASSERT_EQ(rings[0], 1);
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 100), 0);

	make();
	fill(0, 1);
	ASSERT_EQ(pvi_msg_receive(sides[1], 1, got, sizeof(got)), 100);
	ASSERT_EQ(rings[0], 0);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), -EAGAIN);
	ASSERT_EQ(rings[0], 1);
	ASSERT_EQ(gsis[0], 21);
	ASSERT_EQ(pvi_msg_send(sides[0], 1, sent, 100), 0);
}

static void test_sessions(void)
{
	struct pvi_ring_queue *queue;

	make();
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 8), 0);
	pvi_msg_reset(sides[0], 0x100000002ull);
	ASSERT_EQ(headers[0]->epoch[0], 2);
	ASSERT_EQ(headers[0]->epoch[1], 1);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), -ECONNRESET);
	follow();
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), -EAGAIN);
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 8), 0);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), 8);

	queue = (struct pvi_ring_queue *)((char *)headers[0] + PVI_RING_QUEUES);
	queue->prod[0] += 4;
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), -EPROTO);
	ASSERT_EQ(pvi_msg_receive(sides[0], 0, got, sizeof(got)), -ECONNRESET);
	follow();
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), -EAGAIN);
}

/* Whoever follows is told once that a session has ended, though the next runs already; not of one that never ran */
static void test_follow_ended(void)
{
	make();
	answers = true;
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 8), 0);
	pvi_msg_reset(sides[1], 0);
	ASSERT_EQ(pvi_msg_follow(sides[0]), -ECONNRESET);
	ASSERT_EQ(pvi_msg_follow(sides[0]), QUEUES);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), -EAGAIN);
	answers = false;
	pvi_msg_reset(sides[1], 0);
	ASSERT_EQ(pvi_msg_follow(sides[0]), -ECONNRESET);
	ASSERT_EQ(pvi_msg_follow(sides[1]), -ENOTCONN);
	pvi_msg_reset(sides[0], 0);
	ASSERT_EQ(pvi_msg_follow(sides[1]), -ENOTCONN);
	follow();
}

/* A pad that comes alone is taken, and its taker is rung again */
static void test_pad(void)
{
	struct pvi_ring_queue *queue;

	make();
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 8), 0);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), 8);
	queue = (struct pvi_ring_queue *)((char *)headers[0] + PVI_RING_QUEUES);
	*(u32 *)((char *)headers[0] + OFFSET + 16) = PVI_RING_PAD;
	queue->prod[0] = DATA;
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), -EAGAIN);
	queue = (struct pvi_ring_queue *)((char *)headers[1] + PVI_RING_QUEUES);
	ASSERT_EQ(queue->cons[0], DATA);
	ASSERT_EQ(queue->data_wake[0], DATA | PVI_RING_WAKE_BEYOND);
}

static void send_unheard(u32 queue)
{
	ASSERT_EQ(pvi_msg_receive(sides[1], queue, got, sizeof(got)), -EAGAIN);
	refuses = true;
	ASSERT_EQ(pvi_msg_send(sides[0], queue, sent, 8), 0);
	refuses = false;
}

/* What was refused for now is rung again, each GSI once, until it is accepted */
static void test_owed(void)
{
	make_section(0);
	make_section(1);
	refuses = true;
	ASSERT_EQ(side_open(0), 0);
	ASSERT_GE(pvi_msg_pay(sides[0]), 1);
	ASSERT_EQ(refused, 2);
	refuses = false;
	ASSERT_EQ(side_open(1), 0);
	ASSERT_EQ(rings[1], 0);
	ASSERT_EQ(pvi_msg_pay(sides[0]), -1);
	ASSERT_EQ(rings[1], 1);
	ASSERT_EQ(gsis[1], 20);
	follow();
	ASSERT_EQ(pvi_msg_pay(sides[0]), -1);
	ASSERT_EQ(rings[1], 0);

	send_unheard(0);
	send_unheard(1);
	ASSERT_EQ(rings[1], 0);
	ASSERT_EQ(pvi_msg_pay(sides[0]), -1);
	ASSERT_EQ(rings[1], 2);
	ASSERT_EQ(gsis[1], 21);
	ASSERT_EQ(pvi_msg_pay(sides[0]), -1);
	ASSERT_EQ(rings[1], 2);

	/* One that came later has come for both */
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), 8);
	send_unheard(0);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), 8);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), -EAGAIN);
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 8), 0);
	ASSERT_EQ(rings[1], 3);
	ASSERT_EQ(pvi_msg_pay(sides[0]), -1);
	/* Nor is what is none of the peer's */
	pvi_msg_owe(sides[0], 20 + QUEUES);
	pvi_msg_owe(sides[0], 19);
	ASSERT_EQ(pvi_msg_pay(sides[0]), -1);
	ASSERT_EQ(rings[1], 3);
}

/* Who leaves takes nothing along that the peer has still to hear, and comes back when told to */
static void test_leave(void)
{
	make();
	refuses = true;
	pvi_msg_leave(sides[0]);
	ASSERT_EQ(PVI_RING_STATE(headers[0]->life), PVI_RING_RESET);
	ASSERT_EQ(rings[1], 0);
	ASSERT_GE(pvi_msg_pay(sides[0]), 1);
	ASSERT_EQ(refused, 2);
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 8), -ENOTCONN);
	ASSERT_EQ(pvi_msg_receive(sides[0], 0, got, sizeof(got)), -ENOTCONN);
	ASSERT_EQ(pvi_msg_follow(sides[0]), -ENOTCONN);
	ASSERT_EQ(PVI_RING_STATE(headers[0]->life), PVI_RING_RESET);
	refuses = false;
	ASSERT_EQ(pvi_msg_pay(sides[0]), -1);
	ASSERT_EQ(rings[1], 1);
	ASSERT_EQ(gsis[1], 20);
	ASSERT_EQ(pvi_msg_follow(sides[1]), -ECONNRESET);
	ASSERT_EQ(pvi_msg_follow(sides[1]), -ENOTCONN);

	/* It has been told, and is not again. */
	pvi_msg_leave(sides[0]);
	ASSERT_EQ(pvi_msg_pay(sides[0]), -1);
	ASSERT_EQ(rings[1], 1);
	pvi_msg_reset(sides[0], 0);
	follow();
	ASSERT_EQ(pvi_msg_send(sides[0], 0, sent, 8), 0);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), 8);
	rings[1] = 0;
	pvi_msg_leave(sides[0]);
	pvi_msg_close(sides[0]);
	ASSERT_EQ(rings[1], 1);
	ASSERT_EQ(side_open(0), 0);
	follow();
}

static const struct test_case cases[] = {
	{ "open", test_open },
	{ "messages", test_messages },
	{ "rings", test_rings },
	{ "both_full", test_both_full },
	{ "sessions", test_sessions },
	{ "follow_ended", test_follow_ended },
	{ "pad", test_pad },
	{ "owed", test_owed },
	{ "leave", test_leave },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), 0);
}
