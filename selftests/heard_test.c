// SPDX-License-Identifier: GPL-2.0
/*
 * One rule of who is a peer and who a sender: what may be rung is counted, however it is rung, and
 * a receiver that was told of a sender is told of its death, whatever strangers do.
 */
#include "pvi_test.h"
#include "state.h"
#include "status.h"

#define GSI	20
#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]
#define OTHER	pvi_uuid[2]
#define FLOOD	200	/* events, an even number */

static int rx, tx;
static u64 epoch;

static void make(void)
{
	rx = pvi_bind(NULL, RX);
	tx = pvi_bind_epoch(TX, &epoch);
}

static void expose(u32 gsi)
{
	pvi_expose(rx, gsi, KVM_PVI_GSI_EVENTFD);
}

static void expose_bell(u32 gsi, u32 bell)
{
	expose(gsi);
	pvi_bell(rx, bell, gsi);
}

/* What PEERS tells of the only peer */
static u32 gsis(void)
{
	static struct kvm_pvi_peer peers[2];

	ASSERT_EQ(pvi_peers(tx, peers, ARRAY_SIZE(peers), 0), 1);
	ASSERT_EQ(memcmp(peers[0].uuid, RX, KVM_PVI_UUID_SIZE), 0);
	return peers[0].gsis;
}

static void test_bells_count(void)
{
	make();
	pvi_allow_bell(rx, TX, 3, 1);
	ASSERT_EQ(gsis(), 0);
	expose_bell(GSI, 3);
	ASSERT_GE(pvi_call(tx, KVM_HC_BELL_SEND, pvi_connect(tx, RX, GSI), 1, 0, 0), 0);
	ASSERT_EQ(gsis(), 1);
	expose_bell(GSI + 1, 4);
	ASSERT_EQ(gsis(), 1);
	pvi_allow_bell(rx, TX, 4, 1);
	ASSERT_EQ(gsis(), 2);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, GSI);
	ASSERT_EQ(gsis(), 1);
	pvi_revoke_bell(rx, TX, 4);
	ASSERT_EQ(gsis(), 0);
}

/* Each GSI once, by whichever rows it may be rung; a bell's by a row of the bell alone */
static void test_bells_beside_plain(void)
{
	make();
	expose(GSI);
	expose(GSI + 1);
	expose_bell(GSI + 2, 3);
	expose_bell(GSI + 3, 4);
	pvi_allow(rx, TX, GSI);
	pvi_allow(rx, TX, GSI + 2);
	pvi_allow(rx, TX, GSI + 9);
	ASSERT_EQ(gsis(), 1);
	pvi_allow_bell(rx, TX, 3, 1);
	ASSERT_EQ(gsis(), 2);
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	ASSERT_EQ(gsis(), 3);
	pvi_allow_bell(rx, TX, 4, 1);
	ASSERT_EQ(gsis(), 4);
	pvi_revoke(rx, TX, GSI);
	ASSERT_EQ(gsis(), 4);
	pvi_revoke(rx, TX, KVM_PVI_GSI_ANY);
	ASSERT_EQ(gsis(), 2);
}

/* A pin to another user hides a bell as it does a GSI */
static void test_pinned_bell(void)
{
	struct kvm_pvi_allow pin = {
		.size = sizeof(pin), .gsi = 3, .bits = 1, .owner = 4711,
		.flags = KVM_PVI_ALLOW_BELL | KVM_PVI_ALLOW_OWNER,
	};

	make();
	memcpy(pin.uuid, TX, sizeof(pin.uuid));
	expose(GSI);
	expose_bell(GSI + 1, 3);
	pvi_allow(rx, TX, GSI);
	pvi_ioctl(rx, KVM_PVI_ALLOW, &pin);
	ASSERT_EQ(gsis(), 1);
	pin.owner = 0;
	pvi_ioctl(rx, KVM_PVI_ALLOW, &pin);
	ASSERT_EQ(gsis(), 2);
}

static void ring(void)
{
	ASSERT_GE(pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0), 0);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_UP, TX, epoch);
}

static void expect_down(void)
{
	close(tx);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_DOWN, TX, epoch);
	pvi_expect_no_event(rx);
}

static void test_down_after_revoke(void)
{
	make();
	expose(GSI);
	pvi_allow(rx, TX, GSI);
	ring();
	pvi_revoke(rx, TX, GSI);
	expect_down();
}

static void test_down_after_revoke_all(void)
{
	struct kvm_pvi_revoke all = { .size = sizeof(all), .flags = KVM_PVI_REVOKE_ALL };

	make();
	memcpy(all.uuid, TX, sizeof(all.uuid));
	expose(GSI);
	pvi_allow(rx, TX, GSI);
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	ring();
	pvi_ioctl(rx, KVM_PVI_REVOKE, &all);
	expect_down();
}

/* The rows went and came again: it is the sender it was told of */
static void test_down_after_allow_again(void)
{
	make();
	expose(GSI);
	pvi_allow(rx, TX, GSI);
	ring();
	pvi_revoke(rx, TX, GSI);
	pvi_allow(rx, TX, GSI);
	expect_down();
}

/* One that never rang is none, with rows or without */
static void test_never_heard(void)
{
	make();
	expose(GSI);
	pvi_allow(rx, TX, GSI);
	pvi_revoke(rx, TX, GSI);
	close(tx);
	tx = pvi_bind_epoch(TX, &epoch);
	pvi_allow(rx, TX, GSI);
	ring();
	expect_down();
}

static void restore(u32 port, u32 flags)
{
	struct kvm_pvi_state_port record = port_record(port, RX, GSI);
	struct blob blob;

	record.flags = flags;
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_PORT, &record, sizeof(record), 1);
	ASSERT_EQ(__state_set(tx, &blob), 0);
}

/* A connection that is restored is one */
static void test_restored_up(void)
{
	make();
	expose(GSI);
	pvi_allow(rx, TX, GSI);
	restore(5, 0);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_UP, TX, epoch);
	ASSERT_GE(pvi_call(tx, KVM_HC_NOTIFY, 5, 0, 0, 0), 0);
	expect_down();
}

/* And one that was dead, or is not permitted any more, is none */
static void test_restored_dead(void)
{
	make();
	expose(GSI);
	pvi_allow(rx, TX, GSI);
	restore(5, KVM_PVI_STATE_PORT_DEAD);
	pvi_expect_no_event(rx);
	close(tx);
	tx = pvi_bind_epoch(TX, &epoch);
	pvi_revoke(rx, TX, GSI);
	restore(5, 0);
	close(tx);
	pvi_allow(rx, TX, GSI);
	tx = pvi_bind_epoch(TX, &epoch);
	ring();
	expect_down();
}

/* All or nothing: a blob that is refused has told nobody anything */
static void test_refused_tells_nobody(void)
{
	struct kvm_pvi_state_port record = port_record(5, RX, GSI);
	struct kvm_pvi_state_latch latch = { .gsi = GSI + 1 };
	struct blob blob;

	make();
	expose(GSI);
	pvi_allow(rx, TX, GSI);
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_PORT, &record, sizeof(record), 1);
	blob_section(&blob, KVM_PVI_STATE_LATCH, &latch, sizeof(latch), 1);
	ASSERT_EQ(__state_set(tx, &blob), -ENOENT);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, 5, 0, 0, 0), -ENOENT);
	pvi_expect_no_event(rx);
	ring();
}

/* A stranger lets the receiver ring it, and does not, and does: the @i-th time */
static void flood(int stranger, u32 i)
{
	ASSERT_EQ(__pvi_allow_owner(stranger, RX, GSI, i & 1 ? 4711 : 0), 0);
}

/* It leaves room for what is told of senders, in their order */
static void test_flooded(void)
{
	u64 stranger_epoch;
	int stranger = pvi_bind_epoch(OTHER, &stranger_epoch);
	u32 i;

	make();
	expose(GSI);
	pvi_allow(rx, TX, GSI);
	for (i = 0; i < FLOOD; i++)
		flood(stranger, i);
	ASSERT_GE(pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0), 0);
	close(tx);
	for (i = 0; i < KVM_PVI_EVENTS_KEPT / 2; i++)
		ASSERT_EQ(pvi_expect_event(rx, i & 1 ? KVM_PVI_EVENT_PEER_REVOKED : KVM_PVI_EVENT_PEER_UP,
					   OTHER, stranger_epoch), 0);
	ASSERT_EQ(pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_UP, TX, epoch), FLOOD - KVM_PVI_EVENTS_KEPT / 2);
	ASSERT_EQ(pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_DOWN, TX, epoch), 0);
	pvi_expect_no_event(rx);
	/* There is room again. */
	flood(stranger, 0);
	ASSERT_EQ(pvi_expect_event(rx, KVM_PVI_EVENT_PEER_UP, OTHER, stranger_epoch), 0);
}

/* An eventfd that events ring, once a second */
static int config_make(void)
{
	struct kvm_pvi_expose config = {
		.size = sizeof(config), .gsi = GSI + 1, .kind = KVM_PVI_GSI_EVENTFD, .rate = 1, .burst = 1,
	};
	int efd = new_eventfd();

	pvi_ioctl(rx, KVM_PVI_EXPOSE, &config);
	pvi_wire(rx, config.gsi, efd);
	ASSERT_EQ(pvi_call(rx, KVM_HC_PVI_SET_CONFIG, config.gsi, 0, 0, 0), 0);
	return efd;
}

/* It interrupts a receiver that looks at once no more often than the config GSI may be rung, and the last of it is told */
static void test_flooded_config(void)
{
	struct kvm_pvi_peer peers[2];
	u64 start = now_ms(), rung = 0;
	int stranger = pvi_bind(NULL, OTHER), efd;
	u32 i;

	make();
	efd = config_make();
	for (i = 0; i < FLOOD; i++) {
		ASSERT_EQ(pvi_peers(rx, peers, ARRAY_SIZE(peers), 0), i & 1);
		flood(stranger, i);
		rung += read_eventfd(efd);
	}
	ASSERT_LE(rung, 1 + (now_ms() - start) / 1000 + 1);
	/* All that was rung was looked at, but for the last. */
	ASSERT_TRUE(read_eventfd(efd) || wait_readable(efd, 5000));
}

/* With a status word, no more often than the receiver has looked at that either */
static void test_flooded_status(void)
{
	int stranger = pvi_bind(NULL, OTHER), efd;
	struct status_mem mem = status_make();
	struct kvm_pvi_peer peers[2];

	make();
	efd = config_make();
	status_register(rx, GSI + 1, &mem);
	flood(stranger, 0);
	ASSERT_EQ(read_eventfd(efd), 1);
	ASSERT_EQ(READ_ONCE(mem.word->pending), 1);
	ASSERT_EQ(pvi_peers(rx, peers, ARRAY_SIZE(peers), 0), 1);
	flood(stranger, 1);
	ASSERT_EQ(pvi_peers(rx, peers, ARRAY_SIZE(peers), 0), 0);
	WRITE_ONCE(mem.word->pending, 0);
	ASSERT_EQ(read_eventfd(efd), 0);
	flood(stranger, 2);
	ASSERT_EQ(READ_ONCE(mem.word->pending), 1);
	ASSERT_TRUE(wait_readable(efd, 5000));
	ASSERT_EQ(read_eventfd(efd), 1);
}

static const struct test_case cases[] = {
	{ "bells_count", test_bells_count },
	{ "bells_beside_plain", test_bells_beside_plain },
	{ "pinned_bell", test_pinned_bell },
	{ "down_after_revoke", test_down_after_revoke },
	{ "down_after_revoke_all", test_down_after_revoke_all },
	{ "down_after_allow_again", test_down_after_allow_again },
	{ "never_heard", test_never_heard },
	{ "restored_up", test_restored_up },
	{ "restored_dead", test_restored_dead },
	{ "refused_tells_nobody", test_refused_tells_nobody },
	{ "flooded", test_flooded },
	{ "flooded_config", test_flooded_config },
	{ "flooded_status", test_flooded_status },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
