// SPDX-License-Identifier: GPL-2.0
/*
 * What ends a status word while it is rung: UNSTATUS, UNEXPOSE, close, SIGKILL. The word is left
 * clear, so a sender that skips because it was set comes back, and is told.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "pvi_test.h"
#include "status.h"

#define PIN STATUS_PIN

static struct vm *tx;
static int rx_fd, tx_fd;
static u32 port;
static struct status_mem mem;
static u64 hypercalls, stop;

static void make(void)
{
	mem = status_make();
	status_receiver(&mem, pvi_uuid[0], KVM_PVI_GSI_DIRECT, PIN, &rx_fd);
	tx = status_sender(&mem, pvi_uuid[1], &tx_fd);
	pvi_allow(rx_fd, pvi_uuid[1], PIN);
	port = pvi_connect(tx_fd, pvi_uuid[0], PIN);
}

static __guest s64 ring(void)
{
	return guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
}

/* Looks first, rings until told otherwise; says how often it got to ring */
static __guest u64 guest_ring_until_error(u64 arg)
{
	s64 ret;

	do {
		while (kvm_pvi_status_owed(guest_seen) && !READ_ONCE(stop))
			guest_pause();
		ret = ring();
		WRITE_ONCE(hypercalls, hypercalls + 1);
	} while (ret >= 0 && !READ_ONCE(stop));
	return arg ? ret : 0;
}

/* Never looks */
static __guest u64 guest_ring_until_stopped(u64 arg)
{
	while (!READ_ONCE(stop)) {
		GUEST_ASSERT_GE(ring(), 0);
		WRITE_ONCE(hypercalls, hypercalls + 1);
	}
	return arg;
}

static void wait_hypercalls(u64 more)
{
	u64 from = READ_ONCE(hypercalls);

	ASSERT_TRUE(wait_until(READ_ONCE(hypercalls) >= from + more, 10000));
}

/* When UNSTATUS has returned, no ring in flight sets the word again */
static void test_unstatus_while_rung(void)
{
	u32 i;

	make();
	vcpu_run_thread(&tx->vcpus[0], guest_ring_until_stopped, 0);
	for (i = 0; i < 100; i++) {
		wait_hypercalls(2);
		pvi_gsi(rx_fd, KVM_PVI_UNSTATUS, PIN);
		ASSERT_EQ(READ_ONCE(mem.seen->pending), 0);
		wait_hypercalls(2);
		ASSERT_EQ(READ_ONCE(mem.seen->pending), 0);
		status_register(rx_fd, PIN, &mem);
	}
	WRITE_ONCE(stop, 1);
	vcpu_join(&tx->vcpus[0]);
}

/* A sender that skips comes back when the word goes, the GSI, or the whole endpoint */
static void test_skipper_comes_back(void)
{
	make();
	vcpu_run_thread(&tx->vcpus[0], guest_ring_until_error, 1);
	ASSERT_TRUE(wait_until(READ_ONCE(mem.seen->pending), 10000));
	pvi_gsi(rx_fd, KVM_PVI_UNSTATUS, PIN);
	wait_hypercalls(3);
	status_register(rx_fd, PIN, &mem);
	ASSERT_TRUE(wait_until(READ_ONCE(mem.seen->pending), 10000));
	pvi_gsi(rx_fd, KVM_PVI_UNEXPOSE, PIN);
	ASSERT_EQ(vcpu_join(&tx->vcpus[0]), -EPERM);

	pvi_expose(rx_fd, PIN, KVM_PVI_GSI_DIRECT);
	status_register(rx_fd, PIN, &mem);
	vcpu_run_thread(&tx->vcpus[0], guest_ring_until_error, 1);
	ASSERT_TRUE(wait_until(READ_ONCE(mem.seen->pending), 10000));
	close(rx_fd);
	ASSERT_EQ(vcpu_join(&tx->vcpus[0]), -ENXIO);
}

/* A receiver in a process of its own, which dies with the word set */
static void own_receiver(u64 socket)
{
	int fd = recv_fd(socket);

	mem.fd = fd;
	mem.word = map_shared(fd, PAGE_SIZE);
	memfd_seal(fd, SEALS_FOR_STATUS);
	status_receiver(&mem, pvi_uuid[0], KVM_PVI_GSI_DIRECT, PIN, &rx_fd);
	pvi_allow(rx_fd, pvi_uuid[1], PIN);
	ASSERT_EQ(write(socket, "r", 1), 1);
	for (;;)
		pause();
}

static void kill_receiver(void)
{
	int pair[2], fd = memfd_create_sized(PAGE_SIZE);
	pid_t pid;
	char byte;

	hypercalls = 0;
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = child_run(own_receiver, pair[1]);
	send_fd(pair[0], fd);
	ASSERT_EQ(read(pair[0], &byte, 1), 1);
	mem.seen = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_TRUE(mem.seen != MAP_FAILED);
	tx = status_sender(&mem, pvi_uuid[1], &tx_fd);
	port = pvi_connect(tx_fd, pvi_uuid[0], PIN);
	vcpu_run_thread(&tx->vcpus[0], guest_ring_until_error, 1);
	ASSERT_TRUE(wait_until(READ_ONCE(mem.seen->pending), 10000));
	child_kill(pid);
	ASSERT_EQ(vcpu_join(&tx->vcpus[0]), -ENXIO);
	ASSERT_EQ(READ_ONCE(mem.seen->pending), 0);
	close(tx_fd);
	vm_free(tx);
	close(pair[0]);
	close(pair[1]);
	close(fd);
}

static void test_killed_while_rung(void)
{
	u32 i;

	for (i = 0; i < 5; i++)
		kill_receiver();
}

static const struct test_case cases[] = {
	{ "unstatus_while_rung", test_unstatus_while_rung },
	{ "skipper_comes_back", test_skipper_comes_back },
	{ "killed_while_rung", test_killed_while_rung },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
