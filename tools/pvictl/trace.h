/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvictl trace - the tracepoints of kvm_pvi, in a buffer of our own */
#ifndef PVICTL_TRACE_H
#define PVICTL_TRACE_H

#include <stddef.h>
#include <time.h>

struct trace {
	char dir[128];		/* of the instance */
	int fd;			/* to be polled */
	size_t start;		/* of what was read and not looked at yet */
	size_t end;
	char buf[16384];
};

/* Begins to trace events, a list that ends with NULL. */
void trace_open(struct trace *trace, const char * const *events);
/* Called for each event: "NAME: ...", and when it was, by CLOCK_REALTIME */
typedef void trace_fn(char *event, const struct timespec *when, void *arg);
/* Reads what there is; warns of what was lost. */
void trace_read(struct trace *trace, trace_fn *fn, void *arg);
void trace_close(struct trace *trace);

#endif
