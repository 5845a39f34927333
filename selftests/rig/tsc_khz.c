// SPDX-License-Identifier: GPL-2.0
/*
 * tsc_khz - print how often the TSC counts in a millisecond, whatever else the machine does
 *
 * Each sample is the shortest of many looks at both clocks, so that being interrupted between
 * the two does not count.
 */

#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define LOOKS	1000

struct sample {
	uint64_t ns;
	uint64_t tsc;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static struct sample sample_take(void)
{
	uint64_t shortest = UINT64_MAX;
	struct sample best = {};

	for (int i = 0; i < LOOKS; i++) {
		uint64_t before = now_ns(), tsc = __rdtsc(), after = now_ns();

		if (after - before >= shortest)
			continue;
		shortest = after - before;
		best = (struct sample){ before, tsc };
	}
	return best;
}

int main(void)
{
	struct timespec pause = { .tv_nsec = 100000000 };
	struct sample begin = sample_take(), end;

	nanosleep(&pause, NULL);
	end = sample_take();
	printf("%.0f\n", (end.tsc - begin.tsc) * 1e6 / (end.ns - begin.ns));
	return 0;
}
