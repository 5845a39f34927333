// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_HC_PVI_PEERS and KVM_HC_PVI_SET_CONFIG: a sender sees the VMs that let it ring, by numbers of
 * its own that stay, and nobody else; and a guest is interrupted when that changes.
 */
#include "pvi_test.h"

#define GSI		5
#define CONFIG_PIN	21
#define CONFIG_VECTOR	0x41
#define NR_PEERS	70
#define TX		pvi_uuid[0]
#define RX(i)		pvi_uuid[1 + (i)]

static struct kvm_pvi_peer peers[NR_PEERS + 2] __aligned(16);

static s64 peers_of(int fd)
{
	memset(peers, 0xff, sizeof(peers));
	return pvi_peers(fd, peers, ARRAY_SIZE(peers), 0);
}

static int allowing(u32 i, u64 *epoch)
{
	int fd = pvi_bind_epoch(RX(i), epoch);

	pvi_allow(fd, TX, GSI);
	return fd;
}

static void check_peer(u32 at, u32 position, const u8 *uuid, u64 epoch, u32 gsis)
{
	ASSERT_EQ(peers[at].position, position);
	ASSERT_EQ(memcmp(peers[at].uuid, uuid, sizeof(peers[at].uuid)), 0);
	ASSERT_EQ(peers[at].epoch, epoch);
	ASSERT_EQ(peers[at].gsis, gsis);
	ASSERT_EQ(peers[at].__reserved, 0);
}

/* Numbers stay while their peers live; a newcomer gets the lowest that is free */
static void test_positions(void)
{
	u64 epoch[5];
	int rx[5], tx, i;

	for (i = 0; i < 2; i++)
		rx[i] = allowing(i, &epoch[i]);
	tx = pvi_bind(NULL, TX);
	for (i = 2; i < 4; i++)
		rx[i] = allowing(i, &epoch[i]);
	ASSERT_EQ(peers_of(tx), 4);
	for (i = 0; i < 4; i++)
		check_peer(i, i, RX(i), epoch[i], 0);
	/* Nothing is written behind what is there */
	ASSERT_EQ(peers[4].position, 0xffffffff);

	close(rx[1]);
	ASSERT_EQ(peers_of(tx), 3);
	check_peer(0, 0, RX(0), epoch[0], 0);
	check_peer(1, 2, RX(2), epoch[2], 0);
	check_peer(2, 3, RX(3), epoch[3], 0);
	ASSERT_EQ(pvi_peers(tx, peers, 4, 1), 2);
	ASSERT_EQ(peers[0].position, 2);
	ASSERT_EQ(pvi_peers(tx, peers, 4, 4), 0);

	rx[4] = allowing(4, &epoch[4]);
	ASSERT_EQ(peers_of(tx), 4);
	check_peer(1, 1, RX(4), epoch[4], 0);
	pvi_revoke(rx[0], TX, GSI);
	ASSERT_EQ(peers_of(tx), 3);
	check_peer(0, 1, RX(4), epoch[4], 0);

	/* They belong to the name: a sender that comes again finds them as they were */
	close(tx);
	tx = pvi_bind(NULL, TX);
	ASSERT_EQ(peers_of(tx), 3);
	check_peer(0, 1, RX(4), epoch[4], 0);
	check_peer(2, 3, RX(3), epoch[3], 0);
}

static void test_successor(void)
{
	u64 old, new;
	int tx = pvi_bind(NULL, TX), rx = allowing(0, &old), i;

	for (i = 0; i < 20; i++) {
		close(rx);
		ASSERT_EQ(peers_of(tx), 0);
		rx = allowing(0, &new);
		ASSERT_EQ(peers_of(tx), 1);
		check_peer(0, 0, RX(0), new, 0);
		ASSERT_NE(new, old);
		old = new;
	}
}

/* Those that do not allow this sender, or not this owner of its name, are not there */
static void test_hidden(void)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind),
		.flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_GRANTS_ONLY,
		.vm_fd = -1,
	};
	int tx = pvi_bind(NULL, TX), rx = pvi_bind(NULL, RX(0)), pinned, grants = pvi_open();
	u64 epoch;

	memcpy(bind.uuid, RX(2), sizeof(bind.uuid));
	pvi_ioctl(grants, KVM_PVI_BIND, &bind);
	pvi_allow(grants, TX, KVM_PVI_GSI_ANY);
	pvi_allow(rx, RX(3), GSI);
	pinned = pvi_bind_epoch(RX(1), &epoch);
	ASSERT_EQ(__pvi_allow_owner(pinned, TX, GSI, 4711), 0);
	pvi_expose(pinned, GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(peers_of(tx), 0);
	/* Neither does allowing make a peer of who is allowed */
	pvi_allow(tx, RX(0), GSI);
	ASSERT_EQ(peers_of(tx), 0);
	ASSERT_EQ(peers_of(rx), 1);
	ASSERT_EQ(__pvi_allow_owner(pinned, TX, GSI, 0), 0);
	ASSERT_EQ(peers_of(tx), 1);
	check_peer(0, 0, RX(1), epoch, 1);
}

static void test_gsis(void)
{
	u64 epoch;
	int tx = pvi_bind(NULL, TX), rx = allowing(0, &epoch);

	ASSERT_EQ(peers_of(tx), 1);
	check_peer(0, 0, RX(0), epoch, 0);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(rx, GSI + 1, KVM_PVI_GSI_EVENTFD);
	peers_of(tx);
	check_peer(0, 0, RX(0), epoch, 1);
	pvi_allow(rx, TX, GSI + 1);
	pvi_allow(rx, TX, GSI + 2);
	peers_of(tx);
	check_peer(0, 0, RX(0), epoch, 2);
	pvi_expose(rx, GSI + 3, KVM_PVI_GSI_EVENTFD);
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	peers_of(tx);
	check_peer(0, 0, RX(0), epoch, 3);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, GSI);
	peers_of(tx);
	check_peer(0, 0, RX(0), epoch, 2);
	ASSERT_EQ(__pvi_allow_owner(rx, TX, KVM_PVI_GSI_ANY, 4711), 0);
	peers_of(tx);
	check_peer(0, 0, RX(0), epoch, 1);
}

static void test_many(void)
{
	int tx = pvi_bind(NULL, TX);
	u64 epoch[NR_PEERS];
	u32 i;

	for (i = 0; i < NR_PEERS; i++)
		allowing(i, &epoch[i]);
	ASSERT_EQ(peers_of(tx), KVM_PVI_PEERS_MAX);
	for (i = 0; i < KVM_PVI_PEERS_MAX; i++)
		check_peer(i, i, RX(i), epoch[i], 0);
	ASSERT_EQ(pvi_peers(tx, peers, NR_PEERS, KVM_PVI_PEERS_MAX), NR_PEERS - KVM_PVI_PEERS_MAX);
	check_peer(0, KVM_PVI_PEERS_MAX, RX(KVM_PVI_PEERS_MAX), epoch[KVM_PVI_PEERS_MAX], 0);
	for (i = 0; i < NR_PEERS; i++) {
		ASSERT_EQ(pvi_peers(tx, peers, 1, i), 1);
		check_peer(0, i, RX(i), epoch[i], 0);
	}
	ASSERT_EQ(pvi_peers(tx, peers, 9, 3), 9);
	for (i = 0; i < 9; i++)
		check_peer(i, i + 3, RX(i + 3), epoch[i + 3], 0);
}

static void test_errors(void)
{
	u64 epoch, last = -1ULL;
	int tx = pvi_bind(NULL, TX);

	allowing(0, &epoch);
#define PEERS(bytes, first, more) \
	pvi_call(tx, KVM_HC_PVI_PEERS, (u64)peers, bytes, first, more)
	ASSERT_EQ(PEERS(0, 0, 0), -EINVAL);
	ASSERT_EQ(PEERS(31, 0, 0), -EINVAL);
	ASSERT_EQ(PEERS(32, 0, 1), -EINVAL);
	ASSERT_EQ(PEERS(33, 0, 0), 1);
	ASSERT_EQ(PEERS(-1ULL, 0, 0), 1);
	ASSERT_EQ(PEERS(32, 1, 0), 0);
	ASSERT_EQ(PEERS(32, 1ULL << 32, 0), 0);
	ASSERT_EQ(PEERS(32, last, 0), 0);
#undef PEERS
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_PEERS, 0, 32, 0, 0), -EFAULT);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_PEERS, last - 15, 32, 0, 0), -EFAULT);
	/* Nothing to write is nothing that could fail */
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_PEERS, 0, 32, 1, 0), 0);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_FEATURES, 0, 0, 0, 0) & KVM_PVI_FEAT_PEERS,
		  KVM_PVI_FEAT_PEERS);
}

static s64 hc(struct vcpu *vcpu, enum guest_mode mode, u32 nr, u64 a0, u64 a1, u64 a2)
{
	struct hcall regs = { .rax = nr, .rbx = a0, .rcx = a1, .rdx = a2 };
	u64 rax = vcpu_hypercall_in_mode(vcpu, mode, &regs);

	return guest_mode_is_64bit(mode) ? (s64)rax : (s32)rax;
}

#define READ_ONLY	(1UL << 31)
#define ABSENT		(READ_ONLY + (1UL << 20))

static void test_guest_memory(void)
{
	static const enum guest_mode modes[] = { GUEST_REAL16, GUEST_PROT32, GUEST_LONG64 };
	struct vm *vm = vm_create(1, 0);
	struct vcpu *vcpu = &vm->vcpus[0];
	u64 epoch;
	size_t i;

	pvi_bind(vm, TX);
	allowing(0, &epoch);
	vm_add_mem(vm, READ_ONLY, PAGE_SIZE, KVM_MEM_READONLY);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		memset(vm->low + 0x3000, 0xff, 64);
		ASSERT_EQ(hc(vcpu, modes[i], KVM_HC_PVI_PEERS, 0x3000, 64, 0), 1);
		memcpy(peers, vm->low + 0x3000, 64);
		check_peer(0, 0, RX(0), epoch, 0);
		ASSERT_EQ(peers[1].position, 0xffffffff);
		ASSERT_EQ(hc(vcpu, modes[i], KVM_HC_PVI_PEERS, READ_ONLY, 64, 0), -EFAULT);
		ASSERT_EQ(hc(vcpu, modes[i], KVM_HC_PVI_PEERS, ABSENT, 64, 0), -EFAULT);
		/* Over the end of what is there, and at any address that is */
		ASSERT_EQ(hc(vcpu, modes[i], KVM_HC_PVI_PEERS, 0x3ffb, 64, 0), 1);
	}
	ASSERT_EQ(hc(vcpu, GUEST_LONG64, KVM_HC_PVI_PEERS, READ_ONLY - 8, 64, 0), -EFAULT);
}

#define SLOW_GPA (1UL << 31)

static __guest u64 list_slowly(u64 gpa)
{
	return guest_hypercall(KVM_HC_PVI_PEERS, gpa, 32, 0, 0);
}

/* A VMM that does not provide the page holds up nobody but its own guest */
static void test_slow_memory(void)
{
	struct vm *vm = vm_create(1, 0);
	int tx = pvi_bind(vm, TX), rx, other = pvi_bind(NULL, RX(1)), uffd, efd;
	void *slow = uffd_memory(PAGE_SIZE, &uffd);

	rx = pvi_receiver(RX(0), GSI, TX, &efd);
	pvi_allow(rx, RX(1), GSI);
	vm_map_mem(vm, SLOW_GPA, slow, PAGE_SIZE, 0);
	vcpu_run_thread(&vm->vcpus[0], list_slowly, SLOW_GPA);
	ASSERT_TRUE(wait_readable(uffd, 5000));
	ASSERT_EQ(pvi_call(other, KVM_HC_PVI, (u64)RX(0), GSI, 0, 0), KVM_PVI_RAISED);
	pvi_revoke(rx, RX(1), GSI);
	pvi_revoke(rx, TX, GSI);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, GSI);
	close(rx);
	close(pvi_bind(NULL, RX(0)));
	ASSERT_EQ(peers_of(tx), 0);
	close(uffd);
	ASSERT_EQ(vcpu_join(&vm->vcpus[0]), 1);
}

static s64 set_config(int fd, u64 gsi)
{
	return pvi_call(fd, KVM_HC_PVI_SET_CONFIG, gsi, 0, 0, 0);
}

static s64 query_config(int fd)
{
	return pvi_call(fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_SELF, 0, KVM_PVI_Q_SELF_CONFIG, 0);
}

/* Rung once until PEERS is called, for each kind of event */
static void test_config(void)
{
	int tx = pvi_bind(NULL, TX), rx, efd = new_eventfd();
	u64 epoch;

	pvi_expose(tx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(tx, GSI, efd);
	ASSERT_EQ(query_config(tx), -ENOENT);
	close(allowing(0, &epoch));
	ASSERT_TRUE(wait_readable(tx, 5000));
	ASSERT_EQ(read_eventfd(efd), 0);

	ASSERT_EQ(set_config(tx, GSI), 0);
	ASSERT_EQ(query_config(tx), GSI);
	ASSERT_EQ(read_eventfd(efd), 0);
	rx = allowing(0, &epoch);
	ASSERT_EQ(read_eventfd(efd), 1);
	pvi_revoke(rx, TX, GSI);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(read_eventfd(efd), 0);
	ASSERT_EQ(peers_of(tx), 1);
	ASSERT_EQ(read_eventfd(efd), 0);
	pvi_revoke(rx, TX, GSI);
	ASSERT_EQ(read_eventfd(efd), 1);
	peers_of(tx);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(read_eventfd(efd), 1);
	peers_of(tx);
	close(rx);
	ASSERT_TRUE(wait_readable(efd, 5000));
	ASSERT_EQ(read_eventfd(efd), 1);

	/* A sender that is heard of, and that dies */
	peers_of(tx);
	pvi_allow(tx, RX(0), GSI);
	rx = pvi_bind(NULL, RX(0));
	ASSERT_EQ(read_eventfd(efd), 0);
	pvi_connect(rx, TX, GSI);
	ASSERT_EQ(read_eventfd(efd), 1);
	peers_of(tx);
	close(rx);
	ASSERT_TRUE(wait_readable(efd, 5000));
	ASSERT_EQ(read_eventfd(efd), 1);
}

static void test_config_off(void)
{
	int tx = pvi_bind(NULL, TX), efd = new_eventfd();
	u64 epoch;

	pvi_expose(tx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(tx, GSI, efd);
	ASSERT_EQ(set_config(tx, GSI + 1), -ENOENT);
	ASSERT_EQ(set_config(tx, KVM_PVI_GSI_MAX), -ENOENT);
	ASSERT_EQ(set_config(tx, GSI | 1ULL << 32), -ENOENT);
	ASSERT_EQ(set_config(tx, -1ULL), -ENOENT);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_SET_CONFIG, GSI, 1, 0, 0), -EINVAL);
	ASSERT_EQ(query_config(tx), -ENOENT);
	ASSERT_EQ(set_config(tx, GSI), 0);
	ASSERT_EQ(set_config(tx, KVM_PVI_GSI_ANY), 0);
	ASSERT_EQ(query_config(tx), -ENOENT);
	allowing(0, &epoch);
	ASSERT_EQ(set_config(tx, GSI), 0);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	ASSERT_EQ(query_config(tx), -ENOENT);
	allowing(1, &epoch);
	ASSERT_EQ(read_eventfd(efd), 0);
	/* A GSI that went is rung no more; another one may be named */
	ASSERT_EQ(set_config(tx, GSI), 0);
	pvi_gsi(tx, KVM_PVI_UNEXPOSE, GSI);
	allowing(2, &epoch);
	ASSERT_EQ(read_eventfd(efd), 0);
	/* One that cannot be delivered is latched, as any */
	pvi_expose(tx, GSI + 1, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(set_config(tx, GSI + 1), 0);
	allowing(3, &epoch);
	pvi_wire(tx, GSI + 1, efd);
	ASSERT_EQ(read_eventfd(efd), 1);
}

static struct {
	struct kvm_pvi_peer peers[8];
	s64 nr;
} seen __aligned(16);

/* As a guest's driver does: look, sleep, look again */
static __guest u64 watch(u64 until)
{
	s64 nr;

	GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_SET_CONFIG, CONFIG_PIN, 0, 0, 0), 0);
	guest_irq_disable();
	for (;;) {
		nr = guest_hypercall(KVM_HC_PVI_PEERS, (u64)seen.peers, sizeof(seen.peers), 0, 0);
		GUEST_ASSERT_GE(nr, 0);
		WRITE_ONCE(seen.nr, nr);
		if ((u64)nr == until)
			return guest_irq_count(CONFIG_VECTOR);
		guest_irq_wait();
	}
}

static void test_config_guest(void)
{
	struct vm *vm = vm_create(1, 0);
	int tx = pvi_bind(vm, TX), rx[6], i;
	u64 epoch;

	vm_ioapic_set(vm, CONFIG_PIN, CONFIG_VECTOR, 0, 0);
	pvi_expose(tx, CONFIG_PIN, KVM_PVI_GSI_DIRECT);
	vcpu_run_thread(&vm->vcpus[0], watch, 6);
	for (i = 0; i < 6; i++) {
		rx[i] = allowing(i, &epoch);
		ASSERT_TRUE(wait_until(READ_ONCE(seen.nr) == i + 1, 5000));
		if (i == 3) {
			close(rx[0]);
			ASSERT_TRUE(wait_until(READ_ONCE(seen.nr) == 3, 5000));
			rx[0] = allowing(0, &epoch);
			ASSERT_TRUE(wait_until(READ_ONCE(seen.nr) == 4, 5000));
		}
	}
	/* One interrupt for each change at most, and one that is spurious after SET_CONFIG */
	ASSERT_LE(vcpu_join(&vm->vcpus[0]), 9);
}

static bool storm_over;

static __guest u64 list_all(u64 unused)
{
	u64 calls = 0;
	s64 nr;

	(void)unused;
	while (!READ_ONCE(storm_over)) {
		nr = guest_hypercall(KVM_HC_PVI_PEERS, (u64)seen.peers, sizeof(seen.peers), 0, 0);
		GUEST_ASSERT(nr >= 0 && nr <= 8);
		calls++;
	}
	return calls;
}

/* Receivers come, change their rows and go while a guest looks */
static void test_storm(void)
{
	struct vm *vm = vm_create(2, 0);
	int tx = pvi_bind(vm, TX), rx[8], i;
	u64 epoch;

	vcpu_run_thread(&vm->vcpus[0], list_all, 0);
	vcpu_run_thread(&vm->vcpus[1], list_all, 0);
	for (i = 0; i < (test_long() ? 1000 : 100); i++) {
		if (i >= 8)
			close(rx[i % 8]);
		rx[i % 8] = allowing(i % 8, &epoch);
		if (i & 1)
			pvi_revoke(rx[i % 8], TX, GSI);
	}
	ASSERT_TRUE(wait_until(peers_of(tx) == 4, 5000));
	WRITE_ONCE(storm_over, true);
	ASSERT_GT(vcpu_join(&vm->vcpus[0]) + vcpu_join(&vm->vcpus[1]), 2);
}

static const struct test_case cases[] = {
	{ "positions", test_positions },
	{ "successor", test_successor },
	{ "hidden", test_hidden },
	{ "gsis", test_gsis },
	{ "many", test_many },
	{ "errors", test_errors },
	{ "guest_memory", test_guest_memory },
	{ "slow_memory", test_slow_memory },
	{ "config", test_config },
	{ "config_off", test_config_off },
	{ "config_guest", test_config_guest },
	{ "storm", test_storm, 120 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
