// SPDX-License-Identifier: GPL-2.0
/*
 * A bucket gives in no stretch of time more than its burst and its rate times that stretch; whoever waits as long
 * as it says is let through; what is given back was never taken; and a new rate leaves taken what was taken.
 */
#include "bucket.h"
#include "world.h"

#define TAKEN	256

static struct pvi_bucket b;
static s64 taken[TAKEN];
static u32 nr;

/* How many it would give now, @most at most */
static u32 room(u32 most)
{
	struct pvi_bucket copy = b;
	u32 n;

	for (n = 0; n < most && pvi_bucket_take(&copy); n++)
		;
	return n;
}

static void check_taken(void)
{
	u32 i;

	for (i = 0; i < nr; i++)
		CHECK(nr - i <= b.burst ||
		      (__int128)(nr - i - b.burst) * NSEC_PER_SEC <= (__int128)b.rate * (shim_now - taken[i]));
}

static void ring(bool given_back)
{
	u32 before = b.rate ? room(TAKEN) : 0;

	if (!pvi_bucket_take(&b)) {
		CHECK(b.rate && !before);
		return;
	}
	if (!b.rate)
		return;
	CHECK(before);
	if (given_back) {
		pvi_bucket_give(&b);
		CHECK(room(TAKEN) == before);
		return;
	}
	if (nr == TAKEN)
		memmove(taken, taken + 1, --nr * sizeof(taken[0]));
	taken[nr++] = shim_now;
	check_taken();
}

static void set(u32 rate, u32 burst)
{
	u32 owed = b.rate ? b.burst - room(b.burst) : 0;

	if (pvi_bucket_check(rate, burst)) {
		CHECK(!rate != !burst);
		return;
	}
	pvi_bucket_set(&b, rate, burst);
	owed = min(owed, burst);
	for (nr = 0; nr < owed; nr++)
		taken[nr] = shim_now;
	CHECK(!rate || room(TAKEN) == min(burst - owed, (u32)TAKEN));
}

static void wait_for_it(void)
{
	u64 ns = pvi_bucket_wait(&b);

	CHECK(!ns == !!room(1) || !b.rate);
	if (ns > 1) {
		shim_now += ns - 1;
		CHECK(!room(1));
		shim_now++;
	} else {
		shim_now += ns;
	}
	CHECK(!b.rate || room(1));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t length)
{
	static const u32 rates[] = { 0, 1, 3, 7, 1000, 333333, 1000000000, U32_MAX };
	struct input in = { data, length };

	memset(&b, 0, sizeof(b));
	shim_now = 1000000000000LL;
	nr = 0;
	while (in.left) {
		u8 what = take(&in, 1);

		switch (what % 8) {
		case 0:
			set(rates[take(&in, 1) % ARRAY_SIZE(rates)], take(&in, 1));
			break;
		case 1:
			shim_now += take(&in, 2);
			break;
		case 2:
			shim_now += take(&in, 4);
			break;
		case 3:
			wait_for_it();
			break;
		default:
			for (what /= 8; what; what--)
				ring(what == 30);
		}
	}
	/* The widest there is: nothing overflows. */
	pvi_bucket_set(&b, 1, U32_MAX);
	CHECK(pvi_bucket_take(&b));
	return 0;
}
