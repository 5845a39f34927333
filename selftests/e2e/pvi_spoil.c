// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi selftests: a guest's program that breaks the rules of the first link, beside the driver that
 * has it. "pvi_spoil WHAT N" spoils N sessions one after the other, each as soon as both sides have it, until
 * the peer has left it, and prints "WHAT N".
 *
 *	prod	how much is sent: more than there is room for, or no multiple of 8
 *	cons	how much is received: more than was sent, or no multiple of 8. The peer has to send
 *	length	a message that is longer than what is there
 *	long	the longest message of a ring, of which a frame may be a part at most; then it was not sent
 *	sum	of a link of kind net, the longest frame, with a sum at its end; then it was not sent
 *	head	many messages whose headers and frames are anything, and then none of them was sent
 *	flood	of a link of kind vsock, whose N messages are of one session: spoil_vsock.c
 *	connect, stranger, after
 *		so are these
 *	life	this side has another session
 *	crash	without a driver, which would see to it, this side begins N sessions, and stays in the last
 *	kind	this side's section is one of another kind, and the next time of the kind that it was: N times, whatever
 *		the peer does
 *	any	anything, N times, wherever anything counts, whatever the peer does
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "section.h"
#include "spoil.h"

#define HEADS		50	/* messages a session */
#define TRIES		3000	/* of 20 ms; what the peer does not notice by then it never does */

struct section *own;
static const struct pvi_ring_header *peer;
static int session;	/* which of the N it is */

unsigned int anything(void)
{
	static unsigned long state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

unsigned int load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

void store(void *word, unsigned int value)
{
	__atomic_store_n((uint32_t *)word, value, __ATOMIC_RELEASE);
}

struct pvi_ring_header *header(void)
{
	return (struct pvi_ring_header *)own->map;
}

struct pvi_ring_queue *queue(unsigned int n)
{
	return (struct pvi_ring_queue *)(own->map + PVI_RING_QUEUES) + n;
}

/* What the peer says of it */
static const struct pvi_ring_queue *peer_queue(unsigned int n)
{
	return (const struct pvi_ring_queue *)((const char *)peer + PVI_RING_QUEUES) + n;
}

/* Where in its data a queue has what is at the index */
static char *place(unsigned int n, unsigned int index)
{
	return own->map + own->shape.data_offset + n * own->shape.data_size +
	       (index & (own->shape.data_size - 1));
}

/* How many queues the session has */
static unsigned int used(void)
{
	unsigned int mine = load(&header()->use), theirs = load(&peer->use);

	return mine < theirs ? mine : theirs;
}

static void ring_peer(void)
{
	unsigned int i;

	for (i = 0; i < own->shape.peer_gsis; i++)
		pvi_guest_ring(guest, own->shape.peer, own->shape.peer_gsi + i);
}

int both_run(void)
{
	uint32_t mine = load(&header()->life), theirs = load(&peer->life);

	return PVI_RING_STATE(mine) == PVI_RING_RUN && PVI_RING_STATE(theirs) == PVI_RING_RUN &&
	       PVI_RING_SESSION(mine) == PVI_RING_FOLLOWS(theirs) &&
	       PVI_RING_SESSION(theirs) == PVI_RING_FOLLOWS(mine);
}

static void store_prod(void)
{
	uint32_t *word = queue(session % used())->prod;

	store(word, load(word) + (session & 2 ? 4 : own->shape.data_size + 8));
}

/* This side's driver is not to be rung, since it would say how much it has received */
static void store_cons(void)
{
	unsigned int n;

	for (n = 0; n < used(); n++) {
		store(queue(n)->data_wake, PVI_RING_WAKE_NEVER);
		store(queue(n)->cons, load(queue(n)->cons) + (session & 1 ? 4 : 0x40000000));
	}
}

static void store_length(void)
{
	static const unsigned int lengths[] = { 57, 0x7fffffff, 0xfffffff8, PVI_RING_PAD };
	unsigned int n = session % used(), prod = load(queue(n)->prod);

	store(place(n, prod), lengths[session % 4]);
	store(queue(n)->prod, prod + 64);
}

static void store_life(void)
{
	store(&header()->life, load(&header()->life) + (1 + anything() % 1000) * 4);
}

/* Half of them are nearly those of a long segment of TCP's */
static void fill_message(unsigned char *message, unsigned int len)
{
	static const unsigned char segment[] = {
		1, 1, 54, 0, 0, 5, 34, 0, 16, 0, 0, 0,
		255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, 5, 0xdc, 0, 0, 0x40, 0, 64, 6,
	};
	unsigned int i;

	for (i = 0; i < len; i++)
		message[i] = anything();
	if (anything() & 1)
		return;
	memcpy(message, segment, sizeof(segment) < len ? sizeof(segment) : len);
	message[anything() % 12] = anything();
}

unsigned int put_message(unsigned int n, unsigned int prod, const void *message, unsigned int len)
{
	unsigned int left = own->shape.data_size - (prod & (own->shape.data_size - 1));

	if (left < PVI_RING_NEED(len)) {
		store(place(n, prod), PVI_RING_PAD);
		prod += left;
	}
	if (message)
		memcpy(place(n, prod) + PVI_RING_HEAD, message, len);
	else
		memset(place(n, prod) + PVI_RING_HEAD, 0, len);
	store(place(n, prod), len);
	return prod + PVI_RING_NEED(len);
}

void have_taken(unsigned int n, unsigned int prod)
{
	int tries;

	store(queue(n)->prod, prod);
	ring_peer();
	for (tries = 0; tries < TRIES && load(peer_queue(n)->cons) != prod && both_run(); tries++)
		usleep(1000);
}

static void store_long(void)
{
	unsigned int n = session % used(), first = load(queue(n)->prod);

	have_taken(n, put_message(n, first, NULL, PVI_RING_LONGEST(own->shape.data_size)));
	store(queue(n)->prod, first);
}

/* That its header and no header of a protocol's has: what is before the sum is most of the frame */
static void store_sum(void)
{
	static unsigned char message[12 + 65521 + 22] = { 1, 0, 0, 0, 0, 0, 0xdc, 0xff, 16, 0 };
	unsigned int n = session % used(), first = load(queue(n)->prod);

	memset(message + 12, 0xff, 6);
	have_taken(n, put_message(n, first, message, sizeof(message)));
	store(queue(n)->prod, first);
}

/* The peer takes each; and its driver may send something, by which they are over too */
static void store_heads(void)
{
	unsigned int n = session % used(), first = load(queue(n)->prod), prod = first, len;
	unsigned char message[2000];
	int i;

	for (i = 0; i < HEADS && both_run(); i++) {
		len = anything() % sizeof(message);
		if (own->shape.kind == PVI_RING_VSOCK)
			len = spoil_packet(message, len);
		else
			fill_message(message, len);
		prod = put_message(n, prod, message, len);
		have_taken(n, prod);
	}
	/* Either the peer notices this, or this side's driver that what it has not sent was received */
	store(queue(n)->prod, first);
}

static void spoil(const char *what, void (*store_it)(void))
{
	uint32_t life;
	int tries, i;

	for (tries = 0; !both_run(); tries++) {
		if (tries == TRIES)
			die("%s %d: there is no session", what, session);
		usleep(20000);
	}
	life = load(&peer->life) >> 2;
	for (tries = 0; tries < TRIES; tries++) {
		store_it();
		ring_peer();
		for (i = 0; i < 10; i++) {
			if (load(&peer->life) >> 2 != life)
				return;
			usleep(2000);
		}
	}
	die("%s %d: the peer does not notice", what, session);
}

/* Indexes and wakes, messages and their lengths; what ends a session at once not so often */
static unsigned int *word_that_counts(void)
{
	unsigned int kind = anything() % 1024;

	if (!kind)
		return &header()->life + anything() % 4;
	if (kind <= 300)
		return queue(0)->prod + anything() % (own->shape.queues * 4) * 16;
	return (unsigned int *)place(anything() % own->shape.queues, anything() % 4096 * 8);
}

static void spoil_any(int n)
{
	unsigned int *word;
	int i;

	for (i = 0; i < n; i++) {
		word = word_that_counts();
		if (anything() % 4)
			__atomic_fetch_add(word, anything() % 64 * 8, __ATOMIC_RELAXED);
		else
			store(word, anything());
		/* The peer begins a new session now and then */
		if (!(i % 32))
			usleep(5000);
	}
}

/* As a kernel that ends when they run, without a word */
static void spoil_crash(int n)
{
	uint64_t epoch = header()->epoch[0] | (uint64_t)header()->epoch[1] << 32;
	struct pvi_ring_link ring;
	int tries;

	if (!pvi_ring_pair(&ring, header(), own->size, peer, own->size))
		die("crash: no link");
	while (n-- > 0) {
		pvi_ring_start(&ring, 1, epoch);
		for (tries = 0; PVI_RING_STATE(ring.life) != PVI_RING_RUN; tries++) {
			if (tries == TRIES)
				die("crash: the peer does not follow");
			ring_peer();
			if (pvi_ring_step(&ring) < 0)
				pvi_ring_start(&ring, 1, epoch);
			usleep(20000);
		}
	}
}

static void spoil_kind(int n)
{
	while (n-- > 0)
		store(&header()->shape.kind, load(&header()->shape.kind) ^ 0x100);
}

static const struct {
	const char *what;
	void (*store_it)(void);
} kinds[] = {
	{ "prod", store_prod },
	{ "cons", store_cons },
	{ "length", store_length },
	{ "long", store_long },
	{ "sum", store_sum },
	{ "head", store_heads },
	{ "life", store_life },
};

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0;
	unsigned int i;

	section_begin();
	own = section_find(NULL, self);
	peer = (const struct pvi_ring_header *)section_find(own->shape.link, own->shape.peer)->map;
	if (!strcmp(what, "any"))
		spoil_any(n);
	if (!strcmp(what, "crash"))
		spoil_crash(n);
	if (!strcmp(what, "kind"))
		spoil_kind(n);
	if (!strcmp(what, "flood"))
		spoil_flood(n);
	if (!strcmp(what, "connect"))
		spoil_connect(n);
	if (!strcmp(what, "stranger"))
		spoil_stranger(n);
	if (!strcmp(what, "after"))
		spoil_after(n);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		for (session = 0; !strcmp(what, kinds[i].what) && session < n; session++)
			spoil(what, kinds[i].store_it);
	printf("%s %d\n", what, n);
	return 0;
}
