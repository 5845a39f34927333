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
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

#define PATIENCE 16000	/* milliseconds, at last */

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
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), yes = 1;
	struct sockaddr_un name;
	socklen_t length = name_of(getpid(), &name);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) ||
	    bind(fd, (struct sockaddr *)&name, length))
		die("cannot listen for an answer: %s", strerror(errno));
	return fd;
}

/* Whether it is from that process; others may write there. */
static bool receive(int fd, pid_t pid, char error[ERROR_MAX])
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

	c = got > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&from, CMSG_DATA(c), sizeof(from));
	error[got] = 0;
	return from.pid == pid;
}

static bool hear(int fd, pid_t pid, int patience, char error[ERROR_MAX])
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, patience) > 0)
		if (receive(fd, pid, error))
			return true;
	return false;
}

/* Of two signals at once there is one, which may be somebody else's: so it is sent again. */
void ask_to_reload(pid_t pid)
{
	int fd = listen_for_answer(), patience;
	char error[ERROR_MAX];

	for (patience = 1000; patience <= PATIENCE; patience *= 2) {
		if (kill(pid, SIGHUP))
			die("process %d cannot be told: %s", pid, strerror(errno));
		if (!hear(fd, pid, patience, error))
			continue;
		if (*error)
			die("%s; nothing is changed", error);
		return;
	}
	die("process %d does not answer: see its log, it may be of an earlier version", pid);
}
