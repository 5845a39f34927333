// SPDX-License-Identifier: GPL-2.0
/*
 * The calls as a guest makes them: in every mode, with everything wrong in turn, and that nothing
 * but RAX changes. And the same calls made by the host.
 */
#include "pvi_test.h"

#define GSI	5
#define BELL_GSI 6	/* of bell 0 */
#define PORT	0	/* an eventfd */
#define VIRTUAL	KVM_PVI_GSI_VIRTUAL
#define MSI	0xfee00000
#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]

#define NAMES_GPA	0x2000	/* in the low memory, for 16 bits: RX, TX, nil, max */
#define GARBAGE		0x7777777700000000

/**
 * struct call - one hypercall
 * @nr: its number less KVM_HC_PVI_BASE
 * @feature: the host serves it if FEATURES has this bit
 * @nargs: it looks at
 * @bank: from 16 and 32 bits it looks at one more
 * @rbx: it returns a value there
 * @args: none of them wrong
 */
static const struct call {
	u32 nr, feature, nargs;
	bool bank, rbx;
	u64 args[4];
} calls[KVM_HC_PVI_NR] = {
	{ KVM_HC_PVI_FEATURES, KVM_PVI_FEAT_PRESENT, 0 },
	{ KVM_HC_PVI, KVM_PVI_FEAT_RING, 2, .args = { NAMES_GPA, GSI } },
	{ KVM_HC_NOTIFY, KVM_PVI_FEAT_RING, 1, .args = { PORT } },
	{ KVM_HC_PVI_CONNECT, KVM_PVI_FEAT_RING, 2, .args = { NAMES_GPA, GSI } },
	{ KVM_HC_PVI_DISCONNECT, KVM_PVI_FEAT_RING, 1, .args = { 4000 } },
	{ KVM_HC_NOTIFY_MANY, KVM_PVI_FEAT_MANY, 2, .rbx = true, .args = { PORT, 1 } },
	{ KVM_HC_PVI_SET_MSI, KVM_PVI_FEAT_MSI, 3, .args = { VIRTUAL, MSI, 0x40 } },
	{ KVM_HC_BELL_SEND, KVM_PVI_FEAT_BELL, 2, .bank = true, .rbx = true, .args = { 4000, 1 } },
	{ KVM_HC_BELL_RECEIVE, KVM_PVI_FEAT_BELL, 2, .bank = true, .rbx = true, .args = { 0, 1 } },
	{ KVM_HC_BELL_MASK, KVM_PVI_FEAT_BELL, 3, .bank = true, .args = { 0, 1, 1 } },
	{ KVM_HC_BELL_RESET, KVM_PVI_FEAT_BELL, 1 },
	{ KVM_HC_PVI_PEERS, KVM_PVI_FEAT_PEERS, 3, .args = { NAMES_GPA + 0x100, 32, 0 } },
	{ KVM_HC_PVI_RESET, KVM_PVI_FEAT_RING, 0 },
	{ KVM_HC_PVI_ARM, KVM_PVI_FEAT_RING, 1, .args = { GSI } },
	{ KVM_HC_PVI_SET_CONFIG, KVM_PVI_FEAT_PEERS, 1, .args = { KVM_PVI_GSI_ANY } },
	{ KVM_HC_PVI_QUERY, KVM_PVI_FEAT_RING, 3, .args = { KVM_PVI_Q_ABI, 0, KVM_PVI_Q_ABI_MAJOR } },
};

#define for_each_call(call) for ((call) = calls; (call) < calls + ARRAY_SIZE(calls); (call)++)

static const enum guest_mode kernel_modes[] = {
	GUEST_REAL16, GUEST_PROT16, GUEST_PROT32, GUEST_COMPAT32, GUEST_LONG64
};

static struct vm *vm;
static struct vcpu *vcpu;
static int rx, tx, sink;

static void fill_names(void)
{
	u8 *names = vm->low + NAMES_GPA;

	memcpy(names, RX, KVM_PVI_UUID_SIZE);
	memcpy(names + 16, TX, KVM_PVI_UUID_SIZE);
	memset(names + 32, 0, KVM_PVI_UUID_SIZE);
	memset(names + 48, 0xff, KVM_PVI_UUID_SIZE);
}

/* A guest whose calls all succeed, and a VMM that has wired port 0 */
static void prepare(void)
{
	vm = vm_create(1, 0);
	vcpu = &vm->vcpus[0];
	fill_names();
	tx = pvi_bind(vm, TX);
	rx = pvi_bind(NULL, RX);
	sink = new_eventfd();
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, GSI, sink);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(pvi_set_port(tx, sink), PORT);
	pvi_expose(tx, GSI, KVM_PVI_GSI_DIRECT);
	pvi_expose(tx, VIRTUAL, KVM_PVI_GSI_MSI);
	pvi_expose(tx, BELL_GSI, KVM_PVI_GSI_DIRECT);
	pvi_bell(tx, 0, BELL_GSI);
}

static const struct call *find_call(u64 nr)
{
	const struct call *call;

	for_each_call(call)
		if (call->nr == (u32)nr)
			return call;
	return NULL;
}

/* The library checks the other registers */
static void check_rbx(u64 nr, u64 before, u64 after, s64 ret)
{
	const struct call *call = find_call(nr);

	if (before != after && !(ret >= 0 && call && call->rbx))
		TEST_FAIL("call %llx, answer %lld: RBX was 0x%llx, is 0x%llx", nr, ret, before,
			  after);
}

static s64 hypercall(enum guest_mode mode, u64 nr, u64 a0, u64 a1, u64 a2, u64 a3)
{
	struct hcall regs = { .rax = nr, .rbx = a0, .rcx = a1, .rdx = a2, .rsi = a3 };
	u64 rax = vcpu_hypercall_in_mode(vcpu, mode, &regs);
	s64 ret = guest_mode_is_64bit(mode) ? (s64)rax : (s32)rax;

	if (!guest_mode_is_64bit(mode))
		ASSERT_EQ(rax >> 32, 0);
	check_rbx(nr, a0, regs.rbx, ret);
	return ret;
}

#define long64(...) hypercall(GUEST_LONG64, __VA_ARGS__)

static s64 make(const struct call *call, enum guest_mode mode, u64 garbage)
{
	const u64 *args = call->args;

	return hypercall(mode, call->nr | garbage, args[0] | garbage, args[1] | garbage,
			 args[2] | garbage, args[3] | garbage);
}

/* The call with one argument that is not as it should be */
static s64 make_with(const struct call *call, enum guest_mode mode, u32 nth, u64 value)
{
	u64 args[4];

	memcpy(args, call->args, sizeof(args));
	args[nth] = value;
	return hypercall(mode, call->nr, args[0], args[1], args[2], args[3]);
}

/* A call that FEATURES does not promise may be there or not */
static bool is_promised(const struct call *call)
{
	return long64(KVM_HC_PVI_FEATURES, 0, 0, 0, 0) & call->feature;
}

static void test_features(void)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };
	size_t i;
	s64 ret;

	prepare();
	pvi_ioctl(tx, KVM_PVI_GET_INFO, &info);
	for (i = 0; i < ARRAY_SIZE(kernel_modes); i++) {
		ret = hypercall(kernel_modes[i], KVM_HC_PVI_FEATURES, 0, 0, 0, 0);
		ASSERT_EQ(ret, info.features);
		ASSERT_TRUE(ret & KVM_PVI_FEAT_PRESENT);
		ASSERT_TRUE(ret & KVM_PVI_FEAT_RING);
		ASSERT_EQ(KVM_PVI_FEAT_MAJOR(ret), KVM_PVI_ABI_MAJOR);
	}
}

/* From 16, 32 and 64 bits the same answer; in the former only the low halves of registers count */
static void test_modes(void)
{
	const struct call *call;
	s64 wide, narrow;
	size_t i;

	prepare();
	for_each_call(call) {
		if (!is_promised(call))
			continue;
		wide = make(call, GUEST_LONG64, 0);
		ASSERT_NE(wide, -KVM_ENOSYS);
		ASSERT_NE(wide, -EINVAL);
		for (i = 0; i < 2 * (ARRAY_SIZE(kernel_modes) - 1); i++) {
			long64(KVM_HC_PVI_RESET, 0, 0, 0, 0);
			narrow = make(call, kernel_modes[i / 2], i % 2 ? GARBAGE : 0);
			if (narrow != wide)
				TEST_FAIL("call %x in %s: %lld, not %lld", call->nr,
					  guest_mode_name[kernel_modes[i / 2]], narrow, wide);
		}
	}
}

/* In 64-bit mode the whole of RAX is the number, and the whole of a register the argument */
static void test_wide(void)
{
	const struct call *call;
	u32 i;
	s64 ret;

	prepare();
	for (i = 32; i < 64; i++)
		ASSERT_EQ(long64(KVM_HC_PVI_FEATURES | 1ULL << i, 0, 0, 0, 0), -KVM_ENOSYS);
	for_each_call(call) {
		ASSERT_EQ(long64(call->nr | GARBAGE, call->args[0], call->args[1], call->args[2],
				 call->args[3]), -KVM_ENOSYS);
		if (call->feature != KVM_PVI_FEAT_RING)
			continue;
		for (i = 0; i < call->nargs; i++) {
			ret = make_with(call, GUEST_LONG64, i, call->args[i] | 1ULL << 32);
			ASSERT_TRUE(ret == -EINVAL || ret == -ENOENT || ret == -EFAULT);
		}
	}
}

/* Ring 3 is refused by KVM itself, bound or not, a number of ours or not */
static void test_ring3(void)
{
	enum guest_mode mode;
	u32 nr;

	prepare();
	for (mode = GUEST_USER32; mode < NR_GUEST_MODES; mode++)
		for (nr = KVM_HC_PVI_BASE - 1; nr <= KVM_HC_PVI_BASE + KVM_HC_PVI_NR; nr++)
			ASSERT_EQ(hypercall(mode, nr, 0, 0, 0, 0), -EPERM);
	close(tx);
	for (mode = GUEST_USER32; mode < NR_GUEST_MODES; mode++)
		ASSERT_EQ(hypercall(mode, KVM_HC_PVI_FEATURES, 0, 0, 0, 0), -EPERM);
}

/* Before BIND and after close() there is nothing, and beyond the block never */
static void test_block(void)
{
	static const u32 beyond[] = {
		KVM_HC_PVI_BASE - 1, KVM_HC_PVI_BASE + KVM_HC_PVI_NR, KVM_HC_PVI_BASE + 0x100,
		KVM_HC_PVI_BASE ^ 0x80000000, 0x7fffffff, 0xffffffff
	};
	const struct call *call;
	size_t i, n;

	prepare();
	for (i = 0; i < ARRAY_SIZE(kernel_modes); i++)
		for (n = 0; n < ARRAY_SIZE(beyond); n++)
			ASSERT_EQ(hypercall(kernel_modes[i], beyond[n], 0, 0, 0, 0), -KVM_ENOSYS);
	close(tx);
	for (i = 0; i < ARRAY_SIZE(kernel_modes); i++)
		for_each_call(call)
			ASSERT_EQ(make(call, kernel_modes[i], 0), -KVM_ENOSYS);
	vcpu = &vm_create(1, 0)->vcpus[0];
	for_each_call(call)
		ASSERT_EQ(make(call, GUEST_LONG64, 0), -KVM_ENOSYS);
}

static void test_unused_arguments(void)
{
	static const u64 values[] = { 1, 0x80000000, 1ULL << 32, 1ULL << 63, ~0ULL };
	const struct call *call;
	u32 i, n;

	prepare();
	for_each_call(call) {
		if (!is_promised(call))
			continue;
		for (i = call->nargs; i < 4; i++)
			for (n = 0; n < ARRAY_SIZE(values); n++)
				ASSERT_EQ(make_with(call, GUEST_LONG64, i, values[n]), -EINVAL);
		for (i = call->nargs + call->bank; i < 4; i++)
			ASSERT_EQ(make_with(call, GUEST_REAL16, i, 1), -EINVAL);
	}
}

/* @nr takes the address of a UUID. On Intel KVM has memory of its own at that of the local APIC */
static void check_addresses(u32 nr)
{
	static const u64 nowhere[] = {
		LOW_SIZE, IOAPIC_BASE, 1ULL << 32, 1ULL << 40, 1ULL << 52, 1ULL << 63, ~0xfULL
	};
	const u64 page = 0x80000000;
	u32 i, slot = vm->nr_slots;
	u8 *mem = vm_add_mem(vm, page, PAGE_SIZE, KVM_MEM_READONLY);

	for (i = 1; i < 16; i++)
		ASSERT_EQ(long64(nr, NAMES_GPA + i, GSI, 0, 0), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(nowhere); i++)
		ASSERT_EQ(long64(nr, nowhere[i], GSI, 0, 0), -EFAULT);
	ASSERT_EQ(long64(nr, NAMES_GPA + 16, GSI, 0, 0), -EPERM);
	ASSERT_EQ(long64(nr, NAMES_GPA + 32, GSI, 0, 0), -EINVAL);
	ASSERT_EQ(long64(nr, NAMES_GPA, KVM_PVI_GSI_MAX, 0, 0), -EINVAL);
	ASSERT_EQ(long64(nr, NAMES_GPA, KVM_PVI_GSI_ANY, 0, 0), -EINVAL);
	/* The last 16 bytes there are, of memory that the guest may only read */
	memcpy(mem + PAGE_SIZE - 16, RX, 16);
	ASSERT_GE(long64(nr, page + PAGE_SIZE - 16, GSI, 0, 0), 0);
	ASSERT_EQ(long64(nr, page + PAGE_SIZE, GSI, 0, 0), -EFAULT);
	vm_unmap_mem(vm, slot);
	ASSERT_EQ(long64(nr, page + PAGE_SIZE - 16, GSI, 0, 0), -EFAULT);
	munmap(mem, PAGE_SIZE);
}

static void test_addresses(void)
{
	prepare();
	check_addresses(KVM_HC_PVI);
	check_addresses(KVM_HC_PVI_CONNECT);
	ASSERT_EQ(long64(KVM_HC_PVI_CONNECT, NAMES_GPA + 48, GSI, 0, 0), -EINVAL);
}

static void test_arm(void)
{
	static const u64 not_mine[] = {
		GSI - 1, KVM_PVI_GSI_MAX, VIRTUAL + 1, KVM_PVI_GSI_ANY, GSI | 1ULL << 32, ~0ULL
	};
	u32 i;

	prepare();
	ASSERT_EQ(long64(KVM_HC_PVI_ARM, GSI, 0, 0, 0), 0);
	for (i = 0; i < ARRAY_SIZE(not_mine); i++)
		ASSERT_EQ(long64(KVM_HC_PVI_ARM, not_mine[i], 0, 0, 0), -ENOENT);
}

/* What the host issues in the guest's name is answered as if the guest had asked */
static void test_host_call(void)
{
	const struct call *call;
	u64 rbx, addr;
	s64 ret;

	prepare();
	for_each_call(call) {
		addr = call->args[0] == NAMES_GPA ? (u64)RX : call->args[0];
		if (!is_promised(call) || call->nr == KVM_HC_PVI_PEERS)
			continue;
		ret = pvi_call_rbx(tx, call->nr, addr, call->args[1], call->args[2],
				   call->args[3], &rbx);
		long64(KVM_HC_PVI_RESET, 0, 0, 0, 0);
		ASSERT_EQ(make(call, GUEST_LONG64, 0), ret);
		long64(KVM_HC_PVI_RESET, 0, 0, 0, 0);
		if (!call->rbx)
			ASSERT_EQ(rbx, 0);
	}
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, 0, GSI, 0, 0), -EFAULT);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)RX + 1, GSI, 0, 0), -EINVAL);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, 1ULL << 63, GSI, 0, 0), -EFAULT);
	ASSERT_EQ(pvi_call(tx, 0, 0, 0, 0, 0), -KVM_ENOSYS);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_BASE - 1, 0, 0, 0, 0), -KVM_ENOSYS);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_BASE + KVM_HC_PVI_NR, 0, 0, 0, 0), -KVM_ENOSYS);
}

static const struct test_case cases[] = {
	{ "features", test_features },
	{ "modes", test_modes },
	{ "wide", test_wide },
	{ "ring3", test_ring3 },
	{ "block", test_block },
	{ "unused_arguments", test_unused_arguments },
	{ "addresses", test_addresses },
	{ "arm", test_arm },
	{ "host_call", test_host_call },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
