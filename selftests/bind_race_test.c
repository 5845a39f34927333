// SPDX-License-Identifier: GPL-2.0
/*
 * A BIND that takes its time, for the VM's process keeps it waiting, and one that fails: until
 * it has succeeded nobody has seen the endpoint, and whoever waits can be killed.
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "delay.h"
#include "pvi_test.h"

#define RX	pvi_uuid[0]	/* is bound to the VM of another process */
#define PEER	pvi_uuid[1]	/* rings it, and may be rung by it */
#define OTHER	pvi_uuid[2]
#define GSI	20
#define ROOM_GPA 0x80000000UL	/* of the guest's, for PEERS */

/* What the other process is asked for, and answers with RAX */
struct request {
	u64 nr, args[3];
};

/*
 * @pid: of the other process
 * @socket: takes requests
 * @vm_fd: its VM
 * @room: a userfaultfd: readable once somebody writes to ROOM_GPA, and kept waiting there
 */
static struct {
	pid_t pid;
	int socket, vm_fd, room;
} owner;

static int peer_fd;

/* Filled in by the other process for its guest */
static struct request request;

static __guest u64 guest_call(u64 arg)
{
	(void)arg;
	return guest_hypercall(request.nr, request.args[0], request.args[1], request.args[2], 0);
}

/* All it needs for a guest's call is in memory before the first request */
static void own_vm(u64 socket)
{
	struct vm *vm = vm_create(1, 0);
	int uffd;
	u64 rax;

	request.nr = KVM_HC_PVI_FEATURES;
	rax = vcpu_call(&vm->vcpus[0], guest_call, 0);
	ASSERT_EQ(rax, -KVM_ENOSYS);
	ASSERT_EQ(mlockall(MCL_CURRENT), 0);
	vm_map_mem(vm, ROOM_GPA, uffd_memory(PAGE_SIZE, &uffd), PAGE_SIZE, 0);
	send_fd(socket, vm->fd);
	send_fd(socket, uffd);
	close(uffd);
	while (read(socket, &request, sizeof(request)) == sizeof(request)) {
		rax = vcpu_call(&vm->vcpus[0], guest_call, 0);
		ASSERT_EQ(write(socket, &rax, sizeof(rax)), sizeof(rax));
	}
}

static void start(void)
{
	int pair[2];

	delay_load();
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	owner.pid = child_run(own_vm, pair[1]);
	close(pair[1]);
	owner.socket = pair[0];
	owner.vm_fd = recv_fd(owner.socket);
	owner.room = recv_fd(owner.socket);
	/* Hypercalls are intercepted from here on */
	peer_fd = pvi_bind(NULL, PEER);
	pvi_expose(peer_fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(peer_fd, RX, GSI);
}

static void ask(u64 nr, u64 a, u64 b, u64 c)
{
	struct request req = { nr, { a, b, c } };

	ASSERT_EQ(write(owner.socket, &req, sizeof(req)), sizeof(req));
}

static s64 answer(void)
{
	u64 rax;

	ASSERT_EQ(read(owner.socket, &rax, sizeof(rax)), sizeof(rax));
	return rax;
}

static s64 guest(u64 nr, u64 a, u64 b, u64 c)
{
	ask(nr, a, b, c);
	return answer();
}

static struct kvm_pvi_bind bind_args(const u8 *uuid)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind), .vm_fd = owner.vm_fd };

	memcpy(bind.uuid, uuid, sizeof(bind.uuid));
	return bind;
}

static int bind_now(int fd, const u8 *uuid)
{
	struct kvm_pvi_bind bind = bind_args(uuid);

	return __pvi_ioctl(fd, KVM_PVI_BIND, &bind);
}

/* A BIND that waits for the other process */
static void bind_start(struct ioctl_call *call, struct kvm_pvi_bind *bind)
{
	*bind = bind_args(RX);
	*call = (struct ioctl_call){ .fd = pvi_open(), .cmd = KVM_PVI_BIND, .arg = bind };
	delay_begin(DELAY_MMAP_LOCK, owner.pid);
	ASSERT_TRUE(ioctl_start(call));
}

/* For root */
static bool is_listed(void)
{
	struct kvm_pvi_list_endpoint r[8];
	struct kvm_pvi_list u = {
		.size = sizeof(u), .kind = KVM_PVI_LIST_ENDPOINTS, .record = sizeof(r[0]),
		.address = (u64)r, .nr = ARRAY_SIZE(r),
	};
	u32 i;

	pvi_ioctl(peer_fd, KVM_PVI_LIST, &u);
	for (i = 0; i < u.nr; i++)
		if (!memcmp(r[i].uuid, RX, KVM_PVI_UUID_SIZE))
			return true;
	return false;
}

static void expect_not_served(int fd)
{
	struct kvm_pvi_call call = { .size = sizeof(call), .nr = KVM_HC_PVI_FEATURES };

	ASSERT_EQ(guest(KVM_HC_PVI_FEATURES, 0, 0, 0), -KVM_ENOSYS);
	ASSERT_EQ(guest(KVM_HC_PVI, (u64)PEER, GSI, 0), -KVM_ENOSYS);
	ASSERT_EQ(guest(KVM_HC_PVI_CONNECT, (u64)PEER, GSI, 0), -KVM_ENOSYS);
	ASSERT_EQ(pvi_stats(peer_fd).received.latched, 0);
	pvi_expect_no_event(peer_fd);
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_CALL, &call), -ENOTCONN);
	ASSERT_EQ(__pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD), -ENOTCONN);
	ASSERT_TRUE(!is_listed());
}

/* All at once */
static void expect_served(int fd)
{
	ASSERT_GT(guest(KVM_HC_PVI_FEATURES, 0, 0, 0), 0);
	ASSERT_EQ(guest(KVM_HC_PVI, (u64)PEER, GSI, 0), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_drop_events(peer_fd), 1);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_TRUE(is_listed());
}

static void test_unseen(void)
{
	struct kvm_pvi_bind bind;
	struct ioctl_call call;

	start();
	bind_start(&call, &bind);
	expect_not_served(call.fd);
	ASSERT_TRUE(!ioctl_returns(&call, 0));
	delay_end(DELAY_MMAP_LOCK);
	ASSERT_EQ(ioctl_join(&call), 0);
	ASSERT_NE(bind.epoch, 0);
	expect_served(call.fd);
}

/* Then it is as if there had been no BIND */
static void test_interrupted(void)
{
	struct kvm_pvi_bind bind;
	struct ioctl_call call;
	int other;

	start();
	bind_start(&call, &bind);
	ioctl_interrupt(&call);
	delay_end(DELAY_MMAP_LOCK);
	ASSERT_EQ(ioctl_join(&call), -EINTR);
	expect_not_served(call.fd);

	other = pvi_bind(NULL, RX);
	ASSERT_EQ(bind_now(call.fd, RX), -EEXIST);
	ASSERT_EQ(bind_now(call.fd, OTHER), 0);
	close(call.fd);
	close(other);
	call.fd = pvi_open();
	ASSERT_EQ(bind_now(call.fd, RX), 0);
	expect_served(call.fd);
}

/* A call of the guest that sleeps in its own memory, while the BIND fails */
static void check_sleeping_call(u64 nr, u64 a, u64 b)
{
	struct kvm_pvi_bind bind;
	struct ioctl_call call;

	start();
	bind_start(&call, &bind);
	ask(nr, a, b, 0);
	ASSERT_TRUE(wait_until(wait_readable(owner.socket, 0) ||
			       sleeps_in_ioctl(owner.pid, KVM_RUN), 10000));
	ioctl_interrupt(&call);
	delay_end(DELAY_MMAP_LOCK);
	ASSERT_EQ(ioctl_join(&call), -EINTR);
	ASSERT_TRUE(wait_until(wait_readable(owner.socket, 0) || wait_readable(owner.room, 0),
			       10000));
	close(owner.room);
	ASSERT_EQ(answer(), -KVM_ENOSYS);
	ASSERT_EQ(bind_now(call.fd, RX), 0);
}

static void test_interrupted_connect(void)
{
	check_sleeping_call(KVM_HC_PVI_CONNECT, ROOM_GPA, GSI);
}

static void test_interrupted_peers(void)
{
	check_sleeping_call(KVM_HC_PVI_PEERS, ROOM_GPA, 4 * sizeof(struct kvm_pvi_peer));
}

static void bind_in_child(u64 fd)
{
	bind_now(fd, RX);
}

/* Whoever is killed goes, however long the other process takes */
static void test_killed(void)
{
	int fd, status;
	pid_t pid;

	start();
	fd = pvi_open();
	delay_begin(DELAY_MMAP_LOCK, owner.pid);
	pid = child_run(bind_in_child, fd);
	ASSERT_TRUE(wait_until(sleeps_in_ioctl(pid, KVM_PVI_BIND), 5000));
	ASSERT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid, 15000));
	delay_end(DELAY_MMAP_LOCK);
	expect_not_served(fd);
	ASSERT_EQ(bind_now(fd, RX), 0);
	expect_served(fd);
}

/* It keeps no name while it waits, and comes too late for one that somebody else has got */
static void test_others(void)
{
	struct kvm_pvi_bind bind;
	struct ioctl_call call;
	int third;

	start();
	third = pvi_open();
	bind_start(&call, &bind);
	ASSERT_EQ(bind_now(call.fd, OTHER), -EBUSY);
	ASSERT_EQ(__pvi_bind(third, NULL, RX), 0);
	delay_end(DELAY_MMAP_LOCK);
	ASSERT_EQ(ioctl_join(&call), -EEXIST);
	ASSERT_EQ(bind_now(call.fd, RX), -EEXIST);
	close(third);
	ASSERT_EQ(bind_now(call.fd, RX), 0);
	expect_served(call.fd);
}

/* Of two that wait for one VM's process one gets it, whoever that is */
static void test_two(void)
{
	struct ioctl_call one, two;
	struct kvm_pvi_bind bind, second = { 0 };
	int ret;

	start();
	bind_start(&one, &bind);
	second = bind_args(OTHER);
	two = (struct ioctl_call){ .fd = pvi_open(), .cmd = KVM_PVI_BIND, .arg = &second };
	ASSERT_TRUE(ioctl_start(&two));
	delay_end(DELAY_MMAP_LOCK);
	ret = ioctl_join(&one);
	ASSERT_EQ(ioctl_join(&two), ret ? 0 : -EEXIST);
	ASSERT_TRUE(!ret || ret == -EEXIST);
	close(ret ? one.fd : two.fd);
	ASSERT_EQ(__pvi_bind(pvi_open(), NULL, ret ? RX : OTHER), 0);
}

/* Whom a name is kept for meanwhile gets it, though somebody else's BIND has begun before */
static void test_reserved(void)
{
	struct kvm_pvi_reserve arg = { .size = sizeof(arg), .uid = 4711 };
	struct kvm_pvi_bind bind;
	struct ioctl_call call;

	start();
	bind_start(&call, &bind);
	memcpy(arg.uuid, RX, sizeof(arg.uuid));
	ASSERT_EQ(__pvi_ioctl(peer_fd, KVM_PVI_RESERVE, &arg), 0);
	delay_end(DELAY_MMAP_LOCK);
	ASSERT_EQ(ioctl_join(&call), -EACCES);
	expect_not_served(call.fd);
	arg.uid = 0;
	ASSERT_EQ(__pvi_ioctl(peer_fd, KVM_PVI_UNRESERVE, &arg), 0);
	ASSERT_EQ(bind_now(call.fd, RX), 0);
	expect_served(call.fd);
}

/* Nobody else has the endpoint any more: it ends with the BIND */
static void test_closed(void)
{
	struct kvm_pvi_bind bind;
	struct ioctl_call call;
	int fd;

	start();
	bind_start(&call, &bind);
	close(call.fd);
	delay_end(DELAY_MMAP_LOCK);
	ASSERT_EQ(ioctl_join(&call), 0);
	fd = pvi_open();
	ASSERT_EQ(bind_now(fd, RX), 0);
	ASSERT_NE(bind.epoch, 0);
	expect_served(fd);
}

/* The VM dies as soon as it is bound */
static void test_owner_killed(void)
{
	struct kvm_pvi_bind bind;
	struct ioctl_call call;
	struct pollfd pfd;

	start();
	bind_start(&call, &bind);
	ASSERT_EQ(kill(owner.pid, SIGKILL), 0);
	delay_end(DELAY_MMAP_LOCK);
	ASSERT_EQ(ioctl_join(&call), 0);
	pfd.fd = call.fd;
	ASSERT_TRUE(wait_until(poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP), 10000));
	ASSERT_EQ(__pvi_expose(call.fd, GSI, KVM_PVI_GSI_EVENTFD), -ENODEV);
	pvi_expect_no_event(peer_fd);
	pvi_bind(NULL, RX);
}

static const struct test_case cases[] = {
	{ "unseen", test_unseen, 60 },
	{ "interrupted", test_interrupted, 60 },
	{ "interrupted_connect", test_interrupted_connect, 60 },
	{ "others", test_others, 60 },
	{ "two", test_two, 60 },
	{ "reserved", test_reserved, 60 },
	{ "closed", test_closed, 60 },
	{ "owner_killed", test_owner_killed, 60 },
	{ "killed", test_killed, 60 },
	{ "interrupted_peers", test_interrupted_peers, 60 },
};

int main(int argc, char **argv)
{
	int ret = test_main(argc, argv, cases, ARRAY_SIZE(cases),
			    TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);

	delay_unload();
	return ret;
}
