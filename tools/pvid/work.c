// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid work - in a helper: from what a VM has to what the policy says
 *
 * Each call on its endpoint waits for whoever has its lock, as a vCPU of it that hardly ever runs. What has been done when
 * that takes too long stays done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "links.h"
#include "pvid.h"

/* What is told of it was stored before. */
static void has_done(struct worked *w, enum due due)
{
	__atomic_fetch_or(&w->done, due, __ATOMIC_RELEASE);
}

static void save(const struct vm *vm, struct worked *w)
{
	void *blob;

	w->length = pvi_save_state(vm->pvi, &blob);
	if (w->length > (int)KVM_PVI_STATE_MAX)
		w->length = -EFBIG;
	if (w->length > 0)
		memcpy(w->saved, blob, w->length);
	has_done(w, DUE_SAVE);
}

static void freeze(const struct vm *vm, struct worked *w)
{
	int ret = pvi_get_state(vm->pvi, KVM_PVI_STATE_FREEZE, NULL, 0);

	if (ret < 0)
		LOG(SD_ERR, "%s: cannot keep rings away from it until it runs: %s", vm_name(vm->d, vm->uuid).s,
		    strerror(-ret));
	has_done(w, DUE_FREEZE);
}

/* What has died stays frozen, and what its guest had made is ours to save. */
static void thaw(const struct vm *vm, struct worked *w)
{
	int ret = pvi_thaw(vm->pvi);

	if (ret == -ENODEV)
		return;
	if (ret)
		LOG(SD_ERR, "%s: cannot let it be rung: %s; use pvictl thaw", vm_name(vm->d, vm->uuid).s, strerror(-ret));
	has_done(w, DUE_THAW);
}

/* Before it is looked at: that needs nothing that has to be found out. */
static bool take_back(const struct vm *vm, struct worked *w)
{
	struct pvid *d = vm->d;
	int ret = reconcile_take_back(d->lister, vm->number, vm->pvi, vm->uuid, d->policy.older, &d->policy, w->what);

	w->more = ret == -EINPROGRESS;
	if (w->more)
		return false;
	w->taken_back = ret;
	w->owes = ret && ret != -ENOENT;
	has_done(w, DUE_TAKE_BACK);
	return true;
}

static bool look(const struct vm *vm, struct worked *w)
{
	examine_again(vm, &w->seen);
	if (w->seen.ret)
		return false;
	has_done(w, DUE_LOOK);
	return true;
}

static int read_links(const struct vm *vm, struct links *links, int *held)
{
	struct links_why why;

	return links_hold(vm->d->links, false, held, &why) ?: links_read(vm->d->links, links, NULL, &why);
}

/* Nothing of @links is to be joined; or that is not known. */
static bool has_joined(const struct vm *vm, const struct links *links)
{
	char *joins = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&joins, &length);
	uuid_t unused;

	if (!out)
		return true;
	links_join(links, &vm->d->policy, vm->uuid, vm->d->lister, vm->number, -1, out, unused);
	fclose(out);
	free(joins);
	return !length;
}

/*
 * All links there are, whoever has made them: who makes one later looks for the endpoint. Who is at it just now is not
 * waited for, but asked again.
 */
static int join_links(const struct vm *vm, char what[static RECONCILE_WHAT])
{
	struct pvid *d = vm->d;
	struct links links;
	uuid_t failed;
	int held, ret;

	snprintf(what, RECONCILE_WHAT, "read links in %s", d->links);
	ret = read_links(vm, &links, &held);
	/* Who waits for the endpoint's lock does not have others wait for that of the links. */
	if (!ret && !has_joined(vm, &links)) {
		links_free(&links);
		if (held >= 0)
			close(held);
		pvi_get_state(vm->pvi, 0, NULL, 0);
		ret = read_links(vm, &links, &held);
	}
	if (!ret) {
		ret = links_join(&links, &d->policy, vm->uuid, d->lister, vm->number, vm->pvi, NULL, failed);
		uuid_unparse_lower(failed, stpcpy(what, "join link "));
		links_free(&links);
	}
	if (held >= 0)
		close(held);
	return ret;
}

/*
 * What the policy says and it has not. What older ones said has been taken back; what is there of that now somebody has set
 * up by hand. Links are no part of that.
 */
static void give(const struct vm *vm, struct worked *w)
{
	struct pvid *d = vm->d;
	const struct policy *old = w->owes ? d->policy.older : NULL;
	char links_what[RECONCILE_WHAT];
	int ret, joined;

	ret = reconcile(d->lister, vm->number, vm->pvi, vm->uuid, old, &d->policy, d->words, NULL, w->given_what);
	w->owes &= ret != 0;
	joined = ret == -EINPROGRESS ? ret : join_links(vm, links_what);
	w->more = ret == -EINPROGRESS || joined == -EINPROGRESS;
	w->locked_out = joined == -EAGAIN;
	w->given = ret ?: joined;
	if (!ret && joined)
		stpcpy(w->given_what, links_what);
	if (w->given)
		return;
	/* What its guest had made of the GSIs of links, too */
	if (!w->restored)
		w->restored = arrive_restore(vm);
	has_done(w, DUE_GIVE);
}

void work(const struct pvid *d, const void *owner, int pvi, void *answer)
{
	struct worked *w = answer;
	const struct vm *vm = owner;

	(void)d;
	(void)pvi;
	w->owes = vm->owes;
	if (vm->due & DUE_SAVE) {
		save(vm, w);
		return;
	}
	if (vm->due & DUE_FREEZE)
		freeze(vm, w);
	if (vm->due & DUE_TAKE_BACK && !take_back(vm, w))
		return;
	if (vm->due & DUE_THAW)
		thaw(vm, w);
	if (arrive_has_waited(vm))
		w->restored = arrive_restore(vm);
	if (vm->due & DUE_LOOK && !look(vm, w))
		return;
	if (vm->due & DUE_GIVE)
		give(vm, w);
}
