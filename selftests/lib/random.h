/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi selftests: numbers that look random and are the same in every run (SplitMix64). With a tape they are first
 * those that stand on it; as many as it has room for are written behind them.
 */
#ifndef PVI_TEST_RANDOM_H
#define PVI_TEST_RANDOM_H

#include "types.h"

#define RNG_TAPE	4096

/* @at: the next word that is read, at most @nr */
struct rng_tape {
	u32 at, nr;
	u64 words[RNG_TAPE];
};

struct rng {
	u64 state;
	struct rng_tape *tape;
};

static inline u64 rng_mix(struct rng *rng)
{
	u64 x = rng->state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static inline u64 rng_next(struct rng *rng)
{
	struct rng_tape *tape = rng->tape;
	u64 x;

	if (tape && tape->at < tape->nr)
		return tape->words[tape->at++];
	x = rng_mix(rng);
	if (tape && tape->nr < RNG_TAPE) {
		tape->words[tape->nr++] = x;
		tape->at = tape->nr;
	}
	return x;
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
