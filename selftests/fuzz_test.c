// SPDX-License-Identifier: GPL-2.0
/*
 * Our hypercalls with any arguments, in every mode: nothing comes back but what the header lists,
 * and in the end host, guest and peer are as well as before.
 */
#include "fuzzer/fuzzer.h"

#define SEED	42
#define BATCH	100	/* calls for which the vCPU stays in one mode */
#define GSI	FUZZ_GSI
#define BELL_GSI 7
#define NAMES	FUZZ_HCALL_NAMES
#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]

static struct rng rng = { SEED };
static struct vm *vm;
static int rx, tx;

static void prepare(void)
{
	struct kvm_pvi_allow slow = {
		.size = sizeof(slow), .gsi = GSI + 1, .rate = 10, .burst = 10,
	};
	u32 i;

	vm = vm_create(1, 0);
	tx = pvi_bind(vm, TX);
	rx = pvi_bind(NULL, RX);
	memcpy(vm->low + NAMES, RX, KVM_PVI_UUID_SIZE);
	memcpy(vm->low + NAMES + 16, TX, KVM_PVI_UUID_SIZE);
	memset(vm->low + NAMES + 32, 0xff, KVM_PVI_UUID_SIZE);
	memcpy(slow.uuid, TX, sizeof(slow.uuid));
	for (i = GSI; i <= GSI + 1; i++) {
		pvi_expose(rx, i, KVM_PVI_GSI_EVENTFD);
		pvi_expose(tx, i, KVM_PVI_GSI_DIRECT);
		pvi_allow(tx, TX, i);
	}
	pvi_wire(rx, GSI, new_eventfd());
	pvi_allow(rx, TX, GSI);
	pvi_ioctl(rx, KVM_PVI_ALLOW, &slow);
	pvi_expose(tx, KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_MSI);
	pvi_allow(tx, TX, KVM_PVI_GSI_ANY);
	pvi_expose(tx, BELL_GSI, KVM_PVI_GSI_DIRECT);
	pvi_bell(tx, 0, BELL_GSI);
	pvi_allow_bell(tx, TX, 0, 0xffff0000ffff);
	pvi_set_port(tx, new_eventfd());
	pvi_connect(tx, RX, GSI);
	pvi_connect(tx, TX, BELL_GSI);
}

/* Returns how many were served without an error */
static u32 fuzz_batch(enum guest_mode mode)
{
	struct vcpu *vcpu = &vm->vcpus[0];
	struct saved_mode saved;
	u32 i, served = 0;

	vcpu_mode_enter(vcpu, mode, &saved);
	for (i = 0; i < BATCH; i++) {
		struct hcall in = fuzz_hcall(&rng, mode), out = in;

		vcpu_mode_hypercall(vcpu, &saved, &out);
		fuzz_check_answer(mode, &in, &out);
		served += (s32)out.rax >= 0;
	}
	vcpu_mode_leave(vcpu, &saved);
	return served;
}

static void check_health(void)
{
	struct hcall reset = { KVM_HC_PVI_RESET }, ring = { KVM_HC_PVI, NAMES, GSI };
	struct vcpu *vcpu = &vm->vcpus[0];

	memcpy(vm->low + NAMES, RX, KVM_PVI_UUID_SIZE);
	ASSERT_EQ(vcpu_hypercall_in_mode(vcpu, GUEST_LONG64, &reset), 0);
	ASSERT_EQ(vcpu_hypercall_in_mode(vcpu, GUEST_LONG64, &ring), KVM_PVI_RAISED);
	pvi_revoke(rx, TX, GSI);
	ring.rax = KVM_HC_PVI;
	ASSERT_EQ(vcpu_hypercall_in_mode(vcpu, GUEST_LONG64, &ring), -EPERM);
	pvi_allow(rx, TX, GSI);
}

static void test_guest(void)
{
	u32 i, served = 0, batches = test_long() ? 1000 : 100;

	prepare();
	for (i = 0; i < batches; i++)
		served += fuzz_batch(i % NR_GUEST_MODES);
	test_diag("%u of %u calls succeeded", served, batches * BATCH);
	ASSERT_GT(served, batches * BATCH / 50);
	check_health();
}

/* Any arguments of KVM_PVI_CALL; PEERS writes to the caller's memory, which here is the test's */
static void test_host(void)
{
	u32 i, calls = test_long() ? 100000 : 10000;
	u64 rbx, nr;
	s64 ret;

	prepare();
	for (i = 0; i < calls; i++) {
		nr = KVM_HC_PVI_BASE + rng_below(&rng, KVM_HC_PVI_NR);
		if (nr == KVM_HC_PVI_PEERS)
			continue;
		ret = pvi_call_rbx(tx, nr, rng_below(&rng, 2) ? (u64)RX : fuzz_argument(&rng),
				   fuzz_argument(&rng), rng_below(&rng, 2) ? fuzz_argument(&rng) : 0,
				   0, &rbx);
		ASSERT_TRUE(fuzz_is_answer(ret));
		ASSERT_TRUE(!rbx || (fuzz_returns_rbx(nr) && ret >= 0));
	}
	check_health();
}

static const struct test_case cases[] = {
	{ "guest", test_guest, 300 },
	{ "host", test_host, 300 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
