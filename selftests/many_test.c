// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_HC_NOTIFY_MANY: many ports in one exit. What was accepted comes back in RBX, every port
 * answers for itself, and nothing else of the guest changes.
 */
#include "pvi_test.h"

#define NR		KVM_PVI_MANY_MAX
#define FIRST_VECTOR	0x90
#define GSI		KVM_PVI_GSI_VIRTUAL
#define MSI		0xfee00000ULL
#define RX		pvi_uuid[0]
#define TX		pvi_uuid[1]

static s64 many(int fd, u64 first, u64 mask, u64 *accepted)
{
	return pvi_call_rbx(fd, KVM_HC_NOTIFY_MANY, first, mask, 0, 0, accepted);
}

static void set_ports(int fd, int *efd, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		efd[i] = new_eventfd();
		ASSERT_EQ(pvi_set_port(fd, efd[i]), i);
	}
}

/* Exactly those of @mask were signalled, once */
static void check_eventfds(const int *efd, u32 nr, u64 mask)
{
	u32 i;

	for (i = 0; i < nr; i++)
		ASSERT_EQ(read_eventfd(efd[i]), mask >> i & 1);
}

static void test_mask(void)
{
	static const u64 masks[] = {
		0, 1, 1ULL << 63, ~0ULL, 0xf0f0f0f0f0f0f0f0, 0x8000000000000001, 0xffffffff00000000,
	};
	int fd = pvi_bind(NULL, TX), efd[NR];
	u64 accepted;
	size_t i;

	set_ports(fd, efd, NR);
	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		ASSERT_EQ(many(fd, 0, masks[i], &accepted), __builtin_popcountll(masks[i]));
		ASSERT_EQ(accepted, masks[i]);
		check_eventfds(efd, NR, masks[i]);
	}
	ASSERT_EQ(many(fd, 60, ~0ULL, &accepted), 4);
	ASSERT_EQ(accepted, 0xf);
	check_eventfds(efd, NR, 0xfULL << 60);
}

static void test_no_port(void)
{
	int fd = pvi_bind(NULL, TX), efd[NR];
	u64 accepted;

	set_ports(fd, efd, NR);
	ASSERT_EQ(many(fd, NR, ~0ULL, &accepted), 0);
	ASSERT_EQ(accepted, 0);
	ASSERT_EQ(many(fd, 0xffffffff, ~0ULL, &accepted), 0);
	ASSERT_EQ(many(fd, 1ULL << 32, ~0ULL, &accepted), 0);
	/* No way around the end of the numbers to port 0 */
	ASSERT_EQ(many(fd, ~0ULL, ~0ULL, &accepted), 0);
	ASSERT_EQ(many(fd, -1ULL - 62, ~0ULL, &accepted), 0);
	check_eventfds(efd, NR, 0);
	pvi_close_port(fd, 3);
	ASSERT_EQ(many(fd, 0, ~0ULL, &accepted), NR - 1);
	ASSERT_EQ(accepted, ~(1ULL << 3));
}

static void allow_limited(int fd, u32 gsi, u32 burst)
{
	struct kvm_pvi_allow allow = {
		.size = sizeof(allow), .gsi = gsi, .rate = 1, .burst = burst,
	};

	memcpy(allow.uuid, TX, sizeof(allow.uuid));
	pvi_ioctl(fd, KVM_PVI_ALLOW, &allow);
}

static int receiver(const u8 *uuid, u32 gsis)
{
	int fd = pvi_bind(NULL, uuid);
	u32 i;

	for (i = 0; i < gsis; i++) {
		pvi_expose(fd, i, KVM_PVI_GSI_EVENTFD);
		pvi_wire(fd, i, new_eventfd());
		pvi_allow(fd, TX, i);
	}
	return fd;
}

/* Raised, latched and coalesced are accepted; throttled, revoked, unexposed and dead are not */
static void test_each(void)
{
	int tx = pvi_bind(NULL, TX), rx = receiver(RX, 6), dead = receiver(pvi_uuid[2], 1);
	u64 accepted;
	u32 i;

	allow_limited(rx, 5, 1);
	for (i = 0; i < 6; i++)
		ASSERT_EQ(pvi_connect(tx, RX, i), i);
	ASSERT_EQ(pvi_connect(tx, pvi_uuid[2], 0), 6);
	ASSERT_EQ(many(tx, 0, 0x7f, &accepted), 7);
	close(dead);
	pvi_revoke(rx, TX, 1);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, 2);
	pvi_gsi(rx, KVM_PVI_UNWIRE, 3);
	ASSERT_EQ(many(tx, 0, 0x7f, &accepted), 3);
	ASSERT_EQ(accepted, 0x19);
	ASSERT_EQ(many(tx, 0, 0x7f, &accepted), 3);
	ASSERT_EQ(accepted, 0x19);
	ASSERT_EQ(pvi_stats(tx).sent.latched, 1);
	ASSERT_EQ(pvi_stats(tx).sent.coalesced, 1);
	ASSERT_EQ(pvi_stats(tx).sent.throttled, 2);
}

static __guest u64 take_all(u64 unused)
{
	u32 i;

	(void)unused;
	for (i = 0; i < NR; i++)
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_SET_MSI, GSI + i, MSI,
						FIRST_VECTOR + i, 0), 0);
	guest_sync(1);
	for (i = 0; i < NR; i++)
		guest_wait_irqs(FIRST_VECTOR + i, 1);
	return 0;
}

static __guest u64 ring_all(u64 first)
{
	u64 rbx = first;

	GUEST_ASSERT_EQ(guest_hypercall_rbx(KVM_HC_NOTIFY_MANY, &rbx, ~0ULL, 0, 0), NR);
	GUEST_ASSERT_EQ(rbx, ~0ULL);
	return 0;
}

/* 64 vectors of another guest, for one exit */
static void test_one_exit(void)
{
	struct vm *rx = vm_create(1, 0), *tx = vm_create(1, 0);
	int rx_fd = pvi_bind(rx, RX), tx_fd = pvi_bind(tx, TX);
	u64 hypercalls, exits;
	u32 i;

	pvi_allow(rx_fd, TX, KVM_PVI_GSI_ANY);
	for (i = 0; i < NR; i++) {
		pvi_expose(rx_fd, GSI + i, KVM_PVI_GSI_MSI);
		ASSERT_EQ(pvi_connect(tx_fd, RX, GSI + i), i);
	}
	vcpu_run_thread(&rx->vcpus[0], take_all, 0);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	hypercalls = vcpu_stat(&tx->vcpus[0], "hypercalls");
	vcpu_call(&tx->vcpus[0], ring_all, 0);
	ASSERT_EQ(vcpu_stat(&tx->vcpus[0], "hypercalls") - hypercalls, 1);
	vcpu_join(&rx->vcpus[0]);
	for (i = 0; i < NR; i++)
		ASSERT_EQ(vcpu_irq_count(&rx->vcpus[0], FIRST_VECTOR + i), 1);
	/* The others are the end of the guest and what the host's timer does */
	exits = vcpu_stat(&tx->vcpus[0], "exits");
	vcpu_call(&tx->vcpus[0], ring_all, 0);
	ASSERT_LT(vcpu_stat(&tx->vcpus[0], "exits") - exits, NR / 2);
}

static void test_modes(void)
{
	static const enum guest_mode modes[] = {
		GUEST_REAL16, GUEST_PROT16, GUEST_PROT32, GUEST_COMPAT32, GUEST_LONG64
	};
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_bind(vm, TX), efd[NR];
	struct hcall regs;
	u64 mask, ret;
	size_t i;

	set_ports(fd, efd, NR);
	pvi_close_port(fd, 1);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		mask = guest_mode_is_64bit(modes[i]) ? ~0ULL : 0xffffffff;
		regs = (struct hcall){ .rax = KVM_HC_NOTIFY_MANY, .rcx = ~0ULL };
		/* Halves that narrow code cannot see do not count */
		if (!guest_mode_is_64bit(modes[i]))
			regs.rbx = 7ULL << 32;
		ret = vcpu_hypercall_in_mode(&vm->vcpus[0], modes[i], &regs);
		ASSERT_EQ(ret, __builtin_popcountll(mask) - 1);
		ASSERT_EQ(regs.rbx, mask & ~2ULL);
		check_eventfds(efd, NR, mask & ~2ULL);
	}
}

/* An error leaves RBX as it was */
static void test_error(void)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_bind(vm, TX), efd[1];
	struct hcall regs = { .rax = KVM_HC_NOTIFY_MANY, .rbx = 0, .rcx = 1, .rsi = 1 };
	u64 accepted = 1;

	set_ports(fd, efd, 1);
	ASSERT_EQ(vcpu_hypercall_in_mode(&vm->vcpus[0], GUEST_LONG64, &regs), -EINVAL);
	ASSERT_EQ(regs.rbx, 0);
	regs = (struct hcall){ .rax = KVM_HC_NOTIFY_MANY, .rbx = 77, .rcx = 1, .rdx = 1 };
	ASSERT_EQ(vcpu_hypercall_in_mode(&vm->vcpus[0], GUEST_LONG64, &regs), -EINVAL);
	ASSERT_EQ(regs.rbx, 77);
	ASSERT_EQ(vcpu_hypercall_in_mode(&vm->vcpus[0], GUEST_USER64, &regs), -EPERM);
	ASSERT_EQ(pvi_call_rbx(fd, KVM_HC_NOTIFY_MANY, 0, 1, 1, 0, &accepted), -EINVAL);
	ASSERT_EQ(accepted, 0);
	check_eventfds(efd, 1, 0);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_FEATURES, 0, 0, 0, 0) & KVM_PVI_FEAT_MANY,
		  KVM_PVI_FEAT_MANY);
}

static struct {
	u64 rung;
	bool over;
} storm;

static __guest u64 storm_guest(u64 unused)
{
	u64 count, rbx, rung = 0;

	(void)unused;
	while (!READ_ONCE(storm.over)) {
		rbx = 0;
		count = guest_hypercall_rbx(KVM_HC_NOTIFY_MANY, &rbx, ~0ULL, 0, 0);
		GUEST_ASSERT_EQ(count, __builtin_popcountll(rbx));
		rung += count;
	}
	return rung;
}

/* Ports are closed and opened while two vCPUs ring all of them: no ring is lost or invented */
static void test_storm(void)
{
	struct vm *vm = vm_create(2, 0);
	int fd = pvi_bind(vm, TX), efd[NR];
	u64 signalled = 0;
	u32 i, round;

	set_ports(fd, efd, NR);
	vcpu_run_thread(&vm->vcpus[0], storm_guest, 0);
	vcpu_run_thread(&vm->vcpus[1], storm_guest, 0);
	for (round = 0; round < (test_long() ? 200 : NR); round++) {
		i = round % NR;
		pvi_close_port(fd, i);
		signalled += read_eventfd(efd[i]);
		sched_yield();
		ASSERT_EQ(read_eventfd(efd[i]), 0);
		ASSERT_EQ(pvi_set_port(fd, efd[i]), i);
	}
	WRITE_ONCE(storm.over, true);
	storm.rung = vcpu_join(&vm->vcpus[0]) + vcpu_join(&vm->vcpus[1]);
	for (i = 0; i < NR; i++)
		signalled += read_eventfd(efd[i]);
	ASSERT_EQ(signalled, storm.rung);
	ASSERT_GT(signalled, 0);
}

static const struct test_case cases[] = {
	{ "mask", test_mask },
	{ "no_port", test_no_port },
	{ "each", test_each },
	{ "one_exit", test_one_exit },
	{ "modes", test_modes },
	{ "error", test_error },
	{ "storm", test_storm },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
