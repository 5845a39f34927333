// SPDX-License-Identifier: GPL-2.0
/*
 * talk echo|drive OWN PEER RING BELL COUNT - one side of a link whose sections are the descriptors OWN
 * and PEER; writes a byte to RING to ring, and is rung by one that it reads from BELL. "drive" sends
 * COUNT messages, numbered and of many lengths, and checks that each comes back; half of them in a
 * second session. "echo" sends back what comes, until an empty message has come.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared.h"

/* Both sides sleep for this long: a wake was lost */
#define ASLEEP_MS	60000

static struct pvi_ring_link side;
static struct pvi_ring_tx tx;
static struct pvi_ring_rx rx;
static int ring_fd, bell_fd;
static bool runs;

static void ring(void)
{
	if (write(ring_fd, "", 1) != 1 && errno != EAGAIN && errno != EPIPE)
		RING_FAIL("the peer cannot be rung");
}

static void sleep_until_rung(void)
{
	struct pollfd poll_fd = { .fd = bell_fd, .events = POLLIN };
	char rings[64];

	if (poll(&poll_fd, 1, ASLEEP_MS) <= 0 || read(bell_fd, rings, sizeof(rings)) <= 0)
		RING_FAIL("a wake was lost, or the peer has gone");
}

static void start(void)
{
	pvi_ring_start(&side, 1, 0);
	runs = false;
	ring();
}

/* Returns with a session that runs, perhaps another one than before */
static void follow(void)
{
	int step;

	for (;;) {
		step = pvi_ring_step(&side);
		if (step < 0)
			start();
		else if (step)
			ring();
		else if (PVI_RING_STATE(side.life) != PVI_RING_RUN)
			sleep_until_rung();
		else
			break;
	}
	if (!runs)
		pvi_ring_open(&side, 0, &tx, &rx);
	runs = true;
}

/* False: the session is over */
static bool send(const void *message, u32 len)
{
	void *to;

	while (!(to = pvi_ring_reserve(&tx, len))) {
		RING_ASSERT(tx.end.error != PVI_RING_BROKEN);
		if (tx.end.error)
			return false;
		if (pvi_ring_publish(&tx))
			ring();
		if (!pvi_ring_arm_tx(&tx, len))
			sleep_until_rung();
	}
	memcpy(to, message, len);
	pvi_ring_commit(&tx, to, len);
	if (pvi_ring_publish(&tx))
		ring();
	return true;
}

/* The length, or -1: the session is over */
static int receive(void *message, u32 size)
{
	const void *from;
	u32 len;

	while (!(from = pvi_ring_take(&rx, &len))) {
		RING_ASSERT(rx.end.error != PVI_RING_BROKEN);
		if (rx.end.error || pvi_ring_step(&side) < 0)
			return -1;
		if (!pvi_ring_arm_rx(&rx, 8))
			sleep_until_rung();
	}
	RING_ASSERT(len <= size);
	memcpy(message, from, len);
	if (pvi_ring_release(&rx))
		ring();
	return len;
}

static void echo(void)
{
	static u8 message[1 << 20];
	int len;

	do {
		follow();
		len = receive(message, sizeof(message));
		if (len >= 0 && !send(message, len))
			len = -1;
	} while (len);
}

/* As many at once as have room without waiting: the other side may wait for room as well */
static void drive(u32 count)
{
	static u8 message[1 << 20], back[1 << 20];
	u32 longest = PVI_RING_LONGEST(side.mine.data_size < side.theirs.data_size ?
				       side.mine.data_size : side.theirs.data_size);
	struct rng rng = { count };
	u32 i, j, n, len[4];

	for (i = 0; i < count; i += n) {
		if (i >= count / 2 && PVI_RING_SESSION(side.life) < 2)
			start();
		follow();
		n = 1 + rng_below(&rng, 4);
		for (j = 0; j < n; j++) {
			len[j] = 1 + rng_below(&rng, rng_below(&rng, 4) ? 100 : longest / 4);
			memset(message, i + j, len[j]);
			RING_ASSERT(send(message, len[j]));
		}
		for (j = 0; j < n; j++) {
			RING_ASSERT(receive(back, sizeof(back)) == (int)len[j]);
			memset(message, i + j, len[j]);
			RING_ASSERT(!memcmp(message, back, len[j]));
		}
	}
	RING_ASSERT(send(message, longest) && receive(back, sizeof(back)) == (int)longest);
	RING_ASSERT(send(message, 0) && !receive(back, sizeof(back)));
}

static void *map(int fd, u64 *size, int prot)
{
	struct stat st;

	if (fstat(fd, &st))
		RING_FAIL("no section");
	*size = st.st_size;
	return memory_map(fd, st.st_size, prot);
}

int main(int argc, char **argv)
{
	u64 own_size, peer_size;
	void *own, *peer;

	RING_ASSERT(argc == 7);
	own = map(atoi(argv[2]), &own_size, PROT_READ | PROT_WRITE);
	peer = map(atoi(argv[3]), &peer_size, PROT_READ);
	ring_fd = atoi(argv[4]);
	bell_fd = atoi(argv[5]);
	RING_ASSERT(pvi_ring_pair(&side, own, own_size, peer, peer_size));
	start();
	if (argv[1][0] == 'e')
		echo();
	else
		drive(atoi(argv[6]));
	return 0;
}
