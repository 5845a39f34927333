// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl signals - those that end us, to be waited for */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "pvictl.h"

static sigset_t ending(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return set;
}

int open_signals(void)
{
	sigset_t set = ending();
	int fd;

	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		die("signalfd: %s", strerror(errno));
	return fd;
}

void close_signals(int fd)
{
	sigset_t set = ending();

	close(fd);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}
