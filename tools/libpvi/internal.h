/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* libpvi: what its files share */
#ifndef LIBPVI_INTERNAL_H
#define LIBPVI_INTERNAL_H

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libpvi.h"

/* All fields not named are 0, the reserved ones among them. */
#define PVI_ARG(type, ...) { .size = sizeof(struct type), __VA_ARGS__ }

static inline int pvi_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

/* A hypercall whose result is an int, or -errno. */
static inline int pvi_call3(int pvi, uint32_t nr, uint64_t a0, uint64_t a1, uint64_t a2,
			    uint64_t *rbx)
{
	const uint64_t args[4] = { a0, a1, a2, 0 };
	int64_t ret = pvi_call(pvi, nr, args, rbx);

	return ret == -KVM_PVI_ENOSYS ? -EOPNOTSUPP : (int)ret;
}

static inline void pvi_copy_uuid(__u8 *to, const unsigned char *from)
{
	memcpy(to, from, KVM_PVI_UUID_SIZE);
}

/* @eventfd, or a new one for -1, which then is in @made, too */
static inline int pvi_eventfd(int fd, int *made)
{
	*made = -1;
	if (fd != -1)
		return fd < 0 ? -EBADF : fd;
	*made = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *made < 0 ? -errno : *made;
}

/* acl.c: completes @arg by sender and rate */
int pvi_do_allow(int pvi, const unsigned char *sender, struct kvm_pvi_allow *arg,
		 const struct pvi_rate *rate);

/*
 * fd.c: the one descriptor that has come with @msg; -ENODATA: none has; -EBADMSG: something else has, and is
 * closed. There must be room for one only.
 */
struct msghdr;
int pvi_fd_take(struct msghdr *msg);

/* setup.c: how long the message is whose header this is, or -EBADMSG: there is no such header */
int pvi_setup_length(const void *header);

#endif
