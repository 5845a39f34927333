// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server ask - whoever tells a server to reload hears what has become of it
 *
 * A signal has no answer. So who sends it listens on a socket that has the name of his process, and the
 * server says there what was wrong, or nothing. It waits for nobody, and does not mind if nobody listens.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

#define PATIENCE 16000	/* milliseconds between two signals, at last */

static socklen_t name_of(pid_t pid, struct sockaddr_un *name)
{
	*name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return offsetof(struct sockaddr_un, sun_path) + 1 +
	       snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1, "pvi-ivshmem-reload-%d", pid);
}

void answer(pid_t pid, const char *error)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un name;
	socklen_t length = name_of(pid, &name);

	if (fd < 0)
		return;
	sendto(fd, error, strlen(error) + 1, MSG_NOSIGNAL, (struct sockaddr *)&name, length);
	close(fd);
}

static int listen_for_answer(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
	struct sockaddr_un name;
	socklen_t length = name_of(getpid(), &name);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) ||
	    bind(fd, (struct sockaddr *)&name, length))
		die("cannot listen for an answer: %s", strerror(errno));
	return fd;
}

/* Who says the next word, as others may write there as well; 0: somebody without a number here; -1: there is none */
static pid_t receive(int fd, char error[ERROR_MAX])
{
	char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { .iov_base = error, .iov_len = ERROR_MAX - 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	const struct cmsghdr *c;
	struct ucred from;
	ssize_t got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

	if (got < 0)
		return -1;
	error[got] = 0;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
		return 0;
	memcpy(&from, CMSG_DATA(c), sizeof(from));
	return from.pid;
}

/* Whether the process has answered. What it has said before it ended is heard. */
static bool hear(int fd, int pidfd, pid_t pid, int64_t until, char error[ERROR_MAX])
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
	int64_t now;
	pid_t from;

	while ((now = child_now()) < until && poll(p, ARRAY_SIZE(p), until - now) > 0) {
		do {
			from = receive(fd, error);
			if (from == pid)
				return true;
		} while (p[1].revents && from >= 0);
		if (p[1].revents)
			die("process %d has ended", pid);
	}
	return false;
}

/* Of two signals at once there is one, which may be somebody else's: so it is sent again, until there is an answer. */
static void ask(int fd, int pidfd, pid_t pid, char error[ERROR_MAX])
{
	int patience = 500;

	do {
		if (syscall(SYS_pidfd_send_signal, pidfd, SIGHUP, NULL, 0))
			die("process %d cannot be told: %s", pid, strerror(errno));
		if (patience == PATIENCE / 2)
			warn("process %d does not answer yet: see its log, it may be of an earlier version", pid);
		patience = patience < PATIENCE ? 2 * patience : PATIENCE;
	} while (!hear(fd, pidfd, pid, child_now() + patience, error));
}

/* What cannot be seen is not taken for another one. */
static bool is_in_other(pid_t pid, const char *namespace)
{
	struct stat ours, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", namespace);
	if (stat(path, &ours))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, namespace);
	return !stat(path, &its) && (its.st_dev != ours.st_dev || its.st_ino != ours.st_ino);
}

void ask_to_reload(pid_t pid)
{
	int fd = listen_for_answer(), pidfd = open_pidfd(pid);
	char error[ERROR_MAX];

	if (pidfd < 0)
		die("process %d cannot be told: %s", pid, strerror(-pidfd));
	if (is_in_other(pid, "net") || is_in_other(pid, "pid"))
		die("process %d is in another network or PID namespace, where it cannot answer, and was told nothing: use \"systemctl reload\"",
		    pid);
	ask(fd, pidfd, pid, error);
	if (*error)
		die("%s; nothing is changed", error);
}
