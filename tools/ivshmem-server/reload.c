// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server reload - quotas, limits and permissions that change while clients are there
 *
 * Everything that the options say holds, or nothing of it. Who has more than he may have now keeps
 * it, and gets no more.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "record.h"

/* Descriptors beside those of the peers */
#define NR_OTHER_FDS 64

void tell_status(const struct server *server, const char *error)
{
	sd_notifyf(0, "STATUS=%u of %u peers%s%s", server->nr_clients, server->settings.max_peers,
		   *error ? "; the last reload has changed nothing: " : "", error);
}

/* So that what is missing is said now, and not when the last QEMU is started. */
const char *limits_set(const struct settings *s)
{
	static char why[256];
	rlim_t each = s->vectors + 2;
	rlim_t need = NR_OTHER_FDS + each * (s->max_peers + s->nr_targets);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return strerror(errno);
	if (need > limit.rlim_max) {
		snprintf(why, sizeof(why),
			 "--max-peers %u and --vectors %u need %llu descriptors, but only %llu may be open: lower them, or raise the limit (ulimit -H -n, LimitNOFILE=)",
			 s->max_peers, s->vectors, (unsigned long long)need,
			 (unsigned long long)limit.rlim_max);
		return why;
	}
	/* All of it: descriptors that a client has not read yet count as well. */
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) ? strerror(errno) : NULL;
}

static bool read_new(const struct server *server, struct settings *new, char error[ERROR_MAX])
{
	const char *what, *limit, *file = server->settings.config ?: "the command line";
	unsigned int line = 0;
	char where[16] = "";

	if (!settings_read(new, server->argc, server->argv, error))
		return false;
	limit = limits_set(new);
	what = settings_differ(&server->settings, new, &line);
	if (line)
		snprintf(where, sizeof(where), ":%u", line);
	if (what)
		snprintf(error, ERROR_MAX,
			 "%.200s%s: %s cannot change while clients are connected: put it back, or restart, which ends them",
			 file, where, what);
	else if (limit)
		snprintf(error, ERROR_MAX, "%.200s: %s", file, limit);
	if (*error)
		settings_free(new);
	return !*error;
}

/* What cannot change stays where it is: others point there. */
static void carry_out(struct server *server, struct settings *new)
{
	struct settings *s = &server->settings;
	struct allowed *old = s->allowed;
	size_t nr_old = s->nr_allowed;
	struct peer *client;

	s->max_peers = new->max_peers;
	s->ids = new->ids;
	memcpy(s->quotas, new->quotas, sizeof(s->quotas));
	s->timeout = new->timeout;
	s->allowed = new->allowed;
	s->nr_allowed = new->nr_allowed;
	memcpy(s->lines, new->lines, sizeof(s->lines));
	new->allowed = old;
	TAILQ_FOREACH(client, &server->clients, entry)
		endpoint_allow_again(client, old, nr_old, nr_old);
	/* After that: a server that comes in between does it again. */
	record_allowed(server);
	ids_reload(server);
	accounts_reload(server);
}

static int on_hangup(UNUSED struct sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct server *server = userdata;
	char error[ERROR_MAX];
	struct settings new;
	uint64_t now;

	sd_event_now(server->event, CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now);
	if (read_new(server, &new, error)) {
		carry_out(server, &new);
		settings_free(&new);
		puts("reloaded");
	} else {
		warn("%s; nothing is changed", error);
	}
	tell_status(server, error);
	sd_notify(0, "READY=1");
	answer(info->ssi_pid, error);
	return 0;
}

void reload_init(struct server *server)
{
	int ret = sd_event_add_signal(server->event, NULL, SIGHUP, on_hangup, server);

	if (ret < 0)
		die("cannot wait for signals: %s", strerror(-ret));
}
