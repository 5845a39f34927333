// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: what flows between two guests while bench-link counts. Says on stderr what is wrong.
 *
 *	serve PORT			takes what comes, unseen; in the background, from when it has returned
 *	stream ADDRESS PORT N		sends N bytes over TCP, until the other side has them
 *	turns ADDRESS PORT N		N times a byte over TCP there and back
 *	bursts ADDRESS PORT N		N times 64 datagrams, each time in one call; the other side says after 8 that
 *					it has them
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

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	must(inet_pton(AF_INET, address, &to.sin_addr) == 1, address);
	return to;
}

static int connect_to(int type, char **argv)
{
	struct sockaddr_in to = address_of(argv[0], argv[1]);
	int fd = socket(AF_INET, type, 0), one = 1;

	must(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
	if (type == SOCK_STREAM)
		must(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), "TCP_NODELAY");
	return fd;
}

static int bind_to(int type, const char *port)
{
	struct sockaddr_in here = address_of("0.0.0.0", port);
	int fd = socket(AF_INET, type, 0), room = 1 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	must(fd >= 0 && !bind(fd, (struct sockaddr *)&here, sizeof(here)), "bind");
	return fd;
}

/* What comes first is how many bytes come, 0 if each is to be sent back. The end of many is answered */
static void take_tcp(int fd)
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

	for (;;) {
		for (i = 0; i < BURST * BURSTS; i++)
			recvfrom(fd, data, CHUNK, 0, (struct sockaddr *)&from, &size);
		sendto(fd, data, 1, 0, (struct sockaddr *)&from, size);
	}
}

static void serve(char **argv)
{
	int tcp = bind_to(SOCK_STREAM, argv[0]), udp = bind_to(SOCK_DGRAM, argv[0]), i;

	must(!listen(tcp, 8), "listen");
	if (fork())
		return;
	for (i = 0; i < 3; i++)
		close(i);
	if (fork())
		take_udp(udp);
	for (;;)
		take_tcp(accept(tcp, NULL, NULL));
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
