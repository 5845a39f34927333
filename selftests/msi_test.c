// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual GSIs: the guest names the MSI a ring becomes. Vectors beyond the 24 pins, moved between
 * vCPUs while being rung, latched while unset, and every pair that is refused.
 */
#include <fcntl.h>

#include "pvi_test.h"

#define GSI		KVM_PVI_GSI_VIRTUAL
#define NR_VECTORS	100
#define FIRST_VECTOR	0x90	/* behind VEC_LEAVE_USER */
#define VECTOR		0x30
#define MSI		0xfee00000ULL
#define MSI_OF(id)	(MSI | (u64)(id) << 12)
#define RX		pvi_uuid[0]
#define TX		pvi_uuid[1]

static s64 hc(struct vcpu *vcpu, enum guest_mode mode, u32 nr, u64 a0, u64 a1, u64 a2)
{
	struct hcall regs = { .rax = nr, .rbx = a0, .rcx = a1, .rdx = a2 };
	u64 rax = vcpu_hypercall_in_mode(vcpu, mode, &regs);

	return guest_mode_is_64bit(mode) ? (s64)rax : (s32)rax;
}

static s64 set_msi(int fd, u64 gsi, u64 address, u64 data)
{
	return pvi_call(fd, KVM_HC_PVI_SET_MSI, gsi, address, data, 0);
}

static s64 ring(int fd, u32 gsi)
{
	return pvi_call(fd, KVM_HC_PVI, (u64)RX, gsi, 0, 0);
}

/* The state of the only exposed GSI */
static s64 gsi_state(int fd)
{
	return pvi_call(fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_STATE, 0);
}

/* A receiver with one virtual GSI that allows TX all */
static int bind_receiver(struct vm *vm)
{
	int fd = pvi_bind(vm, RX);

	pvi_expose(fd, GSI, KVM_PVI_GSI_MSI);
	pvi_allow(fd, TX, KVM_PVI_GSI_ANY);
	return fd;
}

static __guest u64 take_all(u64 unused)
{
	u32 i;

	(void)unused;
	for (i = 0; i < NR_VECTORS; i++)
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_SET_MSI, GSI + i, MSI,
						FIRST_VECTOR + i, 0), 0);
	guest_sync(1);
	for (i = 0; i < NR_VECTORS; i++)
		guest_wait_irqs(FIRST_VECTOR + i, 1);
	return 0;
}

static void test_vectors(void)
{
	struct vm *vm = vm_create(1, 0);
	int rx = bind_receiver(vm), tx = pvi_bind(NULL, TX);
	u32 i;

	for (i = 1; i < NR_VECTORS; i++)
		pvi_expose(rx, GSI + i, KVM_PVI_GSI_MSI);
	vcpu_run_thread(&vm->vcpus[0], take_all, 0);
	vcpu_wait_sync(&vm->vcpus[0], 1);
	for (i = 0; i < NR_VECTORS; i++)
		ASSERT_EQ(ring(tx, GSI + i), KVM_PVI_RAISED);
	vcpu_join(&vm->vcpus[0]);
	for (i = 0; i < NR_VECTORS; i++)
		ASSERT_EQ(vcpu_irq_count(&vm->vcpus[0], FIRST_VECTOR + i), 1);
}

static struct {
	u64 sent;
	u64 seen;
	u64 moves;
	bool over;
} move;

static void note_seen(u8 vector)
{
	(void)vector;
	WRITE_ONCE(move.seen, READ_ONCE(move.sent));
}

static __guest u64 stay(u64 unused)
{
	(void)unused;
	guest_on_irq(VECTOR, note_seen);
	guest_sync(1);
	while (!READ_ONCE(move.over))
		guest_irq_wait();
	return 0;
}

/* Takes the GSI from vCPU to vCPU and from vector to vector, all the time */
static __guest u64 mover(u64 unused)
{
	u64 address, vector;

	(void)unused;
	guest_on_irq(VECTOR + 1, note_seen);
	guest_irq_enable();
	while (!READ_ONCE(move.over)) {
		address = MSI_OF(move.moves & 1);
		vector = VECTOR + (move.moves & 1);
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_SET_MSI, GSI, address, vector, 0), 0);
		WRITE_ONCE(move.moves, move.moves + 1);
	}
	return 0;
}

static bool arrives(u64 n)
{
	return wait_until(READ_ONCE(move.seen) >= n, 5000);
}

static void test_moved(void)
{
	struct vm *vm = vm_create(2, 0);
	int tx = pvi_bind(NULL, TX);
	u64 n, first, rings = test_long() ? 20000 : 1000;
	s64 verdict;

	bind_receiver(vm);
	vcpu_run_thread(&vm->vcpus[0], stay, 0);
	vcpu_wait_sync(&vm->vcpus[0], 1);
	vcpu_run_thread(&vm->vcpus[1], mover, 0);
	ASSERT_TRUE(wait_until(READ_ONCE(move.moves) > 1, 5000));
	first = move.moves;
	for (n = 1; n <= rings; n++) {
		WRITE_ONCE(move.sent, n);
		verdict = ring(tx, GSI);
		ASSERT_GE(verdict, 0);
		if (!arrives(n))
			TEST_FAIL("ring %llu (verdict %lld) was lost", n, verdict);
	}
	ASSERT_GT(move.moves, first);
	ASSERT_GT(vcpu_irq_count(&vm->vcpus[0], VECTOR), 0);
	ASSERT_GT(vcpu_irq_count(&vm->vcpus[1], VECTOR + 1), 0);
	ASSERT_EQ(vcpu_irq_count(&vm->vcpus[0], VECTOR + 1), 0);
	ASSERT_EQ(vcpu_irq_count(&vm->vcpus[1], VECTOR), 0);
	WRITE_ONCE(move.over, true);
	vcpu_join(&vm->vcpus[1]);
	vcpu_stop(&vm->vcpus[0]);
}

static __guest u64 take(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	return guest_irq_count(VECTOR);
}

static void test_latched(void)
{
	struct vm *vm = vm_create(1, 0);
	struct vcpu *vcpu = &vm->vcpus[0];
	int rx = bind_receiver(vm), tx = pvi_bind(NULL, TX);

	ASSERT_EQ(gsi_state(rx), 0);
	ASSERT_EQ(ring(tx, GSI), KVM_PVI_LATCHED);
	ASSERT_EQ(ring(tx, GSI), KVM_PVI_COALESCED);
	ASSERT_EQ(gsi_state(rx), KVM_PVI_GSI_LATCHED);
	ASSERT_EQ(set_msi(rx, GSI, MSI, VECTOR), 0);
	ASSERT_EQ(gsi_state(rx), KVM_PVI_GSI_WIRED);
	ASSERT_EQ(vcpu_call(vcpu, take, 1), 1);

	ASSERT_EQ(set_msi(rx, GSI, 0, 0), 0);
	ASSERT_EQ(gsi_state(rx), 0);
	ASSERT_EQ(ring(tx, GSI), KVM_PVI_LATCHED);
	/* Nothing is owed any more when the guest starts anew, and nothing is wired */
	ASSERT_EQ(pvi_call(rx, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	ASSERT_EQ(gsi_state(rx), 0);
	ASSERT_EQ(set_msi(rx, GSI, MSI, VECTOR), 0);
	ASSERT_EQ(pvi_call(rx, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	ASSERT_EQ(gsi_state(rx), 0);
	ASSERT_EQ(ring(tx, GSI), KVM_PVI_LATCHED);
	ASSERT_EQ(set_msi(rx, GSI, MSI, VECTOR), 0);
	ASSERT_EQ(vcpu_call(vcpu, take, 2), 2);
}

static __guest u64 enable_and_take(u64 unused)
{
	(void)unused;
	guest_lapic_enable();
	guest_wait_irqs(VECTOR, 1);
	return 0;
}

/* A LAPIC that is off takes nothing, and nobody says when it is on */
static void test_lapic_off(void)
{
	struct vm *vm = vm_create(1, VM_NO_LAPIC_ENABLE);
	int rx = bind_receiver(vm), tx = pvi_bind(NULL, TX);

	ASSERT_EQ(set_msi(rx, GSI, MSI, VECTOR), 0);
	ASSERT_EQ(ring(tx, GSI), KVM_PVI_LATCHED);
	ASSERT_EQ(gsi_state(rx), KVM_PVI_GSI_WIRED | KVM_PVI_GSI_LATCHED);
	vcpu_run_thread(&vm->vcpus[0], enable_and_take, 0);
	vcpu_join(&vm->vcpus[0]);
	ASSERT_TRUE(wait_until(gsi_state(rx) == KVM_PVI_GSI_WIRED, 5000));
}

static void test_values(void)
{
	static const struct { u64 address, data; s64 ret; } values[] = {
		{ MSI, 16, 0 },
		{ MSI, 0xff, 0 },
		{ MSI | 0xfffff, VECTOR, 0 },
		{ MSI | 0xffffff00ULL << 32, VECTOR, 0 },
		{ MSI, VECTOR | 1 << 8, 0 },		/* lowest priority */
		{ MSI, VECTOR | 1 << 14, 0 },		/* asserted */
		{ 0, 0, 0 },
		{ 0, VECTOR, -EINVAL },
		{ MSI - 1, VECTOR, -EINVAL },
		{ MSI + 0x100000, VECTOR, -EINVAL },
		{ 1, VECTOR, -EINVAL },
		{ 1ULL << 32, VECTOR, -EINVAL },
		{ MSI | 1ULL << 32, VECTOR, -EINVAL },
		{ MSI | 1ULL << 39, VECTOR, -EINVAL },
		{ MSI, 0, -EINVAL },
		{ MSI, 15, -EINVAL },
		{ MSI, VECTOR | 2 << 8, -EINVAL },	/* SMI */
		{ MSI, VECTOR | 3 << 8, -EINVAL },	/* reserved */
		{ MSI, VECTOR | 4 << 8, -EINVAL },	/* NMI */
		{ MSI, VECTOR | 5 << 8, -EINVAL },	/* INIT */
		{ MSI, VECTOR | 6 << 8, -EINVAL },	/* SIPI */
		{ MSI, VECTOR | 7 << 8, -EINVAL },	/* ExtINT */
		{ MSI, VECTOR | 1 << 11, -EINVAL },
		{ MSI, VECTOR | 1 << 13, -EINVAL },
		{ MSI, VECTOR | 1 << 15, -EINVAL },	/* level */
		{ MSI, VECTOR | 1 << 16, -EINVAL },
		{ MSI, VECTOR | 1ULL << 31, -EINVAL },
		{ MSI, VECTOR | 1ULL << 32, -EINVAL },
	};
	struct vm *vm = vm_create(1, 0);
	int rx = bind_receiver(vm);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		s64 ret = hc(&vm->vcpus[0], GUEST_LONG64, KVM_HC_PVI_SET_MSI, GSI,
			     values[i].address, values[i].data);

		if (ret != values[i].ret)
			TEST_FAIL("address 0x%llx data 0x%llx: %lld", values[i].address,
				  values[i].data, ret);
		/* What is refused changes nothing: the last good pair unwired it */
		if (ret || !values[i].address)
			ASSERT_EQ(gsi_state(rx), 0);
		else
			ASSERT_EQ(gsi_state(rx), KVM_PVI_GSI_WIRED);
	}
}

static void test_errors(void)
{
	struct vm *vm = vm_create(1, 0);
	int rx = bind_receiver(vm), host = pvi_bind(NULL, TX);

	pvi_expose(rx, 5, KVM_PVI_GSI_DIRECT);
	pvi_expose(rx, 6, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(set_msi(rx, 5, MSI, VECTOR), -EINVAL);
	ASSERT_EQ(set_msi(rx, 6, MSI, VECTOR), -EINVAL);
	ASSERT_EQ(set_msi(rx, 7, MSI, VECTOR), -ENOENT);
	ASSERT_EQ(set_msi(rx, GSI + 1, MSI, VECTOR), -ENOENT);
	ASSERT_EQ(set_msi(rx, KVM_PVI_GSI_VIRTUAL_END, MSI, VECTOR), -ENOENT);
	ASSERT_EQ(set_msi(rx, GSI | 1ULL << 32, MSI, VECTOR), -ENOENT);
	ASSERT_EQ(set_msi(host, GSI, MSI, VECTOR), -ENOENT);
	ASSERT_EQ(pvi_call(rx, KVM_HC_PVI_SET_MSI, GSI, MSI, VECTOR, 1), -EINVAL);

	ASSERT_EQ(__pvi_expose(rx, GSI, KVM_PVI_GSI_MSI), -EEXIST);
	ASSERT_EQ(__pvi_expose(rx, GSI + 1, KVM_PVI_GSI_DIRECT), -EINVAL);
	ASSERT_EQ(__pvi_expose(rx, GSI + 1, KVM_PVI_GSI_EVENTFD), -EINVAL);
	ASSERT_EQ(__pvi_expose(rx, 8, KVM_PVI_GSI_MSI), -EINVAL);
	ASSERT_EQ(__pvi_expose(rx, GSI + 1, KVM_PVI_GSI_MSI + 1), -EINVAL);
	ASSERT_EQ(__pvi_expose(rx, KVM_PVI_GSI_VIRTUAL_END, KVM_PVI_GSI_MSI), -EINVAL);
	ASSERT_EQ(__pvi_expose(rx, KVM_PVI_GSI_MAX, KVM_PVI_GSI_MSI), -EINVAL);
	ASSERT_EQ(__pvi_expose(rx, KVM_PVI_GSI_VIRTUAL_END - 1, KVM_PVI_GSI_MSI), 0);
	ASSERT_EQ(__pvi_expose(host, GSI, KVM_PVI_GSI_MSI), -EOPNOTSUPP);
	ASSERT_EQ(__pvi_gsi(rx, KVM_PVI_UNWIRE, GSI), -EOPNOTSUPP);
	ASSERT_EQ(__pvi_wire(rx, GSI, new_eventfd()), -EOPNOTSUPP);
	ASSERT_EQ(__pvi_expose(pvi_bind(vm_create(0, VM_NO_IRQCHIP), pvi_uuid[2]), GSI,
			       KVM_PVI_GSI_MSI), -EOPNOTSUPP);
}

static void test_modes(void)
{
	static const enum guest_mode modes[] = {
		GUEST_REAL16, GUEST_PROT16, GUEST_PROT32, GUEST_COMPAT32, GUEST_LONG64
	};
	struct vm *vm = vm_create(1, VM_SPLIT_IRQCHIP);
	struct vcpu *vcpu = &vm->vcpus[0];
	int rx = bind_receiver(vm), tx = pvi_bind(NULL, TX);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ASSERT_EQ(hc(vcpu, modes[i], KVM_HC_PVI_FEATURES, 0, 0, 0) & KVM_PVI_FEAT_MSI,
			  KVM_PVI_FEAT_MSI);
		ASSERT_EQ(hc(vcpu, modes[i], KVM_HC_PVI_SET_MSI, GSI, MSI, VECTOR), 0);
		ASSERT_EQ(ring(tx, GSI), KVM_PVI_RAISED);
		ASSERT_EQ(vcpu_call(vcpu, take, i + 1), i + 1);
		ASSERT_EQ(hc(vcpu, modes[i], KVM_HC_PVI_SET_MSI, GSI, 0, 0), 0);
		ASSERT_EQ(gsi_state(rx), 0);
	}
	ASSERT_EQ(hc(vcpu, GUEST_USER64, KVM_HC_PVI_SET_MSI, GSI, MSI, VECTOR), -EPERM);
}

/* The high half of the address reaches APIC IDs beyond 255 */
static void test_wide_id(void)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X2APIC_API,
		.args = { KVM_X2APIC_API_USE_32BIT_IDS },
	};
	struct vm *vm = vm_create(0, 0);
	struct vcpu *low, *high;
	int rx, tx = pvi_bind(NULL, TX);

	vm_ioctl(vm, KVM_ENABLE_CAP, &cap);
	low = vm_vcpu_add(vm, 0x2c);
	high = vm_vcpu_add(vm, 0x12c);
	rx = bind_receiver(vm);
	ASSERT_EQ(set_msi(rx, GSI, MSI_OF(0x2c) | 0x100ULL << 32, VECTOR), 0);
	ASSERT_EQ(ring(tx, GSI), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_call(high, take, 1), 1);
	ASSERT_EQ(set_msi(rx, GSI, MSI_OF(0x2c), VECTOR), 0);
	ASSERT_EQ(ring(tx, GSI), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_call(low, take, 1), 1);
	ASSERT_EQ(vcpu_irq_count(high, VECTOR), 1);
}

/* UNEXPOSE while it is rung and set: nothing of it stays */
static void test_unexpose(void)
{
	struct vm *vm = vm_create(1, 0);
	int rx = bind_receiver(vm), tx = pvi_bind(NULL, TX);

	ASSERT_EQ(set_msi(rx, GSI, MSI, VECTOR), 0);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, GSI);
	ASSERT_EQ(ring(tx, GSI), -EPERM);
	ASSERT_EQ(set_msi(rx, GSI, MSI, VECTOR), -ENOENT);
	pvi_expose(rx, GSI, KVM_PVI_GSI_MSI);
	ASSERT_EQ(ring(tx, GSI), KVM_PVI_LATCHED);
	pvi_gsi(rx, KVM_PVI_KICK, GSI);
	ASSERT_EQ(gsi_state(rx), KVM_PVI_GSI_LATCHED);
	ASSERT_EQ(set_msi(rx, GSI, MSI, VECTOR), 0);
	ASSERT_EQ(vcpu_call(&vm->vcpus[0], take, 1), 1);
}

/* Of all vCPUs none is the one of lowest priority, and nobody says so in the host's log */
static void test_broadcast_lowest(void)
{
	static const struct { u64 address, data; } pairs[] = {
		{ MSI_OF(0xff), VECTOR | 1 << 8 },
		{ MSI_OF(0xff) | 1 << 3, VECTOR },
		{ MSI_OF(0xff) | 1 << 3, VECTOR | 1 << 8 },
		{ MSI_OF(0xff) | 0x100ULL << 32, VECTOR | 1 << 8 },
	};
	struct vm *vm = vm_create(2, 0);
	int rx = bind_receiver(vm), tx = pvi_bind(NULL, TX);
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char line[1024];
	ssize_t len;
	u32 i;

	ASSERT_GE(log, 0);
	ASSERT_EQ(lseek(log, 0, SEEK_END), 0);
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(set_msi(rx, GSI, pairs[i % ARRAY_SIZE(pairs)].address, pairs[i % ARRAY_SIZE(pairs)].data), 0);
		ASSERT_GE(ring(tx, GSI), 0);
		/* By a work, which looks at all vCPUs */
		ASSERT_TRUE(wait_until(gsi_state(rx) == KVM_PVI_GSI_WIRED, 5000));
	}
	while ((len = read(log, line, sizeof(line) - 1)) > 0) {
		line[len] = '\0';
		if (strstr(line, "apic"))
			TEST_FAIL("in the host's log: %s", line);
	}
	ASSERT_EQ(errno, EAGAIN);
	/* To both of them */
	ASSERT_EQ(vcpu_call(&vm->vcpus[0], take, 1), 1);
	ASSERT_EQ(vcpu_call(&vm->vcpus[1], take, 1), 1);
}

static const struct test_case cases[] = {
	{ "vectors", test_vectors },
	{ "moved", test_moved, 120 },
	{ "latched", test_latched },
	{ "lapic_off", test_lapic_off },
	{ "values", test_values },
	{ "errors", test_errors },
	{ "modes", test_modes },
	{ "wide_id", test_wide_id },
	{ "unexpose", test_unexpose },
	{ "broadcast_lowest", test_broadcast_lowest },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
