// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: two senders on two CPUs that ring two receivers at the same time, and one
 *
 * They have no figures. With plugin/rings.c, profile.sh --apart shows the memory in common.
 */
#include <sched.h>
#include <sys/wait.h>

#include "bench.h"

static void stay_on_cpu(u32 cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* Sender @i rings receiver @to, its own or that of sender 0; one by port, the other by UUID */
static void ring_from(u32 i, u32 to, int ready, int go)
{
	struct vm *rx = bench_receiver(true), *tx = vm_create(1, 0);
	int rx_fd = pvi_bind(rx, pvi_uuid[i]), tx_fd = pvi_bind(tx, pvi_uuid[2 + i]);

	stay_on_cpu(i);
	pvi_expose(rx_fd, BENCH_GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(rx_fd, pvi_uuid[2], BENCH_GSI);
	pvi_allow(rx_fd, pvi_uuid[3], BENCH_GSI);
	if (i)
		bench_regs = (struct bench_regs){
			.rax = KVM_HC_PVI, .rbx = (u64)pvi_uuid[to], .rcx = BENCH_GSI,
		};
	else
		bench_regs = (struct bench_regs){
			.rax = KVM_HC_NOTIFY, .rbx = pvi_connect(tx_fd, pvi_uuid[to], BENCH_GSI),
		};
	/* The first ring makes an event */
	ASSERT_EQ(bench_rings_uncounted(&tx->vcpus[0], BENCH_HYPERCALL), KVM_PVI_RAISED);
	signal_eventfd(ready);
	ASSERT_TRUE(wait_readable(go, 60000));
	ASSERT_EQ(bench_rings_uncounted(&tx->vcpus[0], BENCH_HYPERCALL), KVM_PVI_RAISED);
	/* While the other may be ringing it */
	signal_eventfd(ready);
	pause();
}

static void ring_both(const char *name, bool together)
{
	int ready = new_eventfd(), go = new_eventfd(), status;
	pid_t pids[2];
	u64 done;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		fflush(stdout);
		pids[i] = fork();
		if (!pids[i])
			ring_from(i, together ? 0 : i, ready, go);
		ASSERT_GT(pids[i], 0);
		ASSERT_TRUE(wait_readable(ready, 60000));
		read_eventfd(ready);
	}
	bench_begin_row(name);
	signal_eventfd(go);
	for (done = 0; done < ARRAY_SIZE(pids); done += read_eventfd(ready))
		ASSERT_TRUE(wait_readable(ready, 60000));
	bench_end_row();
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		ASSERT_EQ(kill(pids[i], SIGKILL), 0);
		ASSERT_EQ(waitpid(pids[i], &status, 0), pids[i]);
	}
}

/* The second shows that the first could have failed */
void row_apart(void)
{
	ring_both("apart", false);
	ring_both("together", true);
}
