// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi selftests: what a guest's program does with an interface. Says on stderr what is wrong.
 *
 *	serve PORT		takes what tcp sends, and sends back what udp does; in the background,
 *				from when it has returned
 *	tcp ADDRESS PORT N	sends N bytes, which the other side has to find right
 *	udp ADDRESS PORT N	sends N datagrams of all kinds of lengths, each when the one before has come back
 *	flood ADDRESS PORT	sends datagrams until it is ended
 *	offload IF 0|1		sums and long segments are left to the interface, or not
 *	offloads IF		prints whether they are: sums, pieces, segments of TCP, of any, received
 *	info IF			prints driver and bus, and how many statistics and tests it has
 *	names IF		prints the names of its statistics
 *	rings IF		prints how many frames fit into its rings, as they are and at most: received, sent
 *	set_rings IF N		asks for so many
 *	channels IF N		so many queues
 *	channels_of IF		prints how many there are, and at most
 *	stat IF NAME		prints the sum of those statistics whose names end so
 *	test IF			the interface tests itself
 *	tagged IF N FILE	waits for N frames with the tag of a VLAN, then makes FILE; in the background,
 *				from when it has returned
 *	tag IF MAC N		sends them
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pvi_net.h"

#define CHUNK		65536
#define LONGEST		60000
#define TAG		7
#define TAG_PROTOCOL	0x88b5	/* for experiments */

char *arg[8];

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(errno));
	exit(1);
}

/* What stands at @at of everything that is sent */
static void fill(unsigned char *data, size_t len, uint64_t at)
{
	uint64_t word;
	size_t i;

	for (i = 0; i < len; i++) {
		word = (at + i) * 0x9e3779b97f4a7c15ull;
		data[i] = word >> 56 ^ word >> 23;
	}
}

static void read_all(int fd, void *data, size_t len)
{
	ssize_t ret;

	for (; len; data = (char *)data + ret, len -= ret) {
		ret = read(fd, data, len);
		if (ret <= 0)
			die("read");
	}
}

static void write_all(int fd, const void *data, size_t len)
{
	ssize_t ret;

	for (; len; data = (const char *)data + ret, len -= ret) {
		ret = write(fd, data, len);
		if (ret <= 0)
			die("write");
	}
}

static int connect_to(int type)
{
	struct addrinfo hints = { .ai_socktype = type, .ai_flags = AI_NUMERICHOST }, *info;
	int fd;

	if (getaddrinfo(arg[0], arg[1], &hints, &info))
		die("%s", arg[0]);
	fd = socket(info->ai_family, type, 0);
	if (fd < 0 || connect(fd, info->ai_addr, info->ai_addrlen))
		die("connect to %s", arg[0]);
	freeaddrinfo(info);
	return fd;
}

static int bind_to(int type)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(atoi(arg[0])),
	};
	int fd = socket(AF_INET6, type, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("bind to %s", arg[0]);
	return fd;
}

/* Length, then so many bytes; the answer is one byte, when all were right */
static void take_tcp(int fd)
{
	static unsigned char got[CHUNK], want[CHUNK];
	uint64_t len, at, part;

	read_all(fd, &len, sizeof(len));
	for (at = 0; at < len; at += part) {
		part = len - at < CHUNK ? len - at : CHUNK;
		read_all(fd, got, part);
		fill(want, part, at);
		if (memcmp(got, want, part))
			exit(1);
	}
	write_all(fd, "", 1);
	exit(0);
}

static void serve_tcp(int listener)
{
	int fd;

	/* Nobody waits for those that have taken it. */
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd >= 0 && !fork())
			take_tcp(fd);
		close(fd);
	}
}

static void serve_udp(int fd)
{
	static unsigned char data[CHUNK];
	struct sockaddr_in6 from;
	socklen_t size;
	ssize_t len;

	for (;;) {
		size = sizeof(from);
		len = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size);
		if (len >= 0)
			sendto(fd, data, len, 0, (struct sockaddr *)&from, size);
	}
}

/* Of the shell's output nothing is kept open */
static int background(void)
{
	int null;

	if (fork())
		return 0;
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	return 1;
}

static void do_serve(void)
{
	int tcp = bind_to(SOCK_STREAM), udp = bind_to(SOCK_DGRAM);

	if (listen(tcp, 8))
		die("listen");
	if (background())
		serve_tcp(tcp);
	if (background())
		serve_udp(udp);
}

static void do_tcp(void)
{
	static unsigned char data[CHUNK];
	int fd = connect_to(SOCK_STREAM);
	uint64_t len = strtoull(arg[2], NULL, 0), at, part;
	char verdict;

	write_all(fd, &len, sizeof(len));
	for (at = 0; at < len; at += part) {
		part = len - at < CHUNK ? len - at : CHUNK;
		fill(data, part, at);
		write_all(fd, data, part);
	}
	read_all(fd, &verdict, 1);
}

/* Until it has come back. UDP may lose it, and a busy machine be late */
static void exchange(int fd, const unsigned char *data, ssize_t len)
{
	static unsigned char got[CHUNK];
	struct pollfd in = { .fd = fd, .events = POLLIN };
	int tries;

	for (tries = 0; tries < 60; tries++) {
		send(fd, data, len, 0);
		while (poll(&in, 1, 2000) > 0)
			if (recv(fd, got, sizeof(got), 0) == len && !memcmp(got, data, len))
				return;
	}
	die("%zd bytes do not come back", len);
}

static void do_udp(void)
{
	static unsigned char data[LONGEST];
	int fd = connect_to(SOCK_DGRAM), n = atoi(arg[2]), i;
	size_t len;

	for (i = 0; i < n; i++) {
		len = 1 + (uint64_t)i * LONGEST / n;
		fill(data, len, i);
		exchange(fd, data, len);
	}
}

static void do_flood(void)
{
	static unsigned char data[LONGEST];
	int fd = connect_to(SOCK_DGRAM);
	unsigned int i;

	for (i = 0;; i++) {
		send(fd, data, i * 997 % (i & 15 ? 1400 : LONGEST), 0);
		/* Others are to have the processor as well */
		if (!(i % 64))
			usleep(10000);
	}
}

static int open_packets(void)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(arg[0]),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("packets of %s", arg[0]);
	return fd;
}

/* Of N frames the length says which it is: the last, of N - 1, has the MTU behind its tag */
static int tagged_length(int n, int i)
{
	return ETH_DATA_LEN - (n - 1 - i);
}

/* Which of N frames has come, or -1. Linux takes the tag out, and says what it was */
static int take_tagged(int fd, int n)
{
	static unsigned char data[CHUNK], want[CHUNK];
	struct ether_header *ether = (struct ether_header *)data;
	struct tpacket_auxdata aux = {};
	char control[CMSG_SPACE(sizeof(aux))];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(fd, &msg, 0) - sizeof(*ether);
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int i = len - tagged_length(n, 0);

	if (!cmsg || ether->ether_type != htons(TAG_PROTOCOL) || i < 0 || i >= n)
		return -1;
	memcpy(&aux, CMSG_DATA(cmsg), sizeof(aux));
	fill(want, len, i);
	return aux.tp_vlan_tci == TAG && !memcmp(ether + 1, want, len) ? i : -1;
}

/* The sender may go over to another queue: they come in any order */
static void do_tagged(void)
{
	int fd = open_packets(), n = atoi(arg[1]), missing = n, i;
	char *seen = calloc(1, n);

	if (!background())
		return;
	while (missing) {
		i = take_tagged(fd, n);
		if (i < 0 || seen[i])
			continue;
		seen[i] = 1;
		missing--;
	}
	close(open(arg[2], O_CREAT | O_WRONLY, 0600));
}

static void do_tag(void)
{
	static struct {
		unsigned char to[6], from[6];
		uint16_t tpid, tci, type;
		unsigned char data[ETH_DATA_LEN];
	} frame;
	int fd = open_packets(), n = atoi(arg[2]), i, len;

	if (sscanf(arg[1], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &frame.to[0], &frame.to[1], &frame.to[2],
		   &frame.to[3], &frame.to[4], &frame.to[5]) != 6)
		die("%s", arg[1]);
	memcpy(frame.from, frame.to, 6);
	frame.from[5] ^= 1;
	frame.tpid = htons(ETHERTYPE_VLAN);
	frame.tci = htons(TAG);
	frame.type = htons(TAG_PROTOCOL);
	for (i = 0; i < n; i++) {
		len = tagged_length(n, i);
		fill(frame.data, len, i);
		if (send(fd, &frame, sizeof(frame) - sizeof(frame.data) + len, 0) < 0)
			die("send");
	}
}

static const struct verb {
	const char *name;
	int args;
	void (*run)(void);
} verbs[] = {
	{ "serve", 1, do_serve },
	{ "tcp", 3, do_tcp },
	{ "udp", 3, do_udp },
	{ "flood", 2, do_flood },
	{ "offload", 2, do_offload },
	{ "offloads", 1, do_offloads },
	{ "info", 1, do_info },
	{ "names", 1, do_names },
	{ "rings", 1, do_rings },
	{ "set_rings", 2, do_set_rings },
	{ "channels", 2, do_channels },
	{ "channels_of", 1, do_channels_of },
	{ "stat", 2, do_stat },
	{ "test", 1, do_test },
	{ "tagged", 3, do_tagged },
	{ "tag", 3, do_tag },
};

int main(int argc, char **argv)
{
	unsigned int i;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (argc < 2 || strcmp(verbs[i].name, argv[1]) || argc != verbs[i].args + 2)
			continue;
		memcpy(arg, argv + 2, verbs[i].args * sizeof(*arg));
		verbs[i].run();
		return 0;
	}
	fputs("no such verb, or not so many arguments\n", stderr);
	return 2;
}
