// SPDX-License-Identifier: GPL-2.0-or-later
/* common proc - descriptors of other processes */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common.h"

int open_pidfd(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int take_fd(int pidfd, int fd)
{
	int taken = syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	return taken < 0 ? -errno : taken;
}

void read_comm(pid_t pid, char comm[static COMM_LEN])
{
	char path[32], name[COMM_LEN];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	comm[0] = '\0';
	file = fopen(path, "re");
	if (!file)
		return;
	/* Newlines may be in the name. The kernel puts another one behind it. */
	len = fread(name, 1, sizeof(name) - 1, file);
	fclose(file);
	name[len ? len - 1 : 0] = '\0';
	escape(comm, COMM_LEN, name);
}

int each_fd(pid_t pid, bool (*fn)(pid_t pid, int fd, const char *target, void *arg), void *arg)
{
	char path[32], target[PATH_MAX];
	struct dirent *entry;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (!fn(pid, atoi(entry->d_name), target, arg))
			break;
	}
	closedir(dir);
	return 0;
}

int each_process(void (*fn)(pid_t pid, void *arg), void *arg)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		return -errno;
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			fn(atoi(entry->d_name), arg);
	closedir(proc);
	return 0;
}

struct find_fd {
	bool (*is_it)(pid_t pid, int fd, const char *target, void *arg);
	void *arg;
	pid_t pid;
	int fd;
};

static bool look_at_fd(pid_t pid, int fd, const char *target, void *arg)
{
	struct find_fd *find = arg;

	if (!find->is_it(pid, fd, target, find->arg))
		return true;
	find->pid = pid;
	find->fd = fd;
	return false;
}

static void look_into_process(pid_t pid, void *arg)
{
	struct find_fd *find = arg;

	if (find->fd < 0)
		each_fd(pid, look_at_fd, find);
}

int find_fd(pid_t first, bool (*is_it)(pid_t pid, int fd, const char *target, void *arg), void *arg, pid_t *pid, int *fd)
{
	struct find_fd find = { .is_it = is_it, .arg = arg, .fd = -1 };
	int ret = first ? each_fd(first, look_at_fd, &find) : 0;

	if (find.fd < 0)
		each_process(look_into_process, &find);
	*pid = find.pid;
	*fd = find.fd;
	return find.fd >= 0 ? 0 : ret == -EACCES || ret == -EPERM ? ret : -EBADF;
}
