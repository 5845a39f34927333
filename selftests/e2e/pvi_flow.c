// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: what flows between two guests while bench-link counts. Says on stderr what is wrong.
 *
 *	serve PORT			takes what comes, unseen; in the background, from when it has returned
 *	serve_vsock PORT		so does this what comes by AF_VSOCK
 *	stream ADDRESS PORT N		sends N bytes over TCP, until the other side has them
 *	turns ADDRESS PORT N		N times a byte over TCP there and back
 *	bursts ADDRESS PORT N		N times 64 datagrams, each time in one call; the other side says after 8 that
 *					it has them
 *
 * An ADDRESS "vsock:CID" is of AF_VSOCK, instead of TCP.
 *
 * Each does a fourth of it first, which is not counted: pvi_net's verbs look at what they send.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>
#include <unistd.h>

#define CHUNK		65536
#define BURST		64
#define BURSTS		8	/* before an answer */
#define DATAGRAM	64

static char data[CHUNK];

/* What is between these two is counted: bench/plugin/spans.c */
static void span_begin(void)
{
	asm volatile(".byte 0x0f, 0x1f, 0x80, 4, 0x56, 0x49, 0x50" ::: "memory");
}

static void span_end(void)
{
	asm volatile(".byte 0x0f, 0x1f, 0x80, 5, 0x56, 0x49, 0x50" ::: "memory");
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_vm vm;
};

static union address address_of(const char *address, const char *port)
{
	union address to = { .in = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) } };

	if (!strncmp(address, "vsock:", 6)) {
		to.vm = (struct sockaddr_vm){
			.svm_family = AF_VSOCK,
			.svm_cid = strtoul(address + 6, NULL, 0),
			.svm_port = atoi(port),
		};
		return to;
	}
	must(inet_pton(AF_INET, address, &to.in.sin_addr) == 1, address);
	return to;
}

static int connect_to(int type, char **argv)
{
	union address to = address_of(argv[0], argv[1]);
	int fd = socket(to.any.sa_family, type, 0), one = 1;

	must(fd >= 0 && !connect(fd, &to.any, sizeof(to)), "connect");
	if (type == SOCK_STREAM && to.any.sa_family == AF_INET)
		must(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), "TCP_NODELAY");
	return fd;
}

static int bind_to(int type, const char *address, const char *port)
{
	union address here = address_of(address, port);
	int fd = socket(here.any.sa_family, type, 0), room = 1 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	must(fd >= 0 && !bind(fd, &here.any, sizeof(here)), "bind");
	must(type == SOCK_DGRAM || !listen(fd, 8), "listen");
	return fd;
}

/* What comes first is how many bytes come, 0 if each is to be sent back. The end of many is answered */
static void take_one(int fd)
{
	uint64_t len;
	ssize_t got;
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while (recv(fd, &len, sizeof(len), MSG_WAITALL) == sizeof(len)) {
		while (!len && read(fd, data, 1) == 1)
			must(write(fd, data, 1) == 1, "write");
		for (; len; len -= got) {
			got = read(fd, data, len < CHUNK ? len : CHUNK);
			must(got > 0, "read");
			if ((uint64_t)got == len)
				must(write(fd, data, 1) == 1, "write");
		}
	}
	close(fd);
}

static void take_udp(int fd)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	int i;

	for (i = 0; i < BURST * BURSTS; i++)
		recvfrom(fd, data, CHUNK, 0, (struct sockaddr *)&from, &size);
	sendto(fd, data, 1, 0, (struct sockaddr *)&from, size);
}

static void take_stream(int listener)
{
	take_one(accept(listener, NULL, NULL));
}

/* By a process of its own, for ever */
static void take(void (*one)(int), int fd)
{
	int i;

	if (fork())
		return;
	for (i = 0; i < 3; i++)
		close(i);
	for (;;)
		one(fd);
}

static void serve(char **argv)
{
	take(take_udp, bind_to(SOCK_DGRAM, "0.0.0.0", argv[0]));
	take(take_stream, bind_to(SOCK_STREAM, "0.0.0.0", argv[0]));
}

static void serve_vsock(char **argv)
{
	take(take_stream, bind_to(SOCK_STREAM, "vsock:-1", argv[0]));
}

static void send_stream(int fd, uint64_t len)
{
	uint64_t at;
	ssize_t put;

	must(write(fd, &len, sizeof(len)) == sizeof(len), "write");
	for (at = 0; at < len; at += put) {
		put = write(fd, data, len - at < CHUNK ? len - at : CHUNK);
		must(put > 0, "write");
	}
	must(read(fd, data, 1) == 1, "read");
}

static void stream(char **argv)
{
	int fd = connect_to(SOCK_STREAM, argv);
	uint64_t n = strtoull(argv[2], NULL, 0);

	send_stream(fd, n / 4);
	span_begin();
	send_stream(fd, n);
	span_end();
}

static void take_turns(int fd, unsigned int n)
{
	while (n--)
		must(write(fd, data, 1) == 1 && read(fd, data, 1) == 1, "a turn");
}

static void turns(char **argv)
{
	int fd = connect_to(SOCK_STREAM, argv);
	unsigned int n = atoi(argv[2]);
	uint64_t none = 0;

	must(write(fd, &none, sizeof(none)) == sizeof(none), "write");
	take_turns(fd, n / 4);
	span_begin();
	take_turns(fd, n);
	span_end();
}

/* The kernel makes datagrams of it */
static void send_burst(int fd)
{
	must(send(fd, data, BURST * DATAGRAM, 0) == BURST * DATAGRAM, "send");
}

static void send_bursts(int fd, unsigned int n)
{
	unsigned int i;

	for (i = 1; i <= n; i++) {
		send_burst(fd);
		if (i % BURSTS == 0)
			must(read(fd, data, 1) == 1, "an answer");
	}
}

static void bursts(char **argv)
{
	int fd = connect_to(SOCK_DGRAM, argv), size = DATAGRAM;
	unsigned int n = atoi(argv[2]);

	must(!setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)), "UDP_SEGMENT");
	send_bursts(fd, n / 4 / BURSTS * BURSTS);
	span_begin();
	send_bursts(fd, n);
	span_end();
}

static const struct verb {
	const char *name;
	int args;
	void (*run)(char **argv);
} verbs[] = {
	{ "serve", 1, serve },
	{ "serve_vsock", 1, serve_vsock },
	{ "stream", 3, stream },
	{ "turns", 3, turns },
	{ "bursts", 3, bursts },
};

int main(int argc, char **argv)
{
	unsigned int i;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (argc < 2 || strcmp(verbs[i].name, argv[1]) || argc != verbs[i].args + 2)
			continue;
		verbs[i].run(argv + 2);
		return 0;
	}
	fputs("no such verb, or not so many arguments\n", stderr);
	return 2;
}
