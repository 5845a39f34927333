// SPDX-License-Identifier: GPL-2.0
/*
 * threads RINGS - the same code by real threads, for the thread sanitizer: tokens of one bucket, and rings of one
 * GSI, with and without a status word, while it is wired and unwired and its guest looks
 */
#include "chan.h"

static struct pvi_bucket bucket;
static u64 nr, taken;
static bool done;

static void *taker(void *arg)
{
	u64 i;

	for (i = 0; i < nr; i++)
		shim_add(&taken, pvi_bucket_take(&bucket));
	return NULL;
}

static void *clock_goes(void *arg)
{
	while (!READ_ONCE(done))
		shim_add(&shim_now, 100);
	return NULL;
}

static void *setter(void *arg)
{
	u64 i;

	for (i = 0; i < nr / 10; i++)
		pvi_bucket_set(&bucket, 1000000, 10);
	return NULL;
}

static void *sender(void *arg)
{
	u64 i;

	for (i = 0; i < nr; i++)
		CHECK(chan_ring((uintptr_t)arg) >= 0);
	return NULL;
}

static void *payer(void *arg)
{
	u32 i;

	for (i = 0; !READ_ONCE(done); i++) {
		/* The sanitizer knows nothing of seqcounts: an MSI stays what it is. */
		if (chan.kind == KVM_PVI_GSI_EVENTFD && !(i & 1))
			chan_spoil(0);
		else if (chan.kind == KVM_PVI_GSI_EVENTFD)
			chan_mend();
		else if (WRITE_ONCE(world_irqchip, i & 1), i & 1)
			chan_kick();
		shim_run_works();
	}
	return NULL;
}

static void *guest(void *arg)
{
	while (!READ_ONCE(done))
		chan_handle();
	return NULL;
}

/* Until those of fns that end have ended */
static void run(void *(**fns)(void *), u32 ending, u32 all)
{
	pthread_t threads[8];
	u32 i;

	done = false;
	for (i = 0; i < all; i++)
		CHECK(!pthread_create(&threads[i], NULL, fns[i], (void *)(uintptr_t)i));
	for (i = 0; i < all; i++) {
		if (i == ending)
			WRITE_ONCE(done, true);
		pthread_join(threads[i], NULL);
	}
}

static void check_bucket(void)
{
	static void *(*fns[])(void *) = { taker, taker, taker, setter, clock_goes };
	s64 start = shim_now;

	pvi_bucket_set(&bucket, 1000000, 10);
	run(fns, 4, 5);
	CHECK(taken && taken <= 10 + (u64)(shim_now - start) / 1000);
	printf("# %llu tokens of %llu asked for\n", (unsigned long long)taken, (unsigned long long)(3 * nr));
}

static void check_rings(u32 kind, bool word)
{
	static void *(*fns[])(void *) = { sender, sender, sender, payer, guest };

	chan_make(kind, word);
	run(fns, 3, 5);
	printf("# %llu rings, %llu skipped, %llu latched, %llu interrupts\n", (unsigned long long)(3 * nr),
	       (unsigned long long)chan.skipped, (unsigned long long)chan.latched,
	       (unsigned long long)chan.interrupts);
	chan_check();
	chan_end();
}

int main(int argc, char **argv)
{
	u32 kind;

	nr = argc > 1 ? strtoull(argv[1], NULL, 0) : 10000;
	shim_user_set(NULL, SIZE_MAX);
	world_init();
	check_bucket();
	for (kind = 0; kind < 3; kind++) {
		check_rings(kind, false);
		check_rings(kind, true);
	}
	return 0;
}
