// SPDX-License-Identifier: GPL-2.0
/*
 * What a call costs where tables are full. Each is measured among few and among many, by the
 * TSC, which counts instructions in the rig; the least of many calls, so that what else runs does not
 * show. A call that walks the table costs tens of times as much then; LIMIT is between that and
 * what a hash table's longer chains cost. Where each of the rows is to be looked at once,
 * four times as many may cost six times as much, and not the sixteen of a look at each for each.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pvi_test.h"

#define FEW	64
#define MANY	16384
#define ROWS	49152	/* where each call waits for a grace period, which costs by itself */
#define EXPEDITED "/sys/kernel/rcu_expedited"
#define FIRST	8	/* of the GSIs that are exposed */
#define SAMPLES	40
#define LIMIT	6
#define GSI	5
#define OTHER_GSI 6
#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]

static int rx, tx;
static u64 grant_id, cursor;
static u8 names[ROWS][KVM_PVI_UUID_SIZE] __aligned(16);
static struct kvm_pvi_peer peers[KVM_PVI_PEERS_MAX];

static void make(void)
{
	u32 i;

	write_param("kvm_pvi", "max_senders", 65536);
	write_param("kvm_pvi", "max_gsis", 8192);
	for (i = 0; i < ROWS; i++) {
		memcpy(names[i], RX, sizeof(names[i]));
		names[i][0] = 0xee;
		memcpy(&names[i][12], &i, sizeof(i));
	}
	rx = pvi_bind(NULL, RX);
	tx = pvi_bind(NULL, TX);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, GSI, new_eventfd());
	pvi_allow(rx, TX, GSI);
}

static u64 instructions(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (u64)high << 32 | low;
}

static u64 least(void (*op)(u32 n), u32 n)
{
	u64 best = ~0ULL, start, took;
	u32 i;

	for (i = 0; i < SAMPLES; i++) {
		start = instructions();
		op(n);
		took = instructions() - start;
		best = took < best ? took : best;
	}
	return best;
}

/* @fill(from, to) makes the table's rows number @from to @to - 1; @op gets how many there are */
static void compare_sizes(void (*fill)(u32 from, u32 to), void (*op)(u32 n), u32 few, u32 many)
{
	u64 among_few, among_many;

	fill(0, few);
	among_few = least(op, few);
	fill(few, many);
	among_many = least(op, many);
	test_diag("%llu instructions among %u, %llu among %u", among_few, few, among_many, many);
	ASSERT_LT(among_many, LIMIT * among_few);
}

static void allow_names(u32 from, u32 to)
{
	u32 i;

	for (i = from; i < to; i++)
		pvi_allow(rx, names[i], GSI);
}

static void ring(u32 n)
{
	(void)n;
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0), KVM_PVI_RAISED);
}

static void test_ring(void)
{
	make();
	compare_sizes(allow_names, ring, FEW, MANY);
}

/* The row behind @cursor */
static void get_edge(u32 n)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge), .cursor = cursor };

	(void)n;
	pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge);
}

/* Reading all rows, one call each, comes to the last of them */
static void go_to_last(u32 from, u32 to)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge), .cursor = cursor };
	u32 i;

	allow_names(from, to);
	for (i = from; i < to - !from; i++)
		pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge);
	cursor = edge.cursor;
}

static void test_get_edge(void)
{
	make();
	compare_sizes(go_to_last, get_edge, FEW, MANY);
}

static void revoke_and_allow(u32 n)
{
	pvi_revoke(rx, names[n - 1], GSI);
	pvi_allow(rx, names[n - 1], GSI);
}

static void test_revoke(void)
{
	make();
	compare_sizes(allow_names, revoke_and_allow, FEW, ROWS);
}

static void expose_and_unexpose(u32 n)
{
	(void)n;
	pvi_expose(rx, OTHER_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, OTHER_GSI);
}

static void test_expose(void)
{
	make();
	compare_sizes(allow_names, expose_and_unexpose, FEW, ROWS);
}

static void grant_and_ungrant(u32 n)
{
	int fd = pvi_grant(rx, GSI, 1, &grant_id);

	(void)n;
	pvi_ungrant(rx, grant_id);
	close(fd);
}

static void test_ungrant(void)
{
	make();
	compare_sizes(allow_names, grant_and_ungrant, FEW, ROWS);
}

/*
 * Rows of one sender, all pinned to another user, so that none of them says yes: each is
 * looked at, once
 */
static void pin_rows(u32 from, u32 to)
{
	u32 i;

	for (i = from; i < to; i++)
		ASSERT_EQ(__pvi_allow_owner(rx, TX, KVM_PVI_GSI_VIRTUAL + i, 4711), 0);
}

static void pin_again(u32 n)
{
	ASSERT_EQ(__pvi_allow_owner(rx, TX, KVM_PVI_GSI_VIRTUAL + n - 1, 4711), 0);
}

static void test_pinned_rows(void)
{
	make();
	pvi_revoke(rx, TX, GSI);
	compare_sizes(pin_rows, pin_again, 1024, 4096);
}

static void list_peers(u32 n)
{
	(void)n;
	ASSERT_EQ(pvi_peers(tx, peers, ARRAY_SIZE(peers), 0), 1);
}

static void expose_gsis(u32 from, u32 to)
{
	u32 i;

	for (i = from; i < to; i++)
		pvi_expose(rx, FIRST + i, KVM_PVI_GSI_EVENTFD);
}

/* What a receiver exposes costs its senders nothing */
static void test_peers_of_any(void)
{
	make();
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	compare_sizes(expose_gsis, list_peers, FEW, 4000);
	ASSERT_EQ(peers[0].gsis, 4001);
}

static void allow_gsis(u32 from, u32 to)
{
	u32 i;

	for (i = from; i < to; i++)
		pvi_allow(rx, TX, KVM_PVI_GSI_VIRTUAL + i);
}

/* What it allows them costs as much as there is of it, no more */
static void test_peers_of_rows(void)
{
	make();
	compare_sizes(allow_gsis, list_peers, MANY / 2, MANY);
	ASSERT_EQ(peers[0].gsis, 1);
}

static u64 times_slept(void)
{
	struct rusage usage;

	ASSERT_EQ(getrusage(RUSAGE_THREAD, &usage), 0);
	return usage.ru_nvcsw;
}

/* A VMM that makes its bells before anybody may ring them does not wait for each */
static void test_bells_wait_for_nobody(void)
{
	u64 slept;
	u32 i;

	make();
	expose_gsis(0, 256);
	slept = times_slept();
	for (i = 0; i < 256; i++)
		pvi_bell(rx, i, FIRST + i);
	slept = times_slept() - slept;
	test_diag("256 bells: slept %llu times", slept);
	ASSERT_LT(slept, 32);
}

static const struct test_case cases[] = {
	{ "ring", test_ring, 100 },
	{ "get_edge", test_get_edge, 100 },
	{ "revoke", test_revoke, 100 },
	{ "expose", test_expose, 100 },
	{ "ungrant", test_ungrant, 100 },
	{ "pinned_rows", test_pinned_rows, 100 },
	{ "peers_of_any", test_peers_of_any, 100 },
	{ "peers_of_rows", test_peers_of_rows, 100 },
	{ "bells_wait_for_nobody", test_bells_wait_for_nobody, 100 },
};

static void write_expedited(const char *value)
{
	int fd = open(EXPEDITED, O_WRONLY);

	if (fd < 0 || write(fd, value, 1) != 1) {
		perror(EXPEDITED);
		exit(1);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	int ret;

	/* Otherwise a grace period is some ticks in which nothing is done, and how many is chance. */
	write_expedited("1");
	ret = test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
	write_expedited("0");

	/* As they are by default, for the tests behind this one */
	__write_param("kvm_pvi", "max_senders", "4096");
	__write_param("kvm_pvi", "max_gsis", "1024");
	return ret;
}
