// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl top - rings per second of every row of every table */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pvictl.h"

struct edge {
	uuid_t receiver;
	uint64_t number;	/* of the endpoint, or its epoch */
	struct kvm_pvi_list_edge e;
};

/* @edges is sorted by what a row is known by. */
struct sample {
	struct timespec time;
	struct edge *edges;
	size_t nr;
	size_t room;
	size_t unseen;
};

struct rate {
	const struct edge *edge;
	struct kvm_pvi_counts before;
	unsigned long long accepted;	/* since then */
};

struct args {
	struct report *report;
	struct filter filter;
	double interval;
	uint32_t count;
};

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
	case ARGP_KEY_ARG:
		parse_filter(state, arg, &args->filter);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "interval", 'i', "SECONDS", 0, "How long to count (default: 2)", 0 },
	{ "count", 'c', "N", 0, "End after N tables", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[VM]",
	.doc = "Print how often each sender rings per second, again and again.",
	.children = report_child,
};

static void append(struct sample *sample, const struct edge *edge)
{
	if (sample->nr == sample->room) {
		sample->room = sample->room ? 2 * sample->room : 64;
		sample->edges = must_alloc(reallocarray(sample->edges, sample->room,
							sizeof(*sample->edges)));
	}
	sample->edges[sample->nr++] = *edge;
}

static void add_edges(struct sample *sample, const struct endpoint *e, int pvi)
{
	struct edge edge = { .number = e->number };
	struct edge_list edges;
	size_t i;

	uuid_copy(edge.receiver, e->uuid);
	if (!e->listed)
		pvi_query_wide(pvi, KVM_PVI_Q_SELF, 0, KVM_PVI_Q_SELF_EPOCH, &edge.number);
	list_edges(e, pvi, &edges);
	for (i = 0; i < edges.nr; i++) {
		edge.e = edges.all[i];
		append(sample, &edge);
	}
	free(edges.all);
}

/* A row's number is never used again in its endpoint's life, nor is an endpoint's number or an epoch. */
static int compare_keys(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->e.id < y->e.id ? -1 : x->e.id > y->e.id;
}

/* No endpoint is kept open: it would live on when its owner closes it. */
static struct sample take_sample(const struct args *args)
{
	struct sample sample = { 0 };
	struct endpoint *all;
	size_t nr = find_endpoints(&all), i;
	int pvi = -1;

	clock_gettime(CLOCK_MONOTONIC, &sample.time);
	for (i = 0; i < nr; i++) {
		if (all[i].dead || (args->filter.set && uuid_compare(all[i].uuid, args->filter.uuid)))
			continue;
		if (!all[i].listed)
			pvi = take_endpoint(&all[i]);
		if (!all[i].listed && pvi == -EPERM)
			sample.unseen++;
		if (!all[i].listed && pvi < 0)
			continue;
		add_edges(&sample, &all[i], pvi);
		if (pvi >= 0)
			close(pvi);
	}
	free(all);
	if (sample.nr)
		qsort(sample.edges, sample.nr, sizeof(*sample.edges), compare_keys);
	return sample;
}

static double seconds_between(const struct timespec *from, const struct timespec *to)
{
	return to->tv_sec - from->tv_sec + (to->tv_nsec - from->tv_nsec) * 1e-9;
}

static void add_row(struct report *report, const struct rate *rate, double seconds)
{
	const struct kvm_pvi_counts *now = &rate->edge->e.counts, *before = &rate->before;
	struct uuid_text sender;
	char text[11];

	report_row(report);
	report_cell(report, "%s", uuid_text(rate->edge->receiver).s);
	report_cell(report, "%s", sender_text(&rate->edge->e, &sender));
	report_cell(report, "%s", gsi_text(rate->edge->e.gsi, text));
	report_cell(report, "%.0f", (now->raised - before->raised) / seconds);
	report_cell(report, "%.0f", (now->coalesced - before->coalesced) / seconds);
	report_cell(report, "%.0f", (now->latched - before->latched) / seconds);
	report_cell(report, "%.0f", (now->denied - before->denied) / seconds);
	report_cell(report, "%.0f", (now->throttled - before->throttled) / seconds);
}

static unsigned long long accepted(const struct kvm_pvi_counts *c)
{
	return c->raised + c->coalesced + c->latched;
}

/* The busiest first, and those that are alike always in one order */
static int compare_rates(const void *a, const void *b)
{
	const struct rate *x = a, *y = b;

	if (x->accepted != y->accepted)
		return x->accepted < y->accepted ? 1 : -1;
	return compare_keys(x->edge, y->edge);
}

static void fill_rate(struct rate *rate, const struct edge *edge, const struct sample *before)
{
	const struct edge *old = NULL;

	if (before->nr)
		old = bsearch(edge, before->edges, before->nr, sizeof(*edge), compare_keys);
	*rate = (struct rate){ .edge = edge };
	if (old)
		rate->before = old->e.counts;
	rate->accepted = accepted(&edge->e.counts) - accepted(&rate->before);
}

static struct rate *make_rates(const struct sample *now, const struct sample *before)
{
	struct rate *rates = must_alloc(calloc(now->nr + 1, sizeof(*rates)));
	size_t i;

	for (i = 0; i < now->nr; i++)
		fill_rate(&rates[i], &now->edges[i], before);
	qsort(rates, now->nr, sizeof(*rates), compare_rates);
	return rates;
}

static void print(struct report *report, const struct sample *now, const struct sample *before)
{
	double seconds = seconds_between(&before->time, &now->time);
	struct rate *rates = make_rates(now, before);
	size_t i;

	if (isatty(STDOUT_FILENO) && !report_is_json(report))
		fputs("\033[H\033[2J", stdout);
	report_table(report, "rates", "Rings per second",
		     "RECEIVER SENDER GSI " COUNT_COLUMNS);
	for (i = 0; i < now->nr; i++)
		add_row(report, &rates[i], seconds);
	report_print(report);
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

int cmd_top(int argc, char **argv)
{
	struct args args = { .report = report_new(), .interval = 2 };
	struct sample before, now;
	uint32_t n;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	before = take_sample(&args);
	for (n = 0; !args.count || n < args.count; n++) {
		wait_for(args.interval);
		now = take_sample(&args);
		print(args.report, &now, &before);
		free(before.edges);
		before = now;
	}
	free(before.edges);
	return 0;
}
