// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl ring - one ring, to see whether it arrives */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "pvictl.h"

struct args {
	uuid_t receiver;
	uuid_t from;
	bool has_from;
	uint32_t gsi;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'f':
		parse_uuid(state, arg, args->from);
		args->has_from = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			parse_uuid(state, arg, args->receiver);
		else if (state->arg_num == 1)
			args->gsi = parse_number(state, arg, KVM_PVI_GSI_VIRTUAL_END - 1, "a GSI");
		else
			argp_error(state, "too many arguments: '%s'", arg);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_error(state, "which receiver, which GSI?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "from", 'f', "UUID", 0, "Ring as this endpoint does, with its permissions (default: with permission)", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "RECEIVER GSI",
	.doc = "Ring a GSI of RECEIVER once and print the verdict.",
};

static int ring_from(const struct args *args)
{
	struct endpoint e;
	int pvi = open_endpoint(args->from, &e);
	int ret = pvi_ring(pvi, args->receiver, args->gsi);

	close(pvi);
	return ret;
}

/* By an endpoint with a name that nobody has, so that no other row is touched. */
static int ring_once(const struct args *args)
{
	struct endpoint e;
	int receiver, own, ret;
	uuid_t name;

	receiver = open_endpoint(args->receiver, &e);
	uuid_generate(name);
	own = pvi_enrol(-1, name);
	if (own < 0)
		die_doing(own == -ENOENT || own == -EACCES ? DOING_OPEN : DOING_BIND, own,
			  "cannot make an endpoint to ring from");
	ret = pvi_allow(receiver, name, args->gsi, NULL);
	if (ret)
		die_doing(DOING_ALLOW, ret, "cannot make the receiver allow it");
	ret = pvi_ring(own, args->receiver, args->gsi);
	pvi_revoke(receiver, name, args->gsi);
	close(own);
	close(receiver);
	return ret;
}

int cmd_ring(int argc, char **argv)
{
	static const char * const verdicts[] = {
		[KVM_PVI_RAISED] = "raised",
		[KVM_PVI_COALESCED] = "coalesced: an earlier ring is still owed",
		[KVM_PVI_LATCHED] = "latched: delivered as soon as it can be",
	};
	struct args args = { 0 };
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	ret = args.has_from ? ring_from(&args) : ring_once(&args);
	if (ret < 0)
		die_doing(DOING_RING, ret, "not rung");
	puts(ret < (int)ARRAY_SIZE(verdicts) ? verdicts[ret] : "accepted");
	return 0;
}
