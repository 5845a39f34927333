// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl top - rings per second of every row of every table, and what goes over links */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "top.h"

enum sort { SORT_RINGS, SORT_DENIED, SORT_THROTTLED };

struct args {
	struct report *report;
	struct filter filter;
	const char *links;
	double interval;
	uint32_t count;
	enum sort sort;
	bool screen;
};

static const char * const sorts[] = { "rings", "denied", "throttled" };

static enum sort parse_sort(struct argp_state *state, const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sorts); i++)
		if (!strcmp(text, sorts[i]))
			return i;
	argp_error(state, "rows are sorted by rings, denied or throttled, not by '%s'", text);
	return SORT_RINGS;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->report;
		return 0;
	case 'i':
		args->interval = strtod(arg, &end);
		if (end == arg || *end || !(args->interval >= 0.1 && args->interval <= 86400))
			argp_error(state, "the interval must be 0.1 to 86400 seconds, not '%s'",
				   arg);
		return 0;
	case 'c':
		args->count = parse_number(state, arg, 0xffffffffu, "the count");
		return 0;
	case 's':
		args->sort = parse_sort(state, arg);
		return 0;
	case 'd':
		args->links = arg;
		return 0;
	case ARGP_KEY_ARG:
		parse_filter(state, arg, &args->filter);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "interval", 'i', "SECONDS", 0, "How long to count (default: 2)", 0 },
	{ "count", 'c', "N", 0, "End after N tables", 0 },
	{ "sort", 's', "WHAT", 0, "Which rows are first: those with most rings (default), denied or throttled", 0 },
	LINKS_OPTION,
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[VM]",
	.doc = "Print how often each sender rings per second, and what goes over links, again and again. On a terminal the keys r, d and t sort as --sort does, and q ends it.",
	.children = report_child,
};

/* A row, and what it is sorted by */
struct rate {
	const struct top_edge *edge;
	uint64_t rings;
	uint64_t denied;
	uint64_t throttled;
};

static enum sort sorted_by;

static uint64_t first_key(const struct rate *rate)
{
	return sorted_by == SORT_DENIED ? rate->denied : sorted_by == SORT_THROTTLED ? rate->throttled : rate->rings;
}

/* The busiest first, and those that are alike always in one order, which is that of the sample */
static int compare_rates(const void *a, const void *b)
{
	const struct rate *x = a, *y = b;

	if (first_key(x) != first_key(y))
		return first_key(x) < first_key(y) ? 1 : -1;
	if (x->rings != y->rings)
		return x->rings < y->rings ? 1 : -1;
	return x->edge < y->edge ? -1 : x->edge > y->edge;
}

static uint64_t accepted(const struct kvm_pvi_counts *c)
{
	return c->raised + c->coalesced + c->latched;
}

static struct rate *make_rates(const struct top_sample *now)
{
	struct rate *rates = must_alloc(calloc(now->nr + 1, sizeof(*rates)));
	const struct kvm_pvi_counts *is, *was;
	size_t i;

	for (i = 0; i < now->nr; i++) {
		is = &now->edges[i].e.counts;
		was = &now->edges[i].before;
		rates[i] = (struct rate){
			.edge = &now->edges[i],
			.rings = accepted(is) - accepted(was),
			.denied = is->denied - was->denied,
			.throttled = is->throttled - was->throttled,
		};
	}
	qsort(rates, now->nr, sizeof(*rates), compare_rates);
	return rates;
}

static void sender_cells(struct report *report, const struct top_sample *now, const struct top_edge *edge)
{
	struct uuid_text uuid;
	struct name_text name;

	if (report_is_json(report)) {
		report_cell(report, "%s", sender_text(&edge->e, &uuid));
		report_cell(report, "%s", edge->e.kind == KVM_PVI_EDGE_GRANT ? "" :
			    top_sample_name(now, edge->e.uuid, &name));
	} else if (edge->e.kind == KVM_PVI_EDGE_GRANT) {
		report_cell(report, "%s", sender_text(&edge->e, &uuid));
	} else {
		report_cell(report, "%s", top_sample_called(now, edge->e.uuid, &name));
	}
}

static void vm_cells(struct report *report, const struct top_sample *now, const uuid_t uuid)
{
	struct name_text name;

	if (report_is_json(report)) {
		report_cell(report, "%s", uuid_text(uuid).s);
		report_cell(report, "%s", top_sample_name(now, uuid, &name));
	} else {
		report_cell(report, "%s", top_sample_called(now, uuid, &name));
	}
}

/* What is no good sign */
static void bad_cell(struct report *report, double rate)
{
	report_cell(report, "%.0f", rate);
	if (rate >= 0.5)
		report_colour(report, "red");
}

static void spark_cell(const struct args *args, const struct top_edge *edge)
{
	double cell = args->interval * ceil(SPARK_SECONDS / args->interval);
	size_t nr = cell < 60 ? 60 / cell : 1;
	char text[4 * SPARK_CELLS];

	report_cell(args->report, "%s", screen_spark(edge->spark + SPARK_CELLS - nr, nr, text, sizeof(text)));
	report_colour(args->report, "green");
}

static void rates_row(const struct args *args, const struct top_sample *now, const struct rate *rate, double seconds)
{
	const struct kvm_pvi_counts *is = &rate->edge->e.counts, *was = &rate->edge->before;
	struct report *report = args->report;
	char text[11];

	report_row(report);
	vm_cells(report, now, now->vms[rate->edge->receiver].uuid);
	sender_cells(report, now, rate->edge);
	report_cell(report, "%s", gsi_text(rate->edge->e.gsi, text));
	report_cell(report, "%.0f", (is->raised - was->raised) / seconds);
	report_cell(report, "%.0f", (is->coalesced - was->coalesced) / seconds);
	report_cell(report, "%.0f", (is->latched - was->latched) / seconds);
	bad_cell(report, rate->denied / seconds);
	bad_cell(report, rate->throttled / seconds);
	if (args->screen)
		spark_cell(args, rate->edge);
}

static void rates_table(const struct args *args, const struct top_sample *now, const struct rate *rates, size_t nr,
			double seconds)
{
	bool json = report_is_json(args->report);
	size_t i;

	report_table(args->report, "rates", "Rings per second",
		     json ? "RECEIVER RECEIVER_NAME SENDER SENDER_NAME GSI " COUNT_COLUMNS :
		     args->screen ? "RECEIVER SENDER GSI " COUNT_COLUMNS " LAST_MINUTE" :
				    "RECEIVER SENDER GSI " COUNT_COLUMNS);
	for (i = 0; i < nr; i++)
		rates_row(args, now, &rates[i], seconds);
}

static const struct flow_side *side_before(const struct top_sample *now, const struct flow *flow, size_t side)
{
	const struct flow *old = NULL;

	if (now->before.nr)
		old = bsearch(flow, now->before.all, now->before.nr, sizeof(*flow), flow_compare);
	return old ? &old->sides[side] : NULL;
}

/* A session that has begun meanwhile counts from 0 on */
static uint64_t increase(uint64_t is, uint64_t was)
{
	return is >= was ? is - was : is;
}

static void flow_cells(struct report *report, const struct top_sample *now, const struct flow *flow, size_t side,
		       double seconds)
{
	const struct flow_side *is = &flow->sides[side], *was = side_before(now, flow, side);
	const struct flow_side *to = &flow->sides[!side], *to_was = side_before(now, flow, !side);

	vm_cells(report, now, is->owner);
	report_cell(report, "%s", is->seen ? flow_state(is->state) : "");
	if (is->seen && was)
		report_cell(report, "%.0f", increase(is->bytes, was->bytes) / seconds);
	else
		report_cell(report, "%s", "");
	report_cell(report, "%.0f", to_was ? increase(to->wakes, to_was->wakes) / seconds : 0);
}

/* Whether a link is to be shown */
static bool is_wanted(const struct args *args, const struct flow *flow)
{
	return !args->filter.set || !uuid_compare(args->filter.uuid, flow->sides[0].owner) ||
	       !uuid_compare(args->filter.uuid, flow->sides[1].owner);
}

static void links_rates(const struct args *args, const struct top_sample *now, size_t nr, double seconds)
{
	struct report *report = args->report;
	const struct flow *flow;
	size_t i, side;

	report_table(report, "links", "Links, per second", report_is_json(report) ?
		     "LINK KIND A A_NAME A_STATE #A_BYTES #A_WAKES B B_NAME B_STATE #B_BYTES #B_WAKES" :
		     "LINK KIND A A_STATE #A_BYTES #A_WAKES B B_STATE #B_BYTES #B_WAKES");
	for (i = 0; i < now->flows.nr; i++) {
		flow = &now->flows.all[i];
		if (!is_wanted(args, flow) || !nr)
			continue;
		nr--;
		report_row(report);
		report_cell(report, report_is_json(report) ? "%s" : "%.8s", uuid_text(flow->link).s);
		report_cell(report, "%s", flow_kind(flow->kind));
		for (side = 0; side < 2; side++)
			flow_cells(report, now, flow, side, seconds);
	}
}

static size_t count_links(const struct args *args, const struct top_sample *now)
{
	size_t i, nr = 0;

	for (i = 0; i < now->flows.nr; i++)
		nr += is_wanted(args, &now->flows.all[i]);
	return nr;
}

/* As much as a line has room for */
static void print_head(const struct args *args, const struct top_sample *now, const struct rate *rates,
		       size_t shown, double seconds)
{
	uint64_t rings = 0, denied = 0, throttled = 0;
	time_t clock = time(NULL);
	char text[16], part[32] = "";
	size_t i;

	for (i = 0; i < now->nr; i++) {
		rings += rates[i].rings;
		denied += rates[i].denied;
		throttled += rates[i].throttled;
	}
	strftime(text, sizeof(text), "%H:%M:%S", localtime(&clock));
	if (shown < now->nr)
		snprintf(part, sizeof(part), ", %zu shown", shown);
	printf("%s  VMs: %zu  links: %zu  rows: %zu%s  rings/s: %.0f  denied/s: %.0f  throttled/s: %.0f  by %s\n\n",
	       text, now->nr_vms, now->flows.nr, now->nr, part, rings / seconds, denied / seconds,
	       throttled / seconds, sorts[args->sort]);
}

/* @lines: of the terminal, 0: of none. Links are few: they have up to a third */
static void print(const struct args *args, const struct top_sample *now, double seconds)
{
	unsigned int lines = args->screen ? screen_clear() : 0;
	size_t links = count_links(args, now), rows = now->nr;
	struct rate *rates;

	sorted_by = args->sort;
	rates = make_rates(now);
	if (args->screen) {
		links = links < lines / 3 ? links : lines / 3;
		/* Before: the head, a title, headings; behind: the links' heads, and the cursor */
		lines = lines > links + 8 ? lines - links - 8 : 1;
		rows = rows < lines ? rows : lines;
		print_head(args, now, rates, rows, seconds);
	}
	rates_table(args, now, rates, rows, seconds);
	if (links || report_is_json(args->report))
		links_rates(args, now, links, seconds);
	report_print(args->report);
	free(rates);
	if (now->unseen)
		warn("%zu endpoints of other processes cannot be looked into: run as root",
		     now->unseen);
}

static void wait_for(double interval)
{
	struct timespec time = { .tv_sec = interval };

	time.tv_nsec = (interval - time.tv_sec) * 1e9;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* Until there is something new to print; false: it is to end */
static bool wait_on_screen(struct args *args)
{
	int key = screen_wait(args->interval);
	size_t i;

	for (i = 0; key && i < ARRAY_SIZE(sorts); i++)
		if (key == sorts[i][0])
			args->sort = i;
	return key != 'q';
}

int cmd_top(int argc, char **argv)
{
	struct args args = { .report = report_new(), .interval = 2, .links = PVI_LINK_DIR };
	struct top_sample before, now;
	double seconds;
	uint32_t n;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	before = top_sample_take(&args.filter, args.links);
	args.screen = !report_is_json(args.report) && screen_begin();
	for (n = 0; !args.count || n < args.count; n++) {
		if (!args.screen)
			wait_for(args.interval);
		else if (!wait_on_screen(&args))
			break;
		now = top_sample_take(&args.filter, args.links);
		seconds = top_sample_follow(&now, &before);
		print(&args, &now, seconds);
		before = now;
	}
	top_sample_free(&before);
	return 0;
}
