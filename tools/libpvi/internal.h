/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* libpvi: what its files share */
#ifndef LIBPVI_INTERNAL_H
#define LIBPVI_INTERNAL_H

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "libpvi.h"

/* All fields not named are 0, the reserved ones among them. */
#define PVI_ARG(type, ...) { .size = sizeof(struct type), __VA_ARGS__ }

static inline int pvi_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static inline void pvi_copy_uuid(__u8 *to, const unsigned char *from)
{
	memcpy(to, from, KVM_PVI_UUID_SIZE);
}

#endif
