// SPDX-License-Identifier: GPL-2.0
/*
 * A library to be preloaded: kills the program at a call, and cuts what it sends into pieces
 *
 * KILL_AT=N: at the N-th point, which are before and after each of the calls below. KILL_NS=T: so
 * many nanoseconds behind it, at whatever instruction that is. PIECE=N: sendmmsg() sends so many
 * bytes of a message at most, as a socket whose buffer is full might do.
 *
 * Where it was is said on standard error: how many messages it had sent to the service manager since
 * it last accepted a connection.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long number(const char *name)
{
	const char *text = getenv(name);

	return text ? atol(text) : 0;
}

static int told;

static void point(void)
{
	static long at = -1, now;
	struct itimerspec when = { 0 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	timer_t timer;

	if (at < 0)
		at = number("KILL_AT");
	if (++now != at)
		return;
	dprintf(2, "killed, %d messages behind accept4\n", told);
	when.it_value.tv_nsec = number("KILL_NS");
	if (!when.it_value.tv_nsec || timer_create(CLOCK_MONOTONIC, &event, &timer))
		kill(getpid(), SIGKILL);
	timer_settime(timer, 0, &when, NULL);
}

#define CALL(type, name, params, note, ...)			\
	type name params					\
	{							\
		static type (*real) params;			\
		type ret;					\
								\
		if (!real)					\
			*(void **)&real = dlsym(RTLD_NEXT, #name); \
		point();					\
		ret = real(__VA_ARGS__);			\
		if (ret >= 0)					\
			note;					\
		point();					\
		return ret;					\
	}

CALL(int, accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags), told = 0, fd, addr, len, flags)
CALL(int, shutdown, (int fd, int how), (void)0, fd, how)
CALL(int, close, (int fd), (void)0, fd)
CALL(int, eventfd, (unsigned int count, int flags), (void)0, count, flags)
CALL(int, fallocate, (int fd, int mode, off_t offset, off_t len), (void)0, fd, mode, offset, len)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags), told++, fd, msg, flags)
CALL(int, epoll_wait, (int fd, struct epoll_event *events, int max, int timeout), (void)0, fd, events, max, timeout)

int sendmmsg(int fd, struct mmsghdr *msg, unsigned int nr, int flags)
{
	static int (*real)(int, struct mmsghdr *, unsigned int, int);
	size_t piece = number("PIECE"), *length = &msg->msg_hdr.msg_iov->iov_len;
	int ret;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "sendmmsg");
	if (piece && piece < *length)
		*length = piece;
	point();
	ret = real(fd, msg, nr, flags);
	point();
	return ret;
}
