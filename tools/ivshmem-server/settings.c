// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server settings - what the options come to, and what of it can change */
#include <libpvi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

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
static void check(const struct settings *s, char error[ERROR_MAX])
{
	size_t i;

	if (s->no_kvm_pvi && (s->has_uuid || s->nr_allowed || s->nr_targets))
		snprintf(error, ERROR_MAX, "--no-kvm-pvi leaves no room for --uuid, --allow and --peer");
	if (s->ids <= s->nr_targets)
		snprintf(error, ERROR_MAX, "--ids %u leaves none for clients", s->ids);
	for (i = 0; i < s->nr_allowed; i++)
		if (s->allowed[i].gsi != KVM_PVI_GSI_ANY && s->allowed[i].gsi >= s->vectors)
			snprintf(error, ERROR_MAX, "there is no vector %u: --vectors is %u", s->allowed[i].gsi,
				 s->vectors);
	for (i = 0; i < s->nr_targets; i++)
		if (s->targets[i].nr_gsis > s->vectors)
			snprintf(error, ERROR_MAX, "a --peer has %u GSIs, but --vectors is %u",
				 s->targets[i].nr_gsis, s->vectors);
}

static struct settings defaults(void)
{
	return (struct settings){
		.size = 4 << 20,
		.vectors = 1,
		.max_peers = 64,
		.ids = NR_IDS,
		.quotas[PROCESS].places = 8,
		.timeout = 60,
	};
}

/* The command line has the last word, and tells where the file is. */
bool settings_read(struct settings *settings, int argc, char **argv, char error[ERROR_MAX])
{
	struct settings first = defaults();
	struct parsing p = { .settings = &first, .error = error };
	char text[ERROR_MAX] = "";

	*error = 0;
	*settings = defaults();
	args_parse(&p, argc, argv);
	p.settings = settings;
	if (!*error && first.config) {
		p.file = first.config;
		file_parse(&p);
		p.file = NULL;
		p.line = 0;
	}
	settings_free(&first);
	if (!*error)
		args_parse(&p, argc, argv);
	if (!*error) {
		complete(settings);
		check(settings, text);
	}
	/* It may be the file and the command line together. */
	if (*text)
		snprintf(error, ERROR_MAX, "%.200s%s%.300s", settings->config ?: "", settings->config ? ": " : "", text);
	if (*error)
		settings_free(settings);
	return !*error;
}

void settings_free(struct settings *s)
{
	free(s->socket);
	free(s->allowed);
	free(s->targets);
}

const char *settings_differ(const struct settings *old, const struct settings *new, unsigned int *line)
{
	static const char * const names[] = { "--socket", "--size", "--vectors", "--uuid", "--peer", "--no-kvm-pvi" };
	bool differ[NR_FIXED] = {
		[FIXED_SOCKET] = !old->socket != !new->socket || (old->socket && strcmp(old->socket, new->socket)),
		[FIXED_SIZE] = old->size != new->size,
		[FIXED_VECTORS] = old->vectors != new->vectors,
		[FIXED_UUID] = old->has_uuid != new->has_uuid ||
			(old->has_uuid && uuid_compare(old->uuid, new->uuid)),
		[FIXED_PEER] = old->nr_targets != new->nr_targets ||
			(old->nr_targets && memcmp(old->targets, new->targets, old->nr_targets * sizeof(*old->targets))),
		[FIXED_NO_KVM_PVI] = old->no_kvm_pvi != new->no_kvm_pvi,
	};
	unsigned int i;

	for (i = 0; i < NR_FIXED; i++) {
		if (!differ[i])
			continue;
		*line = new->lines[i] ?: old->lines[i];
		return names[i];
	}
	return NULL;
}
