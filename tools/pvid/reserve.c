// SPDX-License-Identifier: GPL-2.0-or-later
/* pvid reserve - names that the policy keeps for users, whether there is a VM of that name or not */
#include <errno.h>
#include <libpvi.h>
#include <string.h>
#include <unistd.h>

#include "pvid.h"

static void complain(struct pvid *d, const struct policy_reserve *r, int err)
{
	LOG(SD_ERR, "cannot reserve '%s': %s", r->label, strerror(-err));
	if (!*d->reserve_error)
		snprintf(d->reserve_error, sizeof(d->reserve_error), "reserve '%s': %s", r->label, strerror(-err));
}

/* Of names that somebody has left to others by hand meanwhile nothing is taken back. */
static void take_back(struct pvid *d, int pvi, const struct policy *old)
{
	size_t i;
	int ret;

	for (i = 0; i < old->nr_reserves; i++) {
		if (policy_reserve(&d->policy, old->reserves[i].uuid))
			continue;
		ret = pvi_unreserve(pvi, old->reserves[i].uuid);
		if (ret && ret != -ENOENT)
			complain(d, &old->reserves[i], ret);
	}
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
		ret = pvi_reserve(pvi, d->policy.reserves[i].uuid, d->policy.reserves[i].user);
		if (ret)
			complain(d, &d->policy.reserves[i], ret);
	}
	close(pvi);
}
