// SPDX-License-Identifier: GPL-2.0
/*
 * A library to be preloaded to pvid, for what has to be in the middle of something, or would take long. Each of these
 * variables of the environment is the path of a file, and while that is there:
 *
 * HOLD_CMDLINE	whoever wants to read the command line of a process that the file names, a line each, waits, and has
 *		written a line to the same path with ".held" behind it
 * HOLD_LINKS	so does pvid's child that is at links, before it looks for pvid's descriptors
 * NO_FORK	it has no children
 * NO_PIPE	it makes no pipes
 * HOLD_CHILD	of its children since then the one waits, likewise, whose number the file says, 1 being the first; with
 *		all that pvid has had open
 * HOLD_LOOKS	no VMM is looked at, whether it runs
 * WCHAN	is what each thread seems to sleep in
 *
 * LONGEST_RETRY=N: pvid waits so many microseconds at most before it tries again, where it would double its waits.
 * PATIENCE=N: it gives its children so many seconds where it would give them five, and as many to end when it has
 * killed them.
 * ORPHANS: its children do not end with it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define LOOKS 16000	/* microseconds between looks */
#define STUCK 1500000	/* until a child that was killed is one that cannot end */

static void *next(const char *name)
{
	void *real = dlsym(RTLD_NEXT, name);

	if (!real)
		abort();
	return real;
}

static long number(const char *name)
{
	const char *text = getenv(name);

	return text ? atol(text) : 0;
}

static bool there(const char *name)
{
	const char *path = getenv(name);

	return path && !access(path, F_OK);
}

static void hold(const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s.held", getenv(name));
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%d\n", getpid()) < 0)
		abort();
	close(fd);
	while (there(name))
		usleep(20000);
}

/* @path is "/proc/PID/NAME", whose PID is given back; else 0 */
static pid_t of_process(const char *path, const char *name)
{
	int pid, used = 0;

	return sscanf(path, "/proc/%d/%n", &pid, &used) == 1 && used && !strcmp(path + used, name) ? pid : 0;
}

static bool lists(const char *name, pid_t pid)
{
	FILE *(*real)(const char *path, const char *mode) = next("fopen");
	FILE *in = there(name) ? real(getenv(name), "re") : NULL;
	bool found = false;
	int listed;

	while (in && !found && fscanf(in, "%d", &listed) == 1)
		found = listed == pid;
	if (in)
		fclose(in);
	return found;
}

FILE *fopen(const char *path, const char *mode)
{
	typeof(fopen) *real = next("fopen");
	pid_t pid = of_process(path, "cmdline");

	if (pid && lists("HOLD_CMDLINE", pid))
		hold("HOLD_CMDLINE");
	return real(path, mode);
}

DIR *opendir(const char *path)
{
	typeof(opendir) *real = next("opendir");

	if (of_process(path, "fd") == getppid() && there("HOLD_LINKS"))
		hold("HOLD_LINKS");
	return real(path);
}

int openat(int dir, const char *path, int flags, ...)
{
	int (*real)(int dir, const char *path, int flags, mode_t mode) = next("openat");
	const char *last = strrchr(path, '/');
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (last && !strcmp(last, "/wchan") && there("WCHAN"))
		return real(AT_FDCWD, getenv("WCHAN"), flags, mode);
	return real(dir, path, flags, mode);
}

static long nr_children;

pid_t fork(void)
{
	typeof(fork) *real = next("fork");

	nr_children = there("HOLD_CHILD") ? nr_children + 1 : 0;
	if (!there("NO_FORK"))
		return real();
	errno = EAGAIN;
	return -1;
}

static void hold_child(void)
{
	FILE *(*real)(const char *path, const char *mode) = next("fopen");
	FILE *in = there("HOLD_CHILD") ? real(getenv("HOLD_CHILD"), "re") : NULL;
	long held = 0;

	if (!in)
		return;
	if (fscanf(in, "%ld", &held) == 1 && held == nr_children)
		hold("HOLD_CHILD");
	fclose(in);
}

int pipe2(int ends[2], int flags)
{
	typeof(pipe2) *real = next("pipe2");

	if (!there("NO_PIPE"))
		return real(ends, flags);
	errno = EMFILE;
	return -1;
}

int prctl(int option, ...)
{
	int (*real)(int option, unsigned long, unsigned long, unsigned long, unsigned long) = next("prctl");
	unsigned long more[4];
	va_list args;
	int i;

	va_start(args, option);
	for (i = 0; i < 4; i++)
		more[i] = va_arg(args, unsigned long);
	va_end(args);
	if (option == PR_SET_PDEATHSIG)
		hold_child();
	if (option == PR_SET_PDEATHSIG && getenv("ORPHANS"))
		return 0;
	return real(option, more[0], more[1], more[2], more[3]);
}

struct timer {
	sd_event_time_handler_t fn;
	void *arg;
};

/* A turn of looks comes again, as if it were the first time, until it may be. */
static int look(sd_event_source *source, uint64_t usec, void *arg)
{
	struct timer timer = *(struct timer *)arg;
	uint64_t now;

	if (there("HOLD_LOOKS") && !sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &now)) {
		sd_event_source_set_time(source, now + LOOKS);
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	free(arg);
	return timer.fn(source, usec, timer.arg);
}

static struct timer *timer_make(sd_event_time_handler_t fn, void *arg)
{
	struct timer *timer = malloc(sizeof(*timer));

	if (!timer)
		abort();
	*timer = (struct timer){ fn, arg };
	return timer;
}

/* Of pvid's timers those of what is tried again are a thousand microseconds, times a power of two. */
static uint64_t shorten(uint64_t usec)
{
	uint64_t longest = number("LONGEST_RETRY"), wait = usec / 1000;

	if ((usec == 5000000 || usec == STUCK) && number("PATIENCE"))
		return number("PATIENCE") * UINT64_C(1000000);
	return longest && usec > longest && !(usec % 1000) && !(wait & (wait - 1)) ? longest : usec;
}

int sd_event_add_time_relative(sd_event *event, sd_event_source **source, clockid_t clock, uint64_t usec, uint64_t accuracy,
			       sd_event_time_handler_t fn, void *arg)
{
	typeof(sd_event_add_time_relative) *real = next("sd_event_add_time_relative");

	if (usec == LOOKS && getenv("HOLD_LOOKS"))
		return real(event, source, clock, usec, accuracy, look, timer_make(fn, arg));
	return real(event, source, clock, shorten(usec), accuracy, fn, arg);
}
