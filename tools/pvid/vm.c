// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid vm - VMs that are bound
 *
 * An interrupt controller comes later than the VM, so what cannot be given yet is tried again. No failure of
 * that takes the binding away; only a policy does that which does not know the VM, or no longer as this
 * process's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvid.h"

#define FIRST_WAIT UINT64_C(1000)	/* microseconds */
#define USUAL_TRIES 9		/* half a second: what takes longer is worth a word */
#define ENDING UINT64_C(60000000)	/* microseconds, before one that stays bound is given up */
#define ARRIVING 'i'		/* how the name begins under which one is kept whose guest does not run yet, */
#define PRESENT 'v'		/* and of all others */

struct vm_name vm_name(const struct pvid *d, const uuid_t uuid)
{
	const struct policy *p = &d->policy;
	const struct policy_vm *vm = NULL;
	char text[UUID_STR_LEN];
	struct vm_name name;

	for (; p && !vm; p = p->older)
		vm = policy_vm(p, uuid);
	uuid_unparse_lower(uuid, text);
	snprintf(name.s, sizeof(name.s), vm ? "%s (%s)" : "%s%s", vm ? vm->label : "", text);
	return name;
}

int retry_after(struct pvid *d, sd_event_source **source, unsigned int tries, sd_event_time_handler_t fn, void *arg)
{
	int ret;

	sd_event_source_disable_unref(*source);
	*source = NULL;
	ret = sd_event_add_time_relative(d->event, source, CLOCK_MONOTONIC, FIRST_WAIT << tries, 1, fn, arg);
	return ret < 0 ? ret : 0;
}

/*
 * Names under which systemd keeps endpoints, each used once: a letter, and the endpoint's number. They are short, for all
 * of them are one string of the environment in which the next pvid starts, and exec() takes 128 KiB.
 */
static void name_kept(struct vm *vm)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char *at = vm->kept + sizeof(vm->kept) - 1;
	uint64_t number = vm->number;

	*at = '\0';
	do
		*--at = digits[number % 36];
	while (number /= 36);
	*--at = vm->arriving ? ARRIVING : PRESENT;
	memmove(vm->kept, at, strlen(at) + 1);
}

/* systemd keeps the endpoint while no pvid runs, and forgets it when it is told to */
static void keep(struct vm *vm)
{
	char message[128];

	name_kept(vm);
	/* Also when it has died: it has what its guest had made. */
	snprintf(message, sizeof(message), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", vm->kept);
	sd_pid_notify_with_fds(0, 0, message, &vm->pvi, 1);
}

static void forget(const struct vm *vm)
{
	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", vm->kept);
}

static int ended(sd_event_source *source, uint64_t now, void *arg);

static uint64_t now_of(const struct pvid *d)
{
	uint64_t now = 0;

	sd_event_now(d->event, CLOCK_MONOTONIC, &now);
	return now;
}

static void vm_close(struct vm *vm)
{
	vm->forgotten = sd_event_source_disable_unref(vm->forgotten);
	if (vm->pvi >= 0)
		helper_close(vm->d, vm->pvi);
	vm->pvi = -1;
}

static int on_forgotten(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)fd;
	(void)events;
	vm_close(arg);
	return 0;
}

/*
 * Closes it when systemd has closed its copy: who closes the last one may have to wait for the end of the endpoint, for as
 * long as the VM's user likes, and that is not to be process 1, either. Where pvid cannot hear of it just now
 * await_ended() tries again.
 */
static void vm_close_last(struct vm *vm)
{
	int barrier[2];

	if (vm->pvi < 0 || vm->forgotten || pipe2(barrier, O_CLOEXEC | O_NONBLOCK))
		return;
	/* It closes what comes with that when it has done what it was told before. */
	if (sd_pid_notify_with_fds(0, 0, "BARRIER=1", &barrier[1], 1) <= 0 ||
	    sd_event_add_io(vm->d->event, &vm->forgotten, barrier[0], 0, on_forgotten, vm) < 0)
		vm_close(vm);
	close(barrier[1]);
	if (!vm->forgotten)
		close(barrier[0]);
	else
		sd_event_source_set_io_fd_own(vm->forgotten, true);
}

/* Whoever has its endpoint as well keeps it bound, as systemd does until it has read that it is to forget it. */
static void await_ended(struct pvid *d)
{
	unsigned int tries = d->end_tries < MAX_DOUBLED ? d->end_tries : MAX_DOUBLED;
	bool tired = retry_after(d, &d->end_retry, tries, ended, d), stays;
	struct kvm_pvi_list_endpoint r;
	struct vm *vm, *next;

	d->end_tries++;
	for (vm = LIST_FIRST(&d->ending); vm; vm = next) {
		next = LIST_NEXT(vm, entry);
		vm_close_last(vm);
		stays = !read_listed(d->lister, vm->number, &r);
		if (stays && !tired && now_of(d) - vm->given_up < ENDING)
			continue;
		if (stays)
			LOG(SD_ERR, "%s: it stays bound, for another process has its endpoint", vm_name(d, vm->uuid).s);
		d->stay_bound |= stays;
		LIST_REMOVE(vm, entry);
		vm_close(vm);
		free(vm->made);
		free(vm);
	}
	if (LIST_EMPTY(&d->ending))
		sd_event_source_set_enabled(d->end_retry, SD_EVENT_OFF);
}

static int ended(sd_event_source *source, uint64_t now, void *arg)
{
	(void)source;
	(void)now;
	await_ended(arg);
	reload_progress(arg);
	return 0;
}

static void vm_forget_helper(struct vm *vm)
{
	helper_forget(vm->helper);
	vm->helper = NULL;
}

/* Nothing happens to it any more. */
static void vm_rest(struct vm *vm)
{
	LIST_REMOVE(vm, entry);
	vm_forget_helper(vm);
	helper_forget_children(vm);
	vm->end = sd_event_source_disable_unref(vm->end);
	vm->retry = sd_event_source_disable_unref(vm->retry);
	look_end(&vm->look);
}

void vm_end(struct vm *vm)
{
	struct pvid *d = vm->d;

	LOG(SD_INFO, "%s of process %d is not bound any more", vm_name(vm->d, vm->uuid).s, vm->pid);
	vm_rest(vm);
	forget(vm);
	user_put(vm->user);
	LIST_INSERT_HEAD(&d->ending, vm, entry);
	vm->given_up = now_of(d);
	d->end_tries = 0;
	await_ended(d);
	reload_progress(d);
}

bool vm_is_taken(const struct vm *vm)
{
	struct kvm_pvi_list_endpoint r;

	return !vm->arriving && !(vm->due & (DUE_SAVE | DUE_THAW)) &&
	       !read_listed_any(vm->d->lister, vm->number, &r) && r.flags & KVM_PVI_LISTED_FROZEN;
}

/* Of one that has died: its VMM may have saved its guest before. -errno: it is not kept, though it is to be */
static int vm_keep_made(struct vm *vm)
{
	/* What one that did not begin was to get is still there. */
	if (vm->arriving)
		return 0;
	if (!vm_is_taken(vm))
		return kept_save(vm);
	kept_forget(vm->d, vm->uuid);
	return 0;
}

static void vm_lose_made(struct vm *vm, int err)
{
	kept_forget(vm->d, vm->uuid);
	LOG(SD_ERR, "%s: what its guest had made cannot be saved: %s", vm_name(vm->d, vm->uuid).s, strerror(-err));
}

static struct vm *find_unsaved(const struct pvid *d, const uuid_t uuid)
{
	struct vm *vm;

	LIST_FOREACH(vm, &d->unsaved, entry)
		if (!uuid_compare(vm->uuid, uuid))
			break;
	return vm;
}

static void end_unsaved(struct pvid *d, const uuid_t uuid)
{
	struct vm *vm = find_unsaved(d, uuid);

	if (vm)
		vm_end(vm);
}

static void forget_made(struct pvid *d, const uuid_t uuid)
{
	kept_forget(d, uuid);
	end_unsaved(d, uuid);
}

int vm_read_made(const struct vm *vm, void **blob)
{
	const struct vm *unsaved = find_unsaved(vm->d, vm->uuid);

	if (!unsaved)
		return kept_read(vm, blob);
	*blob = NULL;
	return unsaved->owner == vm->owner ? pvi_save_state(unsaved->pvi, blob) : -ENOENT;
}

static int save_again(sd_event_source *source, uint64_t now, void *arg);

static void save_later(struct pvid *d)
{
	unsigned int tries = d->save_tries < MAX_DOUBLED ? d->save_tries : MAX_DOUBLED;
	struct vm *vm;

	if (LIST_EMPTY(&d->unsaved))
		return;
	d->save_tries++;
	if (!retry_after(d, &d->save_retry, tries, save_again, d))
		return;
	while ((vm = LIST_FIRST(&d->unsaved))) {
		vm_lose_made(vm, -ENOMEM);
		vm_end(vm);
	}
}

static int save_again(sd_event_source *source, uint64_t now, void *arg)
{
	struct pvid *d = arg;
	struct vm *vm, *next;

	(void)source;
	(void)now;
	for (vm = LIST_FIRST(&d->unsaved); vm; vm = next) {
		next = LIST_NEXT(vm, entry);
		if (!kept_save(vm))
			vm_end(vm);
	}
	save_later(d);
	return 0;
}

/* It has died, and has no name, but what its guest had made, which whoever kept the endpoint has as well. */
static void vm_save_later(struct vm *vm, int err)
{
	struct vm *older = find_unsaved(vm->d, vm->uuid);

	LOG(SD_ERR, "%s: what its guest had made cannot be saved yet: %s; make room", vm_name(vm->d, vm->uuid).s,
	    strerror(-err));
	if (older)
		vm_end(older);
	vm_rest(vm);
	LIST_INSERT_HEAD(&vm->d->unsaved, vm, entry);
	vm->d->save_tries = 0;
	save_later(vm->d);
	reload_progress(vm->d);
}

static bool may_pass(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -ENOMEM || err == -EIO;
}

/* The endpoint has died with its VM's address space. */
static int vm_ended(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct vm *vm = arg;
	int ret = vm_keep_made(vm);

	(void)source;
	(void)fd;
	(void)events;
	if (may_pass(ret)) {
		vm_save_later(vm, ret);
		return 0;
	}
	if (ret)
		vm_lose_made(vm, ret);
	vm_end(vm);
	return 0;
}

static struct vm *vm_make(struct pvid *d, int pvi, uint64_t number, const uuid_t uuid, pid_t pid, uid_t owner)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return NULL;
	*vm = (struct vm){ .d = d, .pvi = pvi, .number = number, .pid = pid, .owner = owner };
	uuid_copy(vm->uuid, uuid);
	TAILQ_INIT(&vm->children);
	vm->user = user_get(d, owner);
	/* Before anybody looks at what has ended. */
	if (!vm->user || sd_event_add_io(d->event, &vm->end, pvi, EPOLLHUP, vm_ended, vm) < 0 ||
	    sd_event_source_set_priority(vm->end, SD_EVENT_PRIORITY_IMPORTANT) < 0) {
		sd_event_source_disable_unref(vm->end);
		user_put(vm->user);
		free(vm);
		return NULL;
	}
	LIST_INSERT_HEAD(&d->vms, vm, entry);
	return vm;
}

static int vm_retry(sd_event_source *source, uint64_t now, void *arg)
{
	(void)source;
	(void)now;
	vm_work(arg);
	return 0;
}

static void vm_again(struct vm *vm, const char *what, const char *why)
{
	unsigned int tries = vm->tries < MAX_DOUBLED ? vm->tries : MAX_DOUBLED;

	if (vm->tries == USUAL_TRIES)
		LOG(SD_NOTICE, "%s: cannot %s yet: %s", vm_name(vm->d, vm->uuid).s, what, why);
	if (++vm->tries < MAX_TRIES && !retry_after(vm->d, &vm->retry, tries, vm_retry, vm))
		return;
	vm->tries = MAX_TRIES;
	LOG(SD_ERR, "%s: cannot %s: %s; 'pvictl apply' tries again", vm_name(vm->d, vm->uuid).s, what, why);
	if (vm->locked_out && !*vm->d->links_error)
		snprintf(vm->d->links_error, sizeof(vm->d->links_error), "%s: cannot %.500s: %s; try again",
			 vm_name(vm->d, vm->uuid).s, what, why);
}

static void vm_owes(struct vm *vm, const char *what, const char *why)
{
	vm->due &= ~DUE_TAKE_BACK;
	vm->owes = true;
	LOG(SD_ERR, "%s: cannot %s: %s", vm_name(vm->d, vm->uuid).s, what, why);
}

void vm_links_are_free(struct pvid *d)
{
	struct vm *vm;

	LIST_FOREACH(vm, &d->vms, entry) {
		if (!vm->locked_out && !vm->helper)
			continue;
		vm->tries = 0;
		vm_work(vm);
	}
}

/* In an order in which nobody rings it while no one keeps it, and what is kept of it tells that it is to be thawed. */
void vm_arrived(struct vm *vm)
{
	int ret = kept_begin(vm);

	if (ret)
		LOG(SD_NOTICE, "%s: %s; pvid should not be killed just now", vm_name(vm->d, vm->uuid).s, strerror(-ret));
	forget(vm);
	vm->arriving = false;
	keep(vm);
	LOG(SD_INFO, "%s goes on in process %d", vm_name(vm->d, vm->uuid).s, vm->pid);
	candidate_forget_returning(vm->d, vm->uuid);
	vm->due &= ~DUE_FREEZE;
	vm->due |= DUE_THAW;
	vm->tries = 0;
	vm_work(vm);
}

int vm_save(struct vm *vm, pid_t heir)
{
	int ret = kept_begin(vm);

	if (ret)
		return ret;
	vm->heir = heir;
	vm->due |= DUE_SAVE;
	vm_work(vm);
	return 0;
}

/* Who saves it may have frozen it by now. */
static void vm_save_no_more(struct vm *vm)
{
	if (!(vm->due & DUE_SAVE))
		return;
	vm->due &= ~DUE_SAVE;
	vm->due |= DUE_THAW;
}

void vm_stays(struct vm *vm)
{
	vm_forget_helper(vm);
	vm_save_no_more(vm);
	vm->tries = 0;
	vm_work(vm);
}

/* Of one that is dropped, which has it until then. False: it is in vain */
static bool vm_save_again(struct vm *vm, enum outcome outcome, int err)
{
	if (vm->tries >= MAX_TRIES - 1 || (outcome == HELPER_DONE && !may_pass(err)))
		return false;
	vm_again(vm, "save what its guest had made", strerror(-err));
	return vm->tries < MAX_TRIES;
}

static void vm_saved(struct vm *vm, enum outcome outcome, const struct worked *w)
{
	int ret = outcome == HELPER_LATE ? -EBUSY : outcome == HELPER_FAILED ? -ENOMEM : w->length;

	if (ret >= 0)
		ret = kept_put(vm, vm->heir, w->saved, ret);
	if (vm->heir) {
		arrive_saved(vm, ret);
		return;
	}
	if (ret && vm_save_again(vm, outcome, ret))
		return;
	if (ret)
		vm_lose_made(vm, ret);
	vm_end(vm);
}

/* It is not what the policy says. What its guest had made is kept as that of one that has ended. */
static void vm_drop(struct vm *vm, bool ends)
{
	bool taken = vm_is_taken(vm), save = ends && !vm->arriving && !taken;
	int ret = 0;

	LOG(SD_WARNING, "process %d is no longer what the policy says of %s", vm->pid, vm_name(vm->d, vm->uuid).s);
	vm->tries = 0;
	if (save)
		ret = vm_save(vm, 0);
	if (save && !ret)
		return;
	if (ret)
		vm_lose_made(vm, ret);
	else if (ends && taken)
		kept_forget(vm->d, vm->uuid);
	vm_end(vm);
}

/* What it claims it may claim again, and it has the name that it claimed when it was bound. */
static void vm_known(struct vm *vm)
{
	vm->known = true;
	vm->due &= ~DUE_LOOK;
}

/* Somebody keeps its helper, or there was none. */
static void vm_late(struct vm *vm, enum outcome outcome, bool permitted)
{
	const char *why = outcome == HELPER_LATE ? "it takes too long" : "no helper";
	bool taking_back = vm->due & DUE_TAKE_BACK;

	if (taking_back)
		vm_owes(vm, "take back what it has", why);
	if (vm->due & DUE_FREEZE) {
		vm_again(vm, "keep rings away from it until it runs", why);
	} else if (taking_back) {
		vm_work(vm);
	} else if (vm->due & DUE_THAW) {
		vm_again(vm, "let it be rung", why);
	} else if (vm->due & DUE_LOOK && outcome == HELPER_LATE && permitted) {
		vm_known(vm);
		vm_work(vm);
	} else if (vm->due & DUE_LOOK) {
		vm_again(vm, "see whether it is what the policy says", why);
	} else if (vm->due & DUE_GIVE) {
		vm_again(vm, "give it what the policy says", why);
	}
}

static void vm_worked(struct pvid *d, void *owner, int pvi, enum outcome outcome, const void *answer)
{
	static const struct worked nothing;
	const struct worked *w = answer ? answer : &nothing;
	unsigned int done = __atomic_load_n(&w->done, __ATOMIC_ACQUIRE);
	struct vm *vm = owner;
	bool thawed = vm->due & done & DUE_THAW;
	uuid_t uuid;

	(void)pvi;
	vm->helper = NULL;
	if (vm->due & vm->asked & DUE_SAVE) {
		vm_saved(vm, outcome, w);
		reload_progress(d);
		return;
	}
	uuid_copy(uuid, vm->uuid);
	if (thawed)
		kept_forget(d, uuid);
	vm->due &= ~done;
	vm->restored |= w->restored;
	vm->locked_out = w->locked_out;
	if (done || w->more)
		vm->tries = 0;
	if (outcome == HELPER_DONE || done & DUE_TAKE_BACK)
		vm->owes = w->owes;
	if (done & DUE_TAKE_BACK && w->owes)
		vm_owes(vm, w->what, strerror(-w->taken_back));
	if (done & DUE_LOOK)
		vm_known(vm);
	if (outcome != HELPER_DONE)
		vm_late(vm, outcome, w->seen.permitted);
	else if (w->more || vm->due & ~vm->asked)
		vm_work(vm);
	else if (vm->due & DUE_LOOK && w->seen.ret == -ESRCH)
		vm_drop(vm, w->seen.ends);
	else if (vm->due & DUE_LOOK)
		vm_again(vm, "see whether it is what the policy says", strerror(-w->seen.ret));
	else if (vm->due & DUE_GIVE)
		vm_again(vm, w->given_what, strerror(-w->given));
	/* That tells who waits how far all are. */
	if (thawed)
		end_unsaved(d, uuid);
	reload_progress(d);
}

static const struct task task = {
	.seconds = 5,
	.size = sizeof(struct worked) + KVM_PVI_STATE_MAX,
	.vm = true,
	.run = work,
	.done = vm_worked,
};

/* What another endpoint has of it, which has died, only we can read. */
static void vm_prepare_made(struct vm *vm)
{
	free(vm->made);
	vm->made = NULL;
	if (vm->arriving && !vm->restored)
		vm->made_length = vm_read_made(vm, &vm->made);
}

void vm_work(struct vm *vm)
{
	if (vm->helper)
		return;
	vm->retry = sd_event_source_disable_unref(vm->retry);
	vm_prepare_made(vm);
	vm->asked = vm->due;
	vm->helper = helper_start(vm->d, &task, vm, vm->user);
	if (vm->helper)
		return;
	if (vm->due & DUE_TAKE_BACK)
		vm_owes(vm, "take back what it has", strerror(ENOMEM));
	vm_again(vm, "give it what the policy says", strerror(ENOMEM));
}

static void vm_apply(struct vm *vm)
{
	vm->known = vm->locked_out = false;
	vm->tries = 0;
	vm_forget_helper(vm);
	if (!policy_vm(&vm->d->policy, vm->uuid)) {
		forget_made(vm->d, vm->uuid);
		vm_end(vm);
		return;
	}
	vm_save_no_more(vm);
	vm->due |= DUE_TAKE_BACK | DUE_LOOK | DUE_GIVE;
	vm_work(vm);
}

void vm_apply_all(struct pvid *d)
{
	struct vm *vm, *next;

	d->applying = true;
	d->stay_bound = false;
	for (vm = LIST_FIRST(&d->vms); vm; vm = next) {
		next = LIST_NEXT(vm, entry);
		vm_apply(vm);
	}
	for (vm = LIST_FIRST(&d->unsaved); vm; vm = next) {
		next = LIST_NEXT(vm, entry);
		if (!policy_vm(&d->policy, vm->uuid))
			forget_made(d, vm->uuid);
	}
	d->applying = false;
	reload_progress(d);
}

void vm_add(struct pvid *d, int pvi, const struct examined *e)
{
	struct vm *vm = vm_make(d, pvi, e->number, e->uuid, e->pid, e->owner);

	if (!vm) {
		LOG(SD_ERR, "process %d: out of memory; 'pvictl apply' tries again", e->pid);
		close(pvi);
		return;
	}
	vm->known = true;
	vm->due = DUE_GIVE;
	LOG(SD_INFO, "process %d is %s", vm->pid, vm_name(d, vm->uuid).s);
	if (e->arriving)
		arrive_begin(vm);
	else
		forget_made(d, vm->uuid);
	keep(vm);
	vm_work(vm);
}

/*
 * What the name says that an endpoint was kept under; @arriving: as it was. The older form has the kind and the UUID in
 * full, "vm-UUID-7" or "in-UUID-7"; who is kept so stays so, for systemd takes a descriptor that it has under no second
 * name.
 */
static bool parse_kept(const char *name, bool *arriving, uint64_t *number)
{
	char kind[3], *end;

	if (strlen(name) >= sizeof(((struct vm *)NULL)->kept))
		return false;
	if (sscanf(name, "%2[a-z]-%*36[0-9a-f-]-%" SCNu64, kind, number) == 2) {
		*arriving = !strcmp(kind, "in");
		return *arriving || !strcmp(kind, "vm");
	}
	*arriving = *name == ARRIVING;
	*number = *name ? strtoull(name + 1, &end, 36) : 0;
	return (*arriving || *name == PRESENT) && *number && !*end;
}

/* The name that it says itself; what is said in /proc waits for its lock, which of one that has died nobody keeps */
static bool read_name(int pvi, uuid_t uuid)
{
	int ret = pvi_query_uuid(pvi, uuid);

	return !ret || (ret == -ENODEV && is_endpoint(getpid(), pvi, "/dev/kvm_pvi", uuid));
}

/* The record of an endpoint that was kept; that it is this one it says itself. -errno */
static int find_kept(const struct pvid *d, int pvi, uint64_t number, struct kvm_pvi_list_endpoint *r)
{
	uuid_t uuid;
	int ret;

	if (!read_name(pvi, uuid))
		return -EINVAL;
	ret = read_listed_any(d->lister, number, r);
	return ret ?: uuid_compare(r->uuid, uuid) ? -ENOENT : 0;
}

/*
 * Nothing is kept of one that is bound and has arrived. So the last pvid had frozen it, to save what its guest had made, or
 * had not thawed it yet.
 */
static void vm_finish_step(struct vm *vm)
{
	if (kept_any(vm->d, vm->uuid))
		vm->due |= DUE_THAW;
}

void vm_restore(struct pvid *d, const char *name, int pvi)
{
	struct kvm_pvi_list_endpoint r;
	struct vm *vm = NULL;
	bool arriving;
	uint64_t number;

	if (parse_kept(name, &arriving, &number) && !find_kept(d, pvi, number, &r))
		vm = vm_make(d, pvi, r.number, r.uuid, r.vmm, r.owner);
	if (!vm) {
		LOG(SD_NOTICE, "'%s' has ended meanwhile", name);
		close(pvi);
		sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
		return;
	}
	stpcpy(vm->kept, name);
	/* The last pvid may have ended before it was rid of that. */
	vm->owes = true;
	/* One that has died is heard to, as any other. */
	if (arriving)
		arrive_begin(vm);
	else
		vm_finish_step(vm);
	if (vm->due)
		vm_work(vm);
}

struct vm *vm_find(const struct pvid *d, const uuid_t uuid)
{
	struct vm *vm;

	LIST_FOREACH(vm, &d->vms, entry)
		if (!uuid_compare(vm->uuid, uuid))
			break;
	return vm;
}

struct vm *vm_of(const struct pvid *d, pid_t pid)
{
	struct vm *vm;

	LIST_FOREACH(vm, &d->vms, entry)
		if (vm->pid == pid)
			break;
	return vm;
}

/* Who is tried again has had its try: of many some child may always be at it. */
bool vm_is_settled(const struct vm *vm)
{
	return (!vm->helper || vm->tries) && !(vm->due & DUE_TAKE_BACK) && (!vm->locked_out || vm->tries >= MAX_TRIES);
}

bool vm_all_known(const struct pvid *d)
{
	struct vm *vm;

	LIST_FOREACH(vm, &d->vms, entry)
		if (!vm_is_settled(vm))
			break;
	return !vm && LIST_EMPTY(&d->ending);
}

bool vm_any_owes(const struct pvid *d)
{
	struct vm *vm;

	LIST_FOREACH(vm, &d->vms, entry)
		if (vm->owes || !vm->known)
			break;
	return vm;
}

bool vm_all_rid(const struct pvid *d)
{
	struct vm *vm;

	LIST_FOREACH(vm, &d->vms, entry)
		if (vm->due & DUE_TAKE_BACK || vm->owes)
			break;
	return !vm;
}
