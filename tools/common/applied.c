// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common applied - policies as they were carried out
 *
 * VMMs' users may fill the file system, by what is theirs in it, but may not keep by that what a policy takes from them.
 * So a policy that is as long as the one before, or not much longer, needs no room: there is a spare file, which is
 * written to in place, and what was carried out before is the next spare one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applied.h"
#include "policy_path.h"
#include "policy_reader.h"

/* Of the @nth, the newest being the first */
static char *applied_path(const char *run, unsigned int nth, const char *more)
{
	char number[16] = "", *path;

	if (nth)
		snprintf(number, sizeof(number), ".%u", nth);
	if (asprintf(&path, "%s/%s%s%s", run, PVID_APPLIED, number, more) < 0)
		abort();
	return path;
}

bool applied_read(struct policy *policy, const char *run)
{
	struct policy *p = policy;
	unsigned int nth;
	bool done = true;
	char *path;

	*policy = (struct policy){ 0 };
	for (nth = 0; done; nth++) {
		path = applied_path(run, nth, "");
		if (access(path, F_OK)) {
			free(path);
			break;
		}
		if (nth)
			p = p->older = policy_grow(NULL, 0, sizeof(*p));
		done = policy_read_file(p, path);
		free(path);
	}
	if (!done && p != policy)
		memcpy(policy->error, p->error, sizeof(policy->error));
	return done;
}

static unsigned int nr_applied(const char *run)
{
	unsigned int nr = 0;
	bool there = true;
	char *path;

	while (there) {
		path = applied_path(run, nr, "");
		there = !access(path, F_OK);
		nr += there;
		free(path);
	}
	return nr;
}

/* @text: or NULL, empty lines, which a policy may have as many of as it likes. -errno */
static int write_range(int fd, const char *text, off_t at, off_t end)
{
	char lines[4096];
	ssize_t n;

	memset(lines, '\n', sizeof(lines));
	for (; at < end; at += n) {
		n = text || end - at < (off_t)sizeof(lines) ? end - at : (off_t)sizeof(lines);
		n = pwrite(fd, text ? text + at : lines, n, at);
		if (n <= 0)
			return n ? -errno : -ENOSPC;
	}
	return 0;
}

/* -errno, and then it is as it was */
static int make_longer(int fd, off_t wanted)
{
	struct stat st;
	int ret = fstat(fd, &st) ? -errno : 0, undone;

	if (ret)
		return ret;
	ret = write_range(fd, NULL, st.st_size, wanted);
	undone = ret ? ftruncate(fd, st.st_size) : 0;
	return undone ? -errno : ret;
}

/* And some more where there is any, for the next policy may be longer */
static int make_room(int fd, off_t length)
{
	int ret = make_longer(fd, length);

	if (!ret)
		make_longer(fd, (length + length / 4 + 4096) / 4096 * 4096);
	return ret;
}

/* It is no policy's, for then it has another name as well; -errno */
static int open_spare(const char *path)
{
	int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(path, flags, 0600);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_nlink > 1) {
		close(fd);
		fd = unlink(path) ? -1 : open(path, flags | O_EXCL, 0600);
	}
	return fd < 0 ? -errno : fd;
}

/* What is carried out now is the next spare one. */
static int make_room_in_applied(const char *run, off_t length)
{
	char *path = applied_path(run, 0, "");
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = fd < 0 ? -errno : make_room(fd, length);

	if (fd >= 0)
		close(fd);
	free(path);
	return ret == -ENOENT ? 0 : ret;
}

static char *spare_path(const char *run)
{
	char *path;

	if (asprintf(&path, "%s/%s", run, PVID_NEW) < 0)
		abort();
	return path;
}

int applied_prepare(const char *run, const char *text, size_t length)
{
	char *path = spare_path(run);
	int fd = open_spare(path), ret;
	struct stat st, old = { 0 };

	if (fd < 0) {
		free(path);
		return fd;
	}
	fstat(fd, &old);
	ret = make_room(fd, length) ?: make_room_in_applied(run, length) ?: write_range(fd, text, 0, length);
	ret = ret ?: fstat(fd, &st) ? -errno : write_range(fd, NULL, length, st.st_size);
	close(fd);
	/* The next spare one is to be one that has room. */
	if (ret && !old.st_size)
		unlink(path);
	free(path);
	return ret;
}

/* One more name of the @nth policy takes the place of the next one's, so the row has no gap at any time; -errno */
static int move_on(const char *run, unsigned int nth)
{
	char *from = applied_path(run, nth, ""), *link_to = applied_path(run, nth, ".link"), *to = applied_path(run, nth + 1, "");
	int ret = unlink(link_to) && errno != ENOENT ? -errno : 0;

	if (!ret && (link(from, link_to) || rename(link_to, to)))
		ret = -errno;
	/* rename() of what has both names already leaves it. */
	unlink(link_to);
	free(from);
	free(link_to);
	free(to);
	return ret;
}

int applied_take(const char *run, unsigned int max_older)
{
	char *path = applied_path(run, 0, ""), *spare = spare_path(run);
	unsigned int nr = nr_applied(run);
	int ret = 0;

	for (nr = nr < max_older ? nr : max_older; nr && !ret; nr--)
		ret = move_on(run, nr - 1);
	if (!ret && rename(spare, path))
		ret = -errno;
	free(path);
	free(spare);
	return ret;
}

/* As the next spare one, if there is none and it is not the policy's, too */
static bool reuse(const char *path, const char *spare)
{
	struct stat st;

	return access(spare, F_OK) && !stat(path, &st) && st.st_nlink == 1 && !rename(path, spare);
}

/* As long as what is carried out; -errno */
static int make_spare(const char *run, const char *spare)
{
	char *path = applied_path(run, 0, "");
	struct stat st;
	int fd = stat(path, &st) ? -errno : open_spare(spare), ret = 0;

	if (fd >= 0) {
		ret = make_longer(fd, st.st_size);
		close(fd);
	}
	free(path);
	return fd < 0 ? fd : ret;
}

int applied_forget(const char *run)
{
	char *spare = spare_path(run), *path;
	unsigned int nr;
	int ret = 0;

	for (nr = nr_applied(run); nr > 1 && !ret; nr--) {
		path = applied_path(run, nr - 1, "");
		/* The newest of them has room for what is carried out. */
		if ((nr > 2 || !reuse(path, spare)) && unlink(path))
			ret = -errno;
		free(path);
	}
	ret = ret ?: make_spare(run, spare);
	free(spare);
	return ret;
}
