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

static int load_file(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		TEST_FAIL("%s: %s", path, strerror(errno));
	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

static void must(int ret, const char *what, const char *name)
{
	if (ret)
		TEST_FAIL("%s %s: %s", what, name, strerror(-ret));
}

int __load_pvi(void)
{
	const char *path = getenv("PVI_MODULE");

	if (path && *path)
		return load_file(path, "");
	return system("modprobe kvm_pvi") ? -ECANCELED : 0;
}

void load_pvi(void)
{
	int ret = __load_pvi();

	if (ret == -ECANCELED)
		TEST_FAIL("'modprobe kvm_pvi' failed: install it, or set PVI_MODULE");
	must(ret, "load", "kvm_pvi");
}

int __load_test_module_with(const char *name, const char *params)
{
	const char *dir = getenv("PVI_TEST_MODULES");
	char path[512];

	if (!dir || !*dir)
		TEST_FAIL("PVI_TEST_MODULES does not say where %s.ko is", name);
	snprintf(path, sizeof(path), "%s/%s.ko", dir, name);
	return load_file(path, params);
}

int __load_test_module(const char *name)
{
	return __load_test_module_with(name, "");
}

void load_test_module(const char *name)
{
	must(__load_test_module(name), "load", name);
}

int __unload_module(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

void unload_module(const char *name)
{
	must(__unload_module(name), "unload", name);
}

bool is_loaded(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}
