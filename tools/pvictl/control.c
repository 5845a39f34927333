// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl expose, unexpose, kick, bell, port - what an endpoint has, while it lives */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pvictl.h"

struct args {
	unsigned int expected;	/* arguments */
	const char *question;	/* if there are fewer */
	const struct argp_child *children;
	struct pvi_rate rate;
	uuid_t uuid;
	char *words[3];		/* behind the VM */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		if (args->children)
			state->child_inputs[0] = &args->rate;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num >= args->expected)
			argp_error(state, "too many arguments: '%s'", arg);
		if (state->arg_num == 0)
			parse_vm(state, arg, args->uuid);
		else
			args->words[state->arg_num - 1] = arg;
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < args->expected)
			argp_error(state, "%s", args->question);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp expose_argp = {
	.parser = parse,
	.args_doc = "VM GSI[-GSI],...",
	.doc = "Make GSIs of a VM ringable: injected by the host; from 65536 on virtual ones.",
	.children = rate_child,
};

static const struct argp unexpose_argp = {
	.parser = parse,
	.args_doc = "VM GSI[-GSI],...",
	.doc = "Take that back; what was latched there is dropped.",
};

static const struct argp kick_argp = {
	.parser = parse,
	.args_doc = "VM GSI[-GSI],...",
	.doc = "Deliver what is owed there, if it can be.",
};

static const struct argp bell_argp = {
	.parser = parse,
	.args_doc = "VM BELL GSI",
	.doc = "Make a bell, with this number, over a GSI that is exposed.",
};

static const struct argp port_argp = {
	.parser = parse,
	.args_doc = "VM RECEIVER GSI\nVM close PORT",
	.doc = "Connect a port of VM to a GSI of RECEIVER, and print its number; or close one: VM close PORT.",
};

/* As attach does it */
static int expose(int pvi, uint32_t gsi, const struct args *args)
{
	return pvi_expose(pvi, gsi, gsi >= KVM_PVI_GSI_VIRTUAL ? KVM_PVI_GSI_MSI : KVM_PVI_GSI_DIRECT,
			  &args->rate);
}

static int unexpose(int pvi, uint32_t gsi, const struct args *args)
{
	(void)args;
	return pvi_unexpose(pvi, gsi);
}

static int kick(int pvi, uint32_t gsi, const struct args *args)
{
	(void)args;
	return pvi_kick(pvi, gsi);
}

/* All that is named is a GSI before anything is done */
static void check_gsis(const struct argp *argp, const char *list)
{
	char *copy = must_alloc(strdup(list)), *rest = copy, *range;
	struct argp_state state = { .root_argp = argp, .name = "pvictl", .err_stream = stderr };
	uint32_t last;

	while ((range = strsep(&rest, ",")))
		parse_first_last(&state, range, &last);
}

static int each_gsi(const struct argp *argp, int argc, char **argv, enum doing doing, const char *what,
		    int (*fn)(int pvi, uint32_t gsi, const struct args *args))
{
	struct args args = {
		.expected = 2, .question = "which VM, which GSI?", .children = argp->children,
	};
	struct argp_state state = { .root_argp = argp, .name = "pvictl", .err_stream = stderr };
	uint32_t gsi, last;
	struct endpoint e;
	char *range;
	int pvi, ret;

	argp_parse(argp, argc, argv, 0, NULL, &args);
	check_gsis(argp, args.words[0]);
	pvi = open_endpoint(args.uuid, &e);
	while ((range = strsep(&args.words[0], ","))) {
		gsi = parse_first_last(&state, range, &last);
		for (; gsi <= last; gsi++) {
			ret = fn(pvi, gsi, &args);
			if (ret)
				die_doing(doing, ret, "cannot %s GSI %u", what, gsi);
		}
	}
	close(pvi);
	return 0;
}

int cmd_expose(int argc, char **argv)
{
	return each_gsi(&expose_argp, argc, argv, DOING_EXPOSE, "expose", expose);
}

int cmd_unexpose(int argc, char **argv)
{
	return each_gsi(&unexpose_argp, argc, argv, DOING_GSI, "unexpose", unexpose);
}

int cmd_kick(int argc, char **argv)
{
	return each_gsi(&kick_argp, argc, argv, DOING_GSI, "kick", kick);
}

int cmd_bell(int argc, char **argv)
{
	struct argp_state state = { .root_argp = &bell_argp, .name = "pvictl", .err_stream = stderr };
	struct args args = { .expected = 3, .question = "which VM, which bell, over which GSI?" };
	uint32_t bell, gsi;
	struct endpoint e;
	int pvi, ret;

	argp_parse(&bell_argp, argc, argv, 0, NULL, &args);
	bell = parse_number(&state, args.words[0], MAX_BELL, "a bell");
	gsi = parse_number(&state, args.words[1], MAX_GSI, "a GSI");
	pvi = open_endpoint(args.uuid, &e);
	ret = pvi_bell_create(pvi, bell, gsi);
	if (ret)
		die_doing(DOING_BELL, ret, "cannot make bell %u over GSI %u", bell, gsi);
	close(pvi);
	return 0;
}

static int port_close(const uuid_t uuid, uint32_t port)
{
	struct endpoint e;
	int pvi = open_endpoint(uuid, &e), ret = pvi_close_port(pvi, port);

	if (ret)
		die_doing(DOING_GSI, ret, "cannot close port %u", port);
	close(pvi);
	return 0;
}

int cmd_port(int argc, char **argv)
{
	struct argp_state state = { .root_argp = &port_argp, .name = "pvictl", .err_stream = stderr };
	struct args args = {
		.expected = 3, .question = "which VM, which receiver, which GSI? or VM close PORT",
	};
	uuid_t receiver;
	struct endpoint e;
	uint32_t gsi;
	int pvi, port;

	argp_parse(&port_argp, argc, argv, 0, NULL, &args);
	if (!strcmp(args.words[0], "close"))
		return port_close(args.uuid, parse_number(&state, args.words[1], INT32_MAX, "a port"));
	parse_vm(&state, args.words[0], receiver);
	gsi = parse_number(&state, args.words[1], MAX_GSI, "a GSI");
	pvi = open_endpoint(args.uuid, &e);
	port = pvi_connect(pvi, KVM_PVI_PORT_ANY, receiver, gsi);
	if (port < 0)
		die_doing(DOING_RING, port, "cannot connect");
	printf("%d\n", port);
	close(pvi);
	return 0;
}
