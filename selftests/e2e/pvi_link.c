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
 *	forge		makes a link of kind net of its sections of two links, as if one of them were its peer's: "forge"
 */
#include <errno.h>
#include <libpvi.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "section.h"

#define MAX_MESSAGE	3000

static int bell;
static struct pvi_msg *msg;

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
		section_find(shape->link, shape->peer);
		print_uuid(shape->link);
		printf(" %u ", shape->kind);
		print_uuid(shape->peer);
		puts("");
	}
	return 0;
}

/* What a section of @shape's link would begin with whose owner and peer are these */
static void forge(struct section *s, const unsigned char *owner, const unsigned char *peer, unsigned int side)
{
	struct pvi_ring_header *header = (struct pvi_ring_header *)s->map;
	struct pvi_ring_shape shape = s->shape;

	memset(shape.link, 0x77, sizeof(shape.link));
	memcpy(shape.owner, owner, sizeof(shape.owner));
	memcpy(shape.peer, peer, sizeof(shape.peer));
	shape.kind = PVI_RING_NET;
	shape.side = side;
	memset(header->secret, 0, sizeof(header->secret));
	header->shape = shape;
}

static int do_forge(void)
{
	struct section *own[2];
	int i, nr = 0;

	for (i = 0; i < nr_sections && nr < 2; i++)
		if (!memcmp(sections[i].shape.owner, self, sizeof(self)) && sections[i].shape.kind == PVI_RING_RAW)
			own[nr++] = &sections[i];
	if (nr < 2)
		die("only %d sections to make it of", nr);
	forge(own[0], own[0]->shape.peer, self, 0);
	forge(own[1], self, own[1]->shape.peer, 1);
	puts("forge");
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
	struct section *own = section_find(NULL, self);

	printf("own %d ", store(own));
	printf("peer %d\n", store(section_find(own->shape.link, own->shape.peer)));
	return 0;
}

/* One that is not there looks when it comes; one that is refused for now has still to hear of it. */
static void ring(void *arg, uint32_t gsi)
{
	if (pvi_guest_ring(guest, arg, gsi) == -EAGAIN)
		pvi_msg_owe(msg, gsi);
}

static void sleep_until_rung(void)
{
	struct pollfd fd = { .fd = bell, .events = POLLIN };
	int ret = poll(&fd, 1, pvi_msg_pay(msg));
	uint64_t count;

	if (ret < 0 || (ret && read(bell, &count, sizeof(count)) != sizeof(count)))
		die("poll: %s", strerror(errno));
}

/* Nobody owes the peer anything afterwards. */
static void end(void)
{
	int wait;

	while ((wait = pvi_msg_pay(msg)) >= 0)
		poll(NULL, 0, wait);
}

static void begin(void)
{
	struct section *own = section_find(NULL, self);
	struct section *peer = section_find(own->shape.link, own->shape.peer);
	int ret;

	bell = pvi_guest_wait(guest, own->shape.gsi, 0);
	if (bell < 0)
		die("wait for GSI %u: %s", own->shape.gsi, strerror(-bell));
	ret = pvi_msg_open(&msg, own->fd, peer->fd, ring, own->shape.peer);
	if (ret)
		die("open: %s", strerror(-ret));
	while (pvi_msg_follow(msg) < 0)
		sleep_until_rung();
}

static void send_one(const void *data, size_t len)
{
	int ret;

	while ((ret = pvi_msg_send(msg, 0, data, len)) == -EAGAIN)
		sleep_until_rung();
	if (ret)
		die("send: %s", strerror(-ret));
}

static size_t receive_one(void *data)
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
	size_t len;
	int i;

	begin();
	for (i = 0; i < n; i++) {
		len = i * 397 % MAX_MESSAGE;
		memset(sent, i + 1, len);
		send_one(sent, len);
		if (receive_one(got) != len || memcmp(sent, got, len))
			die("message %d came back as another one", i);
	}
	end();
	printf("talk %d\n", n);
	return 0;
}

static int do_echo(int n)
{
	static char data[MAX_MESSAGE];
	int i;

	begin();
	for (i = 0; i < n; i++)
		send_one(data, receive_one(data));
	end();
	printf("echo %d\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0;

	section_begin();
	if (!strcmp(verb, "find"))
		return do_find();
	if (!strcmp(verb, "forge"))
		return do_forge();
	if (!strcmp(verb, "store"))
		return do_store();
	if (!strcmp(verb, "talk"))
		return do_talk(n);
	if (!strcmp(verb, "echo"))
		return do_echo(n);
	die("no verb '%s'", verb);
	return 2;
}
