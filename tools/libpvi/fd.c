// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi fd - descriptors over a unix socket */
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

int pvi_send_fd(int socket, int fd)
{
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union control control = {
		.header.cmsg_len = CMSG_LEN(sizeof(int)),
		.header.cmsg_level = SOL_SOCKET,
		.header.cmsg_type = SCM_RIGHTS,
	};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t ret;

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	do {
		ret = sendmsg(socket, &msg, MSG_NOSIGNAL);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

/* With SO_PASSPIDFD it comes by itself; not every libc has its number */
#define FD_PIDFD	4

int pvi_fd_take(struct msghdr *msg)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(msg);
	int fd;

	if (!header)
		return msg->msg_flags & MSG_CTRUNC ? -EBADMSG : -ENODATA;
	if (header->cmsg_level != SOL_SOCKET || header->cmsg_len != CMSG_LEN(sizeof(int)) ||
	    (header->cmsg_type != SCM_RIGHTS && header->cmsg_type != FD_PIDFD))
		return -EBADMSG;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	if (header->cmsg_type == SCM_RIGHTS && !(msg->msg_flags & MSG_CTRUNC))
		return fd;
	/* The kernel has closed what did not fit. In the place of a pidfd there may be an error */
	if (fd >= 0)
		close(fd);
	return -EBADMSG;
}

int pvi_recv_fd(int socket)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union control control;
	/* No room for two: what pads the space would hold a second one. */
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	ssize_t ret;
	int fd;

	do {
		ret = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	if (!ret)
		return -ECONNRESET;
	fd = pvi_fd_take(&msg);
	return fd < 0 ? -EBADMSG : fd;
}
