// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: rings that a status word saves, or does not */
#include "bench.h"
#include "status.h"

#define WORD_GPA 0xc0000000

void row_pvi_status(void)
{
	struct bench_pair p = bench_pair(true);
	struct status_mem mem = status_make();

	status_register(p.rx_fd, BENCH_GSI, &mem);
	vm_map_mem(p.tx, WORD_GPA, mem.word, PAGE_SIZE, 0);
	bench_by_port(&p);
	bench_regs.word = (void *)WORD_GPA;

	bench_rings("pvi_status_clear_msi", &p.tx->vcpus[0], BENCH_STATUS_RING);
	ASSERT_EQ(mem.word->count, BENCH_SAMPLES);
	bench_rings("pvi_status_burst_64", &p.tx->vcpus[0], BENCH_STATUS_BURST);
	ASSERT_EQ(mem.word->count, 2 * BENCH_SAMPLES);
	ASSERT_EQ(mem.word->pending, 1);
	bench_rings("pvi_status_set", &p.tx->vcpus[0], BENCH_STATUS);
	ASSERT_EQ(mem.word->count, 2 * BENCH_SAMPLES);
	ASSERT_TRUE(bench_is_raised(p.rx));
}
