// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl allow, pvictl revoke - rows of an endpoint's table */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvictl.h"

#define MAX_NUMBER 0xffffffffu

struct args {
	uuid_t receiver;
	uuid_t sender;
	uint32_t gsi;
	bool has_gsi;
	bool all;
	bool has_owner;
	uid_t owner;
	struct pvi_rate rate;
};

enum { OPTION_OWNER = 'o', OPTION_RATE = 'r', OPTION_BURST = 'b', OPTION_ALL = 'a' };

static void parse_arg(struct argp_state *state, struct args *args, const char *arg)
{
	switch (state->arg_num) {
	case 0:
		parse_uuid(state, arg, args->receiver);
		break;
	case 1:
		parse_uuid(state, arg, args->sender);
		break;
	case 2:
		args->gsi = parse_gsi(state, arg);
		args->has_gsi = true;
		break;
	default:
		argp_error(state, "too many arguments: '%s'", arg);
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case OPTION_OWNER:
		args->owner = parse_number(state, arg, MAX_NUMBER - 1, "the uid");
		args->has_owner = true;
		return 0;
	case OPTION_RATE:
		args->rate.rate = parse_number(state, arg, MAX_NUMBER, "the rate");
		return 0;
	case OPTION_BURST:
		args->rate.burst = parse_number(state, arg, MAX_NUMBER, "the burst");
		return 0;
	case OPTION_ALL:
		args->all = true;
		return 0;
	case ARGP_KEY_ARG:
		parse_arg(state, args, arg);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_error(state, "which receiver, which sender?");
		if (args->has_gsi == args->all)
			argp_error(state, args->all ? "either a GSI or --all" : "which GSI?");
		/* A rate without a burst lets no more come at once than in a second. */
		if (args->rate.rate && !args->rate.burst)
			args->rate.burst = args->rate.rate;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option allow_options[] = {
	{ "rate", OPTION_RATE, "N", 0, "Rings per second, 0 for no limit", 0 },
	{ "burst", OPTION_BURST, "N", 0, "Rings that may come at once (default: the rate)", 0 },
	{ "owner", OPTION_OWNER, "UID", 0, "Only if the sender's endpoint belongs to UID", 0 },
	{ 0 }
};

static const struct argp allow_argp = {
	.options = allow_options,
	.parser = parse,
	.args_doc = "RECEIVER SENDER GSI|any",
	.doc = "Let SENDER ring a GSI of RECEIVER, or any GSI that RECEIVER exposes.",
};

int cmd_allow(int argc, char **argv)
{
	struct args args = { 0 };
	struct endpoint e;
	int pvi, ret;

	argp_parse(&allow_argp, argc, argv, 0, NULL, &args);
	pvi = open_endpoint(args.receiver, &e);
	if (args.has_owner)
		ret = pvi_allow_owner(pvi, args.sender, args.gsi, args.owner, &args.rate);
	else
		ret = pvi_allow(pvi, args.sender, args.gsi, &args.rate);
	if (ret)
		die_doing(DOING_ALLOW, ret, "cannot allow %s", uuid_text(args.sender).s);
	close(pvi);
	return 0;
}

static const struct argp_option revoke_options[] = {
	{ "all", OPTION_ALL, NULL, 0, "All that SENDER was allowed", 0 },
	{ 0 }
};

static const struct argp revoke_argp = {
	.options = revoke_options,
	.parser = parse,
	.args_doc = "RECEIVER SENDER GSI|any\nRECEIVER SENDER --all",
	.doc = "Take back what SENDER was allowed, exactly as it was allowed.",
};

int cmd_revoke(int argc, char **argv)
{
	struct args args = { 0 };
	struct endpoint e;
	int pvi, ret;

	argp_parse(&revoke_argp, argc, argv, 0, NULL, &args);
	pvi = open_endpoint(args.receiver, &e);
	ret = args.all ? pvi_revoke_all(pvi, args.sender) :
			 pvi_revoke(pvi, args.sender, args.gsi);
	if (ret)
		die_doing(DOING_REVOKE, ret, "cannot revoke %s", uuid_text(args.sender).s);
	close(pvi);
	return 0;
}
