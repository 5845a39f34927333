/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvictl top: what was counted, and the terminal it is shown on */
#ifndef PVICTL_TOP_H
#define PVICTL_TOP_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "flows.h"
#include "pvictl.h"

#define SPARK_CELLS 30
#define SPARK_SECONDS 2	/* that a cell stands for, or as much more as an interval is longer */

/* A row of a receiver's table */
struct top_edge {
	uint64_t number;	/* of the endpoint, or its epoch */
	size_t receiver;	/* in @vms of the sample */
	struct kvm_pvi_list_edge e;
	struct kvm_pvi_counts before;
	uint32_t spark[SPARK_CELLS];	/* rings accepted, the newest last */
};

struct top_vm {
	uuid_t uuid;
	char name[NAME_LEN];	/* "": none, or not asked for, or another VM has it too */
	struct endpoint *endpoint;	/* until it has a name */
};

/* @edges is sorted by what a row is known by, @vms by UUID. */
struct top_sample {
	struct timespec time;
	double spark_age;	/* seconds that the last cell is old */
	struct top_vm *vms;
	size_t nr_vms;
	struct top_edge *edges;
	size_t nr;
	size_t room;
	size_t unseen;		/* endpoints */
	struct flows flows;
	struct flows before;
};

/* top_sample.c: all that this user may see now. No endpoint is kept open: it would live on when its owner closes it */
struct top_sample top_sample_take(const struct filter *filter, const char *links);
/* What each row had in @before, and how it went since; seconds between them. Frees @before */
double top_sample_follow(struct top_sample *now, struct top_sample *before);
void top_sample_free(struct top_sample *sample);
/* The name of the VM, or its UUID; and the name alone, or "" */
const char *top_sample_called(const struct top_sample *sample, const uuid_t uuid, struct name_text *text);
const char *top_sample_name(const struct top_sample *sample, const uuid_t uuid, struct name_text *text);

/* screen.c: a terminal that is written anew again and again, and whose keys are read at once */
/* False: stdout is none. However the program ends, the terminal is as it was */
bool screen_begin(void);
/* Empty it. How many lines it has */
unsigned int screen_clear(void);
/* Until a key is hit, or for so many seconds. The key; 0: none was, 'q': to end, by a signal too */
int screen_wait(double seconds);
/* @values as blocks of different heights, the highest of them full */
const char *screen_spark(const uint32_t *values, size_t nr, char *text, size_t size);

#endif
