// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl detach - end what attach has bound */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pvictl.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	unsigned char *uuid = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "too many arguments: '%s'", arg);
		parse_vm(state, arg, uuid);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which VM?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "VM",
	.doc = "End what 'pvictl attach' has bound. The VM runs on; nobody rings it, and it rings nobody.",
};

/* Whether that is this program, of whatever name */
static bool is_pvictl(pid_t pid)
{
	struct stat own, other;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return !stat("/proc/self/exe", &own) && !stat(path, &other) && own.st_ino == other.st_ino &&
	       own.st_dev == other.st_dev;
}

/* Until it has ended, and with it its endpoint */
static void end_process(pid_t pid)
{
	int pidfd = open_pidfd(pid);
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0)
		die_doing(DOING_TAKE, pidfd, "process %d", pid);
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0))
		die_doing(DOING_TAKE, errno, "cannot end process %d", pid);
	while (poll(&ended, 1, -1) < 0)
		if (errno != EINTR)
			die("poll: %s", strerror(errno));
	close(pidfd);
}

int cmd_detach(int argc, char **argv)
{
	struct endpoint e;
	uuid_t uuid;

	argp_parse(&argp, argc, argv, 0, NULL, uuid);
	need_endpoint(uuid, &e);
	if (!e.pid || !is_pvictl(e.pid))
		die_as(STATUS_REFUSED, "%s was bound by process %d (%s), not by pvictl: it is that one's to end",
		       uuid_text(uuid).s, e.pid, e.comm);
	end_process(e.pid);
	return 0;
}
