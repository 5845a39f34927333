// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl check - what is wrong with a policy */
#include "policy.h"
#include "policy_args.h"
#include "pvictl.h"

static const struct argp_option options[] = {
	POLICY_CONFIG_OPTION,
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = policy_args_parse,
	.doc = "Say what is wrong with the policy, if something is.",
};

int cmd_check(int argc, char **argv)
{
	struct policy_args args = { .dir = POLICY_DIR };
	struct policy policy;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (!policy_read(&policy, args.dir))
		die("%s", policy.error);
	policy_free(&policy);
	return 0;
}
