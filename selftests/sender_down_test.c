// SPDX-License-Identifier: GPL-2.0
/*
 * A receiver hears of each life of a sender, one after the other: a successor of that name that
 * rings at once does not make it forget to tell of the death.
 */
#include <sys/socket.h>

#include "pvi_test.h"

#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]
#define GSI	20
#define ROUNDS	10

static int rx;

static void start(void)
{
	int sink;

	rx = pvi_receiver(RX, GSI, TX, &sink);
}

static void ring(int fd)
{
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI, (u64)RX, GSI, 0, 0), KVM_PVI_RAISED);
}

static void broadcast(int fd)
{
	static const u8 all[KVM_PVI_UUID_SIZE] __aligned(16) = { [0 ... 15] = 0xff };

	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI, (u64)all, GSI, 0, 0), 1);
}

static void connect_port(int fd)
{
	pvi_connect(fd, RX, GSI);
}

/* A sender that is heard of by @say, and its epoch */
static int speak(void (*say)(int fd), u64 *epoch)
{
	int fd = pvi_bind_epoch(TX, epoch);

	say(fd);
	return fd;
}

static void expect_succession(u64 old, u64 new)
{
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_DOWN, TX, old);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_UP, TX, new);
}

static void check_closed(void (*say)(int fd))
{
	u64 old, new;
	u32 round;
	int fd;

	start();
	fd = speak(say, &old);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_UP, TX, old);
	for (round = 0; round < ROUNDS; round++) {
		close(fd);
		fd = speak(say, &new);
		expect_succession(old, new);
		old = new;
	}
	close(fd);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_DOWN, TX, old);
	pvi_expect_no_event(rx);
}

static void test_closed(void)
{
	check_closed(ring);
}

static void test_closed_connect(void)
{
	check_closed(connect_port);
}

static void test_closed_broadcast(void)
{
	check_closed(broadcast);
}

/* Tells which life it is, and its parent has the endpoint too if @vm */
static void send_life(u64 socket, struct vm *vm)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind),
		.flags = vm ? 0 : KVM_PVI_BIND_HOST,
		.vm_fd = vm ? vm->fd : -1,
	};
	int fd = pvi_open();

	memcpy(bind.uuid, TX, sizeof(bind.uuid));
	pvi_ioctl(fd, KVM_PVI_BIND, &bind);
	ring(fd);
	ASSERT_EQ(write(socket, &bind.epoch, sizeof(bind.epoch)), sizeof(bind.epoch));
	if (vm)
		send_fd(socket, fd);
	for (;;)
		pause();
}

static void host_sender(u64 socket)
{
	send_life(socket, NULL);
}

static void vm_sender(u64 socket)
{
	send_life(socket, vm_create(0, 0));
}

static void check_killed(void (*sender)(u64 socket), bool shared)
{
	int pair[2], fd = -1;
	u64 old, new;
	pid_t pid;
	u32 round;

	start();
	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		pid = child_run(sender, pair[1]);
		ASSERT_EQ(read(pair[0], &old, sizeof(old)), sizeof(old));
		if (shared)
			fd = recv_fd(pair[0]);
		pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_UP, TX, old);
		child_kill(pid);
		close(speak(ring, &new));
		expect_succession(old, new);
		pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_DOWN, TX, new);
		pvi_expect_no_event(rx);
		if (shared)
			close(fd);
		close(pair[0]);
		close(pair[1]);
	}
}

static void test_killed(void)
{
	check_killed(host_sender, false);
}

/* What its descriptor is, we have as well: it dies with its address space */
static void test_killed_vm(void)
{
	check_killed(vm_sender, true);
}

/* It rings no more than its predecessor had, and the next one is heard of again */
static void test_silent_successor(void)
{
	u64 old, silent, new;
	int fd;

	start();
	fd = speak(ring, &old);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_UP, TX, old);
	close(fd);
	close(pvi_bind_epoch(TX, &silent));
	fd = speak(ring, &new);
	expect_succession(old, new);
	close(fd);
	pvi_expect_event(rx, KVM_PVI_EVENT_SENDER_DOWN, TX, new);
	pvi_expect_no_event(rx);
}

static const struct test_case cases[] = {
	{ "closed", test_closed },
	{ "closed_connect", test_closed_connect },
	{ "closed_broadcast", test_closed_broadcast },
	{ "killed", test_killed },
	{ "killed_vm", test_killed_vm, 60 },
	{ "silent_successor", test_silent_successor },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
