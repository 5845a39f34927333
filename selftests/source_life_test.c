// SPDX-License-Identifier: GPL-2.0
/*
 * Sources whose port is revoked, dead or closed: what is dropped; what is closed in which order,
 * and who is killed.
 */
#include <signal.h>
#include <sys/wait.h>

#include "pvi_test.h"
#include "source.h"

#define GSI		SOURCE_GSI
#define DOORBELL	0x510

/* Lines of the endpoint's fdinfo that begin with @key */
static int fdinfo_lines(int fd, const char *key)
{
	char path[64], line[256];
	int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	ASSERT_TRUE(file);
	while (fgets(line, sizeof(line), file))
		count += !strncmp(line, key, strlen(key));
	fclose(file);
	return count;
}

static void expect_dropped(struct pair *p, int source, u64 count)
{
	ASSERT_EQ(eventfd_write(source, 2), 0);
	ASSERT_TRUE(wait_until(dropped(p->tx) == count, 10000));
	ASSERT_EQ(read_eventfd(p->sink), 0);
	ASSERT_EQ(fdinfo_lines(p->tx, "pvi-source:"), 1);
}

static void test_revoked(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	pvi_wire_source(p.tx, source, p.port);
	pvi_revoke(p.rx, pvi_uuid[1], GSI);
	expect_dropped(&p, source, 2);
	ASSERT_EQ(accepted(p.tx), 0);
}

static void test_dead(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	pvi_wire_source(p.tx, source, p.port);
	close(p.rx);
	expect_dropped(&p, source, 2);
}

/* The source stays and rings what comes to stand at its port */
static void test_port_closed(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	pvi_wire_source(p.tx, source, p.port);
	pvi_close_port(p.tx, p.port);
	expect_dropped(&p, source, 2);
	ASSERT_EQ(pvi_connect(p.tx, pvi_uuid[0], GSI), p.port);
	signal_eventfd(source);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
	ASSERT_EQ(dropped(p.tx), 2);
}

static void test_unwire(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();
	u64 i;

	for (i = 1; i <= 50; i++) {
		pvi_wire_source(p.tx, source, p.port);
		signal_eventfd(source);
		pvi_unwire_source(p.tx, source, p.port);
		/* What came before was rung, what comes later stays in the eventfd */
		ASSERT_EQ(read_eventfd(p.sink), 1);
		ASSERT_EQ(accepted(p.tx), i);
		signal_eventfd(source);
		ASSERT_EQ(read_eventfd(source), 1);
		ASSERT_EQ(read_eventfd(p.sink), 0);
	}
}

/* One that waits for a token when it is unwired is dropped, and counted */
static void test_unwire_throttled(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	pvi_allow_rate(p.rx, pvi_uuid[1], GSI, 1, 1);
	pvi_allow_rate(p.rx, pvi_uuid[1], GSI, 1, 1000);
	while (pvi_call(p.tx, KVM_HC_NOTIFY, p.port, 0, 0, 0) != -EAGAIN)
		;
	pvi_allow_rate(p.rx, pvi_uuid[1], GSI, 1, 1);
	pvi_wire_source(p.tx, source, p.port);
	signal_eventfd(source);
	ASSERT_EQ(eventfd_write(source, 2), 0);
	pvi_unwire_source(p.tx, source, p.port);
	ASSERT_EQ(dropped(p.tx), 3);
	ASSERT_EQ(__pvi_unwire_source(p.tx, source, p.port), -ENOENT);
}

/* Signalled and closed at once: rung, then gone from the endpoint */
static void test_close_eventfd(void)
{
	struct pair p = pair_create();
	int source, i;

	for (i = 1; i <= 50; i++) {
		source = new_eventfd();
		pvi_wire_source(p.tx, source, p.port);
		ASSERT_EQ(eventfd_write(source, 1), 0);
		close(source);
		wait_accepted(p.tx, i);
		ASSERT_EQ(read_eventfd(p.sink), 1);
	}
	ASSERT_TRUE(wait_until(!fdinfo_lines(p.tx, "pvi-source:"), 5000));
}

static void test_close_throttled(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	pvi_allow_rate(p.rx, pvi_uuid[1], GSI, 2, 1);
	pvi_wire_source(p.tx, source, p.port);
	signal_eventfd(source);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
	read_eventfd(p.sink);
	signal_eventfd(source);
	close(source);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
	ASSERT_TRUE(wait_until(!fdinfo_lines(p.tx, "pvi-source:"), 5000));
	ASSERT_EQ(dropped(p.tx), 0);
}

/* Sender's VM, endpoint and eventfd, receiver's endpoint: closed in each order of the four */
static void close_in_order(unsigned int order)
{
	struct pair p = pair_create();
	struct vm *tx = vm_create(1, 0);
	int fd = pvi_bind(tx, pvi_uuid[2]), source = new_eventfd(), copy = dup(source);
	int fds[4] = { tx->fd, fd, source, p.rx }, left = 4, i;

	pvi_allow(p.rx, pvi_uuid[2], GSI);
	pvi_wire_source(fd, source, pvi_connect(fd, pvi_uuid[0], GSI));
	vm_ioeventfd_port(tx, DOORBELL, 1, source);
	close(copy);
	for (; left; left--) {
		vcpu_outb_in_mode(&tx->vcpus[0], GUEST_LONG64, DOORBELL, 1);
		i = order % left;
		order /= left;
		close(fds[i]);
		memmove(&fds[i], &fds[i + 1], (3 - i) * sizeof(int));
	}
	vcpu_outb_in_mode(&tx->vcpus[0], GUEST_LONG64, DOORBELL, 1);
	munmap(tx->vcpus[0].run, ioctl(kvm_dev_fd(), KVM_GET_VCPU_MMAP_SIZE, 0));
	close(tx->vcpus[0].fd);
	close(p.tx);
	close(p.sink);
}

static void test_close_orders(void)
{
	unsigned int order;

	for (order = 0; order < 24; order++) {
		close_in_order(order);
		/* The names are free at once, the sources soon */
		close(pvi_bind(NULL, pvi_uuid[2]));
	}
}

/* When the endpoint has gone its eventfds are anybody's again */
static void test_free_after_death(void)
{
	struct pair p = pair_create();
	int fd = pvi_bind(NULL, pvi_uuid[2]), source = new_eventfd();
	u32 port;

	pvi_wire_source(p.tx, source, p.port);
	ASSERT_EQ(__pvi_set_port(fd, source, &port), -ELOOP);
	close(p.tx);
	ASSERT_TRUE(wait_until(__pvi_set_port(fd, source, &port) == 0, 5000));
}

static void test_killed(void)
{
	struct pair p = pair_create();
	int source = new_eventfd(), ready[2], fd = pvi_bind(NULL, pvi_uuid[2]), status;
	u32 port;
	char byte;
	pid_t pid;

	ASSERT_EQ(pipe(ready), 0);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		struct vm *vm = vm_create(1, 0);
		int mine = pvi_bind(vm, pvi_uuid[3]);

		pvi_wire_source(mine, source, pvi_set_port(mine, new_eventfd()));
		ASSERT_EQ(write(ready[1], "", 1), 1);
		for (;;)
			signal_eventfd(source);
	}
	ASSERT_EQ(read(ready[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_TRUE(wait_until(__pvi_set_port(fd, source, &port) == 0, 5000));
	pvi_close_port(fd, port);
	read_eventfd(source);
	pvi_wire_source(p.tx, source, p.port);
	signal_eventfd(source);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
}

#define SOURCES	1000

static int sources[SOURCES];

/* An endpoint whose sources others hold */
static void own_sources(u64 port)
{
	int fd = pvi_bind(NULL, pvi_uuid[1]), i;

	ASSERT_EQ(pvi_connect(fd, pvi_uuid[0], GSI), port);
	for (i = 0; i < SOURCES; i++)
		pvi_wire_source(fd, sources[i], port);
	ASSERT_EQ(pvi_call(fd, KVM_HC_NOTIFY, port, 0, 0, 0), KVM_PVI_RAISED);
}

static bool signals_done;

static void *signal_sources(void *arg)
{
	int i;

	while (!READ_ONCE(signals_done))
		for (i = 0; i < SOURCES; i++)
			signal_eventfd(sources[i]);
	return arg;
}

static bool next_event(int fd, struct kvm_pvi_event *event)
{
	return wait_readable(fd, 100) && read(fd, event, sizeof(*event)) == sizeof(*event);
}

/*
 * Of an endpoint that has died no source rings any more when its name has a successor: the receiver would be told
 * that the successor is down, and the dead one up.
 */
static void test_successor(void)
{
	int rx = pvi_bind(NULL, pvi_uuid[0]), sink = new_eventfd(), tx, i;
	struct kvm_pvi_event event;
	pthread_t thread;
	u64 epoch;

	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, GSI, sink);
	pvi_allow(rx, pvi_uuid[1], GSI);
	for (i = 0; i < SOURCES; i++)
		sources[i] = new_eventfd();
	ASSERT_EQ(pthread_create(&thread, NULL, signal_sources, NULL), 0);
	child_join(child_run(own_sources, 0));
	tx = pvi_bind_epoch(pvi_uuid[1], &epoch);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_RAISED);
	ASSERT_TRUE(next_event(rx, &event));
	ASSERT_EQ(event.type, KVM_PVI_EVENT_SENDER_UP);
	ASSERT_NE(event.epoch, epoch);
	WRITE_ONCE(signals_done, true);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ASSERT_TRUE(next_event(rx, &event));
	ASSERT_EQ(event.type, KVM_PVI_EVENT_SENDER_DOWN);
	ASSERT_NE(event.epoch, epoch);
	ASSERT_TRUE(next_event(rx, &event));
	ASSERT_EQ(event.type, KVM_PVI_EVENT_SENDER_UP);
	ASSERT_EQ(event.epoch, epoch);
	ASSERT_TRUE(!next_event(rx, &event));
}

static const struct test_case cases[] = {
	{ "revoked", test_revoked },
	{ "dead", test_dead },
	{ "port_closed", test_port_closed },
	{ "unwire", test_unwire },
	{ "unwire_throttled", test_unwire_throttled },
	{ "close_eventfd", test_close_eventfd },
	{ "close_throttled", test_close_throttled },
	{ "close_orders", test_close_orders },
	{ "free_after_death", test_free_after_death },
	{ "killed", test_killed },
	{ "successor", test_successor },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
