// SPDX-License-Identifier: GPL-2.0-or-later
/* common policy_args - where the policy is, and pvid, as the programs are told */
#include "policy.h"
#include "policy_args.h"

const struct argp_option policy_options[] = {
	POLICY_CONFIG_OPTION,
	POLICY_RUN_OPTION,
	POLICY_LINKS_OPTION,
	{ 0 }
};

error_t policy_args_parse(int key, char *arg, struct argp_state *state)
{
	struct policy_args *args = state->input;

	switch (key) {
	case 'c':
		args->dir = arg;
		return 0;
	case 'r':
		args->run = arg;
		return 0;
	case 'd':
		args->links = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "too many arguments: '%s'", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}
