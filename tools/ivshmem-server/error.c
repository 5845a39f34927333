// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server error - what was wrong and what to do */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

static const struct {
	int err;
	const char *text;
} meanings[] = {
	{ ENOENT, "kvm_pvi is not loaded: modprobe kvm_pvi, or run with --no-kvm-pvi" },
	{ EACCES, "run as a member of the group that owns /dev/kvm_pvi, or with --no-kvm-pvi; or the UUID is reserved" },
	{ EEXIST, "another endpoint has that name: give another --uuid" },
	{ EPROTO, "kvm_pvi is of another version" },
	{ EINVAL, "a UUID must not be all zeroes or all ones" },
	{ ENOSPC, "a limit is reached, see /sys/module/kvm_pvi/parameters" },
	{ EBUSY, "hypercalls cannot be intercepted now, the kernel log says why" },
};

const char *explain(int err)
{
	size_t i;

	err = abs(err);
	for (i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].err == err)
			return meanings[i].text;
	return strerror(err);
}

static void say(const char *fmt, va_list ap)
{
	fputs("pvi-ivshmem-server: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	exit(EXIT_FAILURE);
}

void *must_alloc(void *ptr)
{
	if (!ptr)
		die("out of memory");
	return ptr;
}
