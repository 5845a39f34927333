// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of ioctls, hypercalls of a guest and other uses of descriptors, each with endpoints of its own. What the
 * kernel says of the code that one came by (CONFIG_KCOV) decides whether it is kept; new ones are mutations of those that
 * are. A program is the random numbers that a struct fuzzer draws, on a tape. For the debug kernel, which looks on.
 */
#include <stdlib.h>

#include "fuzzer/fuzzer.h"
#include "fuzzer/kcov.h"

#define SEED		11
#define STEPS		16	/* of a program at most */
#define PROGRAMS	(test_long() ? 20000u : 600u)
#define KEPT		4096	/* the oldest of which give way */

static struct rng rng = { SEED };
static struct rng_tape *kept[KEPT];
static u32 nr_kept;
static struct kcov *kcov;

static struct rng_tape *any_kept(void)
{
	return kept[rng_below(&rng, nr_kept < KEPT ? nr_kept : KEPT)];
}

static void keep(const struct rng_tape *tape)
{
	struct rng_tape **place = &kept[nr_kept++ % KEPT];

	free(*place);
	*place = malloc(sizeof(*tape));
	**place = *tape;
	/* What the program has not used does not belong to it */
	(*place)->nr = tape->at;
}

/* Words that decide much: a choice among few, a neighbour, or any */
static u64 any_word(u64 old)
{
	switch (rng_below(&rng, 4)) {
	case 0: return rng_below(&rng, 64);
	case 1: return old + rng_below(&rng, 9) - 4;
	case 2: return old ^ 1ULL << rng_below(&rng, 64);
	}
	return rng_next(&rng);
}

/* From word @at on it goes on as another does from its word @from on */
static void graft(struct rng_tape *tape, u32 at, const struct rng_tape *other, u32 from)
{
	u32 nr = other->nr - from;

	nr = nr < RNG_TAPE - at ? nr : RNG_TAPE - at;
	memmove(&tape->words[at], &other->words[from], nr * sizeof(u64));
	tape->nr = at + nr;
}

/* Words that are gone, or come twice, move all behind them to other uses, which is rarely what one wants */
static void mutate(struct rng_tape *tape)
{
	const struct rng_tape *other = any_kept();
	u32 n = 1 + rng_below(&rng, 4), at;

	while (n-- && tape->nr) {
		at = rng_below(&rng, tape->nr);
		switch (rng_below(&rng, 12)) {
		case 0:
			tape->nr = at;
			break;
		case 1:
			graft(tape, at, tape, at + 1);
			break;
		case 2:
			if (other->nr)
				graft(tape, at, other, rng_below(&rng, other->nr));
			break;
		default:
			tape->words[at] = any_word(tape->words[at]);
			break;
		}
	}
}

static void call_by_guest(struct rng *from)
{
	enum guest_mode mode = rng_below(from, 4) ? GUEST_LONG64 : rng_below(from, NR_GUEST_MODES);
	struct hcall in = fuzz_hcall(from, mode), out = in;
	u8 *names = fuzz_world.vm->low + FUZZ_HCALL_NAMES;

	memcpy(names, FUZZ_NAME(0), FUZZ_NAMES * KVM_PVI_UUID_SIZE);
	vcpu_hypercall_in_mode(&fuzz_world.vm->vcpus[0], mode, &out);
	fuzz_check_answer(mode, &in, &out);
}

/* Returns how many edges it was the first to take */
static u32 run(struct rng_tape *tape, u64 seed)
{
	struct fuzzer *f = fuzz_world.fuzzers;
	u32 steps, nr_new;

	tape->at = 0;
	f->rng = (struct rng){ seed, tape };
	kcov_reset(kcov);
	fuzzer_open(f);
	nr_new = kcov_take(kcov);
	for (steps = 1 + rng_below(&f->rng, STEPS); steps; steps--) {
		kcov_reset(kcov);
		if (rng_below(&f->rng, 3))
			fuzzer_step(f);
		else
			call_by_guest(&f->rng);
		nr_new += kcov_take(kcov);
	}
	kcov_reset(kcov);
	fuzzer_close(f);
	fuzz_unreserve();
	return nr_new + kcov_take(kcov);
}

static void report(const char *what, u32 programs)
{
	test_diag("%u programs, %s: %u places, %u edges, %u programs kept", programs, what, kcov_places(kcov),
		  kcov_edges(kcov), nr_kept);
}

/* A tenth of them are new, so that there is something to begin with */
static void test_guided(void)
{
	struct rng_tape *tape = malloc(sizeof(*tape));
	u32 i, by_chance = PROGRAMS / 10, edges;

	/* Each program ends its endpoints */
	ASSERT_EQ(__write_line("/sys/kernel/rcu_expedited", "1"), 0);
	fuzz_prepare(1);
	kcov = kcov_open();
	for (i = 0; i < by_chance; i++) {
		tape->nr = 0;
		if (run(tape, rng_next(&rng)))
			keep(tape);
	}
	report("by chance", i);
	edges = kcov_edges(kcov);
	ASSERT_GT(nr_kept, 0);
	for (; i < PROGRAMS; i++) {
		*tape = *any_kept();
		mutate(tape);
		if (run(tape, rng_next(&rng)))
			keep(tape);
		if (i % 100 == 99 && i + 1 < PROGRAMS)
			report("guided", i + 1);
	}
	report("guided", i);
	/* Else nothing guides them */
	ASSERT_GT(kcov_edges(kcov), edges);
	ASSERT_EQ(__write_line("/sys/kernel/rcu_expedited", "0"), 0);
	fuzz_check_health();
	fuzz_report();
}

static const struct test_case cases[] = {
	{ "guided", test_guided, 1200 },
};

int main(int argc, char **argv)
{
	int ret = test_main(argc, argv, cases, ARRAY_SIZE(cases),
			    TEST_REQUIRE_KVM | TEST_REQUIRE_PVI | TEST_REQUIRE_KCOV);

	/* Also where a case has not come to that */
	fuzz_unreserve();
	return ret;
}
