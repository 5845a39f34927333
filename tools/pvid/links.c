// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid links - the policy's links
 *
 * A helper makes them, and takes back those that a policy has made and this one does not have. It has the directory to
 * itself meanwhile. It comes to pvid's own endpoints first, before a link goes or when one has come; other processes,
 * which have their endpoints from "pvictl attach" or are ends themselves, may keep it waiting, and come last.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "links_policy.h"
#include "pvid.h"

struct answer {
	char error[1024];	/* or "" */
};

/* An endpoint of pvid's */
struct end {
	uuid_t uuid;
	int fd;			/* there */
};

struct work {
	const struct pvid *d;
	char dir[PATH_MAX];
	pid_t parent;
	struct end *ends;	/* sorted */
	size_t nr_ends;
	struct links there;
	struct links gone;
	size_t nr_old;		/* of those that are there, the first have not been made now */
	struct answer *answer;
};

static void complain(struct work *w, const char *text)
{
	LOG(SD_ERR, "%s", text);
	if (!*w->answer->error)
		snprintf(w->answer->error, sizeof(w->answer->error), "%.1000s", text);
}

static int compare_ends(const void *a, const void *b)
{
	return uuid_compare(((const struct end *)a)->uuid, ((const struct end *)b)->uuid);
}

static bool note_end(pid_t pid, int fd, const char *target, void *arg)
{
	struct work *w = arg;
	struct end end = { .fd = fd };

	if (!is_endpoint(pid, fd, target, end.uuid))
		return true;
	w->ends = policy_grow(w->ends, w->nr_ends, sizeof(end));
	w->ends[w->nr_ends++] = end;
	return true;
}

static void note_ends(struct work *w)
{
	each_fd(w->parent, note_end, w);
	if (w->nr_ends)
		qsort(w->ends, w->nr_ends, sizeof(*w->ends), compare_ends);
}

static const struct end *own_end(const struct work *w, const uuid_t uuid)
{
	struct end key;

	uuid_copy(key.uuid, uuid);
	return w->nr_ends ? bsearch(&key, w->ends, w->nr_ends, sizeof(key), compare_ends) : NULL;
}

static bool look_for_end(pid_t pid, int fd, const char *target, void *arg)
{
	struct end *wanted = arg;
	uuid_t uuid;

	if (!is_endpoint(pid, fd, target, uuid) || uuid_compare(uuid, wanted->uuid))
		return true;
	wanted->fd = fd;
	return false;
}

/* @fd of that process, if it is that endpoint still; -errno */
static int take_end(pid_t pid, int fd, const uuid_t uuid)
{
	struct end wanted = { .fd = -1 };
	int pidfd = open_pidfd(pid), taken;

	if (pidfd < 0)
		return pidfd;
	taken = take_fd(pidfd, fd);
	close(pidfd);
	if (taken < 0)
		return taken;
	uuid_copy(wanted.uuid, uuid);
	each_fd(getpid(), look_for_end, &wanted);
	if (wanted.fd >= 0)
		return taken;
	close(taken);
	return -EBADF;
}

/*
 * The endpoint at an end: pvid's if @own is true, else another one's; -ENOENT: there is none. @r: what is listed of it
 */
static int open_end(const struct work *w, const uuid_t uuid, bool own, struct kvm_pvi_list_endpoint *r, int lister)
{
	const struct end *end = own_end(w, uuid);
	struct end wanted = { .fd = -1 };
	int ret;

	if (own != (end != NULL) || find_listed(lister, uuid, r))
		return -ENOENT;
	if (own)
		return take_end(w->parent, end->fd, uuid);
	if (!r->opener)
		return -ESRCH;
	uuid_copy(wanted.uuid, uuid);
	ret = each_fd(r->opener, look_for_end, &wanted);
	return ret ?: wanted.fd < 0 ? -EBADF : take_end(r->opener, wanted.fd, uuid);
}

static bool has_gone(int ret)
{
	return ret == -ENOENT || ret == -ENODEV || ret == -ESRCH || ret == -EBADF;
}

/* Both ends of one of the links, as far as they are pvid's, or not: @join, or leave */
static void tell_ends(struct work *w, const struct link *link, bool own, bool join, int lister)
{
	struct links one = { .all = (struct link *)link, .nr = 1 };
	const struct pvi_ring_shape *shape;
	struct kvm_pvi_list_endpoint r;
	char text[128], uuid[UUID_STR_LEN];
	uuid_t unused;
	int pvi, ret;

	for (shape = link->shapes; shape < link->shapes + 2; shape++) {
		pvi = open_end(w, shape->owner, own, &r, lister);
		ret = pvi < 0 ? pvi : !join ? pvi_link_leave(pvi, shape) :
			links_join(&one, &w->d->policy, shape->owner, lister, r.number, pvi, NULL, unused);
		if (pvi >= 0)
			close(pvi);
		if (!ret || has_gone(ret))
			continue;
		uuid_unparse_lower(shape->owner, uuid);
		snprintf(text, sizeof(text), "%s %s link '%s': %s", uuid, join ? "cannot join" : "keeps the GSIs of",
			 link->label, links_explain(ret));
		complain(w, text);
	}
}

static void tell_all(struct work *w, bool own, int lister)
{
	size_t i;

	for (i = 0; i < w->gone.nr; i++)
		if (!own)
			tell_ends(w, &w->gone.all[i], own, false, lister);
	for (i = w->nr_old; i < w->there.nr; i++)
		tell_ends(w, &w->there.all[i], own, true, lister);
}

/*
 * pvid has its descriptors, so whoever was not found among them has gone. When it ends they are closed before its helpers
 * are killed, and who is kept meanwhile goes on.
 */
static bool pvid_lives(const struct work *w)
{
	int pidfd = open_pidfd(w->parent), fd;

	if (pidfd < 0)
		return false;
	fd = take_fd(pidfd, w->d->lister);
	close(pidfd);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Whoever is pvid's has left before: if it all ends here, the next pvid gives it back, and takes it again. */
static void take_back(struct work *w, int lister)
{
	struct links_why why;
	struct link *link;
	size_t i = 0;

	while (i < w->there.nr) {
		link = &w->there.all[i];
		if (!links_is_old(w->dir, link, &w->d->policy)) {
			i++;
			continue;
		}
		tell_ends(w, link, true, false, lister);
		if (!pvid_lives(w))
			_exit(EXIT_FAILURE);
		if (links_remove(w->dir, link->uuid, &why))
			complain(w, why.text);
		w->gone.all = policy_grow(w->gone.all, w->gone.nr, sizeof(*link));
		w->gone.all[w->gone.nr++] = *link;
		*link = w->there.all[--w->there.nr];
	}
	w->nr_old = w->there.nr;
}

/* Those first whose addresses are said: nobody else is to be given them. */
static void make(struct work *w, bool said)
{
	const struct policy *p = &w->d->policy;
	const struct policy_link *l;
	struct links_why why;
	int ret;

	for (l = p->links; l < p->links + p->nr_links; l++) {
		if (!!l->spec.cids[0] != said)
			continue;
		ret = links_is_there(w->dir, &w->there, p, l, &why);
		ret = ret < 0 ? ret : ret ? 0 : links_make_by_policy(w->dir, l, &w->there, &why);
		if (ret)
			complain(w, why.text);
	}
}

static void carry_out(struct work *w, int lister)
{
	note_ends(w);
	take_back(w, lister);
	make(w, true);
	make(w, false);
	tell_all(w, true, lister);
	tell_all(w, false, lister);
}

static void run(const struct pvid *d, const void *owner, int pvi, void *answer)
{
	struct work w = { .d = d, .parent = getppid(), .answer = answer };
	int lister = open("/dev/kvm_pvi", O_RDONLY | O_CLOEXEC);
	struct links_why why;
	int held;

	(void)owner;
	(void)pvi;
	held = links_lock(d->links, w.dir, &why);
	if (held < 0 || links_read(w.dir, &w.there, NULL, &why))
		complain(&w, why.text);
	else
		carry_out(&w, lister);
}

static void done(struct pvid *d, void *owner, int pvi, enum outcome outcome, const void *answer)
{
	const struct answer *a = answer;

	(void)owner;
	(void)pvi;
	d->linking = NULL;
	if (d->link_again) {
		links_apply(d);
		return;
	}
	if (outcome == HELPER_DONE)
		snprintf(d->links_error, sizeof(d->links_error), "%s", a->error);
	else
		snprintf(d->links_error, sizeof(d->links_error), "%s: links cannot be made, or it takes too long; try again",
			 d->links);
	if (outcome != HELPER_DONE)
		LOG(SD_ERR, "%s", d->links_error);
	reload_progress(d);
}

static const struct task task = {
	.seconds = 60,
	.size = sizeof(struct answer),
	.run = run,
	.done = done,
};

void links_apply(struct pvid *d)
{
	d->link_again = d->linking;
	if (d->linking)
		return;
	*d->links_error = '\0';
	/* Nor is there one to be taken back. */
	if (!d->policy.nr_links && access(d->links, F_OK))
		return;
	d->linking = helper_start(d, &task, d, NULL);
	if (!d->linking)
		snprintf(d->links_error, sizeof(d->links_error), "links: out of memory");
}
