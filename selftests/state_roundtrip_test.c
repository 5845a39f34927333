// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever a guest and its VMM have done: what GET_STATE writes SET_STATE takes, on an endpoint
 * that the VMM has set up as the one before, and then GET_STATE writes it once more.
 */
#include "pvi_test.h"
#include "random.h"
#include "state.h"

#define SELF		pvi_uuid[0]
#define RINGER		pvi_uuid[1]
#define PLAIN		16	/* GSIs, of kind eventfd and not wired: rings are latched */
#define BELLS		32	/* GSIs of bells 0, 1... */
#define VIRTUAL		KVM_PVI_GSI_VIRTUAL
#define NR		6	/* of each kind */
#define NR_GSIS		(3 * NR)
#define PEERS		3
#define ROUNDS		40
#define STEPS		60
#define CALL(fd, nr, a, b, c) pvi_call(fd, KVM_HC_##nr, a, b, c, 0)
#define QUERY_CONFIG(fd) CALL(fd, PVI_QUERY, KVM_PVI_Q_SELF, 0, KVM_PVI_Q_SELF_CONFIG)

/**
 * struct setup - one endpoint, and what its VMM has made there
 * @vm: has no vCPU, so that no MSI is taken
 * @fd: the endpoint
 * @exposed: by index, see gsi_of()
 * @bell: by bell
 */
struct setup {
	struct vm *vm;
	int fd;
	bool exposed[NR_GSIS];
	bool bell[NR];
};

static int ringer, peer[PEERS];

static u32 gsi_of(u32 index)
{
	static const u32 first[] = { PLAIN, BELLS, VIRTUAL };

	return first[index / NR] + index % NR;
}

static void expose(struct setup *s, u32 index)
{
	u32 kind = index / NR == 2 ? KVM_PVI_GSI_MSI : KVM_PVI_GSI_EVENTFD;

	pvi_expose(s->fd, gsi_of(index), kind);
	s->exposed[index] = true;
}

static void unexpose(struct setup *s, u32 index)
{
	pvi_gsi(s->fd, KVM_PVI_UNEXPOSE, gsi_of(index));
	s->exposed[index] = false;
	if (index / NR == 1)
		s->bell[index % NR] = false;
}

static void make_bell(struct setup *s, u32 bell)
{
	pvi_bell(s->fd, bell, BELLS + bell);
	s->bell[bell] = true;
}

static void bind(struct setup *s)
{
	u32 i;

	s->fd = pvi_bind(s->vm, SELF);
	pvi_allow(s->fd, RINGER, KVM_PVI_GSI_ANY);
	for (i = 0; i < NR; i++)
		pvi_allow_bell(s->fd, RINGER, i, ~0ULL);
}

/* As @s is, and nothing made by a guest */
static void bind_again(struct setup *s)
{
	u32 i;

	close(s->fd);
	bind(s);
	for (i = 0; i < NR_GSIS; i++)
		if (s->exposed[i])
			expose(s, i);
	for (i = 0; i < NR; i++)
		if (s->bell[i])
			make_bell(s, i);
}

/* Saved, restored and saved again; @what is for the log */
static void check_roundtrip(struct setup *s, const char *what, u64 number)
{
	struct blob blob, empty, again;
	int ret;

	state_freeze(s->fd, &blob);
	bind_again(s);
	state_freeze(s->fd, &empty);
	ret = __state_set(s->fd, &blob);
	if (ret)
		TEST_FAIL("%s %llu: SET_STATE: %s (%d)", what, number, strerror(-ret), ret);
	state_freeze(s->fd, &again);
	if (blob.length != again.length || memcmp(blob.bytes, again.bytes, blob.length))
		TEST_FAIL("%s %llu: another state than before", what, number);
	state_thaw(s->fd);
}

static struct setup start(void)
{
	struct setup s = { .vm = vm_create(0, 0) };
	u32 i;

	bind(&s);
	for (i = 0; i < NR_GSIS; i++)
		expose(&s, i);
	return s;
}

static void test_bell_untouched(void)
{
	struct setup s = start();
	u32 touched;

	for (touched = 0; touched < 4; touched++) {
		s.bell[0] = touched & 1;
		s.bell[1] = true;
		s.bell[2] = touched & 2;
		bind_again(&s);
		ASSERT_EQ(CALL(s.fd, PVI_SET_CONFIG, PLAIN, 0, 0), 0);
		if (s.bell[0])
			ASSERT_EQ(CALL(s.fd, BELL_MASK, 0, ~1ULL, 0), 0);
		if (s.bell[2])
			ASSERT_EQ(CALL(s.fd, BELL_MASK, 2, 5, ~0ULL), 0);
		check_roundtrip(&s, "bells", touched);
	}
}

/* Its GSI goes, and the guest's wish with it: nothing is rung when that is exposed anew */
static void test_config_unexposed(void)
{
	struct setup s = start();

	ASSERT_EQ(CALL(s.fd, PVI_SET_CONFIG, PLAIN, 0, 0), 0);
	ASSERT_EQ(QUERY_CONFIG(s.fd), PLAIN);
	unexpose(&s, 1);
	ASSERT_EQ(QUERY_CONFIG(s.fd), PLAIN);
	unexpose(&s, 0);
	check_roundtrip(&s, "UNEXPOSE of GSI", PLAIN);
	ASSERT_EQ(CALL(s.fd, PVI_SET_CONFIG, PLAIN, 0, 0), -ENOENT);
	ASSERT_EQ(CALL(s.fd, PVI_SET_CONFIG, PLAIN + 2, 0, 0), 0);
	unexpose(&s, 2);
	ASSERT_EQ(QUERY_CONFIG(s.fd), -ENOENT);
	expose(&s, 2);
	state_receiver(pvi_uuid[2], SELF, -1);
	ASSERT_EQ(pvi_drop_events(s.fd), 1);
	ASSERT_EQ(CALL(s.fd, PVI_QUERY, KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_NUMBER), PLAIN + 2);
	ASSERT_EQ(CALL(s.fd, PVI_QUERY, KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_STATE), 0);
	check_roundtrip(&s, "no config GSI, was", PLAIN + 2);
}

/* What a VMM does: it takes a GSI away and gives it again, makes a bell */
static void step_vmm(struct setup *s, struct rng *rng)
{
	u32 i = rng_below(rng, NR_GSIS), bell = i % NR;

	if (!s->exposed[i])
		expose(s, i);
	else if (i / NR == 1 && !s->bell[bell])
		make_bell(s, bell);
	else if (!rng_below(rng, 4))
		unexpose(s, i);
}

/* A guest of somebody else: rings and sends; what comes of it is not of interest */
static void step_ringer(struct rng *rng)
{
	u32 gsi = gsi_of(rng_below(rng, NR_GSIS)), port;

	CALL(ringer, PVI, (u64)SELF, gsi, 0);
	if (__pvi_connect(ringer, SELF, gsi, &port))
		return;
	CALL(ringer, BELL_SEND, port, rng_any(rng), 0);
	pvi_close_port(ringer, port);
}

/* A peer that takes its permission back, and gives it again */
static void step_peer(struct rng *rng)
{
	int fd = peer[rng_below(rng, PEERS)];

	if (__pvi_revoke(fd, SELF, STATE_GSI))
		pvi_allow(fd, SELF, STATE_GSI);
}

/* The guest: any call that makes state, with arguments that are mostly good */
static void step_guest(struct setup *s, struct rng *rng)
{
	u32 bell = rng_below(rng, NR + 1), gsi = gsi_of(rng_below(rng, NR_GSIS));
	u64 vector = rng_below(rng, 8) ? 16 + rng_below(rng, 240) : rng_any(rng);

	switch (rng_below(rng, 8)) {
	case 0:
		CALL(s->fd, PVI_CONNECT, (u64)pvi_uuid[2 + rng_below(rng, PEERS)], STATE_GSI, 0);
		break;
	case 1:
		CALL(s->fd, PVI_DISCONNECT, rng_below(rng, 8), 0, 0);
		break;
	case 2:
		CALL(s->fd, PVI_SET_MSI, gsi, 0xfee00000 | rng_below(rng, 256) << 12, vector);
		break;
	case 3:
		CALL(s->fd, PVI_SET_MSI, gsi, 0, 0);
		break;
	case 4:
		CALL(s->fd, BELL_MASK, bell, rng_any(rng), rng_any(rng));
		break;
	case 5:
		CALL(s->fd, BELL_RECEIVE, bell, rng_any(rng), 0);
		break;
	case 6:
		CALL(s->fd, BELL_RESET, bell, 0, 0);
		break;
	case 7:
		CALL(s->fd, PVI_SET_CONFIG, rng_below(rng, 4) ? gsi : KVM_PVI_GSI_ANY, 0, 0);
		break;
	}
}

static void step(struct setup *s, struct rng *rng)
{
	switch (rng_below(rng, 8)) {
	case 0:
		step_vmm(s, rng);
		break;
	case 1:
	case 2:
		step_ringer(rng);
		break;
	case 3:
		step_peer(rng);
		break;
	default:
		step_guest(s, rng);
		break;
	}
}

static void test_random(void)
{
	struct setup s = start();
	u32 round, i;

	ringer = pvi_bind(NULL, RINGER);
	for (i = 0; i < PEERS; i++)
		peer[i] = state_receiver(pvi_uuid[2 + i], SELF, -1);
	for (round = 0; round < ROUNDS; round++) {
		struct rng rng = { round };

		for (i = 0; i < STEPS; i++)
			step(&s, &rng);
		check_roundtrip(&s, "seed", round);
		ASSERT_EQ(CALL(s.fd, PVI_RESET, 0, 0, 0), 0);
	}
}

static const struct test_case cases[] = {
	{ "bell_untouched", test_bell_untouched },
	{ "config_unexposed", test_config_unexposed },
	{ "random", test_random, 60 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
