// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pvi_test.h"
#include "cgroup.h"

/* Their hierarchy, which is mounted for nobody else, and goes with the last of the test's processes */
static char root[32];
static char group[64];

u64 read_field(const char *path, const char *name)
{
	char *text = read_file(path), *at = strstr(text, name);
	u64 value;

	ASSERT_TRUE(at);
	value = strtoull(at + strlen(name), NULL, 10);
	free(text);
	return value;
}

void cgroup_write(const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	ASSERT_EQ(__write_line(path, value), 0);
}

u64 cgroup_read(const char *file, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	return read_field(path, name);
}

static void move_to(const char *procs)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "%d", getpid());
	ASSERT_EQ(__write_line(procs, pid), 0);
}

void cgroup_leave(void)
{
	char procs[64];

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", root);
	move_to(procs);
}

static void mount_root(void)
{
	char at[] = P_tmpdir "/kvm-pvi.XXXXXX";
	int fd;

	ASSERT_TRUE(mkdtemp(at));
	ASSERT_EQ(mount("none", at, "cgroup2", 0, NULL), 0);
	fd = open(at, O_RDONLY | O_DIRECTORY);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(umount2(at, MNT_DETACH), 0);
	ASSERT_EQ(rmdir(at), 0);
	snprintf(root, sizeof(root), "/proc/self/fd/%d", fd);
}

void cgroup_enter(const char *controllers)
{
	char path[128];

	mount_root();
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", root);
	ASSERT_EQ(__write_line(path, controllers), 0);
	snprintf(group, sizeof(group), "%s/kvm-pvi.%d", root, getpid());
	ASSERT_EQ(mkdir(group, 0700), 0);
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	move_to(path);
}
