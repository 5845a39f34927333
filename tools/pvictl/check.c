// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl check - what is wrong with a policy */
#include "policy.h"
#include "pvictl.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **dir = state->input;

	switch (key) {
	case 'c':
		*dir = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "too many arguments: '%s'", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "config", 'c', "DIR", 0, "Where the policy is (default: " POLICY_DIR ")", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Say what is wrong with the policy, if something is.",
};

int cmd_check(int argc, char **argv)
{
	const char *dir = POLICY_DIR;
	struct policy policy;

	argp_parse(&argp, argc, argv, 0, NULL, &dir);
	if (!policy_read(&policy, dir))
		die("%s", policy.error);
	policy_free(&policy);
	return 0;
}
