// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi setup, continued - its messages over a socket, by whoever has no vhost-user of its own */
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "internal.h"

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

int pvi_setup_send(int socket, const struct pvi_setup_msg *msg)
{
	unsigned char bytes[PVI_SETUP_MAX];
	struct iovec iov = { .iov_base = bytes };
	union control control = {
		.header.cmsg_len = CMSG_LEN(sizeof(int)),
		.header.cmsg_level = SOL_SOCKET,
		.header.cmsg_type = SCM_RIGHTS,
	};
	struct msghdr head = { .msg_iov = &iov, .msg_iovlen = 1 };
	int length = pvi_setup_encode(msg, bytes, sizeof(bytes));
	ssize_t ret;

	if (length < 0)
		return length;
	iov.iov_len = length;
	if (msg->grant >= 0) {
		memcpy(CMSG_DATA(&control.header), &msg->grant, sizeof(int));
		head.msg_control = &control;
		head.msg_controllen = sizeof(control);
	}
	do {
		ret = sendmsg(socket, &head, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	/* Of so few bytes Linux takes all or none */
	return ret == length ? 0 : -EPROTO;
}

void pvi_setup_forget(struct pvi_setup_reader *reader)
{
	if (reader->fds)
		close(reader->fd);
	memset(reader, 0, sizeof(*reader));
}

/* Keep the descriptor of @head; -EBADMSG if it comes with another byte than the first, or is something else */
static int reader_keep(struct pvi_setup_reader *reader, struct msghdr *head)
{
	int fd = pvi_fd_take(head);

	if (fd < 0)
		return fd == -ENODATA ? 0 : fd;
	if (reader->length) {
		close(fd);
		return -EBADMSG;
	}
	reader->fd = fd;
	reader->fds = 1;
	return 0;
}

/*
 * Receive until there are @length bytes at most, and what comes with them. The first one by itself: one call hands
 * out bytes without a descriptor, and the next ones with theirs, as if it came with all.
 */
static int reader_fill(int socket, struct pvi_setup_reader *reader, size_t length)
{
	struct iovec iov = {
		.iov_base = reader->bytes + reader->length,
		.iov_len = reader->length ? length - reader->length : 1,
	};
	union control control;
	/* No room for two: what pads the space would hold a second one. */
	struct msghdr head = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	ssize_t got;
	int ret;

	do {
		got = recvmsg(socket, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	ret = reader_keep(reader, &head);
	if (ret)
		return ret;
	reader->length += got;
	return got ? 0 : -ECONNRESET;
}

/* The whole message, or -EAGAIN; its header says where it ends, and nothing beyond is touched */
static int reader_complete(int socket, struct pvi_setup_reader *reader)
{
	int length, ret;

	while (reader->length < PVI_SETUP_HEADER) {
		ret = reader_fill(socket, reader, PVI_SETUP_HEADER);
		if (ret)
			return ret;
	}
	length = pvi_setup_length(reader->bytes);
	if (length < 0)
		return length;
	while (reader->length < (uint32_t)length) {
		ret = reader_fill(socket, reader, length);
		if (ret)
			return ret;
	}
	return 0;
}

int pvi_setup_receive(int socket, struct pvi_setup_reader *reader, struct pvi_setup_msg *msg)
{
	int ret = reader_complete(socket, reader);

	if (ret == -EAGAIN || ret == -EWOULDBLOCK)
		return -EAGAIN;
	if (ret) {
		pvi_setup_forget(reader);
		return ret;
	}
	ret = pvi_setup_decode(msg, reader->bytes, reader->length, &reader->fd, reader->fds);
	/* The descriptor is the message's, or closed */
	memset(reader, 0, sizeof(*reader));
	return ret;
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* Wait for @events, but not beyond @end: a peer that sends a byte now and then stalls as well */
static int socket_wait(int socket, short events, int64_t end)
{
	struct pollfd pollfd = { .fd = socket, .events = events };
	int64_t left = end - clock_ms();
	int ret;

	if (left <= 0)
		return -ETIMEDOUT;
	ret = poll(&pollfd, 1, left > INT32_MAX ? INT32_MAX : left);
	if (ret < 0 && errno != EINTR)
		return -errno;
	return 0;
}

/* Send @msg, and receive the reply in its place */
static int setup_ask(int socket, struct pvi_setup_msg *msg, unsigned int timeout)
{
	struct pvi_setup_reader reader = { 0 };
	int64_t end = clock_ms() + timeout;
	uint32_t request = msg->request;
	int ret;

	while ((ret = pvi_setup_send(socket, msg)) == -EAGAIN) {
		ret = socket_wait(socket, POLLOUT, end);
		if (ret)
			return ret;
	}
	if (ret)
		return ret;
	while ((ret = pvi_setup_receive(socket, &reader, msg)) == -EAGAIN) {
		ret = socket_wait(socket, POLLIN, end);
		if (ret) {
			pvi_setup_forget(&reader);
			return ret;
		}
	}
	if (ret)
		return ret;
	if (msg->request == request && msg->flags == PVI_SETUP_REPLY)
		return msg->result ? -ECONNREFUSED : 0;
	if (msg->grant >= 0)
		close(msg->grant);
	return -EBADMSG;
}

int pvi_setup_get(int socket, struct pvi_setup *setup, int *grant, unsigned int timeout)
{
	struct pvi_setup_msg msg = { .request = PVI_SETUP_GET, .grant = -1 };
	int ret = setup_ask(socket, &msg, timeout);

	if (ret)
		return ret;
	*setup = msg.setup;
	*grant = msg.grant;
	return 0;
}

int pvi_setup_set(int socket, const struct pvi_setup *setup, int grant, unsigned int timeout)
{
	struct pvi_setup_msg msg = {
		.request = PVI_SETUP_SET,
		.flags = PVI_SETUP_NEED_REPLY,
		.grant = grant,
		.setup = *setup,
	};

	return setup_ask(socket, &msg, timeout);
}
