// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl reserve, pvictl unreserve - names kept for users */
#include <unistd.h>

#include "pvictl.h"

struct args {
	uuid_t uuid;
	uid_t uid;
	unsigned int expected;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num >= args->expected)
			argp_error(state, "too many arguments: '%s'", arg);
		if (state->arg_num == 0)
			parse_vm(state, arg, args->uuid);
		else
			args->uid = parse_user(state, arg);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < args->expected)
			argp_error(state, args->expected == 1 ? "which UUID?" :
				   "which UUID, for which user?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp reserve_argp = {
	.parser = parse,
	.args_doc = "UUID USER",
	.doc = "Keep a name for a user (a name or a number): nobody else's endpoint is bound to it.",
};

static const struct argp unreserve_argp = {
	.parser = parse,
	.args_doc = "UUID",
	.doc = "Leave a name to anybody again.",
};

static int open_device(void)
{
	int pvi = pvi_open();

	if (pvi < 0)
		die_doing(DOING_OPEN, pvi, "cannot open /dev/kvm_pvi");
	return pvi;
}

int cmd_reserve(int argc, char **argv)
{
	struct args args = { .expected = 2 };
	int pvi, ret;

	argp_parse(&reserve_argp, argc, argv, 0, NULL, &args);
	pvi = open_device();
	ret = pvi_reserve(pvi, args.uuid, args.uid);
	if (ret)
		die_doing(DOING_RESERVE, ret, "cannot reserve %s", uuid_text(args.uuid).s);
	close(pvi);
	return 0;
}

int cmd_unreserve(int argc, char **argv)
{
	struct args args = { .expected = 1 };
	int pvi, ret;

	argp_parse(&unreserve_argp, argc, argv, 0, NULL, &args);
	pvi = open_device();
	ret = pvi_unreserve(pvi, args.uuid);
	if (ret)
		die_doing(DOING_RESERVE, ret, "cannot unreserve %s", uuid_text(args.uuid).s);
	close(pvi);
	return 0;
}
