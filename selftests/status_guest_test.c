// SPDX-License-Identifier: GPL-2.0
/*
 * Status words between guests: what the sender sees through a read-only mapping spares it the
 * exit, by KVM's own counts, no ring is lost between running guests, and a receiver that scribbles
 * over its word harms itself. What ends a word while it is rung is in status_life_test.c.
 */
#include "pvi_test.h"
#include "status.h"

#define PIN		STATUS_PIN
#define GSI		STATUS_MSI_GSI
#define VECTOR		STATUS_VECTOR
#define MANY		1000000
#define MAX_BATCH	200

static struct vm *rx, *tx;
static int rx_fd, tx_fd;
static u32 port;
static struct status_mem mem;

static void make(u32 kind, u32 gsi)
{
	mem = status_make();
	rx = status_receiver(&mem, pvi_uuid[0], kind, gsi, &rx_fd);
	tx = status_sender(&mem, pvi_uuid[1], &tx_fd);
	pvi_allow(rx_fd, pvi_uuid[1], gsi);
	port = pvi_connect(tx_fd, pvi_uuid[0], gsi);
}

static __guest s64 ring(void)
{
	return guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
}

/* What is sent: numbers, of which the receiver takes the last */
static u64 written, taken;
static u64 hypercalls;
static u64 stop;

static __guest s64 ring_number(u64 number)
{
	WRITE_ONCE(written, number);
	if (kvm_pvi_status_owed(guest_seen))
		return KVM_PVI_COALESCED;
	hypercalls++;
	return ring();
}

static __guest void drain(u8 vector)
{
	u64 number;

	(void)vector;
	kvm_pvi_status_take(guest_word);
	do {
		number = READ_ONCE(written);
		WRITE_ONCE(taken, number);
	} while (number != READ_ONCE(written));
}

static __guest u64 guest_send_many(u64 count)
{
	u64 i;

	for (i = 1; i <= count; i++)
		GUEST_ASSERT_EQ(ring_number(i), i == 1 ? KVM_PVI_RAISED : KVM_PVI_COALESCED);
	return hypercalls;
}

static __guest u64 guest_take(u64 arg)
{
	drain(VECTOR);
	return arg;
}

/* All exits but those that the host's own interrupts made */
static u64 exits(struct vm *vm)
{
	return vcpu_stat(&vm->vcpus[0], "exits") - vcpu_stat(&vm->vcpus[0], "irq_exits");
}

/* What @count rings of the sender cost in exits, to a receiver that takes none meanwhile */
static u64 cost(u64 count)
{
	u64 before;

	vcpu_call(&rx->vcpus[0], guest_take, 0);
	hypercalls = 0;
	before = exits(tx);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], guest_send_many, count), 1);
	return exits(tx) - before;
}

/* A busy receiver: one exit, be it for 64 rings or for 100,000 */
static void test_no_exit(void)
{
	u64 one, before;

	make(KVM_PVI_GSI_DIRECT, PIN);
	cost(100);
	one = cost(1);
	before = vcpu_stat(&tx->vcpus[0], "hypercalls");
	ASSERT_EQ(cost(64), one);
	ASSERT_EQ(vcpu_stat(&tx->vcpus[0], "hypercalls") - before, 1);
	ASSERT_EQ(cost(100000), one);
	ASSERT_EQ(vcpu_stat(&tx->vcpus[0], "hypercalls") - before, 2);
	ASSERT_EQ(mem.seen->count, 4);
}

/* One that looks at nothing: all exit, one interrupt is made */
static __guest u64 guest_ring_blindly(u64 count)
{
	u64 i;

	for (i = 0; i < count; i++)
		GUEST_ASSERT_EQ(ring(), i ? KVM_PVI_COALESCED : KVM_PVI_RAISED);
	return 0;
}

static __guest u64 guest_wait_quiet(u64 irqs)
{
	guest_wait_irqs(VECTOR, irqs);
	return guest_irq_count(VECTOR);
}

static void test_one_interrupt(void)
{
	make(KVM_PVI_GSI_DIRECT, PIN);
	vcpu_call(&tx->vcpus[0], guest_ring_blindly, 64);
	ASSERT_EQ(mem.seen->count, 64);
	ASSERT_EQ(vcpu_call(&rx->vcpus[0], guest_wait_quiet, 1), 1);
	vcpu_call(&rx->vcpus[0], guest_take, 0);
	vcpu_call(&tx->vcpus[0], guest_ring_blindly, 64);
	ASSERT_EQ(vcpu_call(&rx->vcpus[0], guest_wait_quiet, 2), 2);
}

static __guest u64 guest_scribble(u64 gpa)
{
	guest_mmio_write(gpa, ~0U);
	return 0;
}

/* The sender's guest cannot write what it reads: that is an exit to its VMM */
static void test_sender_is_read_only(void)
{
	make(KVM_PVI_GSI_DIRECT, PIN);
	vcpu_start(&tx->vcpus[0], guest_scribble, STATUS_SEEN_GPA);
	ASSERT_EQ(__vcpu_run(&tx->vcpus[0]), 0);
	ASSERT_EQ(tx->vcpus[0].run->exit_reason, KVM_EXIT_MMIO);
	ASSERT_EQ(tx->vcpus[0].run->mmio.phys_addr, STATUS_SEEN_GPA);
	ASSERT_EQ(mem.seen->pending, 0);
}

/* As a driver starts: ARM, with its handler live, then a pass unasked */
static __guest u64 guest_receive(u64 arg)
{
	guest_on_irq(VECTOR, drain);
	GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_ARM, arg, 0, 0, 0), 0);
	drain(VECTOR);
	guest_sync(1);
	guest_irq_disable();
	while (!READ_ONCE(stop))
		guest_irq_wait();
	return 0;
}

static __guest u32 next_random(u64 *random)
{
	*random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
	return *random >> 32;
}

/*
 * Now and then the receiver gets its turn in the middle; and whenever the sender stops, all that
 * it has sent must be taken: nobody rings meanwhile.
 */
static __guest u64 guest_storm(u64 count)
{
	u64 random = count, left = 1, i;

	for (i = 1; i <= count; i++) {
		GUEST_ASSERT_GE(ring_number(i), 0);
		if (next_random(&random) % 16 == 0)
			guest_pause();
		if (--left && i < count)
			continue;
		while (READ_ONCE(taken) < i)
			guest_pause();
		left = 1 + next_random(&random) % MAX_BATCH;
	}
	return hypercalls;
}

static void storm(u32 kind, u32 gsi, u64 rings)
{
	u64 calls;

	make(kind, gsi);
	if (kind == KVM_PVI_GSI_EVENTFD) {
		int fd = new_eventfd();

		vm_irqfd(rx, gsi, fd);
		pvi_wire(rx_fd, gsi, fd);
	}
	vcpu_run_thread(&rx->vcpus[0], guest_receive, gsi);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	calls = vcpu_call(&tx->vcpus[0], guest_storm, rings);
	ASSERT_EQ(taken, rings);
	ASSERT_EQ(mem.seen->count, calls);
	test_diag("%llu rings, %llu hypercalls, %llu interrupts", rings, calls,
		  vcpu_irq_count(&rx->vcpus[0], VECTOR));
	vcpu_stop(&rx->vcpus[0]);
}

static void test_storm_pin(void)
{
	storm(KVM_PVI_GSI_DIRECT, PIN, test_long() ? MANY : MANY / 10);
}

static void test_storm_msi(void)
{
	storm(KVM_PVI_GSI_DIRECT, GSI, test_long() ? MANY : MANY / 200);
}

static void test_storm_irqfd(void)
{
	storm(KVM_PVI_GSI_EVENTFD, GSI, test_long() ? MANY : MANY / 200);
}

static __guest u64 guest_scribble_on(u64 seed)
{
	u64 *words = (u64 *)STATUS_WORD_GPA;
	u32 i;

	while (!READ_ONCE(stop))
		for (i = 0; i < 8; i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			WRITE_ONCE(words[i], seed);
		}
	return 0;
}

/*
 * A receiver that scribbles over its word all the time: a sender that rings it and a well-behaved
 * one by turns gets a verdict each time, and the other's rings are all seen.
 */
static u32 other_port;

static __guest u64 guest_ring_both(u64 count)
{
	u64 i, verdict;

	for (i = 1; i <= count; i++) {
		verdict = ring();
		GUEST_ASSERT(verdict <= KVM_PVI_LATCHED);
		WRITE_ONCE(written, i);
		verdict = guest_hypercall(KVM_HC_NOTIFY, other_port, 0, 0, 0);
		GUEST_ASSERT(verdict <= KVM_PVI_LATCHED);
		while (READ_ONCE(taken) < i)
			guest_pause();
	}
	return 0;
}

static void test_scribbler(void)
{
	struct status_mem bad;
	struct vm *good;
	int bad_fd;

	make(KVM_PVI_GSI_DIRECT, PIN);
	bad = mem;
	bad_fd = rx_fd;
	mem = status_make();
	good = status_receiver(&mem, pvi_uuid[2], KVM_PVI_GSI_DIRECT, PIN, &rx_fd);
	pvi_allow(rx_fd, pvi_uuid[1], PIN);
	other_port = pvi_connect(tx_fd, pvi_uuid[2], PIN);

	vcpu_run_thread(&good->vcpus[0], guest_receive, PIN);
	vcpu_wait_sync(&good->vcpus[0], 1);
	vcpu_run_thread(&rx->vcpus[0], guest_scribble_on, 1);
	vcpu_call(&tx->vcpus[0], guest_ring_both, 300);
	ASSERT_EQ(taken, 300);
	WRITE_ONCE(stop, 1);
	vcpu_join(&rx->vcpus[0]);
	pvi_gsi(bad_fd, KVM_PVI_UNSTATUS, PIN);
	ASSERT_EQ(bad.seen->pending, 0);
	vcpu_stop(&good->vcpus[0]);
}

static const struct test_case cases[] = {
	{ "no_exit", test_no_exit },
	{ "one_interrupt", test_one_interrupt },
	{ "sender_is_read_only", test_sender_is_read_only },
	{ "storm_pin", test_storm_pin, 240 },
	{ "storm_msi", test_storm_msi, 240 },
	{ "storm_irqfd", test_storm_irqfd, 240 },
	{ "scribbler", test_scribbler },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
