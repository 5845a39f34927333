// SPDX-License-Identifier: GPL-2.0
/*
 * Detaching from kvm_emulate_hypercall() may take long, for the kernel waits for every task that
 * runs. Nobody but who asked for it waits along: endpoints are bound, or refused, and closed.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "delay.h"
#include "pvi_test.h"

#define GSI	20

/* The thread that switches off, and what has returned */
static pid_t switcher;
static bool switched, closed;

static void *switch_off(void *arg)
{
	WRITE_ONCE(switcher, gettid());
	write_param("kvm_pvi", "attach", 0);
	WRITE_ONCE(switched, true);
	return arg;
}

static void *close_endpoint(void *arg)
{
	close(*(int *)arg);
	WRITE_ONCE(closed, true);
	return arg;
}

static void start_thread(pthread_t *thread, void *(*fn)(void *arg), void *arg)
{
	ASSERT_EQ(pthread_create(thread, NULL, fn, arg), 0);
}

static int new_endpoint(u32 name)
{
	int fd = pvi_bind(NULL, pvi_uuid[name]);

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	return fd;
}

/* Being switched off, which goes on until end() */
static pthread_t begin(void)
{
	pthread_t thread;

	delay_begin(DELAY_TASKS_RCU, 1);
	start_thread(&thread, switch_off, NULL);
	ASSERT_TRUE(wait_until(READ_ONCE(switcher), 10000));
	ASSERT_TRUE(wait_until(sleeps_in_call(switcher, SYS_write), 10000));
	ASSERT_TRUE(!READ_ONCE(switched));
	return thread;
}

static void end(pthread_t thread)
{
	delay_end(DELAY_TASKS_RCU);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	write_param("kvm_pvi", "attach", 1);
}

static void test_bind(void)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind), .flags = KVM_PVI_BIND_HOST, .vm_fd = -1, .uuid = { 1 },
	};
	struct ioctl_call call = { .cmd = KVM_PVI_BIND, .arg = &bind };
	pthread_t thread;

	delay_load();
	new_endpoint(0);
	thread = begin();
	call.fd = pvi_open();
	ioctl_start(&call);
	ASSERT_TRUE(ioctl_returns(&call, 15000));
	ASSERT_EQ(ioctl_join(&call), -EBUSY);
	end(thread);
	ASSERT_EQ(__pvi_ioctl(call.fd, KVM_PVI_BIND, &bind), 0);
}

/* Rings between endpoints that exist do not need it */
static void test_ring(void)
{
	pthread_t thread;
	int rx, tx;

	delay_load();
	rx = new_endpoint(0);
	tx = new_endpoint(1);
	pvi_allow(rx, pvi_uuid[1], GSI);
	thread = begin();
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_LATCHED);
	end(thread);
}

static void test_close(void)
{
	pthread_t thread, closer;
	int fd;

	delay_load();
	new_endpoint(0);
	fd = new_endpoint(1);
	thread = begin();
	start_thread(&closer, close_endpoint, &fd);
	ASSERT_TRUE(wait_until(READ_ONCE(closed), 15000));
	end(thread);
	ASSERT_EQ(pthread_join(closer, NULL), 0);
	new_endpoint(1);
}

static void own_endpoint(u64 ready)
{
	new_endpoint(1);
	signal_eventfd(ready);
	for (;;)
		pause();
}

static void test_kill(void)
{
	int ready = new_eventfd(), status;
	pthread_t thread;
	pid_t pid;

	delay_load();
	new_endpoint(0);
	pid = child_run(own_endpoint, ready);
	ASSERT_TRUE(wait_readable(ready, 10000));
	thread = begin();
	ASSERT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid, 15000));
	end(thread);
	new_endpoint(1);
}

static const struct test_case cases[] = {
	{ "ring", test_ring, 60 },
	{ "close", test_close, 60 },
	{ "kill", test_kill, 60 },
	{ "bind", test_bind, 60 },
};

int main(int argc, char **argv)
{
	int ret = test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);

	delay_unload();
	__write_param("kvm_pvi", "attach", "1");
	return ret;
}
