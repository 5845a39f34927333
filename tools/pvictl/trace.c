// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvictl trace - the tracepoints of kvm_pvi, in a buffer of our own
 *
 * An instance of tracefs: nobody else's tracing is changed, and no endpoint's
 * events are taken from its owner. It goes with us, unless we are killed; then
 * the next one of us removes it.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pvictl.h"
#include "trace.h"

#define PREFIX "pvictl-"

static const char *find_tracefs(void)
{
	static const char * const places[] = {
		"/sys/kernel/tracing", "/sys/kernel/debug/tracing",
	};
	char path[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s/instances", places[i]);
		if (!access(path, F_OK))
			return places[i];
		if (errno == EACCES)
			die_as(STATUS_REFUSED, "%s: only root may trace", places[i]);
	}
	die("tracefs is not mounted: mount -t tracefs none %s", places[0]);
}

static void remove_leftovers(const char *instances)
{
	DIR *dir = opendir(instances);
	struct dirent *entry;
	const char *number;

	if (!dir)
		die("%s: %s", instances, strerror(errno));
	while ((entry = readdir(dir))) {
		number = entry->d_name + strlen(PREFIX);
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) || !isdigit((unsigned char)*number))
			continue;
		if (kill(atoi(number), 0) && errno == ESRCH)
			unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

static int open_in(const struct trace *trace, const char *file, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", trace->dir, file);
	return open(path, flags | O_CLOEXEC);
}

static void NORETURN fail(const struct trace *trace, const char *file)
{
	int err = errno;

	rmdir(trace->dir);
	if (err == ENOENT)
		die("%s", explain(DOING_OPEN, ENOENT));
	die("%s/%s: %s", trace->dir, file, strerror(err));
}

static void set(const struct trace *trace, const char *file, const char *value)
{
	int fd = open_in(trace, file, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fail(trace, file);
	close(fd);
}

/*
 * An instance begins with the options that all others have. The clock is one that can be compared
 * with ours. Names of processes are not recorded for us, but may be known from others' traces.
 */
static void set_format(const struct trace *trace)
{
	static const char * const off[] = {
		"raw", "hex", "bin", "verbose", "fields", "latency-format", "record-cmd",
	};
	char path[64];
	size_t i;
	int fd;

	set(trace, "trace_clock", "mono");
	set(trace, "options/context-info", "1");
	for (i = 0; i < ARRAY_SIZE(off); i++) {
		snprintf(path, sizeof(path), "options/%s", off[i]);
		fd = open_in(trace, path, O_WRONLY);
		/* Not every kernel has all of them. */
		if (fd < 0 && errno == ENOENT)
			continue;
		close(fd);
		set(trace, path, "0");
	}
}

void trace_open(struct trace *trace, const char * const *events)
{
	char instances[64], enable[64];

	snprintf(instances, sizeof(instances), "%s/instances", find_tracefs());
	remove_leftovers(instances);
	*trace = (struct trace){ 0 };
	snprintf(trace->dir, sizeof(trace->dir), "%s/" PREFIX "%d", instances, getpid());
	if (mkdir(trace->dir, 0700))
		die("%s: %s", trace->dir, strerror(errno));
	set_format(trace);
	for (; *events; events++) {
		snprintf(enable, sizeof(enable), "events/kvm_pvi/%s/enable", *events);
		set(trace, enable, "1");
	}
	trace->fd = open_in(trace, "trace_pipe", O_RDONLY | O_NONBLOCK);
	if (trace->fd < 0)
		fail(trace, "trace_pipe");
}

/* Cuts the next line off what was read. NULL: it is not whole yet. */
static char *next_line(struct trace *trace)
{
	char *line = trace->buf + trace->start;
	char *end = memchr(line, '\n', trace->end - trace->start);

	if (!end)
		return NULL;
	*end = '\0';
	trace->start = end + 1 - trace->buf;
	return line;
}

static int64_t nanoseconds(const struct timespec *t)
{
	return t->tv_sec * 1000000000ll + t->tv_nsec;
}

/* What CLOCK_REALTIME is ahead of CLOCK_MONOTONIC, by the least disturbed of some readings */
static int64_t clock_offset(void)
{
	int64_t offset = 0, least = INT64_MAX, took;
	struct timespec begin, real, end;
	int i;

	for (i = 0; i < 8; i++) {
		clock_gettime(CLOCK_MONOTONIC, &begin);
		clock_gettime(CLOCK_REALTIME, &real);
		clock_gettime(CLOCK_MONOTONIC, &end);
		took = nanoseconds(&end) - nanoseconds(&begin);
		if (took >= least)
			continue;
		least = took;
		offset = nanoseconds(&real) - nanoseconds(&begin) - took / 2;
	}
	return offset;
}

/*
 * The event in a line, or NULL: "COMM-PID [CPU] FLAGS SECONDS.MICROSECONDS: NAME: ...". It is looked
 * for from the right, since COMM may be anything, and nothing that a process says stands there.
 */
static char *find_event(char *line, int64_t *monotonic)
{
	unsigned long long seconds, usec;
	char *at = NULL, *next = line, *stamp;
	int used = 0;

	while ((next = strstr(next, ": kvm_pvi_")))
		at = next++;
	if (!at)
		return NULL;
	for (stamp = at; stamp > line && (isdigit((unsigned char)stamp[-1]) || stamp[-1] == '.');)
		stamp--;
	if (sscanf(stamp, "%llu.%6llu:%n", &seconds, &usec, &used) != 2 || stamp + used != at + 1)
		return NULL;
	*monotonic = seconds * 1000000000ll + usec * 1000;
	return at + 2;
}

/* True if it is what the kernel says of events that it had no room for */
static bool warn_lost(const char *line)
{
	unsigned long lost;
	int used = 0;

	if (sscanf(line, "CPU:%*u [LOST %lu EVENTS]%n", &lost, &used) == 1 && used &&
	    !line[used]) {
		warn("%lu events were lost: too many at once", lost);
		return true;
	}
	used = 0;
	if (sscanf(line, "CPU:%*u [LOST EVENTS]%n", &used) == EOF || !used || line[used])
		return false;
	warn("events were lost, nobody knows how many: too many at once");
	return true;
}

static void look_at_line(char *line, int64_t offset, trace_fn *fn, void *arg)
{
	struct timespec when;
	int64_t at;
	char *event;

	if (warn_lost(line))
		return;
	event = find_event(line, &at);
	if (!event)
		return;
	at += offset;
	when.tv_sec = at / 1000000000;
	when.tv_nsec = at % 1000000000;
	fn(event, &when, arg);
}

void trace_read(struct trace *trace, trace_fn *fn, void *arg)
{
	int64_t offset = clock_offset();
	size_t kept = trace->end - trace->start;
	ssize_t len;
	char *line;

	/* There is room: no line is half as long as the buffer. */
	memmove(trace->buf, trace->buf + trace->start, kept);
	len = read(trace->fd, trace->buf + kept, sizeof(trace->buf) - kept);
	if (len < 0 && errno != EAGAIN && errno != EINTR)
		die("%s/trace_pipe: %s", trace->dir, strerror(errno));
	trace->start = 0;
	trace->end = kept + (len > 0 ? len : 0);
	while ((line = next_line(trace)))
		look_at_line(line, offset, fn, arg);
}

void trace_close(struct trace *trace)
{
	close(trace->fd);
	if (rmdir(trace->dir))
		warn("%s: %s", trace->dir, strerror(errno));
}
