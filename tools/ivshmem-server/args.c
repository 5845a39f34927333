// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server args - the command line */
#include <argp.h>
#include <errno.h>
#include <libpvi.h>
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
};

static const struct argp_option options[] = {
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

static uint64_t parse_number(struct argp_state *state, const char *text, uint64_t min,
			     uint64_t max, const char *what)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value < min || value > max)
		argp_error(state, "%s must be a number from %llu to %llu, not '%s'", what,
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
	if (errno || *end || *text == '-' || size > (uint64_t)INT64_MAX >> shift)
		size = 0;
	size <<= shift;
	if (size < 4096 || size & (size - 1))
		argp_error(state, "the size must be a power of 2 and at least 4K, not '%s'", text);
	return size;
}

static void parse_uuid(struct argp_state *state, const char *text, uuid_t uuid)
{
	if (uuid_parse(text, uuid))
		argp_error(state, "'%s' is not a UUID", text);
}

static void parse_base(struct argp_state *state, struct settings *s, const char *text)
{
	parse_uuid(state, text, s->uuid);
	if (s->uuid[14] || s->uuid[15])
		argp_error(state, "'%s' must end in 0000, in place of which ids are put", text);
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

	s->targets = must_alloc(reallocarray(s->targets, s->nr_targets + 1, sizeof(*t)));
	t = &s->targets[s->nr_targets++];
	memset(t, 0, sizeof(*t));
	parse_uuid(state, text, t->uuid);
	if (!gsis)
		argp_error(state, "--peer wants a UUID, a colon and GSIs, not '%s'", arg);
	while ((gsi = strsep(&gsis, ","))) {
		if (t->nr_gsis == MAX_VECTORS)
			argp_error(state, "'%s' has more than %u GSIs", arg, MAX_VECTORS);
		t->gsis[t->nr_gsis++] = parse_number(state, gsi, 0, MAX_GSI, "a GSI");
	}
	free(text);
}

static unsigned int at_most(unsigned int n, unsigned int most)
{
	return n < most ? n : most;
}

/* What was not given, and depends on what was */
static void complete(struct settings *s)
{
	struct quota *process = &s->quotas[PROCESS], *user = &s->quotas[USER];

	if (!user->places)
		user->places = s->max_peers;
	if (!user->ids)
		user->ids = s->ids - s->ids / 4;
	if (!process->ids)
		process->ids = at_most(s->ids < 4096 ? 64 : s->ids / 64, user->ids);
}

/* What can only be said when all is known */
static void check(struct argp_state *state, const struct settings *s)
{
	size_t i;

	if (s->no_kvm_pvi && (s->has_uuid || s->nr_allowed || s->nr_targets))
		argp_error(state, "--no-kvm-pvi leaves no room for --uuid, --allow and --peer");
	if (s->ids <= s->nr_targets)
		argp_error(state, "--ids %u leaves none for clients", s->ids);
	for (i = 0; i < s->nr_allowed; i++)
		if (s->allowed[i].gsi != KVM_PVI_GSI_ANY && s->allowed[i].gsi >= s->vectors)
			argp_error(state, "there is no vector %u: --vectors is %u",
				   s->allowed[i].gsi, s->vectors);
	for (i = 0; i < s->nr_targets; i++)
		if (s->targets[i].nr_gsis > s->vectors)
			argp_error(state, "a --peer has %u GSIs, but --vectors is %u",
				   s->targets[i].nr_gsis, s->vectors);
}

static error_t parse_quota(int key, char *arg, struct argp_state *state)
{
	struct settings *s = state->input;
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

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct settings *s = state->input;

	switch (key) {
	case 's':
		s->socket = arg;
		break;
	case 'm':
		s->size = parse_size(state, arg);
		break;
	case 'n':
		s->vectors = parse_number(state, arg, 1, MAX_VECTORS, "--vectors");
		break;
	case 'M':
		s->max_peers = parse_number(state, arg, 1, MAX_PEERS, "--max-peers");
		break;
	case 't':
		s->timeout = parse_number(state, arg, 1, 86400, "--timeout");
		break;
	case 'u':
		parse_base(state, s, arg);
		break;
	case 'a':
		add_allowed(state, s, arg);
		break;
	case 'p':
		add_target(state, s, arg);
		break;
	case OPT_NO_KVM_PVI:
		s->no_kvm_pvi = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "what is '%s'?", arg);
		break;
	case ARGP_KEY_END:
		complete(s);
		check(state, s);
		break;
	default:
		return parse_quota(key, arg, state);
	}
	return 0;
}

const char *argp_program_version = "pvi-ivshmem-server " VERSION;

void parse_args(struct settings *settings, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Serve shared memory and doorbells to QEMU's ivshmem-doorbell devices, and join them with kvm_pvi.",
	};

	*settings = (struct settings){
		.size = 4 << 20,
		.vectors = 1,
		.max_peers = 64,
		.ids = NR_IDS,
		.quotas[PROCESS].places = 8,
		.timeout = 60,
	};
	argp_parse(&argp, argc, argv, 0, NULL, settings);
}
