// SPDX-License-Identifier: GPL-2.0-or-later
/* common output - what a program has printed is where it belongs, or it has failed */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

static bool unchecked;

static bool socket_refuses(void)
{
	return send(STDOUT_FILENO, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && (errno == EPIPE || errno == ECONNRESET);
}

/* Who does not want any more has not lost anything. A file has no reader, though it may tell an error likewise. */
static bool nobody_reads(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) || poll(&p, 1, 0) < 0)
		return false;
	if (S_ISSOCK(st.st_mode))
		return p.revents & POLLHUP || socket_refuses();
	return (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) && p.revents & POLLERR;
}

/* Some file systems tell at the end alone that there was no room. */
static bool is_lost(void)
{
	bool lost = ferror(stdout);
	int err;

	errno = 0;
	lost |= fflush(stdout) != 0;
	err = errno;
	if (nobody_reads())
		return false;
	errno = err;
	lost |= close(STDOUT_FILENO) && errno != EBADF;
	return lost;
}

/* Whoever fails has said why. */
static void at_exit(int status, void *program)
{
	if (status || unchecked || !is_lost())
		return;
	fprintf(stderr, "%s: cannot write all of the output: %s\n", (const char *)program,
		errno ? strerror(errno) : "an earlier write has failed");
	_exit(EXIT_FAILURE);
}

void output_check(const char *program)
{
	on_exit(at_exit, (void *)program);
}

void output_is_log(void)
{
	unchecked = true;
}
