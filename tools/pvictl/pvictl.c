// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl - see and change who may interrupt whom */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "pvictl.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "list", cmd_list, "the endpoints that are bound" },
	{ "show", cmd_show, "one endpoint: its GSIs, senders, ports and counters" },
	{ "attach", cmd_attach, "bind a running VM whose VMM knows nothing of kvm_pvi" },
	{ "detach", cmd_detach, "end that" },
	{ "expose", cmd_expose, "make a GSI of a VM ringable" },
	{ "unexpose", cmd_unexpose, "take that back" },
	{ "bell", cmd_bell, "make a bell over a GSI" },
	{ "kick", cmd_kick, "deliver what is owed" },
	{ "port", cmd_port, "connect a port of a VM" },
	{ "link", cmd_link, "memory between two VMs, and that they may ring each other" },
	{ "unlink", cmd_unlink, "take that back" },
	{ "pipe", cmd_pipe, "stdin and stdout over a link" },
	{ "memory", cmd_memory, "memory for status words" },
	{ "allow", cmd_allow, "let a sender ring" },
	{ "revoke", cmd_revoke, "take that back" },
	{ "ring", cmd_ring, "ring once" },
	{ "wait", cmd_wait, "be a process of the host that is rung" },
	{ "top", cmd_top, "rings per second" },
	{ "monitor", cmd_events, "who comes, goes, rings and is refused, as it happens" },
	{ "events", cmd_events, "the older name of that" },
	{ "metrics", cmd_metrics, "all counters, for Prometheus" },
	{ "freeze", cmd_freeze, "have rings to a VM wait" },
	{ "thaw", cmd_thaw, "take that back" },
	{ "save", cmd_save, "write what a guest has made to a file" },
	{ "restore", cmd_restore, "give a guest that back" },
	{ "check", cmd_check, "what is wrong with the policy of pvid" },
	{ "diff", cmd_diff, "what applying it would change" },
	{ "apply", cmd_apply, "carry it out" },
	{ "reserve", cmd_reserve, "keep a name for a user" },
	{ "unreserve", cmd_unreserve, "take that back" },
	{ "guest", cmd_guest, "in a guest: who it is, who may ring it and whom it may ring" },
	{ "guest-ring", cmd_guest_ring, "in a guest: ring once" },
	{ "guest-wait", cmd_guest_wait, "in a guest: wait to be rung" },
};

const char *argp_program_version = "pvictl " VERSION;

static char *list_commands(int key, const char *text, void *input)
{
	char *help = NULL;
	size_t size, i;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = must_alloc(open_memstream(&help, &size));
	fputs("Commands:\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].what);
	fputs("\nEach has a --help of its own; the manual is pvictl(8).", out);
	fclose(out);
	return help;
}

/* The command's own name for itself, in its messages and its --help. */
static int run(const struct command *command, int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof(name), "pvictl %s", command->name);
	argv[0] = name;
	return command->run(argc, argv);
}

struct call {
	const struct command *command;
	int first;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct call *call = state->input;
	size_t i;

	switch (key) {
	case ARGP_KEY_ARG:
		for (i = 0; i < ARRAY_SIZE(commands); i++)
			if (!strcmp(arg, commands[i].name))
				call->command = &commands[i];
		if (!call->command)
			argp_error(state, "there is no command '%s'", arg);
		/* The rest is the command's. */
		call->first = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Interrupts between virtual machines: see and change who may ring whom.\v",
	.help_filter = list_commands,
};

int main(int argc, char **argv)
{
	struct call call = { 0 };

	output_check("pvictl");
	/* For the width of characters in tables */
	setlocale(LC_CTYPE, "");
	argp_err_exit_status = STATUS_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &call);
	return run(call.command, argc - call.first, argv + call.first);
}
