// SPDX-License-Identifier: GPL-2.0
/*
 * libpvi, continued: bells, grants, status words, sources, descriptors over sockets.
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include "libpvi_lib.h"

static void test_bell(void)
{
	int rx = enrol(rx_uuid), tx = enrol(tx_uuid), efd, port;
	uint64_t old = 0;

	ASSERT_EQ(pvi_bell_create(rx, 0, GSI), -ENOENT);
	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
	efd = pvi_wire(rx, GSI, -1);
	ASSERT_EQ(pvi_bell_create(rx, 0, GSI), 0);
	ASSERT_EQ(pvi_bell_create(rx, 1, GSI), -EEXIST);
	ASSERT_EQ(pvi_allow_bell(rx, tx_uuid, 0, 0, NULL), -EINVAL);
	ASSERT_EQ(pvi_allow_bell_owner(rx, tx_uuid, 0, 7, geteuid() + 1, NULL), 0);
	ASSERT_EQ(pvi_connect(tx, 0, rx_uuid, GSI), -EPERM);
	ASSERT_EQ(pvi_allow_bell(rx, tx_uuid, 0, 7, NULL), 0);
	port = pvi_connect(tx, KVM_PVI_PORT_ANY, rx_uuid, GSI);
	ASSERT_GE(port, 0);

	ASSERT_EQ(pvi_bell_send(tx, port, 0, NULL), -EINVAL);
	ASSERT_EQ(pvi_bell_send(tx, port, 8, NULL), -EPERM);
	ASSERT_EQ(pvi_bell_send(tx, port, 1, &old), KVM_PVI_RAISED);
	ASSERT_EQ(old, 0);
	ASSERT_EQ(pvi_bell_send(tx, port, 1, &old), KVM_PVI_COALESCED);
	ASSERT_EQ(old, 1);
	ASSERT_EQ(read_eventfd(efd), 1);

	ASSERT_EQ(pvi_bell_receive(rx, 1, 1, &old), -ENOENT);
	ASSERT_EQ(pvi_bell_receive(rx, 0, 1, &old), 0);
	ASSERT_EQ(old, 1);
	ASSERT_EQ(pvi_bell_mask(rx, 0, 4, 4), 0);
	ASSERT_EQ(pvi_bell_send(tx, port, 6, NULL), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_bell_receive(rx, 0, ~0ull, &old), 0);
	ASSERT_EQ(old, 2);
	ASSERT_EQ(pvi_bell_reset(rx, 0), 0);
	ASSERT_EQ(pvi_revoke_bell(rx, tx_uuid, 0), 0);
	ASSERT_EQ(pvi_revoke_bell(rx, tx_uuid, 0), -ENOENT);
	ASSERT_EQ(pvi_bell_send(tx, port, 1, NULL), -EPERM);
}

static void test_grant(void)
{
	const struct pvi_rate wrong = { .rate = 1 };
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	int rx = pvi_open(), tx = enrol(tx_uuid), grant, fds;
	uint64_t id, old;

	ASSERT_EQ(pvi_bind(rx, -1, rx_uuid, KVM_PVI_BIND_GRANTS_ONLY, 0, NULL), 0);
	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
	ASSERT_EQ(pvi_expose(rx, GSI + 1, KVM_PVI_GSI_EVENTFD, NULL), 0);
	fds = count_fds();
	ASSERT_EQ(pvi_grant(rx, GSI, 1, &wrong, NULL), -EINVAL);
	ASSERT_EQ(count_fds(), fds);
	grant = pvi_grant(rx, GSI, 1, NULL, &id);
	ASSERT_TRUE(is_cloexec(grant));
	ASSERT_EQ(pvi_next_edge(rx, &edge), 1);
	ASSERT_EQ(edge.kind, KVM_PVI_EDGE_GRANT);
	ASSERT_EQ(edge.cursor, id);

	ASSERT_EQ(pvi_connect_grant(tx, 4, rx), -EINVAL);
	ASSERT_EQ(pvi_connect_grant(tx, 4, grant), 4);
	ASSERT_EQ(pvi_connect_grant(tx, 5, grant), -EPERM);
	ASSERT_EQ(pvi_notify(tx, 4), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_ungrant(rx, id), 0);
	ASSERT_EQ(pvi_ungrant(rx, id), -ENOENT);
	ASSERT_EQ(pvi_notify(tx, 4), -EPERM);

	ASSERT_EQ(pvi_bell_create(rx, 0, GSI + 1), 0);
	grant = pvi_grant_bell(rx, 0, 3, 0, NULL, NULL);
	ASSERT_EQ(pvi_connect_grant(tx, KVM_PVI_PORT_ANY, grant), 0);
	ASSERT_EQ(pvi_bell_send(tx, 0, 4, &old), -EPERM);
	ASSERT_EQ(pvi_bell_send(tx, 0, 2, &old), KVM_PVI_LATCHED);
}

static void test_status(void)
{
	int rx = enrol(rx_uuid), tx = enrol(tx_uuid), memfd;
	struct kvm_pvi_status *word;
	void *memory;

	memfd = pvi_status_memory(PAGE_SIZE, &memory);
	ASSERT_TRUE(is_cloexec(memfd));
	word = memory + 64;
	word->pending = 1;
	ASSERT_EQ(pvi_set_status(rx, GSI, memfd, 64, word, 0), -EPERM);
	ASSERT_EQ(pvi_status_seal(memfd), 0);
	ASSERT_EQ(pvi_status_seal(memfd), -EPERM);
	ASSERT_EQ(pvi_status_seal(rx), -EINVAL);
	ASSERT_TRUE(mmap(NULL, PAGE_SIZE, PROT_WRITE, MAP_SHARED, memfd, 0) == MAP_FAILED);

	ASSERT_EQ(pvi_set_status(rx, GSI, memfd, 64, word, 0), -ENOENT);
	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
	ASSERT_GE(pvi_wire(rx, GSI, -1), 0);
	ASSERT_EQ(pvi_allow(rx, tx_uuid, GSI, NULL), 0);
	ASSERT_EQ(pvi_set_status(rx, GSI, memfd, 32, word, 0), -EINVAL);
	ASSERT_EQ(pvi_set_status(rx, GSI, memfd, 64, word, 0), 0);
	ASSERT_EQ(word->pending, 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), KVM_PVI_RAISED);
	ASSERT_EQ(word->pending, 1);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), KVM_PVI_COALESCED);
	ASSERT_EQ(word->count, 2);
	ASSERT_EQ(pvi_unstatus(rx, GSI), 0);
	ASSERT_EQ(word->pending, 0);
	ASSERT_EQ(pvi_unstatus(rx, GSI), -ENOENT);
}

static void test_source(void)
{
	int tx = enrol(tx_uuid), sink = new_eventfd(), source, fds;

	fds = count_fds();
	ASSERT_EQ(pvi_wire_source(tx, 5, -1), -ENOENT);
	ASSERT_EQ(count_fds(), fds);
	ASSERT_EQ(pvi_set_port(tx, 5, sink), 5);
	ASSERT_EQ(pvi_wire_source(tx, 5, sink), -ELOOP);
	source = pvi_wire_source(tx, 5, -1);
	ASSERT_TRUE(is_cloexec(source));
	ASSERT_EQ(pvi_wire_source(tx, 5, source), -EEXIST);
	signal_eventfd(source);
	ASSERT_TRUE(wait_readable(sink, 10000));
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_EQ(pvi_unwire_source(tx, 5, source), 0);
	ASSERT_EQ(pvi_unwire_source(tx, 5, source), -ENOENT);
}

/* Two descriptors in one message, which pvi_send_fd() never sends. */
static void send_two(int socket)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = {
		.header.cmsg_len = CMSG_LEN(2 * sizeof(int)),
		.header.cmsg_level = SOL_SOCKET,
		.header.cmsg_type = SCM_RIGHTS,
	};
	struct iovec iov = { .iov_base = "", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fds[2] = { socket, socket };

	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	ASSERT_EQ(sendmsg(socket, &msg, 0), 1);
}

static void test_fd(void)
{
	int pair[2], efd = new_eventfd(), fds, got;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ASSERT_EQ(pvi_send_fd(pair[0], efd), 0);
	got = pvi_recv_fd(pair[1]);
	ASSERT_TRUE(is_cloexec(got));
	signal_eventfd(got);
	ASSERT_EQ(read_eventfd(efd), 1);

	fds = count_fds();
	ASSERT_EQ(pvi_send_fd(pair[0], NO_SUCH), -EBADF);
	ASSERT_EQ(write(pair[0], "x", 1), 1);
	ASSERT_EQ(pvi_recv_fd(pair[1]), -EBADMSG);
	send_two(pair[0]);
	ASSERT_EQ(pvi_recv_fd(pair[1]), -EBADMSG);
	ASSERT_EQ(count_fds(), fds);
	ASSERT_EQ(pvi_recv_fd(efd), -ENOTSOCK);
	close(pair[0]);
	ASSERT_EQ(pvi_recv_fd(pair[1]), -ECONNRESET);
	ASSERT_EQ(pvi_send_fd(pair[1], efd), -EPIPE);
}

static const struct test_case cases[] = {
	{ "bell", test_bell },
	{ "grant", test_grant },
	{ "status", test_status },
	{ "source", test_source },
	{ "fd", test_fd },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases),
			 TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
