// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl link - the directory of links, for a program that ends when something fails */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "link.h"

#define MIN_PREFIX 4

static void complain(const char *text)
{
	warn("%s", text);
}

void link_die(int err, const struct links_why *why)
{
	die_as(status_of(DOING_LINK, abs(err)), "%s", why->text);
}

static int held = -1;

char *link_dir_lock(const char *dir)
{
	char *real = must_alloc(malloc(PATH_MAX));
	struct links_why why;

	held = links_lock(dir, real, &why);
	if (held < 0)
		link_die(held, &why);
	return real;
}

void link_dir_share(void)
{
	if (flock(held, LOCK_SH))
		die("the links' lock: %s", strerror(errno));
}

void link_dir_hold(const char *dir)
{
	struct links_why why;
	int ret = links_hold(dir, true, &held, &why);

	if (ret)
		link_die(ret, &why);
}

void link_dir_unlock(void)
{
	if (held < 0)
		return;
	close(held);
	held = -1;
}

size_t link_dir_read(const char *dir, struct link **all)
{
	struct links_why why;
	struct links links;
	int ret = links_read(dir, &links, complain, &why);

	if (ret)
		link_die(ret, &why);
	*all = links.all;
	return links.nr;
}

void link_dir_find(const char *dir, const uuid_t uuid, struct link *link)
{
	struct links_why why;
	int ret = links_read_one(dir, uuid, link, &why);

	if (ret)
		link_die(ret, &why);
}

static bool is_meant(const struct link *link, const char *text)
{
	size_t len = strlen(text);

	return !strcmp(link->label, text) ||
		(len >= MIN_PREFIX && !strncasecmp(uuid_text(link->uuid).s, text, len));
}

void link_dir_parse(const char *dir, const char *text, uuid_t uuid)
{
	size_t nr, i, found = 0;
	struct link *links;

	if (!uuid_parse(text, uuid))
		return;
	nr = link_dir_read(dir, &links);
	for (i = 0; i < nr; i++) {
		if (!is_meant(&links[i], text))
			continue;
		uuid_copy(uuid, links[i].uuid);
		found++;
	}
	free(links);
	if (found > 1)
		die_as(STATUS_USAGE, "'%s' is more than one link: say its UUID, see 'pvictl list'", name_text(text).s);
	if (!found)
		die_as(STATUS_ABSENT, "link '%s' in %s: %s", name_text(text).s, dir, explain(DOING_LINK, ENOENT));
}
