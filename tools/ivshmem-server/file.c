// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server file - options that stand in a file
 *
 * It has the form of systemd's EnvironmentFile=: lines IVSHMEM=OPTIONS, of which there may be more
 * than one, in quotes or not, with a backslash where one goes on in the next, and comments.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

#define VARIABLE "IVSHMEM="
#define BLANK " \t\r\n"
#define MAX_WORDS 4096

static PRINTF_LIKE(2, 3) void wrong(struct parsing *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->error, ERROR_MAX, fmt, ap);
	va_end(ap);
}

/* What is between quotes, if the value is */
static char *unquote(char *value)
{
	size_t length;

	value += strspn(value, BLANK);
	length = strlen(value);
	while (length && strchr(BLANK, value[length - 1]))
		value[--length] = 0;
	if (length < 2 || !strchr("\"'", value[0]) || value[length - 1] != value[0])
		return value;
	value[length - 1] = 0;
	return value + 1;
}

static void parse_words(struct parsing *p, char *value)
{
	char **words = must_alloc(calloc(MAX_WORDS + 2, sizeof(*words))), *word, *rest;
	int nr = 1;

	words[0] = "pvi-ivshmem-server";
	for (word = strtok_r(value, BLANK, &rest); word && nr <= MAX_WORDS; word = strtok_r(NULL, BLANK, &rest))
		words[nr++] = word;
	if (word)
		wrong(p, "more than %u words", MAX_WORDS);
	else
		args_parse(p, nr, words);
	free(words);
}

static void parse_line(struct parsing *p, char *line)
{
	char text[ERROR_MAX];

	line += strspn(line, BLANK);
	if (!*line || strchr("#;", *line))
		return;
	if (strncmp(line, VARIABLE, strlen(VARIABLE))) {
		line[strcspn(line, BLANK)] = 0;
		wrong(p, "write " VARIABLE "OPTIONS, not '%.60s'", line);
	} else {
		parse_words(p, unquote(line + strlen(VARIABLE)));
	}
	if (!*p->error)
		return;
	snprintf(text, sizeof(text), "%s", p->error);
	wrong(p, "%.200s:%u: %.280s", p->file, p->line, text);
}

/* A line with those that it goes on in; false at the end */
static bool read_line(FILE *in, char **line, unsigned int *nr)
{
	char *more = NULL, *joined;
	size_t room = 0, length;
	ssize_t got;

	free(*line);
	*line = must_alloc(strdup(""));
	*nr = 0;
	while ((got = getline(&more, &room, in)) > 0) {
		++*nr;
		length = strlen(*line);
		joined = must_alloc(realloc(*line, length + got + 1));
		*line = joined;
		memcpy(joined + length, more, got);
		length += got;
		joined[length] = 0;
		if (length < 2 || strcmp(joined + length - 2, "\\\n"))
			break;
		joined[length - 2] = 0;
	}
	free(more);
	return *nr;
}

/* One that is not there says nothing. */
void file_parse(struct parsing *p)
{
	FILE *in = fopen(p->file, "re");
	unsigned int next = 1, nr;
	char *line = NULL;

	if (!in && errno != ENOENT)
		wrong(p, "%.200s: %s", p->file, strerror(errno));
	if (!in)
		return;
	for (; !*p->error && read_line(in, &line, &nr); next += nr) {
		p->line = next;
		parse_line(p, line);
	}
	if (ferror(in) && !*p->error)
		wrong(p, "%.200s: cannot be read: %s", p->file, strerror(errno));
	free(line);
	fclose(in);
}
