// SPDX-License-Identifier: GPL-2.0
/*
 * Reading an endpoint: a sender is told of VMs that let it ring, a receiver of senders that have
 * rung or connected, each of nothing else, and of every death. What is kept, what is lost, and
 * what read() and poll() say of a dead one.
 */
#include <fcntl.h>

#include "pvi_test.h"

#define GSI	5
#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]
#define OTHER	pvi_uuid[2]

static s64 ring(int fd, const u8 *uuid, u32 gsi)
{
	return pvi_call(fd, KVM_HC_PVI, (u64)uuid, gsi, 0, 0);
}

static void expose(int fd, u32 gsi)
{
	pvi_expose(fd, gsi, KVM_PVI_GSI_EVENTFD);
}

static void test_peer(void)
{
	u64 tx_epoch, epoch;
	int tx = pvi_bind_epoch(TX, &tx_epoch), rx = pvi_bind_epoch(RX, &epoch);

	pvi_expect_no_event(tx);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(pvi_expect_event(tx, KVM_PVI_EVENT_PEER_UP, RX, epoch), 0);
	/* More rows make no more of a peer, and taking all but one back no less */
	pvi_allow(rx, TX, GSI + 1);
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	pvi_revoke(rx, TX, GSI);
	pvi_revoke(rx, TX, GSI + 1);
	expose(rx, GSI);
	pvi_expect_no_event(tx);
	pvi_revoke(rx, TX, KVM_PVI_GSI_ANY);
	pvi_expect_event(tx, KVM_PVI_EVENT_PEER_REVOKED, RX, epoch);
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	pvi_expect_event(tx, KVM_PVI_EVENT_PEER_UP, RX, epoch);
	close(rx);
	pvi_expect_event(tx, KVM_PVI_EVENT_PEER_DOWN, RX, epoch);
	pvi_expect_no_event(tx);
}

/* The receiver is told once that a sender is there, and when it dies */
static void test_sender(void)
{
	u64 epoch, again;
	int rx = pvi_bind(NULL, RX), tx = pvi_bind_epoch(TX, &epoch);

	expose(rx, GSI);
	expose(rx, GSI + 1);
	ASSERT_EQ(ring(tx, RX, GSI), -EPERM);
	pvi_allow(rx, TX, GSI);
	pvi_allow(rx, TX, GSI + 1);
	pvi_expect_no_event(rx);
	ASSERT_EQ(ring(tx, RX, GSI), KVM_PVI_LATCHED);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_UP, TX, epoch);
	ASSERT_EQ(ring(tx, RX, GSI), KVM_PVI_COALESCED);
	ASSERT_EQ(ring(tx, RX, GSI + 1), KVM_PVI_LATCHED);
	pvi_connect(tx, RX, GSI);
	pvi_expect_no_event(rx);
	close(tx);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_DOWN, TX, epoch);

	tx = pvi_bind_epoch(TX, &again);
	ASSERT_NE(epoch, again);
	pvi_expect_no_event(rx);
	ASSERT_EQ(ring(tx, RX, GSI + 1), KVM_PVI_COALESCED);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_UP, TX, again);
	close(tx);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_DOWN, TX, again);
	pvi_expect_no_event(rx);
}

/* Every way to be heard of */
static void test_heard(void)
{
	static u8 all[KVM_PVI_UUID_SIZE] __aligned(16) = { [0 ... 15] = 0xff };
	u64 epoch;
	int rx = pvi_bind(NULL, RX), tx, way;

	expose(rx, GSI);
	pvi_allow(rx, TX, GSI);
	for (way = 0; way < 4; way++) {
		tx = pvi_bind_epoch(TX, &epoch);
		if (way == 0)
			pvi_connect(tx, RX, GSI);
		if (way == 1)
			ASSERT_GE(pvi_call(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0, 0), 0);
		if (way == 2)
			ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)all, GSI, 0, 0), 1);
		if (way == 3)
			ASSERT_GE(ring(tx, RX, GSI), 0);
		pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_UP, TX, epoch);
		close(tx);
		pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_DOWN, TX, epoch);
	}
}

/* Nobody is told of strangers: not of those it allows, nor of those that do not allow it */
static void test_strangers(void)
{
	int rx = pvi_bind(NULL, RX), tx, other = pvi_bind(NULL, OTHER);

	expose(rx, GSI);
	pvi_allow(rx, TX, GSI);
	tx = pvi_bind(NULL, TX);
	ASSERT_EQ(ring(other, RX, GSI), -EPERM);
	pvi_expect_no_event(rx);
	pvi_expect_no_event(other);
	/* Throttled from the start */
	pvi_allow_rate(rx, TX, GSI, 1, 1);
	ASSERT_GE(ring(tx, RX, GSI), 0);
	ASSERT_EQ(ring(tx, RX, GSI), -EAGAIN);
	ASSERT_EQ(pvi_drop_events(rx), 1);
	close(other);
	close(rx);
	ASSERT_TRUE(wait_readable(tx, 5000));
	ASSERT_EQ(pvi_drop_events(tx), 1);
}

/* A row that is pinned to another user lets this one see nothing */
static void test_pinned(void)
{
	u64 epoch;
	int tx = pvi_bind(NULL, TX), rx = pvi_bind_epoch(RX, &epoch);

	ASSERT_EQ(__pvi_allow_owner(rx, TX, GSI, 4711), 0);
	pvi_expect_no_event(tx);
	ASSERT_EQ(__pvi_allow_owner(rx, TX, GSI, 0), 0);
	pvi_expect_event(tx, KVM_PVI_EVENT_PEER_UP, RX, epoch);
	ASSERT_EQ(__pvi_allow_owner(rx, TX, GSI, 4711), 0);
	pvi_expect_event(tx, KVM_PVI_EVENT_PEER_REVOKED, RX, epoch);
	close(rx);
	ASSERT_EQ(poll(&(struct pollfd){ .fd = tx, .events = POLLIN }, 1, test_slow(200)), 0);
}

static int bind_flags(const u8 *uuid, u32 flags)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind), .flags = flags | KVM_PVI_BIND_HOST, .vm_fd = -1,
	};
	int fd = pvi_open();

	memcpy(bind.uuid, uuid, sizeof(bind.uuid));
	pvi_ioctl(fd, KVM_PVI_BIND, &bind);
	return fd;
}

static void test_grants_only(void)
{
	int tx = pvi_bind(NULL, TX), rx = bind_flags(RX, KVM_PVI_BIND_GRANTS_ONLY);

	expose(rx, GSI);
	pvi_allow(rx, TX, GSI);
	pvi_revoke(rx, TX, GSI);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(ring(tx, RX, GSI), -EPERM);
	close(rx);
	ASSERT_EQ(poll(&(struct pollfd){ .fd = tx, .events = POLLIN }, 1, test_slow(200)), 0);
}

/* Of one name the death is told before the successor */
static void test_successor(void)
{
	u64 epoch[2];
	int tx = pvi_bind(NULL, TX), rx, i;

	rx = pvi_bind_epoch(RX, &epoch[0]);
	pvi_allow(rx, TX, GSI);
	pvi_expect_event(tx, KVM_PVI_EVENT_PEER_UP, RX, epoch[0]);
	for (i = 0; i < 20; i++) {
		close(rx);
		rx = pvi_bind_epoch(RX, &epoch[1]);
		pvi_allow(rx, TX, GSI);
		pvi_expect_event(tx, KVM_PVI_EVENT_PEER_DOWN, RX, epoch[0]);
		pvi_expect_event(tx, KVM_PVI_EVENT_PEER_UP, RX, epoch[1]);
		epoch[0] = epoch[1];
	}
}

#define PEERS_KEPT	(KVM_PVI_EVENTS_KEPT / 2)

/* Of peers 32 are kept, the oldest, and the next that is kept says how many came in between */
static void test_lost(void)
{
	u64 epoch;
	int tx = pvi_bind(NULL, TX), rx = pvi_bind_epoch(RX, &epoch), i;

	for (i = 0; i < 50; i++) {
		pvi_allow(rx, TX, GSI);
		pvi_revoke(rx, TX, GSI);
	}
	for (i = 0; i < PEERS_KEPT; i++)
		ASSERT_EQ(pvi_expect_event(tx, i & 1 ? KVM_PVI_EVENT_PEER_REVOKED :
					   KVM_PVI_EVENT_PEER_UP, RX, epoch), 0);
	pvi_expect_no_event(tx);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(pvi_expect_event(tx, KVM_PVI_EVENT_PEER_UP, RX, epoch),
		  100 - PEERS_KEPT);
	pvi_revoke(rx, TX, GSI);
	ASSERT_EQ(pvi_expect_event(tx, KVM_PVI_EVENT_PEER_REVOKED, RX, epoch), 0);

	/* Room for one is made while it is full */
	for (i = 0; i < PEERS_KEPT / 2 + 1; i++) {
		pvi_allow(rx, TX, GSI);
		pvi_revoke(rx, TX, GSI);
	}
	pvi_expect_event(tx, KVM_PVI_EVENT_PEER_UP, RX, epoch);
	pvi_allow(rx, TX, GSI);
	pvi_revoke(rx, TX, GSI);
	for (i = 1; i < PEERS_KEPT; i++)
		ASSERT_EQ(pvi_expect_event(tx, i & 1 ? KVM_PVI_EVENT_PEER_REVOKED :
					   KVM_PVI_EVENT_PEER_UP, RX, epoch), 0);
	ASSERT_EQ(pvi_expect_event(tx, KVM_PVI_EVENT_PEER_UP, RX, epoch), 2);
	pvi_expect_no_event(tx);
}

static void set_nonblock(int fd)
{
	ASSERT_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

static ssize_t __read(int fd, void *buf, size_t size)
{
	ssize_t ret = read(fd, buf, size);

	return ret < 0 ? -errno : ret;
}

static void make_events(int rx, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (i & 1)
			pvi_revoke(rx, TX, GSI);
		else
			pvi_allow(rx, TX, GSI);
	}
}

static void test_read(void)
{
	struct kvm_pvi_event events[8];
	int tx = pvi_open(), rx = pvi_bind(NULL, RX);
	u8 *page = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	ASSERT_EQ(__read(tx, events, sizeof(events)), -ENOTCONN);
	ASSERT_EQ(__read(tx, events, 0), -ENOTCONN);
	ASSERT_EQ(__pvi_bind(tx, NULL, TX), 0);
	set_nonblock(tx);
	ASSERT_EQ(__read(tx, events, sizeof(events)), -EAGAIN);
	ASSERT_EQ(__read(tx, events, 31), -EINVAL);
	make_events(rx, 6);
	ASSERT_EQ(__read(tx, events, 31), -EINVAL);
	ASSERT_EQ(__read(tx, events, 0), -EINVAL);
	/* Whole records only */
	ASSERT_EQ(__read(tx, events, 63), 32);
	ASSERT_EQ(__read(tx, events, 64), 64);
	ASSERT_EQ(events[0].type, KVM_PVI_EVENT_PEER_REVOKED);
	ASSERT_EQ(events[1].type, KVM_PVI_EVENT_PEER_UP);
	/* What could not be copied is still there */
	ASSERT_EQ(munmap(page + PAGE_SIZE, PAGE_SIZE), 0);
	ASSERT_EQ(__read(tx, page + PAGE_SIZE, 64), -EFAULT);
	ASSERT_EQ(__read(tx, page + PAGE_SIZE - 40, 64), 32);
	ASSERT_EQ(__read(tx, events, sizeof(events)), 64);
	ASSERT_EQ(events[1].type, KVM_PVI_EVENT_PEER_REVOKED);
	ASSERT_EQ(__read(tx, events, sizeof(events)), -EAGAIN);
}

static void *reader(void *arg)
{
	static struct kvm_pvi_event event;
	int fd = *(int *)arg;
	ssize_t ret = __read(fd, &event, sizeof(event));

	return (void *)(ret == sizeof(event) ? (long)event.type : (long)ret);
}

static long join(pthread_t thread)
{
	void *ret;

	ASSERT_EQ(pthread_join(thread, &ret), 0);
	return (long)ret;
}

/* A blocking read ends with an event, and with death */
static void test_blocking(void)
{
	struct vm *vm = vm_create(0, 0);
	int tx = pvi_bind(vm, TX), rx = pvi_bind(NULL, RX);
	pthread_t thread;

	ASSERT_EQ(pthread_create(&thread, NULL, reader, &tx), 0);
	usleep(1000);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(join(thread), KVM_PVI_EVENT_PEER_UP);
	ASSERT_EQ(pthread_create(&thread, NULL, reader, &tx), 0);
	usleep(1000);
	close(rx);
	ASSERT_EQ(join(thread), KVM_PVI_EVENT_PEER_DOWN);
}

static int poll_now(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	ASSERT_GE(poll(&pfd, 1, ms), 0);
	return pfd.revents;
}

/* An endpoint of a VM that belongs to a child */
static int bind_child(pid_t *pid)
{
	struct vm vm = { .fd = child_vm(pid) };
	int fd = pvi_bind(&vm, TX);

	close(vm.fd);
	return fd;
}

static void test_dead(void)
{
	struct kvm_pvi_event event;
	int tx, rx = pvi_bind(NULL, RX);
	pthread_t thread;
	u64 epoch;
	pid_t pid;

	tx = bind_child(&pid);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(poll_now(tx, 0), POLLIN);
	expose(rx, GSI);
	ASSERT_EQ(ring(tx, RX, GSI), KVM_PVI_LATCHED);
	pvi_drop_events(tx);
	ASSERT_EQ(poll_now(tx, 0), 0);
	ASSERT_EQ(pvi_drop_events(rx), 1);

	/* Death wakes who reads, who polls, and the receiver */
	ASSERT_EQ(pthread_create(&thread, NULL, reader, &tx), 0);
	usleep(1000);
	child_kill(pid);
	ASSERT_EQ(join(thread), 0);
	ASSERT_EQ(poll_now(tx, test_slow(5000)), POLLHUP);
	ASSERT_TRUE(wait_readable(rx, 5000));
	ASSERT_EQ(__read(rx, &event, sizeof(event)), sizeof(event));
	ASSERT_EQ(event.type, KVM_PVI_EVENT_SENDER_DOWN);
	ASSERT_EQ(__read(tx, &event, sizeof(event)), 0);
	set_nonblock(tx);
	ASSERT_EQ(__read(tx, &event, sizeof(event)), 0);
	ASSERT_EQ(__read(tx, &event, 1), -EINVAL);
	ASSERT_EQ(__pvi_allow(tx, RX, GSI), -ENODEV);

	/* What a dead one was told before stays */
	close(rx);
	tx = bind_child(&pid);
	rx = pvi_bind_epoch(RX, &epoch);
	pvi_allow(rx, TX, GSI);
	child_kill(pid);
	ASSERT_TRUE(wait_until(poll_now(tx, 0) & POLLHUP, 5000));
	ASSERT_EQ(poll_now(tx, 0), POLLIN | POLLHUP);
	pvi_expect_event(tx, KVM_PVI_EVENT_PEER_UP, RX, epoch);
	ASSERT_EQ(poll_now(tx, 0), POLLHUP);
	ASSERT_EQ(__read(tx, &event, sizeof(event)), 0);
}

static int shared_fd;

static void *share(void *arg)
{
	struct kvm_pvi_event events[3];
	u64 seen = 0;
	ssize_t ret;

	(void)arg;
	for (;;) {
		ret = __read(shared_fd, events, sizeof(events));
		if (ret <= 0)
			return (void *)seen;
		for (; ret > 0; ret -= sizeof(events[0]))
			seen += 1 + events[ret / sizeof(events[0]) - 1].lost;
	}
}

/* Several readers share the events: none twice, and those that are lost are counted */
static void test_shared(void)
{
	pthread_t threads[3];
	u64 seen = 0;
	size_t i;
	int rx = pvi_bind(NULL, RX);
	pid_t pid;

	shared_fd = bind_child(&pid);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, share, NULL), 0);
	make_events(rx, 600);
	ASSERT_TRUE(wait_until(!poll_now(shared_fd, 0), 5000));
	/* Takes what was lost since along */
	make_events(rx, 1);
	ASSERT_TRUE(wait_until(!poll_now(shared_fd, 0), 5000));
	child_kill(pid);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		seen += join(threads[i]);
	ASSERT_EQ(seen, 601);
}

/* There is nothing to hang up yet */
static void test_unbound(void)
{
	int fd = pvi_open();

	ASSERT_EQ(poll_now(fd, 0), 0);
	ASSERT_EQ(__pvi_bind(fd, NULL, RX), 0);
	ASSERT_EQ(poll_now(fd, 0), 0);
}

#define ROWS	4000	/* of others, that one call has to go over */
#define ROUNDS	100

static bool revoking;

static void *bind_and_look(void *arg)
{
	struct kvm_pvi_peer peer;
	int *tx = arg;

	while (!READ_ONCE(revoking))
		sched_yield();
	*tx = pvi_bind(NULL, TX);
	return (void *)pvi_peers(*tx, &peer, 1, 0);
}

static bool was_told(int fd, u32 type)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct kvm_pvi_event event;

	return poll(&pfd, 1, 0) == 1 && read(fd, &event, sizeof(event)) == sizeof(event) &&
	       event.type == type;
}

/* A sender that is bound while it is taken off the table: if it has seen the peer it is told that it lost it */
static void test_bound_meanwhile(void)
{
	struct kvm_pvi_revoke revoke = { .size = sizeof(revoke), .flags = KVM_PVI_REVOKE_ALL };
	int rx = pvi_bind(NULL, RX), tx, i;
	cpu_set_t first;
	pthread_t thread;
	u32 met = 0;
	void *seen;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	ASSERT_EQ(sched_setaffinity(0, sizeof(first), &first), 0);
	memcpy(revoke.uuid, TX, sizeof(revoke.uuid));
	for (i = 0; i < ROWS; i++)
		pvi_allow(rx, OTHER, i);
	for (i = 0; i < ROUNDS; i++) {
		pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
		WRITE_ONCE(revoking, false);
		ASSERT_EQ(pthread_create(&thread, NULL, bind_and_look, &tx), 0);
		WRITE_ONCE(revoking, true);
		pvi_ioctl(rx, KVM_PVI_REVOKE, &revoke);
		ASSERT_EQ(pthread_join(thread, &seen), 0);
		if (seen) {
			met++;
			ASSERT_TRUE(was_told(tx, KVM_PVI_EVENT_PEER_REVOKED));
		}
		close(tx);
	}
	test_diag("%u of %u were bound meanwhile", met, ROUNDS);
}

static const struct test_case cases[] = {
	{ "peer", test_peer },
	{ "sender", test_sender },
	{ "heard", test_heard },
	{ "strangers", test_strangers },
	{ "pinned", test_pinned },
	{ "grants_only", test_grants_only },
	{ "successor", test_successor },
	{ "lost", test_lost },
	{ "read", test_read },
	{ "blocking", test_blocking },
	{ "dead", test_dead },
	{ "shared", test_shared },
	{ "unbound", test_unbound },
	{ "bound_meanwhile", test_bound_meanwhile },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
