// SPDX-License-Identifier: GPL-2.0
/*
 * REVOKE, that nothing is accepted by a row that is gone, and the rows' counters.
 */
#include "pvi_test.h"

#define GSI	5
#define GSI2	6
#define HIDDEN	7	/* not exposed */

#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]

static int rx, tx, sink;

static void prepare(void)
{
	static const u32 gsis[] = { GSI, GSI2 };
	u32 i;

	sink = new_eventfd();
	rx = pvi_bind(NULL, RX);
	tx = pvi_bind(NULL, TX);
	for (i = 0; i < ARRAY_SIZE(gsis); i++) {
		pvi_expose(rx, gsis[i], KVM_PVI_GSI_EVENTFD);
		pvi_wire(rx, gsis[i], sink);
	}
}

static int ring(u32 gsi)
{
	return pvi_call(tx, KVM_HC_PVI, (u64)RX, gsi, 0, 0);
}

static int notify(u32 port)
{
	return pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0);
}

static int revoke_all(const u8 *uuid)
{
	struct kvm_pvi_revoke revoke = { .size = sizeof(revoke), .flags = KVM_PVI_REVOKE_ALL };

	memcpy(revoke.uuid, uuid, sizeof(revoke.uuid));
	return __pvi_ioctl(rx, KVM_PVI_REVOKE, &revoke);
}

/* Exactly the row named, or all of a sender's */
static void test_exact(void)
{
	prepare();
	ASSERT_EQ(__pvi_revoke(rx, TX, GSI), -ENOENT);
	pvi_allow(rx, TX, GSI);
	pvi_allow(rx, TX, GSI2);
	pvi_allow(rx, pvi_uuid[2], GSI);
	ASSERT_EQ(__pvi_revoke(rx, TX, KVM_PVI_GSI_ANY), -ENOENT);
	ASSERT_EQ(__pvi_revoke(rx, pvi_uuid[2], GSI2), -ENOENT);
	pvi_revoke(rx, TX, GSI);
	ASSERT_EQ(ring(GSI), -EPERM);
	ASSERT_EQ(ring(GSI2), KVM_PVI_RAISED);
	ASSERT_EQ(__pvi_revoke(rx, TX, GSI), -ENOENT);
	pvi_revoke(rx, pvi_uuid[2], GSI);
}

static void test_all(void)
{
	prepare();
	ASSERT_EQ(revoke_all(TX), -ENOENT);
	pvi_allow(rx, TX, GSI);
	pvi_allow(rx, TX, GSI2);
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	pvi_allow(rx, pvi_uuid[2], GSI);
	ASSERT_EQ(revoke_all(TX), 0);
	ASSERT_EQ(ring(GSI), -EPERM);
	ASSERT_EQ(ring(GSI2), -EPERM);
	ASSERT_EQ(revoke_all(TX), -ENOENT);
	pvi_revoke(rx, pvi_uuid[2], GSI);
}

/* What was latched before stays owed */
static void test_latched_stays(void)
{
	prepare();
	pvi_allow(rx, TX, GSI);
	pvi_gsi(rx, KVM_PVI_UNWIRE, GSI);
	ASSERT_EQ(ring(GSI), KVM_PVI_LATCHED);
	pvi_revoke(rx, TX, GSI);
	pvi_wire(rx, GSI, sink);
	ASSERT_EQ(read_eventfd(sink), 1);
}

/* For ever: when the row is made anew, when the receiver dies, when it has a successor */
static void test_ports(void)
{
	u32 revoked, by_any, live;

	prepare();
	pvi_allow(rx, TX, GSI);
	revoked = pvi_connect(tx, RX, GSI);
	pvi_revoke(rx, TX, GSI);
	ASSERT_EQ(notify(revoked), -EPERM);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(notify(revoked), -EPERM);
	live = pvi_connect(tx, RX, GSI);
	ASSERT_EQ(notify(live), KVM_PVI_RAISED);
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	by_any = pvi_connect(tx, RX, GSI2);
	pvi_revoke(rx, TX, KVM_PVI_GSI_ANY);
	ASSERT_EQ(notify(by_any), -EPERM);

	close(rx);
	ASSERT_EQ(notify(live), -ENXIO);
	ASSERT_EQ(notify(revoked), -EPERM);
	close(tx);
	prepare();
	pvi_allow(rx, TX, GSI);
	live = pvi_connect(tx, RX, GSI);
	pvi_revoke(rx, TX, GSI);
	close(rx);
	rx = pvi_bind(NULL, RX);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(notify(live), -EPERM);
}

static u64 rings, storm_port;
static bool storm_ends;

static __guest u64 storm(u64 by_uuid)
{
	while (!READ_ONCE(storm_ends)) {
		if (by_uuid)
			guest_hypercall(KVM_HC_PVI, (u64)RX, GSI, 0, 0);
		else
			guest_hypercall(KVM_HC_NOTIFY, READ_ONCE(storm_port), 0, 0, 0);
		WRITE_ONCE(rings, rings + 1);
	}
	return 0;
}

static u64 received(void)
{
	struct kvm_pvi_stats stats = pvi_stats(rx);

	return stats.received.raised + stats.received.coalesced + stats.received.latched;
}

static bool rings_go_on(u64 count)
{
	u64 before = READ_ONCE(rings);

	return wait_until(READ_ONCE(rings) >= before + count, 10000);
}

/* When REVOKE has returned, a guest that never stops ringing is not heard any more */
static void revoke_in_storm(bool by_uuid)
{
	struct vm *vm = vm_create(1, 0);
	u32 i, rounds = test_long() ? 300 : 30;
	u64 before;

	prepare();
	close(tx);
	tx = pvi_bind(vm, TX);
	vcpu_run_thread(&vm->vcpus[0], storm, by_uuid);
	for (i = 0; i < rounds; i++) {
		before = received();
		pvi_allow(rx, TX, GSI);
		WRITE_ONCE(storm_port, pvi_connect(tx, RX, GSI));
		ASSERT_TRUE(wait_until(received() > before, 10000));
		pvi_revoke(rx, TX, GSI);
		before = received();
		read_eventfd(sink);
		ASSERT_TRUE(rings_go_on(5));
		ASSERT_EQ(received(), before);
		ASSERT_EQ(read_eventfd(sink), 0);
		pvi_close_port(tx, storm_port);
	}
	WRITE_ONCE(storm_ends, true);
	vcpu_join(&vm->vcpus[0]);
}

static void test_storm_by_uuid(void)
{
	revoke_in_storm(true);
}

static void test_storm_by_port(void)
{
	revoke_in_storm(false);
}

/* The row of (@uuid, @gsi), and how many rows there are */
static struct kvm_pvi_edge find_edge(const u8 *uuid, u32 gsi, u32 *nr)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) }, found = { };

	for (*nr = 0; !__pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge); ++*nr)
		if (edge.gsi == gsi && !memcmp(edge.uuid, uuid, sizeof(edge.uuid)))
			found = edge;
	ASSERT_EQ(__pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge), -ENOENT);
	return found;
}

static void test_max_senders(void)
{
	u64 usual = read_param("kvm_pvi", "max_senders");
	int third, again, after;
	u32 nr;

	prepare();
	write_param("kvm_pvi", "max_senders", 2);
	pvi_allow(rx, TX, GSI);
	pvi_allow(rx, TX, GSI2);
	third = __pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	again = __pvi_allow(rx, TX, GSI);
	pvi_revoke(rx, TX, GSI2);
	after = __pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	write_param("kvm_pvi", "max_senders", usual);
	ASSERT_EQ(third, -ENOSPC);
	ASSERT_EQ(again, 0);
	ASSERT_EQ(after, 0);
	ASSERT_EQ(find_edge(TX, GSI, &nr).gsi, GSI);
	ASSERT_EQ(nr, 2);
	ASSERT_EQ(__write_param("kvm_pvi", "max_senders", "0"), -EINVAL);
	ASSERT_EQ(__write_param("kvm_pvi", "max_senders", "65537"), -EINVAL);
}

static void check_counts(struct kvm_pvi_counts counts, u64 raised, u64 coalesced, u64 latched,
			 u64 denied, u64 throttled)
{
	ASSERT_EQ(counts.raised, raised);
	ASSERT_EQ(counts.coalesced, coalesced);
	ASSERT_EQ(counts.latched, latched);
	ASSERT_EQ(counts.denied, denied);
	ASSERT_EQ(counts.throttled, throttled);
}

/* Every ring is counted once: by its row, by its sender, by its receiver */
static void test_counters(void)
{
	struct kvm_pvi_allow slow = { .size = sizeof(slow), .gsi = GSI2, .rate = 1, .burst = 1 };
	u32 i, nr, port;

	prepare();
	ASSERT_EQ(ring(GSI), -EPERM);
	pvi_allow(rx, TX, GSI);
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	memcpy(slow.uuid, TX, sizeof(slow.uuid));
	pvi_ioctl(rx, KVM_PVI_ALLOW, &slow);
	port = pvi_connect(tx, RX, GSI);
	for (i = 0; i < 5; i++)
		ASSERT_EQ(i % 2 ? ring(GSI) : notify(port), KVM_PVI_RAISED);
	pvi_gsi(rx, KVM_PVI_UNWIRE, GSI);
	ASSERT_EQ(ring(GSI), KVM_PVI_LATCHED);
	ASSERT_EQ(ring(GSI), KVM_PVI_COALESCED);
	ASSERT_EQ(notify(port), KVM_PVI_COALESCED);
	ASSERT_EQ(ring(GSI2), KVM_PVI_RAISED);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(ring(GSI2), -EAGAIN);
	ASSERT_EQ(ring(HIDDEN), -EPERM);

	check_counts(find_edge(TX, GSI, &nr).counts, 5, 2, 1, 0, 0);
	check_counts(find_edge(TX, GSI2, &nr).counts, 1, 0, 0, 0, 4);
	check_counts(find_edge(TX, KVM_PVI_GSI_ANY, &nr).counts, 0, 0, 0, 1, 0);
	ASSERT_EQ(nr, 3);
	check_counts(pvi_stats(tx).sent, 6, 2, 1, 2, 4);
	check_counts(pvi_stats(rx).received, 6, 2, 1, 2, 4);
	check_counts(pvi_stats(tx).received, 0, 0, 0, 0, 0);
	check_counts(pvi_stats(rx).sent, 0, 0, 0, 0, 0);

	/* Replacing keeps them; revoking takes them along */
	pvi_allow(rx, TX, GSI);
	check_counts(find_edge(TX, GSI, &nr).counts, 5, 2, 1, 0, 0);
	pvi_revoke(rx, TX, GSI);
	find_edge(TX, GSI, &nr);
	ASSERT_EQ(nr, 2);
}

static const struct test_case cases[] = {
	{ "exact", test_exact },
	{ "all", test_all },
	{ "latched_stays", test_latched_stays },
	{ "ports", test_ports },
	{ "storm_by_uuid", test_storm_by_uuid, 300 },
	{ "storm_by_port", test_storm_by_port, 300 },
	{ "max_senders", test_max_senders },
	{ "counters", test_counters },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
