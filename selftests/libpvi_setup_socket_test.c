// SPDX-License-Identifier: GPL-2.0
/*
 * libpvi: the messages of the set-up phase over a socket. In whatever pieces they come, with whatever
 * descriptors, from a peer that ends, stalls, or answers something else.
 */
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "libpvi_setup.h"

#define FLOOD		253	/* as many descriptors as Linux takes at once */
#define DRIP_MS		30	/* between two bytes of a peer that drips */

static void make_pair(int *pair)
{
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

/* Bytes with @nr copies of one descriptor */
static void send_raw(int socket, const void *bytes, size_t length, u32 nr)
{
	char control[CMSG_SPACE(FLOOD * sizeof(int))] __aligned(8) = { 0 };
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int efd = new_eventfd();
	u32 i;

	if (nr) {
		struct cmsghdr *header = (struct cmsghdr *)control;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(nr * sizeof(int));
		for (i = 0; i < nr; i++)
			memcpy(CMSG_DATA(header) + i * sizeof(int), &efd, sizeof(int));
	}
	ASSERT_EQ(sendmsg(socket, &msg, MSG_NOSIGNAL), length);
	close(efd);
}

/* However it is cut in two or more, and what comes behind it stays where it is */
static void test_pieces(void)
{
	struct pvi_setup_reader reader = { 0 };
	struct pvi_setup_msg msg;
	int pair[2], rest;
	u32 i, j, piece;
	char next;

	make_pair(pair);
	fds_before = count_fds();
	ASSERT_EQ(pvi_setup_receive(pair[0], &reader, &msg), -EAGAIN);
	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *sample = &samples[i];

		for (piece = 1; piece <= sample->length; piece++) {
			for (j = 0; j < sample->length; j += piece) {
				rest = sample->length - j;
				send_raw(pair[1], &sample->bytes[j], rest < (int)piece ? rest : (int)piece,
					 j ? 0 : sample->fds);
				if (rest <= (int)piece)
					ASSERT_EQ(write(pair[1], "next", 1), 1);
				ASSERT_EQ(pvi_setup_receive(pair[0], &reader, &msg), rest > (int)piece ? -EAGAIN : 0);
			}
			ASSERT_EQ(read(pair[0], &next, 1), 1);
			ASSERT_EQ(next, 'n');
			if (sample->fds) {
				ASSERT_TRUE(is_cloexec(msg.grant));
				close(msg.grant);
			}
			ASSERT_EQ(reader.length, 0);
			check_leaks();
		}
	}
}

/* The other end closes behind each byte */
static void test_end(void)
{
	struct pvi_setup_reader reader = { 0 };
	struct pvi_setup_msg msg;
	u32 i, length;
	int pair[2];

	fds_before = count_fds();
	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		for (length = 0; length < samples[i].length; length++) {
			make_pair(pair);
			if (length)
				send_raw(pair[1], samples[i].bytes, length, samples[i].fds);
			close(pair[1]);
			ASSERT_EQ(pvi_setup_receive(pair[0], &reader, &msg), -ECONNRESET);
			ASSERT_EQ(reader.length, 0);
			close(pair[0]);
			check_leaks();
		}
	}
	make_pair(pair);
	send_raw(pair[1], get_reply_bytes, 20, 1);
	ASSERT_EQ(pvi_setup_receive(pair[0], &reader, &msg), -EAGAIN);
	pvi_setup_forget(&reader);
	pvi_setup_forget(&reader);
	close(pair[0]);
	close(pair[1]);
	check_leaks();
}

static void receive_bad(const void *bytes, size_t length, u32 first, u32 then)
{
	struct pvi_setup_reader reader = { 0 };
	struct pvi_setup_msg msg;
	int pair[2];

	make_pair(pair);
	send_raw(pair[1], bytes, length, first);
	if (then)
		send_raw(pair[1], (const u8 *)bytes + length, LENGTH - length, then);
	ASSERT_EQ(pvi_setup_receive(pair[0], &reader, &msg), -EBADMSG);
	close(pair[0]);
	close(pair[1]);
	check_leaks();
}

/* A header that is none ends it at once, before anybody waits for what it says will follow */
static void test_header(void)
{
	u8 bytes[HEADER];
	u32 bit;

	fds_before = count_fds();
	for (bit = 0; bit < 8 * HEADER; bit++) {
		memcpy(bytes, set_bytes, HEADER);
		bytes[bit / 8] ^= 1 << bit % 8;
		/* Without need_reply it is one */
		if (bit != 8 * 4 + 3)
			receive_bad(bytes, HEADER, 0, 0);
	}
	memcpy(bytes, set_bytes, HEADER);
	memset(&bytes[8], 0xff, 4);
	receive_bad(bytes, HEADER, 0, 0);
	receive_bad(bytes, HEADER, 1, 0);
}

/* A descriptor that came and found no room is not one that did not come */
static void test_limit(void)
{
	struct rlimit limit = { .rlim_max = 1024 };
	struct pvi_setup_reader reader = { 0 };
	struct pvi_setup_msg msg;
	int pair[2];

	make_pair(pair);
	send_raw(pair[1], set_bytes, LENGTH, 1);
	fds_before = count_fds();
	limit.rlim_cur = new_eventfd();
	close(limit.rlim_cur);
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ASSERT_EQ(pvi_setup_receive(pair[0], &reader, &msg), -EBADMSG);
	limit.rlim_cur = limit.rlim_max;
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	check_leaks();
}

/* More descriptors than one, at once and one after the other */
static void test_flood(void)
{
	static const u32 floods[] = { 2, 3, 8, FLOOD };
	u32 i;

	fds_before = count_fds();
	for (i = 0; i < ARRAY_SIZE(floods); i++) {
		receive_bad(get_reply_bytes, LENGTH, floods[i], 0);
		receive_bad(get_reply_bytes, 1, floods[i], 0);
		receive_bad(get_reply_bytes, 20, 1, floods[i]);
	}
	receive_bad(get_reply_bytes, 1, 1, 1);
	receive_bad(get_reply_bytes, 20, 1, 1);
	receive_bad(get_reply_bytes, LENGTH, 0, 0);
	receive_bad(set_bytes, LENGTH, 1, 0);
}

/* It comes with the first byte and no other, whether or not the bytes before have been received */
static void test_late(void)
{
	struct pvi_setup_reader reader = { 0 };
	struct pvi_setup_msg msg;
	u32 first, wait;
	int pair[2];

	fds_before = count_fds();
	for (first = 1; first < LENGTH; first++) {
		receive_bad(get_reply_bytes, first, 0, 1);
		for (wait = 1; first + wait < LENGTH; wait++) {
			make_pair(pair);
			send_raw(pair[1], get_reply_bytes, first, 0);
			ASSERT_EQ(pvi_setup_receive(pair[0], &reader, &msg), -EAGAIN);
			send_raw(pair[1], get_reply_bytes + first, wait, 1);
			ASSERT_EQ(pvi_setup_receive(pair[0], &reader, &msg), -EBADMSG);
			close(pair[0]);
			close(pair[1]);
			check_leaks();
		}
	}
}

/* recvmsg() in the place of libc's: what comes is a pidfd, as with an option that not every kernel has */
static bool makes_pidfd;

ssize_t recvmsg(int socket, struct msghdr *msg, int flags)
{
	ssize_t ret = syscall(SYS_recvmsg, socket, msg, flags);

	if (makes_pidfd && ret > 0 && CMSG_FIRSTHDR(msg))
		CMSG_FIRSTHDR(msg)->cmsg_type = 4;
	return ret;
}

/* What nobody has sent: no message, and nothing stays open */
static void test_options(void)
{
	int pair[2], on = 1;

	fds_before = count_fds();
	makes_pidfd = true;
	receive_bad(get_reply_bytes, LENGTH, 1, 0);
	receive_bad(get_reply_bytes, 1, 0, 1);
	make_pair(pair);
	send_raw(pair[1], get_bytes, 1, 1);
	ASSERT_EQ(pvi_recv_fd(pair[0]), -EBADMSG);
	makes_pidfd = false;

	ASSERT_EQ(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	send_raw(pair[1], get_bytes, 1, 1);
	ASSERT_EQ(pvi_recv_fd(pair[0]), -EBADMSG);
	close(pair[0]);
	close(pair[1]);
	check_leaks();
}

/*
 * poll() and clock_gettime() in the place of libc's: while there is somebody who drips, a poll() takes
 * DRIP_MS, at whose end the next byte is there.
 */
static int drip_socket = -1;
static u32 dripped, drip_timeout;

int poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	if (drip_socket < 0)
		return syscall(SYS_poll, fds, nr, timeout);
	ASSERT_GT(timeout, 0);
	ASSERT_LE(timeout, drip_timeout - dripped * DRIP_MS);
	send_raw(drip_socket, &get_reply_bytes[dripped], 1, !dripped);
	dripped++;
	return 1;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
	if (drip_socket < 0)
		return syscall(SYS_clock_gettime, id, now);
	now->tv_sec = 1000;
	now->tv_nsec = dripped * DRIP_MS * 1000000;
	return 0;
}

static int get_from_drip(unsigned int timeout)
{
	struct pvi_setup setup;
	int pair[2], grant, ret;

	make_pair(pair);
	dripped = 0;
	drip_timeout = timeout;
	drip_socket = pair[1];
	ret = pvi_setup_get(pair[0], &setup, &grant, timeout);
	drip_socket = -1;
	if (!ret)
		close(grant);
	close(pair[0]);
	close(pair[1]);
	check_leaks();
	return ret;
}

/* The time is for all of it, not for each byte */
static void test_drip(void)
{
	fds_before = count_fds();
	ASSERT_EQ(get_from_drip(DRIP_MS * (LENGTH - 1)), -ETIMEDOUT);
	ASSERT_EQ(dripped, LENGTH - 1);
	ASSERT_EQ(get_from_drip(DRIP_MS * LENGTH + 1), 0);
	ASSERT_EQ(get_from_drip(DRIP_MS + 1), -ETIMEDOUT);
	ASSERT_EQ(dripped, 2);
}

/* No reply, one that stops, and nobody who reads */
static void test_stall(void)
{
	struct pvi_setup setup;
	int pair[2], grant;

	fds_before = count_fds();
	make_pair(pair);
	ASSERT_EQ(pvi_setup_get(pair[0], &setup, &grant, 0), -ETIMEDOUT);
	ASSERT_EQ(pvi_setup_get(pair[0], &setup, &grant, 50), -ETIMEDOUT);
	ASSERT_EQ(pvi_setup_set(pair[0], &front_setup, -1, 50), -ETIMEDOUT);
	send_raw(pair[1], get_reply_bytes, 20, 1);
	ASSERT_EQ(pvi_setup_get(pair[0], &setup, &grant, 50), -ETIMEDOUT);
	close(pair[0]);
	close(pair[1]);
	check_leaks();

	make_pair(pair);
	while (send(pair[0], get_bytes, sizeof(get_bytes), MSG_DONTWAIT) > 0)
		;
	ASSERT_EQ(pvi_setup_set(pair[0], &front_setup, -1, 50), -ETIMEDOUT);
	close(pair[1]);
	ASSERT_EQ(pvi_setup_set(pair[0], &front_setup, -1, TIMEOUT), -EPIPE);
	close(pair[0]);
	check_leaks();
}

/* Replies that are messages, but not to what was asked */
static void test_replies(void)
{
	struct pvi_setup setup;
	int pair[2], grant;

	fds_before = count_fds();
	make_pair(pair);
	send_raw(pair[1], get_refused_bytes, HEADER, 0);
	ASSERT_EQ(pvi_setup_get(pair[0], &setup, &grant, TIMEOUT), -ECONNREFUSED);
	send_raw(pair[1], set_reply_bytes, sizeof(set_reply_bytes), 0);
	ASSERT_EQ(pvi_setup_set(pair[0], &front_setup, -1, TIMEOUT), -ECONNREFUSED);
	send_raw(pair[1], set_reply_bytes, sizeof(set_reply_bytes), 0);
	ASSERT_EQ(pvi_setup_get(pair[0], &setup, &grant, TIMEOUT), -EBADMSG);
	send_raw(pair[1], get_reply_bytes, LENGTH, 1);
	ASSERT_EQ(pvi_setup_set(pair[0], &front_setup, -1, TIMEOUT), -EBADMSG);
	send_raw(pair[1], set_bytes, LENGTH, 0);
	ASSERT_EQ(pvi_setup_set(pair[0], &front_setup, -1, TIMEOUT), -EBADMSG);
	send_raw(pair[1], get_reply_bytes, LENGTH, 1);
	ASSERT_EQ(pvi_setup_get(pair[0], &setup, &grant, TIMEOUT), 0);
	check_setup(&setup, &back_setup);
	close(grant);
	close(pair[1]);
	ASSERT_EQ(pvi_setup_get(pair[0], &setup, &grant, TIMEOUT), -EPIPE);
	close(pair[0]);
	check_leaks();
}

/* What is sent is what is received, with its descriptor */
static void test_send(void)
{
	struct pvi_setup_reader reader = { 0 };
	struct pvi_setup_msg msg, sent = {
		.request = PVI_SETUP_GET, .flags = PVI_SETUP_REPLY, .setup = back_setup,
	};
	int pair[2], ret;

	fds_before = count_fds();
	make_pair(pair);
	sent.grant = new_eventfd();
	signal_eventfd(sent.grant);
	ASSERT_EQ(pvi_setup_send(pair[0], &sent), 0);
	close(sent.grant);
	ASSERT_EQ(pvi_setup_receive(pair[1], &reader, &msg), 0);
	check_setup(&msg.setup, &back_setup);
	ASSERT_EQ(read_eventfd(msg.grant), 1);
	close(msg.grant);

	sent = (struct pvi_setup_msg){ .request = PVI_SETUP_SET, .setup = front_setup, .grant = -1 };
	ASSERT_EQ(pvi_setup_send(pair[0], &sent), 0);
	ASSERT_EQ(pvi_setup_receive(pair[1], &reader, &msg), 0);
	check_setup(&msg.setup, &front_setup);
	ASSERT_EQ(msg.grant, -1);
	do {
		ret = pvi_setup_send(pair[0], &sent);
	} while (!ret);
	ASSERT_EQ(ret, -EAGAIN);
	close(pair[0]);
	close(pair[1]);
	check_leaks();
}

static const struct test_case cases[] = {
	{ "pieces", test_pieces },
	{ "end", test_end },
	{ "header", test_header },
	{ "limit", test_limit },
	{ "flood", test_flood },
	{ "late", test_late },
	{ "options", test_options },
	{ "drip", test_drip },
	{ "stall", test_stall },
	{ "replies", test_replies },
	{ "send", test_send },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), 0);
}
