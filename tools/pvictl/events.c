// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl events - who comes, goes, rings, and is refused, as it happens */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pvictl.h"
#include "trace.h"

struct args {
	bool json;
	bool no_rings;
	struct filter filter;
	uint32_t count;
	uint32_t seen;
};

/* One line of the trace: what is not said of it is -1 or "" */
struct event {
	const char *name;
	char from[UUID_STR_LEN];	/* or who was bound */
	char to[UUID_STR_LEN];
	long long gsi;
	long long port;
	const char *result;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'J':
		args->json = true;
		return 0;
	case 'R':
		args->no_rings = true;
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
	{ "json", 'J', NULL, 0, "Print JSON, an object in each line", 0 },
	{ "no-rings", 'R', NULL, 0, "Leave accepted rings out", 0 },
	{ "count", 'c', "N", 0, "End after N lines", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[VM]",
	.doc = "Print who is bound, rings, is refused and dies, as it happens; needs root.",
};

static const char *verdict_text(int verdict)
{
	switch (verdict) {
	case KVM_PVI_RAISED:
		return "raised";
	case KVM_PVI_COALESCED:
		return "coalesced";
	case KVM_PVI_LATCHED:
		return "latched";
	case -KVM_PVI_EAGAIN:
		return "throttled, or the receiver is frozen";
	}
	return "not exposed, or another owner";
}

/* What kernel/host/trace.h prints */
static bool parse_line(char *line, struct event *e)
{
	char *args = strchr(line, ':');
	int verdict, used = 0;

	*e = (struct event){ .gsi = -1, .port = -1, .result = "" };
	if (!args)
		return false;
	*args++ = '\0';
	if (!strcmp(line, "kvm_pvi_bind") || !strcmp(line, "kvm_pvi_unbind")) {
		e->name = line[8] == 'b' ? "bound" : "died";
		return sscanf(args, " uuid %36s", e->from) == 1;
	}
	if (!strcmp(line, "kvm_pvi_notify")) {
		e->name = "signalled";
		return sscanf(args, " from %36s port %lld", e->from, &e->port) == 2;
	}
	if (sscanf(args, " from %36s to %36s gsi %lld%n", e->from, e->to, &e->gsi, &used) != 3)
		return false;
	if (!strcmp(line, "kvm_pvi_deny")) {
		e->name = "refused";
		e->result = args + used + strspn(args + used, ": ");
		return true;
	}
	if (strcmp(line, "kvm_pvi_ring") || sscanf(args + used, " verdict %d", &verdict) != 1)
		return false;
	e->name = verdict < 0 ? "refused" : "rang";
	e->result = verdict_text(verdict);
	return true;
}

/* Of the UUID in @text. Who has just been bound has a name by now, who has died has had one. */
static struct name_text named(const char *text)
{
	uuid_t uuid;

	return uuid_parse(text, uuid) ? name_text("") : name_of(uuid);
}

static void print_vm(const char *text)
{
	struct name_text name = named(text);

	printf(*name.s ? "%s (%s)" : "%s%s", text, name.s);
}

static void print_json_name(const char *key, const char *text)
{
	struct name_text name = named(text);
	const char *s;

	if (!*name.s)
		return;
	printf(", \"%s\": \"", key);
	for (s = name.s; *s; s++)
		printf(*s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	putchar('"');
}

static void print_text(const struct event *e, const struct timespec *when)
{
	struct tm tm;

	localtime_r(&when->tv_sec, &tm);
	printf("%02d:%02d:%02d.%03ld %-9s ", tm.tm_hour, tm.tm_min, tm.tm_sec, when->tv_nsec / 1000000, e->name);
	print_vm(e->from);
	if (*e->to) {
		printf(" -> ");
		print_vm(e->to);
	}
	if (e->gsi >= 0)
		printf(" GSI %lld", e->gsi);
	if (e->port >= 0)
		printf(" port %lld", e->port);
	printf("%s%s\n", *e->result ? ": " : "", e->result);
}

static void print_json(const struct event *e, const struct timespec *when)
{
	bool from = e->to[0] || e->port >= 0;

	printf("{\"time\": %lld.%06ld, \"event\": \"%s\", \"%s\": \"%s\"", (long long)when->tv_sec,
	       when->tv_nsec / 1000, e->name, from ? "from" : "uuid", e->from);
	print_json_name(from ? "from_name" : "name", e->from);
	if (*e->to) {
		printf(", \"to\": \"%s\"", e->to);
		print_json_name("to_name", e->to);
	}
	if (e->gsi >= 0)
		printf(", \"gsi\": %lld", e->gsi);
	if (e->port >= 0)
		printf(", \"port\": %lld", e->port);
	if (*e->result)
		printf(", \"result\": \"%s\"", e->result);
	puts("}");
}

static bool concerns(const struct event *e, const uuid_t uuid)
{
	const struct uuid_text text = uuid_text(uuid);

	return !strcmp(e->from, text.s) || !strcmp(e->to, text.s);
}

static void look_at_event(char *line, const struct timespec *when, void *arg)
{
	struct args *args = arg;
	struct event e;

	if (args->count && args->seen == args->count)
		return;
	if (!parse_line(line, &e) || (args->filter.set && !concerns(&e, args->filter.uuid)))
		return;
	if (!strcmp(e.name, "bound"))
		names_forget();
	if (args->json)
		print_json(&e, when);
	else
		print_text(&e, when);
	args->seen++;
}

/* Until a signal, or nobody reads any more. */
static void watch(struct args *args, struct trace *trace, int signals)
{
	struct pollfd fds[2] = {
		{ .fd = trace->fd, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};

	while (!args->count || args->seen < args->count) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		if (fds[1].revents)
			return;
		trace_read(trace, look_at_event, args);
		if (fflush(stdout))
			return;
	}
}

int cmd_events(int argc, char **argv)
{
	static const char * const all[] = {
		"kvm_pvi_bind", "kvm_pvi_unbind", "kvm_pvi_deny", "kvm_pvi_ring", "kvm_pvi_notify",
		NULL
	};
	static const char * const few[] = {
		"kvm_pvi_bind", "kvm_pvi_unbind", "kvm_pvi_deny", NULL
	};
	struct args args = { 0 };
	static struct trace trace;
	int signals;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	signals = open_signals();
	signal(SIGPIPE, SIG_IGN);
	trace_open(&trace, args.no_rings ? few : all);
	names_watch(signals);
	/* Who dies first has a name as well; who asks for one VM waits for no other one's. */
	if (args.filter.set)
		name_of(args.filter.uuid);
	else
		names_keep();
	watch(&args, &trace, signals);
	trace_close(&trace);
	return 0;
}
