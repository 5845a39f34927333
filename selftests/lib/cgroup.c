// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "pvi_test.h"
#include "cgroup.h"

#define ROOT	"/tmp/cgroup"

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
	move_to(ROOT "/cgroup.procs");
}

void cgroup_enter(const char *controllers)
{
	char procs[128];

	ASSERT_TRUE(!mkdir(ROOT, 0700) || errno == EEXIST);
	if (mount("none", ROOT, "cgroup2", 0, NULL) && errno != EBUSY)
		TEST_FAIL("cgroup2: %s", strerror(errno));
	ASSERT_EQ(__write_line(ROOT "/cgroup.subtree_control", controllers), 0);
	snprintf(group, sizeof(group), ROOT "/%d", getpid());
	ASSERT_EQ(mkdir(group, 0700), 0);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", group);
	move_to(procs);
}
