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
		     "UUID NAME STATE #PID COMMAND #VMM #SENDERS #SENT #RECEIVED #DENIED #THROTTLED");
}

void list_row(struct report *report, const struct endpoint *e)
{
	report_row(report);
	report_cell(report, "%s", uuid_text(e->uuid).s);
	report_cell(report, "%s", name_of(e->uuid).s);
	report_cell(report, e->dead ? "dead" : e->frozen ? "frozen" : "bound");
	report_pid(report, e->pid);
	report_cell(report, "%s", e->comm);
	report_pid(report, e->vmm);
	report_cell(report, "%u", e->senders);
	report_cell(report, "%llu", accepted(&e->sent));
	report_cell(report, "%llu", accepted(&e->received));
	report_cell(report, "%llu", e->received.denied);
	report_cell(report, "%llu", e->received.throttled);
}

struct list_args {
	struct report *report;
	const char *links;
};

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	struct list_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->report;
		return 0;
	case 'd':
		args->links = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option list_options[] = {
	LINKS_OPTION,
	{ 0 }
};

static const struct argp list_argp = {
	.options = list_options,
	.parser = parse_list,
	.doc = "Print who is bound, all endpoints for root, those of your processes for you; and links.",
	.children = report_child,
};

int cmd_list(int argc, char **argv)
{
	struct list_args args = { .report = report_new(), .links = PVI_LINK_DIR };
	struct report *report = args.report;
	struct endpoint *all;
	size_t nr, i;

	argp_parse(&list_argp, argc, argv, 0, NULL, &args);
	nr = find_endpoints(&all);
	list_table(report, "endpoints");
	for (i = 0; i < nr; i++)
		list_row(report, &all[i]);
	/* Without headings it is one table, a line for each endpoint */
	if (report_is_json(report) || !report_is_bare(report))
		links_table(report, args.links, NULL);
	report_print(report);
	free(all);
	return 0;
}
