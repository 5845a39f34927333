// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid candidate - a process that may have a VM which is to be bound
 *
 * KVM announces a VM before its VMM has the descriptor. So what cannot be done yet is tried again until it is
 * done, the process is known to be none of the policy's, or MAX_TRIES are over; where it has more VMs than one, which
 * is nothing that passes by itself, for as long as it has them.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvid.h"

#define MAX_LATE 6
#define LATE_TRY 9		/* the wait doubles from a second on */
#define MOST_DOUBLED 28		/* of those of whom there are very many */

static void candidate_try(struct candidate *c);
static unsigned int candidate_look(void *owner);

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void candidate_free(struct candidate *c)
{
	LIST_REMOVE(c, entry);
	tdelete(c, &c->d->candidates_by_pid, compare_candidates);
	helper_forget(c->helper);
	look_end(&c->look);
	sd_event_source_disable_unref(c->retry);
	user_end_candidate(c->user);
	user_put(c->user);
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

/* Those of a user are looked at four times a second together at most, however many they are. */
static unsigned int seldom(const struct user *user)
{
	unsigned int tries = MAX_DOUBLED;

	while (tries < MOST_DOUBLED && (1u << tries) / 256 < user->nr_candidates)
		tries++;
	return tries;
}

/* It has more than one VM, and nobody says when it closes one: it is looked for as long as that takes. */
static void candidate_has_many(struct candidate *c)
{
	unsigned int tries = c->many < MAX_DOUBLED ? c->many : seldom(c->user);

	if (c->many++ == MAX_DOUBLED)
		LOG(SD_NOTICE, "process %d has more than one VM; which one is meant is known when it has closed the others",
		    c->pid);
	c->tries = c->late = 0;
	if (!retry_after(c->d, &c->retry, tries, candidate_retry, c))
		return;
	LOG(SD_ERR, "process %d: out of memory; 'pvictl apply' tries again", c->pid);
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

/* Its guest is to come from a process that has the name. */
static void candidate_wait(struct candidate *c)
{
	if (!look_begin(&c->look, c->user, candidate_look, c))
		return;
	LOG(SD_ERR, "process %d: out of memory; 'pvictl apply' tries again", c->pid);
	candidate_free(c);
}

static unsigned int candidate_look(void *owner)
{
	struct candidate *c = owner;
	unsigned int looked = 1;
	int runs = vmm_runs(c->pid, &looked);

	if (runs == -ENOENT || runs == -ESRCH)
		candidate_free(c);
	else if (arrive_may_begin(c->d, c, &looked))
		candidate_try(c);
	else
		candidate_wait(c);
	return looked;
}

void candidate_begin(struct candidate *c)
{
	look_end(&c->look);
	candidate_try(c);
}

static void candidate_has_to_wait(struct candidate *c, const struct examined *e)
{
	if (!c->waits && !e->returns)
		LOG(SD_INFO, "process %d waits for %s to stop where it runs", e->pid, vm_name(c->d, e->uuid).s);
	uuid_copy(c->uuid, e->uuid);
	c->waits = true;
	c->may_return = e->returns;
	c->tries = c->stopped = 0;
	candidate_wait(c);
}

/* Who was announced while it was looked at may have made another VM behind that. */
static void candidate_end(struct candidate *c)
{
	if (!c->announced) {
		candidate_free(c);
		return;
	}
	c->waits = c->may_return = false;
	candidate_try(c);
}

static void candidate_examined(struct pvid *d, void *owner, int pvi, enum outcome outcome, const void *answer)
{
	const struct examined *e = answer;
	struct candidate *c = owner;

	c->helper = NULL;
	if (outcome == HELPER_DONE && !e->ret) {
		candidate_end(c);
		vm_add(d, pvi, e);
		return;
	}
	/* It may be bound nevertheless. */
	if (pvi >= 0)
		helper_close(d, pvi);
	if (outcome != HELPER_DONE) {
		c->late += outcome == HELPER_LATE;
		candidate_again(c, "see what it is", outcome == HELPER_LATE ? "it takes too long" : "no helper");
	} else if (e->ret == EXAMINED_NOTHING) {
		candidate_end(c);
	} else if (e->ret == EXAMINED_NOT_ITS) {
		LOG(SD_WARNING, "process %d claims to be %s by a VM that another process has made", e->pid,
			    vm_name(d, e->uuid).s);
		candidate_end(c);
	} else if (e->ret == EXAMINED_HAS_TO_WAIT) {
		candidate_has_to_wait(c, e);
	} else if (e->ret == EXAMINED_NAME_LEFT) {
		candidate_replaces(c, e);
	} else if (e->ret == -ENOTUNIQ) {
		candidate_has_many(c);
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
	c->announced = false;
	c->helper = helper_start(c->d, &task, c, c->user);
	if (!c->helper)
		candidate_again(c, "see what it is", strerror(ENOMEM));
}

/* NULL: no memory, or its user has too many; @user is taken. */
static struct candidate *candidate_make(struct pvid *d, pid_t pid, struct user *user)
{
	struct candidate *c = user ? calloc(1, sizeof(*c)) : NULL;

	if (c)
		*c = (struct candidate){ .d = d, .pid = pid, .user = user };
	if (!c || !tsearch(c, &d->candidates_by_pid, compare_candidates)) {
		LOG(SD_ERR, "process %d: out of memory; 'pvictl apply' tries again", pid);
	} else if (!user_begin_candidate(user)) {
		tdelete(c, &d->candidates_by_pid, compare_candidates);
	} else {
		LIST_INSERT_HEAD(&d->candidates, c, entry);
		return c;
	}
	free(c);
	user_put(user);
	return NULL;
}

void candidate_add(struct pvid *d, pid_t pid, uid_t uid, bool begins)
{
	struct candidate key = { .pid = pid }, *c;
	struct candidate **found = tfind(&key, &d->candidates_by_pid, compare_candidates);

	if (found && (*found)->user->uid == uid) {
		(*found)->begins |= begins;
		(*found)->tries = 0;
		(*found)->announced = (*found)->helper;
		return;
	}
	if (found)
		candidate_free(*found);
	c = candidate_make(d, pid, user_get(d, uid));
	if (!c)
		return;
	c->begins = begins;
	candidate_try(c);
}

void candidate_add_returning(struct pvid *d, pid_t pid, uid_t uid, const uuid_t uuid)
{
	struct candidate key = { .pid = pid }, *c;
	struct candidate **found = tfind(&key, &d->candidates_by_pid, compare_candidates);

	if (found)
		candidate_free(*found);
	c = candidate_make(d, pid, user_get(d, uid));
	if (!c)
		return;
	c->waits = c->may_return = true;
	uuid_copy(c->uuid, uuid);
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
		look_end(&c->look);
		sd_event_source_disable_unref(c->retry);
		c->retry = NULL;
		c->tries = c->late = 0;
		candidate_try(c);
	}
}
