// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl list - who is bound */
#include <stdlib.h>

#include "pvictl.h"

static unsigned long long accepted(const struct kvm_pvi_counts *c)
{
	return c->raised + c->coalesced + c->latched;
}

void list_table(struct report *report, const char *name)
{
	report_table(report, name, NULL,
		     "UUID STATE #PID COMMAND #SENDERS #SENT #RECEIVED #DENIED #THROTTLED");
}

void list_row(struct report *report, const struct endpoint *e)
{
	report_row(report);
	report_cell(report, "%s", uuid_text(e->uuid).s);
	report_cell(report, e->dead ? "dead" : "bound");
	report_cell(report, "%d", e->pid);
	report_cell(report, "%s", e->comm);
	report_cell(report, "%u", e->senders);
	report_cell(report, "%llu", accepted(&e->sent));
	report_cell(report, "%llu", accepted(&e->received));
	report_cell(report, "%llu", e->received.denied);
	report_cell(report, "%llu", e->received.throttled);
}

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	return 0;
}

static const struct argp list_argp = {
	.parser = parse_list,
	.doc = "Print who is bound: all endpoints for root, those of your processes for you.",
	.children = report_child,
};

int cmd_list(int argc, char **argv)
{
	struct report *report = report_new();
	struct endpoint *all;
	size_t nr, i;

	argp_parse(&list_argp, argc, argv, 0, NULL, report);
	nr = find_endpoints(&all);
	list_table(report, "endpoints");
	for (i = 0; i < nr; i++)
		list_row(report, &all[i]);
	report_print(report);
	free(all);
	return 0;
}
