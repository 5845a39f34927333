// SPDX-License-Identifier: GPL-2.0
/*
 * An oracle: a model of what the header says, in user space, knows of each call what it answers,
 * who is told, and which interrupts and signals it makes, and is compared with the module after
 * each one of a random sequence, over several endpoints, VMs, threads and processes. The shortest
 * sequence that still fails is printed.
 *
 * $PVI_SEED is the seed of the first sequence, the next one has the next. $PVI_OPS is how many
 * operations there are, or else with PVI_LONG a million, from a seed of their own.
 */
#include <sys/random.h>

#include "oracle/check.h"
#include "pvi_test.h"

#define SEED		1
#define OPS_SHORT	10000
#define OPS_LONG	1000000
#define LENGTH_SHORT	250
#define LENGTH_LONG	500
#define MAX_KINDS	6	/* failures that are told from each other before it ends */

static u32 good[NR_OPS], verdicts[3];
static char kinds[MAX_KINDS][64];
static u32 nr_kinds;

static u64 first_seed(void)
{
	const char *text = getenv("PVI_SEED");
	u64 seed = SEED;

	if (text && *text)
		return strtoull(text, NULL, 0);
	if (test_long())
		ASSERT_EQ(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
	return seed;
}

static u64 nr_ops(void)
{
	const char *text = getenv("PVI_OPS");

	if (text && *text)
		return strtoull(text, NULL, 0);
	return test_long() ? OPS_LONG : OPS_SHORT;
}

static bool is_known(const struct finding *f)
{
	u32 i;

	for (i = 0; i < nr_kinds; i++)
		if (!strcmp(kinds[i], f->kind))
			return true;
	return false;
}

static void report(u64 seed, struct sequence *s, struct finding *f)
{
	char text[160];
	u32 i;

	memcpy(kinds[nr_kinds++], f->kind, sizeof(kinds[0]));
	test_diag("PVI_SEED=%llu: op %u of %u: %s", seed, f->at, s->nr, f->text);
	sequence_shrink(s, f);
	for (i = 0; i < s->nr; i++) {
		op_describe(&s->ops[i], text, sizeof(text));
		test_diag("  %u  %s", i, text);
	}
	test_diag("  %s", f->text);
}

static void add_up(const struct finding *f)
{
	u32 i;

	for (i = 0; i < NR_OPS; i++)
		good[i] += f->good[i];
	for (i = 0; i < ARRAY_SIZE(verdicts); i++)
		verdicts[i] += f->verdicts[i];
}

/* There is no call that was only ever refused */
static void check_coverage(void)
{
	u32 i;

	test_diag("%llu operations; of rings %u raised, %u coalesced, %u latched", nr_ops(), verdicts[KVM_PVI_RAISED],
		  verdicts[KVM_PVI_COALESCED], verdicts[KVM_PVI_LATCHED]);
	for (i = 0; i < NR_OPS; i++)
		if (!good[i])
			TEST_FAIL("no %s was one that works", op_name(i));
	for (i = 0; i < ARRAY_SIZE(verdicts); i++)
		ASSERT_GT(verdicts[i], 0);
}

static void test_sequences(void)
{
	u64 seed = first_seed(), left = nr_ops();
	static struct sequence s;
	struct finding f;

	ASSERT_EQ(__write_line("/sys/kernel/rcu_expedited", "1"), 0);
	test_diag("PVI_SEED=%llu", seed);
	while (left && nr_kinds < MAX_KINDS) {
		sequence_random(&s, seed, test_long() ? LENGTH_LONG : LENGTH_SHORT);
		sequence_run(&s, &f);
		add_up(&f);
		left -= f.done < left ? f.done : left;
		if (f.found && !is_known(&f))
			report(seed, &s, &f);
		seed++;
	}
	ASSERT_EQ(__write_line("/sys/kernel/rcu_expedited", "0"), 0);
	ASSERT_EQ(nr_kinds, 0);
	check_coverage();
}

static const struct test_case cases[] = {
	{ "sequences", test_sequences, 850 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases),
			 TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
