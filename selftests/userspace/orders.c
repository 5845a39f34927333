// SPDX-License-Identifier: GPL-2.0
/*
 * orders ROUNDS SEED - rings, their payers and the guest at once, in as many orders of their atomic operations
 *
 * No ring that was accepted is lost, and between two that are told they were the first one was paid. And of a
 * bucket, by several: as much as its burst.
 */
#include <signal.h>

#include "chan.h"
#include "turns.h"

static u64 seed, rings, nr_latched, interrupts;
static u32 working;	/* threads that make something happen */

static void sender(u32 self)
{
	u32 i, nr = 1 + turns_random(4);

	for (i = 0; i < nr; i++) {
		int ret = chan_ring(self % CHAN_SENDERS);

		CHECK(ret >= 0 && ret <= KVM_PVI_LATCHED);
		cpu_relax();
	}
	rings += nr;
	working--;
}

/* The VMM: wires, unwires, kicks; and what the host's workers do */
static void payer(u32 self)
{
	u32 i, nr = turns_random(6);

	for (i = 0; i < nr; i++) {
		switch (turns_random(4)) {
		case 0:
			chan_spoil(turns_random(8));
			break;
		case 1:
			chan_mend();
			break;
		case 2:
			chan_kick();
			break;
		case 3:
			shim_run_works();
			break;
		}
		cpu_relax();
	}
	working--;
}

static void guest(u32 self)
{
	do {
		chan_handle();
		cpu_relax();
	} while (READ_ONCE(working));
}

static struct pvi_bucket bucket;
static u32 taken;

static void taker(u32 self)
{
	u32 i;

	for (i = 0; i < 4; i++)
		taken += pvi_bucket_take(&bucket);
}

/* In no time a burst, and all of it */
static void check_bucket(void)
{
	static const turns_fn fns[] = { taker, taker, taker };

	taken = 0;
	shim_now += NSEC_PER_SEC;
	pvi_bucket_set(&bucket, 1000, 10);
	turns_run(fns, ARRAY_SIZE(fns), seed);
	CHECK(taken == 10);
}

static void tell_seed(int signal)
{
	fprintf(stderr, "this order again: orders 1 %llu\n", (unsigned long long)seed);
}

int main(int argc, char **argv)
{
	static const turns_fn fns[] = { sender, sender, sender, payer, payer, guest };
	u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 10000, i;

	signal(SIGABRT, tell_seed);
	shim_user_set(NULL, SIZE_MAX);
	world_init();
	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	for (i = 0; i < rounds; i++, seed++) {
		check_bucket();
		chan_make(seed % 3, seed % 6 > 2);
		if (seed & 8)
			chan_spoil(seed >> 4);
		working = ARRAY_SIZE(fns) - 1;
		turns_run(fns, ARRAY_SIZE(fns), seed);
		nr_latched += chan.latched;
		interrupts += chan.interrupts;
		chan_check();
		chan_end();
	}
	printf("# %llu orders: %llu rings, %llu latched, %llu interrupts\n", (unsigned long long)rounds,
	       (unsigned long long)rings, (unsigned long long)nr_latched, (unsigned long long)interrupts);
	return 0;
}
