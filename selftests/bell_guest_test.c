// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells with bits between guests: all flags from every mode of the CPU, a handler that does
 * not drain and is called again, a pin that takes nothing yet, senders that ring at once.
 */
#include "pvi_test.h"

#define PIN 20
#define VECTOR 0x40
#define BELL 3
#define ALL (~0ULL)
#define NR_SENDERS 2

static struct vm *rx, *tx[NR_SENDERS];
static int rx_fd, tx_fd[NR_SENDERS];
static u32 port[NR_SENDERS];

/* One call by a guest's code, with RBX, RCX, RDX, RSI in and RBX out */
static u64 regs[4];

static __guest u64 guest_call(u64 nr)
{
	return kvm_pvi_hypercall(guest_has_vmmcall, nr, &regs[0], regs[1], regs[2], regs[3]);
}

static s64 call(struct vm *vm, u64 nr, u64 a0, u64 a1, u64 a2, u64 a3)
{
	regs[0] = a0;
	regs[1] = a1;
	regs[2] = a2;
	regs[3] = a3;
	return vcpu_call(&vm->vcpus[0], guest_call, nr);
}

static s64 send(u64 flags)
{
	return call(tx[0], KVM_HC_BELL_SEND, port[0], flags, 0, 0);
}

/* Returns the flags before */
static u64 receive(u64 flags)
{
	ASSERT_EQ(call(rx, KVM_HC_BELL_RECEIVE, BELL, flags, 0, 0), 0);
	return regs[0];
}

/* Sender i may set @bits[i] */
static void make(u32 pin_flags, const u64 *bits)
{
	u32 i;

	rx = vm_create(1, 0);
	rx_fd = pvi_bind(rx, pvi_uuid[0]);
	vm_ioapic_set(rx, PIN, VECTOR, pin_flags, 0);
	pvi_expose(rx_fd, PIN, KVM_PVI_GSI_DIRECT);
	pvi_bell(rx_fd, BELL, PIN);
	for (i = 0; i < NR_SENDERS; i++) {
		tx[i] = vm_create(1, 0);
		tx_fd[i] = pvi_bind(tx[i], pvi_uuid[1 + i]);
		pvi_allow_bell(rx_fd, pvi_uuid[1 + i], BELL, bits[i]);
		port[i] = pvi_connect(tx_fd[i], pvi_uuid[0], PIN);
	}
}

static void make_open(void)
{
	static const u64 bits[NR_SENDERS] = { ALL, ALL };

	make(0, bits);
}

static void test_all_flags(void)
{
	u32 i;

	make_open();
	for (i = 0; i < 64; i++) {
		ASSERT_EQ(send(1ULL << i), KVM_PVI_RAISED);
		ASSERT_EQ(regs[0], (1ULL << i) - 1);
	}
	ASSERT_EQ(send(ALL), KVM_PVI_COALESCED);
	ASSERT_EQ(receive(ALL), ALL);
	ASSERT_EQ(receive(ALL), 0);
}

static void in_mode(struct vm *vm, enum guest_mode mode, u64 nr, const u64 *args, s64 ret, u64 rbx)
{
	u64 mask = guest_mode_is_64bit(mode) ? ~0ULL : 0xffffffff;
	struct hcall h = { nr, args[0], args[1], args[2], args[3] };
	u64 rax = vcpu_hypercall_in_mode(&vm->vcpus[0], mode, &h);

	if (rax != (ret & mask) || h.rbx != rbx)
		TEST_FAIL("%s, call 0x%llx: RAX 0x%llx RBX 0x%llx, not 0x%llx 0x%llx",
			  guest_mode_name[mode], nr, rax, h.rbx, ret & mask, rbx);
}

#define IN_MODE(vm, mode, nr, ret, rbx, ...) \
	in_mode(vm, mode, nr, ((const u64[4]) { __VA_ARGS__ }), ret, rbx)

/* What is in the upper halves does not count in 16 and 32 bits */
#define JUNK (0xdeadbeefULL << 32)

/* Banks: flag 1 is in the first, flag 33 in the second */
static void narrow_calls(enum guest_mode mode)
{
	ASSERT_EQ(call(rx, KVM_HC_BELL_RESET, BELL, 0, 0, 0), 0);
	IN_MODE(tx[0], mode, KVM_HC_BELL_SEND, 0, 0, port[0] | JUNK, 2 | JUNK, JUNK, JUNK);
	IN_MODE(tx[0], mode, KVM_HC_BELL_SEND, 0, 0, port[0], 4, 1);
	IN_MODE(tx[0], mode, KVM_HC_BELL_SEND, 0, 4, port[0], 0x80000000, 1);
	IN_MODE(tx[0], mode, KVM_HC_BELL_SEND, 1, 2, port[0], 2, 0);
	IN_MODE(tx[0], mode, KVM_HC_BELL_SEND, -EINVAL, port[0], port[0], 2, 2);
	IN_MODE(tx[0], mode, KVM_HC_BELL_SEND, -EINVAL, port[0], port[0], JUNK, 0);

	IN_MODE(rx, mode, KVM_HC_BELL_RECEIVE, 0, 0x80000004, BELL, 4 | JUNK, 1 | JUNK);
	IN_MODE(rx, mode, KVM_HC_BELL_RECEIVE, 0, 2, BELL, ALL, 0);
	IN_MODE(rx, mode, KVM_HC_BELL_RECEIVE, -EINVAL, BELL, BELL, JUNK, 0);
	IN_MODE(rx, mode, KVM_HC_BELL_RECEIVE, -EINVAL, BELL, BELL, 1, 2);
	ASSERT_EQ(receive(ALL), 0x80000000ULL << 32);
}

/* Each bank's masks by themselves; both calls leave RBX alone */
static void narrow_masks(enum guest_mode mode)
{
	IN_MODE(rx, mode, KVM_HC_BELL_MASK, 0, BELL, BELL, 0, 0, 1);
	ASSERT_EQ(send(1ULL << 40), KVM_PVI_COALESCED);
	ASSERT_EQ(send(1), KVM_PVI_RAISED);
	ASSERT_EQ(receive(ALL), 1ULL << 40 | 1);
	IN_MODE(rx, mode, KVM_HC_BELL_MASK, 0, BELL, BELL, 0, 0, 0);
	IN_MODE(rx, mode, KVM_HC_BELL_MASK, 0, BELL, BELL, 1 << 8 | JUNK, 1 << 8 | JUNK, 1 | JUNK);
	ASSERT_EQ(send(1), KVM_PVI_COALESCED);
	ASSERT_EQ(send(1ULL << 40), KVM_PVI_RAISED);
	ASSERT_EQ(receive(ALL), 1);
	IN_MODE(rx, mode, KVM_HC_BELL_MASK, -EINVAL, BELL, BELL, 0, 0, 2);
	IN_MODE(rx, mode, KVM_HC_BELL_RESET, 0, BELL, BELL);
	ASSERT_EQ(send(1), KVM_PVI_RAISED);
}

static void test_narrow(void)
{
	enum guest_mode mode;

	make_open();
	for (mode = GUEST_REAL16; mode < GUEST_LONG64; mode++) {
		narrow_calls(mode);
		narrow_masks(mode);
	}
}

static void test_wide(void)
{
	make_open();
	IN_MODE(tx[0], GUEST_LONG64, KVM_HC_BELL_SEND, 0, 0, port[0], ALL);
	IN_MODE(tx[0], GUEST_LONG64, KVM_HC_BELL_SEND, 1, ALL, port[0], 1ULL << 63);
	IN_MODE(tx[0], GUEST_LONG64, KVM_HC_BELL_SEND, -EINVAL, port[0], port[0], 1, 1);
	IN_MODE(rx, GUEST_LONG64, KVM_HC_BELL_MASK, 0, BELL, BELL, 1ULL << 63, 0);
	IN_MODE(rx, GUEST_LONG64, KVM_HC_BELL_MASK, -EINVAL, BELL, BELL, 0, 0, 1);
	IN_MODE(rx, GUEST_LONG64, KVM_HC_BELL_RECEIVE, 0, ALL, BELL, ALL >> 1);
	IN_MODE(rx, GUEST_LONG64, KVM_HC_BELL_RECEIVE, 0, 1ULL << 63, BELL, ALL);
}

/* Ring 3 gets neither flags nor an answer of ours */
static void test_ring3(void)
{
	make_open();
	IN_MODE(tx[0], GUEST_USER64, KVM_HC_BELL_SEND, -EPERM, port[0], port[0], 1);
	IN_MODE(tx[0], GUEST_USER32, KVM_HC_BELL_SEND, -EPERM, port[0], port[0], 1);
	ASSERT_EQ(send(1), KVM_PVI_RAISED);
	ASSERT_EQ(receive(ALL), 1);
}

static u64 left;

/* Takes the lowest flag alone; the line stays up for the rest */
static __guest void on_bell(u8 vector)
{
	u64 flag = left & -left, before = BELL;

	GUEST_ASSERT_EQ(vector, VECTOR);
	GUEST_ASSERT_EQ(kvm_pvi_hypercall(guest_has_vmmcall, KVM_HC_BELL_RECEIVE, &before, flag, 0,
					  0), 0);
	GUEST_ASSERT_EQ(before, left);
	left &= ~flag;
}

static __guest u64 guest_drain(u64 flags)
{
	left = flags;
	guest_on_irq(VECTOR, on_bell);
	guest_sync(1);
	guest_irq_disable();
	while (READ_ONCE(left))
		guest_irq_wait();
	return guest_irq_count(VECTOR);
}

/* The level of the line over an edge pin: 64 flags of one SEND, a flag each interrupt */
static void test_level(void)
{
	make_open();
	vcpu_run_thread(&rx->vcpus[0], guest_drain, ALL);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	ASSERT_EQ(send(ALL), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_join(&rx->vcpus[0]), 64);
	ASSERT_EQ(receive(ALL), 0);
}

static __guest u64 guest_wait_one(u64 arg)
{
	if (arg)
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_ARM, PIN, 0, 0, 0), 0);
	guest_wait_irqs(VECTOR, 1);
	return guest_irq_count(VECTOR);
}

static void latch(void)
{
	static const u64 bits[NR_SENDERS] = { ALL, ALL };

	make(IOAPIC_MASKED, bits);
	ASSERT_EQ(send(1), KVM_PVI_LATCHED);
	ASSERT_EQ(send(1), KVM_PVI_COALESCED);
	ASSERT_EQ(send(2), KVM_PVI_COALESCED);
	vm_ioapic_set(rx, PIN, VECTOR, 0, 0);
}

/* The guest says that its handler is live */
static void test_masked_arm(void)
{
	latch();
	ASSERT_GE(vcpu_call(&rx->vcpus[0], guest_wait_one, 1), 1);
	ASSERT_EQ(receive(ALL), 3);
}

/* The guest knows nothing of latches: the host tries again by itself */
static void test_masked_retry(void)
{
	latch();
	ASSERT_GE(vcpu_call(&rx->vcpus[0], guest_wait_one, 0), 1);
	ASSERT_EQ(receive(ALL), 3);
}

/* The interrupt was taken and nobody received: ARM finds the line up */
static void test_arm_line_up(void)
{
	make_open();
	ASSERT_EQ(send(1), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_call(&rx->vcpus[0], guest_wait_one, 0), 1);
	ASSERT_EQ(call(rx, KVM_HC_PVI_ARM, PIN, 0, 0, 0), 0);
	vcpu_run_thread(&rx->vcpus[0], guest_drain, 1);
	ASSERT_EQ(vcpu_join(&rx->vcpus[0]), 2);
}

#define ROUNDS 200

static u64 sent[NR_SENDERS], seen[NR_SENDERS];

static __guest void on_senders(u8 vector)
{
	u64 flags = BELL, i;

	GUEST_ASSERT_EQ(vector, VECTOR);
	GUEST_ASSERT_EQ(kvm_pvi_hypercall(guest_has_vmmcall, KVM_HC_BELL_RECEIVE, &flags, ALL, 0,
					  0), 0);
	for (i = 0; i < NR_SENDERS; i++)
		if (flags & 1ULL << i)
			WRITE_ONCE(seen[i], READ_ONCE(sent[i]));
}

static __guest u64 guest_serve(u64 arg)
{
	guest_on_irq(VECTOR, on_senders);
	guest_sync(arg);
	guest_irq_disable();
	while (READ_ONCE(seen[0]) < ROUNDS || READ_ONCE(seen[1]) < ROUNDS)
		guest_irq_wait();
	return seen[0] + seen[1];
}

/* Each flag set is one the receiver must see, before the sender goes on */
static __guest u64 guest_ring(u64 me)
{
	u64 mine = 1ULL << me, flags, i;
	s64 ret;

	for (i = 1; i <= ROUNDS; i++) {
		flags = port[me];
		WRITE_ONCE(sent[me], i);
		ret = kvm_pvi_hypercall(guest_has_vmmcall, KVM_HC_BELL_SEND, &flags, mine, 0, 0);
		GUEST_ASSERT_GE(ret, 0);
		GUEST_ASSERT_EQ(flags & ~mine, 0);
		while (READ_ONCE(seen[me]) < i)
			guest_pause();
	}
	return 0;
}

static void test_senders(void)
{
	static const u64 bits[NR_SENDERS] = { 1, 2 };
	u32 i;

	make(0, bits);
	vcpu_run_thread(&rx->vcpus[0], guest_serve, 1);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	for (i = 0; i < NR_SENDERS; i++)
		vcpu_run_thread(&tx[i]->vcpus[0], guest_ring, i);
	for (i = 0; i < NR_SENDERS; i++)
		vcpu_join(&tx[i]->vcpus[0]);
	ASSERT_EQ(vcpu_join(&rx->vcpus[0]), NR_SENDERS * ROUNDS);
	ASSERT_EQ(pvi_stats(tx_fd[0]).sent.denied, 0);
}

static const struct test_case cases[] = {
	{ "all_flags", test_all_flags },
	{ "narrow", test_narrow },
	{ "wide", test_wide },
	{ "ring3", test_ring3 },
	{ "level", test_level },
	{ "masked_arm", test_masked_arm },
	{ "masked_retry", test_masked_retry },
	{ "arm_line_up", test_arm_line_up },
	{ "senders", test_senders },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
