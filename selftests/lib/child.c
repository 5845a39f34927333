// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: child processes, other users and lesser ones */
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "pvi_test.h"

pid_t child_run(void (*fn)(u64 arg), u64 arg)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		TEST_FAIL("fork: %s", strerror(errno));
	if (pid)
		return pid;
	fn(arg);
	fflush(stdout);
	_exit(TAP_PASS);
}

static int wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		TEST_FAIL("waitpid: %s", strerror(errno));
	return status;
}

void child_join(pid_t pid)
{
	int status = wait_for(pid);

	if (status)
		TEST_FAIL("a child ended with status 0x%x", status);
}

void child_kill(pid_t pid)
{
	ASSERT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_TRUE(WIFSIGNALED(wait_for(pid)));
}

static void own_a_vm(u64 socket)
{
	send_fd(socket, vm_create(0, 0)->fd);
	for (;;)
		pause();
}

int child_vm(pid_t *pid)
{
	int pair[2], fd;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*pid = child_run(own_a_vm, pair[1]);
	close(pair[1]);
	fd = recv_fd(pair[0]);
	close(pair[0]);
	return fd;
}

void set_euid(u32 uid)
{
	ASSERT_EQ(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP), 0);
	ASSERT_EQ(syscall(SYS_setresuid, -1, uid, -1), 0);
}

/* Its parent's, which has left the namespace in which somebody may say so */
static void map_user(u64 arg)
{
	u32 uid = arg, there = arg >> 32;
	char path[64], map[64];
	eventfd_t unused;

	ASSERT_EQ(eventfd_read(there, &unused), 0);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", getppid());
	snprintf(map, sizeof(map), "0 %u 1", uid);
	ASSERT_EQ(__write_line(path, map), 0);
}

void enter_user_namespace(u32 uid)
{
	int there = eventfd(0, EFD_CLOEXEC);
	pid_t pid;

	ASSERT_GE(there, 0);
	pid = child_run(map_user, (u64)there << 32 | uid);
	ASSERT_EQ(unshare(CLONE_NEWUSER), 0);
	signal_eventfd(there);
	child_join(pid);
	close(there);
}

void drop_capability(u32 cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	u32 mask = CAP_TO_MASK(cap), i = CAP_TO_INDEX(cap);

	ASSERT_EQ(syscall(SYS_capget, &head, data), 0);
	data[i].effective &= ~mask;
	data[i].permitted &= ~mask;
	data[i].inheritable &= ~mask;
	ASSERT_EQ(syscall(SYS_capset, &head, data), 0);
}
