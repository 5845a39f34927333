// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl attach - its arguments */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "pvictl.h"

enum { OPTION_PID_FILE = 0x100, OPTION_FD, OPTION_ALLOW_BELL, OPTION_UNSEALED };

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0, "The VMM's process", 0 },
	{ "pid-file", OPTION_PID_FILE, "FILE", 0, "The VMM's process, read from FILE", 0 },
	{ "fd", OPTION_FD, "N", 0, "The VM is descriptor N of it (default: the only VM there is)", 0 },
	{ "uuid", 'u', "UUID", 0, "The VM's name (default: QEMU's -uuid)", 0 },
	{ "expose", 'e', "GSI[-GSI],...", 0,
	  "Make these GSIs ringable: injected by the host; from 65536 on virtual ones", 0 },
	{ "bell", 'b', "GSI", 0, "Make a bell over this GSI, too; bells count from 0", 0 },
	{ "status", 's', "GSI:FILE[:OFFSET]", 0, "Keep a status word of this GSI there", 0 },
	{ "unsealed", OPTION_UNSEALED, NULL, 0, "Even if senders can write the words that follow", 0 },
	{ "allow", 'a', "VM[:GSI]", 0,
	  "Let VM ring this GSI, or any; rate N, burst N and owner USER may follow as words of their own", 0 },
	{ "allow-bell", OPTION_ALLOW_BELL, "VM:BELL", 0,
	  "Let VM set all flags of this bell; flags MASK, and the same, may follow", 0 },
	LINKS_OPTION,
	{ 0 }
};

static void add(uint32_t **list, size_t *nr, uint32_t gsi)
{
	*list = must_alloc(realloc(*list, (*nr + 1) * sizeof(**list)));
	(*list)[(*nr)++] = gsi;
}

static void parse_range(struct argp_state *state, struct attach *a, char *text)
{
	uint32_t last, gsi = parse_first_last(state, text, &last);

	for (; gsi <= last; gsi++)
		add(&a->gsis, &a->nr_gsis, gsi);
}

static void parse_expose(struct argp_state *state, struct attach *a, char *list)
{
	char *range;

	while ((range = strsep(&list, ",")))
		parse_range(state, a, range);
}

/* Nothing more is said of the last one. */
static void end_row(struct argp_state *state, struct attach *a)
{
	if (a->word)
		argp_error(state, "'%s' wants a value", a->word);
	if (a->nr_rows)
		check_row(state, &a->rows[a->nr_rows - 1]);
}

static void parse_allow(struct argp_state *state, struct attach *a, char *text, bool bell)
{
	struct row row = { .gsi = KVM_PVI_GSI_ANY, .bell = bell, .bits = ~0ull };
	char *colon = strchr(text, ':');

	end_row(state, a);
	if (colon)
		*colon++ = '\0';
	if (bell)
		row.gsi = parse_number(state, colon ? colon : "", MAX_BELL, "a bell");
	else if (colon)
		row.gsi = parse_gsi(state, colon);
	parse_vm(state, text, row.sender);
	a->rows = must_alloc(realloc(a->rows, (a->nr_rows + 1) * sizeof(row)));
	a->rows[a->nr_rows++] = row;
}

/* Words that follow --allow and --allow-bell: as "pvictl allow" has them */
static void parse_word(struct argp_state *state, struct attach *a, const char *word)
{
	if (!a->nr_rows)
		argp_error(state, "too many arguments: '%s'", word);
	if (!a->word) {
		a->word = word;
		return;
	}
	if (!parse_row_word(state, &a->rows[a->nr_rows - 1], a->word, word))
		argp_error(state, "'%s' is none of " ROW_WORDS, a->word);
	a->word = NULL;
}

static void parse_status(struct argp_state *state, struct attach *a, char *text)
{
	struct attach_status word = { .flags = a->status_flags };
	char *path = strchr(text, ':'), *offset;

	if (!path)
		argp_error(state, "--status wants a GSI, a colon and a file, not '%s'", text);
	*path++ = '\0';
	word.gsi = parse_number(state, text, MAX_GSI, "a GSI");
	offset = strrchr(path, ':');
	if (offset) {
		*offset++ = '\0';
		word.offset = parse_number(state, offset, UINT32_MAX, "the offset");
	}
	word.path = path;
	a->words = must_alloc(realloc(a->words, (a->nr_words + 1) * sizeof(word)));
	a->words[a->nr_words++] = word;
}

static void read_pid_file(struct argp_state *state, struct attach *a, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[32] = "";

	if (!file)
		die_doing(DOING_OTHER, errno, "%s", path);
	if (!fgets(line, sizeof(line), file))
		die("%s: there is no PID in it", path);
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	a->pid = parse_number(state, line, INT_MAX, "a PID");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct attach *a = state->input;

	switch (key) {
	case 'p':
		a->pid = parse_number(state, arg, INT_MAX, "a PID");
		return 0;
	case OPTION_PID_FILE:
		read_pid_file(state, a, arg);
		return 0;
	case OPTION_FD:
		a->vm_fd = parse_number(state, arg, INT_MAX, "a descriptor");
		return 0;
	case 'u':
		parse_uuid(state, arg, a->uuid);
		a->has_uuid = true;
		return 0;
	case 'e':
		parse_expose(state, a, arg);
		return 0;
	case 'b':
		add(&a->bells, &a->nr_bells, parse_number(state, arg, MAX_GSI, "a GSI"));
		return 0;
	case 's':
		parse_status(state, a, arg);
		return 0;
	case OPTION_UNSEALED:
		a->status_flags = KVM_PVI_STATUS_UNSEALED;
		return 0;
	case 'a':
		parse_allow(state, a, arg, false);
		return 0;
	case OPTION_ALLOW_BELL:
		parse_allow(state, a, arg, true);
		return 0;
	case 'd':
		a->links = arg;
		return 0;
	case ARGP_KEY_ARG:
		parse_word(state, a, arg);
		return 0;
	case ARGP_KEY_END:
		end_row(state, a);
		if (!a->pid)
			argp_error(state, "which process? Give --pid or --pid-file");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Bind the VM of a running VMM that knows nothing of kvm_pvi, until either process ends.",
};

void attach_parse(struct attach *a, int argc, char **argv)
{
	a->vm_fd = -1;
	a->links = PVI_LINK_DIR;
	/* Words belong to the option before them. */
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, a);
}
