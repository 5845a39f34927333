// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvictl link - what a link is to the endpoints at its ends
 *
 * The link is there first, then the endpoint is looked for; who attaches a VM binds the endpoint
 * first, then looks for links, which do not change meanwhile. So one of the two sees the other, and
 * both may; and nobody joins a link that has been taken back.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "link.h"

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
	size_t nr, i;
	int ret;

	link_dir_hold(dir);
	nr = link_dir_read(dir, &links);
	for (i = 0; i < 2 * nr; i++) {
		if (uuid_compare(links[i / 2].shapes[i % 2].owner, uuid))
			continue;
		ret = pvi_link_join(pvi, &links[i / 2].shapes[i % 2]);
		if (ret)
			die_doing(DOING_LINK, ret, "cannot join link %s",
				  uuid_text(links[i / 2].uuid).s);
	}
	link_dir_release();
	free(links);
}
