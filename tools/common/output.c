// SPDX-License-Identifier: GPL-2.0-or-later
/* common output - what a program has printed is where it belongs, or it has failed */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

static bool unchecked;

/* Who does not want any more has not lost anything. */
static bool nobody_reads(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	return poll(&p, 1, 0) > 0 && p.revents & POLLERR;
}

/* Some file systems tell at the end alone that there was no room. */
static bool is_lost(void)
{
	bool lost = ferror(stdout);

	errno = 0;
	lost |= fflush(stdout) != 0;
	if (nobody_reads())
		return false;
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
