/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: numbers that look random and are the same in every run (SplitMix64) */
#ifndef PVI_TEST_RANDOM_H
#define PVI_TEST_RANDOM_H

#include "types.h"

struct rng {
	u64 state;
};

static inline u64 rng_next(struct rng *rng)
{
	u64 x = rng->state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static inline u64 rng_below(struct rng *rng, u64 end)
{
	return rng_next(rng) % end;
}

/* Of any magnitude: half of them below 2^32 */
static inline u64 rng_any(struct rng *rng)
{
	return rng_next(rng) >> rng_below(rng, 64);
}

#endif
