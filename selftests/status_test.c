// SPDX-License-Identifier: GPL-2.0
/*
 * Status words between host processes: when a ring sets one and what it answers then, who clears
 * it, what has to be paid, and that none is left set by whatever ends it. The receiver's GSI is
 * an eventfd, whose count is the number of interrupts. Guests are in status_guest_test.c, what is
 * refused in status_calls_test.c.
 */
#include "pvi_test.h"
#include "status.h"

#define GSI 40

static int rx, tx, efd;
static u32 port;
static struct status_mem mem;

static s64 ring(void)
{
	return pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0);
}

/* A receiver's pass, to its end: what pending was */
static u32 take(void)
{
	return kvm_pvi_status_take(mem.word);
}

static void check_word(u32 pending, u64 count)
{
	ASSERT_EQ(mem.seen->pending, pending);
	ASSERT_EQ(mem.seen->count, count);
	ASSERT_EQ(kvm_pvi_status_owed(mem.seen), pending);
}

static void make(void)
{
	rx = pvi_bind(NULL, pvi_uuid[0]);
	tx = pvi_bind(NULL, pvi_uuid[1]);
	efd = new_eventfd();
	mem = status_make();
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, GSI, efd);
	pvi_allow(rx, pvi_uuid[1], GSI);
	port = pvi_connect(tx, pvi_uuid[0], GSI);
	status_register(rx, GSI, &mem);
}

static void test_verdicts(void)
{
	u32 i;

	make();
	check_word(0, 0);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	check_word(1, 1);
	ASSERT_EQ(read_eventfd(efd), 1);
	for (i = 2; i <= 64; i++)
		ASSERT_EQ(ring(), KVM_PVI_COALESCED);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_COALESCED);
	check_word(1, 65);
	ASSERT_EQ(read_eventfd(efd), 0);

	ASSERT_EQ(take(), 1);
	ASSERT_EQ(take(), 0);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	check_word(1, 66);
	ASSERT_EQ(read_eventfd(efd), 1);
	ASSERT_EQ(pvi_stats(tx).sent.coalesced, 64);
	ASSERT_EQ(pvi_stats(tx).sent.raised, 2);
}

/* While it is latched nothing is known to be delivered: each ring tries */
static void test_latch(void)
{
	make();
	pvi_gsi(rx, KVM_PVI_UNWIRE, GSI);
	ASSERT_EQ(ring(), KVM_PVI_LATCHED);
	check_word(1, 1);
	ASSERT_EQ(ring(), KVM_PVI_COALESCED);
	check_word(1, 2);
	ASSERT_EQ(take(), 1);
	ASSERT_EQ(ring(), KVM_PVI_COALESCED);
	check_word(1, 3);
	pvi_wire(rx, GSI, efd);
	ASSERT_EQ(read_eventfd(efd), 1);
	check_word(1, 3);
	ASSERT_EQ(ring(), KVM_PVI_COALESCED);
	ASSERT_EQ(read_eventfd(efd), 0);
}

/* What was delivered to a wiring that is gone is still pending */
static void test_pending_is_paid(void)
{
	make();
	pvi_gsi(rx, KVM_PVI_KICK, GSI);
	ASSERT_EQ(pvi_call(rx, KVM_HC_PVI_ARM, GSI, 0, 0, 0), 0);
	ASSERT_EQ(read_eventfd(efd), 0);

	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 1);
	pvi_wire(rx, GSI, efd);
	ASSERT_EQ(read_eventfd(efd), 1);
	pvi_gsi(rx, KVM_PVI_KICK, GSI);
	ASSERT_EQ(read_eventfd(efd), 1);
	ASSERT_EQ(pvi_call(rx, KVM_HC_PVI_ARM, GSI, 0, 0, 0), 0);
	ASSERT_EQ(read_eventfd(efd), 1);
	check_word(1, 1);

	pvi_gsi(rx, KVM_PVI_UNWIRE, GSI);
	pvi_gsi(rx, KVM_PVI_KICK, GSI);
	pvi_wire(rx, GSI, efd);
	ASSERT_EQ(read_eventfd(efd), 1);

	ASSERT_EQ(take(), 1);
	pvi_wire(rx, GSI, efd);
	ASSERT_EQ(read_eventfd(efd), 0);
}

/* What is owed costs no token; what is throttled or denied leaves the word alone */
static void test_rate_and_denial(void)
{
	struct kvm_pvi_allow allow = { .size = sizeof(allow), .gsi = GSI, .rate = 1, .burst = 2 };
	u32 i;

	make();
	memcpy(allow.uuid, pvi_uuid[1], sizeof(allow.uuid));
	pvi_ioctl(rx, KVM_PVI_ALLOW, &allow);
	for (i = 0; i < 100; i++)
		ASSERT_EQ(ring(), i ? KVM_PVI_COALESCED : KVM_PVI_RAISED);
	take();
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	take();
	ASSERT_EQ(ring(), -EAGAIN);
	check_word(0, 101);
	pvi_revoke(rx, pvi_uuid[1], GSI);
	ASSERT_EQ(ring(), -EPERM);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), -EPERM);
	check_word(0, 101);
}

/* Latched and throttled: nothing is owed by a token that was not there */
static void test_rate_latched(void)
{
	struct kvm_pvi_allow allow = { .size = sizeof(allow), .gsi = GSI, .rate = 1, .burst = 1 };

	make();
	memcpy(allow.uuid, pvi_uuid[1], sizeof(allow.uuid));
	pvi_ioctl(rx, KVM_PVI_ALLOW, &allow);
	pvi_gsi(rx, KVM_PVI_UNWIRE, GSI);
	ASSERT_EQ(ring(), KVM_PVI_LATCHED);
	ASSERT_EQ(ring(), -EAGAIN);
	check_word(1, 1);
}

static void test_reset(void)
{
	make();
	pvi_gsi(rx, KVM_PVI_UNWIRE, GSI);
	ASSERT_EQ(ring(), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_call(rx, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	check_word(0, 1);
	pvi_wire(rx, GSI, efd);
	ASSERT_EQ(read_eventfd(efd), 0);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	check_word(1, 2);
}

/* Registering clears pending and count; the rest of the page is never written */
static void test_only_two_fields(void)
{
	u8 *page, expected[PAGE_SIZE];
	u32 i;

	make();
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
	page = (u8 *)mem.word;
	memset(page, 0xa5, PAGE_SIZE);
	memset(expected, 0xa5, PAGE_SIZE);
	memset(expected + 64, 0, 4);
	memset(expected + 64 + 8, 0, 8);
	ASSERT_EQ(__status_register(rx, GSI, &mem, 1), 0);
	ASSERT_EQ(memcmp(page, expected, PAGE_SIZE), 0);
	for (i = 0; i < 3; i++)
		ring();
	expected[64] = 1;
	expected[64 + 8] = 3;
	ASSERT_EQ(memcmp(page, expected, PAGE_SIZE), 0);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
	expected[64] = 0;
	ASSERT_EQ(memcmp(page, expected, PAGE_SIZE), 0);
}

static void test_unstatus(void)
{
	make();
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
	check_word(0, 1);
	ASSERT_EQ(__pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI), -ENOENT);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	check_word(0, 1);
	ASSERT_EQ(read_eventfd(efd), 3);
	status_register(rx, GSI, &mem);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	ASSERT_EQ(ring(), KVM_PVI_COALESCED);
	check_word(1, 2);
}

static void test_unexpose(void)
{
	make();
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, GSI);
	check_word(0, 1);
	ASSERT_EQ(ring(), -EPERM);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(__pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI), -ENOENT);
	ASSERT_EQ(ring(), KVM_PVI_LATCHED);
	check_word(0, 1);
}

static void test_close(void)
{
	make();
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	close(rx);
	ASSERT_TRUE(wait_until(!READ_ONCE(mem.seen->pending), 5000));
	ASSERT_EQ(ring(), -ENXIO);
	check_word(0, 1);
}

/* A VMM that is killed, while another process holds its endpoint and its memory */
static void test_killed(void)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind) };
	pid_t pid;

	rx = pvi_open();
	tx = pvi_bind(NULL, pvi_uuid[1]);
	mem = status_make();
	bind.vm_fd = child_vm(&pid);
	memcpy(bind.uuid, pvi_uuid[0], sizeof(bind.uuid));
	pvi_ioctl(rx, KVM_PVI_BIND, &bind);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(rx, pvi_uuid[1], GSI);
	port = pvi_connect(tx, pvi_uuid[0], GSI);
	status_register(rx, GSI, &mem);
	ASSERT_EQ(ring(), KVM_PVI_LATCHED);
	child_kill(pid);
	ASSERT_TRUE(wait_until(!READ_ONCE(mem.seen->pending), 5000));
	ASSERT_EQ(ring(), -ENXIO);
}

/* The page is ours whatever becomes of the mapping that named it */
static void test_unmapped(void)
{
	make();
	ASSERT_EQ(munmap(mem.word, PAGE_SIZE), 0);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	check_word(1, 1);
	close(mem.fd);
	ASSERT_EQ(ring(), KVM_PVI_COALESCED);
	check_word(1, 2);
}

/* Whatever the receiver writes there is either owed or not */
static void test_scribbled(void)
{
	make();
	mem.word->pending = 0xffffffff;
	mem.word->count = ~0ULL;
	ASSERT_EQ(ring(), KVM_PVI_COALESCED);
	ASSERT_EQ(mem.seen->count, 0);
	ASSERT_EQ(mem.seen->pending, 0xffffffff);
	ASSERT_EQ(read_eventfd(efd), 0);
	pvi_gsi(rx, KVM_PVI_KICK, GSI);
	ASSERT_EQ(read_eventfd(efd), 1);
	mem.word->pending = 0;
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	check_word(1, 1);
}

static s64 query(u64 field)
{
	return pvi_call(rx, KVM_HC_PVI_QUERY, KVM_PVI_Q_GSI, 0, field, 0);
}

static void test_shown(void)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };
	char path[64], *text;

	make();
	ASSERT_EQ(query(KVM_PVI_Q_GSI_STATE), KVM_PVI_GSI_WIRED | KVM_PVI_GSI_STATUS);
	ring();
	ring();
	ASSERT_EQ(query(KVM_PVI_Q_GSI_RINGS), 2);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", rx);
	text = read_file(path);
	ASSERT_TRUE(strstr(text, "pvi-status:\tgsi 40 pending 1 count 2\n"));
	free(text);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
	ASSERT_EQ(query(KVM_PVI_Q_GSI_STATE), KVM_PVI_GSI_WIRED);
	pvi_ioctl(rx, KVM_PVI_GET_INFO, &info);
	ASSERT_TRUE(info.features & KVM_PVI_FEAT_STATUS);
	ASSERT_TRUE(pvi_call(tx, KVM_HC_PVI_FEATURES, 0, 0, 0, 0) & KVM_PVI_FEAT_STATUS);
}

static const struct test_case cases[] = {
	{ "verdicts", test_verdicts },
	{ "latch", test_latch },
	{ "pending_is_paid", test_pending_is_paid },
	{ "rate_and_denial", test_rate_and_denial },
	{ "rate_latched", test_rate_latched },
	{ "reset", test_reset },
	{ "only_two_fields", test_only_two_fields },
	{ "unstatus", test_unstatus },
	{ "unexpose", test_unexpose },
	{ "close", test_close },
	{ "killed", test_killed },
	{ "unmapped", test_unmapped },
	{ "scribbled", test_scribbled },
	{ "shown", test_shown },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
