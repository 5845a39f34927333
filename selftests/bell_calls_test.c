// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells with bits: who may set which flag, what a bell's GSI and its ports take, how long a
 * bell lives, what the host can read of it, and each error.
 */
#include "pvi_test.h"
#include "bell.h"

#define BAD_PORT 77

/* Each sender sets what it was granted, and sees no other's flags */
static void test_grants(void)
{
	int other = pvi_bind(NULL, pvi_uuid[2]);
	u32 other_port;
	u64 rbx;

	bell_make(0xf0);
	pvi_allow_bell(bell.rx, pvi_uuid[2], BELL, 0x1f);
	other_port = pvi_connect(other, pvi_uuid[0], GSI);

	ASSERT_EQ(bell_send(0x100), -EPERM);
	ASSERT_EQ(bell_send(0xf8), -EPERM);
	ASSERT_EQ(bell_state().flags, 0);
	ASSERT_EQ(read_eventfd(bell.efd), 0);

	ASSERT_EQ(bell_send(0x90), RAISED);
	ASSERT_EQ(pvi_call_rbx(other, KVM_HC_BELL_SEND, other_port, 1, 0, 0, &rbx), RAISED);
	ASSERT_EQ(rbx, 0x10);
	ASSERT_EQ(bell_op(SEND, 0x80, 0, &rbx), SILENT);
	ASSERT_EQ(rbx, 0x90);
	ASSERT_EQ(bell_receive(ALL), 0x91);

	pvi_allow_bell(bell.rx, pvi_uuid[1], BELL, 0x1);
	ASSERT_EQ(bell_send(0x80), -EPERM);
	ASSERT_EQ(bell_send(0x1), RAISED);
	pvi_revoke_bell(bell.rx, pvi_uuid[1], BELL);
	ASSERT_EQ(bell_send(0x1), -EPERM);
	pvi_allow_bell(bell.rx, pvi_uuid[1], BELL, ALL);
	ASSERT_EQ(bell_send(0x1), -EPERM);
	bell.port = pvi_connect(bell.tx, pvi_uuid[0], GSI);
	ASSERT_EQ(bell_send(0x2), RAISED);
}

/* Rows for plain GSIs and rows for bells do not stand for each other */
static void test_rows(void)
{
	u32 unused;

	bell_make(ALL);
	pvi_expose(bell.rx, GSI + 1, KVM_PVI_GSI_EVENTFD);
	pvi_revoke_bell(bell.rx, pvi_uuid[1], BELL);
	pvi_allow(bell.rx, pvi_uuid[1], KVM_PVI_GSI_ANY);
	pvi_allow(bell.rx, pvi_uuid[1], GSI);
	pvi_allow(bell.rx, pvi_uuid[1], BELL);
	ASSERT_EQ(__pvi_connect(bell.tx, pvi_uuid[0], GSI, &unused), -EPERM);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), -EPERM);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI + 1, 0, 0), KVM_PVI_LATCHED);
	pvi_revoke(bell.rx, pvi_uuid[1], KVM_PVI_GSI_ANY);
	pvi_revoke(bell.rx, pvi_uuid[1], GSI);
	pvi_revoke(bell.rx, pvi_uuid[1], BELL);
	pvi_allow_bell(bell.rx, pvi_uuid[1], GSI + 1, ALL);
	ASSERT_EQ(__pvi_connect(bell.tx, pvi_uuid[0], GSI + 1, &unused), -EPERM);
	ASSERT_EQ(__pvi_connect(bell.tx, pvi_uuid[0], GSI, &unused), -EPERM);
}

/* No plain ring to the GSI of a bell, from whatever time its port is */
static void test_plain_rings(void)
{
	u32 plain, to_eventfd;

	bell.rx = pvi_bind(NULL, pvi_uuid[0]);
	bell.tx = pvi_bind(NULL, pvi_uuid[1]);
	bell.efd = new_eventfd();
	to_eventfd = pvi_set_port(bell.tx, new_eventfd());
	pvi_expose(bell.rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(bell.rx, GSI, bell.efd);
	pvi_allow(bell.rx, pvi_uuid[1], GSI);
	plain = pvi_connect(bell.tx, pvi_uuid[0], GSI);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_NOTIFY, plain, 0, 0, 0), RAISED);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_BELL_SEND, plain, 1, 0, 0), -EINVAL);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_BELL_SEND, to_eventfd, 1, 0, 0), -EINVAL);

	pvi_bell(bell.rx, BELL, GSI);
	read_eventfd(bell.efd);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_NOTIFY, plain, 0, 0, 0), -EINVAL);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), -EPERM);
	pvi_allow_bell(bell.rx, pvi_uuid[1], BELL, ALL);
	bell.port = pvi_connect(bell.tx, pvi_uuid[0], GSI);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_NOTIFY, bell.port, 0, 0, 0), -EINVAL);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_BELL_SEND, plain, 1, 0, 0), -EINVAL);
	ASSERT_EQ(read_eventfd(bell.efd), 0);
	ASSERT_EQ(bell_send(1), RAISED);
}

static void test_life(void)
{
	bell_make(ALL);
	pvi_gsi(bell.rx, KVM_PVI_UNEXPOSE, GSI);
	ASSERT_EQ(bell_send(1), -EPERM);
	ASSERT_EQ(pvi_call(bell.rx, KVM_HC_BELL_RECEIVE, BELL, 1, 0, 0), -ENOENT);

	/* The row of a bell does not become one for the plain GSI */
	pvi_expose(bell.rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(bell.rx, GSI, bell.efd);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_NOTIFY, bell.port, 0, 0, 0), -EINVAL);
	ASSERT_EQ(bell_send(1), -EPERM);
	pvi_expose(bell.rx, GSI + 1, KVM_PVI_GSI_EVENTFD);
	pvi_bell(bell.rx, BELL, GSI + 1);
	ASSERT_EQ(bell_send(1), -EPERM);
	pvi_gsi(bell.rx, KVM_PVI_UNEXPOSE, GSI + 1);
	pvi_bell(bell.rx, BELL, GSI);
	ASSERT_EQ(bell_send(1), RAISED);

	close(bell.rx);
	ASSERT_EQ(bell_send(1), -ENXIO);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_NOTIFY, bell.port, 0, 0, 0), -ENXIO);
}

static void test_rate(void)
{
	struct kvm_pvi_allow allow = {
		.size = sizeof(allow), .flags = KVM_PVI_ALLOW_BELL, .gsi = BELL, .bits = ALL,
		.rate = 1, .burst = 2,
	};

	bell_make(ALL);
	memcpy(allow.uuid, pvi_uuid[1], sizeof(allow.uuid));
	pvi_ioctl(bell.rx, KVM_PVI_ALLOW, &allow);
	ASSERT_EQ(bell_send(1), RAISED);
	ASSERT_EQ(bell_send(1), SILENT);
	ASSERT_EQ(bell_send(2), -EAGAIN);
	ASSERT_EQ(bell_receive(ALL), 1);
	ASSERT_EQ(read_eventfd(bell.efd), 1);
}

/* What a call answers that is not served, by whom it was issued */
static const struct {
	const char *name;
	bool sender;
	u32 nr;
	u64 args[4];
	s64 ret;
} bad_calls[] = {
	{ "send: no flag", true, KVM_HC_BELL_SEND, { 0, 0 }, -EINVAL },
	{ "send: a bank, in 64 bits", true, KVM_HC_BELL_SEND, { 0, 1, 1 }, -EINVAL },
	{ "send: RSI", true, KVM_HC_BELL_SEND, { 0, 1, 0, 1 }, -EINVAL },
	{ "send: no such port", true, KVM_HC_BELL_SEND, { BAD_PORT, 1 }, -ENOENT },
	{ "send: a wide port", true, KVM_HC_BELL_SEND, { 1ULL << 32, 1 }, -ENOENT },
	{ "send: the receiver has no port", false, KVM_HC_BELL_SEND, { 0, 1 }, -ENOENT },
	{ "receive: no flag", false, KVM_HC_BELL_RECEIVE, { BELL, 0 }, -EINVAL },
	{ "receive: a bank", false, KVM_HC_BELL_RECEIVE, { BELL, 1, 1 }, -EINVAL },
	{ "receive: RSI", false, KVM_HC_BELL_RECEIVE, { BELL, 1, 0, 1 }, -EINVAL },
	{ "receive: no such bell", false, KVM_HC_BELL_RECEIVE, { BELL + 1, 1 }, -ENOENT },
	{ "receive: a wide bell", false, KVM_HC_BELL_RECEIVE, { 1ULL << 32 | BELL, 1 }, -ENOENT },
	{ "receive: not the sender's", true, KVM_HC_BELL_RECEIVE, { BELL, 1 }, -ENOENT },
	{ "mask: a bank", false, KVM_HC_BELL_MASK, { BELL, 0, 0, 1 }, -EINVAL },
	{ "mask: no such bell", false, KVM_HC_BELL_MASK, { 0, 0, 0 }, -ENOENT },
	{ "mask: not the sender's", true, KVM_HC_BELL_MASK, { BELL, 0, 0 }, -ENOENT },
	{ "reset: RCX", false, KVM_HC_BELL_RESET, { BELL, 1 }, -EINVAL },
	{ "reset: no such bell", false, KVM_HC_BELL_RESET, { ALL }, -ENOENT },
	{ "reset: not the sender's", true, KVM_HC_BELL_RESET, { BELL }, -ENOENT },
};

static void test_bad_calls(void)
{
	u64 rbx;
	size_t i;
	s64 ret;

	bell_make(ALL);
	ASSERT_EQ(bell.port, 0);
	ASSERT_EQ(bell_send(1), RAISED);
	for (i = 0; i < ARRAY_SIZE(bad_calls); i++) {
		const u64 *args = bad_calls[i].args;

		ret = pvi_call_rbx(bad_calls[i].sender ? bell.tx : bell.rx, bad_calls[i].nr,
				   args[0], args[1], args[2], args[3], &rbx);
		if (ret != bad_calls[i].ret || rbx)
			TEST_FAIL("%s: RAX %lld RBX 0x%llx, not %lld 0", bad_calls[i].name, ret,
				  rbx, bad_calls[i].ret);
	}
	ASSERT_EQ(read_eventfd(bell.efd), 1);
	ASSERT_EQ(bell_receive(ALL), 1);
}

static void test_bad_ioctls(void)
{
	struct kvm_pvi_bell arg = { .size = sizeof(arg), .bell = BELL + 1, .gsi = GSI + 1 };
	struct { struct kvm_pvi_bell arg; u64 more; } longer = { .arg = arg };

	ASSERT_EQ(__pvi_bell(pvi_open(), BELL, GSI), -ENOTCONN);
	bell_make(ALL);
	ASSERT_EQ(__pvi_bell(bell.rx, BELL + 1, GSI + 1), -ENOENT);
	pvi_expose(bell.rx, GSI + 1, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(__pvi_bell(bell.rx, BELL + 1, KVM_PVI_GSI_MAX), -EINVAL);
	ASSERT_EQ(__pvi_bell(bell.rx, BELL, GSI + 1), -EEXIST);
	ASSERT_EQ(__pvi_bell(bell.rx, BELL + 1, GSI), -EEXIST);

	arg.flags = 1;
	ASSERT_EQ(__pvi_ioctl(bell.rx, KVM_PVI_BELL, &arg), -EINVAL);
	arg.flags = 0;
	arg.size--;
	ASSERT_EQ(__pvi_ioctl(bell.rx, KVM_PVI_BELL, &arg), -EINVAL);
	longer.arg.size = sizeof(longer);
	longer.more = 1;
	ASSERT_EQ(__pvi_ioctl(bell.rx, KVM_PVI_BELL, &longer), -E2BIG);
	longer.more = 0;
	ASSERT_EQ(__pvi_ioctl(bell.rx, KVM_PVI_BELL, &longer), 0);
}

static void test_bad_rows(void)
{
	struct kvm_pvi_allow allow = { .size = sizeof(allow), .gsi = GSI, .bits = 1 };
	struct kvm_pvi_revoke revoke = {
		.size = sizeof(revoke), .flags = KVM_PVI_REVOKE_BELL | KVM_PVI_REVOKE_ALL,
	};

	bell_make(ALL);
	memcpy(allow.uuid, pvi_uuid[1], sizeof(allow.uuid));
	memcpy(revoke.uuid, pvi_uuid[1], sizeof(revoke.uuid));
	ASSERT_EQ(__pvi_ioctl(bell.rx, KVM_PVI_ALLOW, &allow), -EINVAL);
	ASSERT_EQ(__pvi_ioctl(bell.rx, KVM_PVI_REVOKE, &revoke), -EINVAL);
	ASSERT_EQ(__pvi_allow_bell(bell.rx, pvi_uuid[1], BELL, 0), -EINVAL);
	ASSERT_EQ(__pvi_allow_bell(bell.rx, pvi_uuid[1], KVM_PVI_GSI_ANY, 1), -EINVAL);
	ASSERT_EQ(__pvi_revoke_bell(bell.rx, pvi_uuid[1], BELL + 1), -ENOENT);
	ASSERT_EQ(__pvi_revoke(bell.rx, pvi_uuid[1], BELL), -ENOENT);

	/* Not the row of all plain GSIs either, whatever a bell's number is made to be */
	pvi_allow(bell.rx, pvi_uuid[1], KVM_PVI_GSI_ANY);
	ASSERT_EQ(__pvi_revoke_bell(bell.rx, pvi_uuid[1], KVM_PVI_GSI_ANY), -EINVAL);
	ASSERT_EQ(__pvi_revoke_bell(bell.rx, pvi_uuid[1], KVM_PVI_GSI_ANY >> 1), -EINVAL);
	pvi_revoke(bell.rx, pvi_uuid[1], KVM_PVI_GSI_ANY);
	ASSERT_EQ(bell_send(1), RAISED);
}

static s64 query(u64 kind, u64 index, u64 field)
{
	return pvi_call(bell.rx, KVM_HC_PVI_QUERY, kind, index, field, 0);
}

static void test_limit(void)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };

	bell_make(ALL);
	ASSERT_EQ(__write_param("kvm_pvi", "max_bells", "0"), -EINVAL);
	ASSERT_EQ(__write_param("kvm_pvi", "max_bells", "8193"), -EINVAL);
	write_param("kvm_pvi", "max_bells", 9);
	pvi_ioctl(bell.rx, KVM_PVI_GET_INFO, &info);
	pvi_expose(bell.rx, GSI + 1, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(__pvi_bell(bell.rx, 9, GSI + 1), -EINVAL);
	ASSERT_EQ(__pvi_allow_bell(bell.rx, pvi_uuid[1], 9, ALL), -EINVAL);
	ASSERT_EQ(__pvi_bell(bell.rx, 8, GSI + 1), 0);
	ASSERT_EQ(query(KVM_PVI_Q_LIMIT, 0, KVM_PVI_Q_LIMIT_BELLS), 9);
	write_param("kvm_pvi", "max_bells", 1024);
	ASSERT_EQ(info.max_bells, 9);
	ASSERT_TRUE(info.features & KVM_PVI_FEAT_BELL);
}

static void test_query(void)
{
	bell_make(ALL);
	pvi_expose(bell.rx, GSI - 1, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(query(KVM_PVI_Q_GSI, 1, KVM_PVI_Q_GSI_BELL), BELL);
	ASSERT_EQ(query(KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_BELL), -ENOENT);
	ASSERT_EQ(query(KVM_PVI_Q_GSI, 1, KVM_PVI_Q_PIECE(KVM_PVI_Q_GSI_BELL, 1)), -EINVAL);
	bell_send(1);
	bell_send(1);
	ASSERT_EQ(query(KVM_PVI_Q_GSI, 1, KVM_PVI_Q_GSI_RINGS), 2);
	bell_receive(2);
	ASSERT_EQ(query(KVM_PVI_Q_GSI, 1, KVM_PVI_Q_GSI_RINGS), 2);
	ASSERT_EQ(pvi_call(bell.tx, KVM_HC_PVI_QUERY, KVM_PVI_Q_PORT, bell.port,
			   KVM_PVI_Q_PORT_GSI, 0), GSI);
	ASSERT_TRUE(pvi_call(bell.rx, KVM_HC_PVI_FEATURES, 0, 0, 0, 0) & KVM_PVI_FEAT_BELL);
}

static void test_counters(void)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };

	bell_make(1);
	bell_send(1);
	bell_send(1);
	bell_send(2);
	pvi_ioctl(bell.rx, KVM_PVI_GET_EDGE, &edge);
	ASSERT_EQ(edge.kind, KVM_PVI_EDGE_BELL);
	ASSERT_EQ(edge.gsi, BELL);
	ASSERT_EQ(edge.counts.raised, 1);
	ASSERT_EQ(edge.counts.coalesced, 1);
	ASSERT_EQ(edge.counts.denied, 1);
	ASSERT_EQ(pvi_stats(bell.tx).sent.raised, 1);
	ASSERT_EQ(pvi_stats(bell.rx).received.denied, 1);
}

static const struct test_case cases[] = {
	{ "grants", test_grants },
	{ "rows", test_rows },
	{ "plain_rings", test_plain_rings },
	{ "life", test_life },
	{ "rate", test_rate },
	{ "bad_calls", test_bad_calls },
	{ "bad_ioctls", test_bad_ioctls },
	{ "bad_rows", test_bad_rows },
	{ "limit", test_limit },
	{ "query", test_query },
	{ "counters", test_counters },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
