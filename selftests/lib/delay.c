// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: making the kernel wait, and calls that are made to wait */
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "delay.h"
#include "pvi_test.h"

#define MODULE "pvi_test_delay"
#define SIGNAL SIGUSR2

static const char *const names[] = {
	[DELAY_MMAP_LOCK] = "mmap_lock",
	[DELAY_RCU] = "rcu",
	[DELAY_TASKS_RCU] = "tasks_rcu",
	[DELAY_LOCKS] = "locks",
};

static void keep_to_first_cpu(void)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	ASSERT_EQ(sched_setaffinity(0, sizeof(first), &first), 0);
}

void delay_begin(enum delay what, u32 value)
{
	if (what == DELAY_RCU)
		keep_to_first_cpu();
	write_param(MODULE, names[what], value);
}

void delay_end(enum delay what)
{
	write_param(MODULE, names[what], 0);
}

void delay_unload(void)
{
	if (is_loaded(MODULE))
		unload_module(MODULE);
}

void delay_load(void)
{
	delay_unload();
	load_test_module(MODULE);
}

/* Whoever runs has no numbers there */
static bool read_call(pid_t tid, unsigned long *nr, unsigned long *arg)
{
	unsigned long fd;
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	return !__read_line(path, line, sizeof(line)) &&
	       sscanf(line, "%lu %lx %lx", nr, &fd, arg) == 3;
}

bool sleeps_in_call(pid_t tid, unsigned long nr)
{
	unsigned long in, arg;

	return read_call(tid, &in, &arg) && in == nr;
}

bool sleeps_in_ioctl(pid_t tid, unsigned long cmd)
{
	unsigned long in, arg;

	return read_call(tid, &in, &arg) && in == SYS_ioctl && arg == cmd;
}

static void on_signal(int signal)
{
	(void)signal;
}

static void *run_call(void *arg)
{
	struct ioctl_call *call = arg;

	__atomic_store_n(&call->tid, gettid(), __ATOMIC_RELEASE);
	call->ret = __test_ioctl(call->fd, call->cmd, call->arg);
	__atomic_store_n(&call->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void *run_call_in_child(void *arg)
{
	struct ioctl_call *call = arg;
	pid_t pid = vfork();
	int status;

	if (!pid) {
		run_call(call);
		_exit(TAP_PASS);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	call->killed = WIFSIGNALED(status);
	return NULL;
}

static bool is_done(struct ioctl_call *call)
{
	return __atomic_load_n(&call->done, __ATOMIC_ACQUIRE);
}

static bool is_asleep(struct ioctl_call *call)
{
	pid_t tid = __atomic_load_n(&call->tid, __ATOMIC_ACQUIRE);

	return tid && sleeps_in_ioctl(tid, call->cmd);
}

static bool start(struct ioctl_call *call, void *(*run)(void *call))
{
	ASSERT_EQ(pthread_create(&call->thread, NULL, run, call), 0);
	ASSERT_TRUE(wait_until(is_done(call) || is_asleep(call), 10000));
	return !is_done(call);
}

bool ioctl_start(struct ioctl_call *call)
{
	/* No SA_RESTART: the call is to return */
	struct sigaction action = { .sa_handler = on_signal };

	ASSERT_EQ(sigaction(SIGNAL, &action, NULL), 0);
	return start(call, run_call);
}

bool ioctl_start_child(struct ioctl_call *call)
{
	return start(call, run_call_in_child);
}

bool ioctl_kill_child(struct ioctl_call *call, unsigned int ms)
{
	ASSERT_EQ(kill(call->tid, SIGKILL), 0);
	return wait_until(!pthread_tryjoin_np(call->thread, NULL), ms) && call->killed;
}

void ioctl_interrupt(struct ioctl_call *call)
{
	ASSERT_EQ(pthread_kill(call->thread, SIGNAL), 0);
}

bool ioctl_returns(struct ioctl_call *call, unsigned int ms)
{
	return wait_until(is_done(call), ms);
}

int ioctl_join(struct ioctl_call *call)
{
	ASSERT_EQ(pthread_join(call->thread, NULL), 0);
	return call->ret;
}
