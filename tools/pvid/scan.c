// SPDX-License-Identifier: GPL-2.0-or-later
/* pvid scan - which processes have VMs */
#include <stdlib.h>
#include <string.h>

#include "pvid.h"

#define MAX_FOUND (1 << 20)
#define MAX_LOOKED_AT 4096	/* of a process' descriptors: who has more of them may not keep us busy */

struct found {
	unsigned int nr;
	struct {
		pid_t pid;
		uid_t uid;
	} processes[MAX_FOUND];
};

struct search {
	unsigned int left;
	bool found;
};

static bool look_at_fd(pid_t pid, int fd, const char *target, void *arg)
{
	struct search *s = arg;

	(void)pid;
	(void)fd;
	s->found = !strcmp(target, VM_FD_TARGET);
	return !s->found && --s->left;
}

/* Where a descriptor leads is read without waiting for the process. */
static void look_at_process(pid_t pid, void *arg)
{
	struct search search = { .left = MAX_LOOKED_AT };
	struct found *found = arg;
	struct process p;

	if (found->nr == MAX_FOUND || each_fd(pid, look_at_fd, &search) || !search.found || process_read(pid, &p))
		return;
	found->processes[found->nr].pid = p.pid;
	found->processes[found->nr++].uid = p.uid;
}

static void scan(const struct pvid *d, const void *owner, int pvi, void *found)
{
	(void)d;
	(void)owner;
	(void)pvi;
	each_process(look_at_process, found);
}

static void scanned(struct pvid *d, void *owner, int pvi, enum outcome outcome, const void *answer)
{
	const struct found *found = answer;
	unsigned int i;

	(void)owner;
	(void)pvi;
	d->scanning = NULL;
	if (outcome != HELPER_DONE) {
		LOG(SD_ERR, "cannot look for VMs; 'pvictl apply' tries again");
		return;
	}
	if (d->scan_again)
		scan_start(d);
	/* Those of which one is bound as well: they may have closed that and made another one. */
	for (i = 0; i < found->nr; i++)
		candidate_add(d, found->processes[i].pid, found->processes[i].uid, false);
}

static const struct task task = {
	.size = sizeof(struct found),
	.run = scan,
	.done = scanned,
};

void scan_start(struct pvid *d)
{
	d->scan_again = d->scanning;
	if (d->scanning)
		return;
	d->scanning = helper_start(d, &task, d, NULL);
	if (!d->scanning)
		LOG(SD_ERR, "cannot look for VMs: out of memory; 'pvictl apply' tries again");
}

static int scan_in_time(sd_event_source *source, uint64_t now, void *arg)
{
	(void)source;
	(void)now;
	scan_start(arg);
	return 0;
}

void scan_later(struct pvid *d, uint64_t wait)
{
	uint64_t now = 0, time = 0;
	int enabled = 0;

	if (d->later)
		sd_event_source_get_enabled(d->later, &enabled);
	if (enabled) {
		sd_event_now(d->event, CLOCK_MONOTONIC, &now);
		sd_event_source_get_time(d->later, &time);
		if (time > now + wait)
			sd_event_source_set_time(d->later, now + wait);
		return;
	}
	sd_event_source_disable_unref(d->later);
	d->later = NULL;
	if (sd_event_add_time_relative(d->event, &d->later, CLOCK_MONOTONIC, wait, 1, scan_in_time, d) < 0)
		scan_start(d);
}
