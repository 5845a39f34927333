// SPDX-License-Identifier: GPL-2.0
/*
 * Each call that may sleep in its caller's memory is stopped there, by userfaultfd or by FUSE, and everything else that
 * can be done to its endpoint, its peer, its VM and the module is done meanwhile. Nothing waits for the one that
 * sleeps; it ends when its memory comes, or when its process is killed. What both have answered, and all that is there
 * then, is what it is in another world where one came behind the other; of a call that was killed, in one where it was
 * not made, or was. And names, GSIs and the VM are as good as new for the next world.
 */
#include <sys/syscall.h>

#include "fuse.h"
#include "midway/midway.h"

/* Each world has half a dozen grace periods, which are none of the matter here. */
#define RCU_EXPEDITED "/sys/kernel/rcu_expedited"

enum order { MEANWHILE, CALL_FIRST, DEED_FIRST };

/* What came of a call and a deed */
struct outcome {
	struct text call, deed, sight;
	int call_ret, deed_ret;
};

/* A deed that is being done, by a thread if it may wait */
struct doing {
	const struct deed *deed;
	struct outcome *outcome;
	pthread_t thread;
	pid_t tid;
	bool done;
};

static void *do_deed(void *arg)
{
	struct doing *doing = arg;

	WRITE_ONCE(doing->tid, gettid());
	doing->outcome->deed_ret = doing->deed->run(&doing->outcome->deed);
	__atomic_store_n(&doing->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* It has been done, or waits. */
static void deed_start(struct doing *doing)
{
	if (!doing->deed->waits) {
		do_deed(doing);
		return;
	}
	ASSERT_EQ(pthread_create(&doing->thread, NULL, do_deed, doing), 0);
	ASSERT_TRUE(wait_until(__atomic_load_n(&doing->done, __ATOMIC_ACQUIRE) ||
			       (READ_ONCE(doing->tid) && sleeps_in_call(doing->tid, SYS_write)), 10000));
}

static void deed_end(struct doing *doing)
{
	if (doing->deed->waits)
		ASSERT_EQ(pthread_join(doing->thread, NULL), 0);
}

/* If the deed waits for the call, the test's deadline tells. */
static void do_meanwhile(const struct sleeper *s, struct ioctl_call *call, struct doing *doing)
{
	if (!ioctl_start(call))
		TEST_FAIL("%s does not sleep", s->name);
	room_await();
	deed_start(doing);
	room_answer();
	doing->outcome->call_ret = ioctl_join(call);
	deed_end(doing);
}

/* What it waits for comes when it has gone. */
static void kill_meanwhile(const struct sleeper *s, struct ioctl_call *call)
{
	if (!ioctl_start_child(call))
		TEST_FAIL("%s does not sleep", s->name);
	room_await();
	if (!ioctl_kill_child(call, 10000))
		TEST_FAIL("%s cannot be killed", s->name);
}

static void do_deed_alone(struct doing *doing)
{
	deed_start(doing);
	deed_end(doing);
}

static void do_call_alone(struct ioctl_call *call, struct outcome *o)
{
	o->call_ret = __test_ioctl(call->fd, call->cmd, call->arg);
}

/* Its memory is there. A process that was killed before has made no call. */
static void do_in_order(struct ioctl_call *call, struct doing *doing, enum order order)
{
	const struct deed *d = doing->deed;

	room_answer();
	if (order == CALL_FIRST) {
		do_call_alone(call, doing->outcome);
		do_deed_alone(doing);
		return;
	}
	do_deed_alone(doing);
	if (doing->outcome->deed_ret != d->want)
		TEST_FAIL("%s: %d", d->name, doing->outcome->deed_ret);
	/* What the deed has closed is not there for the call. */
	if (call->fd != w.third)
		call->fd = w.self;
	if (!d->kills)
		do_call_alone(call, doing->outcome);
}

/* In a world of its own */
static void run(const struct sleeper *s, const struct deed *d, enum order order, struct outcome *o)
{
	struct doing doing = { .deed = d, .outcome = o };
	struct ioctl_call call = { };

	memset(o, 0, sizeof(*o));
	world_begin(s->fuse);
	if (d->before)
		d->before();
	call.fd = w.self;
	s->prepare(&call);
	if (order != MEANWHILE)
		do_in_order(&call, &doing, order);
	else if (d->kills)
		kill_meanwhile(s, &call);
	else
		do_meanwhile(s, &call, &doing);
	if (!d->kills && !o->call_ret)
		s->see(&o->call);
	look(&o->sight);
	if (d->kills && order == MEANWHILE)
		room_answer();
	world_end();
	if (d->after)
		d->after();
}

/* Nobody sees what a call answers whose process was killed. */
static bool same_outcome(const struct deed *d, const struct outcome *a, const struct outcome *b)
{
	if (strcmp(a->sight.bytes, b->sight.bytes))
		return false;
	return d->kills || (a->call_ret == b->call_ret && a->deed_ret == b->deed_ret &&
			    !strcmp(a->call.bytes, b->call.bytes) && !strcmp(a->deed.bytes, b->deed.bytes));
}

static void tell_lines(const char *what, int ret, const struct text *t)
{
	const char *at = t->bytes, *end;

	test_diag("  %s: %d", what, ret);
	for (; (end = strchr(at, '\n')); at = end + 1)
		test_diag("    %.*s", (int)(end - at), at);
}

static void tell_outcome(const char *when, const struct outcome *o)
{
	test_diag("%s:", when);
	tell_lines("the call", o->call_ret, &o->call);
	tell_lines("the other", o->deed_ret, &o->deed);
	tell_lines("then", 0, &o->sight);
}

/* The order that is to be expected is tried first: it mostly is the one. */
static void check_pair(const struct sleeper *s, const struct deed *d)
{
	static struct outcome meanwhile, in_order[2];
	bool call_first = s->first && !d->kills;

	test_diag("%s, meanwhile %s", s->name, d->name);
	run(s, d, MEANWHILE, &meanwhile);
	run(s, d, call_first ? CALL_FIRST : DEED_FIRST, &in_order[call_first]);
	if (same_outcome(d, &meanwhile, &in_order[call_first]))
		return;
	run(s, d, call_first ? DEED_FIRST : CALL_FIRST, &in_order[!call_first]);
	if (same_outcome(d, &meanwhile, &in_order[!call_first]))
		return;
	tell_outcome("meanwhile", &meanwhile);
	tell_outcome("the call first", &in_order[true]);
	tell_outcome("the other first", &in_order[false]);
	TEST_FAIL("%s, meanwhile %s: neither as if the one was first nor the other", s->name, d->name);
}

static int do_nothing(struct text *t)
{
	(void)t;
	return 0;
}

static void check_sleeper(const struct sleeper *s)
{
	static const struct deed nothing = { "nothing", do_nothing };
	static struct outcome alone;
	u32 i;

	ASSERT_EQ(__write_line(RCU_EXPEDITED, "1"), 0);
	run(s, &nothing, CALL_FIRST, &alone);
	if (alone.call_ret)
		TEST_FAIL("%s: %d", s->name, alone.call_ret);
	for (i = 0; i < nr_deeds; i++)
		check_pair(s, &deeds[i]);
	test_diag("%s was stopped beside %u things each", s->name, nr_deeds);
}

static void test_peers(void)
{
	check_sleeper(&sleeper_peers);
}

static void test_hc_connect(void)
{
	check_sleeper(&sleeper_hc_connect);
}

static void test_hc_pvi(void)
{
	check_sleeper(&sleeper_hc_pvi);
}

static void test_get_state(void)
{
	check_sleeper(&sleeper_get_state);
}

static void test_freeze(void)
{
	check_sleeper(&sleeper_freeze);
}

static void test_set_state(void)
{
	check_sleeper(&sleeper_set_state);
}

static void test_list(void)
{
	check_sleeper(&sleeper_list);
}

static void test_expose(void)
{
	check_sleeper(&sleeper_expose);
}

static void test_bind(void)
{
	check_sleeper(&sleeper_bind);
}

static void test_status(void)
{
	check_sleeper(&sleeper_status);
}

static void test_reset(void)
{
	check_sleeper(&sleeper_reset);
}

static void test_fuse(void)
{
	check_sleeper(&sleeper_hc_pvi_of_fuse);
}

static const struct test_case cases[] = {
	{ "peers", test_peers, 120 },
	{ "hc_connect", test_hc_connect, 120 },
	{ "hc_pvi", test_hc_pvi, 120 },
	{ "get_state", test_get_state, 120 },
	{ "freeze", test_freeze, 120 },
	{ "set_state", test_set_state, 120 },
	{ "list", test_list, 120 },
	{ "expose", test_expose, 120 },
	{ "bind", test_bind, 120 },
	{ "status", test_status, 120 },
	{ "reset", test_reset, 120 },
	{ "fuse", test_fuse, 120 },
};

int main(int argc, char **argv)
{
	size_t nr = ARRAY_SIZE(cases);
	int ret;

	/* The last one, where a host has no FUSE; the rig's have it. */
	if (!fuse_possible() && !getenv("PVI_RIG"))
		nr--;
	ret = test_main(argc, argv, cases, nr, TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
	deeds_undo();
	__write_line(RCU_EXPEDITED, "0");
	return ret;
}
