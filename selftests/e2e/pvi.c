// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi selftests: what a guest's program does with /dev/kvm_pvi_guest, as said on the command
 * line, one after the other through one open file. Prints "VERB RESULT" for each; a result below
 * 0 is -errno.
 *
 *	gsi INDEX		its number; kind, state, bell and irq behind it
 *	peers			how many there are
 *	ring UUID GSI		verdict
 *	connect UUID GSI	port
 *	notify PORT		verdict
 *	disconnect PORT		0
 *	wait GSI		descriptor
 *	watch			descriptor that tells of peers
 *	host			descriptor that tells of the host
 *	came FD			polls FD until there is another host than at the start; 1
 *	wire GSI		0, and the eventfd behind it
 *	poll FD			what read() gives once poll() says that FD is readable
 *	send PORT FLAGS		verdict, and the flags before
 *	receive BELL FLAGS	0, and the flags before
 *	mask BELL ENABLE ACK	0
 *	owed FILE OFFSET	1 if the status word there says that a ring is owed, else 0
 *	take FILE OFFSET	the same, and from now on none is
 *	store FILE OFFSET	0, when that was written to the word as far as the program knows
 *	pingpong UUID GSI FD N	N times: ring, then poll FD; N
 *	echo UUID GSI FD	for ever: poll FD, then ring
 *	volley UUID GSI FD N	the same, but a ring that is refused for the moment is tried until it is not
 *	answer UUID GSI FD	polls FD, then rings through a port, always the same one, until that fails
 *	serve UUID GSI FD	for ever: poll FD, then ring through a port, a new one if that is dead
 *	hammer UUID GSI		for ever: ring through a port, a new one if that is dead
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm_pvi_guest.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define NEW(type)	{ .size = sizeof(struct type) }

static int dev;
static uint64_t epoch;	/* of the host at the start */
static char more[128];	/* goes behind the result */

static int call(unsigned long cmd, void *arg)
{
	return ioctl(dev, cmd, arg) < 0 ? -errno : 0;
}

static uint64_t number(const char *arg)
{
	return strtoull(arg, NULL, 0);
}

static void parse_uuid(const char *text, uint8_t *uuid)
{
	int i;

	for (i = 0; i < KVM_PVI_UUID_SIZE; i++) {
		text += strspn(text, "-");
		if (sscanf(text, "%2hhx", &uuid[i]) != 1) {
			fprintf(stderr, "pvi: no UUID: '%s'\n", text);
			exit(2);
		}
		text += 2;
	}
}

static int do_gsi(char **args)
{
	struct kvm_pvi_guest_gsi gsi = NEW(kvm_pvi_guest_gsi);
	int ret;

	gsi.index = number(args[0]);
	ret = call(KVM_PVI_GUEST_GET_GSI, &gsi);
	if (ret)
		return ret;
	snprintf(more, sizeof(more), " kind %u state %u bell %d irq %u", gsi.kind, gsi.state,
		 (int)gsi.bell, gsi.irq);
	return gsi.gsi;
}

static int do_peers(char **args)
{
	struct kvm_pvi_guest_peers peers = NEW(kvm_pvi_guest_peers);
	struct kvm_pvi_peer records[8];
	int ret;

	(void)args;
	peers.nr = ARRAY_SIZE(records);
	peers.address = (uintptr_t)records;
	ret = call(KVM_PVI_GUEST_PEERS, &peers);
	return ret ?: (int)peers.nr;
}

static int ring(const char *uuid, const char *gsi)
{
	struct kvm_pvi_guest_ring ring = NEW(kvm_pvi_guest_ring);
	int ret;

	parse_uuid(uuid, ring.uuid);
	ring.gsi = number(gsi);
	ret = call(KVM_PVI_GUEST_RING, &ring);
	return ret ?: (int)ring.result;
}

static int do_ring(char **args)
{
	return ring(args[0], args[1]);
}

static int do_connect(char **args)
{
	struct kvm_pvi_guest_connect connect = NEW(kvm_pvi_guest_connect);
	int ret;

	parse_uuid(args[0], connect.uuid);
	connect.gsi = number(args[1]);
	ret = call(KVM_PVI_GUEST_CONNECT, &connect);
	return ret ?: (int)connect.port;
}

static int port(unsigned long cmd, const char *arg)
{
	struct kvm_pvi_guest_port port = NEW(kvm_pvi_guest_port);
	int ret;

	port.port = number(arg);
	ret = call(cmd, &port);
	return ret ?: (int)port.result;
}

static int do_notify(char **args)
{
	return port(KVM_PVI_GUEST_NOTIFY, args[0]);
}

static int do_disconnect(char **args)
{
	return port(KVM_PVI_GUEST_DISCONNECT, args[0]);
}

static int new_wait(uint32_t flags, uint32_t gsi)
{
	struct kvm_pvi_guest_wait wait = NEW(kvm_pvi_guest_wait);
	int ret;

	wait.flags = flags;
	wait.gsi = gsi;
	ret = call(KVM_PVI_GUEST_WAIT, &wait);
	return ret ?: wait.fd;
}

static int do_wait(char **args)
{
	return new_wait(0, number(args[0]));
}

static int do_watch(char **args)
{
	(void)args;
	return new_wait(KVM_PVI_GUEST_WAIT_PEERS, 0);
}

static int do_host(char **args)
{
	(void)args;
	return new_wait(KVM_PVI_GUEST_WAIT_HOST, 0);
}

static int do_wire(char **args)
{
	struct kvm_pvi_guest_wire wire = NEW(kvm_pvi_guest_wire);

	wire.gsi = number(args[0]);
	wire.fd = eventfd(0, EFD_CLOEXEC);
	snprintf(more, sizeof(more), " %d", wire.fd);
	return call(KVM_PVI_GUEST_WIRE, &wire);
}

static int poll_fd(const char *fd)
{
	struct pollfd pfd = { .fd = number(fd), .events = POLLIN };
	uint64_t count = 0;

	if (poll(&pfd, 1, -1) > 0 && read(pfd.fd, &count, sizeof(count)) != sizeof(count))
		return -errno;
	return count;
}

static int do_poll(char **args)
{
	return poll_fd(args[0]);
}

static int do_send(char **args)
{
	struct kvm_pvi_guest_bell_send send = NEW(kvm_pvi_guest_bell_send);
	int ret;

	send.port = number(args[0]);
	send.bits = number(args[1]);
	ret = call(KVM_PVI_GUEST_BELL_SEND, &send);
	snprintf(more, sizeof(more), " %#llx", (unsigned long long)send.old);
	return ret ?: (int)send.result;
}

static int do_receive(char **args)
{
	struct kvm_pvi_guest_bell_receive receive = NEW(kvm_pvi_guest_bell_receive);
	int ret;

	receive.bell = number(args[0]);
	receive.clear = number(args[1]);
	ret = call(KVM_PVI_GUEST_BELL_RECEIVE, &receive);
	snprintf(more, sizeof(more), " %#llx", (unsigned long long)receive.old);
	return ret;
}

static int do_mask(char **args)
{
	struct kvm_pvi_guest_bell_mask mask = NEW(kvm_pvi_guest_bell_mask);

	mask.bell = number(args[0]);
	mask.enable = number(args[1]);
	mask.ack = number(args[2]);
	return call(KVM_PVI_GUEST_BELL_MASK, &mask);
}

/* A sender has the word read-only. */
static void *map_word(char **args, int mode, int prot)
{
	size_t offset = number(args[1]), page = offset & ~(size_t)(sysconf(_SC_PAGESIZE) - 1);
	int fd = open(args[0], mode | O_CLOEXEC);
	char *map = mmap(NULL, offset - page + sizeof(struct kvm_pvi_status), prot, MAP_SHARED,
			 fd, page);

	if (map == MAP_FAILED) {
		perror(args[0]);
		exit(1);
	}
	close(fd);
	return map + (offset - page);
}

static int do_owed(char **args)
{
	return kvm_pvi_status_owed(map_word(args, O_RDONLY, PROT_READ));
}

static int do_take(char **args)
{
	return kvm_pvi_status_take(map_word(args, O_RDWR, PROT_READ | PROT_WRITE));
}

/* As a take() does, but by the plainest of instructions: hosts differ in how they emulate others */
static int do_store(char **args)
{
	struct kvm_pvi_status *word = map_word(args, O_RDWR, PROT_READ | PROT_WRITE);

	*(volatile __u32 *)&word->pending = 0;
	return 0;
}

static int do_pingpong(char **args)
{
	int n = number(args[3]), i, ret;

	for (i = 0; i < n; i++) {
		ret = ring(args[0], args[1]);
		if (ret >= 0)
			ret = poll_fd(args[2]);
		if (ret < 0)
			return ret;
	}
	return n;
}

/* The receiver is not there, is frozen, or has not allowed it yet. */
static bool is_refused(int ret)
{
	return ret == -EPERM || ret == -EAGAIN || ret == -ENXIO;
}

static int do_volley(char **args)
{
	int n = number(args[3]), i, ret;

	for (i = 0; i < n; i++) {
		while (is_refused(ret = ring(args[0], args[1])))
			usleep(5000);
		if (ret >= 0)
			ret = poll_fd(args[2]);
		if (ret < 0)
			return ret;
	}
	return n;
}

static int do_answer(char **args)
{
	char at[16];
	int ret = do_connect(args);

	snprintf(at, sizeof(at), "%d", ret);
	while (ret >= 0) {
		ret = poll_fd(args[2]);
		if (ret >= 0)
			ret = port(KVM_PVI_GUEST_NOTIFY, at);
	}
	return ret;
}

static int do_echo(char **args)
{
	int ret;

	do {
		ret = poll_fd(args[2]);
		if (ret >= 0)
			ret = ring(args[0], args[1]);
	} while (ret >= 0);
	return ret;
}

static struct kvm_pvi_guest_info get_info(void)
{
	struct kvm_pvi_guest_info info = NEW(kvm_pvi_guest_info);

	if (call(KVM_PVI_GUEST_GET_INFO, &info)) {
		perror("GET_INFO");
		exit(1);
	}
	return info;
}

static int do_came(char **args)
{
	struct kvm_pvi_guest_info info;
	int ret;

	for (;;) {
		info = get_info();
		if (info.features && info.epoch != epoch)
			return 1;
		ret = poll_fd(args[0]);
		if (ret < 0)
			return ret;
	}
}

/* Rings *@port, after it has connected it if it is none, or dead. */
static int ring_port(char **args, int *at)
{
	char text[16];
	int ret = -ENXIO;

	if (*at >= 0) {
		snprintf(text, sizeof(text), "%d", *at);
		ret = port(KVM_PVI_GUEST_NOTIFY, text);
	}
	if (ret != -ENXIO)
		return ret;
	if (*at >= 0)
		port(KVM_PVI_GUEST_DISCONNECT, text);
	*at = do_connect(args);
	if (*at < 0)
		return *at;
	snprintf(text, sizeof(text), "%d", *at);
	return port(KVM_PVI_GUEST_NOTIFY, text);
}

static int do_serve(char **args)
{
	int at = -1, ret;

	while ((ret = poll_fd(args[2])) >= 0)
		ring_port(args, &at);
	return ret;
}

/* Not as fast as it can: the whole machine may have one CPU. */
static int do_hammer(char **args)
{
	int at = -1, ret;

	while ((ret = ring_port(args, &at)) != -EINVAL)
		usleep(5000);
	return ret;
}

static const struct verb {
	const char *name;
	int nargs;
	int (*fn)(char **args);
} verbs[] = {
	{ "gsi", 1, do_gsi },
	{ "peers", 0, do_peers },
	{ "ring", 2, do_ring },
	{ "connect", 2, do_connect },
	{ "notify", 1, do_notify },
	{ "disconnect", 1, do_disconnect },
	{ "wait", 1, do_wait },
	{ "watch", 0, do_watch },
	{ "host", 0, do_host },
	{ "came", 1, do_came },
	{ "wire", 1, do_wire },
	{ "poll", 1, do_poll },
	{ "send", 2, do_send },
	{ "receive", 2, do_receive },
	{ "mask", 3, do_mask },
	{ "owed", 2, do_owed },
	{ "take", 2, do_take },
	{ "store", 2, do_store },
	{ "pingpong", 4, do_pingpong },
	{ "volley", 4, do_volley },
	{ "answer", 3, do_answer },
	{ "echo", 3, do_echo },
	{ "serve", 3, do_serve },
	{ "hammer", 2, do_hammer },
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	fprintf(stderr, "pvi: no verb '%s'\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	const struct verb *verb;
	int i, ret;

	dev = open("/dev/kvm_pvi_guest", O_RDWR | O_CLOEXEC);
	if (dev < 0) {
		perror("/dev/kvm_pvi_guest");
		return 1;
	}
	epoch = get_info().epoch;
	for (i = 1; i < argc; i += 1 + verb->nargs) {
		verb = find_verb(argv[i]);
		if (i + verb->nargs >= argc) {
			fprintf(stderr, "pvi: '%s' wants %d arguments\n", verb->name, verb->nargs);
			return 2;
		}
		more[0] = '\0';
		ret = verb->fn(argv + i + 1);
		printf("%s %d%s\n", verb->name, ret, more);
		fflush(stdout);
	}
	return 0;
}
