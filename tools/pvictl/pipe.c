// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvictl pipe - stdin to the other side of a link, and what it sends to stdout
 *
 * Bytes go in messages. An empty one says that there are no more; a second one, that all of the other side's
 * have been put out; a third one, that the second was heard. Who leaves takes along what it has said last: so that is
 * the third, for who has not heard the second cannot tell an end from a death. pvi-echo.c says all three, too.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "link.h"
#include "pipe.h"

#define CHUNK	65536
#define LEAVE_TRIES	100	/* two seconds: a rate that lets a ring through at all does so once a second */
#define PIECE	4096	/* what a pipe that can be written takes at once */

/*
 * @signals: readable when somebody wants this to end
 * @chunk: @len bytes, read and not yet sent
 * @read_all, @sent_end: stdin has ended, and the other side was told
 * @got_end, @sent_bye: the other side's has, and it was told that all is out
 * @got_bye, @sent_last: all of ours is out there, and it was told that this is known
 * @done: nothing is left to be said
 * @left: it has died, or lets this side ring it no more
 * @verbose: somebody looks at stderr
 */
struct pipe_state {
	struct pipe_end end;
	int signals;
	char chunk[CHUNK], got[CHUNK];
	size_t len, largest;
	bool read_all, sent_end, got_end, sent_bye, got_bye, sent_last, done, left;
	unsigned long long sent, received;
	bool verbose;
	uint64_t began, told;	/* milliseconds */
	unsigned long long told_of;	/* what had been sent and received when it was told last */
};

/* Whose session is to be ended, however this ends */
static struct pipe_state *pipe_open;

/* The other side would sleep on if it were not told. Once somebody wants this to end it is not tried for ever. */
static void pipe_leave(void)
{
	int tries = LEAVE_TRIES, moment;
	struct pollfd fd = { .events = POLLIN };
	struct pvi_msg *msg;

	if (!pipe_open)
		return;
	msg = pipe_open->end.msg;
	fd.fd = pipe_open->signals;
	pvi_msg_leave(msg);
	while (tries && (moment = pvi_msg_pay(msg)) >= 0) {
		if (poll(&fd, 1, moment) > 0)
			fd.fd = -1;
		if (fd.fd < 0)
			tries--;
	}
	pvi_msg_close(msg);
	pipe_open = NULL;
}

/* In a guest there is no directory that has links' names. */
static void parse_link(struct argp_state *state, struct pipe_args *args)
{
	if (!args->name)
		return;
	args->link.set = true;
	if (args->self.set)
		link_dir_parse(args->dir, args->name, args->link.uuid);
	else if (uuid_parse(args->name, args->link.uuid))
		argp_error(state, "'%s' is not a UUID, and names of links are known on the host alone, with --self",
			   args->name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct pipe_args *args = state->input;

	switch (key) {
	case 'd':
		args->dir = arg;
		return 0;
	case 's':
		parse_filter(state, arg, &args->self);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "too many arguments: '%s'", arg);
		args->name = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->self.set && !args->name)
			argp_error(state, "which link?");
		parse_link(state, args);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "self", 's', "UUID|NAME", 0, "Be this side, which is a process of the host (default: this guest)", 0 },
	LINKS_OPTION,
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[LINK]",
	.doc = "Move stdin to the other side of a link of kind raw, and what comes from there to stdout.",
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

struct amount {
	char s[16];
};

/* As many bytes, in at most three digits and one behind the point */
static struct amount amount(unsigned long long bytes)
{
	static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = bytes;
	struct amount text;
	size_t unit = 0;

	for (; value >= 1000 && unit + 1 < ARRAY_SIZE(units); unit++)
		value /= 1024;
	snprintf(text.s, sizeof(text.s), unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

/* To whoever looks at it: once a second how fast it is now, and at the end how fast it was */
static void pipe_tell(struct pipe_state *p, bool last)
{
	unsigned long long all = p->sent + p->received;
	uint64_t now, whole, since;

	if (!p->verbose)
		return;
	now = now_ms();
	whole = now - p->began;
	since = last ? whole : now - p->told;
	if (!last && since < 1000)
		return;
	fprintf(stderr, "\rsent %s, received %s, %u:%02u:%02u, %s%s/s%s", amount(p->sent).s, amount(p->received).s,
		(unsigned int)(whole / 3600000), (unsigned int)(whole / 60000 % 60), (unsigned int)(whole / 1000 % 60),
		last ? "on average " : "", amount((last ? all : all - p->told_of) * 1000 / (since ?: 1)).s,
		last ? "\n" : "          ");
	p->told = now;
	p->told_of = all;
}

/* What a call on the link has said, beyond that there is nothing to do: before the end none of it may be */
static void pipe_check(struct pipe_state *p, ssize_t ret)
{
	if (ret >= 0 || ret == -EAGAIN)
		return;
	/* Both have all. */
	if (p->sent_bye && p->got_bye) {
		p->done = true;
		return;
	}
	pipe_tell(p, true);
	die("the other side has left after %llu bytes to it and %llu from it: %s", p->sent, p->received,
	    strerror(-ret));
}

/* Wait for one of them; the last is for signals, which end this. */
static void pipe_poll(struct pipe_state *p, struct pollfd *fds, int nr)
{
	int moment = pvi_msg_pay(p->end.msg);

	fds[nr - 1] = (struct pollfd){ .fd = p->signals, .events = POLLIN };
	if (poll(fds, nr, moment < 0 && p->verbose ? 1000 : moment) < 0 && errno != EINTR)
		die("poll: %s", strerror(errno));
	if (fds[nr - 1].revents)
		die("ended after %llu bytes to the other side and %llu from it", p->sent, p->received);
}

/* False: there is no room. */
static bool pipe_send(struct pipe_state *p, const void *data, size_t len)
{
	int ret = pvi_msg_send(p->end.msg, 0, data, len);

	pipe_check(p, ret);
	p->sent += ret ? 0 : len;
	return !ret;
}

static void pipe_read(struct pipe_state *p)
{
	ssize_t len = read(STDIN_FILENO, p->chunk, p->largest);

	if (len < 0 && errno != EINTR)
		die("stdin: %s", strerror(errno));
	if (len > 0)
		p->len = len;
	p->read_all |= !len;
}

/* One step of what goes out; false: it has to wait. */
static bool pipe_step_out(struct pipe_state *p)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	if (p->len) {
		if (!pipe_send(p, p->chunk, p->len))
			return false;
		p->len = 0;
		return true;
	}
	if (!p->read_all) {
		if (poll(&in, 1, 0) <= 0)
			return false;
		pipe_read(p);
		return true;
	}
	if (!p->sent_end)
		return p->sent_end = pipe_send(p, "", 0);
	if (p->got_end && !p->sent_bye)
		return p->sent_bye = pipe_send(p, "", 0);
	if (p->sent_bye && p->got_bye && !p->sent_last)
		return p->sent_last = pipe_send(p, "", 0);
	return false;
}

static void pipe_write(struct pipe_state *p, size_t len)
{
	struct pollfd fds[2] = { { .fd = STDOUT_FILENO, .events = POLLOUT } };
	size_t at = 0, piece;
	ssize_t ret;

	while (at < len) {
		pipe_poll(p, fds, 2);
		if (!fds[0].revents)
			continue;
		piece = len - at < PIECE ? len - at : PIECE;
		ret = write(STDOUT_FILENO, p->got + at, piece);
		if (ret < 0 && errno != EINTR && errno != EAGAIN)
			die("stdout: %s", strerror(errno));
		at += ret > 0 ? ret : 0;
	}
	p->received += len;
}

/* A message without bytes, the first, the second or the third */
static void pipe_hear(struct pipe_state *p)
{
	if (!p->got_end) {
		p->got_end = true;
	} else if (!p->got_bye) {
		if (!p->sent_end)
			die("the other side says that it has all, before all was sent");
		p->got_bye = true;
	} else {
		p->done = p->sent_bye;
	}
}

/* One message that comes in; false: there is none. */
static bool pipe_step_in(struct pipe_state *p)
{
	ssize_t len = pvi_msg_receive(p->end.msg, 0, p->got, sizeof(p->got));

	pipe_check(p, len);
	if (len < 0)
		return false;
	pipe_write(p, len);
	if (!len)
		pipe_hear(p);
	return true;
}

/* Until the peer rings, comes or goes, or there is something to send */
static void pipe_wait(struct pipe_state *p, bool want_input)
{
	struct pollfd fds[4] = {
		{ .fd = p->end.bell, .events = POLLIN },
		{ .fd = p->end.peers, .events = POLLIN },
		{ .fd = want_input ? STDIN_FILENO : -1, .events = POLLIN },
	};
	uint64_t rings;

	pipe_poll(p, fds, 4);
	if (fds[0].revents && read(p->end.bell, &rings, sizeof(rings)) < 0)
		die("rings: %s", strerror(errno));
	if (!fds[1].revents)
		return;
	pipe_end_hear(&p->end);
	p->left = pipe_end_is_left(&p->end);
	/* What was rung before it might be rung has reached nobody. */
	if (!p->left)
		pipe_end_ring(&p->end);
}

static void pipe_begin(struct pipe_state *p, const struct pipe_args *args)
{
	p->signals = open_signals();
	signal(SIGPIPE, SIG_IGN);
	pipe_end_open(&p->end, args);
	pipe_open = p;
	atexit(pipe_leave);
	p->largest = PVI_RING_LONGEST(p->end.shape.data_size);
	if (p->largest > CHUNK)
		p->largest = CHUNK;
	while (pvi_msg_follow(p->end.msg) < 0)
		pipe_wait(p, false);
	/* Who was there before, and left, was another one. A guest's program may be here before its host has attached it. */
	p->end.has_come = false;
	p->left = pipe_end_is_left(&p->end);
	p->verbose = isatty(STDERR_FILENO);
	p->began = p->told = now_ms();
}

int cmd_pipe(int argc, char **argv)
{
	struct pipe_args args = { .dir = PVI_LINK_DIR };
	struct pipe_state *p = must_alloc(calloc(1, sizeof(*p)));
	bool moved;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	pipe_begin(p, &args);
	while (!p->done) {
		moved = pipe_step_in(p);
		moved |= pipe_step_out(p);
		pipe_tell(p, false);
		if (!moved && p->left)
			pipe_check(p, -ECONNRESET);
		if (!moved && !p->done)
			pipe_wait(p, !p->len && !p->read_all);
	}
	pipe_tell(p, true);
	pipe_leave();
	pipe_end_close(&p->end);
	free(p);
	return 0;
}
