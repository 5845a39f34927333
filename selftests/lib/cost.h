/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: what calls cost, where the TSC counts instructions */
#ifndef PVI_TEST_COST_H
#define PVI_TEST_COST_H

#include "tap.h"
#include "types.h"

#define COST_NAP_NS	200000	/* as many instructions, in the rig */

static inline u64 instructions(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (u64)high << 32 | low;
}

/*
 * @took:	from a call to its return
 * @in_a_row:	the longest time in which a thread that goes before all others, and looks each COST_NAP_NS, did not
 *		get the processor, whoever had it: meanwhile, and while what the call had left to others was done
 */
struct cost {
	u64 took;
	u64 in_a_row;
};

struct cost cost_of(void (*op)(u32 n), u32 n);

/* As test_main(), with grace periods that are expedited; the module's limits are as by default behind it */
int cost_main(int argc, char **argv, const struct test_case *cases, size_t nr, unsigned int requires);

#endif
