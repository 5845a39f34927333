// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: loading and unloading kernel modules */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "module.h"
#include "tap.h"

static void load_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		TEST_FAIL("load %s: %s", path, strerror(errno));
	close(fd);
}

void load_module(const char *name)
{
	const char *ours = getenv("PVI_MODULE"), *slash;
	char text[512];

	if (!ours || !*ours) {
		snprintf(text, sizeof(text), "modprobe %s", name);
		if (system(text))
			TEST_FAIL("'%s' failed: build and install the modules", text);
		return;
	}
	slash = strrchr(ours, '/');
	snprintf(text, sizeof(text), "%.*s%s.ko", slash ? (int)(slash - ours + 1) : 0, ours, name);
	load_file(text);
}

int __unload_module(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

void unload_module(const char *name)
{
	int ret = __unload_module(name);

	if (ret)
		TEST_FAIL("unload %s: %s", name, strerror(-ret));
}

bool is_loaded(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}
