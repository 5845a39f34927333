// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl parse - arguments */
#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pvictl.h"

struct uuid_text uuid_text(const unsigned char *uuid)
{
	struct uuid_text text;

	uuid_unparse_lower(uuid, text.s);
	return text;
}

void parse_uuid(struct argp_state *state, const char *text, uuid_t uuid)
{
	if (uuid_parse(text, uuid))
		argp_error(state, "'%s' is not a UUID", text);
}

void parse_filter(struct argp_state *state, const char *arg, struct filter *filter)
{
	if (state->arg_num > 0)
		argp_error(state, "too many arguments: '%s'", arg);
	parse_vm(state, arg, filter->uuid);
	filter->set = true;
}

static bool parse_u64(const char *text, uint64_t *value)
{
	char *end;

	return number_read(text, &end, value) && !*end;
}

uint32_t parse_number(struct argp_state *state, const char *text, uint32_t max, const char *what)
{
	uint64_t value;

	if (!parse_u64(text, &value) || value > max)
		argp_error(state, "%s must be a number from 0 to %u, not '%s'", what, max, text);
	return value;
}

uint64_t parse_wide(struct argp_state *state, const char *text, const char *what)
{
	uint64_t value;

	if (!parse_u64(text, &value) || !value)
		argp_error(state, "%s must be a number from 1 to 0x%llx, not '%s'", what, ~0ull,
			   text);
	return value;
}

uint32_t parse_gsi(struct argp_state *state, const char *text)
{
	if (!strcmp(text, "any"))
		return KVM_PVI_GSI_ANY;
	return parse_number(state, text, MAX_GSI, "a GSI");
}

const char *sender_text(const struct kvm_pvi_list_edge *edge, struct uuid_text *text)
{
	if (edge->kind == KVM_PVI_EDGE_GRANT)
		snprintf(text->s, sizeof(text->s), "grant %llu", edge->id);
	else
		*text = uuid_text(edge->uuid);
	return text->s;
}

const char *gsi_text(uint32_t gsi, char text[static 11])
{
	if (gsi == KVM_PVI_GSI_ANY)
		return "any";
	snprintf(text, 11, "%u", gsi);
	return text;
}

uid_t parse_user(struct argp_state *state, const char *text)
{
	struct passwd *user;

	if (isdigit((unsigned char)*text))
		return parse_number(state, text, 0xfffffffeu, "the uid");
	user = getpwnam(text);
	if (!user)
		argp_error(state, "there is no user '%s'", text);
	return user->pw_uid;
}

uint32_t parse_first_last(struct argp_state *state, char *text, uint32_t *last)
{
	char *dash = strchr(text, '-');
	uint32_t first;

	if (dash)
		*dash++ = '\0';
	first = parse_number(state, text, MAX_GSI, "a GSI");
	*last = dash ? parse_number(state, dash, MAX_GSI, "a GSI") : first;
	if (first > *last)
		argp_error(state, "the range %u-%u ends before it begins", first, *last);
	return first;
}

static const struct argp_option rate_options[] = {
	{ "rate", 'r', "N", 0, "Rings per second, 0 for no limit", 0 },
	{ "burst", 'b', "N", 0, "Rings that may come at once (default: the rate)", 0 },
	{ 0 }
};

static error_t parse_rate(int key, char *arg, struct argp_state *state)
{
	struct pvi_rate *rate = state->input;

	switch (key) {
	case 'r':
		rate->rate = parse_number(state, arg, 0xffffffffu, "the rate");
		return 0;
	case 'b':
		rate->burst = parse_number(state, arg, 0xffffffffu, "the burst");
		return 0;
	case ARGP_KEY_END:
		/* A rate without a burst lets no more come at once than in a second. */
		if (rate->rate && !rate->burst)
			rate->burst = rate->rate;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp rate_argp = { .options = rate_options, .parser = parse_rate };

const struct argp_child rate_child[] = { { .argp = &rate_argp }, { 0 } };
