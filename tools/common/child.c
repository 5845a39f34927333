// SPDX-License-Identifier: GPL-2.0-or-later
/* common child - who asks a process that may keep whoever asks it waiting */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

int64_t child_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

int64_t child_until(void)
{
	return child_now() + CHILD_PATIENCE;
}

int child_wait(pid_t pid, int64_t until)
{
	struct pollfd ended = { .fd = open_pidfd(pid), .events = POLLIN };
	int64_t left = until - child_now();
	int status, ret = -ETIMEDOUT;

	if (ended.fd >= 0 && poll(&ended, 1, left > 0 ? left : 0) == 1 && waitpid(pid, &status, 0) == pid)
		ret = WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
	else
		kill(pid, SIGKILL);
	if (ended.fd >= 0)
		close(ended.fd);
	return ret;
}
