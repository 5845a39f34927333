// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl guest-ring, guest-wait - inside a guest: ring, and be rung */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

static error_t parse_ring(int key, char *arg, struct argp_state *state)
{
	return parse_ring_target(key, arg, state, state->input);
}

static const struct argp_option ring_options[] = {
	RING_FLAGS_OPTION,
	{ 0 }
};

static const struct argp ring_argp = {
	.options = ring_options,
	.parser = parse_ring,
	.args_doc = "RECEIVER GSI",
	.doc = "In a guest with kvm_pvi_guest: ring a GSI of RECEIVER once and print the verdict.",
};

static int ring(int guest, const struct ring_target *to)
{
	int port, ret;

	if (!to->flags)
		return pvi_guest_ring(guest, to->receiver, to->gsi);
	port = pvi_guest_connect(guest, to->receiver, to->gsi);
	if (port < 0)
		return port;
	ret = pvi_guest_bell_send(guest, port, 0, to->flags, NULL);
	pvi_guest_disconnect(guest, port);
	return ret;
}

int cmd_guest_ring(int argc, char **argv)
{
	struct ring_target to = { .in_guest = true };
	int guest, ret;

	argp_parse(&ring_argp, argc, argv, 0, NULL, &to);
	guest = open_guest();
	ret = ring(guest, &to);
	close(guest);
	if (ret < 0)
		die_doing(ret == -ENODEV ? DOING_GUEST : DOING_RING, ret, "not rung");
	print_verdict(ret);
	return 0;
}

struct wait_args {
	uint32_t gsi;
	uint32_t count;
};

static error_t parse_wait(int key, char *arg, struct argp_state *state)
{
	struct wait_args *args = state->input;

	switch (key) {
	case 'c':
		args->count = parse_number(state, arg, UINT32_MAX, "the number of lines");
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "too many arguments: '%s'", arg);
		args->gsi = parse_number(state, arg, MAX_GSI, "a GSI");
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which GSI?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option wait_options[] = {
	{ "count", 'c', "N", 0, "End after N lines (default: never)", 0 },
	{ 0 }
};

static const struct argp wait_argp = {
	.options = wait_options,
	.parser = parse_wait,
	.args_doc = "GSI",
	.doc = "In a guest with kvm_pvi_guest: print a line whenever GSI was rung.",
};

int cmd_guest_wait(int argc, char **argv)
{
	struct wait_args args = { 0 };
	uint64_t interrupts;
	uint32_t lines = 0;
	int guest, fd;

	argp_parse(&wait_argp, argc, argv, 0, NULL, &args);
	guest = open_guest();
	fd = pvi_guest_wait(guest, args.gsi, 0);
	if (fd < 0)
		die_doing(fd == -ENODEV ? DOING_GUEST : DOING_GUEST_WAIT, fd,
			  "cannot wait for GSI %u", args.gsi);
	while (!args.count || lines < args.count) {
		if (read(fd, &interrupts, sizeof(interrupts)) < 0) {
			if (errno == EINTR)
				continue;
			die("cannot wait for GSI %u: %s", args.gsi, strerror(errno));
		}
		printf("GSI %u: %llu interrupt%s\n", args.gsi, (unsigned long long)interrupts,
		       interrupts == 1 ? "" : "s");
		fflush(stdout);
		lines++;
	}
	close(fd);
	close(guest);
	return 0;
}
