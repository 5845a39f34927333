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
	const char *what;	/* the GSI or the bell */
	uint32_t gsi;
	bool bell;
	uint64_t bits;
	bool all;
	uint64_t grant;		/* or 0 */
	bool has_owner;
	uid_t owner;
	struct pvi_rate rate;
};

enum { OPTION_OWNER = 'o', OPTION_RATE = 'r', OPTION_BURST = 'b', OPTION_ALL = 'a' };
enum { OPTION_BELL = 0x100, OPTION_FLAGS, OPTION_GRANT };

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
		args->what = arg;
		break;
	default:
		argp_error(state, "too many arguments: '%s'", arg);
	}
}

static void check_args(struct argp_state *state, struct args *args)
{
	if (args->grant && (state->arg_num != 1 || args->all || args->bell))
		argp_error(state, "with --grant, the receiver and nothing else");
	if (args->grant)
		return;
	if (state->arg_num < 2)
		argp_error(state, "which receiver, which sender?");
	if (args->all && (args->what || args->bell))
		argp_error(state, "either a GSI or a bell or --all");
	if (!args->all && !args->what)
		argp_error(state, "which GSI?");
	if (args->bits != ~0ull && !args->bell)
		argp_error(state, "--flags is for --bell");
	if (args->bell)
		args->gsi = parse_number(state, args->what, MAX_BELL, "a bell");
	else if (args->what)
		args->gsi = parse_gsi(state, args->what);
	/* A rate without a burst lets no more come at once than in a second. */
	if (args->rate.rate && !args->rate.burst)
		args->rate.burst = args->rate.rate;
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
	case OPTION_BELL:
		args->bell = true;
		return 0;
	case OPTION_FLAGS:
		args->bits = parse_wide(state, arg, "the flags");
		return 0;
	case OPTION_GRANT:
		args->grant = parse_wide(state, arg, "the grant");
		return 0;
	case OPTION_ALL:
		args->all = true;
		return 0;
	case ARGP_KEY_ARG:
		parse_arg(state, args, arg);
		return 0;
	case ARGP_KEY_END:
		check_args(state, args);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option allow_options[] = {
	{ "rate", OPTION_RATE, "N", 0, "Rings per second, 0 for no limit", 0 },
	{ "burst", OPTION_BURST, "N", 0, "Rings that may come at once (default: the rate)", 0 },
	{ "owner", OPTION_OWNER, "UID", 0, "Only if the sender's endpoint belongs to UID", 0 },
	{ "bell", OPTION_BELL, NULL, 0, "It is the number of a bell, not of a GSI", 0 },
	{ "flags", OPTION_FLAGS, "MASK", 0, "Flags of the bell (default: all)", 0 },
	{ 0 }
};

static const struct argp allow_argp = {
	.options = allow_options,
	.parser = parse,
	.args_doc = "RECEIVER SENDER GSI|any\n--bell RECEIVER SENDER BELL",
	.doc = "Let SENDER ring a GSI of RECEIVER, or any GSI that RECEIVER exposes.",
};

static int allow_sender(int pvi, const struct args *a)
{
	if (a->bell && a->has_owner)
		return pvi_allow_bell_owner(pvi, a->sender, a->gsi, a->bits, a->owner, &a->rate);
	if (a->bell)
		return pvi_allow_bell(pvi, a->sender, a->gsi, a->bits, &a->rate);
	if (a->has_owner)
		return pvi_allow_owner(pvi, a->sender, a->gsi, a->owner, &a->rate);
	return pvi_allow(pvi, a->sender, a->gsi, &a->rate);
}

int cmd_allow(int argc, char **argv)
{
	struct args args = { .bits = ~0ull };
	struct endpoint e;
	int pvi, ret;

	argp_parse(&allow_argp, argc, argv, 0, NULL, &args);
	pvi = open_endpoint(args.receiver, &e);
	ret = allow_sender(pvi, &args);
	if (ret)
		die_doing(DOING_ALLOW, ret, "cannot allow %s", uuid_text(args.sender).s);
	close(pvi);
	return 0;
}

static const struct argp_option revoke_options[] = {
	{ "all", OPTION_ALL, NULL, 0, "All that SENDER was allowed", 0 },
	{ "bell", OPTION_BELL, NULL, 0, "It is the number of a bell, not of a GSI", 0 },
	{ "grant", OPTION_GRANT, "N", 0, "What 'pvictl show' calls \"grant N\"", 0 },
	{ 0 }
};

static const struct argp revoke_argp = {
	.options = revoke_options,
	.parser = parse,
	.args_doc = "RECEIVER SENDER GSI|any\n--bell RECEIVER SENDER BELL\n--all RECEIVER SENDER\n--grant N RECEIVER",
	.doc = "Take back what SENDER was allowed, exactly as it was allowed.",
};

static int revoke_sender(int pvi, const struct args *a)
{
	if (a->grant)
		return pvi_ungrant(pvi, a->grant);
	if (a->all)
		return pvi_revoke_all(pvi, a->sender);
	if (a->bell)
		return pvi_revoke_bell(pvi, a->sender, a->gsi);
	return pvi_revoke(pvi, a->sender, a->gsi);
}

int cmd_revoke(int argc, char **argv)
{
	struct args args = { .bits = ~0ull };
	struct endpoint e;
	int pvi, ret;

	argp_parse(&revoke_argp, argc, argv, 0, NULL, &args);
	pvi = open_endpoint(args.receiver, &e);
	ret = revoke_sender(pvi, &args);
	if (ret)
		die_doing(DOING_REVOKE, ret, "nothing revoked");
	close(pvi);
	return 0;
}
