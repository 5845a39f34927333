// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid links - the policy's links
 *
 * A helper makes them, and takes back those that a policy has made and this one does not have. It has the directory to
 * itself meanwhile. It comes to pvid's own endpoints first, before a link goes or when one has come; other processes,
 * which have their endpoints from "pvictl attach" or are ends themselves, may keep it waiting, and come last, all at once.
 * Each end is told by a child, since a VM may have its endpoint's lock for long. A link that has gone is known until all
 * of its ends know that, whoever is killed meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "links_policy.h"
#include "pvid.h"

#define READY_TRIES 3	/* by helpers that do not end well: each leaves links that the next one need not make */
#define USUAL 250		/* milliseconds that each of pvid's own ends may take, */
#define OWN_PATIENCE 20000	/* and all of them beyond that: a third of what there is */

struct answer {
	char error[1024];	/* or "" */
};

/* An endpoint of pvid's */
struct end {
	uuid_t uuid;
	int fd;			/* there */
	bool late;		/* somebody has its lock */
};

struct work {
	const struct pvid *d;
	char dir[PATH_MAX];
	pid_t parent;
	struct end *ends;	/* sorted */
	size_t nr_ends;
	int waited;		/* for these, beyond what is usual: milliseconds */
	int held;
	struct links there;
	struct links gone;	/* now, or before, without all ends knowing it */
	size_t nr_old;		/* of those that are there, the first have not been made now */
	struct answer *answer;
};

/* Who looks for pvid's endpoints */
struct notes {
	int pidfd;		/* of pvid */
	int to;			/* a pipe for struct end */
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

/* What is taken stays open, see note_ends(). One that has died is none any more. /proc would tell the name, too, but waits. */
static bool note_end(pid_t pid, int fd, const char *target, void *arg)
{
	const struct notes *n = arg;
	struct end end = { .fd = fd };
	int taken;

	if (!is_of_kvm_pvi(pid, fd, target))
		return true;
	taken = take_fd(n->pidfd, fd);
	if (taken < 0 || pvi_query_uuid(taken, end.uuid))
		return true;
	return write(n->to, &end, sizeof(end)) == sizeof(end);
}

static void ATTRIBUTE(noreturn) note_as_child(const struct work *w, pid_t parent, int to)
{
	struct notes n = { .to = to };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	n.pidfd = open_pidfd(w->parent);
	each_fd(w->parent, note_end, &n);
	_exit(0);
}

/*
 * By a child, for it closes by its end what it has taken: who closes the last descriptor of an endpoint in another way waits
 * for the endpoint's end.
 */
static void note_ends(struct work *w)
{
	pid_t self = getpid(), pid;
	int ends[2], status;
	struct end end;

	if (pipe2(ends, O_CLOEXEC))
		abort();
	pid = fork();
	if (!pid)
		note_as_child(w, self, ends[1]);
	close(ends[1]);
	while (read(ends[0], &end, sizeof(end)) == sizeof(end)) {
		w->ends = policy_grow(w->ends, w->nr_ends, sizeof(end));
		w->ends[w->nr_ends++] = end;
	}
	close(ends[0]);
	/* Without all of them some would be taken for others'. */
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		abort();
	if (w->nr_ends)
		qsort(w->ends, w->nr_ends, sizeof(*w->ends), compare_ends);
}

static struct end *own_end(const struct work *w, const uuid_t uuid)
{
	struct end key;

	uuid_copy(key.uuid, uuid);
	return w->nr_ends ? bsearch(&key, w->ends, w->nr_ends, sizeof(key), compare_ends) : NULL;
}

/* As in note_end(): the others of that process may be any VM's, whose locks its vCPUs may have for long. */
static bool is_end(pid_t pid, int fd, const char *target, void *arg)
{
	uuid_t uuid;

	return is_of_kvm_pvi(pid, fd, target) && ask_endpoint_of(pid, fd, uuid) && !uuid_compare(uuid, arg);
}

static bool is_taken(pid_t pid, int fd, const char *target, void *arg)
{
	struct end *taken = arg;

	if (fd != taken->fd || !is_end(pid, fd, target, taken->uuid))
		return true;
	taken->fd = -1;
	return false;
}

static bool is_own(int fd, const uuid_t uuid)
{
	uuid_t its;

	return !pvi_query_uuid(fd, its) && !uuid_compare(its, uuid);
}

static bool is_others_end(int fd, const uuid_t uuid)
{
	struct end end = { .fd = fd };

	uuid_copy(end.uuid, uuid);
	each_fd(getpid(), is_taken, &end);
	return end.fd < 0;
}

/* @fd of that process, if it is that endpoint still; -errno */
static int take_end(pid_t pid, int fd, const uuid_t uuid, bool own)
{
	int pidfd = open_pidfd(pid), taken;

	if (pidfd < 0)
		return pidfd;
	taken = take_fd(pidfd, fd);
	close(pidfd);
	if (taken < 0)
		return taken;
	if (own ? is_own(taken, uuid) : is_others_end(taken, uuid))
		return taken;
	close(taken);
	return -EBADF;
}

/* At who opened it, or at whoever it was handed to, or has inherited it; -EBADF: nobody has it who can be seen */
static int search_end(pid_t opener, const uuid_t uuid)
{
	pid_t pid;
	int fd;

	return find_fd(opener, is_end, (void *)uuid, &pid, &fd) ?: take_end(pid, fd, uuid, false);
}

static bool is_not_there(int ret)
{
	return ret == -EBADF || ret == -ESRCH;
}

/*
 * The endpoint at an end: pvid's if @own is true, else another one's; -ENOENT: there is none, and not only that nobody has
 * been found who has it. @r: what is listed of it
 */
static int open_end(const struct work *w, const uuid_t uuid, bool own, struct kvm_pvi_list_endpoint *r, int lister)
{
	const struct end *end = own_end(w, uuid);
	int ret;

	if (own != (end != NULL))
		return -ENOENT;
	ret = find_listed(lister, uuid, r);
	if (ret)
		return ret;
	ret = own ? take_end(w->parent, end->fd, uuid, true) : search_end(r->opener, uuid);
	if (!is_not_there(ret))
		return ret;
	/* What pvid has given up is nobody's soon. */
	return own ? -ENOENT : find_listed(lister, uuid, r) ?: ret;
}

static bool has_gone(int ret)
{
	return ret == -ENOENT || ret == -ENODEV;
}

/* An end, pvid's or not: @join, or leave. 0: that is done, or it has gone; -errno */
static int tell_end(const struct work *w, const struct link *link, const struct pvi_ring_shape *shape, bool own, bool join,
		    int lister)
{
	struct links one = { .all = (struct link *)link, .nr = 1 };
	struct kvm_pvi_list_endpoint r;
	int pvi = open_end(w, shape->owner, own, &r, lister), ret;
	uuid_t unused;

	ret = pvi < 0 ? pvi : !join ? pvi_link_leave(pvi, shape) :
		links_join(&one, &w->d->policy, shape->owner, lister, r.number, pvi, NULL, unused);
	if (pvi >= 0)
		close(pvi);
	if (!has_gone(ret))
		return ret;
	/* Where the name is bound it was another one, which is dead. */
	return own || find_listed(lister, shape->owner, &r) == -ENOENT ? 0 : -EBADF;
}

static bool is_others(const struct work *w, const struct pvi_ring_shape *shape, int lister, struct kvm_pvi_list_endpoint *r)
{
	return !own_end(w, shape->owner) && find_listed(lister, shape->owner, r) != -ENOENT;
}

/* It is killed with who waits for it, and asks nobody for what has been done. */
static void ATTRIBUTE(noreturn) tell_as_child(const struct work *w, pid_t parent, const struct link *link,
					      const struct pvi_ring_shape *shape, bool own, bool join, int lister)
{
	struct kvm_pvi_list_endpoint r;

	close(w->held);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(ESRCH);
	if (join && !find_listed(lister, shape->owner, &r) &&
	    links_has_joined(link, shape, &w->d->policy, lister, r.number))
		_exit(0);
	_exit(-tell_end(w, link, shape, own, join, lister));
}

/* 0: it is nobody's, or pvid's where others are told; -errno */
static pid_t begin_to_tell(const struct work *w, const struct link *link, const struct pvi_ring_shape *shape, bool own,
			   bool join, int lister)
{
	struct kvm_pvi_list_endpoint r;
	pid_t self = getpid(), pid;

	if (!own && !is_others(w, shape, lister, &r))
		return 0;
	pid = fork();
	if (!pid)
		tell_as_child(w, self, link, shape, own, join, lister);
	/* EAGAIN would be somebody who changes links. */
	return pid < 0 ? -ENOMEM : pid;
}

/* What became of telling an end, -errno, is complained of; false: it is not done. */
static bool is_told(struct work *w, const struct link *link, const struct pvi_ring_shape *shape, bool join, int ret)
{
	char text[256], uuid[UUID_STR_LEN], name[UUID_STR_LEN];

	if (!ret)
		return true;
	/* One that was made by hand has no label. */
	uuid_unparse_lower(link->uuid, name);
	uuid_unparse_lower(shape->owner, uuid);
	snprintf(text, sizeof(text), "%s %s link '%s': %s", uuid, join ? "cannot join" : "keeps the GSIs of",
		 *link->label ? link->label : name, links_explain(ret));
	complain(w, text);
	return false;
}

/*
 * One that is late is not asked again. What they take the next one is waited for the less: all have a minute, whether they are
 * late or nearly so.
 */
static int tell_own_end(struct work *w, const struct link *link, const struct pvi_ring_shape *shape, bool join, int lister)
{
	int patience = larger((OWN_PATIENCE - w->waited) / 4, USUAL), ret;
	struct end *end = own_end(w, shape->owner);
	int64_t begun = child_now();
	pid_t pid;

	if (!end)
		return 0;
	if (end->late)
		return -ETIMEDOUT;
	pid = begin_to_tell(w, link, shape, true, join, lister);
	ret = pid < 0 ? pid : child_wait(pid, begun + patience);
	end->late = ret == -ETIMEDOUT;
	w->waited += larger(child_now() - begun - USUAL, 0);
	return ret;
}

/* Both ends of a link, as far as they are pvid's: @join, or leave. False: one cannot */
static bool tell_own(struct work *w, const struct link *link, bool join, int lister)
{
	const struct pvi_ring_shape *shape;
	bool done = true;

	for (shape = link->shapes; shape < link->shapes + 2; shape++)
		done &= is_told(w, link, shape, join, tell_own_end(w, link, shape, join, lister));
	return done;
}

/*
 * The other ends of all of @links for which @done is true, which is false then of those that cannot. The processes that have
 * them may keep who tells them waiting, all of them for the same while.
 */
static void tell_others(struct work *w, const struct links *links, bool *done, bool join, int lister)
{
	pid_t *pids = calloc(2 * links->nr + 1, sizeof(*pids));
	const struct link *link;
	int64_t until;
	size_t i;
	int ret;

	if (!pids)
		abort();
	for (i = 0; i < 2 * links->nr; i++) {
		link = &links->all[i / 2];
		if (done[i / 2])
			pids[i] = begin_to_tell(w, link, &link->shapes[i % 2], false, join, lister);
	}
	until = child_until();
	for (i = 0; i < 2 * links->nr; i++) {
		link = &links->all[i / 2];
		ret = pids[i] > 0 ? child_wait(pids[i], until) : pids[i];
		done[i / 2] &= is_told(w, link, &link->shapes[i % 2], join, ret);
	}
	free(pids);
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

static void forget(struct work *w, const struct link *link)
{
	struct links_why why;

	if (link->gone && links_forget(w->dir, link, &why))
		complain(w, why.text);
}

static bool *marks_of(const struct links *links)
{
	bool *marks = calloc(links->nr + 1, sizeof(*marks));

	if (!marks)
		abort();
	return marks;
}

/* Of those, too, that the last one has not come to; who leaves twice loses nothing by it, for nobody else has the GSIs. */
static void leave_all(struct work *w, int lister)
{
	bool *done = marks_of(&w->gone);
	size_t i;

	for (i = 0; i < w->gone.nr; i++)
		done[i] = tell_own(w, &w->gone.all[i], false, lister);
	tell_others(w, &w->gone, done, false, lister);
	if (!pvid_lives(w))
		_exit(EXIT_FAILURE);
	for (i = 0; i < w->gone.nr; i++)
		if (done[i])
			forget(w, &w->gone.all[i]);
	free(done);
}

/* New ones: others pvid's own have had from it. */
static void join_own(struct work *w, int lister)
{
	size_t i;

	for (i = w->nr_old; i < w->there.nr; i++)
		if (*w->there.all[i].label)
			tell_own(w, &w->there.all[i], true, lister);
}

/* Whoever else is an end of the policy's may not have joined one that is older, either. */
static void join_others(struct work *w, int lister)
{
	bool *wanted = marks_of(&w->there);
	const struct link *link;
	size_t i;

	for (i = 0; i < w->there.nr; i++) {
		link = &w->there.all[i];
		wanted[i] = *link->label && !links_is_old(w->dir, link, &w->d->policy);
	}
	tell_others(w, &w->there, wanted, true, lister);
	free(wanted);
}

/* Whoever is pvid's has left before: if it all ends here, the next pvid gives it back, and takes it again. */
static void take_back(struct work *w, int lister)
{
	struct kvm_pvi_list_endpoint r;
	struct links_why why;
	struct link *link;
	size_t i = 0;
	bool done;

	while (i < w->there.nr) {
		link = &w->there.all[i];
		if (!links_is_old(w->dir, link, &w->d->policy)) {
			/* It stays what it is, whatever its section is called now. */
			if (links_rename(w->dir, link, &w->d->policy, &why))
				complain(w, why.text);
			i++;
			continue;
		}
		done = tell_own(w, link, false, lister);
		if (!pvid_lives(w))
			_exit(EXIT_FAILURE);
		if (links_take_back(w->dir, link, &why))
			complain(w, why.text);
		/* One that is made anew has the GSIs that it had. */
		if (done && !is_others(w, &link->shapes[0], lister, &r) && !is_others(w, &link->shapes[1], lister, &r)) {
			forget(w, link);
		} else if (links_append(&w->gone, link)) {
			abort();
		}
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

static bool read_links(struct work *w)
{
	struct links_why why;

	if (!links_read(w->dir, &w->there, NULL, &why) && !links_read_gone(w->dir, &w->gone, &why))
		return true;
	complain(w, why.text);
	return false;
}

/* Whoever is bound while others are waited for joins what there is; in between somebody may have changed it. */
static bool share(struct work *w)
{
	links_free(&w->there);
	links_free(&w->gone);
	if (!flock(w->held, LOCK_SH))
		return read_links(w);
	complain(w, strerror(errno));
	return false;
}

static void carry_out(struct work *w, int lister)
{
	note_ends(w);
	take_back(w, lister);
	make(w, true);
	make(w, false);
	join_own(w, lister);
	if (!share(w))
		return;
	leave_all(w, lister);
	join_others(w, lister);
}

static void run(const struct pvid *d, const void *owner, int pvi, void *answer)
{
	struct work w = { .d = d, .parent = getppid(), .answer = answer };
	int lister = open("/dev/kvm_pvi", O_RDONLY | O_CLOEXEC);
	struct links_why why;

	(void)owner;
	(void)pvi;
	if (lister < 0) {
		snprintf(why.text, sizeof(why.text), "/dev/kvm_pvi: %s", strerror(errno));
		complain(&w, why.text);
		return;
	}
	w.held = links_lock(d->links, w.dir, &why);
	if (w.held < 0)
		complain(&w, why.text);
	else if (read_links(&w))
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
	/* Who is started when pvid is ready finds the policy's links. */
	if (outcome != HELPER_DONE && !d->ready && ++d->link_tries < READY_TRIES) {
		LOG(SD_NOTICE, "%s: links cannot be made, or it takes too long; it is tried again", d->links);
		links_apply(d);
		if (d->linking)
			return;
	}
	if (outcome == HELPER_DONE)
		snprintf(d->links_error, sizeof(d->links_error), "%s", a->error);
	else
		snprintf(d->links_error, sizeof(d->links_error), "%s: links cannot be made, or it takes too long; try again",
			 d->links);
	if (outcome != HELPER_DONE)
		LOG(SD_ERR, "%s", d->links_error);
	vm_links_are_free(d);
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
