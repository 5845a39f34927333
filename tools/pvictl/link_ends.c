// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl link - what a link is to the endpoints at its ends, as far as there are any: the link is there first */
#include <errno.h>
#include <unistd.h>

#include "link.h"

/* False: there is none now */
static bool take_end(const struct link *link, uint32_t side, struct endpoint *e, int *pvi)
{
	/* Nobody can be bound where there is no module */
	if (access("/dev/kvm_pvi", F_OK) || !find_endpoint(link->shapes[side].owner, e))
		return false;
	*pvi = take_endpoint(e);
	return true;
}

/* It has gone meanwhile */
static int unless_gone(int ret)
{
	return ret == -ENODEV || ret == -ESRCH || ret == -EBADF || ret == -ENOENT ? 0 : ret;
}

int link_join(const struct link *link, uint32_t side)
{
	struct links one = { .all = (struct link *)link, .nr = 1 };
	struct endpoint e;
	uuid_t failed;
	int pvi, ret;

	if (!take_end(link, side, &e, &pvi))
		return 0;
	ret = pvi < 0 ? pvi : links_join(&one, e.uuid, e.listed ? open_listing() : -1, e.number, pvi, NULL, failed);
	if (pvi >= 0)
		close(pvi);
	return unless_gone(ret);
}

int link_leave(const struct link *link, uint32_t side)
{
	struct endpoint e;
	int pvi, ret;

	if (!take_end(link, side, &e, &pvi))
		return 0;
	ret = pvi < 0 ? pvi : pvi_link_leave(pvi, &link->shapes[side]);
	if (pvi >= 0)
		close(pvi);
	return unless_gone(ret);
}

void link_join_all(const char *dir, const uuid_t uuid, int pvi)
{
	struct links links = { 0 };
	struct links_why why;
	uuid_t failed;
	int held, ret;

	ret = links_hold(dir, true, &held, &why);
	if (ret)
		link_die(ret, &why);
	links.nr = link_dir_read(dir, &links.all);
	/* It has nothing of them: it has just been bound. */
	do
		ret = links_join(&links, uuid, -1, 0, pvi, NULL, failed);
	while (ret == -EINPROGRESS);
	if (ret)
		die_doing(DOING_LINK, ret, "cannot join link %s", uuid_text(failed).s);
	links_free(&links);
	if (held >= 0)
		close(held);
}
