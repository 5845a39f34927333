// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvictl table - tables for people, JSON for programs
 *
 * libsmartcols prints either, but one table is one JSON document to it. So each
 * table is printed into a string, and the strings become one document here.
 */
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvictl.h"

#define MAX_TABLES 8

struct table {
	struct libscols_table *scols;
	const char *title;
};

struct report {
	bool json;
	bool noheadings;
	size_t nr;
	struct table tables[MAX_TABLES];
	struct libscols_line *line;
	size_t cell;
};

static error_t parse(int option, char *arg, struct argp_state *state)
{
	struct report *report = state->input;

	(void)arg;
	switch (option) {
	case 'J':
		report->json = true;
		return 0;
	case 'n':
		report->noheadings = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "json", 'J', NULL, 0, "Print JSON", 0 },
	{ "noheadings", 'n', NULL, 0, "Do not print headings", 0 },
	{ 0 }
};

static const struct argp argp = { .options = options, .parser = parse };

const struct argp_child report_child[] = { { .argp = &argp }, { 0 } };

struct report *report_new(void)
{
	return must_alloc(calloc(1, sizeof(struct report)));
}

bool report_is_json(const struct report *report)
{
	return report->json;
}

bool report_is_bare(const struct report *report)
{
	return report->noheadings;
}

static void add_column(struct libscols_table *scols, const char *name)
{
	int type = *name == '#' ? SCOLS_JSON_NUMBER : *name == '?' ? SCOLS_JSON_BOOLEAN :
							      SCOLS_JSON_STRING;
	bool text = type == SCOLS_JSON_STRING;
	struct libscols_column *column;

	column = must_alloc(scols_table_new_column(scols, name + !text, 0,
						   text ? 0 : SCOLS_FL_RIGHT));
	scols_column_set_json_type(column, type);
}

void report_table(struct report *report, const char *name, const char *title,
		  const char *columns)
{
	struct table *table = &report->tables[report->nr++];
	char *names = must_alloc(strdup(columns)), *rest = names, *column;

	table->scols = must_alloc(scols_new_table());
	table->title = title;
	scols_table_set_name(table->scols, name);
	scols_table_enable_json(table->scols, report->json);
	scols_table_enable_noheadings(table->scols, report->noheadings);
	while ((column = strsep(&rest, " ")))
		add_column(table->scols, column);
	free(names);
}

void report_row(struct report *report)
{
	struct table *table = &report->tables[report->nr - 1];

	report->line = must_alloc(scols_table_new_line(table->scols, NULL));
	report->cell = 0;
}

void report_cell(struct report *report, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	must_alloc(text);
	if (*text)
		scols_line_refer_data(report->line, report->cell, text);
	else
		free(text);
	report->cell++;
}

void report_colour(struct report *report, const char *colour)
{
	struct table *table = &report->tables[report->nr - 1];

	if (report->json || !isatty(STDOUT_FILENO) || getenv("NO_COLOR"))
		return;
	scols_table_enable_colors(table->scols, 1);
	if (scols_cell_set_color(scols_line_get_cell(report->line, report->cell - 1), colour))
		die("out of memory");
}

void report_pid(struct report *report, pid_t pid)
{
	if (pid)
		report_cell(report, "%d", pid);
	else
		report_cell(report, "%s", "");
}

void report_counts(struct report *report, const struct kvm_pvi_counts *counts)
{
	report_cell(report, "%llu", counts->raised);
	report_cell(report, "%llu", counts->coalesced);
	report_cell(report, "%llu", counts->latched);
	report_cell(report, "%llu", counts->denied);
	report_cell(report, "%llu", counts->throttled);
}

/* smartcols prints no array for a table without lines. */
static void print_json(const struct table *table)
{
	char *text, *begin, *end;

	if (scols_table_is_empty(table->scols)) {
		printf("   \"%s\": []", scols_table_get_name(table->scols));
		return;
	}
	if (scols_print_table_to_string(table->scols, &text))
		die("out of memory");
	begin = strchr(text, '{') + 1;
	end = strrchr(text, '}');
	while (end > begin && end[-1] == '\n')
		end--;
	printf("%.*s", (int)(end - begin - (*begin == '\n')), begin + (*begin == '\n'));
	free(text);
}

static void print_text(const struct table *table, bool first)
{
	if (table->title)
		printf("%s%s:%s\n", first ? "" : "\n", table->title,
		       scols_table_is_empty(table->scols) ? " none" : "");
	if (!scols_table_is_empty(table->scols))
		scols_print_table(table->scols);
}

void report_print(struct report *report)
{
	size_t i;

	if (report->json)
		puts("{");
	for (i = 0; i < report->nr; i++) {
		if (report->json)
			print_json(&report->tables[i]);
		else
			print_text(&report->tables[i], !i);
		if (report->json)
			puts(i + 1 < report->nr ? "," : "\n}");
		scols_unref_table(report->tables[i].scols);
	}
	report->nr = 0;
	fflush(stdout);
}
