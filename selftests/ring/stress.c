// SPDX-License-Identifier: GPL-2.0
/*
 * stress threads|processes MESSAGES KILLS SEED - two sides over a pair of memfds send each other
 * bursts by turns, until each has received so many messages. Lengths, contents and ends of bursts
 * follow from session and number, so each side knows what must come; both sleep whenever they may.
 * Now and then one starts a new session, and, if they are processes, is killed and begins again.
 * A ring is an eventfd, the peer's death a counter, as kvm_pvi's event would be.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared.h"

#define QUEUES		2
#define DATA		4096u
#define LONGEST		PVI_RING_LONGEST(DATA)
/* Both sleep for this long: a wake was lost. Not a matter of speed: neither has anything to do */
#define ASLEEP_MS	60000

/* What the two sides share beside the link */
struct common {
	u64 received[2];
	u64 sessions[2];
	u64 sleeps[2];
	u64 deaths[2];
};

struct side {
	u32 who;
	struct pvi_ring_link link;
	struct pvi_ring_tx tx[QUEUES];
	struct pvi_ring_rx rx[QUEUES];
	u64 sent[QUEUES], taken[QUEUES];
	u32 queue;		/* of the present burst */
	bool runs, turn;
	u64 deaths;
	struct rng rng;
};

static struct common *common;
static void *sections[2];
static int bells[2];
static u64 wanted, kills, seed;
static const u64 size = 4096 + QUEUES * DATA;

/* What message @number of a session of side @who is like */
static struct rng message_rng(u32 session, u32 who, u32 queue, u64 number)
{
	struct rng rng = { (u64)session << 40 ^ (u64)who << 39 ^ (u64)queue << 36 ^ number };

	rng_next(&rng);
	return rng;
}

static u32 message_len(struct rng *rng)
{
	u32 most = rng_below(rng, 8) ? 128 : LONGEST;

	return rng_below(rng, most + 1);
}

/* Whether it is the last of its burst */
static bool message_is_last(struct rng *rng)
{
	return rng_below(rng, 16) == 0;
}

static void message_fill(struct rng *rng, u8 *to, u32 len)
{
	u64 word;

	for (; len >= 8; len -= 8, to += 8) {
		word = rng_next(rng);
		memcpy(to, &word, 8);
	}
	word = rng_next(rng);
	memcpy(to, &word, len);
}

static void ring_peer(const struct side *side)
{
	u64 one = 1;

	if (write(bells[1 - side->who], &one, sizeof(one)) != sizeof(one))
		RING_FAIL("no ring");
}

static void side_start(struct side *side)
{
	pvi_ring_start(&side->link, QUEUES, side->deaths);
	side->runs = false;
	ring_peer(side);
}

static void side_open(struct side *side)
{
	u32 n;

	RING_ASSERT(side->link.queues == QUEUES);
	for (n = 0; n < QUEUES; n++) {
		pvi_ring_open(&side->link, n, &side->tx[n], &side->rx[n]);
		side->sent[n] = side->taken[n] = 0;
	}
	side->queue = 0;
	side->turn = side->who == 0;
	side->runs = true;
	common->sessions[side->who]++;
}

static void side_follow(struct side *side)
{
	int step;

	if (side->deaths != READ_ONCE(common->deaths[1 - side->who])) {
		side->deaths = READ_ONCE(common->deaths[1 - side->who]);
		side_start(side);
	}
	while ((step = pvi_ring_step(&side->link))) {
		if (step < 0)
			side_start(side);
		else
			ring_peer(side);
	}
	if (PVI_RING_STATE(side->link.life) == PVI_RING_RUN && !side->runs)
		side_open(side);
}

static void side_ended(struct side *side, u32 error)
{
	if (error == PVI_RING_BROKEN)
		RING_FAIL("side %u: the peer is said to have broken a rule", side->who);
	side_start(side);
}

/* Go on with the burst. Returns whether anything was sent */
static bool side_send(struct side *side)
{
	struct pvi_ring_tx *tx = &side->tx[side->queue];
	u64 *number = &side->sent[side->queue];
	struct rng rng;
	bool any = false;
	void *to;
	u32 len;

	while (side->turn) {
		rng = message_rng(PVI_RING_SESSION(side->link.life), side->who, side->queue, *number);
		len = message_len(&rng);
		to = pvi_ring_reserve(tx, len);
		if (!to)
			break;
		side->turn = !message_is_last(&rng);
		message_fill(&rng, to, len);
		pvi_ring_commit(tx, to, len);
		++*number;
		any = true;
		if (rng_below(&side->rng, 4) == 0 && pvi_ring_publish(tx))
			ring_peer(side);
	}
	if (pvi_ring_publish(tx))
		ring_peer(side);
	if (tx->end.error)
		side_ended(side, tx->end.error);
	return any;
}

static void side_check(struct side *side, u32 n, const u8 *copy, u32 len)
{
	u8 expected[LONGEST];
	struct rng rng = message_rng(PVI_RING_FOLLOWS(side->link.life), 1 - side->who, n,
				     side->taken[n]);

	if (len != message_len(&rng))
		RING_FAIL("side %u: message %llu of queue %u has %u bytes", side->who,
			  side->taken[n], n, len);
	side->turn = message_is_last(&rng);
	message_fill(&rng, expected, len);
	if (memcmp(copy, expected, len))
		RING_FAIL("side %u: message %llu of queue %u is torn", side->who, side->taken[n], n);
	side->taken[n]++;
	WRITE_ONCE(common->received[side->who], common->received[side->who] + 1);
}

/* Returns whether anything was received. The answer to a burst goes by another queue */
static bool side_receive(struct side *side, u32 n)
{
	struct pvi_ring_rx *rx = &side->rx[n];
	u8 copy[LONGEST];
	const void *from;
	bool any = false;
	u32 len;

	while (!side->turn && (from = pvi_ring_take(rx, &len))) {
		RING_ASSERT(len <= sizeof(copy));
		memcpy(copy, from, len);
		side_check(side, n, copy, len);
		any = true;
		if (side->turn)
			side->queue = rng_below(&side->rng, QUEUES);
		if (rng_below(&side->rng, 4) == 0 && pvi_ring_release(rx))
			ring_peer(side);
	}
	if (any && pvi_ring_release(rx))
		ring_peer(side);
	if (rx->end.error)
		side_ended(side, rx->end.error);
	return any;
}

/* Ask for all rings there are. Returns whether to sleep */
static bool side_arm(struct side *side)
{
	struct rng rng;
	u32 n, len;

	if (!side->runs)
		return true;
	if (side->turn) {
		rng = message_rng(PVI_RING_SESSION(side->link.life), side->who, side->queue,
				  side->sent[side->queue]);
		len = message_len(&rng);
		return !pvi_ring_arm_tx(&side->tx[side->queue], len);
	}
	for (n = 0; n < QUEUES; n++)
		if (pvi_ring_arm_rx(&side->rx[n], 8))
			return false;
	return true;
}

static bool all_done(void)
{
	return READ_ONCE(common->received[0]) >= wanted && READ_ONCE(common->received[1]) >= wanted;
}

static void side_sleep(struct side *side)
{
	struct pollfd poll_fd = { .fd = bells[side->who], .events = POLLIN };
	u64 count;
	int n;

	common->sleeps[side->who]++;
	n = poll(&poll_fd, 1, ASLEEP_MS);
	if (n == 0)
		RING_FAIL("side %u: a wake was lost; life %x, peer's %x", side->who,
			  side->link.life, READ_ONCE(side->link.peer->life));
	if (n < 0 || read(bells[side->who], &count, sizeof(count)) != sizeof(count))
		RING_FAIL("no bell");
}

static void side_run(u32 who)
{
	struct side side = { .who = who, .rng = { seed + who } };
	u32 n;

	if (!pvi_ring_pair(&side.link, sections[who], size, sections[1 - who], size))
		RING_FAIL("not a pair");
	side.deaths = READ_ONCE(common->deaths[1 - who]);
	side.rng.state += (u64)side.link.life << 32;
	side_start(&side);
	while (!all_done()) {
		bool any = false;

		side_follow(&side);
		if (side.runs)
			any = side_send(&side);
		for (n = 0; n < QUEUES && side.runs; n++)
			any |= side_receive(&side, n);
		if (side.runs && rng_below(&side.rng, 2000) == 0)
			side_start(&side);
		else if (!any && side_arm(&side) && !all_done())
			side_sleep(&side);
	}
	ring_peer(&side);
}

static void *side_thread(void *who)
{
	side_run(who == sections[1]);
	return NULL;
}

static void run_threads(const int fds[2])
{
	pthread_t threads[2];
	u32 i;

	for (i = 0; i < 2; i++)
		sections[i] = memory_map(fds[i], size, PROT_READ | PROT_WRITE);
	for (i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, side_thread, sections[i]))
			RING_FAIL("no thread");
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

/* The peer's section is read-only here */
static pid_t fork_side(const int fds[2], u32 who)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	sections[who] = memory_map(fds[who], size, PROT_READ | PROT_WRITE);
	sections[1 - who] = memory_map(fds[1 - who], size, PROT_READ);
	side_run(who);
	exit(0);
}

static void kill_side(const int fds[2], pid_t pids[2], u32 who)
{
	u64 one = 1;
	int status;

	kill(pids[who], SIGKILL);
	if (waitpid(pids[who], &status, 0) < 0 || (WIFEXITED(status) && WEXITSTATUS(status)))
		RING_FAIL("side %u has failed", who);
	WRITE_ONCE(common->deaths[who], common->deaths[who] + 1);
	if (write(bells[1 - who], &one, sizeof(one)) < 0)
		RING_FAIL("no ring");
	pids[who] = fork_side(fds, who);
}

/* Kills are spread over the messages, whatever time these take */
static void run_processes(const int fds[2])
{
	struct rng rng = { seed };
	pid_t pids[2];
	u64 n;
	int status;
	u32 i;

	for (i = 0; i < 2; i++)
		pids[i] = fork_side(fds, i);
	for (n = 0; n < kills; n++) {
		u64 from = READ_ONCE(common->received[0]);

		while (READ_ONCE(common->received[0]) < from + rng_below(&rng, 1 + wanted / kills / 2) &&
		       !all_done() && !waitpid(-1, &status, WNOHANG))
			usleep(50);
		if (all_done())
			RING_FAIL("all was over after %llu kills", n);
		kill_side(fds, pids, rng_below(&rng, 2));
	}
	for (i = 0; i < 2; i++)
		if (waitpid(-1, &status, 0) < 0 || status) {
			kill(pids[0], SIGKILL);
			kill(pids[1], SIGKILL);
			RING_FAIL("a side ended with status 0x%x", status);
		}
}

int main(int argc, char **argv)
{
	int fds[2];
	u32 i;

	RING_ASSERT(argc == 5);
	wanted = strtoull(argv[2], NULL, 10);
	kills = strtoull(argv[3], NULL, 10);
	seed = strtoull(argv[4], NULL, 10);
	common = memory_map(-1, PAGE_SIZE, PROT_READ | PROT_WRITE);
	for (i = 0; i < 2; i++) {
		fds[i] = memory_section(i, QUEUES, DATA);
		bells[i] = eventfd(0, 0);
	}
	if (argv[1][0] == 't')
		run_threads(fds);
	else
		run_processes(fds);
	printf("# %llu and %llu messages, %llu and %llu sessions, %llu and %llu sleeps, %llu kills\n",
	       common->received[0], common->received[1], common->sessions[0], common->sessions[1],
	       common->sleeps[0], common->sleeps[1], kills);
	return 0;
}
