// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl detach - end what attach has bound */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
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

/* Whether that is pvictl, or was before an upgrade replaced its file */
static bool is_pvictl(pid_t pid)
{
	char path[32], exe[PATH_MAX], *name;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	len = readlink(path, exe, sizeof(exe) - 1);
	if (len < 0)
		return false;
	exe[len] = '\0';
	name = strrchr(exe, '/');
	return name && (!strcmp(name, "/pvictl") || !strcmp(name, "/pvictl (deleted)"));
}

/* A descriptor of the process that bound @uuid; that one is still @e->pid, or it dies */
static int open_owner(const uuid_t uuid, struct endpoint *e)
{
	pid_t pid;
	int pidfd;

	need_endpoint(uuid, e);
	pid = e->pid;
	pidfd = pid ? open_pidfd(pid) : -ESRCH;
	/* The number may have become another process's before that: it has not if it is the endpoint's still. */
	need_endpoint(uuid, e);
	if (pidfd < 0 || e->pid != pid || !is_pvictl(pid))
		die_as(STATUS_REFUSED, "%s was bound by process %d (%s), not by pvictl: it is that one's to end",
		       uuid_text(uuid).s, e->pid, e->comm);
	return pidfd;
}

/* Until it has ended, and with it its endpoint */
static void end_process(int pidfd, pid_t pid)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0))
		die_doing(DOING_TAKE, errno, "cannot end process %d", pid);
	while (poll(&ended, 1, -1) < 0)
		if (errno != EINTR)
			die("poll: %s", strerror(errno));
}

int cmd_detach(int argc, char **argv)
{
	struct endpoint e;
	uuid_t uuid;
	int pidfd;

	argp_parse(&argp, argc, argv, 0, NULL, uuid);
	pidfd = open_owner(uuid, &e);
	end_process(pidfd, e.pid);
	close(pidfd);
	return 0;
}
