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
	uint64_t epoch;
	struct kvm_pvi_edge e;
};

struct sample {
	struct timespec time;
	struct edge *edges;
	size_t nr;
	size_t unseen;
};

struct args {
	struct report *report;
	bool has_uuid;
	uuid_t uuid;
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
		if (state->arg_num > 0)
			argp_error(state, "too many arguments: '%s'", arg);
		parse_uuid(state, arg, args->uuid);
		args->has_uuid = true;
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
	.args_doc = "[UUID]",
	.doc = "Print how often each sender rings per second, again and again.",
	.children = report_child,
};

static void add_edges(struct sample *sample, const struct endpoint *e, int pvi)
{
	struct edge edge = { .e = { .size = sizeof(edge.e) } };

	uuid_copy(edge.receiver, e->uuid);
	pvi_query_wide(pvi, KVM_PVI_Q_SELF, 0, KVM_PVI_Q_SELF_EPOCH, &edge.epoch);
	while (pvi_next_edge(pvi, &edge.e) > 0) {
		sample->edges = must_alloc(realloc(sample->edges,
						   (sample->nr + 1) * sizeof(edge)));
		sample->edges[sample->nr++] = edge;
	}
}

/* No endpoint is kept open: it would live on when its owner closes it. */
static struct sample take_sample(const struct args *args)
{
	struct sample sample = { 0 };
	struct endpoint *all;
	size_t nr = find_endpoints(&all), i;
	int pvi;

	clock_gettime(CLOCK_MONOTONIC, &sample.time);
	for (i = 0; i < nr; i++) {
		if (all[i].dead || (args->has_uuid && uuid_compare(all[i].uuid, args->uuid)))
			continue;
		pvi = take_endpoint(&all[i]);
		if (pvi == -EPERM)
			sample.unseen++;
		if (pvi < 0)
			continue;
		add_edges(&sample, &all[i], pvi);
		close(pvi);
	}
	free(all);
	return sample;
}

/* A row's number is never used again in its endpoint's life, nor is an epoch. */
static struct kvm_pvi_counts counts_before(const struct sample *sample, const struct edge *edge)
{
	const struct kvm_pvi_counts none = { 0 };
	size_t i;

	for (i = 0; i < sample->nr; i++)
		if (sample->edges[i].epoch == edge->epoch &&
		    sample->edges[i].e.cursor == edge->e.cursor)
			return sample->edges[i].e.counts;
	return none;
}

static double seconds_between(const struct timespec *from, const struct timespec *to)
{
	return to->tv_sec - from->tv_sec + (to->tv_nsec - from->tv_nsec) * 1e-9;
}

static void add_row(struct report *report, const struct edge *edge,
		    const struct kvm_pvi_counts *before, double seconds)
{
	const struct kvm_pvi_counts *now = &edge->e.counts;
	struct uuid_text sender;
	char text[11];

	report_row(report);
	report_cell(report, "%s", uuid_text(edge->receiver).s);
	report_cell(report, "%s", sender_text(&edge->e, &sender));
	report_cell(report, "%s", gsi_text(edge->e.gsi, text));
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

static int compare(const void *a, const void *b, void *arg)
{
	const struct edge *x = a, *y = b;
	struct kvm_pvi_counts x_before = counts_before(arg, x), y_before = counts_before(arg, y);
	unsigned long long nx = accepted(&x->e.counts) - accepted(&x_before);
	unsigned long long ny = accepted(&y->e.counts) - accepted(&y_before);

	return nx < ny ? 1 : nx > ny ? -1 : 0;
}

static void print(struct report *report, struct sample *now, struct sample *before)
{
	double seconds = seconds_between(&before->time, &now->time);
	struct kvm_pvi_counts counts;
	size_t i;

	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	qsort_r(now->edges, now->nr, sizeof(*now->edges), compare, before);
	report_table(report, "rates", "Rings per second",
		     "RECEIVER SENDER GSI " COUNT_COLUMNS);
	for (i = 0; i < now->nr; i++) {
		counts = counts_before(before, &now->edges[i]);
		add_row(report, &now->edges[i], &counts, seconds);
	}
	report_print(report);
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
