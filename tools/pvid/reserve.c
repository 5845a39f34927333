// SPDX-License-Identifier: GPL-2.0-or-later
/* pvid reserve - names that the policy keeps for users, whether there is a VM of that name or not */
#include <errno.h>
#include <libpvi.h>
#include <string.h>
#include <unistd.h>

#include "pvid.h"

static void complain(struct pvid *d, const struct policy_reserve *r, int err)
{
	const char *why = err == -EEXIST ? "the name is kept for another user, by hand; 'pvictl unreserve' leaves it to this one" :
		strerror(-err);

	LOG(SD_ERR, "cannot reserve '%s': %s", r->label, why);
	if (!*d->reserve_error)
		snprintf(d->reserve_error, sizeof(d->reserve_error), "reserve '%s': %s", r->label, why);
}

/* A name that somebody has kept for another user by hand meanwhile, or left to all, stays as it is. */
static void take_back(struct pvid *d, int pvi, const struct policy *old)
{
	size_t i;
	int ret;

	for (i = 0; i < old->nr_reserves; i++) {
		if (policy_reserve(&d->policy, old->reserves[i].uuid))
			continue;
		ret = pvi_unreserve_from(pvi, old->reserves[i].uuid, old->reserves[i].user);
		if (ret && ret != -ENOENT && ret != -EEXIST)
			complain(d, &old->reserves[i], ret);
	}
}

/* As it is kept by no policy, or by one that was carried out before; -EEXIST: it is kept by somebody else */
static int reserve_one(const struct pvid *d, int pvi, const struct policy_reserve *r)
{
	int ret = pvi_reserve_from(pvi, r->uuid, r->user, r->user);
	const struct policy_reserve *old;
	const struct policy *p;

	for (p = d->policy.older; p && ret == -EEXIST; p = p->older) {
		old = policy_reserve(p, r->uuid);
		if (old)
			ret = pvi_reserve_from(pvi, r->uuid, r->user, old->user);
	}
	return ret;
}

void reserve_apply(struct pvid *d)
{
	const struct policy *p;
	int pvi, ret;
	size_t i;

	*d->reserve_error = '\0';
	pvi = pvi_open();
	if (pvi < 0) {
		LOG(SD_ERR, "cannot reserve names: %s", strerror(-pvi));
		snprintf(d->reserve_error, sizeof(d->reserve_error), "names: %s", strerror(-pvi));
		return;
	}
	for (p = d->policy.older; p; p = p->older)
		take_back(d, pvi, p);
	for (i = 0; i < d->policy.nr_reserves; i++) {
		ret = reserve_one(d, pvi, &d->policy.reserves[i]);
		if (ret)
			complain(d, &d->policy.reserves[i], ret);
	}
	close(pvi);
}
