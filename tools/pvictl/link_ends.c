// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl link - what a link is to the endpoints at its ends, as far as there are any: the link is there first */
#include <errno.h>
#include <unistd.h>

#include "applied.h"
#include "link.h"
#include "policy_path.h"

/* False: there is none now */
static bool find_end(const struct link *link, uint32_t side, struct endpoint *e)
{
	/* Nobody can be bound where there is no module */
	return !access("/dev/kvm_pvi", F_OK) && find_endpoint(link->shapes[side].owner, e);
}

/* It has gone meanwhile */
static int unless_gone(int ret)
{
	return ret == -ENODEV || ret == -ESRCH || ret == -EBADF || ret == -ENOENT ? 0 : ret;
}

/* What pvid carries out, to be freed; false: there is none, or it may not be seen */
static bool read_applied(struct policy *policy)
{
	return applied_read(policy, PVID_RUN) && policy->nr_vms;
}

static int join(const struct link *link, const struct endpoint *e, const struct policy *policy, int lister)
{
	struct links one = { .all = (struct link *)link, .nr = 1 };
	int pvi = take_endpoint(e), ret;
	uuid_t failed;

	if (pvi < 0)
		return pvi;
	ret = links_join(&one, policy, e->uuid, lister, e->number, pvi, NULL, failed);
	close(pvi);
	return ret;
}

int link_join(const struct link *link, uint32_t side)
{
	struct policy policy, *known;
	struct endpoint e;
	int lister, ret = 0;

	if (!find_end(link, side, &e))
		return 0;
	known = read_applied(&policy) ? &policy : NULL;
	lister = e.listed ? open_listing() : -1;
	/* Nobody is asked for what has been done. */
	if (!links_has_joined(link, &link->shapes[side], known, lister, e.number))
		ret = join(link, &e, known, lister);
	policy_free(&policy);
	return unless_gone(ret);
}

int link_leave(const struct link *link, uint32_t side)
{
	struct endpoint e;
	int pvi, ret;

	if (!find_end(link, side, &e))
		return 0;
	pvi = take_endpoint(&e);
	ret = pvi < 0 ? pvi : pvi_link_leave(pvi, &link->shapes[side]);
	if (pvi >= 0)
		close(pvi);
	return unless_gone(ret);
}

void link_join_all(const char *dir, const uuid_t uuid, int pvi)
{
	struct links links = { 0 };
	struct links_why why;
	struct policy policy;
	uuid_t failed;
	int held, ret;
	bool known;

	ret = links_hold(dir, true, &held, &why);
	if (ret)
		link_die(ret, &why);
	links.nr = link_dir_read(dir, &links.all);
	known = read_applied(&policy);
	/* It has nothing of them: it has just been bound. */
	do
		ret = links_join(&links, known ? &policy : NULL, uuid, -1, 0, pvi, NULL, failed);
	while (ret == -EINPROGRESS);
	if (ret)
		die_doing(DOING_LINK, ret, "cannot join link %s", uuid_text(failed).s);
	policy_free(&policy);
	links_free(&links);
	if (held >= 0)
		close(held);
}
