// SPDX-License-Identifier: GPL-2.0
/*
 * Which of two errors a ring answers: first what its sender may not do at all, then what the
 * receiver's state is, a port's own state before what kind of port it is. A sender that is told to
 * come back later tries for ever.
 */
#include "pvi_test.h"
#include "state.h"

#define PLAIN	20
#define BELLED	21
#define ABSENT	22
#define BELL	3
#define BITS	0xf0
#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]

static int rx, tx, sink;

static void make(void)
{
	rx = pvi_bind(NULL, RX);
	tx = pvi_bind(NULL, TX);
	sink = new_eventfd();
	pvi_expose(rx, PLAIN, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, PLAIN, sink);
	pvi_expose(rx, BELLED, KVM_PVI_GSI_EVENTFD);
	pvi_bell(rx, BELL, BELLED);
	pvi_allow_bell(rx, TX, BELL, BITS);
}

static s64 ring(u32 gsi)
{
	return pvi_call(tx, KVM_HC_PVI, (u64)RX, gsi, 0, 0);
}

static s64 notify(u32 port)
{
	return pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0);
}

static s64 bell_send(u32 port, u64 flags)
{
	return pvi_call(tx, KVM_HC_BELL_SEND, port, flags, 0, 0);
}

static void freeze(void)
{
	struct blob blob;

	state_freeze(rx, &blob);
}

/* What holds while the receiver takes rings holds while it is saved */
static void test_frozen_by_uuid(void)
{
	make();
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	freeze();
	ASSERT_EQ(ring(PLAIN), -EAGAIN);
	ASSERT_EQ(ring(ABSENT), -EPERM);
	ASSERT_EQ(ring(BELLED), -EPERM);
	pvi_revoke(rx, TX, KVM_PVI_GSI_ANY);
	ASSERT_EQ(ring(PLAIN), -EPERM);
	pvi_allow(rx, TX, ABSENT);
	ASSERT_EQ(ring(ABSENT), -EPERM);
	ASSERT_EQ(pvi_stats(rx).received.throttled, 1);
	ASSERT_EQ(pvi_stats(rx).received.denied, 4);
}

static void test_frozen_by_port(void)
{
	u32 plain, gone, now_belled;

	make();
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	plain = pvi_connect(tx, RX, PLAIN);
	pvi_expose(rx, ABSENT, KVM_PVI_GSI_EVENTFD);
	gone = pvi_connect(tx, RX, ABSENT);
	pvi_expose(rx, ABSENT + 1, KVM_PVI_GSI_EVENTFD);
	now_belled = pvi_connect(tx, RX, ABSENT + 1);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, ABSENT);
	pvi_bell(rx, BELL + 1, ABSENT + 1);
	ASSERT_EQ(notify(gone), -EPERM);
	ASSERT_EQ(notify(now_belled), -EINVAL);
	freeze();
	ASSERT_EQ(notify(plain), -EAGAIN);
	ASSERT_EQ(notify(gone), -EPERM);
	ASSERT_EQ(notify(now_belled), -EINVAL);
}

static void test_frozen_bell(void)
{
	u32 bell;

	make();
	bell = pvi_connect(tx, RX, BELLED);
	ASSERT_EQ(notify(bell), -EINVAL);
	ASSERT_EQ(bell_send(bell, 1), -EPERM);
	freeze();
	ASSERT_EQ(bell_send(bell, 0x10), -EAGAIN);
	ASSERT_EQ(bell_send(bell, 0x11), -EPERM);
	ASSERT_EQ(bell_send(bell, 0), -EINVAL);
	ASSERT_EQ(notify(bell), -EINVAL);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, BELLED);
	ASSERT_EQ(bell_send(bell, 0x10), -EPERM);
	ASSERT_EQ(notify(bell), -EINVAL);
}

/* A throttle is of no interest to one who may not ring either */
static void test_throttled(void)
{
	struct kvm_pvi_allow slow = {
		.size = sizeof(slow), .gsi = BELL, .flags = KVM_PVI_ALLOW_BELL, .bits = BITS,
		.rate = 1, .burst = 1,
	};
	u32 bell;

	make();
	memcpy(slow.uuid, TX, sizeof(slow.uuid));
	pvi_ioctl(rx, KVM_PVI_ALLOW, &slow);
	bell = pvi_connect(tx, RX, BELLED);
	ASSERT_GE(bell_send(bell, 0x10), 0);
	ASSERT_EQ(bell_send(bell, 0x10), -EAGAIN);
	ASSERT_EQ(bell_send(bell, 1), -EPERM);
}

/* A port that could not be connected again: dead, whatever is rung through it */
static void expect_dead_port(u32 port)
{
	ASSERT_EQ(notify(port), -ENXIO);
	ASSERT_EQ(bell_send(port, 0x10), -ENXIO);
	ASSERT_EQ(bell_send(port, 0), -EINVAL);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_QUERY, KVM_PVI_Q_PORT, port, KVM_PVI_Q_PORT_STATE, 0),
		  KVM_PVI_PORT_DEAD);
}

static void restore(const struct kvm_pvi_state_port *records, u32 nr)
{
	struct blob blob;

	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_PORT, records, sizeof(*records), nr);
	ASSERT_EQ(__state_set(tx, &blob), 0);
}

/* The peer is not there yet, not exposed, not allowed, or was dead when the sender was saved */
static void test_restored(void)
{
	struct kvm_pvi_state_port records[4];
	u32 i;

	make();
	records[0] = port_record(0, pvi_uuid[9], BELLED);
	records[1] = port_record(1, RX, ABSENT);
	records[2] = port_record(2, RX, PLAIN);
	records[3] = port_record(3, RX, BELLED);
	records[3].flags = KVM_PVI_STATE_PORT_DEAD;
	restore(records, ARRAY_SIZE(records));
	for (i = 0; i < ARRAY_SIZE(records); i++)
		expect_dead_port(i);
}

/* A migrated sender connects anew, as it is told to */
static void test_reconnects(void)
{
	struct kvm_pvi_state_port record = port_record(0, RX, BELLED);
	s64 port;

	make();
	pvi_revoke_bell(rx, TX, BELL);
	restore(&record, 1);
	pvi_allow_bell(rx, TX, BELL, BITS);
	expect_dead_port(0);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_DISCONNECT, 0, 0, 0, 0), 0);
	port = pvi_call(tx, KVM_HC_PVI_CONNECT, (u64)RX, BELLED, 0, 0);
	ASSERT_EQ(KVM_PVI_PORT_INDEX(port), 0);
	ASSERT_GE(bell_send(port, 0x10), 0);
}

/* What has become of a port decides before its kind does: to one that died, to one that took its permission back */
static void test_state_before_kind(void)
{
	u32 plain, other, bell;
	int second = pvi_bind(NULL, pvi_uuid[2]);

	make();
	pvi_expose(second, PLAIN, KVM_PVI_GSI_EVENTFD);
	pvi_allow(second, TX, PLAIN);
	pvi_allow(rx, TX, PLAIN);
	plain = pvi_connect(tx, RX, PLAIN);
	bell = pvi_connect(tx, RX, BELLED);
	other = pvi_connect(tx, pvi_uuid[2], PLAIN);
	ASSERT_EQ(bell_send(plain, 0x10), -EINVAL);

	pvi_revoke(second, TX, PLAIN);
	ASSERT_EQ(notify(other), -EPERM);
	ASSERT_EQ(bell_send(other, 0x10), -EPERM);
	close(rx);
	ASSERT_TRUE(wait_until(notify(plain) == -ENXIO, 5000));
	ASSERT_EQ(bell_send(plain, 0x10), -ENXIO);
	ASSERT_EQ(bell_send(bell, 0x10), -ENXIO);
	ASSERT_EQ(notify(bell), -ENXIO);
	close(second);
	ASSERT_EQ(notify(other), -EPERM);
	ASSERT_EQ(bell_send(other, 0x10), -EPERM);
}

static const struct test_case cases[] = {
	{ "frozen_by_uuid", test_frozen_by_uuid },
	{ "frozen_by_port", test_frozen_by_port },
	{ "frozen_bell", test_frozen_bell },
	{ "throttled", test_throttled },
	{ "restored", test_restored },
	{ "reconnects", test_reconnects },
	{ "state_before_kind", test_state_before_kind },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
