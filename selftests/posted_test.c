// SPDX-License-Identifier: GPL-2.0
/*
 * Posted interrupts: a ring reaches a running vCPU without an exit of it, where the processor can do
 * so. Elsewhere it reaches it all the same.
 */
#include "pvi_test.h"

#define GSI	5
#define VECTOR	0x40
#define RINGS	1000
#define ROUNDS	20

static u64 nr_rings, nr_taken, end;

static __guest void on_ring(u8 vector)
{
	(void)vector;
	WRITE_ONCE(nr_taken, nr_taken + 1);
}

/* No PAUSE: many of them are an exit */
static __guest u64 spin(u64 arg)
{
	guest_this_cpu()->irq_fn[VECTOR] = on_ring;
	guest_irq_enable();
	guest_sync(arg);
	while (!READ_ONCE(end))
		;
	return 0;
}

static __guest u64 ring_and_wait(u64 port)
{
	u64 i;

	for (i = 1; i <= nr_rings; i++) {
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0), KVM_PVI_RAISED);
		while (READ_ONCE(nr_taken) != i)
			guest_pause();
	}
	return 0;
}

/* KVM posts what it has enabled APICv for; somebody else must run while the receiver does */
static bool is_posted(void)
{
	char line[8];

	return !__read_line("/sys/module/kvm_intel/parameters/enable_apicv", line, sizeof(line)) &&
	       line[0] == 'Y' && sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

/* This thread, and those that it makes from now on */
static void run_on(u32 cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* The timer interrupts that @cpu has taken */
static u64 nr_ticks(u32 cpu)
{
	char *text = read_file("/proc/interrupts"), *at = strstr(text, "LOC:");
	u64 nr = 0;
	u32 i;

	ASSERT_TRUE(at);
	at += strlen("LOC:");
	for (i = 0; i <= cpu; i++)
		nr = strtoull(at, &at, 10);
	free(text);
	return nr;
}

/* The receiver's exits while each of the rings was taken, but for those that the host's timer made */
static u64 exits_of_round(struct vm *rx, struct vm *tx, u32 port)
{
	int stats = vcpu_ioctl(&rx->vcpus[0], KVM_GET_STATS_FD, NULL);
	u32 cpu = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	u64 exits, ticks;

	WRITE_ONCE(nr_taken, 0);
	WRITE_ONCE(end, 0);
	run_on(cpu);
	vcpu_run_thread(&rx->vcpus[0], spin, 1);
	run_on(0);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	ticks = nr_ticks(cpu);
	exits = read_stat(stats, "exits");
	vcpu_call(&tx->vcpus[0], ring_and_wait, port);
	exits = read_stat(stats, "exits") - exits;
	ticks = nr_ticks(cpu) - ticks;
	exits -= ticks < exits ? ticks : exits;
	WRITE_ONCE(end, 1);
	close(stats);
	vcpu_join(&rx->vcpus[0]);
	return exits;
}

/*
 * Other threads that want the CPU make exits as well: the round with the fewest counts. Where each ring
 * is an exit no round has fewer than rings.
 */
static void check_exits(struct vm *rx, struct vm *tx, u32 port)
{
	u64 exits, least = ~0ULL;
	bool posted = is_posted();
	u32 i;

	nr_rings = posted ? RINGS : 10;
	for (i = 0; i < ROUNDS && least; i++) {
		exits = exits_of_round(rx, tx, port);
		if (exits < least)
			least = exits;
		if (!posted)
			break;
	}
	test_diag("%llu rings, %llu exits of the receiver", nr_rings, least);
	if (posted)
		ASSERT_EQ(least, 0);
}

static void test_gsi(u32 gsi, u32 kind)
{
	struct vm *rx = vm_create(1, 0), *tx = vm_create(1, 0);
	int rx_fd = pvi_bind(rx, pvi_uuid[0]), tx_fd = pvi_bind(tx, pvi_uuid[1]);

	vm_route_msi(rx, GSI, 0, VECTOR);
	pvi_expose(rx_fd, gsi, kind);
	pvi_allow(rx_fd, pvi_uuid[1], gsi);
	if (kind == KVM_PVI_GSI_MSI)
		ASSERT_EQ(pvi_call(rx_fd, KVM_HC_PVI_SET_MSI, gsi, 0xfee00000, VECTOR, 0), 0);
	check_exits(rx, tx, pvi_connect(tx_fd, pvi_uuid[0], gsi));
}

static void test_msi(void)
{
	test_gsi(GSI, KVM_PVI_GSI_DIRECT);
}

static void test_virtual(void)
{
	test_gsi(KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_MSI);
}

static const struct test_case cases[] = {
	{ "msi", test_msi },
	{ "virtual", test_virtual },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
