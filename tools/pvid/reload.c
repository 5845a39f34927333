// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid reload - from the policy's files to what VMs have
 *
 * A helper reads the files, since users' names may be looked up far away, and writes what it has understood.
 * That is taken on as a whole, if it can be written down for the pvid that comes next.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applied.h"
#include "policy_path.h"
#include "pvid.h"

#define MAX_OLDER 16	/* policies that some VM has not been rid of */
#define READY_WAIT UINT64_C(60000000)	/* for files that cannot be understood yet, before others are started */

struct read {
	bool no_room;
	bool no_user;		/* somebody is not known, perhaps not yet */
	char error[sizeof(((struct policy *)NULL)->error)];	/* or "" */
};

static void path_of(const struct pvid *d, const char *name, char path[static PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", d->run, name);
}

/* Of the oldest; a VM that cannot be rid of what it has would make them more and more. */
static void forget_oldest(struct policy *p)
{
	unsigned int nr;

	for (nr = 0; p->older && nr < MAX_OLDER; nr++)
		p = p->older;
	if (!p->older)
		return;
	policy_free(p->older);
	free(p->older);
	p->older = NULL;
}

static void forget_older(struct pvid *d)
{
	int ret;

	if (!d->policy.older || !vm_all_rid(d))
		return;
	policy_free(d->policy.older);
	free(d->policy.older);
	d->policy.older = NULL;
	ret = applied_forget(d->run);
	if (ret)
		LOG(SD_NOTICE, "%s: no room is kept for the next policy: %s", d->run, strerror(-ret));
}

/* What the last pvid has left, or the files say */
static bool has_policy(const struct pvid *d)
{
	return d->policy.nr_vms || d->policy.nr_links || d->policy.nr_reserves || d->policy.older;
}

/*
 * Who is started when pvid is ready finds the policy's links. So it waits for files that are read again since a user is not
 * known yet, but not for ever: the directory that knows them may not come.
 */
static bool is_to_be_ready(const struct pvid *d)
{
	uint64_t now;

	return !d->read_retry || has_policy(d) || sd_event_now(d->event, CLOCK_MONOTONIC, &now) < 0 || now >= d->read_until;
}

void reload_progress(struct pvid *d)
{
	bool known;

	if (d->reading || d->applying || d->linking)
		return;
	forget_older(d);
	known = vm_all_known(d);
	if (d->read_later && (known || !d->policy.older)) {
		reload(d);
		return;
	}
	if (!known)
		return;
	control_answer(d, vm_any_owes(d) || d->stay_bound ?
		       "not all could be taken back, or looked at; see the log of pvid, and try again" :
		       *d->links_error ? d->links_error : *d->words_error ? d->words_error : d->reserve_error);
	if (!d->ready && !is_to_be_ready(d))
		return;
	if (!d->ready)
		sd_notify(0, "READY=1");
	d->ready = true;
}

/* For "systemctl status". @error: why the policy's files are not what is carried out; "": they are */
static void say_status(const struct pvid *d, const char *error)
{
	char harmless[sizeof(struct read) * 4], links[32];

	escape(harmless, sizeof(harmless), error);
	snprintf(links, sizeof(links), d->policy.nr_links ? ", %zu links" : "", d->policy.nr_links);
	sd_notifyf(0, "STATUS=%zu VMs%s in the policy%s%s", d->policy.nr_vms, links,
		   *error ? " that is carried out; the files are not: " : "", harmless);
}

static void carry_out(struct pvid *d)
{
	say_status(d, "");
	/* These first: others may take a name meanwhile, VMs get words, and nothing is answered until the links are there */
	reserve_apply(d);
	words_apply(d);
	links_apply(d);
	vm_apply_all(d);
	candidate_again_all(d);
	scan_start(d);
}

/* @new is the policy, or @error says why not, and then it is as it was */
static bool take_on(struct pvid *d, struct policy *new, char *error, size_t room)
{
	struct policy *old = malloc(sizeof(*old));
	int ret = old ? 0 : -ENOMEM;

	if (old) {
		*old = d->policy;
		d->policy = *new;
		d->policy.older = old;
		forget_oldest(&d->policy);
		/* Whoever comes after a crash takes back what either has given. */
		ret = applied_take(d->run, MAX_OLDER);
	}
	if (!ret) {
		d->has_read = true;
		d->read_tries = 0;
		return true;
	}
	snprintf(error, room, "%s: what is carried out cannot be written down: %s; make room", d->run, strerror(-ret));
	if (old) {
		d->policy = *old;
		free(old);
	}
	policy_free(new);
	return false;
}

static void read_files(const struct pvid *d, const void *owner, int pvi, void *answer)
{
	struct read *read = answer;
	struct policy p;
	char *text = NULL;
	size_t length;
	FILE *out;
	int ret;

	(void)owner;
	(void)pvi;
	if (!policy_read(&p, d->dir)) {
		stpcpy(read->error, p.error);
		read->no_user = p.no_user;
		return;
	}
	out = open_memstream(&text, &length);
	ret = out ? policy_write(&p, out) : -errno;
	ret = ret ?: applied_prepare(d->run, text, length);
	read->no_room = ret == -ENOSPC;
	if (ret)
		snprintf(read->error, sizeof(read->error), "%s: %s; make room", d->run, strerror(-ret));
}

/* The room of policies that are not forgotten yet, since VMs and links are on their way to this one, is there soon. */
static bool has_to_wait(struct pvid *d, bool no_room)
{
	if (!no_room || !d->policy.older || (!d->linking && vm_all_known(d)))
		return false;
	LOG(SD_NOTICE, "%s: there is no room for the policy yet, it is read again", d->run);
	d->read_later = true;
	return true;
}

static int read_again(sd_event_source *source, uint64_t now, void *arg)
{
	(void)source;
	(void)now;
	reload(arg);
	return 0;
}

/*
 * When the host boots users may not be known yet whom a directory far away knows, and nobody says that they are. Once
 * files have been read it is for who has changed them to say when they are to be read.
 */
static bool read_until_known(struct pvid *d, enum outcome outcome, const struct read *read)
{
	unsigned int tries = d->read_tries < MAX_DOUBLED ? d->read_tries : MAX_DOUBLED;
	uint64_t now;

	if (d->has_read || (outcome == HELPER_DONE && !read->no_user))
		return false;
	if (!d->read_tries && sd_event_now(d->event, CLOCK_MONOTONIC, &now) >= 0)
		d->read_until = now + READY_WAIT;
	d->read_tries++;
	return !retry_after(d, &d->read_retry, tries, read_again, d);
}

static void files_read(struct pvid *d, void *owner, int pvi, enum outcome outcome, const void *answer)
{
	char path[PATH_MAX], error[sizeof(struct read)];
	unsigned int tries = d->read_tries;
	struct policy new;
	bool again;

	(void)owner;
	(void)pvi;
	d->reading = NULL;
	if (d->read_again) {
		reload(d);
		return;
	}
	path_of(d, PVID_NEW, path);
	if (outcome == HELPER_DONE)
		stpcpy(error, ((const struct read *)answer)->error);
	else
		snprintf(error, sizeof(error), "%s: it cannot be read, or takes too long; try again", d->dir);
	if (has_to_wait(d, outcome == HELPER_DONE && ((const struct read *)answer)->no_room))
		return;
	if (!*error && !policy_read_file(&new, path))
		stpcpy(error, new.error);
	else if (!*error && take_on(d, &new, error, sizeof(error)))
		carry_out(d);
	if (!*error)
		return;
	again = read_until_known(d, outcome, answer);
	if (!tries || !again)
		LOG(SD_ERR, "%s%s", error, again ? "; it is tried again" : "");
	control_answer(d, error);
	/* What the last pvid was carrying out when it ended; if nobody knows what that was, all stays. */
	if (!d->ready && !tries && has_policy(d))
		carry_out(d);
	say_status(d, error);
	reload_progress(d);
}

static const struct task task = {
	.seconds = 20,
	.size = sizeof(struct read),
	.run = read_files,
	.done = files_read,
};

void reload(struct pvid *d)
{
	d->read_again = d->reading;
	d->read_later = false;
	sd_event_source_disable_unref(d->read_retry);
	d->read_retry = NULL;
	if (d->reading)
		return;
	d->reading = helper_start(d, &task, d, NULL);
	if (!d->reading)
		control_answer(d, "out of memory");
}
