// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl link - what a link is to the endpoints at its ends: the link is there first, see links.c */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "link.h"
#include "links.h"

static int each_end(const struct link *link, uint32_t side,
		    int (*fn)(int pvi, const struct pvi_ring_shape *shape))
{
	const struct pvi_ring_shape *shape = &link->shapes[side];
	struct endpoint e;
	int pvi, ret;

	/* Nobody can be bound where there is no module */
	if (access("/dev/kvm_pvi", F_OK) || !find_endpoint(shape->owner, &e))
		return 0;
	pvi = take_endpoint(&e);
	ret = pvi < 0 ? pvi : fn(pvi, shape);
	if (pvi >= 0)
		close(pvi);
	/* It has gone meanwhile */
	return ret == -ENODEV || ret == -ESRCH || ret == -EBADF ? 0 : ret;
}

int link_join(const struct link *link, uint32_t side)
{
	return each_end(link, side, pvi_link_join);
}

int link_leave(const struct link *link, uint32_t side)
{
	return each_end(link, side, pvi_link_leave);
}

void link_join_all(const char *dir, const uuid_t uuid, int pvi)
{
	struct link *links;
	uuid_t link;
	int ret;

	/* Which complains of what is wrong there */
	link_dir_read(dir, &links);
	free(links);
	ret = links_join(dir, uuid, pvi, true, link);
	if (ret && uuid_is_null(link))
		die_doing(DOING_LINK, ret, "%s", dir);
	if (ret)
		die_doing(DOING_LINK, ret, "cannot join link %s", uuid_text(link).s);
}
