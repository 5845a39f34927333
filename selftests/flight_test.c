// SPDX-License-Identifier: GPL-2.0
/*
 * When a call that ends something has returned, no ring that was on its way arrives: nothing is
 * signalled any more, whoever rings meanwhile, and however often.
 */
#include "delay.h"
#include "pvi_test.h"
#include "state.h"
#include "status.h"
#include "taken.h"

#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]
#define GSI	20
#define RINGERS	3
#define RACES	(test_long() ? 200 : 20)

/* What is rung, and by what; each round makes it anew */
struct flight {
	int rx, tx, sink, grant;
	u32 port;
	u64 id;
};

/* A thread that rings a port until it hears that it rings nothing, or is told to stop */
struct ringer {
	pthread_t thread;
	struct flight *flight;
	s64 last;
};

static bool stop;

static void *ringer_run(void *arg)
{
	struct ringer *r = arg;

	do {
		r->last = pvi_call(r->flight->tx, KVM_HC_NOTIFY, r->flight->port, 0, 0, 0);
	} while (r->last >= 0 && !READ_ONCE(stop));
	return NULL;
}

static void start(struct ringer *ringers, struct flight *f)
{
	u32 i;

	WRITE_ONCE(stop, false);
	for (i = 0; i < RINGERS; i++) {
		ringers[i] = (struct ringer){ .flight = f };
		ASSERT_EQ(pthread_create(&ringers[i].thread, NULL, ringer_run, &ringers[i]), 0);
	}
	ASSERT_TRUE(wait_readable(f->sink, 10000));
}

static void join(struct ringer *ringers, s64 last)
{
	u32 i;

	for (i = 0; i < RINGERS; i++) {
		ASSERT_EQ(pthread_join(ringers[i].thread, NULL), 0);
		ASSERT_TRUE(last < 0 ? ringers[i].last == last : ringers[i].last >= 0);
	}
}

/* @end ends it while it is rung; @last is what the ringers hear then, or what they go on hearing */
static void check(struct flight *f, void (*end)(struct flight *f), s64 last)
{
	struct ringer ringers[RINGERS];

	start(ringers, f);
	end(f);
	read_eventfd(f->sink);
	WRITE_ONCE(stop, last >= 0);
	join(ringers, last);
	ASSERT_EQ(read_eventfd(f->sink), 0);
}

static void end_close(struct flight *f)
{
	close(f->rx);
}

static void test_close(void)
{
	struct flight f = { .tx = pvi_bind(NULL, TX) };
	int i;

	for (i = 0; i < RACES; i++) {
		f.rx = pvi_receiver(RX, GSI, TX, &f.sink);
		f.port = pvi_connect(f.tx, RX, GSI);
		check(&f, end_close, -ENXIO);
		close(f.sink);
		pvi_close_port(f.tx, f.port);
	}
}

static struct flight receiver(void)
{
	struct flight f = { .tx = pvi_bind(NULL, TX) };

	f.rx = pvi_receiver(RX, GSI, TX, &f.sink);
	return f;
}

static void end_grant_close(struct flight *f)
{
	close(f->grant);
}

static void test_grant_close(void)
{
	struct flight f = receiver();
	int i;

	for (i = 0; i < RACES; i++) {
		f.grant = pvi_grant(f.rx, GSI, 1, NULL);
		f.port = pvi_connect_grant(f.tx, f.grant);
		check(&f, end_grant_close, -EPERM);
		pvi_close_port(f.tx, f.port);
	}
}

static void end_ungrant(struct flight *f)
{
	pvi_ungrant(f->rx, f->id);
}

static void test_ungrant(void)
{
	struct flight f = receiver();
	int i;

	for (i = 0; i < RACES; i++) {
		f.grant = pvi_grant(f.rx, GSI, 1, &f.id);
		f.port = pvi_connect_grant(f.tx, f.grant);
		check(&f, end_ungrant, -EPERM);
		pvi_close_port(f.tx, f.port);
		close(f.grant);
	}
}

static void end_revoke(struct flight *f)
{
	pvi_revoke(f->rx, TX, GSI);
}

static void test_revoke(void)
{
	struct flight f = receiver();
	int i;

	for (i = 0; i < RACES; i++) {
		f.port = pvi_connect(f.tx, RX, GSI);
		check(&f, end_revoke, -EPERM);
		pvi_close_port(f.tx, f.port);
		pvi_allow(f.rx, TX, GSI);
	}
}

static void end_unexpose(struct flight *f)
{
	pvi_gsi(f->rx, KVM_PVI_UNEXPOSE, GSI);
}

static void test_unexpose(void)
{
	struct flight f = receiver();
	int i;

	f.port = pvi_connect(f.tx, RX, GSI);
	for (i = 0; i < RACES; i++) {
		check(&f, end_unexpose, -EPERM);
		pvi_expose(f.rx, GSI, KVM_PVI_GSI_EVENTFD);
		pvi_wire(f.rx, GSI, f.sink);
	}
}

static void end_unwire(struct flight *f)
{
	pvi_gsi(f->rx, KVM_PVI_UNWIRE, GSI);
}

/* What comes from then on is owed, one for all */
static void test_unwire(void)
{
	struct flight f = receiver();
	int i;

	f.port = pvi_connect(f.tx, RX, GSI);
	for (i = 0; i < RACES; i++) {
		check(&f, end_unwire, KVM_PVI_COALESCED);
		pvi_wire(f.rx, GSI, f.sink);
		ASSERT_EQ(read_eventfd(f.sink), 1);
	}
}

static void end_freeze(struct flight *f)
{
	struct blob blob;

	state_freeze(f->rx, &blob);
}

/* A snapshot has what was accepted; what comes from then on is refused, and owed to nobody when it goes on */
static void test_freeze(void)
{
	struct flight f = receiver();
	int i;

	f.port = pvi_connect(f.tx, RX, GSI);
	for (i = 0; i < RACES; i++) {
		check(&f, end_freeze, -EAGAIN);
		state_thaw(f.rx);
		ASSERT_EQ(read_eventfd(f.sink), 0);
	}
}

/* A status word is written to no more, neither to say that a ring is owed nor to count it */
static void test_unstatus(void)
{
	struct status_mem mem = status_make();
	struct ringer ringers[RINGERS];
	struct flight f = receiver();
	u64 count;
	int i;

	f.port = pvi_connect(f.tx, RX, GSI);
	for (i = 0; i < RACES; i++) {
		status_register(f.rx, GSI, &mem);
		start(ringers, &f);
		ASSERT_TRUE(wait_until(READ_ONCE(mem.seen->count) > RINGERS, 10000));
		pvi_gsi(f.rx, KVM_PVI_UNSTATUS, GSI);
		count = READ_ONCE(mem.seen->count);
		WRITE_ONCE(stop, true);
		join(ringers, 0);
		ASSERT_EQ(READ_ONCE(mem.seen->pending), 0);
		ASSERT_EQ(READ_ONCE(mem.seen->count), count);
		read_eventfd(f.sink);
	}
}

static void end_close_port(struct flight *f)
{
	pvi_close_port(f->tx, f->port);
}

static void test_close_port(void)
{
	struct flight f = receiver();
	int i;

	for (i = 0; i < RACES; i++) {
		f.port = pvi_connect(f.tx, RX, GSI);
		check(&f, end_close_port, -ENOENT);
	}
}

static void test_close_eventfd_port(void)
{
	struct flight f = receiver();
	int i;

	for (i = 0; i < RACES; i++) {
		f.port = pvi_set_port(f.tx, f.sink);
		check(&f, end_close_port, -ENOENT);
	}
}

/* While no ring that is under way can end, the call does not return. The other cases meet that by chance. */
static void expect_wait(int fd, unsigned long cmd, void *arg)
{
	struct ioctl_call call = { .fd = fd, .cmd = cmd, .arg = arg };

	delay_begin(DELAY_RCU, 1);
	ASSERT_TRUE(ioctl_start(&call));
	ASSERT_TRUE(!ioctl_returns(&call, 50));
	delay_end(DELAY_RCU);
	ASSERT_EQ(ioctl_join(&call), 0);
}

static void expect_gsi_wait(int fd, unsigned long cmd)
{
	struct kvm_pvi_gsi gsi = { .size = sizeof(gsi), .gsi = GSI };

	expect_wait(fd, cmd, &gsi);
}

static void test_waits(void)
{
	struct kvm_pvi_revoke revoke = { .size = sizeof(revoke), .gsi = GSI };
	struct kvm_pvi_ungrant ungrant = { .size = sizeof(ungrant) };
	struct kvm_pvi_state freeze = { .size = sizeof(freeze), .flags = KVM_PVI_STATE_FREEZE };
	struct kvm_pvi_port port = { .size = sizeof(port) };
	struct status_mem mem = status_make();
	struct flight f = receiver();
	u64 id;

	delay_load();
	port.port = pvi_connect(f.tx, RX, GSI);
	expect_wait(f.tx, KVM_PVI_CLOSE_PORT, &port);
	expect_wait(f.rx, KVM_PVI_GET_STATE, &freeze);
	state_thaw(f.rx);
	status_register(f.rx, GSI, &mem);
	expect_gsi_wait(f.rx, KVM_PVI_UNSTATUS);
	expect_gsi_wait(f.rx, KVM_PVI_UNWIRE);
	memcpy(revoke.uuid, TX, sizeof(revoke.uuid));
	expect_wait(f.rx, KVM_PVI_REVOKE, &revoke);
	pvi_grant(f.rx, GSI, 1, &id);
	ungrant.id = id;
	expect_wait(f.rx, KVM_PVI_UNGRANT, &ungrant);
	expect_gsi_wait(f.rx, KVM_PVI_UNEXPOSE);
}

static bool held;

/* CONNECT has put its port where nobody finds it, and is about to be unable to say so */
static void hold_readers(void)
{
	delay_begin(DELAY_RCU, 1);
	__atomic_store_n(&held, true, __ATOMIC_RELEASE);
}

struct taken_connect {
	int fd;
	int ret;
	bool done;
};

static void *taken_connect_run(void *arg)
{
	struct kvm_pvi_connect connect = { .size = sizeof(connect), .gsi = GSI };
	struct taken_connect *t = arg;

	memcpy(connect.uuid, RX, sizeof(connect.uuid));
	t->ret = __taken_ioctl(t->fd, KVM_PVI_CONNECT, &connect, sizeof(connect));
	__atomic_store_n(&t->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* What was to be a port may be looked at by who rings its number: a call that fails frees it when nobody does */
static void test_unheld_waits(void)
{
	struct flight f = receiver();
	struct taken_connect t = { .fd = f.tx };
	pthread_t thread;

	delay_load();
	/* Threads from here on keep to the first CPU, as this one does then: RCU is held up on the last */
	delay_begin(DELAY_RCU, 1);
	delay_end(DELAY_RCU);
	taken_meanwhile = hold_readers;
	ASSERT_EQ(pthread_create(&thread, NULL, taken_connect_run, &t), 0);
	ASSERT_TRUE(wait_until(__atomic_load_n(&held, __ATOMIC_ACQUIRE), 10000));
	ASSERT_TRUE(!wait_until(__atomic_load_n(&t.done, __ATOMIC_ACQUIRE), 100));
	delay_end(DELAY_RCU);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ASSERT_EQ(t.ret, -EFAULT);
	ASSERT_EQ(pvi_call(f.tx, KVM_HC_NOTIFY, 0, 0, 0, 0), -ENOENT);
}

static const struct test_case cases[] = {
	{ "close", test_close, 60 },
	{ "grant_close", test_grant_close, 60 },
	{ "ungrant", test_ungrant, 60 },
	{ "revoke", test_revoke, 60 },
	{ "unexpose", test_unexpose, 60 },
	{ "unwire", test_unwire, 60 },
	{ "freeze", test_freeze, 60 },
	{ "unstatus", test_unstatus, 60 },
	{ "close_port", test_close_port, 60 },
	{ "close_eventfd_port", test_close_eventfd_port, 60 },
	{ "waits", test_waits, 60 },
	{ "unheld_waits", test_unheld_waits, 60 },
};

int main(int argc, char **argv)
{
	int ret = test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);

	delay_unload();
	return ret;
}
