/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common policy_args - where the policy is, and pvid, as the programs are told */
#ifndef POLICY_ARGS_H
#define POLICY_ARGS_H

#include <argp.h>
#include <libpvi.h>

#include "policy_path.h"

struct policy_args {
	const char *dir;
	const char *run;
	const char *links;
};

/* For an argp whose input is a struct policy_args, of which all are set */
#define POLICY_CONFIG_OPTION \
	{ "config", 'c', "DIR", 0, "Where the policy is (default: " POLICY_DIR ")", 0 }
#define POLICY_RUN_OPTION \
	{ "run", 'r', "DIR", 0, "Where pvid is (default: " PVID_RUN ")", 0 }
#define POLICY_LINKS_OPTION \
	{ "dir", 'd', "DIR", 0, "Where links are (default: " PVI_LINK_DIR ")", 0 }
extern const struct argp_option policy_options[];
error_t policy_args_parse(int key, char *arg, struct argp_state *state);

#endif
