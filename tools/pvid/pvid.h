/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvid: what its files share
 *
 * Its loop waits for nobody. All that another process could make wait - reading what it says of itself, taking
 * its descriptors, binding its VM, a call on its endpoint - and all that may be slow is a helper's: helper.c.
 */
#ifndef PVID_H
#define PVID_H

#include <limits.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "policy.h"
#include "reconcile.h"

struct pvid;
struct helper;

/* What a helper looks at: a VM that is bound, or a process of which nothing is known */
enum helper_of { OF_BOUND, OF_CANDIDATE, NR_HELPER_OF };

TAILQ_HEAD(users, user);

/* Whose processes have VMs, or are to be looked at */
struct user {
	struct pvid *d;
	uid_t uid;
	unsigned int refs;
	unsigned int nr_candidates;
	unsigned int nr_running[NR_HELPER_OF];	/* helpers */
	unsigned int nr_killed;		/* that do not end */
	bool refused;			/* helpers, since so many do not end */
	bool missed;			/* candidates, of which there were too many */
	TAILQ_HEAD(, look) looks;
	unsigned int nr_looks;
	unsigned int looked;	/* at threads that are not paid yet */
	sd_event_source *turn;	/* of its looks */
	struct {
		TAILQ_HEAD(, helper) helpers;
		TAILQ_ENTRY(user) entry;	/* while there are some */
	} waiting[NR_HELPER_OF];
};

/* Who looks whether a process runs, when it is its user's turn */
struct look {
	TAILQ_ENTRY(look) entry;
	struct user *user;	/* NULL: nobody looks */
	unsigned int (*fn)(void *owner);
	void *owner;
};

/* A process that may have a VM which is to be bound */
struct candidate {
	LIST_ENTRY(candidate) entry;
	struct pvid *d;
	pid_t pid;		/* which no other one has */
	struct user *user;
	bool begins;		/* it makes the VM now, and may not have the descriptor yet */
	unsigned int tries;
	unsigned int late;	/* of these, in which it has made us wait */
	unsigned int many;	/* how often it had more VMs than one */
	uuid_t uuid;		/* that it is to have, where it waits for another process to leave it */
	bool waits;
	bool may_return;	/* it had that itself, and gave it up when it had stopped */
	unsigned int stopped;	/* how often in a row the other one was seen so */
	bool told;		/* what keeps it from it */
	struct helper *helper;
	bool announced;		/* once more, since that was begun */
	struct look look;	/* whether it may begin */
	sd_event_source *retry;
};

/* What is to be done with a VM that is bound, in this order: work.c */
enum due {
	DUE_SAVE = 1,		/* what its guest has made, which freezes it; nothing else is, meanwhile */
	DUE_FREEZE = 2,		/* before anybody can ring it */
	DUE_TAKE_BACK = 4,	/* what older policies have given it */
	DUE_THAW = 8,		/* we have frozen it, or the last pvid has */
	DUE_LOOK = 16,		/* whether it is what the policy says */
	DUE_GIVE = 32,		/* what that says, links, and what its guest had made */
};

/* A VM that is bound */
struct vm {
	LIST_ENTRY(vm) entry;
	struct pvid *d;
	int pvi;
	uint64_t number;	/* of the endpoint, which no other one has */
	uuid_t uuid;
	char kept[64];		/* the name that systemd keeps it under */
	pid_t pid;		/* 0: not known */
	uid_t owner;
	bool arriving;		/* its guest comes from elsewhere, and does not run yet: it is frozen */
	void *made;		/* by that, for the helper that is to restore it, */
	int made_length;	/* or -errno */
	bool restored;		/* with that, if there is any */
	unsigned int looks;	/* before it ran, */
	unsigned int waited;	/* and behind that, for what it had made, though nothing more is done for it */
	struct user *user;
	unsigned int tries;
	unsigned int due;	/* enum due */
	unsigned int asked;	/* of the helper */
	pid_t heir;		/* the candidate for whom it is saved; 0: the policy does not know it any more */
	bool locked_out;	/* somebody changes links, so it has not joined those that it has */
	bool known;		/* it is what the policy says that it is */
	bool owes;		/* it has what could not be taken back */
	struct helper *helper;	/* does what is due */
	TAILQ_HEAD(, helper) children;	/* that have not ended: it, or who were killed, the oldest first */
	sd_event_source *end;
	sd_event_source *retry;
	struct look look;	/* whether it runs */
	uint64_t given_up;	/* when, in microseconds */
	sd_event_source *forgotten;	/* since then: systemd has closed its copy */
};

/* Who waits for the policy to be carried out */
struct client {
	LIST_ENTRY(client) entry;
	int fd;
};

struct pvid {
	sd_event *event;
	const char *dir;
	const char *run;
	const char *links;	/* where they are, */
	const char *words;	/* and the files of status words */
	int lister;
	struct policy policy;	/* with the older ones that some VM has not been rid of */

	void *users;		/* of tsearch() */
	LIST_HEAD(, helper) running;	/* and those that have been killed, and not ended yet */
	TAILQ_HEAD(, helper) waiting;	/* that are no user's */
	struct users users_waiting[NR_HELPER_OF];	/* whose turn it is comes first */
	LIST_HEAD(, candidate) candidates;
	void *candidates_by_pid;	/* of tsearch() */
	LIST_HEAD(, vm) vms;
	LIST_HEAD(, vm) ending;	/* given up, and perhaps bound still */
	LIST_HEAD(, vm) unsaved;	/* that have died, and there is no room for what their guests had made */
	sd_event_source *save_retry;
	unsigned int save_tries;
	sd_event_source *end_retry;
	unsigned int end_tries;
	bool stay_bound;	/* others have endpoints that were given up */
	LIST_HEAD(, client) clients;
	sd_event_source *turn;	/* of who waits */
	unsigned int nr_helpers;	/* that run */
	unsigned int nr_killed;		/* and do not end */
	struct helper *reading;	/* reads the policy */
	bool read_again;
	bool read_later;	/* when there is room, which older policies have */
	bool has_read;		/* the policy, once since it began */
	sd_event_source *read_retry;
	unsigned int read_tries;
	uint64_t read_until;	/* it is not ready before the files are understood, or then */
	struct helper *linking;	/* makes links */
	bool link_again;
	unsigned int link_tries;	/* before it is ready */
	char links_error[1024];	/* or "": what of that could not be done */
	char reserve_error[256];	/* or "" */
	char words_error[256];	/* or "" */
	struct helper *scanning;	/* looks for VMs */
	bool scan_again;
	sd_event_source *later;	/* looks for VMs after a while */
	bool applying;
	bool ready;
};

/* To stderr, with the priorities of sd-daemon */
#define LOG(level, fmt, ...) fprintf(stderr, level fmt "\n", ##__VA_ARGS__)

/* "web (UUID)", as the policy calls it, or called it before; else the UUID alone */
struct vm_name {
	char s[POLICY_LABEL + UUID_STR_LEN + 4];
};

struct vm_name vm_name(const struct pvid *d, const uuid_t uuid);

/* helper.c: what may wait is done by a child, which is killed when that takes too long */
enum outcome { HELPER_DONE, HELPER_LATE, HELPER_FAILED };

struct task {
	unsigned int seconds;	/* that it may take; 0: as long as it likes, for it does not wait */
	size_t size;		/* of the answer */
	bool endpoint;		/* it gets one, to bind */
	bool vm;		/* its owner is one, and it gets its endpoint, when no other child has that any more; and d->lister */
	/* In the child, which has of pvid's descriptors that endpoint alone; @answer is 0 */
	void (*run)(const struct pvid *d, const void *owner, int pvi, void *answer);
	/* Takes @pvi, or -1. @answer: as far as it came; NULL perhaps where it failed */
	void (*done)(struct pvid *d, void *owner, int pvi, enum outcome outcome, const void *answer);
};

/* Blocked: by it a child hears that pvid has closed what is left to that one */
#define CLOSED_SIGNAL SIGUSR1

/* -errno */
int helper_init(struct pvid *d);
/* @user: whose process it looks at; NULL: nobody's. NULL: no memory */
struct helper *helper_start(struct pvid *d, const struct task *task, void *owner, struct user *user);
/* So many do not end that no more may be begun that a process of the user's could keep */
bool helper_may_not_wait(const struct user *user);
/* Whoever closes an endpoint last waits for its end, and so for its lock, but who is exiting: that is a child. */
void helper_close(struct pvid *d, int pvi);
/* @task's done() is not called any more; @helper may be NULL */
void helper_forget(struct helper *helper);
/* No other child works on @vm */
void helper_forget_children(struct vm *vm);

/* examine.c: what helpers find out */
struct examined {
	int ret;		/* 0: it is bound. -EAGAIN and others: not yet. EXAMINED_* */
	pid_t pid;
	uid_t owner;
	bool arriving;
	bool returns;		/* it had that name itself, and gave it up when it had stopped */
	uuid_t uuid;
	uint64_t number;
	const char *what;	/* failed */
};

#define EXAMINED_NOTHING (-ESRCH)	/* the policy knows no VM of it, or it has gone */
#define EXAMINED_NAME_LEFT (-ESTALE)	/* the name is at a VM that it had before */
#define EXAMINED_HAS_TO_WAIT 1		/* until its guest has stopped where the name is */
#define EXAMINED_NOT_ITS (-EXDEV)	/* another process has made that VM */

void examine(const struct pvid *d, const void *candidate, int pvi, void *examined);

/* Whether a VM that is bound is still what the policy knows */
struct reexamined {
	int ret;		/* 0: it is. -ESRCH: it is not */
	bool permitted;		/* its user and cgroup are, as far as the policy asks for them */
	bool ends;		/* it is not known any more whose it is: perhaps its process is ending */
};

void examine_again(const struct vm *vm, struct reexamined *e);

/* work.c: what helpers do with a VM that is bound */
struct worked {
	unsigned int done;	/* of what was due; what they have begun behind that may be done, too */
	bool more;		/* it is not, but was a slice of it */
	bool owes;		/* as of the VM, but for what it was not come to */
	int taken_back;
	struct reexamined seen;
	int given;		/* with links, */
	bool locked_out;	/* which somebody changes */
	bool restored;
	char what[RECONCILE_WHAT];	/* could not be taken back, */
	char given_what[RECONCILE_WHAT];	/* or given */
	int length;		/* of what was saved, or -errno */
	char saved[];		/* KVM_PVI_STATE_MAX */
};

void work(const struct pvid *d, const void *vm, int pvi, void *worked);

/* user.c; NULL: no memory */
struct user *user_get(struct pvid *d, uid_t uid);
void user_put(struct user *user);
/* False: there are too many, and another one is looked for later */
bool user_begin_candidate(struct user *user);
void user_end_candidate(struct user *user);

/* look.c: calls @fn with @owner once, soon, in its user's turn; it says how many threads it has looked at. -errno */
int look_begin(struct look *look, struct user *user, unsigned int (*fn)(void *owner), void *owner);
/* It does not any more */
void look_end(struct look *look);

/* candidate.c */
void candidate_add(struct pvid *d, pid_t pid, uid_t uid, bool begins);
/* A process that gave up @uuid, to which its guest may come back */
void candidate_add_returning(struct pvid *d, pid_t pid, uid_t uid, const uuid_t uuid);
/* Its guest runs elsewhere by now */
void candidate_forget_returning(struct pvid *d, const uuid_t uuid);
/* The name that it waits for is free. */
void candidate_begin(struct candidate *c);
/* They are examined by the policy as it is now */
void candidate_again_all(struct pvid *d);

/* scan.c: looks for the VMs of all processes; or once more, where it does so already */
void scan_start(struct pvid *d);
/* scan_start() in so many microseconds, or earlier; more may be missed until then */
void scan_later(struct pvid *d, uint64_t wait);
#define LOST_WAIT 1000000
#define MISSED_WAIT 10000000

/*
 * arrive.c: a guest that goes on in another process, on this host or from another one. Whether the name that a candidate
 * waits for is free, or could be taken from where its guest has stopped. Adds to @looked.
 */
bool arrive_may_begin(struct pvid *d, struct candidate *c, unsigned int *looked);
/* It is bound, and nothing can ring it yet: it is to be frozen */
void arrive_begin(struct vm *vm);
/* It is frozen, and what its guest has made is kept for another process; or that cannot be done, -errno */
void arrive_saved(struct vm *holder, int ret);
/* In a helper: it has what the policy says, or what it can get of that. True: that is done, as well as it can be */
bool arrive_restore(const struct vm *vm);
/* It runs, and what it has not got now may come too late */
bool arrive_has_waited(const struct vm *vm);

/* kept.c: what guests had made whose VMM has stopped or ended, each in a file of @d->run, for the VMM that goes on */
/* From now on a pvid that comes next knows that it is we who have frozen it. -errno */
int kept_begin(struct vm *vm);
/* Of one that has died, which makes nobody wait. -errno */
int kept_save(struct vm *vm);
/* What was saved since then. @stopped: it has not ended, and may go on where it was. -errno */
int kept_put(const struct vm *vm, bool stopped, const void *blob, uint32_t length);
/* To be freed; its length, -ENOENT: there is none of that VM and user, or another -errno */
int kept_read(const struct vm *vm, void **blob);
/* There is something of that VM, if only that it was to be saved */
bool kept_any(const struct pvid *d, const uuid_t uuid);
/* What is kept is of that process, which had stopped */
bool kept_left_by(const struct pvid *d, const uuid_t uuid, pid_t pid, uid_t owner);
void kept_forget(const struct pvid *d, const uuid_t uuid);

/* vm.c */
/* What has been bound; takes @pvi */
void vm_add(struct pvid *d, int pvi, const struct examined *e);
/* An endpoint that was kept meanwhile; takes @pvi */
void vm_restore(struct pvid *d, const char *name, int pvi);
struct vm *vm_find(const struct pvid *d, const uuid_t uuid);
struct vm *vm_of(const struct pvid *d, pid_t pid);
void vm_end(struct vm *vm);
/* A helper does what is due, and restores what its guest had made; behind one that is at it */
void vm_work(struct vm *vm);
/* A helper saves what its guest has made, and arrive_saved() hears of it; no other one is at it. -errno: nothing is done */
int vm_save(struct vm *vm, pid_t heir);
/* It stays where it is. */
void vm_stays(struct vm *vm);
/* Somebody has frozen it, who has what its guest had made and takes it somewhere else: pvictl save */
bool vm_is_taken(const struct vm *vm);
/* Its guest goes on here */
void vm_arrived(struct vm *vm);
/* Nothing is found out of it, taken back or given, or only what has been tried once */
bool vm_is_settled(const struct vm *vm);
/* What the guest of @vm's name and user had made, as kept_read() */
int vm_read_made(const struct vm *vm, void **blob);
/* Who could not join links may try it at once */
void vm_links_are_free(struct pvid *d);
/* Carries @d->policy out: what is bound stays, but for the differences, if it is what the policy says */
void vm_apply_all(struct pvid *d);
/* All are settled, and those that were given up are not bound any more */
bool vm_all_known(const struct pvid *d);
/* One has what the policy does not say, or could not be looked at */
bool vm_any_owes(const struct pvid *d);
/* None has anything of an older policy that this one does not say */
bool vm_all_rid(const struct pvid *d);

/* Waits that double with @tries, from a millisecond on; replaces what waits in @source. -errno */
int retry_after(struct pvid *d, sd_event_source **source, unsigned int tries, sd_event_time_handler_t fn, void *arg);
#define MAX_DOUBLED 12		/* 4 s */
#define MAX_TRIES 26		/* about a minute */

/* links.c: makes the policy's links, and takes back those that are not its any more; answers by reload_progress() */
void links_apply(struct pvid *d);

/* reserve.c: keeps the policy's names for their users, and leaves those of older ones to anybody; it waits for nobody */
void reserve_apply(struct pvid *d);

/* words.c: the files of status words; it waits for nobody */
void words_apply(struct pvid *d);

/* uevent.c */
int uevent_listen(struct pvid *d);

/* control.c: "pvictl apply" at @path; -errno */
int control_listen(struct pvid *d, const char *path);
/* All clients get @error; "": done */
void control_answer(struct pvid *d, const char *error);

/* reload.c */
/* Reads the policy, and carries it out */
void reload(struct pvid *d);
/* A VM is rid of older policies, or another reason to wait has gone: clients are answered, older policies forgotten */
void reload_progress(struct pvid *d);

#endif
