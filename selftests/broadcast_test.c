// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_HC_PVI with the max UUID: every VM that lets this sender ring that GSI, 64 positions a
 * call, and how many accepted. Nobody else, nobody twice, and never for long.
 */
#include "pvi_test.h"

#define GSI		5
#define NR_RECEIVERS	70
#define TX		pvi_uuid[0]
#define RX(i)		pvi_uuid[1 + (i)]

static u8 all[KVM_PVI_UUID_SIZE] __aligned(16) = { [0 ... 15] = 0xff };

static s64 broadcast(int fd, u64 gsi, u64 first)
{
	return pvi_call(fd, KVM_HC_PVI, (u64)all, gsi, first, 0);
}

static void test_all(void)
{
	int tx = pvi_bind(NULL, TX), efd[NR_RECEIVERS];
	u32 i;

	ASSERT_EQ(broadcast(tx, GSI, 0), 0);
	for (i = 0; i < NR_RECEIVERS; i++)
		pvi_receiver(RX(i), GSI, TX, &efd[i]);
	ASSERT_EQ(broadcast(tx, GSI, 0), KVM_PVI_BROADCAST_MAX);
	for (i = 0; i < NR_RECEIVERS; i++)
		ASSERT_EQ(read_eventfd(efd[i]), i < KVM_PVI_BROADCAST_MAX);
	ASSERT_EQ(broadcast(tx, GSI, KVM_PVI_BROADCAST_MAX), NR_RECEIVERS - KVM_PVI_BROADCAST_MAX);
	for (i = 0; i < NR_RECEIVERS; i++)
		ASSERT_EQ(read_eventfd(efd[i]), i >= KVM_PVI_BROADCAST_MAX);
	ASSERT_EQ(broadcast(tx, GSI, 2 * KVM_PVI_BROADCAST_MAX), 0);
	/* Any position may be the first */
	ASSERT_EQ(broadcast(tx, GSI, 3), KVM_PVI_BROADCAST_MAX);
	for (i = 0; i < NR_RECEIVERS; i++)
		ASSERT_EQ(read_eventfd(efd[i]), i >= 3 && i < 3 + KVM_PVI_BROADCAST_MAX);
	ASSERT_EQ(pvi_stats(tx).sent.raised, NR_RECEIVERS + KVM_PVI_BROADCAST_MAX);
}

/* Who is rung is who PEERS shows, as far as that GSI is exposed and allowed */
static void test_who(void)
{
	int tx = pvi_bind(NULL, TX), efd[8], fd[8], i;
	static const u64 rung[] = { 1, 1, 0, 0, 0, 0, 0, 1 };

	for (i = 0; i < 8; i++)
		fd[i] = pvi_receiver(RX(i), GSI, TX, &efd[i]);
	pvi_revoke(fd[1], TX, GSI);
	pvi_allow(fd[1], TX, KVM_PVI_GSI_ANY);
	pvi_revoke(fd[2], TX, GSI);
	pvi_allow(fd[2], TX, GSI + 1);
	ASSERT_EQ(__pvi_allow_owner(fd[3], TX, GSI, 4711), 0);
	pvi_gsi(fd[4], KVM_PVI_UNEXPOSE, GSI);
	pvi_revoke(fd[5], TX, GSI);
	close(fd[6]);
	ASSERT_EQ(broadcast(tx, GSI, 0), 3);
	for (i = 0; i < 8; i++)
		ASSERT_EQ(read_eventfd(efd[i]), rung[i]);
	/* Nobody was refused: a broadcast names nobody */
	ASSERT_EQ(pvi_stats(tx).sent.denied, 0);
	ASSERT_EQ(pvi_stats(fd[4]).received.denied, 0);
	ASSERT_EQ(broadcast(tx, GSI + 1, 0), 0);
	pvi_expose(fd[2], GSI + 1, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(broadcast(tx, GSI + 1, 0), 1);
}

static void test_grants_only(void)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind),
		.flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_GRANTS_ONLY,
		.vm_fd = -1,
	};
	int tx = pvi_bind(NULL, TX), rx = pvi_open(), efd;

	memcpy(bind.uuid, RX(0), sizeof(bind.uuid));
	pvi_ioctl(rx, KVM_PVI_BIND, &bind);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(rx, TX, GSI);
	pvi_receiver(RX(1), GSI, TX, &efd);
	ASSERT_EQ(broadcast(tx, GSI, 0), 1);
	ASSERT_EQ(read_eventfd(efd), 1);
	ASSERT_EQ(pvi_stats(rx).received.latched, 0);
}

/* Latched and coalesced rings are accepted, throttled ones are not */
static void test_verdicts(void)
{
	int tx = pvi_bind(NULL, TX), efd[2], fd[2], i;

	for (i = 0; i < 2; i++)
		fd[i] = pvi_receiver(RX(i), GSI, TX, &efd[i]);
	pvi_gsi(fd[0], KVM_PVI_UNWIRE, GSI);
	pvi_allow_rate(fd[1], TX, GSI, 1, 1);
	ASSERT_EQ(broadcast(tx, GSI, 0), 2);
	ASSERT_EQ(broadcast(tx, GSI, 0), 1);
	ASSERT_EQ(pvi_stats(tx).sent.raised, 1);
	ASSERT_EQ(pvi_stats(tx).sent.latched, 1);
	ASSERT_EQ(pvi_stats(tx).sent.coalesced, 1);
	ASSERT_EQ(pvi_stats(tx).sent.throttled, 1);
	pvi_wire(fd[0], GSI, efd[0]);
	ASSERT_EQ(read_eventfd(efd[0]), 1);
}

/* One that died leaves a gap, which the next newcomer fills */
static void test_gap(void)
{
	int tx = pvi_bind(NULL, TX), efd[NR_RECEIVERS], fd[NR_RECEIVERS];
	u32 i;

	for (i = 0; i < NR_RECEIVERS; i++)
		fd[i] = pvi_receiver(RX(i), GSI, TX, &efd[i]);
	close(fd[10]);
	ASSERT_EQ(broadcast(tx, GSI, 0), KVM_PVI_BROADCAST_MAX - 1);
	ASSERT_EQ(read_eventfd(efd[KVM_PVI_BROADCAST_MAX]), 0);
	pvi_receiver(RX(10), GSI, TX, &efd[10]);
	ASSERT_EQ(broadcast(tx, GSI, 0), KVM_PVI_BROADCAST_MAX);
	ASSERT_EQ(read_eventfd(efd[10]), 1);
}

static void test_errors(void)
{
	int tx = pvi_bind(NULL, TX), efd;
	static u8 nil[KVM_PVI_UUID_SIZE] __aligned(16);
	static u8 nearly[KVM_PVI_UUID_SIZE] __aligned(16) = { [0 ... 14] = 0xff };

	pvi_receiver(RX(0), GSI, TX, &efd);
	ASSERT_EQ(broadcast(tx, KVM_PVI_GSI_MAX, 0), -EINVAL);
	ASSERT_EQ(broadcast(tx, KVM_PVI_GSI_ANY, 0), -EINVAL);
	ASSERT_EQ(broadcast(tx, KVM_PVI_GSI_VIRTUAL, 0), 0);
	ASSERT_EQ(broadcast(tx, GSI, 1), 0);
	ASSERT_EQ(broadcast(tx, GSI, 0xffffffff), 0);
	ASSERT_EQ(broadcast(tx, GSI, 1ULL << 32), 0);
	ASSERT_EQ(broadcast(tx, GSI, -1ULL), 0);
	ASSERT_EQ(broadcast(tx, GSI, -63ULL), 0);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)all, GSI, 0, 1), -EINVAL);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)all + 8, GSI, 0, 0), -EINVAL);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)nil, GSI, 0, 0), -EINVAL);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)nearly, GSI, 0, 0), -EPERM);
	/* A position is for broadcast alone */
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)RX(0), GSI, 1, 0), -EINVAL);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_CONNECT, (u64)all, GSI, 0, 0), -EINVAL);
	ASSERT_EQ(__pvi_allow(tx, all, GSI), -EINVAL);
	ASSERT_EQ(__pvi_bind(pvi_open(), NULL, all), -EINVAL);
	ASSERT_EQ(read_eventfd(efd), 0);
}

static s64 hc(struct vcpu *vcpu, enum guest_mode mode, u64 a0, u64 a1, u64 a2)
{
	struct hcall regs = { .rax = KVM_HC_PVI, .rbx = a0, .rcx = a1, .rdx = a2 };
	u64 rax = vcpu_hypercall_in_mode(vcpu, mode, &regs);

	return guest_mode_is_64bit(mode) ? (s64)rax : (s32)rax;
}

static void test_modes(void)
{
	static const enum guest_mode modes[] = {
		GUEST_REAL16, GUEST_PROT16, GUEST_PROT32, GUEST_COMPAT32, GUEST_LONG64
	};
	struct vm *vm = vm_create(1, 0);
	int efd[3];
	size_t i;
	u32 r;

	pvi_bind(vm, TX);
	for (r = 0; r < 3; r++)
		pvi_receiver(RX(r), GSI, TX, &efd[r]);
	memset(vm->low + 0x3000, 0xff, KVM_PVI_UUID_SIZE);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ASSERT_EQ(hc(&vm->vcpus[0], modes[i], 0x3000, GSI, 0), 3);
		ASSERT_EQ(hc(&vm->vcpus[0], modes[i], 0x3000, GSI, 2), 1);
		for (r = 0; r < 3; r++)
			ASSERT_EQ(read_eventfd(efd[r]), r == 2 ? 2 : 1);
	}
}

static struct {
	struct kvm_pvi_peer peer;
	u64 accepted;
	bool over;
} guest __aligned(16);

/* As the documentation says: go on until PEERS has no more */
static __guest u64 ring_everybody(u64 unused)
{
	u64 first, accepted = 0;

	(void)unused;
	for (first = 0; guest_hypercall(KVM_HC_PVI_PEERS, (u64)&guest.peer, sizeof(guest.peer),
					first, 0) > 0; first += KVM_PVI_BROADCAST_MAX)
		accepted += guest_hypercall(KVM_HC_PVI, (u64)all, GSI, first, 0);
	return accepted;
}

static void test_guest(void)
{
	struct vm *vm = vm_create(1, 0);
	int efd[NR_RECEIVERS];
	u64 hypercalls;
	u32 i;

	pvi_bind(vm, TX);
	for (i = 0; i < NR_RECEIVERS; i++)
		pvi_receiver(RX(i), GSI, TX, &efd[i]);
	hypercalls = vcpu_stat(&vm->vcpus[0], "hypercalls");
	ASSERT_EQ(vcpu_call(&vm->vcpus[0], ring_everybody, 0), NR_RECEIVERS);
	ASSERT_EQ(vcpu_stat(&vm->vcpus[0], "hypercalls") - hypercalls, 5);
	for (i = 0; i < NR_RECEIVERS; i++)
		ASSERT_EQ(read_eventfd(efd[i]), 1);
}

static __guest u64 storm(u64 unused)
{
	u64 accepted = 0;
	s64 nr;

	(void)unused;
	while (!READ_ONCE(guest.over)) {
		nr = guest_hypercall(KVM_HC_PVI, (u64)all, GSI, 0, 0);
		GUEST_ASSERT(nr >= 0 && nr <= KVM_PVI_BROADCAST_MAX);
		accepted += nr;
	}
	return accepted;
}

/* Receivers come and go while two vCPUs ring all of them: accepted is delivered, once */
static void test_storm(void)
{
	struct vm *vm = vm_create(2, 0);
	int efd[16], fd[16], i;
	u64 rung = 0;

	pvi_bind(vm, TX);
	for (i = 0; i < 16; i++)
		fd[i] = pvi_receiver(RX(i), GSI, TX, &efd[i]);
	vcpu_run_thread(&vm->vcpus[0], storm, 0);
	vcpu_run_thread(&vm->vcpus[1], storm, 0);
	for (i = 0; i < (test_long() ? 1000 : 80); i++) {
		int at = i % 16;

		if (i & 1) {
			pvi_revoke(fd[at], TX, GSI);
			rung += read_eventfd(efd[at]);
			sched_yield();
			ASSERT_EQ(read_eventfd(efd[at]), 0);
			pvi_allow(fd[at], TX, GSI);
			continue;
		}
		/* UNEXPOSE waits for the rings in flight, so that none is missed below */
		pvi_gsi(fd[at], KVM_PVI_UNEXPOSE, GSI);
		rung += read_eventfd(efd[at]);
		close(efd[at]);
		close(fd[at]);
		fd[at] = pvi_receiver(RX(at), GSI, TX, &efd[at]);
	}
	WRITE_ONCE(guest.over, true);
	guest.accepted = vcpu_join(&vm->vcpus[0]) + vcpu_join(&vm->vcpus[1]);
	for (i = 0; i < 16; i++)
		rung += read_eventfd(efd[i]);
	/* In a new life a GSI is exposed before it is wired; nobody may ring it before it is both */
	ASSERT_EQ(rung, guest.accepted);
	ASSERT_GT(rung, 0);
}

static const struct test_case cases[] = {
	{ "all", test_all },
	{ "who", test_who },
	{ "grants_only", test_grants_only },
	{ "verdicts", test_verdicts },
	{ "gap", test_gap },
	{ "errors", test_errors },
	{ "modes", test_modes },
	{ "guest", test_guest },
	{ "storm", test_storm, 120 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
