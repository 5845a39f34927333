// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common links - what a link is to an endpoint that is bound
 *
 * A link is there first, then who makes it looks for endpoints; who binds one does that first, then looks for links,
 * which do not change meanwhile. So one of the two sees the other, and both may; and nobody joins a link that has been
 * taken back.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libpvi.h>
#include <linux/pvi_ring.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "links.h"

int links_check(int dir)
{
	struct stat st;

	if (fstat(dir, &st))
		return -errno;
	return (st.st_uid && st.st_uid != geteuid()) || st.st_mode & 022 ? -EPERM : 0;
}

/* A file that others cannot open, so that they cannot lock it for ever, either. 0: there is none */
static int hold(const char *dir, bool wait, int *held)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/.lock", dir);
	*held = open(path, O_RDONLY | O_CLOEXEC);
	if (*held < 0 || !flock(*held, LOCK_SH | (wait ? 0 : LOCK_NB)))
		return 0;
	return -errno;
}

/* One that goes just now is none any more, nor is what cannot be read: "pvictl list" tells of that */
static int join(const char *dir, const uuid_t link, const uuid_t uuid, int pvi)
{
	struct pvi_ring_shape shapes[2];
	int ret = 0, i;

	if (pvi_link_read(dir, link, shapes))
		return 0;
	for (i = 0; !ret && i < 2; i++)
		if (!uuid_compare(shapes[i].owner, uuid))
			ret = pvi_link_join(pvi, &shapes[i]);
	return ret;
}

int links_join(const char *dir, const uuid_t uuid, int pvi, bool wait, uuid_t failed)
{
	struct dirent *entry;
	uuid_t link;
	DIR *d = opendir(dir);
	int held = -1, ret;

	uuid_clear(failed);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	ret = links_check(dirfd(d)) ?: hold(dir, wait, &held);
	while (!ret && (entry = readdir(d))) {
		if (uuid_parse(entry->d_name, link))
			continue;
		ret = join(dir, link, uuid, pvi);
		if (ret)
			uuid_copy(failed, link);
	}
	if (held >= 0)
		close(held);
	closedir(d);
	return ret;
}
