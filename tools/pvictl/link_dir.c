// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvictl link - the directory of links
 *
 * There is a directory for each, named by its UUID: "0" and "1" are the sections, or lead to them,
 * and "shapes" is how they began when they were made: a section's owner may write into it what it
 * likes. The name begins with a dot while it is being made.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link.h"
#include "links.h"

const char * const link_sides[2] = { "0", "1" };

static int held = -1;	/* the lock */

void link_dir_file(char *path, size_t size, const char *dir, const uuid_t uuid, const char *name)
{
	snprintf(path, size, "%s/%s%s%s", dir, uuid_text(uuid).s, *name ? "/" : "", name);
}

static void make_parents(const char *dir)
{
	char *path = must_alloc(strdup(dir)), *slash;

	for (slash = path + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			die_doing(DOING_LINK, errno, "%s", path);
	}
	if (mkdir(path, 0755) && errno != EEXIST)
		die_doing(DOING_LINK, errno, "%s", path);
	free(path);
}

static void check_dir(int fd, const char *dir)
{
	int ret = links_check(fd);

	if (ret == -EPERM)
		die_as(STATUS_REFUSED, "%s: others can write there", dir);
	if (ret)
		die_doing(DOING_LINK, ret, "%s", dir);
}

static int remove_file(const char *path)
{
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

/* A section, and the huge one that it leads to */
static int remove_section(const char *path)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	int ret = 0;

	if (len > 0) {
		target[len] = '\0';
		ret = remove_file(target);
	}
	return ret ?: remove_file(path);
}

int link_dir_clear(const char *link)
{
	char path[PATH_MAX];
	int ret, result;
	size_t i;

	/* Without it there is no link any more, whatever becomes of the rest */
	snprintf(path, sizeof(path), "%s/%s", link, PVI_LINK_SHAPES);
	result = remove_file(path);
	snprintf(path, sizeof(path), "%s/%s", link, LINK_VSOCK);
	ret = remove_file(path);
	result = result ?: ret;
	for (i = 0; i < ARRAY_SIZE(link_sides); i++) {
		snprintf(path, sizeof(path), "%s/%s", link, link_sides[i]);
		ret = remove_section(path);
		result = result ?: ret;
	}
	if (!result && rmdir(link))
		result = -errno;
	return result;
}

/* What a pvictl that was killed has left */
static void sweep(const char *dir)
{
	struct dirent *entry;
	char path[PATH_MAX];
	uuid_t uuid;
	DIR *d;

	d = opendir(dir);
	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] != '.' || uuid_parse(entry->d_name + 1, uuid))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		link_dir_clear(path);
	}
	if (d)
		closedir(d);
}

/* A file that others cannot open, so that they cannot lock it for ever, either */
static int open_lock(const char *dir, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/.lock", dir);
	return open(path, flags | O_CLOEXEC, 0600);
}

char *link_dir_lock(const char *dir)
{
	char *real;
	int fd;

	/* What VMMs of other users have to find; sections are less open */
	umask(022);
	make_parents(dir);
	real = realpath(dir, NULL);
	fd = real ? open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0)
		die_doing(DOING_LINK, errno, "%s", dir);
	check_dir(fd, real);
	close(fd);
	/* QEMU takes a comma for an end, and shells take spaces for one */
	if (strpbrk(real, ", \t\n'\"\\") || strlen(real) > PATH_MAX - LINK_TEXT)
		die("%s: links cannot be in a directory of such a name", real);
	held = open_lock(real, O_RDWR | O_CREAT);
	if (held < 0 || flock(held, LOCK_EX))
		die_doing(DOING_LINK, errno, "%s", real);
	sweep(real);
	return real;
}

static bool read_link(const char *dir, const char *name, struct link *link)
{
	int ret;

	if (uuid_parse(name, link->uuid))
		return false;
	ret = pvi_link_read(dir, link->uuid, link->shapes) ?: link_vsock_read(dir, link);
	/* One that goes just now is none any more */
	if (ret && ret != -ENOENT)
		warn("%s/%s: %s", dir, name, explain(DOING_LINK, ret));
	return !ret;
}

size_t link_dir_read(const char *dir, struct link **links)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct link link;
	size_t nr = 0;

	*links = NULL;
	if (!d && errno != ENOENT)
		die_doing(DOING_LINK, errno, "%s", dir);
	if (!d)
		return 0;
	check_dir(dirfd(d), dir);
	while ((entry = readdir(d))) {
		if (!read_link(dir, entry->d_name, &link))
			continue;
		*links = must_alloc(realloc(*links, (nr + 1) * sizeof(link)));
		(*links)[nr++] = link;
	}
	closedir(d);
	return nr;
}

void link_dir_find(const char *dir, const uuid_t uuid, struct link *link)
{
	int ret;

	uuid_copy(link->uuid, uuid);
	ret = pvi_link_read(dir, uuid, link->shapes) ?: link_vsock_read(dir, link);
	if (ret)
		die_doing(DOING_LINK, ret, "link %s in %s", uuid_text(uuid).s, dir);
}

void link_dir_remove(const char *dir, const uuid_t uuid)
{
	char path[PATH_MAX];
	int ret;

	link_dir_file(path, sizeof(path), dir, uuid, "");
	ret = link_dir_clear(path);
	if (ret)
		die_doing(DOING_LINK, ret, "%s", path);
}

uint64_t link_dir_size(const char *dir, const struct link *link)
{
	char path[PATH_MAX];
	struct stat st;

	link_dir_file(path, sizeof(path), dir, link->uuid, link_sides[0]);
	return stat(path, &st) ? 0 : st.st_size;
}
