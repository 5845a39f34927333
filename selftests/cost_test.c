// SPDX-License-Identifier: GPL-2.0
/*
 * What a call costs where tables are full. Each is measured among few and among many, by the
 * TSC, which counts instructions in the rig; the least of many calls, so that what else runs does not
 * show. A call that walks the table costs tens of times as much then; LIMIT is between that and
 * what a hash table's longer chains cost. Where each of the rows is to be looked at once,
 * four times as many may cost six times as much, and not the sixteen of a look at each for each.
 *
 * And how long others have to wait meanwhile: the longest stretch in which a thread that goes before all
 * others did not get the processor.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cost.h"
#include "pvi_test.h"

#define FEW	64
#define MANY	16384
#define ROWS	49152	/* where each call waits for a grace period, which costs by itself */
#define FIRST	8	/* of the GSIs that are exposed */
#define SAMPLES	40
#define LIMIT	6
#define PER_ROW	33	/* instructions for a row that PEERS looks at: locking.rst */
#define PER_GSI	45	/* for a GSI that QUERY passes over */
#define PER_EDGE 5000	/* for a row that goes with its receiver: api.rst */
#define STRETCH	(4 * 1000 * 1000)
#define VMS	2048
#define RECEIVERS 8
#define RECEIVER_ROWS 8192
#define WAITERS	1000	/* for one eventfd: 130,000 instructions a ring */
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

/* What was compared last */
static u64 among_few, among_many;
static u32 more_rows;

/* @fill(from, to) makes the table's rows number @from to @to - 1; @op gets how many there are */
static void compare_each(void (*fill)(u32 from, u32 to), void (*op)(u32 n), u32 few, u32 many)
{
	fill(0, few);
	among_few = least(op, few);
	fill(few, many);
	among_many = least(op, many);
	more_rows = many - few;
	test_diag("%llu instructions among %u, %llu among %u", among_few, few, among_many, many);
}

static void compare_sizes(void (*fill)(u32 from, u32 to), void (*op)(u32 n), u32 few, u32 many)
{
	compare_each(fill, op, few, many);
	ASSERT_LT(among_many, LIMIT * among_few);
}

/* Each of the rows that were more cost so many instructions at most */
static void expect_each(u32 most)
{
	test_diag("%llu each", (among_many - among_few) / more_rows);
	ASSERT_LE(among_many - among_few, (u64)more_rows * most);
}

/*
 * While @op is done by this thread, and what it has others do by them, everybody else gets on after @most
 * instructions
 */
static void expect_shorter(const char *what, void (*op)(u32 n), u32 n, u64 most)
{
	struct cost cost = cost_of(op, n);

	test_diag("%s: %llu instructions, %llu of them in a row", what, cost.took, cost.in_a_row);
	ASSERT_LT(cost.in_a_row, most);
}

static void expect_short(const char *what, void (*op)(u32 n), u32 n)
{
	expect_shorter(what, op, n, STRETCH);
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
	compare_sizes(allow_gsis, list_peers, MANY / 4, MANY);
	ASSERT_EQ(peers[0].gsis, 1);
	expect_each(PER_ROW);
}

/* The last GSI, which is found by passing over the others */
static void query_last(u32 n)
{
	ASSERT_EQ(pvi_call(rx, KVM_HC_PVI_QUERY, KVM_PVI_Q_GSI, n, KVM_PVI_Q_GSI_NUMBER, 0),
		  FIRST + n - 1);
}

static void test_query(void)
{
	make();
	compare_each(expose_gsis, query_last, FEW, 4000);
	expect_each(PER_GSI);
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

static void read_text(const char *path)
{
	static char text[1 << 16];
	int fd = open(path, O_RDONLY);

	ASSERT_GE(fd, 0);
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

static void read_edges(u32 n)
{
	(void)n;
	read_text("/sys/kernel/debug/kvm_pvi/edges");
}

static void read_vms(u32 n)
{
	(void)n;
	read_text("/sys/kernel/debug/kvm_pvi/vms");
}

static void read_fdinfo(u32 fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%u", fd);
	read_text(path);
}

static void test_stretch_debugfs(void)
{
	struct rlimit files = { VMS + 100, VMS + 100 };
	u32 i;

	make();
	allow_names(0, MANY);
	expect_short("edges", read_edges, 0);
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (i = 0; i < VMS; i++)
		pvi_bind(NULL, names[i]);
	expect_short("vms", read_vms, 0);
}

static void revoke_all(u32 n)
{
	struct kvm_pvi_revoke revoke = { .size = sizeof(revoke), .flags = KVM_PVI_REVOKE_ALL };

	(void)n;
	memcpy(revoke.uuid, TX, sizeof(revoke.uuid));
	pvi_ioctl(rx, KVM_PVI_REVOKE, &revoke);
}

static void reset(u32 n)
{
	(void)n;
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
}

static void get_state(u32 length)
{
	static u8 blob[KVM_PVI_STATE_MAX];
	struct kvm_pvi_state arg = {
		.size = sizeof(arg), .address = (u64)blob, .length = length,
	};

	pvi_ioctl(tx, KVM_PVI_GET_STATE, &arg);
}

static void close_fd(u32 fd)
{
	close(fd);
}

/* What a sender has, in thousands: ports and bells; and what goes with a receiver */
static void test_stretch_tables(void)
{
	u32 i;

	make();
	write_param("kvm_pvi", "max_ports", 65536);
	write_param("kvm_pvi", "max_bells", 8192);
	allow_gsis(0, MANY);
	for (i = 0; i < MANY; i++)
		ASSERT_GE(pvi_call(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0, 0), 0);
	for (i = 0; i < 4000; i++) {
		pvi_expose(tx, FIRST + i, KVM_PVI_GSI_EVENTFD);
		pvi_bell(tx, i, FIRST + i);
	}
	expect_short("fdinfo", read_fdinfo, tx);
	expect_short("GET_STATE", get_state, KVM_PVI_STATE_MAX);
	expect_short("RESET", reset, 0);
	expect_short("REVOKE of all", revoke_all, 0);
	allow_names(0, MANY);
	expect_short("close of a receiver", close_fd, rx);
	expect_short("close of a sender", close_fd, tx);
}

/* 64 rings of one call, each of which wakes many */
static void notify_many(u32 n)
{
	u64 accepted;

	ASSERT_EQ(pvi_call_rbx(tx, KVM_HC_NOTIFY_MANY, 0, ~0ULL, 0, 0, &accepted), n);
}

static void broadcast(u32 n)
{
	static const u8 everybody[KVM_PVI_UUID_SIZE] __aligned(16) = { [0 ... 15] = 0xff };

	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)everybody, GSI, 0, 0), n);
}

static void test_stretch_many(void)
{
	struct rlimit files = { WAITERS + 200, WAITERS + 200 };
	struct epoll_event event = { .events = EPOLLIN };
	int sink = new_eventfd();
	u32 i;

	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (i = 0; i < WAITERS; i++)
		ASSERT_EQ(epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, sink, &event), 0);
	make();
	for (i = 0; i < KVM_PVI_MANY_MAX; i++)
		ASSERT_EQ(pvi_set_port(tx, sink), i);
	expect_short("NOTIFY_MANY", notify_many, KVM_PVI_MANY_MAX);
	pvi_revoke(rx, TX, GSI);
	for (i = 0; i < KVM_PVI_BROADCAST_MAX; i++) {
		int fd = pvi_bind(NULL, names[i]);

		pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
		pvi_wire(fd, GSI, sink);
		pvi_allow(fd, TX, GSI);
	}
	expect_short("broadcast", broadcast, KVM_PVI_BROADCAST_MAX);
}

static void list_many(u32 n)
{
	ASSERT_EQ(pvi_peers(tx, peers, ARRAY_SIZE(peers), 0), n);
}

/* Of more than one receiver, others go on between the two: one costs a quarter of a million */
static void test_stretch_peers(void)
{
	u32 i, gsi;

	make();
	for (i = 0; i < RECEIVERS; i++) {
		int fd = pvi_bind(NULL, names[i]);

		for (gsi = 0; gsi < RECEIVER_ROWS; gsi++)
			pvi_allow(fd, TX, KVM_PVI_GSI_VIRTUAL + gsi);
	}
	expect_shorter("PEERS", list_many, RECEIVERS + 1, 1000 * 1000);
}

/* With a receiver that has @n rows */
static u64 close_takes(u32 n)
{
	u64 start;

	make();
	allow_names(0, n);
	start = instructions();
	close(rx);
	start = instructions() - start;
	close(tx);
	return start;
}

static void test_close(void)
{
	among_few = close_takes(FEW);
	among_many = close_takes(ROWS);
	more_rows = ROWS - FEW;
	test_diag("%llu instructions with %u rows, %llu with %u", among_few, FEW, among_many, ROWS);
	expect_each(PER_EDGE);
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
	{ "query", test_query, 100 },
	{ "bells_wait_for_nobody", test_bells_wait_for_nobody, 100 },
	{ "close", test_close, 100 },
	{ "stretch_debugfs", test_stretch_debugfs, 100 },
	{ "stretch_tables", test_stretch_tables, 100 },
	{ "stretch_many", test_stretch_many, 100 },
	{ "stretch_peers", test_stretch_peers, 100 },
};

int main(int argc, char **argv)
{
	return cost_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
