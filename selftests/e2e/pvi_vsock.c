// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi selftests: what guests do with sockets, one verb and its arguments. TYPE is stream or seqpacket.
 *
 * serve TYPE PORT N		take N connections one after the other, say back what comes
 * talk TYPE CID PORT N BYTES	make N connections one after the other, and check what is said back
 * from CID PORT OWN FROM	talk once by a stream from this port of the own CID OWN, and tell what that is then
 * messages CID PORT		of seqpacket, of many lengths: each comes back as it was
 * half CID PORT		this side ends what it sends, and hears the rest
 * options CID PORT		what the kernel says of a connection, and takes
 * keep PORT N			take N connections, then hear and answer each
 * many CID PORT N		have N connections at once, and check each
 * sink TYPE PORT [ROOM]	take one, read nothing until the other side ends it, then all; messages until how
 *				they end
 * fill CID PORT		send until there is no room, then end it
 * hold TYPE CID PORT [FROM]	connect, from this port, then read
 * ask CID PORT			begin to connect, and wait for nothing
 * hasty CID PORT		connect, but wait no longer than a tenth of a second
 * again CID PORT FROM		connect as hasty, from this port; after SIGUSR1 do it again by the same socket, with patience
 * outlive PORT			take one and read until the end; keep it until SIGUSR1
 * former PORT			take one and leave it unread until it has ended; take another one and hear of it, read the
 *				first and tell, hear and close the first, and answer
 * anew CID PORT FROM		connect from this port, say 1000 bytes; after SIGUSR1 the connection is over: connect from there
 *				anew and say a word, and after another one say one more and hear the answer
 * lag PORT			take one that says 1000 bytes and shuts down; after SIGUSR1 read and close it
 * shut CID PORT FROM		connect from this port, say so much, and close it
 * retry CID PORT FROM		connect from this port to a peer that is not there; after SIGUSR1 say whether the socket
 *				has an error, connect by it, and say how many bytes of 1000 are said back
 * whole CID PORT		connect; after SIGUSR1 send a message of 100000 bytes without waiting, and end it
 * parts CID PORT		connect; send messages of 200000 and of 100000 bytes without waiting, and end it
 * polls CID PORT		connect, send a message of 200000 bytes; when there is room, one of 100000 without waiting; say
 *				whether there is room still, and after SIGUSR1 when there is some, send it and hear both
 * deaf TYPE CID PORT		connect, send until there is no room, of messages until one is refused for which there is some; say
 *				whether poll() finds room, and after SIGUSR1, when it has, what a send tells
 * deafens TYPE PORT		take one; after SIGUSR1 read nothing from it any more, and after another one end it
 * portions PORT		take one, send a message of 200000 bytes and, for a tenth of a second, another one; after SIGUSR1
 *				what is missing, 100 bytes; say what the second came to
 * polled CID PORT		connect; after SIGUSR1 read a message, say whether poll() finds another one and what reading it
 *				tells, and after one more, when there is one, whether it has more than 100 bytes
 * small CID PORT		with room for 4096 bytes of its own connect, send a message of 20000 bytes without waiting, one
 *				with, and one of 4096, and end it
 * press CID PORT		send until there has been no room for a tenth of a second, then end it
 * late CID PORT FROM		connect, from this port; after SIGUSR1 end what is sent, and read until the end
 * heap CID PORT BYTES [ROOM]	connect; after SIGUSR1 send so much at once, again and again, until there is no room,
 *				then end it
 * linger CID PORT		connect; after SIGUSR1 send until there is no room, and close it, which may take a day
 * unsent CID PORT		connect; after SIGUSR1 send until there is no room, and say how much waits, then again when
 *				the connection is over
 * pour PORT N BYTES		take N connections, say so much on all at once
 * drink CID PORT N BYTES	have N connections with little room, and read nothing; after SIGUSR1 what there is
 *				room for, and end the first again and again; then the rest
 * stuck PORT			take one, and send what is missing until SIGUSR1: so long the socket is locked
 * locks TYPE CID PORT FROM	connect, from this port, and do so
 * local			this guest's CID
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <linux/sockios.h>
#include <linux/vm_sockets.h>
#include <unistd.h>

#define MAX_MANY	2000
#define CHUNK		(256 << 10)
#define PERIOD		(251 * 256)	/* of what is said */

static char buf[CHUNK], back[CHUNK], bytes[PERIOD + CHUNK];

/* Says what has failed, and ends */
static void must(int ok, const char *what)
{
	if (ok)
		return;
	printf("%s %d\n", what, -errno);
	exit(1);
}

static int new_socket(const char *type)
{
	int fd = socket(AF_VSOCK, strcmp(type, "stream") ? SOCK_SEQPACKET : SOCK_STREAM, 0);

	must(fd >= 0, "socket");
	return fd;
}

static struct sockaddr_vm address(const char *cid, const char *port)
{
	return (struct sockaddr_vm){
		.svm_family = AF_VSOCK,
		.svm_cid = cid ? strtoul(cid, NULL, 0) : VMADDR_CID_ANY,
		.svm_port = strtoul(port, NULL, 0),
	};
}

static void bind_to(int fd, const char *cid, const char *port)
{
	struct sockaddr_vm own = address(cid, port);

	must(!bind(fd, (void *)&own, sizeof(own)), "bind");
}

static void connect_to(int fd, const char *cid, const char *port)
{
	struct sockaddr_vm to = address(cid, port);
	struct timeval patience = { .tv_sec = 100 };

	/* By itself it gives up after two seconds, in which a busy host may not have come to the peer. */
	must(!setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &patience, sizeof(patience)), "patience");
	must(!connect(fd, (void *)&to, sizeof(to)), "connect");
}

static int dial_from(const char *type, const char *cid, const char *port, const char *from)
{
	int fd = new_socket(type);

	if (from)
		bind_to(fd, NULL, from);
	connect_to(fd, cid, port);
	return fd;
}

static int take(int listener)
{
	int fd = accept(listener, NULL, NULL);

	must(fd >= 0, "accept");
	return fd;
}

static int dial(const char *type, const char *cid, const char *port)
{
	return dial_from(type, cid, port, NULL);
}

static int bound_at(const char *type, const char *port)
{
	struct sockaddr_vm at = address(NULL, port);
	int fd = new_socket(type);

	must(!bind(fd, (void *)&at, sizeof(at)), "bind");
	return fd;
}

static int listen_at(const char *type, const char *port, int backlog)
{
	int fd = bound_at(type, port);

	must(!listen(fd, backlog), "listen");
	return fd;
}

/* Of what is sent in part when a connection ends, the rest tells why */
static void send_all(int fd, const char *from, size_t len)
{
	ssize_t put;

	for (; len; from += put, len -= put) {
		put = send(fd, from, len, MSG_NOSIGNAL);
		must(put > 0, "send");
	}
}

static void verb_serve(const char *type, const char *port, int n)
{
	int listener = listen_at(type, port, 8), fd, i;
	ssize_t got;

	for (i = 0; i < n; i++) {
		fd = take(listener);
		while ((got = recv(fd, buf, sizeof(buf), 0)) > 0)
			send_all(fd, buf, got);
		if (got)
			printf("recv %d\n", -errno);
		close(fd);
	}
	printf("serve %d\n", n);
}

static void make_bytes(void)
{
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = i * 7 + i / 251;
}

/* What is said from byte @at on, as long as @buf */
static const char *bytes_at(size_t at)
{
	return bytes + at % PERIOD;
}

static void fill_bytes(char *to, size_t at, size_t len)
{
	memcpy(to, bytes_at(at), len);
}

static void check_bytes(const char *from, size_t at, size_t len)
{
	size_t i = 0;

	if (!memcmp(from, bytes_at(at), len))
		return;
	while (from[i] == bytes_at(at)[i])
		i++;
	printf("byte %zu is wrong\n", at + i);
	exit(1);
}

static void say(int fd, size_t bytes)
{
	size_t at, len;

	for (at = 0; at < bytes; at += len) {
		len = bytes - at < sizeof(buf) / 4 ? bytes - at : sizeof(buf) / 4;
		fill_bytes(buf, at, len);
		send_all(fd, buf, len);
	}
}

/* Returns how many bytes there were until the end, or @most */
static size_t hear(int fd, size_t most)
{
	size_t at = 0;
	ssize_t got;

	while (at < most) {
		got = recv(fd, back, sizeof(back), 0);
		must(got >= 0, "recv");
		if (!got)
			break;
		check_bytes(back, at, got);
		at += got;
	}
	return at;
}

static void verb_talk(const char *type, const char *cid, const char *port, int n, size_t bytes)
{
	int fd, i, status;
	size_t heard;

	for (i = 0; i < n; i++) {
		fd = dial(type, cid, port);
		if (!fork()) {
			say(fd, bytes);
			_exit(0);
		}
		heard = hear(fd, bytes);
		wait(&status);
		if (status || heard != bytes)
			printf("heard %zu\n", heard);
		close(fd);
	}
	printf("talk %d\n", n);
}

static void verb_from(const char *cid, const char *port, const char *own, const char *from)
{
	struct sockaddr_vm at;
	socklen_t len = sizeof(at);
	int fd = new_socket("stream");

	bind_to(fd, own, from);
	connect_to(fd, cid, port);
	say(fd, PERIOD);
	must(!shutdown(fd, SHUT_WR), "shutdown");
	must(hear(fd, -1) == PERIOD, "hear");
	must(!getsockname(fd, (void *)&at, &len), "getsockname");
	printf("from %u %u\n", at.svm_cid, at.svm_port);
}

static void verb_messages(const char *cid, const char *port)
{
	static const size_t lengths[] = { 1, 2, 127, 128, 129, 4000, 28672, 28673, 65535, 65536, 131072, 3 };
	int fd = dial("seqpacket", cid, port), flags, i, nr = sizeof(lengths) / sizeof(*lengths);
	struct iovec iov = { back, sizeof(back) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t got;

	for (i = 0; i < nr; i++) {
		flags = i & 1 ? MSG_EOR : 0;
		fill_bytes(buf, i, lengths[i]);
		must(send(fd, buf, lengths[i], flags | MSG_NOSIGNAL) == (ssize_t)lengths[i], "send");
		got = recvmsg(fd, &msg, 0);
		if (got != (ssize_t)lengths[i])
			printf("message of %zu bytes has %zd\n", lengths[i], got);
		else
			check_bytes(back, i, lengths[i]);
	}
	printf("messages %d\n", nr);
}

/* As if they were one after the other; the peer says back what it has heard until this side ends */
static void verb_half(const char *cid, const char *port)
{
	int fd = dial("stream", cid, port);

	say(fd, 50000);
	must(!shutdown(fd, SHUT_WR), "shutdown");
	must(send(fd, buf, 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "send");
	printf("half %zu\n", hear(fd, 100000));
}

static unsigned long long option(int fd, int name)
{
	unsigned long long value = 0;
	socklen_t len = sizeof(value);

	must(!getsockopt(fd, AF_VSOCK, name, &value, &len), "getsockopt");
	return value;
}

static void set_option(int fd, int name, unsigned long long value)
{
	must(!setsockopt(fd, AF_VSOCK, name, &value, sizeof(value)), "setsockopt");
}

/* What its buffer holds, which may be more than by itself */
static void set_room(int fd, size_t room)
{
	set_option(fd, SO_VM_SOCKETS_BUFFER_MAX_SIZE, room);
	set_option(fd, SO_VM_SOCKETS_BUFFER_SIZE, room);
}

static void print_name(const char *what, int (*get)(int, struct sockaddr *, socklen_t *), int fd)
{
	struct sockaddr_vm at;
	socklen_t len = sizeof(at);

	must(!get(fd, (struct sockaddr *)&at, &len), what);
	if (at.svm_cid == VMADDR_CID_ANY)
		printf("%s any\n", what);
	else
		printf("%s %u\n", what, at.svm_cid);
}

static int name_of_peer(int fd, struct sockaddr *at, socklen_t *len)
{
	return getpeername(fd, at, len);
}

static const struct timeval tenth = { .tv_usec = 100000 };

static void verb_options(const char *cid, const char *port)
{
	struct sockaddr_vm to = address(cid, port);
	int fd = new_socket("stream");
	char byte_back;

	set_option(fd, SO_VM_SOCKETS_BUFFER_MIN_SIZE, 1000);
	set_option(fd, SO_VM_SOCKETS_BUFFER_MAX_SIZE, 1 << 20);
	set_option(fd, SO_VM_SOCKETS_BUFFER_SIZE, 5000);
	must(!connect(fd, (void *)&to, sizeof(to)), "connect");
	print_name("peer", name_of_peer, fd);
	printf("buffer %llu\n", option(fd, SO_VM_SOCKETS_BUFFER_SIZE));
	set_option(fd, SO_VM_SOCKETS_BUFFER_SIZE, 300000);
	printf("buffer %llu\n", option(fd, SO_VM_SOCKETS_BUFFER_SIZE));
	must(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof(tenth)), "SO_RCVTIMEO");
	must(recv(fd, back, 1, 0) < 0 && errno == EAGAIN, "recv");
	must(send(fd, "x", 1, MSG_NOSIGNAL) == 1, "send");
	must(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1) == 1, "poll");
	must(recv(fd, &byte_back, 1, MSG_PEEK) == 1 && recv(fd, &byte_back, 1, 0) == 1, "recv");
	printf("said %c\n", byte_back);
}

static int fds[MAX_MANY];

static void allow_many(int n)
{
	struct rlimit limit = { MAX_MANY + 100, MAX_MANY + 100 };

	must(n <= MAX_MANY && !setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

static void verb_keep(const char *port, int n)
{
	int listener, i, number;

	allow_many(n);
	listener = listen_at("stream", port, n);
	for (i = 0; i < n; i++) {
		fds[i] = accept(listener, NULL, NULL);
		must(fds[i] >= 0, "accept");
	}
	for (i = 0; i < n; i++) {
		must(recv(fds[i], &number, sizeof(number), MSG_WAITALL) == sizeof(number), "recv");
		must(send(fds[i], &number, sizeof(number), MSG_NOSIGNAL) == sizeof(number), "send");
	}
	printf("keep %d\n", n);
}

static void verb_many(const char *cid, const char *port, int n)
{
	int i, number;

	allow_many(n);
	for (i = 0; i < n; i++)
		fds[i] = dial("stream", cid, port);
	for (i = 0; i < n; i++)
		must(send(fds[i], &i, sizeof(i), MSG_NOSIGNAL) == sizeof(i), "send");
	for (i = 0; i < n; i++) {
		must(recv(fds[i], &number, sizeof(number), MSG_WAITALL) == sizeof(number), "recv");
		if (number != i)
			printf("%d says %d\n", i, number);
	}
	printf("many %d\n", n);
}

/* What the last recv() says, with how much there was before in @at, of which @each counts for itself */
static int drain(int fd, int each, size_t *at)
{
	ssize_t got;

	for (*at = 0; (got = recv(fd, back, sizeof(back), 0)) > 0; *at += each ? 1 : got)
		;
	return got < 0 ? -errno : 0;
}

static void verb_sink(const char *type, const char *port, size_t room)
{
	int listener = bound_at(type, port), fd, last;
	size_t at;

	/* What connects once it listens has it. */
	if (room)
		set_room(listener, room);
	must(!listen(listener, 8), "listen");
	fd = take(listener);
	must(poll(&(struct pollfd){ .fd = fd, .events = POLLRDHUP }, 1, -1) == 1, "poll");
	if (!strcmp(type, "stream")) {
		printf("sink %zu\n", hear(fd, -1));
		return;
	}
	last = drain(fd, 1, &at);
	printf("sink %zu %d\n", at, last);
}

static void verb_fill(const char *cid, const char *port)
{
	int fd = dial("stream", cid, port), on = 1;
	size_t at = 0;
	ssize_t put;

	must(!ioctl(fd, FIONBIO, &on), "FIONBIO");
	/* There is room again when the link has taken what waits for it, until the peer's buffer is full. */
	do {
		do {
			fill_bytes(buf, at, sizeof(buf));
			put = send(fd, buf, sizeof(buf), MSG_NOSIGNAL);
			at += put > 0 ? put : 0;
		} while (put > 0);
		must(errno == EAGAIN, "send");
	} while (poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 0) == 1);
	printf("sink %zu\n", at);
}

static void verb_hold(const char *type, const char *cid, const char *port, const char *from)
{
	int fd = dial_from(type, cid, port, from);
	ssize_t got;

	printf("held\n");
	fflush(stdout);
	got = recv(fd, back, sizeof(back), 0);
	printf("recv %zd\n", got < 0 ? -errno : got);
}

static void verb_ask(const char *cid, const char *port)
{
	struct sockaddr_vm to = address(cid, port);
	int fd = new_socket("stream"), on = 1;

	must(!ioctl(fd, FIONBIO, &on), "FIONBIO");
	must(!connect(fd, (void *)&to, sizeof(to)), "ask");
	printf("ask\n");
}

static int connect_hastily(int fd, const char *cid, const char *port)
{
	struct sockaddr_vm to = address(cid, port);

	must(!setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tenth, sizeof(tenth)), "patience");
	return connect(fd, (void *)&to, sizeof(to));
}

static void verb_hasty(const char *cid, const char *port)
{
	must(!connect_hastily(new_socket("stream"), cid, port), "connect");
	printf("hasty\n");
}

static void verb_press(const char *cid, const char *port)
{
	int fd = dial("stream", cid, port);
	size_t at = 0;
	ssize_t put;

	must(!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tenth, sizeof(tenth)), "SO_SNDTIMEO");
	do {
		fill_bytes(buf, at, sizeof(buf));
		put = send(fd, buf, sizeof(buf), MSG_NOSIGNAL);
		at += put > 0 ? put : 0;
	} while (put > 0);
	must(errno == EAGAIN, "send");
	printf("sink %zu\n", at);
}

/* From here on SIGUSR1 waits for wait_told() */
static void be_told(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must(!sigprocmask(SIG_BLOCK, &set, NULL), "sigprocmask");
}

static void wait_told(void)
{
	sigset_t set;
	int sig;

	printf("held\n");
	fflush(stdout);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must(!sigwait(&set, &sig), "sigwait");
}

static void verb_again(const char *cid, const char *port, const char *from)
{
	int fd = new_socket("stream");

	be_told();
	bind_to(fd, NULL, from);
	must(connect_hastily(fd, cid, port) && errno == ETIMEDOUT, "hasty");
	wait_told();
	connect_to(fd, cid, port);
	printf("again\n");
}

static void verb_outlive(const char *port)
{
	int listener = listen_at("stream", port, 8), fd;

	be_told();
	fd = take(listener);
	must(!recv(fd, back, sizeof(back), 0), "recv");
	wait_told();
	printf("outlive\n");
}

#define FORMER	1000

static void hear_word(int fd)
{
	must(recv(fd, back, 1, 0) == 1, "hear");
}

static void verb_former(const char *port)
{
	int listener = listen_at("stream", port, 8), first, second, last;
	size_t at;

	first = take(listener);
	while (recv(first, back, FORMER, MSG_PEEK) != FORMER)
		usleep(20000);
	printf("held\n");
	fflush(stdout);
	must(poll(&(struct pollfd){ .fd = first, .events = POLLRDHUP }, 1, -1) == 1, "poll");
	second = take(listener);
	hear_word(second);
	last = drain(first, 0, &at);
	printf("read %zu %d\n", at, last);
	fflush(stdout);
	hear_word(second);
	must(!close(first), "close");
	send_all(second, bytes, 1);
	must(!recv(second, back, 1, 0), "end");
	printf("former\n");
}

static void verb_lag(const char *port)
{
	int listener = listen_at("stream", port, 8), fd, last;
	size_t at;

	be_told();
	fd = take(listener);
	must(!close(listener), "close");
	must(poll(&(struct pollfd){ .fd = fd, .events = POLLRDHUP }, 1, -1) == 1, "poll");
	wait_told();
	last = drain(fd, 0, &at);
	must(!close(fd), "close");
	printf("lag %zu %d\n", at, last);
}

static void verb_shut(const char *cid, const char *port, const char *from)
{
	int fd = dial_from("stream", cid, port, from);

	send_all(fd, bytes, FORMER);
	must(!close(fd), "close");
	printf("shut\n");
}

static void verb_anew(const char *cid, const char *port, const char *from)
{
	int fd;

	be_told();
	fd = dial_from("stream", cid, port, from);
	send_all(fd, bytes, FORMER);
	wait_told();
	must(recv(fd, back, 1, 0) < 0 && errno == ECONNRESET, "recv");
	must(!close(fd), "close");
	fd = dial_from("stream", cid, port, from);
	send_all(fd, bytes, 1);
	wait_told();
	send_all(fd, bytes, 1);
	hear_word(fd);
	printf("anew\n");
}

/* Where the connection is over already nothing can be ended any more */
static void verb_late(const char *cid, const char *port, const char *from)
{
	int fd, last;
	size_t at;

	be_told();
	fd = dial_from("stream", cid, port, from);
	wait_told();
	shutdown(fd, SHUT_WR);
	last = drain(fd, 0, &at);
	printf("late %zu %d\n", at, last);
}

static void verb_retry(const char *cid, const char *port, const char *from)
{
	struct sockaddr_vm to = address(cid, port);
	struct pollfd idle = { .fd = new_socket("stream"), .events = POLLIN };

	be_told();
	bind_to(idle.fd, NULL, from);
	must(connect(idle.fd, (void *)&to, sizeof(to)) < 0 && errno == EHOSTUNREACH, "refused");
	wait_told();
	must(poll(&idle, 1, 0) >= 0, "poll");
	connect_to(idle.fd, cid, port);
	say(idle.fd, 1000);
	must(!shutdown(idle.fd, SHUT_WR), "shutdown");
	printf("retry %d %zu\n", !!(idle.revents & POLLERR), hear(idle.fd, -1));
}

static ssize_t send_at_once(int fd, size_t len)
{
	ssize_t put = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	return put < 0 ? -errno : put;
}

static void verb_whole(const char *cid, const char *port)
{
	int fd;

	be_told();
	fd = dial("seqpacket", cid, port);
	wait_told();
	printf("whole %zd\n", send_at_once(fd, 100000));
}

static void verb_parts(const char *cid, const char *port)
{
	int fd = dial("seqpacket", cid, port);
	ssize_t first = send_at_once(fd, 200000), second = send_at_once(fd, 100000);

	printf("parts %zd %zd %zd\n", first, second, send_at_once(fd, 100000));
}

static void verb_polls(const char *cid, const char *port)
{
	struct pollfd out = { .fd = -1, .events = POLLOUT };
	ssize_t refused;
	int ready;

	be_told();
	out.fd = dial("seqpacket", cid, port);
	must(send_at_once(out.fd, 200000) == 200000, "send");
	must(poll(&out, 1, -1) == 1, "poll");
	refused = send_at_once(out.fd, 100000);
	ready = poll(&out, 1, 0);
	wait_told();
	must(poll(&out, 1, -1) == 1, "poll");
	printf("polls %zd %d %zd\n", refused, ready, send_at_once(out.fd, 100000));
	must(recv(out.fd, back, sizeof(back), 0) == 200000 && recv(out.fd, back, sizeof(back), 0) == 100000, "recv");
}

/* One message of 100000 bytes is refused then, and so is whatever is sent without waiting. */
static void fill(int fd, const char *type)
{
	if (strcmp(type, "stream")) {
		must(send_at_once(fd, 200000) == 200000, "send");
		must(send_at_once(fd, 100000) == -EAGAIN, "send");
		return;
	}
	while (send_at_once(fd, CHUNK) > 0)
		;
	must(errno == EAGAIN, "send");
}

static void verb_deaf(const char *type, const char *cid, const char *port)
{
	struct pollfd out = { .fd = -1, .events = POLLOUT };
	int ready;

	be_told();
	out.fd = dial(type, cid, port);
	fill(out.fd, type);
	ready = poll(&out, 1, 0);
	wait_told();
	must(poll(&out, 1, -1) == 1, "poll");
	printf("deaf %d %zd\n", ready, send_at_once(out.fd, 100000));
}

static void verb_deafens(const char *type, const char *port)
{
	int listener = listen_at(type, port, 8), fd;

	be_told();
	fd = take(listener);
	wait_told();
	must(!shutdown(fd, SHUT_RD), "shutdown");
	wait_told();
	printf("deafens\n");
}

static void verb_portions(const char *port)
{
	int listener = listen_at("seqpacket", port, 8), fd;
	struct timeval patience = { .tv_usec = 100000 };
	ssize_t part;

	be_told();
	fd = take(listener);
	must(send(fd, bytes, 200000, MSG_NOSIGNAL) == 200000, "send");
	must(!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), "patience");
	/* So a part of it goes */
	must(poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1) == 1, "poll");
	part = send(fd, bytes, 200000, MSG_NOSIGNAL);
	if (part < 0)
		part = -errno;
	wait_told();
	patience = (struct timeval){};
	must(!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), "patience");
	must(send(fd, bytes, 100, MSG_NOSIGNAL) == 100, "send");
	printf("portions %zd\n", part);
	must(!recv(fd, back, sizeof(back), 0), "recv");
}

static void verb_polled(const char *cid, const char *port)
{
	struct pollfd in = { .fd = -1, .events = POLLIN };
	ssize_t none;
	int ready;

	be_told();
	in.fd = dial("seqpacket", cid, port);
	wait_told();
	must(recv(in.fd, back, sizeof(back), 0) == 200000, "recv");
	ready = poll(&in, 1, 0);
	none = recv(in.fd, back, sizeof(back), MSG_DONTWAIT);
	if (none < 0)
		none = -errno;
	wait_told();
	must(poll(&in, 1, -1) == 1, "poll");
	printf("polled %d %zd %d\n", ready, none, recv(in.fd, back, sizeof(back), MSG_DONTWAIT) > 100);
}

static void verb_small(const char *cid, const char *port)
{
	int fd = new_socket("seqpacket");
	ssize_t first, second;

	set_room(fd, 4096);
	connect_to(fd, cid, port);
	first = send_at_once(fd, 20000);
	second = send(fd, bytes, 20000, MSG_NOSIGNAL);
	if (second < 0)
		second = -errno;
	printf("small %zd %zd %zd\n", first, second, send_at_once(fd, 4096));
}

static void verb_heap(const char *cid, const char *port, size_t bytes, size_t room)
{
	char *all = malloc(PERIOD + bytes);
	size_t at = 0, i;
	ssize_t put;
	int fd;

	must(!!all, "malloc");
	for (i = 0; i < PERIOD + bytes; i++)
		all[i] = *bytes_at(i);
	be_told();
	fd = dial("stream", cid, port);
	if (room)
		set_room(fd, room);
	wait_told();
	while ((put = send(fd, all + at % PERIOD, bytes, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
		at += put;
	must(errno == EAGAIN, "send");
	printf("sink %zu\n", at);
}

static void fill_up(int fd)
{
	while (send(fd, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		;
	must(errno == EAGAIN, "send");
}

static void verb_linger(const char *cid, const char *port)
{
	struct linger day = { 1, 24 * 60 * 60 };
	int fd;

	be_told();
	fd = dial("stream", cid, port);
	must(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &day, sizeof(day)), "SO_LINGER");
	wait_told();
	fill_up(fd);
	must(!close(fd), "close");
	printf("linger\n");
}

static void print_unsent(int fd)
{
	int unsent;

	must(!ioctl(fd, SIOCOUTQ, &unsent), "SIOCOUTQ");
	printf("unsent %s\n", unsent ? "some" : "none");
	fflush(stdout);
}

static void verb_unsent(const char *cid, const char *port)
{
	int fd;

	be_told();
	fd = dial("stream", cid, port);
	wait_told();
	fill_up(fd);
	print_unsent(fd);
	must(recv(fd, back, 1, 0) < 0 && errno == ECONNRESET, "recv");
	print_unsent(fd);
}

/* The rest of what @said has been said of, as far as there is room; returns whether it is all */
static int pour(int fd, size_t *said, size_t bytes)
{
	ssize_t put;

	while (*said < bytes) {
		put = send(fd, bytes_at(*said), bytes - *said, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0 && errno == EAGAIN)
			return 0;
		must(put > 0, "send");
		*said += put;
	}
	return 1;
}

static struct pollfd polled[MAX_MANY];

static void verb_pour(const char *port, int n, size_t bytes)
{
	static size_t said[MAX_MANY];
	int listener, i, rest = n;

	allow_many(n);
	listener = listen_at("stream", port, n);
	for (i = 0; i < n; i++) {
		polled[i] = (struct pollfd){ accept(listener, NULL, NULL), POLLOUT, 0 };
		must(polled[i].fd >= 0, "accept");
	}
	/* What is not polled any more stays open */
	while (rest) {
		must(poll(polled, n, -1) > 0, "poll");
		for (i = 0; i < n; i++) {
			if (!polled[i].revents || !pour(polled[i].fd, &said[i], bytes))
				continue;
			polled[i].fd = -1;
			rest--;
		}
	}
	printf("pour %d\n", n);
	fflush(stdout);
	pause();
}

#define LITTLE	1000

static int dial_little(const char *cid, const char *port)
{
	struct sockaddr_vm to = address(cid, port);
	int fd = new_socket("stream");

	set_option(fd, SO_VM_SOCKETS_BUFFER_MIN_SIZE, LITTLE);
	set_option(fd, SO_VM_SOCKETS_BUFFER_SIZE, LITTLE);
	must(!connect(fd, (void *)&to, sizeof(to)), "connect");
	return fd;
}

static void verb_drink(const char *cid, const char *port, int n, size_t bytes)
{
	int i, ends = 5000;
	size_t at;
	ssize_t got;

	allow_many(n);
	be_told();
	for (i = 0; i < n; i++)
		fds[i] = dial_little(cid, port);
	for (i = 0; i < n; i++)
		while (recv(fds[i], back, LITTLE, MSG_PEEK) != LITTLE)
			usleep(20000);
	wait_told();
	for (i = 0; i < n; i++)
		must(recv(fds[i], back, LITTLE, 0) == LITTLE, "recv");
	while (ends--)
		must(!shutdown(fds[0], SHUT_WR), "shutdown");
	printf("half\n");
	fflush(stdout);
	for (i = 0; i < n; i++)
		for (at = LITTLE; at < bytes; at += got) {
			got = recv(fds[i], back, bytes - at, 0);
			must(got > 0, "recv");
			check_bytes(back, at, got);
		}
	printf("drink %d\n", n);
}

#define PAGE	4096ul

/* A page of memory that is there only when give() has been called; a descriptor that tells who waits for it */
static int miss(char **page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range.len = PAGE, .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	*page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (unsigned long)*page;
	must(fd >= 0 && !ioctl(fd, UFFDIO_API, &api) && !ioctl(fd, UFFDIO_REGISTER, &range), "userfaultfd");
	return fd;
}

static void give(int fd, char *page)
{
	struct uffdio_zeropage zero = { .range = { (unsigned long)page, PAGE } };

	must(!ioctl(fd, UFFDIO_ZEROPAGE, &zero), "give");
}

static char *missing;

static void *send_missing(void *fd)
{
	return (void *)send(*(int *)fd, missing, PAGE, MSG_NOSIGNAL);
}

/* Its socket is locked when this waits, and until it is told */
static void send_when_told(int fd)
{
	struct uffd_msg fault;
	pthread_t sender;
	int memory;

	memory = miss(&missing);
	must(!pthread_create(&sender, NULL, send_missing, &fd), "pthread_create");
	must(read(memory, &fault, sizeof(fault)) == sizeof(fault), "fault");
	wait_told();
	give(memory, missing);
	must(!pthread_join(sender, NULL), "pthread_join");
}

static void verb_stuck(const char *port)
{
	int listener = listen_at("stream", port, 8);

	be_told();
	send_when_told(take(listener));
	printf("stuck\n");
}

static void verb_locks(const char *type, const char *cid, const char *port, const char *from)
{
	be_told();
	send_when_told(dial_from(type, cid, port, from));
	printf("locks\n");
}

static void verb_local(void)
{
	int fd = open("/dev/vsock", O_RDONLY);
	unsigned int cid;

	must(fd >= 0, "/dev/vsock");
	must(!ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid), "local");
	printf("local %u\n", cid);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	make_bytes();
	if (argc == 5 && !strcmp(verb, "serve"))
		verb_serve(argv[2], argv[3], atoi(argv[4]));
	else if (argc == 7 && !strcmp(verb, "talk"))
		verb_talk(argv[2], argv[3], argv[4], atoi(argv[5]), strtoul(argv[6], NULL, 0));
	else if (argc == 6 && !strcmp(verb, "from"))
		verb_from(argv[2], argv[3], argv[4], argv[5]);
	else if (argc == 4 && !strcmp(verb, "messages"))
		verb_messages(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(verb, "half"))
		verb_half(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(verb, "options"))
		verb_options(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(verb, "keep"))
		verb_keep(argv[2], atoi(argv[3]));
	else if (argc == 5 && !strcmp(verb, "many"))
		verb_many(argv[2], argv[3], atoi(argv[4]));
	else if ((argc == 4 || argc == 5) && !strcmp(verb, "sink"))
		verb_sink(argv[2], argv[3], argc == 5 ? strtoul(argv[4], NULL, 0) : 0);
	else if (argc == 4 && !strcmp(verb, "fill"))
		verb_fill(argv[2], argv[3]);
	else if ((argc == 5 || argc == 6) && !strcmp(verb, "hold"))
		verb_hold(argv[2], argv[3], argv[4], argc == 6 ? argv[5] : NULL);
	else if (argc == 4 && !strcmp(verb, "ask"))
		verb_ask(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(verb, "hasty"))
		verb_hasty(argv[2], argv[3]);
	else if (argc == 5 && !strcmp(verb, "again"))
		verb_again(argv[2], argv[3], argv[4]);
	else if (argc == 3 && !strcmp(verb, "outlive"))
		verb_outlive(argv[2]);
	else if (argc == 3 && !strcmp(verb, "former"))
		verb_former(argv[2]);
	else if (argc == 5 && !strcmp(verb, "anew"))
		verb_anew(argv[2], argv[3], argv[4]);
	else if (argc == 3 && !strcmp(verb, "lag"))
		verb_lag(argv[2]);
	else if (argc == 5 && !strcmp(verb, "shut"))
		verb_shut(argv[2], argv[3], argv[4]);
	else if (argc == 5 && !strcmp(verb, "retry"))
		verb_retry(argv[2], argv[3], argv[4]);
	else if (argc == 4 && !strcmp(verb, "whole"))
		verb_whole(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(verb, "parts"))
		verb_parts(argv[2], argv[3]);
	else if (argc == 5 && !strcmp(verb, "deaf"))
		verb_deaf(argv[2], argv[3], argv[4]);
	else if (argc == 4 && !strcmp(verb, "deafens"))
		verb_deafens(argv[2], argv[3]);
	else if (argc == 3 && !strcmp(verb, "portions"))
		verb_portions(argv[2]);
	else if (argc == 4 && !strcmp(verb, "polled"))
		verb_polled(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(verb, "polls"))
		verb_polls(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(verb, "small"))
		verb_small(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(verb, "press"))
		verb_press(argv[2], argv[3]);
	else if (argc == 5 && !strcmp(verb, "late"))
		verb_late(argv[2], argv[3], argv[4]);
	else if ((argc == 5 || argc == 6) && !strcmp(verb, "heap"))
		verb_heap(argv[2], argv[3], strtoul(argv[4], NULL, 0),
			  argc == 6 ? strtoul(argv[5], NULL, 0) : 0);
	else if (argc == 4 && !strcmp(verb, "linger"))
		verb_linger(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(verb, "unsent"))
		verb_unsent(argv[2], argv[3]);
	else if (argc == 5 && !strcmp(verb, "pour"))
		verb_pour(argv[2], atoi(argv[3]), strtoul(argv[4], NULL, 0));
	else if (argc == 6 && !strcmp(verb, "drink"))
		verb_drink(argv[2], argv[3], atoi(argv[4]), strtoul(argv[5], NULL, 0));
	else if (argc == 3 && !strcmp(verb, "stuck"))
		verb_stuck(argv[2]);
	else if (argc == 6 && !strcmp(verb, "locks"))
		verb_locks(argv[2], argv[3], argv[4], argv[5]);
	else if (argc == 2 && !strcmp(verb, "local"))
		verb_local();
	else
		return 2;
	return 0;
}
