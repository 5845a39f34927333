// SPDX-License-Identifier: GPL-2.0
/*
 * A library to be preloaded: kills the program at a call, and cuts what it sends into pieces
 *
 * KILL_AT=N: at the N-th point, which are before and after each of the calls below. KILL_NS=T: so
 * many nanoseconds behind it, at whatever instruction that is. PIECE=N: sendmmsg() sends so many
 * bytes of a message at most, as a socket whose buffer is full might do.
 *
 * KILL_FILE=PATH: where that file is, at the N-th point that it says, of those before and after ioctl(), sendmsg(),
 * rename() and unlink(), counted while it is there. It goes with the program, whose children live.
 *
 * BIND_FULL=PATH: where that file is, kvm_pvi's table seems full to each BIND that does not say by which VMM; it gets a
 * line of each.
 *
 * BIND_HELD=PATH: who has done a BIND that says by which VMM writes a line to that file, where it is, and goes on when it is
 * not there any more.
 *
 * FREEZE_HELD=PATH: likewise who is about to freeze an endpoint.
 *
 * GETFD_HELD=PATH: who wants a descriptor of the process that the file names writes a line to it, and goes on when it is not
 * there any more, as if that process executed another program so long.
 *
 * COUNT_DIRS=PATH: that file has a line of each directory that is opened, as long as it is there.
 *
 * STORE_FULL=PATH: where that file is, nothing can be sent with descriptors, as where too many are on their way.
 *
 * Where it was is said on standard error: how many messages it had sent to the service manager since
 * it last accepted a connection.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm_pvi.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long number(const char *name)
{
	const char *text = getenv(name);

	return text ? atol(text) : 0;
}

static int told;
static pid_t program;

static void __attribute__((constructor)) begin(void)
{
	program = getpid();
}

static void point_of_file(void)
{
	const char *path = getenv("KILL_FILE");
	static long now;
	char text[16];
	int fd, len;

	if (!path || getpid() != program)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len < 0 ? 0 : len] = '\0';
	if (++now != atol(text))
		return;
	unlinkat(AT_FDCWD, path, 0);
	kill(getpid(), SIGKILL);
}

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

static void *next(const char *name)
{
	void *real = dlsym(RTLD_NEXT, name);

	if (!real)
		abort();
	return real;
}

int accept4(int fd, struct sockaddr *addr, socklen_t *length, int flags)
{
	typeof(accept4) *real = next("accept4");
	int ret;

	point();
	ret = real(fd, addr, length, flags);
	if (ret >= 0)
		told = 0;
	point();
	return ret;
}

static bool store_is_full(const struct msghdr *msg)
{
	const char *path = getenv("STORE_FULL");

	return path && msg->msg_controllen && !access(path, F_OK);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	typeof(sendmsg) *real = next("sendmsg");
	ssize_t ret;

	if (store_is_full(msg)) {
		errno = ETOOMANYREFS;
		return -1;
	}
	point();
	point_of_file();
	ret = real(fd, msg, flags);
	if (ret >= 0)
		told++;
	point();
	point_of_file();
	return ret;
}

static void write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0 || dprintf(fd, "%s\n", line) < 0)
		abort();
	close(fd);
}

/* The module says that of those alone who are not bound; another call of it may fail as well, for want of memory. */
static int bind_to_full(void)
{
	write_line(getenv("BIND_FULL"), strerror(ENOSPC));
	errno = ENOSPC;
	return -1;
}

static bool is_for_full(unsigned long request, const struct kvm_pvi_bind *bind)
{
	const char *path = getenv("BIND_FULL");

	return path && request == KVM_PVI_BIND && !(bind->flags & KVM_PVI_BIND_VMM) && !access(path, F_OK);
}

static void hold(const char *name)
{
	const char *path = getenv(name);

	if (!path || access(path, F_OK))
		return;
	write_line(path, "held");
	while (!access(path, F_OK))
		usleep(1000);
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int fd, unsigned long request, void *arg) = next("ioctl");
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (is_for_full(request, arg))
		return bind_to_full();
	if (request == KVM_PVI_GET_STATE && ((struct kvm_pvi_state *)arg)->flags & KVM_PVI_STATE_FREEZE)
		hold("FREEZE_HELD");
	point_of_file();
	ret = real(fd, request, arg);
	if (!ret && request == KVM_PVI_BIND && ((struct kvm_pvi_bind *)arg)->flags & KVM_PVI_BIND_VMM)
		hold("BIND_HELD");
	point_of_file();
	return ret;
}

/* @key in @path is followed by it; 0: it is not there */
static long number_in(const char *path, const char *key)
{
	FILE *in = fopen(path, "re");
	char line[256];
	long found = 0;

	while (in && !found && fgets(line, sizeof(line), in))
		if (!strncmp(line, key, strlen(key)))
			found = atol(line + strlen(key));
	if (in)
		fclose(in);
	return found;
}

static void hold_getfd(int pidfd)
{
	const char *held = getenv("GETFD_HELD");
	char path[64];
	long pid = held ? number_in(held, "") : 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	if (!pid || number_in(path, "Pid:") != pid)
		return;
	write_line(held, "held");
	while (!access(held, F_OK))
		usleep(20000);
}

long syscall(long number, ...)
{
	long (*real)(long number, long, long, long, long, long, long) = next("syscall");
	long more[6];
	va_list args;
	int i;

	va_start(args, number);
	for (i = 0; i < 6; i++)
		more[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_pidfd_getfd)
		hold_getfd(more[0]);
	return real(number, more[0], more[1], more[2], more[3], more[4], more[5]);
}

DIR *opendir(const char *name)
{
	typeof(opendir) *real = next("opendir");
	const char *path = getenv("COUNT_DIRS");
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

	if (fd >= 0) {
		dprintf(fd, "%s\n", name);
		close(fd);
	}
	return real(name);
}

int rename(const char *from, const char *to)
{
	typeof(rename) *real = next("rename");
	int ret;

	point_of_file();
	ret = real(from, to);
	point_of_file();
	return ret;
}

int unlink(const char *path)
{
	typeof(unlink) *real = next("unlink");
	int ret;

	point_of_file();
	ret = real(path);
	point_of_file();
	return ret;
}

int sendmmsg(int fd, struct mmsghdr *msg, unsigned int nr, int flags)
{
	typeof(sendmmsg) *real = next("sendmmsg");
	size_t piece = number("PIECE"), *length = &msg->msg_hdr.msg_iov->iov_len;
	int ret;

	if (piece && piece < *length)
		*length = piece;
	point();
	ret = real(fd, msg, nr, flags);
	point();
	return ret;
}

int shutdown(int fd, int how)
{
	typeof(shutdown) *real = next("shutdown");
	int ret;

	point();
	ret = real(fd, how);
	point();
	return ret;
}

int close(int fd)
{
	typeof(close) *real = next("close");
	int ret;

	point();
	ret = real(fd);
	point();
	return ret;
}

int eventfd(unsigned int count, int flags)
{
	typeof(eventfd) *real = next("eventfd");
	int ret;

	point();
	ret = real(count, flags);
	point();
	return ret;
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
	typeof(fallocate) *real = next("fallocate");
	int ret;

	point();
	ret = real(fd, mode, offset, length);
	point();
	return ret;
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	typeof(epoll_wait) *real = next("epoll_wait");
	int ret;

	point();
	ret = real(fd, events, max, timeout);
	point();
	return ret;
}
