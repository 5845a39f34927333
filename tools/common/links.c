// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common links - the directory of links
 *
 * There is a directory for each, named by its UUID: "0" and "1" are the sections, or lead to them, "shapes" is how
 * they began when they were made, and "size" how long they were: a section's owner may write into it what it likes. The
 * name begins with a dot while it is being made, and with ".gone-" when it has been taken back, until both ends know that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "links.h"

#define GONE ".gone-"

const char * const links_sides[2] = { "0", "1" };

const char *links_explain(int err)
{
	switch (abs(err)) {
	case EACCES:
		return "run as root";
	case EAGAIN:
		return "somebody changes the links";
	case ENOENT:
		return "there is no such link, see 'pvictl list'";
	case EPERM:
		return "others than root and you can write it";
	case EBADF:
		return "no process has its descriptor";
	case EBADMSG:
		return "that was not made by this version of pvictl";
	case ENODEV:
		return "the VM's process has gone";
	case ENOSPC:
		return "no memory is left there, or too many GSIs or senders at one end";
	case ETIMEDOUT:
		return "its process keeps whoever asks it waiting";
	case EOPNOTSUPP:
		return "a VM without an in-kernel LAPIC (QEMU: kernel-irqchip=off), or one end is a process: say host:UUID";
	}
	return strerror(abs(err));
}

int links_fail(struct links_why *why, int err, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	if (len >= 0 && len < (int)sizeof(why->text))
		snprintf(why->text + len, sizeof(why->text) - len, ": %s", links_explain(err));
	return -abs(err);
}

int links_refuse(struct links_why *why, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return -abs(err);
}

void links_file(char *path, size_t size, const char *dir, const uuid_t uuid, const char *name)
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(uuid, text);
	snprintf(path, size, "%s/%s%s%s", dir, text, *name ? "/" : "", name);
}

static void gone_file(char *path, size_t size, const char *dir, const struct link *link, const char *name)
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(link->uuid, text);
	snprintf(path, size, "%s/" GONE "%s.%u%s%s", dir, text, link->gone, *name ? "/" : "", name);
}

static bool parse_gone(const char *name, struct link *link)
{
	char text[UUID_STR_LEN];
	int len = 0;

	return sscanf(name, GONE "%36[0-9a-f-].%u%n", text, &link->gone, &len) == 2 && !name[len] && link->gone &&
		!uuid_parse(text, link->uuid);
}

static int make_parents(const char *dir, struct links_why *why)
{
	char path[PATH_MAX], *slash = path;

	if (strlen(dir) >= sizeof(path))
		return links_fail(why, ENAMETOOLONG, "%s", dir);
	stpcpy(path, dir);
	do {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return links_fail(why, errno, "%s", path);
		if (slash)
			*slash = '/';
	} while (slash);
	return 0;
}

int links_check_dir(int fd, const char *dir, struct links_why *why)
{
	struct stat st;

	if (fstat(fd, &st))
		return links_fail(why, errno, "%s", dir);
	if ((st.st_uid && st.st_uid != geteuid()) || st.st_mode & 022)
		return links_refuse(why, EPERM, "%s: others can write there", dir);
	return 0;
}

static int remove_file(const char *path)
{
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

int links_write(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), ret = 0;
	ssize_t put;

	if (fd < 0)
		return -errno;
	put = fchmod(fd, 0644) ? -1 : write(fd, data, len);
	if (put != (ssize_t)len)
		ret = put < 0 ? -errno : -ENOSPC;
	close(fd);
	return ret;
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

int links_clear(const char *link)
{
	/* Without the first there is no link any more, whatever becomes of the rest */
	static const char * const files[] = { PVI_LINK_SHAPES, LINKS_VSOCK, LINKS_POLICY, LINKS_POLICY_NEW, LINKS_BYTES };
	char path[PATH_MAX];
	int ret, result = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", link, files[i]);
		ret = remove_file(path);
		result = result ?: ret;
	}
	for (i = 0; i < ARRAY_SIZE(links_sides); i++) {
		snprintf(path, sizeof(path), "%s/%s", link, links_sides[i]);
		ret = remove_section(path);
		result = result ?: ret;
	}
	if (!result && rmdir(link))
		result = -errno;
	return result;
}

/* One that was not made as a whole, or not forgotten */
static bool is_left(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct link gone;
	uuid_t uuid;

	if (!parse_gone(name, &gone))
		return *name == '.' && !uuid_parse(name + 1, uuid);
	gone_file(path, sizeof(path), dir, &gone, PVI_LINK_SHAPES);
	return access(path, F_OK);
}

/* What a program that was killed has left */
static void sweep(const char *dir)
{
	struct dirent *entry;
	char path[PATH_MAX];
	DIR *d;

	d = opendir(dir);
	while (d && (entry = readdir(d))) {
		if (!is_left(dir, entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		links_clear(path);
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

int links_hold(const char *dir, bool wait, int *held, struct links_why *why)
{
	int ret;

	*held = open_lock(dir, O_RDONLY);
	if (*held < 0 || !flock(*held, LOCK_SH | (wait ? 0 : LOCK_NB)))
		return 0;
	ret = links_fail(why, errno, "%s", dir);
	close(*held);
	*held = -1;
	return ret;
}

static int check_path(const char *dir, struct links_why *why)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;

	if (fd < 0)
		return links_fail(why, errno, "%s", dir);
	ret = links_check_dir(fd, dir, why);
	close(fd);
	/* QEMU takes a comma for an end, and shells take spaces for one */
	if (!ret && (strpbrk(dir, ", \t\n'\"\\") || strlen(dir) > PATH_MAX - LINKS_TEXT))
		ret = links_refuse(why, EINVAL, "%s: links cannot be in a directory of such a name", dir);
	return ret;
}

int links_lock(const char *dir, char real[static PATH_MAX], struct links_why *why)
{
	int held, ret;

	/* What VMMs of other users have to find; sections are less open */
	umask(022);
	ret = make_parents(dir, why);
	if (ret)
		return ret;
	if (!realpath(dir, real))
		return links_fail(why, errno, "%s", dir);
	ret = check_path(real, why);
	if (ret)
		return ret;
	held = open_lock(real, O_RDWR | O_CREAT);
	if (held < 0)
		return links_fail(why, errno, "%s", real);
	if (flock(held, LOCK_EX)) {
		ret = links_fail(why, errno, "%s", real);
		close(held);
		return ret;
	}
	sweep(real);
	return held;
}

/* How the section of the policy is called that it was made by */
static void read_label(const char *dir, struct link *link)
{
	char path[PATH_MAX], format[32];
	FILE *file;

	link->label[0] = '\0';
	if (link->gone)
		gone_file(path, sizeof(path), dir, link, LINKS_POLICY);
	else
		links_file(path, sizeof(path), dir, link->uuid, LINKS_POLICY);
	file = fopen(path, "re");
	if (!file)
		return;
	snprintf(format, sizeof(format), "[link %%%d[^]]", LINKS_LABEL - 1);
	if (fscanf(file, format, link->label) != 1)
		link->label[0] = '\0';
	fclose(file);
}

static int read_link(const char *dir, struct link *link)
{
	int ret = pvi_link_read(dir, link->uuid, link->shapes) ?: links_read_vsock(dir, link);

	link->gone = 0;
	if (!ret)
		read_label(dir, link);
	return ret;
}

int links_read_one(const char *dir, const uuid_t uuid, struct link *link, struct links_why *why)
{
	char text[UUID_STR_LEN];
	int ret;

	uuid_copy(link->uuid, uuid);
	uuid_unparse_lower(uuid, text);
	ret = read_link(dir, link);
	return ret ? links_fail(why, ret, "link %s in %s", text, dir) : 0;
}

int links_append(struct links *links, const struct link *link)
{
	struct link *more = reallocarray(links->all, links->nr + 1, sizeof(*link));

	if (!more)
		return -ENOMEM;
	links->all = more;
	links->all[links->nr++] = *link;
	return 0;
}

static int read_each(DIR *d, const char *dir, struct links *links, void (*complain)(const char *text),
		     struct links_why *why)
{
	struct dirent *entry;
	struct link link;
	int ret;

	while ((entry = readdir(d))) {
		if (uuid_parse(entry->d_name, link.uuid))
			continue;
		ret = read_link(dir, &link);
		/* One that goes just now is none any more */
		if (ret && ret != -ENOENT && complain) {
			links_fail(why, ret, "%s/%s", dir, entry->d_name);
			complain(why->text);
		}
		if (ret)
			continue;
		ret = links_append(links, &link);
		if (ret)
			return links_fail(why, ret, "%s", dir);
	}
	return 0;
}

int links_read(const char *dir, struct links *links, void (*complain)(const char *text), struct links_why *why)
{
	DIR *d = opendir(dir);
	int ret;

	*links = (struct links){ 0 };
	if (!d)
		return errno == ENOENT ? 0 : links_fail(why, errno, "%s", dir);
	ret = links_check_dir(dirfd(d), dir, why) ?: read_each(d, dir, links, complain, why);
	closedir(d);
	if (ret)
		links_free(links);
	return ret;
}

void links_free(struct links *links)
{
	free(links->all);
	*links = (struct links){ 0 };
}

int links_take_back(const char *dir, struct link *link, struct links_why *why)
{
	char from[PATH_MAX], to[PATH_MAX], path[PATH_MAX];
	int ret;
	size_t i;

	links_file(from, sizeof(from), dir, link->uuid, "");
	do {
		link->gone++;
		gone_file(to, sizeof(to), dir, link, "");
		ret = rename(from, to) ? errno : 0;
	} while (ret == ENOTEMPTY || ret == EEXIST);
	if (ret) {
		link->gone = 0;
		return links_fail(why, ret, "%s", from);
	}
	for (i = 0; i < ARRAY_SIZE(links_sides); i++) {
		gone_file(path, sizeof(path), dir, link, links_sides[i]);
		ret = remove_section(path) ?: ret;
	}
	return ret ? links_fail(why, ret, "%s", to) : 0;
}

static int read_one_gone(const char *dir, struct link *link)
{
	char path[PATH_MAX];
	int fd, ret = 0;

	gone_file(path, sizeof(path), dir, link, PVI_LINK_SHAPES);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (read(fd, link->shapes, sizeof(link->shapes)) != sizeof(link->shapes))
		ret = -EBADMSG;
	close(fd);
	read_label(dir, link);
	return ret;
}

int links_read_gone(const char *dir, struct links *gone, struct links_why *why)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int ret = 0;

	*gone = (struct links){ 0 };
	if (!d)
		return links_fail(why, errno, "%s", dir);
	while (!ret && (entry = readdir(d))) {
		struct link link = { 0 };

		/* Of another version perhaps, which nobody can tell anybody of */
		if (parse_gone(entry->d_name, &link) && !read_one_gone(dir, &link))
			ret = links_append(gone, &link);
	}
	if (ret)
		links_fail(why, ret, "%s", dir);
	closedir(d);
	if (ret)
		links_free(gone);
	return ret;
}

int links_forget(const char *dir, const struct link *gone, struct links_why *why)
{
	char path[PATH_MAX];
	int ret;

	gone_file(path, sizeof(path), dir, gone, "");
	ret = access(path, F_OK) ? 0 : links_clear(path);
	return ret ? links_fail(why, ret, "%s", path) : 0;
}

uint64_t links_size(const char *dir, const struct link *link)
{
	char path[PATH_MAX];
	uint64_t size = 0;
	struct stat st;
	FILE *file;

	links_file(path, sizeof(path), dir, link->uuid, LINKS_BYTES);
	file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%" SCNu64, &size) != 1)
			size = 0;
		fclose(file);
		return size;
	}
	links_file(path, sizeof(path), dir, link->uuid, links_sides[0]);
	return stat(path, &st) ? 0 : st.st_size;
}
