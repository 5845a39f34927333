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

/* The one descriptor of @msg, or -1. The kernel has closed what did not fit. */
static int descriptor_of(struct msghdr *msg)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(msg);
	int fd;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
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
	fd = descriptor_of(&msg);
	if (fd >= 0 && msg.msg_flags & MSG_CTRUNC) {
		close(fd);
		fd = -1;
	}
	return fd < 0 ? -EBADMSG : fd;
}
