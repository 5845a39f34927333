// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl allow, pvictl revoke - rows of an endpoint's table */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvictl.h"

#define MAX_NUMBER 0xffffffffu

#define MAX_WORDS 13	/* A to B, and five pairs */

struct args {
	bool allows;		/* and does not revoke */
	const char *words[MAX_WORDS];
	unsigned int nr;	/* of those that a receiver and a sender take */
	uuid_t receiver;
	const char *what;	/* the GSI or the bell */
	bool all;
	uint64_t grant;		/* or 0 */
	struct row row;
};

enum { OPTION_OWNER = 'o', OPTION_RATE = 'r', OPTION_BURST = 'b', OPTION_ALL = 'a' };
enum { OPTION_BELL = 0x100, OPTION_FLAGS, OPTION_GRANT };

static void keep_word(struct argp_state *state, struct args *args, const char *arg)
{
	if (state->arg_num == MAX_WORDS)
		argp_error(state, "too many arguments: '%s'", arg);
	args->words[state->arg_num] = arg;
}

/* RECEIVER SENDER GSI */
static void read_order(struct argp_state *state, struct args *args)
{
	unsigned int nr = state->arg_num;

	if (nr > 3)
		argp_error(state, "too many arguments: '%s'", args->words[3]);
	if (nr > 0)
		parse_vm(state, args->words[0], args->receiver);
	if (nr > 1)
		parse_vm(state, args->words[1], args->row.sender);
	if (nr > 2)
		args->what = args->words[2];
}

bool parse_row_word(struct argp_state *state, struct row *row, const char *word, const char *value)
{
	if (!strcmp(word, "flags")) {
		row->bits = parse_wide(state, value, "the flags");
	} else if (!strcmp(word, "rate")) {
		row->rate.rate = parse_number(state, value, MAX_NUMBER, "the rate");
	} else if (!strcmp(word, "burst")) {
		row->rate.burst = parse_number(state, value, MAX_NUMBER, "the burst");
	} else if (!strcmp(word, "owner")) {
		row->owner = parse_user(state, value);
		row->has_owner = true;
	} else {
		return false;
	}
	return true;
}

void check_row(struct argp_state *state, struct row *row)
{
	if (row->bits != ~0ull && !row->bell)
		argp_error(state, "flags are a bell's");
	/* A rate without a burst lets no more come at once than in a second. */
	if (row->rate.rate && !row->rate.burst)
		row->rate.burst = row->rate.rate;
}

static bool read_pair(struct argp_state *state, struct args *args, const char *word, const char *value)
{
	if (strcmp(word, "gsi") && strcmp(word, "bell"))
		return args->allows && parse_row_word(state, &args->row, word, value);
	if (args->what)
		argp_error(state, "a GSI or a bell is named already: '%s'", word);
	args->what = value;
	args->row.bell |= *word == 'b';
	return true;
}

/* SENDER to RECEIVER gsi GSI, which cannot be swapped */
static void read_sentence(struct argp_state *state, struct args *args)
{
	unsigned int nr = state->arg_num, i;

	if (nr < 3)
		argp_error(state, "to which receiver?");
	parse_vm(state, args->words[0], args->row.sender);
	parse_vm(state, args->words[2], args->receiver);
	for (i = 3; i < nr; i += 2) {
		if (!args->allows && !strcmp(args->words[i], "all")) {
			args->all = true;
			i--;
			continue;
		}
		if (i + 1 == nr)
			argp_error(state, "'%s' wants a value", args->words[i]);
		if (!read_pair(state, args, args->words[i], args->words[i + 1]))
			argp_error(state, args->allows ?
				   "'%s' is none of gsi, bell, " ROW_WORDS :
				   "'%s' is none of gsi, bell, all", args->words[i]);
	}
}

static void read_words(struct argp_state *state, struct args *args)
{
	if (state->arg_num > 1 && !strcmp(args->words[1], "to")) {
		read_sentence(state, args);
		args->nr = 2;
	} else {
		read_order(state, args);
		args->nr = state->arg_num;
	}
}

static void check_args(struct argp_state *state, struct args *args)
{
	read_words(state, args);
	if (args->grant && (args->nr != 1 || args->all || args->row.bell))
		argp_error(state, "with --grant, the receiver and nothing else");
	if (args->grant)
		return;
	if (args->nr < 2)
		argp_error(state, "which receiver, which sender?");
	if (args->all && (args->what || args->row.bell))
		argp_error(state, "either a GSI or a bell or --all");
	if (!args->all && !args->what)
		argp_error(state, "which GSI?");
	if (args->row.bell)
		args->row.gsi = parse_number(state, args->what, MAX_BELL, "a bell");
	else if (args->what)
		args->row.gsi = parse_gsi(state, args->what);
	check_row(state, &args->row);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case OPTION_OWNER:
		args->row.owner = parse_user(state, arg);
		args->row.has_owner = true;
		return 0;
	case OPTION_RATE:
		args->row.rate.rate = parse_number(state, arg, MAX_NUMBER, "the rate");
		return 0;
	case OPTION_BURST:
		args->row.rate.burst = parse_number(state, arg, MAX_NUMBER, "the burst");
		return 0;
	case OPTION_BELL:
		args->row.bell = true;
		return 0;
	case OPTION_FLAGS:
		args->row.bits = parse_wide(state, arg, "the flags");
		return 0;
	case OPTION_GRANT:
		args->grant = parse_wide(state, arg, "the grant");
		return 0;
	case OPTION_ALL:
		args->all = true;
		return 0;
	case ARGP_KEY_ARG:
		keep_word(state, args, arg);
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
	{ "owner", OPTION_OWNER, "USER", 0, "Only if the sender's endpoint belongs to USER", 0 },
	{ "bell", OPTION_BELL, NULL, 0, "It is the number of a bell, not of a GSI", 0 },
	{ "flags", OPTION_FLAGS, "MASK", 0, "Flags of the bell (default: all)", 0 },
	{ 0 }
};

static const struct argp allow_argp = {
	.options = allow_options,
	.parser = parse,
	.args_doc = "SENDER to RECEIVER gsi GSI|any\nSENDER to RECEIVER bell BELL\nRECEIVER SENDER GSI|any\n--bell RECEIVER SENDER BELL",
	.doc = "Let SENDER ring a GSI of RECEIVER, or any GSI that RECEIVER exposes. Behind the first form, flags MASK, rate N, burst N and owner USER may follow.",
};

int add_row(int pvi, const struct row *row)
{
	if (row->bell && row->has_owner)
		return pvi_allow_bell_owner(pvi, row->sender, row->gsi, row->bits, row->owner, &row->rate);
	if (row->bell)
		return pvi_allow_bell(pvi, row->sender, row->gsi, row->bits, &row->rate);
	if (row->has_owner)
		return pvi_allow_owner(pvi, row->sender, row->gsi, row->owner, &row->rate);
	return pvi_allow(pvi, row->sender, row->gsi, &row->rate);
}

int cmd_allow(int argc, char **argv)
{
	struct args args = { .allows = true, .row.bits = ~0ull };
	struct endpoint e;
	int pvi, ret;

	argp_parse(&allow_argp, argc, argv, 0, NULL, &args);
	pvi = open_endpoint(args.receiver, &e);
	ret = add_row(pvi, &args.row);
	if (ret)
		die_doing(DOING_ALLOW, ret, "cannot allow %s", uuid_text(args.row.sender).s);
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
	.args_doc = "SENDER to RECEIVER gsi GSI|any\nSENDER to RECEIVER bell BELL\nSENDER to RECEIVER all\nRECEIVER SENDER GSI|any\n--bell RECEIVER SENDER BELL\n--all RECEIVER SENDER\n--grant N RECEIVER",
	.doc = "Take back what SENDER was allowed, exactly as it was allowed.",
};

static int revoke_sender(int pvi, const struct args *a)
{
	if (a->grant)
		return pvi_ungrant(pvi, a->grant);
	if (a->all)
		return pvi_revoke_all(pvi, a->row.sender);
	if (a->row.bell)
		return pvi_revoke_bell(pvi, a->row.sender, a->row.gsi);
	return pvi_revoke(pvi, a->row.sender, a->row.gsi);
}

int cmd_revoke(int argc, char **argv)
{
	struct args args = { .row.bits = ~0ull };
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
