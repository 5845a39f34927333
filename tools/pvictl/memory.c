// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl memory - memory that can be sealed, for status words and what goes with them */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "pvictl.h"

#define MAX_PAGES (1u << 20)

static error_t parse(int key, char *arg, struct argp_state *state)
{
	uint32_t *pages = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "too many arguments: '%s'", arg);
		*pages = parse_number(state, arg, MAX_PAGES, "the number of pages");
		return 0;
	case ARGP_KEY_END:
		if (!*pages)
			argp_error(state, "how many pages?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "PAGES",
	.doc = "Make memory that VMMs share, print the path to map it by, and keep it until ended.",
};

int cmd_memory(int argc, char **argv)
{
	uint32_t pages = 0;
	void *address;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &pages);
	fd = pvi_status_memory(pages * (size_t)sysconf(_SC_PAGESIZE), &address);
	if (fd < 0)
		die_doing(DOING_OTHER, fd, "cannot make %u pages of memory", pages);
	printf("/proc/%d/fd/%d\n", getpid(), fd);
	fflush(stdout);
	sd_notifyf(0, "READY=1\nSTATUS=/proc/%d/fd/%d", getpid(), fd);
	pause();
	return 0;
}
