// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid candidate - a process that may have a VM which is to be bound
 *
 * KVM announces a VM before its VMM has the descriptor. So what cannot be done yet is tried again until it is
 * done, the process is known to be none of the policy's, or MAX_TRIES are over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvid.h"

#define MAX_LATE 6
#define LATE_TRY 9		/* the wait doubles from a second on */

static void candidate_try(struct candidate *c);
static int candidate_look(sd_event_source *source, uint64_t now, void *arg);

static void candidate_free(struct candidate *c)
{
	LIST_REMOVE(c, entry);
	helper_forget(c->helper);
	sd_event_source_disable_unref(c->retry);
	free(c);
}

static int candidate_retry(sd_event_source *source, uint64_t now, void *arg)
{
	(void)source;
	(void)now;
	candidate_try(arg);
	return 0;
}

static void candidate_again(struct candidate *c, const char *what, const char *why)
{
	unsigned int tries = c->tries < MAX_DOUBLED ? c->tries : MAX_DOUBLED;

	if (c->late)
		tries = LATE_TRY + c->late;
	c->tries++;
	if (c->tries < MAX_TRIES && c->late < MAX_LATE && !retry_after(c->d, &c->retry, tries, candidate_retry, c))
		return;
	LOG(SD_ERR, "process %d: cannot %s: %s; 'pvictl apply' tries again", c->pid, what, why);
	candidate_free(c);
}

/* It has closed the VM that it had, and made another one */
static void candidate_replaces(struct candidate *c, const struct examined *e)
{
	struct vm *vm = vm_find(c->d, e->uuid);

	if (vm && vm->pid == e->pid)
		vm_end(vm);
	candidate_again(c, e->what, strerror(EEXIST));
}

/* Threads of one process wait for the same: one of them is enough. */
static bool candidate_is_known(struct pvid *d, struct candidate *c, pid_t process)
{
	struct candidate *other;

	c->process = process;
	LIST_FOREACH(other, &d->candidates, entry)
		if (other != c && process && other->process == process)
			return true;
	return false;
}

/* Its guest is to come from a process that has the name. */
static void candidate_wait(struct candidate *c)
{
	if (!retry_after(c->d, &c->retry, LOOK_WAIT, candidate_look, c))
		return;
	LOG(SD_ERR, "process %d: out of memory; 'pvictl apply' tries again", c->pid);
	candidate_free(c);
}

static int candidate_look(sd_event_source *source, uint64_t now, void *arg)
{
	struct candidate *c = arg;

	(void)source;
	(void)now;
	if (vmm_runs(c->process) < 0)
		candidate_free(c);
	else if (arrive_may_begin(c->d, c))
		candidate_try(c);
	else
		candidate_wait(c);
	return 0;
}

static void candidate_has_to_wait(struct candidate *c, const struct examined *e)
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(e->uuid, text);
	if (!c->waits)
		LOG(SD_INFO, "process %d waits for %s to stop where it runs", e->pid, text);
	c->process = e->pid;
	uuid_copy(c->uuid, e->uuid);
	c->waits = true;
	c->tries = c->stopped = 0;
	candidate_wait(c);
}

static void candidate_examined(struct pvid *d, void *owner, int pvi, enum outcome outcome, const void *answer)
{
	const struct examined *e = answer;
	struct candidate *c = owner;

	c->helper = NULL;
	if (outcome == HELPER_DONE && !e->ret) {
		candidate_free(c);
		vm_add(d, pvi, e);
		return;
	}
	if (pvi >= 0)
		close(pvi);
	if (outcome == HELPER_LATE && candidate_is_known(d, c, e->pid)) {
		candidate_free(c);
	} else if (outcome != HELPER_DONE) {
		c->late += outcome == HELPER_LATE;
		candidate_again(c, "see what it is", outcome == HELPER_LATE ? "it takes too long" : "no helper");
	} else if (e->ret == EXAMINED_NOTHING) {
		candidate_free(c);
	} else if (e->ret == EXAMINED_NOT_ITS) {
		LOG(SD_WARNING, "process %d claims to be %s by a VM that another process has made", e->pid, e->label);
		candidate_free(c);
	} else if (e->ret == EXAMINED_HAS_TO_WAIT) {
		candidate_has_to_wait(c, e);
	} else if (e->ret == EXAMINED_NAME_LEFT) {
		candidate_replaces(c, e);
	} else {
		candidate_again(c, e->what, strerror(-e->ret));
	}
}

static const struct task task = {
	.seconds = 5,
	.size = sizeof(struct examined),
	.endpoint = true,
	.run = examine,
	.done = candidate_examined,
};

static void candidate_try(struct candidate *c)
{
	c->helper = helper_start(c->d, &task, c);
	if (!c->helper)
		candidate_again(c, "see what it is", strerror(ENOMEM));
}

void candidate_add(struct pvid *d, pid_t pid, bool begins)
{
	struct candidate *c;

	LIST_FOREACH(c, &d->candidates, entry)
		if (c->pid == pid || c->process == pid)
			break;
	if (c) {
		c->begins |= begins;
		c->tries = 0;
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		LOG(SD_ERR, "process %d: out of memory; 'pvictl apply' tries again", pid);
		return;
	}
	*c = (struct candidate){ .d = d, .pid = pid, .begins = begins };
	LIST_INSERT_HEAD(&d->candidates, c, entry);
	candidate_try(c);
}

void candidate_add_returning(struct pvid *d, pid_t pid, const uuid_t uuid)
{
	struct candidate *c = calloc(1, sizeof(*c));

	if (!c) {
		LOG(SD_ERR, "process %d: out of memory; should its guest come back, 'pvictl apply' binds it", pid);
		return;
	}
	*c = (struct candidate){ .d = d, .pid = pid, .process = pid, .waits = true, .may_return = true };
	uuid_copy(c->uuid, uuid);
	LIST_INSERT_HEAD(&d->candidates, c, entry);
	candidate_wait(c);
}

void candidate_forget_returning(struct pvid *d, const uuid_t uuid)
{
	struct candidate *c, *next;

	for (c = LIST_FIRST(&d->candidates); c; c = next) {
		next = LIST_NEXT(c, entry);
		if (c->may_return && !uuid_compare(c->uuid, uuid))
			candidate_free(c);
	}
}

void candidate_again_all(struct pvid *d)
{
	struct candidate *c, *next;

	for (c = LIST_FIRST(&d->candidates); c; c = next) {
		next = LIST_NEXT(c, entry);
		helper_forget(c->helper);
		sd_event_source_disable_unref(c->retry);
		c->retry = NULL;
		c->tries = c->late = 0;
		candidate_try(c);
	}
}
