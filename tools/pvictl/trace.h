/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvictl trace - the tracepoints of kvm_pvi, in a buffer of our own */
#ifndef PVICTL_TRACE_H
#define PVICTL_TRACE_H

#include <stddef.h>

struct trace {
	char dir[128];		/* of the instance */
	int fd;			/* to be polled */
	size_t start;		/* of what was read and not looked at yet */
	size_t end;
	char buf[16384];
};

/* Begins to trace events, a list that ends with NULL. */
void trace_open(struct trace *trace, const char * const *events);
/* Reads what there is, and calls @fn for each line: "EVENT: ...", or something else. */
void trace_read(struct trace *trace, void (*fn)(char *line, void *arg), void *arg);
void trace_close(struct trace *trace);

#endif
