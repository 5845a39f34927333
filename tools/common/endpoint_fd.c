// SPDX-License-Identifier: GPL-2.0-or-later
/* common endpoint_fd - which endpoints a process has descriptors of, as /proc tells, or they do */
#include <fcntl.h>
#include <libpvi.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common.h"

/* By what is known of the file without asking its file system */
static bool is_device(pid_t pid, int fd)
{
	struct stat device;
	struct statx its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	return !stat("/dev/kvm_pvi", &device) && !statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &its) &&
	       S_ISCHR(its.stx_mode) && makedev(its.stx_rdev_major, its.stx_rdev_minor) == device.st_rdev;
}

bool is_of_kvm_pvi(pid_t pid, int fd, const char *target)
{
	const char *name = strrchr(target, '/');

	return name && !strcmp(name, "/kvm_pvi") && is_device(pid, fd);
}

bool is_endpoint(pid_t pid, int fd, const char *target, uuid_t uuid)
{
	char path[64], line[256], text[UUID_STR_LEN];
	bool found = false;
	FILE *file;

	if (!is_of_kvm_pvi(pid, fd, target))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "pvi-uuid: %36s", text) == 1 && !uuid_parse(text, uuid);
	fclose(file);
	return found;
}

bool ask_endpoint(int pidfd, int fd, uuid_t uuid)
{
	int taken = take_fd(pidfd, fd);
	bool lives = taken >= 0 && !pvi_query_uuid(taken, uuid);

	if (taken >= 0)
		close(taken);
	return lives;
}

bool ask_endpoint_of(pid_t pid, int fd, uuid_t uuid)
{
	int pidfd = open_pidfd(pid);
	bool lives = pidfd >= 0 && ask_endpoint(pidfd, fd, uuid);

	if (pidfd >= 0)
		close(pidfd);
	return lives;
}
