// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi selftests: what a guest's program does with the links that it finds among its PCI
 * devices. Prints a line, or says on stderr why not.
 *
 *	find		"LINK KIND PEER" of each link, which are 1af4:1110 each two and two
 *	store		stores into both sections of the first link: "own N peer N", how many of the
 *			stores are there afterwards
 *	talk N		sends N messages, and wants each back: "talk N"
 *	echo N		sends N messages back: "echo N"
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libpvi.h>
#include <libpvi_guest.h>
#include <linux/pvi_ring.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SECTIONS	16
#define MAX_MESSAGE	3000

/* A device that is a section, of whatever link */
struct section {
	int fd;
	char *map;
	size_t size;
	struct pvi_ring_shape shape;
};

static struct section sections[MAX_SECTIONS];
static int nr_sections;
static int guest, bell;
static unsigned char self[KVM_PVI_UUID_SIZE];

static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* The file @name beside @path, which ends with "resource2" */
static FILE *open_beside(const char *path, const char *name, const char *mode)
{
	char file[256];
	FILE *f;

	snprintf(file, sizeof(file), "%.*s%s", (int)(strlen(path) - strlen("resource2")), path, name);
	f = fopen(file, mode);
	if (!f)
		die("%s: %s", file, strerror(errno));
	return f;
}

static unsigned long read_attribute(const char *path, const char *name)
{
	FILE *f = open_beside(path, name, "r");
	char text[32] = "";

	if (!fgets(text, sizeof(text), f))
		die("%s: nothing in %s", path, name);
	fclose(f);
	return strtoul(text, NULL, 0);
}

/* Its memory is there only then */
static void enable(const char *path)
{
	FILE *f = open_beside(path, "enable", "w");

	fputs("1", f);
	fclose(f);
}

/* Both are mapped writable: what the guest may do is not what keeps it from storing */
static void look_at(const char *path)
{
	struct section *s = &sections[nr_sections];
	struct stat st;

	if (read_attribute(path, "vendor") != 0x1af4 || read_attribute(path, "device") != 0x1110 ||
	    nr_sections == MAX_SECTIONS)
		return;
	enable(path);
	s->fd = open(path, O_RDWR | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		die("%s: %s", path, strerror(errno));
	s->size = st.st_size;
	s->map = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->map == MAP_FAILED)
		die("%s: %s", path, strerror(errno));
	if (pvi_ring_look((struct pvi_ring_header *)s->map, s->size, &s->shape))
		nr_sections++;
}

static void look(void)
{
	glob_t found;
	size_t i;

	/* There may be none */
	if (glob("/sys/bus/pci/devices/*/resource2", 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		look_at(found.gl_pathv[i]);
	globfree(&found);
}

static struct section *find(const unsigned char *link, const unsigned char *owner)
{
	int i;

	for (i = 0; i < nr_sections; i++)
		if ((!link || !memcmp(sections[i].shape.link, link, PVI_RING_UUID_SIZE)) &&
		    !memcmp(sections[i].shape.owner, owner, PVI_RING_UUID_SIZE))
			return &sections[i];
	die("no such section among %d", nr_sections);
	return NULL;
}

static void print_uuid(const unsigned char *uuid)
{
	int i;

	for (i = 0; i < PVI_RING_UUID_SIZE; i++)
		printf(i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

static int do_find(void)
{
	int i;

	for (i = 0; i < nr_sections; i++) {
		const struct pvi_ring_shape *shape = &sections[i].shape;

		if (memcmp(shape->owner, self, sizeof(self)))
			continue;
		find(shape->link, shape->peer);
		print_uuid(shape->link);
		printf(" %u ", shape->kind);
		print_uuid(shape->peer);
		puts("");
	}
	return 0;
}

/* Here and there in all of the section, but for its first 16th */
static int store(const struct section *s)
{
	size_t step = s->size / 16;
	int stored = 0, i;

	for (i = 1; i < 16; i++) {
		unsigned int *word = (unsigned int *)(s->map + i * step + 8);
		unsigned int before = __atomic_load_n(word, __ATOMIC_RELAXED);

		__atomic_store_n(word, ~before, __ATOMIC_RELAXED);
		stored += __atomic_load_n(word, __ATOMIC_RELAXED) == ~before;
		__atomic_store_n(word, before, __ATOMIC_RELAXED);
	}
	return stored;
}

static int do_store(void)
{
	struct section *own = find(NULL, self);

	printf("own %d ", store(own));
	printf("peer %d\n", store(find(own->shape.link, own->shape.peer)));
	return 0;
}

static void ring(void *arg, uint32_t gsi)
{
	/* One that is not there looks when it comes */
	pvi_guest_ring(guest, arg, gsi);
}

static void sleep_until_rung(void)
{
	struct pollfd fd = { .fd = bell, .events = POLLIN };
	uint64_t count;

	if (poll(&fd, 1, -1) < 0 || read(bell, &count, sizeof(count)) != sizeof(count))
		die("poll: %s", strerror(errno));
}

static struct pvi_msg *begin(void)
{
	struct section *own = find(NULL, self);
	struct section *peer = find(own->shape.link, own->shape.peer);
	struct pvi_msg *msg;
	int ret;

	bell = pvi_guest_wait(guest, own->shape.gsi, 0);
	if (bell < 0)
		die("wait for GSI %u: %s", own->shape.gsi, strerror(-bell));
	ret = pvi_msg_open(&msg, own->fd, peer->fd, ring, own->shape.peer);
	if (ret)
		die("open: %s", strerror(-ret));
	while (pvi_msg_follow(msg) < 0)
		sleep_until_rung();
	return msg;
}

static void send_one(struct pvi_msg *msg, const void *data, size_t len)
{
	int ret;

	while ((ret = pvi_msg_send(msg, 0, data, len)) == -EAGAIN)
		sleep_until_rung();
	if (ret)
		die("send: %s", strerror(-ret));
}

static size_t receive_one(struct pvi_msg *msg, void *data)
{
	ssize_t ret;

	while ((ret = pvi_msg_receive(msg, 0, data, MAX_MESSAGE)) == -EAGAIN)
		sleep_until_rung();
	if (ret < 0)
		die("receive: %s", strerror(-ret));
	return ret;
}

static int do_talk(int n)
{
	static char sent[MAX_MESSAGE], got[MAX_MESSAGE];
	struct pvi_msg *msg = begin();
	size_t len;
	int i;

	for (i = 0; i < n; i++) {
		len = i * 397 % MAX_MESSAGE;
		memset(sent, i + 1, len);
		send_one(msg, sent, len);
		if (receive_one(msg, got) != len || memcmp(sent, got, len))
			die("message %d came back as another one", i);
	}
	printf("talk %d\n", n);
	return 0;
}

static int do_echo(int n)
{
	static char data[MAX_MESSAGE];
	struct pvi_msg *msg = begin();
	int i;

	for (i = 0; i < n; i++)
		send_one(msg, data, receive_one(msg, data));
	printf("echo %d\n", n);
	return 0;
}

static void read_self(void)
{
	struct kvm_pvi_guest_info info = { .size = sizeof(info) };
	int ret;

	guest = pvi_guest_open();
	if (guest < 0)
		die("/dev/kvm_pvi_guest: %s", strerror(-guest));
	ret = pvi_guest_get_info(guest, &info);
	if (ret)
		die("who am I? %s", strerror(-ret));
	memcpy(self, info.uuid, sizeof(self));
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0;

	read_self();
	look();
	if (!strcmp(verb, "find"))
		return do_find();
	if (!strcmp(verb, "store"))
		return do_store();
	if (!strcmp(verb, "talk"))
		return do_talk(n);
	if (!strcmp(verb, "echo"))
		return do_echo(n);
	die("no verb '%s'", verb);
	return 2;
}
