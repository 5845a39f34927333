// SPDX-License-Identifier: GPL-2.0
/*
 * Sources: an eventfd that rings a port. Bursts are counted, throttled ones wait, and eventfds that
 * would ring themselves are refused. Guests that ring so are in source_guest_test.c, the ends of a
 * source in source_life_test.c.
 */
#include <ctype.h>
#include <glob.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "cgroup.h"
#include "pvi_test.h"
#include "source.h"

#define GSI	SOURCE_GSI

static char source_rate[32];

static void test_count_before(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	ASSERT_EQ(eventfd_write(source, 5), 0);
	pvi_wire_source(p.tx, source, p.port);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
	wait_accepted(p.tx, 5);
	ASSERT_EQ(pvi_stats(p.tx).sent.raised, 1);
	ASSERT_EQ(read_eventfd(p.sink), 1);
	ASSERT_EQ(read_eventfd(source), 0);
}

/* At least one ring after the last signal, at most one per signal, none lost from the counts */
static void test_burst(void)
{
	struct pair p = pair_create();
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	int source = new_eventfd();
	u64 i, rings;

	pvi_wire_source(p.tx, source, p.port);
	for (i = 0; i < 2000; i++)
		signal_eventfd(source);
	ASSERT_EQ(eventfd_write(source, 500), 0);
	wait_accepted(p.tx, 2500);
	rings = read_eventfd(p.sink);
	ASSERT_GE(rings, 1);
	ASSERT_LE(rings, 2001);
	ASSERT_EQ(pvi_stats(p.tx).sent.raised, rings);
	ASSERT_EQ(pvi_stats(p.rx).received.raised, rings);
	ASSERT_EQ(pvi_stats(p.rx).received.coalesced, 2500 - rings);
	pvi_ioctl(p.rx, KVM_PVI_GET_EDGE, &edge);
	ASSERT_EQ(edge.counts.raised + edge.counts.coalesced, 2500);

	signal_eventfd(source);
	wait_accepted(p.tx, 2501);
	ASSERT_EQ(read_eventfd(p.sink), 1);
}

/* A port that is an eventfd is no permission: only the sender's counters grow */
static void test_eventfd_port(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[1]), sink = new_eventfd(), source = new_eventfd();

	pvi_wire_source(fd, source, pvi_set_port(fd, sink));
	ASSERT_EQ(eventfd_write(source, 3), 0);
	wait_accepted(fd, 3);
	ASSERT_EQ(read_eventfd(sink), 1);
}

static void test_semaphore(void)
{
	struct pair p = pair_create();
	int source = eventfd(3, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);

	ASSERT_GE(source, 0);
	pvi_wire_source(p.tx, source, p.port);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
	read_eventfd(p.sink);
	signal_eventfd(source);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
}

static void *write_blocking(void *arg)
{
	eventfd_t max = -2;
	int fd = *(int *)arg;

	ASSERT_EQ(eventfd_write(fd, max), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	return NULL;
}

/* A writer that waits for the count to go is woken when the source takes it */
static void test_full_eventfd(void)
{
	struct pair p = pair_create();
	int source = eventfd(0, EFD_CLOEXEC);
	pthread_t thread;

	ASSERT_GE(source, 0);
	ASSERT_EQ(pthread_create(&thread, NULL, write_blocking, &source), 0);
	ASSERT_TRUE(wait_readable(source, 5000));
	pvi_wire_source(p.tx, source, p.port);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
}

/* When @fd is ready, aio signals @signalled */
static aio_context_t aio_poll(int fd, int events, int signalled)
{
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_POLL,
		.aio_fildes = fd,
		.aio_buf = events,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = signalled,
	}, *cbs = &cb;
	aio_context_t ctx = 0;

	ASSERT_EQ(syscall(SYS_io_setup, 1, &ctx), 0);
	ASSERT_EQ(syscall(SYS_io_submit, ctx, 1, &cbs), 1);
	return ctx;
}

static void aio_wait(aio_context_t ctx)
{
	struct io_event event;

	ASSERT_EQ(syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL), 1);
	ASSERT_EQ(syscall(SYS_io_destroy, ctx), 0);
}

/* Whoever waits for the count to go signals the same eventfd at once, as it is taken */
static void test_signalled_by_aio(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();
	eventfd_t max = -2;
	aio_context_t ctx;

	ASSERT_EQ(eventfd_write(source, max), 0);
	ctx = aio_poll(source, POLLOUT, source);
	pvi_wire_source(p.tx, source, p.port);
	aio_wait(ctx);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
}

/* Likewise when a source ends, and leaves a count of which it takes one */
static void test_signalled_by_aio_at_end(void)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	struct pair p = pair_create();
	int source = eventfd(5, EFD_SEMAPHORE | EFD_NONBLOCK), epoll = epoll_create1(0);
	aio_context_t ctx;

	pvi_wire_source(p.tx, source, p.port);
	ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, source, &event), 0);
	ASSERT_EQ(epoll_wait(epoll, &event, 1, 0), 1);
	ctx = aio_poll(epoll, POLLIN, source);
	pvi_unwire_source(p.tx, source, p.port);
	aio_wait(ctx);
}

/* Nobody could be told: what finds no token waits for one */
static void test_throttled(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();
	u64 start, i;

	pvi_allow_rate(p.rx, pvi_uuid[1], GSI, 4, 1);
	pvi_wire_source(p.tx, source, p.port);
	start = now_ms();
	for (i = 1; i <= 4; i++) {
		signal_eventfd(source);
		ASSERT_TRUE(wait_readable(p.sink, 5000));
		ASSERT_EQ(read_eventfd(p.sink), 1);
		/* Clocks of both sides are the same; a millisecond for rounding */
		ASSERT_GE(now_ms() - start + 1, (i - 1) * 250);
	}
	wait_accepted(p.tx, 4);
	ASSERT_GT(pvi_stats(p.tx).sent.throttled, 0);
}

/* The limit of a GSI, all its senders together; what the edge allowed is not spent by it */
static void test_throttled_gsi(void)
{
	struct kvm_pvi_expose expose = { .size = sizeof(expose), .gsi = GSI + 1,
					 .kind = KVM_PVI_GSI_EVENTFD, .rate = 4, .burst = 1 };
	struct pair p = pair_create();
	int source = new_eventfd(), sink = new_eventfd();

	pvi_ioctl(p.rx, KVM_PVI_EXPOSE, &expose);
	pvi_wire(p.rx, GSI + 1, sink);
	pvi_allow(p.rx, pvi_uuid[1], GSI + 1);
	pvi_wire_source(p.tx, source, pvi_connect(p.tx, pvi_uuid[0], GSI + 1));
	signal_eventfd(source);
	wait_accepted(p.tx, 1);
	signal_eventfd(source);
	wait_accepted(p.tx, 2);
	ASSERT_EQ(read_eventfd(sink), 2);
}

/* A rate that is raised, or lifted, is seen by a source that waits */
static void test_rate_lifted(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();
	u64 throttled;
	u32 i;

	pvi_allow_rate(p.rx, pvi_uuid[1], GSI, 1, 1000);
	while (pvi_call(p.tx, KVM_HC_NOTIFY, p.port, 0, 0, 0) != -EAGAIN)
		;
	read_eventfd(p.sink);
	pvi_wire_source(p.tx, source, p.port);
	pvi_allow_rate(p.rx, pvi_uuid[1], GSI, 1, 1);
	ASSERT_EQ(pvi_call(p.tx, KVM_HC_NOTIFY, p.port, 0, 0, 0), -EAGAIN);
	signal_eventfd(source);
	pvi_allow_rate(p.rx, pvi_uuid[1], GSI, 0, 0);
	ASSERT_TRUE(wait_readable(p.sink, 10000));
	/* Of what comes then none is refused any more */
	throttled = pvi_stats(p.tx).sent.throttled;
	for (i = 0; i < 5; i++) {
		read_eventfd(p.sink);
		signal_eventfd(source);
		ASSERT_TRUE(wait_readable(p.sink, 10000));
	}
	ASSERT_EQ(pvi_stats(p.tx).sent.throttled, throttled);
}

/* A source or a sink, on this host, never both */
static void test_loop(void)
{
	struct pair p = pair_create();
	int other = pvi_bind(NULL, pvi_uuid[2]), source = new_eventfd(), sink = new_eventfd();
	u32 port;

	pvi_wire_source(p.tx, source, p.port);
	ASSERT_EQ(__pvi_wire_source(p.tx, source, p.port), -EEXIST);
	ASSERT_EQ(__pvi_wire_source(other, source, pvi_set_port(other, sink)), -EEXIST);
	ASSERT_EQ(__pvi_set_port(p.tx, source, &port), -ELOOP);
	ASSERT_EQ(__pvi_set_port(other, source, &port), -ELOOP);
	pvi_expose(other, GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(__pvi_wire(other, GSI, source), -ELOOP);
	pvi_unwire_source(p.tx, source, p.port);
	pvi_wire(other, GSI, source);
	ASSERT_EQ(__pvi_wire_source(p.tx, source, p.port), -ELOOP);

	/* A sink may be one many times, and is free when none of them is left */
	pvi_wire(other, GSI, sink);
	ASSERT_EQ(__pvi_wire_source(p.tx, sink, p.port), -ELOOP);
	pvi_close_port(other, 0);
	ASSERT_EQ(__pvi_wire_source(p.tx, sink, p.port), -ELOOP);
	pvi_gsi(other, KVM_PVI_UNWIRE, GSI);
	pvi_wire_source(p.tx, sink, p.port);
	pvi_unwire_source(p.tx, sink, p.port);
	pvi_wire(other, GSI, sink);
	pvi_gsi(other, KVM_PVI_UNEXPOSE, GSI);
	pvi_wire_source(p.tx, sink, p.port);
	/* Replaced as the eventfd of a GSI */
	pvi_wire(p.rx, GSI, source);
	pvi_wire_source(other, p.sink, pvi_set_port(other, new_eventfd()));
}

struct loop {
	int source;
	int sink;
	u64 rounds;
	bool stop;
};

/* What KVM or another subsystem might do: each signal of the sink signals the source */
static void *close_the_loop(void *arg)
{
	struct loop *loop = arg;

	while (!__atomic_load_n(&loop->stop, __ATOMIC_RELAXED)) {
		if (!wait_readable(loop->sink, 10))
			continue;
		read_eventfd(loop->sink);
		__atomic_add_fetch(&loop->rounds, 1, __ATOMIC_RELAXED);
		signal_eventfd(loop->source);
	}
	return NULL;
}

/* A loop that closes elsewhere turns as often as the budget says, and does not die */
static void test_budget(void)
{
	struct loop loop = { .source = new_eventfd(), .sink = new_eventfd() };
	int fd = pvi_bind(NULL, pvi_uuid[1]);
	const u64 rate = 200, burst = rate / 50;
	pthread_t thread;
	u64 start;

	ASSERT_EQ(__write_param("kvm_pvi", "source_rate", "200"), 0);
	start = now_ms();
	pvi_wire_source(fd, loop.source, pvi_set_port(fd, loop.sink));
	ASSERT_EQ(__write_param("kvm_pvi", "source_rate", source_rate), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, close_the_loop, &loop), 0);
	signal_eventfd(loop.source);
	ASSERT_TRUE(wait_until(__atomic_load_n(&loop.rounds, __ATOMIC_RELAXED) > 100, 20000));
	loop.stop = true;
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ASSERT_LE(loop.rounds, burst + rate * (now_ms() - start + 1) / 1000 + 1);
	ASSERT_EQ(dropped(fd), 0);
}

struct flood {
	int source;
	u64 signals;
};

static void *signal_often(void *arg)
{
	struct flood *flood = arg;
	u64 i;

	for (i = 0; i < flood->signals; i++)
		signal_eventfd(flood->source);
	return NULL;
}

/* Wired and unwired while it is signalled: each signal is rung, dropped or left, none twice */
static void test_conservation(void)
{
	struct pair p = pair_create();
	struct flood flood = { .source = new_eventfd(), .signals = 3000 };
	pthread_t threads[2];
	u64 i, left = 0;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, signal_often, &flood), 0);
	for (i = 0; i < 200; i++) {
		pvi_wire_source(p.tx, flood.source, p.port);
		sched_yield();
		pvi_unwire_source(p.tx, flood.source, p.port);
		left += read_eventfd(flood.source);
	}
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);
	left += read_eventfd(flood.source);
	ASSERT_EQ(accepted(p.tx) + left, 2 * flood.signals);
	ASSERT_EQ(dropped(p.tx), 0);
}

/* Of the kernel's, for sources of this process; *@pid is one of them */
static u32 find_threads(pid_t *pid)
{
	char name[32];
	glob_t comms;
	size_t i;
	u32 nr = 0;

	snprintf(name, sizeof(name), "kvm_pvi-%d\n", getpid());
	ASSERT_EQ(glob("/proc/[0-9]*/comm", 0, NULL, &comms), 0);
	for (i = 0; i < comms.gl_pathc; i++) {
		char comm[32] = "";
		FILE *f = fopen(comms.gl_pathv[i], "r");

		/* One that has ended meanwhile has none */
		if (!f)
			continue;
		if (fgets(comm, sizeof(comm), f) && !strcmp(comm, name)) {
			*pid = strtoul(comms.gl_pathv[i] + strlen("/proc/"), NULL, 10);
			nr++;
		}
		fclose(f);
	}
	globfree(&comms);
	return nr;
}

static u32 threads_made(void)
{
	pid_t pid;

	return find_threads(&pid);
}

/* A source of an endpoint that has no other, and the kernel's thread for it */
struct served {
	struct pair p;
	int source;
	pid_t thread;
};

static struct served served_create(void)
{
	struct served s = { .p = pair_create(), .source = new_eventfd() };

	pvi_wire_source(s.p.tx, s.source, s.p.port);
	ASSERT_EQ(find_threads(&s.thread), 1);
	return s;
}

static void expect_served(struct served *s)
{
	signal_eventfd(s->source);
	wait_accepted(s->p.tx, 1);
}

static void served_close(struct served *s)
{
	close(s->p.tx);
	close(s->p.rx);
	close(s->p.sink);
	close(s->source);
	/* It has ended, but may be seen a little longer */
	ASSERT_TRUE(wait_until(!threads_made(), 5000));
}

/* Whether its control groups, of which there is one on each line, are this process's */
static bool is_in_own_groups(pid_t pid)
{
	char *own = read_file("/proc/self/cgroup"), *its, path[64];
	bool is;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	its = read_file(path);
	is = !strcmp(its, own);
	free(its);
	free(own);
	return is;
}

/* The thread is in the groups of who has wired the first source, and as nice */
static void test_thread(void)
{
	struct served s;

	cgroup_enter("");
	ASSERT_TRUE(!is_in_own_groups(1));
	ASSERT_EQ(setpriority(PRIO_PROCESS, 0, 7), 0);
	s = served_create();
	ASSERT_TRUE(is_in_own_groups(s.thread));
	ASSERT_EQ(getpriority(PRIO_PROCESS, s.thread), 7);
	expect_served(&s);
}

/* "0-3", what the kernel lets the process run on */
static char *processors_of(pid_t pid)
{
	static const char name[] = "Cpus_allowed_list:\t";
	char path[64], *status, *list;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = read_file(path);
	list = strstr(status, name);
	ASSERT_TRUE(list);
	list = strndup(list + strlen(name), strcspn(list + strlen(name), "\n"));
	ASSERT_TRUE(list);
	free(status);
	return list;
}

static void expect_processors(pid_t pid, const char *expected)
{
	char *list = processors_of(pid);

	if (strcmp(list, expected))
		test_diag("runs on %s, not on %s", list, expected);
	ASSERT_EQ(strcmp(list, expected), 0);
	free(list);
}

/* Of those that are online. On a machine with one it is the first, too */
static const char *last_processor(void)
{
	static char online[256];
	char *last;

	ASSERT_EQ(__read_line("/sys/devices/system/cpu/online", online, sizeof(online)), 0);
	last = online + strlen(online);
	while (last > online && isdigit(last[-1]))
		last--;
	return last;
}

/*
 * The thread runs where the group of who has wired the first source may, and goes where that goes. Since 6.14 a thread
 * of the kernel lets itself run everywhere when it begins, which may be late.
 */
static void test_processors(void)
{
	const char *last = last_processor();
	struct served s;
	u32 i;

	cgroup_enter("+cpuset");
	cgroup_write("cpuset.cpus", last);
	expect_processors(getpid(), last);
	for (i = 0; i < 64; i++) {
		s = served_create();
		expect_processors(s.thread, last);
		expect_served(&s);
		expect_processors(s.thread, last);
		served_close(&s);
	}

	s = served_create();
	cgroup_write("cpuset.cpus", "0");
	expect_processors(s.thread, "0");
	expect_served(&s);
}

/* What a process alone has confined itself to is no matter for it */
static void test_affinity(void)
{
	cpu_set_t every, first;
	struct served s;
	char *all;

	cgroup_enter("+cpuset");
	/* Whoever has started the test may have confined it */
	memset(&every, 0xff, sizeof(every));
	ASSERT_EQ(sched_setaffinity(0, sizeof(every), &every), 0);
	all = processors_of(getpid());
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	ASSERT_EQ(sched_setaffinity(0, sizeof(first), &first), 0);
	expect_processors(getpid(), "0");
	s = served_create();
	expect_processors(s.thread, all);
	expect_served(&s);
	free(all);
}

static void test_errors(void)
{
	struct pair p = pair_create();
	struct kvm_pvi_source arg = { .size = sizeof(arg), .fd = new_eventfd(), .port = p.port };
	int source = arg.fd, unbound = pvi_open();

	ASSERT_EQ(__pvi_wire_source(p.tx, -1, p.port), -EBADF);
	ASSERT_EQ(__pvi_wire_source(p.tx, p.tx, p.port), -EINVAL);
	ASSERT_EQ(__pvi_wire_source(p.tx, source, p.port + 1), -ENOENT);
	ASSERT_EQ(__pvi_wire_source(p.tx, source, KVM_PVI_PORT_ANY), -ENOENT);
	ASSERT_EQ(__pvi_wire_source(unbound, source, p.port), -ENOTCONN);
	arg.flags = 1;
	ASSERT_EQ(__pvi_ioctl(p.tx, KVM_PVI_WIRE_SOURCE, &arg), -EINVAL);
	arg.flags = 0;
	arg.size--;
	ASSERT_EQ(__pvi_ioctl(p.tx, KVM_PVI_WIRE_SOURCE, &arg), -EINVAL);

	/* None of them has left anything behind */
	ASSERT_EQ(__pvi_unwire_source(p.tx, source, p.port), -ENOENT);
	ASSERT_EQ(threads_made(), 0);
	pvi_wire_source(p.tx, source, p.port);
	ASSERT_EQ(threads_made(), 1);
	ASSERT_EQ(__pvi_unwire_source(p.tx, -1, p.port), -EBADF);
	ASSERT_EQ(__pvi_unwire_source(p.tx, p.tx, p.port), -EINVAL);
	ASSERT_EQ(__pvi_unwire_source(p.tx, source, p.port + 1), -ENOENT);
	ASSERT_EQ(__pvi_unwire_source(p.tx, p.sink, p.port), -ENOENT);
	ASSERT_EQ(__pvi_unwire_source(p.rx, source, p.port), -ENOENT);
	ASSERT_EQ(__pvi_unwire_source(unbound, source, p.port), -ENOTCONN);
}

static const struct test_case cases[] = {
	{ "count_before", test_count_before },
	{ "burst", test_burst },
	{ "eventfd_port", test_eventfd_port },
	{ "semaphore", test_semaphore },
	{ "full_eventfd", test_full_eventfd },
	{ "signalled_by_aio", test_signalled_by_aio },
	{ "signalled_by_aio_at_end", test_signalled_by_aio_at_end },
	{ "throttled", test_throttled },
	{ "throttled_gsi", test_throttled_gsi },
	{ "rate_lifted", test_rate_lifted },
	{ "loop", test_loop },
	{ "budget", test_budget },
	{ "conservation", test_conservation },
	{ "thread", test_thread },
	{ "processors", test_processors },
	{ "affinity", test_affinity },
	{ "errors", test_errors },
};

/* Whatever became of the case that changed it */
static void restore_rate(void)
{
	__write_param("kvm_pvi", "source_rate", source_rate);
}

int main(int argc, char **argv)
{
	if (!__read_line("/sys/module/kvm_pvi/parameters/source_rate", source_rate,
			 sizeof(source_rate)))
		atexit(restore_rate);
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
