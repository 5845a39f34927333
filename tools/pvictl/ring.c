// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl ring - one ring, to see whether it arrives */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "pvictl.h"

struct args {
	struct ring_target to;
	uuid_t from;
	bool has_from;
};

error_t parse_ring_target(int key, char *arg, struct argp_state *state, struct ring_target *to)
{
	switch (key) {
	case 'F':
		to->flags = parse_wide(state, arg, "the flags");
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0 && to->in_guest)
			parse_uuid(state, arg, to->receiver);
		else if (state->arg_num == 0)
			parse_vm(state, arg, to->receiver);
		else if (state->arg_num == 1)
			to->gsi = parse_number(state, arg, MAX_GSI, "a GSI");
		else
			argp_error(state, "too many arguments: '%s'", arg);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_error(state, "which receiver, which GSI?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	if (key != 'f')
		return parse_ring_target(key, arg, state, &args->to);
	parse_vm(state, arg, args->from);
	args->has_from = true;
	return 0;
}

static const struct argp_option options[] = {
	{ "from", 'f', "UUID", 0, "Ring as this endpoint does, with its permissions (default: with permission)", 0 },
	RING_FLAGS_OPTION,
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "RECEIVER GSI",
	.doc = "Ring a GSI of RECEIVER once and print the verdict.",
};

static int ring(int pvi, const struct args *args)
{
	int port, ret;

	if (!args->to.flags)
		return pvi_ring(pvi, args->to.receiver, args->to.gsi);
	port = pvi_connect(pvi, KVM_PVI_PORT_ANY, args->to.receiver, args->to.gsi);
	if (port < 0)
		return port;
	ret = pvi_bell_send(pvi, port, args->to.flags, NULL);
	pvi_close_port(pvi, port);
	return ret;
}

static int ring_from(const struct args *args)
{
	struct endpoint e;
	int pvi = open_endpoint(args->from, &e);
	int ret = ring(pvi, args);

	close(pvi);
	return ret;
}

/* The number of the bell over that GSI. */
static uint32_t find_bell(int receiver, uint32_t gsi)
{
	uint64_t number, bell;
	uint32_t i;

	for (i = 0; !pvi_query(receiver, KVM_PVI_Q_GSI, i, KVM_PVI_Q_GSI_NUMBER, &number); i++)
		if (number == gsi &&
		    !pvi_query(receiver, KVM_PVI_Q_GSI, i, KVM_PVI_Q_GSI_BELL, &bell))
			return bell;
	die_as(STATUS_ABSENT, "there is no bell over GSI %u", gsi);
}

static int permit(int receiver, const uuid_t name, const struct args *args)
{
	if (args->to.flags)
		return pvi_allow_bell(receiver, name, find_bell(receiver, args->to.gsi), args->to.flags,
				      NULL);
	return pvi_allow(receiver, name, args->to.gsi, NULL);
}

/* By an endpoint with a name that nobody has, so that no other row is touched. */
static int ring_once(const struct args *args)
{
	struct endpoint e;
	int receiver, own, ret;
	uuid_t name;

	receiver = open_endpoint(args->to.receiver, &e);
	uuid_generate(name);
	own = pvi_enrol(-1, name);
	if (own < 0)
		die_doing(own == -ENOENT || own == -EACCES ? DOING_OPEN : DOING_BIND, own,
			  "cannot make an endpoint to ring from");
	ret = permit(receiver, name, args);
	if (ret)
		die_doing(DOING_ALLOW, ret, "cannot make the receiver allow it");
	ret = ring(own, args);
	pvi_revoke_all(receiver, name);
	close(own);
	close(receiver);
	return ret;
}

void print_verdict(int verdict)
{
	static const char * const verdicts[] = {
		[KVM_PVI_RAISED] = "raised",
		[KVM_PVI_COALESCED] = "coalesced: an earlier ring is owed, or the flags are masked",
		[KVM_PVI_LATCHED] = "latched: delivered as soon as it can be",
	};

	puts(verdict < (int)ARRAY_SIZE(verdicts) ? verdicts[verdict] : "accepted");
}

int cmd_ring(int argc, char **argv)
{
	struct args args = { 0 };
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	ret = args.has_from ? ring_from(&args) : ring_once(&args);
	if (ret < 0)
		die_doing(DOING_RING, ret, "not rung");
	print_verdict(ret);
	return 0;
}
