// SPDX-License-Identifier: GPL-2.0
/*
 * Rates: a receiver is never rung more often than it agreed to, by one sender or by all together,
 * and a ring that is refused costs nothing.
 */
#include "pvi_test.h"

#define GSI 20
#define NOTIFY(fd, port) pvi_call(fd, KVM_HC_NOTIFY, port, 0, 0, 0)

struct pair {
	int rx;
	int tx;
	u32 port;
};

static int allow_at_rate(int fd, const u8 *uuid, u32 rate, u32 burst)
{
	struct kvm_pvi_allow allow = {
		.size = sizeof(allow), .gsi = GSI, .rate = rate, .burst = burst
	};

	memcpy(allow.uuid, uuid, sizeof(allow.uuid));
	return __pvi_ioctl(fd, KVM_PVI_ALLOW, &allow);
}

static int expose_at_rate(int fd, u32 rate, u32 burst)
{
	struct kvm_pvi_expose expose = { .size = sizeof(expose), .gsi = GSI,
					 .kind = KVM_PVI_GSI_EVENTFD, .rate = rate, .burst = burst };

	return __pvi_ioctl(fd, KVM_PVI_EXPOSE, &expose);
}

/* The limits of the edge and of the GSI; 0 for none */
static struct pair pair_create(u32 rate, u32 burst, u32 gsi_rate, u32 gsi_burst)
{
	struct pair p = { .rx = pvi_bind(NULL, pvi_uuid[0]), .tx = pvi_bind(NULL, pvi_uuid[1]) };

	ASSERT_EQ(expose_at_rate(p.rx, gsi_rate, gsi_burst), 0);
	pvi_wire(p.rx, GSI, new_eventfd());
	ASSERT_EQ(allow_at_rate(p.rx, pvi_uuid[1], rate, burst), 0);
	p.port = pvi_connect(p.tx, pvi_uuid[0], GSI);
	return p;
}

/* Rings until it has been refused @refusals times; returns how many rings were accepted */
static u64 ring_until_refused(struct pair *p, u64 refusals)
{
	u64 accepted = 0;

	while (refusals) {
		s64 ret = NOTIFY(p->tx, p->port);

		if (ret != -EAGAIN)
			ASSERT_EQ(ret, KVM_PVI_RAISED);
		accepted += !ret;
		refusals -= !!ret;
	}
	return accepted;
}

/* In any time no more rings than the burst and what the rate adds in that time */
static void measure(struct pair *p, u64 rate, u64 burst)
{
	u64 accepted = 0, start = now_ms(), elapsed;

	do {
		accepted += ring_until_refused(p, 20);
		elapsed = now_ms() - start;
		ASSERT_LE(accepted, burst + rate * (elapsed + 1) / 1000);
	} while (elapsed < 1000 || accepted <= burst);
	ASSERT_EQ(pvi_stats(p->rx).received.raised, accepted);
	ASSERT_GE(pvi_stats(p->rx).received.throttled, 20);
	ASSERT_EQ(pvi_stats(p->tx).sent.throttled, pvi_stats(p->rx).received.throttled);
}

static void test_edge(void)
{
	struct pair p = pair_create(100, 10, 0, 0);

	measure(&p, 100, 10);
}

static void test_gsi(void)
{
	struct pair p = pair_create(0, 0, 70, 3);

	measure(&p, 70, 3);
}

/* Rings that the GSI refuses take no token of the edge's */
static void test_refusal_is_free(void)
{
	struct pair p = pair_create(1, 1000, 50, 1);
	u64 accepted = ring_until_refused(&p, 3000);

	pvi_gsi(p.rx, KVM_PVI_UNEXPOSE, GSI);
	ASSERT_EQ(expose_at_rate(p.rx, 0, 0), 0);
	pvi_wire(p.rx, GSI, new_eventfd());
	ASSERT_GE(accepted + ring_until_refused(&p, 1), 1000);
}

/* The bucket is the row's: however many ports it has, and whoever makes them */
static void test_shared_by_ports(void)
{
	struct pair p = pair_create(1, 100, 0, 0);
	u64 accepted;
	u32 i;

	for (i = 0; i < 5; i++)
		pvi_connect(p.tx, pvi_uuid[0], GSI);
	for (i = 0, accepted = 0; i < 100; i++)
		accepted += NOTIFY(p.tx, i % 6) == KVM_PVI_RAISED;
	ASSERT_EQ(accepted, 100);
	/* Connecting or binding again brings no tokens, nor does the next name */
	while (NOTIFY(p.tx, 0) != -EAGAIN)
		;
	close(p.tx);
	p.tx = pvi_bind(NULL, pvi_uuid[1]);
	p.port = pvi_connect(p.tx, pvi_uuid[0], GSI);
	ASSERT_LE(ring_until_refused(&p, 1), 5);
	ASSERT_LE(pvi_call(p.tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), 0);
}

/* Allowing again keeps the tokens: none for free, and what was taken is owed at the new rate */
static void test_allow_again(void)
{
	struct pair p = pair_create(1, 1000, 0, 0);

	ASSERT_GE(ring_until_refused(&p, 1), 1000);
	ASSERT_EQ(allow_at_rate(p.rx, pvi_uuid[1], 1, 1000), 0);
	ASSERT_LE(ring_until_refused(&p, 1), 5);
	/* At the old rate a burst of 1 would be due in 1000 s */
	ASSERT_EQ(allow_at_rate(p.rx, pvi_uuid[1], 10, 1), 0);
	ASSERT_TRUE(wait_until(NOTIFY(p.tx, p.port) == KVM_PVI_RAISED, 10000));
	ASSERT_EQ(allow_at_rate(p.rx, pvi_uuid[1], 0, 0), 0);
	ASSERT_EQ(NOTIFY(p.tx, p.port), KVM_PVI_RAISED);
	ASSERT_EQ(NOTIFY(p.tx, p.port), KVM_PVI_RAISED);
	/* Without a rate there was none to keep */
	ASSERT_EQ(allow_at_rate(p.rx, pvi_uuid[1], 1, 1000), 0);
	ASSERT_GE(ring_until_refused(&p, 1), 1000);
}

static void test_extremes(void)
{
	struct pair p = pair_create(-1, -1, -1, -1);
	u32 i;

	for (i = 0; i < 1000; i++)
		ASSERT_EQ(NOTIFY(p.tx, p.port), KVM_PVI_RAISED);
	ASSERT_EQ(allow_at_rate(p.rx, pvi_uuid[1], 1, -1), 0);
	for (i = 0; i < 1000; i++)
		ASSERT_EQ(NOTIFY(p.tx, p.port), KVM_PVI_RAISED);
	ASSERT_EQ(allow_at_rate(p.rx, pvi_uuid[1], 1, 0), -EINVAL);
	ASSERT_EQ(allow_at_rate(p.rx, pvi_uuid[1], 0, 1), -EINVAL);
	pvi_gsi(p.rx, KVM_PVI_UNEXPOSE, GSI);
	ASSERT_EQ(expose_at_rate(p.rx, 1, 0), -EINVAL);
	ASSERT_EQ(expose_at_rate(p.rx, 0, 1), -EINVAL);
}

static const struct test_case cases[] = {
	{ "edge", test_edge },
	{ "gsi", test_gsi },
	{ "refusal_is_free", test_refusal_is_free },
	{ "shared_by_ports", test_shared_by_ports },
	{ "allow_again", test_allow_again },
	{ "extremes", test_extremes },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
