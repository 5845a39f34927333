// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl screen - a terminal that is written anew again and again, and whose keys are read at once */
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "top.h"

static struct termios before;
static bool has_keys;

static void give_keys_back(void)
{
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

bool screen_begin(void)
{
	if (!isatty(STDOUT_FILENO))
		return false;
	has_keys = isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp() && !tcgetattr(STDIN_FILENO, &before);
	atexit(give_keys_back);
	return true;
}

/* Again each time: whoever was stopped meanwhile has the shell's ways of a terminal */
static void take_keys(void)
{
	struct termios raw = before;

	raw.c_lflag &= ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

unsigned int screen_clear(void)
{
	struct winsize size;

	fputs("\033[H\033[2J", stdout);
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row ? 24 : size.ws_row;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

/* As screen_wait(), until then */
static int read_key(int signals, double until)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN },
	};
	unsigned char key;
	double left;

	while ((left = until - now()) > 0) {
		if (poll(fds, ARRAY_SIZE(fds), left < 1000 ? left * 1000 + 1 : 1000000) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		if (fds[0].revents)
			return 'q';
		if (!fds[1].revents)
			continue;
		/* The terminal has gone, or says so */
		if (read(STDIN_FILENO, &key, 1) != 1)
			return 'q';
		return key;
	}
	return 0;
}

/* What is done between two waits may take as long as a VMM likes, and signals end that: the terminal is as it was. */
int screen_wait(double seconds)
{
	double until = now() + seconds;
	int signals = open_signals(), key;

	take_keys();
	key = read_key(signals, until);
	give_keys_back();
	if (key != 'q')
		close_signals(signals);
	return key;
}

const char *screen_spark(const uint32_t *values, size_t nr, char *text, size_t size)
{
	static const char * const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char * const ascii[] = { " ", ".", ".", ":", ":", "+", "+", "#", "#" };
	const char * const *cells = strcmp(nl_langinfo(CODESET), "UTF-8") ? ascii : blocks;
	uint32_t most = 1;
	size_t i, at = 0;

	for (i = 0; i < nr; i++)
		most = values[i] > most ? values[i] : most;
	*text = '\0';
	/* Whatever has rung at all is to be seen */
	for (i = 0; i < nr && at < size; i++)
		at += snprintf(text + at, size - at, "%s", cells[((uint64_t)values[i] * 8 + most - 1) / most]);
	return text;
}
