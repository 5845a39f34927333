// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid helper - what may wait is done by a child
 *
 * A process can make whoever reads its command line, takes its descriptors or binds its VM wait for as long
 * as it likes, and so can whoever has a VM's endpoint, for each call on it waits for others that have its lock. So that
 * is done in a child, for one process each, and who is late is killed: no process can keep pvid, or the VMs of others,
 * waiting. Children answer in memory that is shared.
 */
#include <errno.h>
#include <fcntl.h>
#include <libpvi.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pvid.h"

#define MAX_HELPERS 64		/* at once */
#define MAX_BOUND 60		/* of these, for VMs, and before no more candidates are looked at */
#define MAX_CANDIDATES 48	/* likewise, for processes that nothing is known of */
#define MAX_OF_USER 16		/* of either, for those of one user; with those of candidates that cannot end */
#define MAX_KILLED 512		/* that cannot end, before no more candidates are looked at */
#define STUCK_WAIT UINT64_C(1500000)	/* microseconds, before one that was killed is one that cannot end */
#define CLOSED_WAIT 1000	/* microseconds between looks whether a helper has closed what it has not to have */

/* What it has in common with pvid */
struct shared {
	bool closed;		/* of pvid's it has nothing but what is its own, or it is ending */
	max_align_t answer[];
};

struct helper {
	TAILQ_ENTRY(helper) entry;	/* while it waits for its turn */
	LIST_ENTRY(helper) running;	/* until it has ended */
	struct pvid *d;
	struct user *user;	/* or NULL */
	const struct task *task;
	void *owner;
	struct vm *vm;		/* whose child it is, or NULL */
	TAILQ_ENTRY(helper) child;
	bool forgotten;
	bool killed;		/* and does not end */
	pid_t pid;		/* 0: it waits for its turn */
	int pvi;
	struct shared *shared;
	sd_event_source *end;
	sd_event_source *late;
};

static enum helper_of helper_of(const struct helper *h)
{
	return h->task->endpoint ? OF_CANDIDATE : OF_BOUND;
}

bool helper_may_not_wait(const struct user *user)
{
	return user->nr_killed >= MAX_OF_USER;
}

/* When the loop comes to it: no owner hears of its helper while it starts another one. */
static void helpers_turn(struct pvid *d)
{
	sd_event_source_set_enabled(d->turn, SD_EVENT_ONESHOT);
}

static void helper_forget_vm(struct helper *h)
{
	if (h->vm)
		TAILQ_REMOVE(&h->vm->children, h, child);
	h->vm = NULL;
}

void helper_forget_children(struct vm *vm)
{
	struct helper *h;

	while ((h = TAILQ_FIRST(&vm->children)))
		helper_forget_vm(h);
}

static size_t shared_size(const struct helper *h)
{
	return sizeof(struct shared) + h->task->size;
}

static void has_closed(const struct helper *h)
{
	__atomic_store_n(&h->shared->closed, true, __ATOMIC_RELEASE);
}

static void helper_free(struct helper *h)
{
	helper_forget_vm(h);
	sd_event_source_disable_unref(h->end);
	sd_event_source_disable_unref(h->late);
	if (h->pid > 0) {
		LIST_REMOVE(h, running);
		has_closed(h);
	}
	if (h->shared)
		munmap(h->shared, shared_size(h));
	if (h->pvi >= 0)
		close(h->pvi);
	user_put(h->user);
	free(h);
}

/* Its owner hears of it once. Who was killed is waited for as long as that takes. */
static void helper_done(struct helper *h, enum outcome outcome)
{
	int pvi = h->pvi;

	if (h->forgotten)
		return;
	h->forgotten = true;
	h->pvi = -1;
	h->task->done(h->d, h->owner, pvi, outcome, h->shared ? h->shared->answer : NULL);
}

/* As one that runs, or that was killed and does not end */
static void helper_count(struct helper *h, int n)
{
	struct user *user = h->user;

	*(h->killed ? &h->d->nr_killed : &h->d->nr_helpers) += n;
	if (user)
		*(h->killed ? &user->nr_killed : &user->nr_running[helper_of(h)]) += n;
}

static int helper_ended(sd_event_source *source, const siginfo_t *info, void *arg)
{
	struct helper *h = arg;
	struct pvid *d = h->d;

	(void)source;
	helper_count(h, -1);
	if (h->user && h->user->refused && !h->user->nr_killed) {
		h->user->refused = false;
		/* Those that were refused may have been given up. */
		scan_later(d, LOST_WAIT);
	}
	helper_done(h, info->si_code == CLD_EXITED && !info->si_status ? HELPER_DONE : HELPER_FAILED);
	helper_free(h);
	helpers_turn(d);
	return 0;
}

static int closer_ended(sd_event_source *source, const siginfo_t *info, void *arg)
{
	(void)info;
	(void)arg;
	sd_event_source_disable_unref(source);
	return 0;
}

/*
 * Closes by its end what pvid has closed: behind all helpers that began before it, for they have that as well, and are
 * not ending when they close it.
 */
static void ATTRIBUTE(noreturn) close_last(const struct pvid *d, pid_t parent)
{
	const struct helper *h;
	sigset_t told;
	int signal;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	sigemptyset(&told);
	sigaddset(&told, CLOSED_SIGNAL);
	sigwait(&told, &signal);
	LIST_FOREACH(h, &d->running, running)
		while (!__atomic_load_n(&h->shared->closed, __ATOMIC_ACQUIRE))
			usleep(CLOSED_WAIT);
	_exit(0);
}

/* False: there is no child that would do it. */
static bool close_by_child(struct pvid *d, int pvi)
{
	pid_t parent = getpid(), pid = fork();
	sd_event_source *end;

	if (!pid)
		close_last(d, parent);
	if (pid < 0)
		return false;
	close(pvi);
	kill(pid, CLOSED_SIGNAL);
	if (sd_event_add_child(d->event, &end, pid, WEXITED, closer_ended, NULL) < 0)
		LOG(SD_ERR, "no helper: out of memory");
	return true;
}

/* An endpoint for which there was no child yet */
struct closing {
	struct pvid *d;
	int pvi;
	unsigned int tries;
	sd_event_source *retry;
};

static int close_again(sd_event_source *source, uint64_t now, void *arg);

static void close_later(struct closing *c)
{
	unsigned int tries = c->tries < MAX_DOUBLED ? c->tries : MAX_DOUBLED;

	c->tries++;
	if (!retry_after(c->d, &c->retry, tries, close_again, c))
		return;
	close(c->pvi);
	free(c);
}

static int close_again(sd_event_source *source, uint64_t now, void *arg)
{
	struct closing *c = arg;

	(void)source;
	(void)now;
	if (close_by_child(c->d, c->pvi)) {
		sd_event_source_disable_unref(c->retry);
		free(c);
	} else {
		close_later(c);
	}
	return 0;
}

void helper_close(struct pvid *d, int pvi)
{
	struct closing *c;
	uuid_t uuid;

	/* Nobody waits for the end of one that is not bound. */
	if (pvi_query_uuid(pvi, uuid) == -ENOTCONN) {
		close(pvi);
		return;
	}
	if (close_by_child(d, pvi))
		return;
	c = malloc(sizeof(*c));
	if (!c) {
		close(pvi);
		return;
	}
	*c = (struct closing){ .d = d, .pvi = pvi };
	close_later(c);
}

static int helper_stuck(sd_event_source *source, uint64_t now, void *arg)
{
	struct helper *h = arg;

	(void)source;
	(void)now;
	helper_count(h, -1);
	h->killed = true;
	helper_count(h, 1);
	helpers_turn(h->d);
	return 0;
}

/* It has its place until it ends, which is soon. Only one that does not is held against its user. */
static void helper_kill(struct helper *h)
{
	kill(h->pid, SIGKILL);
	has_closed(h);
	if (h->pvi >= 0)
		helper_close(h->d, h->pvi);
	h->pvi = -1;
	h->late = sd_event_source_disable_unref(h->late);
	if (sd_event_add_time_relative(h->d->event, &h->late, CLOCK_MONOTONIC, STUCK_WAIT, 1, helper_stuck, h) < 0)
		helper_stuck(NULL, 0, h);
}

static int helper_late(sd_event_source *source, uint64_t now, void *arg)
{
	struct helper *h = arg;

	(void)source;
	(void)now;
	if (!h->forgotten)
		helper_kill(h);
	helper_done(h, HELPER_LATE);
	return 0;
}

static void close_between(int a, int b)
{
	if (b > a + 1)
		close_range(a + 1, b - 1, 0);
}

/* Nothing that pvid gives up may live on in a child that is late. Either may be none, a negative number. */
static void helper_keep_only(int a, int b)
{
	int last = larger(a, b), first = a + b - last;

	close_between(STDERR_FILENO, first);
	close_between(larger(first, STDERR_FILENO), last);
	close_range(larger(last, STDERR_FILENO) + 1, ~0u, 0);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

/*
 * Who works on that VM's endpoint still, though it has been killed: the oldest that has not ended, for which those that
 * came later were waiting when they were killed. -ECHILD: nobody; -errno
 */
static int helper_former(const struct helper *h)
{
	const struct vm *vm = h->task->vm ? h->owner : NULL;
	const struct helper *former = vm ? TAILQ_FIRST(&vm->children) : NULL;

	while (former && has_ended(former->pid))
		former = TAILQ_NEXT(former, child);
	return former ? open_pidfd(former->pid) : -ECHILD;
}

/* What the one does in its last call the other one finds done. */
static void helper_await(int former)
{
	struct pollfd ended = { .fd = former, .events = POLLIN };

	if (former < 0)
		return;
	poll(&ended, 1, -1);
	close(former);
}

/* As pvid has it, but its own */
static void helper_open_lister(struct pvid *d)
{
	d->lister = open("/dev/kvm_pvi", O_RDONLY | O_CLOEXEC);
	if (d->lister < 0)
		_exit(1);
}

static void ATTRIBUTE(noreturn) helper_run(const struct helper *h, pid_t parent, int former)
{
	int pvi = h->task->vm ? ((const struct vm *)h->owner)->pvi : h->pvi;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	helper_keep_only(pvi, former);
	has_closed(h);
	helper_await(former);
	if (h->task->vm)
		helper_open_lister(h->d);
	h->task->run(h->d, h->owner, pvi, h->shared->answer);
	_exit(0);
}

static int helper_watch(struct helper *h)
{
	int ret = sd_event_add_child(h->d->event, &h->end, h->pid, WEXITED, helper_ended, h);

	if (ret >= 0 && h->task->seconds)
		ret = sd_event_add_time_relative(h->d->event, &h->late, CLOCK_MONOTONIC,
						 h->task->seconds * UINT64_C(1000000), 1, helper_late, h);
	return ret;
}

/* -errno */
static int helper_begin(struct helper *h)
{
	size_t size = shared_size(h);
	pid_t parent = getpid();
	int former;

	h->shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h->shared == MAP_FAILED) {
		h->shared = NULL;
		return -errno;
	}
	if (h->task->endpoint) {
		h->pvi = pvi_open();
		if (h->pvi < 0)
			return h->pvi;
	}
	former = helper_former(h);
	if (former < 0 && former != -ECHILD)
		return former;
	h->pid = fork();
	if (!h->pid)
		helper_run(h, parent, former);
	if (former >= 0)
		close(former);
	if (h->pid > 0)
		LIST_INSERT_HEAD(&h->d->running, h, running);
	if (h->pid > 0 && h->task->vm) {
		h->vm = h->owner;
		TAILQ_INSERT_TAIL(&h->vm->children, h, child);
	}
	return h->pid < 0 ? -errno : helper_watch(h);
}

static void helper_wait(struct helper *h)
{
	enum helper_of of = helper_of(h);
	struct user *user = h->user;

	if (!user) {
		TAILQ_INSERT_TAIL(&h->d->waiting, h, entry);
		return;
	}
	if (TAILQ_EMPTY(&user->waiting[of].helpers))
		TAILQ_INSERT_TAIL(&h->d->users_waiting[of], user, waiting[of].entry);
	TAILQ_INSERT_TAIL(&user->waiting[of].helpers, h, entry);
}

static void helper_wait_no_more(struct helper *h)
{
	enum helper_of of = helper_of(h);
	struct user *user = h->user;

	if (!user) {
		TAILQ_REMOVE(&h->d->waiting, h, entry);
		return;
	}
	TAILQ_REMOVE(&user->waiting[of].helpers, h, entry);
	if (TAILQ_EMPTY(&user->waiting[of].helpers))
		TAILQ_REMOVE(&h->d->users_waiting[of], user, waiting[of].entry);
}

/* A candidate whose user has too many that do not end is refused at once. */
static bool user_has_room(const struct user *user, enum helper_of of)
{
	if (of == OF_BOUND)
		return user->nr_running[of] < MAX_OF_USER;
	return helper_may_not_wait(user) || user->nr_running[of] + user->nr_killed < MAX_OF_USER;
}

/* Of the user whose turn it is; few can be those who have their share already. */
static struct helper *helper_next_of(struct pvid *d, enum helper_of of)
{
	struct users *users = &d->users_waiting[of];
	struct user *user;

	TAILQ_FOREACH(user, users, waiting[of].entry)
		if (user_has_room(user, of))
			break;
	if (!user)
		return NULL;
	/* Then it is the others'. */
	TAILQ_REMOVE(users, user, waiting[of].entry);
	TAILQ_INSERT_TAIL(users, user, waiting[of].entry);
	return TAILQ_FIRST(&user->waiting[of].helpers);
}

/*
 * Whose turn it is. VMs come behind the policy, candidates last, and neither ever have all places: who has many processes
 * keeps their own waiting, but not others', nor the policy, nor candidates what is bound.
 */
static struct helper *helper_next(struct pvid *d)
{
	struct helper *h = d->nr_helpers < MAX_HELPERS ? TAILQ_FIRST(&d->waiting) : NULL;

	if (!h && d->nr_helpers < MAX_BOUND)
		h = helper_next_of(d, OF_BOUND);
	if (!h && d->nr_helpers < MAX_CANDIDATES && d->nr_killed < MAX_KILLED)
		h = helper_next_of(d, OF_CANDIDATE);
	return h;
}

/* Once in a while, for each of the user's processes has its turn. */
static void helper_refused(struct user *user)
{
	if (!user->refused)
		LOG(SD_WARNING, "user %u: children that have looked at processes do not end: no others are looked at",
		    user->uid);
	user->refused = true;
}

static void helper_failed(struct helper *h, int err)
{
	if (err == -EUSERS)
		helper_refused(h->user);
	else
		LOG(SD_ERR, "no helper: %s", strerror(-err));
	/* Unwatched, it is nobody's: it ends by itself, or with us. */
	if (h->pid > 0)
		kill(h->pid, SIGKILL);
	helper_done(h, HELPER_FAILED);
	helper_free(h);
}

/* As many as may run at once */
static int helpers_begin(sd_event_source *source, void *arg)
{
	struct pvid *d = arg;
	struct helper *h;
	int ret;

	(void)source;
	while ((h = helper_next(d))) {
		helper_wait_no_more(h);
		ret = h->task->endpoint && helper_may_not_wait(h->user) ? -EUSERS : helper_begin(h);
		if (ret < 0)
			helper_failed(h, ret);
		else
			helper_count(h, 1);
	}
	return 0;
}

int helper_init(struct pvid *d)
{
	int ret = sd_event_add_defer(d->event, &d->turn, helpers_begin, d);

	LIST_INIT(&d->running);
	TAILQ_INIT(&d->waiting);
	TAILQ_INIT(&d->users_waiting[OF_BOUND]);
	TAILQ_INIT(&d->users_waiting[OF_CANDIDATE]);
	return ret;
}

struct helper *helper_start(struct pvid *d, const struct task *task, void *owner, struct user *user)
{
	struct helper *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	*h = (struct helper){ .d = d, .task = task, .owner = owner, .user = user, .pvi = -1 };
	if (user)
		user->refs++;
	helper_wait(h);
	helpers_turn(d);
	return h;
}

void helper_forget(struct helper *h)
{
	if (!h || h->forgotten)
		return;
	h->forgotten = true;
	if (h->pid) {
		helper_kill(h);
		return;
	}
	helper_wait_no_more(h);
	helper_free(h);
}
