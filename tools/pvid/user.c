// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid user - what the processes of each user have pvid do
 *
 * Who a process belongs to is read without waiting for it, and nothing it could choose. Nobody has more than a
 * share of what there is: of helpers, of those that cannot be ended, of candidates.
 */
#include <search.h>
#include <stdlib.h>

#include "pvid.h"

static int compare_users(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

struct user *user_get(struct pvid *d, uid_t uid)
{
	struct user key = { .uid = uid }, *user, **found = tfind(&key, &d->users, compare_users);

	if (found) {
		(*found)->refs++;
		return *found;
	}
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	*user = (struct user){ .d = d, .uid = uid, .refs = 1 };
	TAILQ_INIT(&user->waiting[OF_BOUND].helpers);
	TAILQ_INIT(&user->waiting[OF_CANDIDATE].helpers);
	TAILQ_INIT(&user->looks);
	/* By its uid, which is there. */
	if (tsearch(user, &d->users, compare_users))
		return user;
	free(user);
	return NULL;
}

void user_put(struct user *user)
{
	if (!user || --user->refs)
		return;
	tdelete(user, &user->d->users, compare_users);
	free(user);
}

/* There are no more VMs than that, so whoever has more candidates has some that come to nothing. */
static unsigned int max_candidates(const struct pvid *d)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };

	return pvi_get_info(d->lister, &info) ? UINT_MAX : info.max_vms;
}

bool user_begin_candidate(struct user *user)
{
	if (user->nr_candidates < max_candidates(user->d)) {
		user->nr_candidates++;
		return true;
	}
	if (!user->missed)
		LOG(SD_WARNING, "user %u has more processes that make VMs than there may be VMs: some are looked at later",
		    user->uid);
	user->missed = true;
	return false;
}

void user_end_candidate(struct user *user)
{
	if (--user->nr_candidates > max_candidates(user->d) / 2 || !user->missed)
		return;
	user->missed = false;
	scan_later(user->d, MISSED_WAIT);
}
