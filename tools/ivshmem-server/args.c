// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server args - the command line */
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <libpvi.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"

enum {
	OPT_NO_KVM_PVI = 0x100,
	OPT_MAX_PER_PROCESS,
	OPT_MAX_PER_USER,
	OPT_IDS,
	OPT_IDS_PER_PROCESS,
	OPT_IDS_PER_USER,
	OPT_CHECK,
	OPT_RELOAD,
};

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0, "More of these options stand there, as IVSHMEM=OPTIONS; SIGHUP reads it again", 0 },
	{ "check", OPT_CHECK, NULL, 0, "See whether the options can be understood, and do nothing else", 0 },
	{ "reload", OPT_RELOAD, "PID", 0, "Have this server read its options again, and fail if it does not take them", 0 },
	{ "socket", 's', "PATH", 0, "Listen there, unless systemd passes a socket", 0 },
	{ "size", 'm', "SIZE", 0, "The shared memory in bytes, K, M or G; a power of 2 [4M]", 0 },
	{ "vectors", 'n', "N", 0, "Vectors of each peer [1]", 0 },
	{ "max-peers", 'M', "N", 0, "QEMUs that may be connected at once [64]", 0 },
	{ "max-per-process", OPT_MAX_PER_PROCESS, "N", 0, "Connections of one process at once [8]", 0 },
	{ "max-per-user", OPT_MAX_PER_USER, "N", 0,
	  "Connections of one user at once [as --max-peers]", 0 },
	{ "ids", OPT_IDS, "N", 0, "Ids that there are [65536]", 0 },
	{ "ids-per-process", OPT_IDS_PER_PROCESS, "N", 0,
	  "Those that one process may use up [1/64 of --ids, 64 at least]", 0 },
	{ "ids-per-user", OPT_IDS_PER_USER, "N", 0,
	  "Those that one user may use up [3/4 of --ids]", 0 },
	{ "timeout", 't', "SECONDS", 0,
	  "Disconnect a QEMU that has not read for so long [60]", 0 },
	{ "uuid", 'u', "UUID", 0,
	  "Name of id 0, ending in 0000, where those of other ids have their id [made of the socket's path]",
	  1 },
	{ "allow", 'a', "UUID[:VECTOR]", 0,
	  "Let this endpoint of kvm_pvi ring the QEMUs' vectors, or one of them", 1 },
	{ "peer", 'p', "UUID:GSI[,GSI...]", 0,
	  "Add a peer whose vectors ring these GSIs of that endpoint", 1 },
	{ "no-kvm-pvi", OPT_NO_KVM_PVI, NULL, 0, "Be a server of ivshmem and nothing else", 1 },
	{ 0 }
};

/* The first that is wrong is told. Whoever finds it goes on, and what comes out is thrown away. */
static PRINTF_LIKE(2, 3) void wrong(struct argp_state *state, const char *fmt, ...)
{
	struct parsing *p = state->input;
	va_list ap;

	if (*p->error)
		return;
	va_start(ap, fmt);
	vsnprintf(p->error, ERROR_MAX, fmt, ap);
	va_end(ap);
}

/* 0x10 is 16, but nobody means 8 by 010. */
static bool is_octal(const char *text)
{
	return text[0] == '0' && isdigit((unsigned char)text[1]);
}

static uint64_t parse_number(struct argp_state *state, const char *text, uint64_t min,
			     uint64_t max, const char *what)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || is_octal(text) || value < min || value > max)
		wrong(state, "%s must be a number from %llu to %llu, not '%s'", what,
			   (unsigned long long)min, (unsigned long long)max, text);
	return value;
}

/* QEMU makes a PCI BAR of it. */
static uint64_t parse_size(struct argp_state *state, const char *text)
{
	static const char units[] = "KMG";
	uint64_t size;
	const char *unit;
	int shift = 0;
	char *end;

	errno = 0;
	size = strtoull(text, &end, 0);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unit - units + 1);
		end++;
	}
	if (errno || *end || *text == '-' || is_octal(text) || size > (uint64_t)INT64_MAX >> shift)
		size = 0;
	size <<= shift;
	if (size < 4096 || size & (size - 1))
		wrong(state, "the size must be a power of 2 and at least 4K, not '%s'", text);
	return size;
}

static void parse_uuid(struct argp_state *state, const char *text, uuid_t uuid)
{
	if (uuid_parse(text, uuid))
		wrong(state, "'%s' is not a UUID", text);
}

static void parse_base(struct argp_state *state, struct settings *s, const char *text)
{
	parse_uuid(state, text, s->uuid);
	if (s->uuid[14] || s->uuid[15])
		wrong(state, "'%s' must end in 0000, in place of which ids are put", text);
	s->has_uuid = true;
}

/* Cuts @text at the colon. What is behind it, or NULL. */
static char *split(char *text)
{
	char *colon = strchr(text, ':');

	if (colon)
		*colon++ = 0;
	return colon;
}

static void add_allowed(struct argp_state *state, struct settings *s, const char *arg)
{
	char *text = must_alloc(strdup(arg)), *vector = split(text);
	struct allowed *a;

	if (s->nr_allowed == MAX_ALLOWED)
		wrong(state, "there can be %u --allow", MAX_ALLOWED);
	s->allowed = must_alloc(reallocarray(s->allowed, s->nr_allowed + 1, sizeof(*a)));
	a = &s->allowed[s->nr_allowed++];
	parse_uuid(state, text, a->uuid);
	a->gsi = KVM_PVI_GSI_ANY;
	if (vector)
		a->gsi = parse_number(state, vector, 0, MAX_VECTORS - 1, "a vector");
	free(text);
}

static void add_target(struct argp_state *state, struct settings *s, const char *arg)
{
	char *text = must_alloc(strdup(arg)), *gsis = split(text), *gsi;
	struct target *t;

	if (s->nr_targets == MAX_TARGETS)
		wrong(state, "there can be %u --peer", MAX_TARGETS);
	s->targets = must_alloc(reallocarray(s->targets, s->nr_targets + 1, sizeof(*t)));
	t = &s->targets[s->nr_targets++];
	memset(t, 0, sizeof(*t));
	parse_uuid(state, text, t->uuid);
	if (!gsis)
		wrong(state, "--peer wants a UUID, a colon and GSIs, not '%s'", arg);
	while ((gsi = strsep(&gsis, ","))) {
		if (t->nr_gsis == MAX_VECTORS) {
			wrong(state, "'%s' has more than %u GSIs", arg, MAX_VECTORS);
			break;
		}
		t->gsis[t->nr_gsis++] = parse_number(state, gsi, 0, MAX_GSI, "a GSI");
	}
	free(text);
}

static error_t parse_quota(int key, char *arg, struct argp_state *state)
{
	struct settings *s = ((struct parsing *)state->input)->settings;
	struct quota *process = &s->quotas[PROCESS], *user = &s->quotas[USER];

	switch (key) {
	case OPT_MAX_PER_PROCESS:
		process->places = parse_number(state, arg, 1, MAX_PEERS, "--max-per-process");
		break;
	case OPT_MAX_PER_USER:
		user->places = parse_number(state, arg, 1, MAX_PEERS, "--max-per-user");
		break;
	case OPT_IDS:
		s->ids = parse_number(state, arg, 1, NR_IDS, "--ids");
		break;
	case OPT_IDS_PER_PROCESS:
		process->ids = parse_number(state, arg, 1, NR_IDS, "--ids-per-process");
		break;
	case OPT_IDS_PER_USER:
		user->ids = parse_number(state, arg, 1, NR_IDS, "--ids-per-user");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t parse_changeable(int key, char *arg, struct argp_state *state)
{
	struct settings *s = ((struct parsing *)state->input)->settings;

	switch (key) {
	case 'M':
		s->max_peers = parse_number(state, arg, 1, MAX_PEERS, "--max-peers");
		break;
	case 't':
		s->timeout = parse_number(state, arg, 1, 86400, "--timeout");
		break;
	case 'a':
		add_allowed(state, s, arg);
		break;
	default:
		return parse_quota(key, arg, state);
	}
	return 0;
}

static error_t parse_fixed(int key, char *arg, struct argp_state *state, struct parsing *p)
{
	struct settings *s = p->settings;
	enum fixed fixed;

	switch (key) {
	case 's':
		fixed = FIXED_SOCKET;
		free(s->socket);
		s->socket = must_alloc(strdup(arg));
		break;
	case 'm':
		fixed = FIXED_SIZE;
		s->size = parse_size(state, arg);
		break;
	case 'n':
		fixed = FIXED_VECTORS;
		s->vectors = parse_number(state, arg, 1, MAX_VECTORS, "--vectors");
		break;
	case 'u':
		fixed = FIXED_UUID;
		parse_base(state, s, arg);
		break;
	case 'p':
		fixed = FIXED_PEER;
		add_target(state, s, arg);
		break;
	case OPT_NO_KVM_PVI:
		fixed = FIXED_NO_KVM_PVI;
		s->no_kvm_pvi = true;
		break;
	default:
		return parse_changeable(key, arg, state);
	}
	s->lines[fixed] = p->line;
	return 0;
}

static void parse_for_command_line(int key, char *arg, struct argp_state *state, struct parsing *p)
{
	if (p->file)
		wrong(state, "--%s is for the command line", key == 'c' ? "config" : key == OPT_CHECK ? "check" : "reload");
	else if (key == 'c')
		p->settings->config = arg;
	else if (key == OPT_CHECK)
		p->settings->check = true;
	else
		p->settings->reload = parse_number(state, arg, 2, INT_MAX, "--reload");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct parsing *p = state->input;
	error_t ret = 0;

	switch (key) {
	case 'c':
	case OPT_CHECK:
	case OPT_RELOAD:
		parse_for_command_line(key, arg, state, p);
		break;
	case ARGP_KEY_ARG:
		wrong(state, "what is '%s'?", arg);
		break;
	case ARGP_KEY_ERROR:
		p->word = state->argv[state->next > 0 ? state->next - 1 : 0];
		break;
	default:
		ret = parse_fixed(key, arg, state, p);
	}
	return *p->error ? EINVAL : ret;
}

const char *argp_program_version = "pvi-ivshmem-server " VERSION;

int args_parse(struct parsing *p, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Serve shared memory and doorbells to QEMU's ivshmem-doorbell devices, and join them with kvm_pvi.",
	};
	unsigned int flags = p->file ? ARGP_NO_EXIT | ARGP_NO_ERRS | ARGP_NO_HELP : 0;
	int ret = argp_parse(&argp, argc, argv, flags, NULL, p);

	if (ret && !*p->error)
		snprintf(p->error, ERROR_MAX, "'%s' is no option, or lacks its value", p->word);
	return ret;
}
