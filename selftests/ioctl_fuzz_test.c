// SPDX-License-Identifier: GPL-2.0
/*
 * Any ioctls, by one thread and by several: nothing comes back but what the header lists, and in the end the host
 * serves as well as before.
 */
#include "fuzzer/fuzzer.h"

#define SEED	7
#define CALLS	(test_long() ? 300000 : 20000)

static void *fuzz(void *arg)
{
	struct fuzzer *f = arg;
	u32 i;

	for (i = 0; i < CALLS; i++)
		fuzzer_step(f);
	return NULL;
}

static void fuzz_by(u32 nr)
{
	struct fuzzer *fuzzers = fuzz_world.fuzzers;
	u32 i;

	fuzz_prepare(nr);
	for (i = 0; i < nr; i++) {
		fuzzers[i].rng.state = SEED + i;
		fuzzer_open(&fuzzers[i]);
	}
	for (i = 0; i < nr; i++)
		ASSERT_EQ(pthread_create(&fuzzers[i].thread, NULL, fuzz, &fuzzers[i]), 0);
	for (i = 0; i < nr; i++)
		ASSERT_EQ(pthread_join(fuzzers[i].thread, NULL), 0);
	for (i = 0; i < nr; i++)
		fuzzer_close(&fuzzers[i]);
	fuzz_check_health();
	fuzz_report();
}

static void test_one(void)
{
	fuzz_by(1);
}

/* On each other's endpoints */
static void test_several(void)
{
	fuzz_by(FUZZ_THREADS);
}

static const struct test_case cases[] = {
	{ "one", test_one, 300 },
	{ "several", test_several, 600 },
};

int main(int argc, char **argv)
{
	int ret = test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);

	/* Also where a case has not come to that */
	fuzz_unreserve();
	return ret;
}
