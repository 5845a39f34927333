// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl wait - a process of the host that is rung */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvictl.h"

struct args {
	uuid_t uuid;
	uint32_t gsi;
	uuid_t *senders;
	size_t nr_senders;
	uint32_t count;
	bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'a':
		args->senders = must_alloc(reallocarray(args->senders, args->nr_senders + 1,
							sizeof(*args->senders)));
		parse_vm(state, arg, args->senders[args->nr_senders++]);
		return 0;
	case 'c':
		args->count = parse_number(state, arg, UINT32_MAX, "the number of lines");
		return 0;
	case 'J':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			parse_uuid(state, arg, args->uuid);
		else if (state->arg_num == 1)
			args->gsi = parse_number(state, arg, KVM_PVI_GSI_MAX - 1, "a GSI");
		else
			argp_error(state, "too many arguments: '%s'", arg);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_error(state, "under which UUID, on which GSI?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "allow", 'a', "VM", 0, "Let this one ring (more than once: these)", 0 },
	{ "count", 'c', "N", 0, "End after N lines (default: never)", 0 },
	{ "json", 'J', NULL, 0, "Print JSON, an object in each line", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "UUID GSI",
	.doc = "Be a receiver of the host's with this name, and print a line whenever its GSI was rung.",
};

static int receive_at(const struct args *args, int *eventfd)
{
	int pvi = pvi_enrol(-1, args->uuid), ret;
	size_t i;

	if (pvi < 0)
		die_doing(pvi == -ENOENT ? DOING_OPEN : DOING_BIND, pvi, "cannot be %s",
			  uuid_text(args->uuid).s);
	ret = pvi_expose(pvi, args->gsi, KVM_PVI_GSI_EVENTFD, NULL);
	*eventfd = ret ? ret : pvi_wire(pvi, args->gsi, -1);
	if (*eventfd < 0)
		die_doing(DOING_EXPOSE, *eventfd, "cannot wait on GSI %u", args->gsi);
	for (i = 0; i < args->nr_senders; i++) {
		ret = pvi_allow(pvi, args->senders[i], args->gsi, NULL);
		if (ret)
			die_doing(DOING_ALLOW, ret, "cannot allow %s", uuid_text(args->senders[i]).s);
	}
	return pvi;
}

int cmd_wait(int argc, char **argv)
{
	struct args args = { 0 };
	int signals, pvi, eventfd;
	uint64_t rings;
	uint32_t lines;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	/* Until here they end us: who had that name may have us wait for its end. */
	pvi = receive_at(&args, &eventfd);
	signals = open_signals();
	for (lines = 0; !args.count || lines < args.count;) {
		struct pollfd fds[2] = {
			{ .fd = eventfd, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		if (fds[1].revents)
			break;
		if (read(eventfd, &rings, sizeof(rings)) != sizeof(rings))
			continue;
		printf(args.json ? "{\"gsi\": %u, \"rings\": %llu}\n" : "GSI %u: %llu\n", args.gsi,
		       (unsigned long long)rings);
		if (fflush(stdout))
			break;
		lines++;
	}
	close(eventfd);
	close(pvi);
	return 0;
}
