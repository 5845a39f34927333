// SPDX-License-Identifier: GPL-2.0
/*
 * Grants: permissions that are descriptors. How they travel, how many ports they make, what kills
 * the ports made of them, and that they keep nobody alive.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "pvi_test.h"

#define GSI	20
#define VECTOR	0x40
#define NOTIFY(fd, port) pvi_call(fd, KVM_HC_NOTIFY, port, 0, 0, 0)

static int bind_grants_only(const u8 *uuid)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind), .vm_fd = -1,
		.flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_GRANTS_ONLY,
	};
	int fd = pvi_open();

	memcpy(bind.uuid, uuid, sizeof(bind.uuid));
	pvi_ioctl(fd, KVM_PVI_BIND, &bind);
	return fd;
}

/* A receiver that takes grants alone; @sink is what its GSI signals */
static int receiver_create(int *sink)
{
	int fd = bind_grants_only(pvi_uuid[0]);

	*sink = new_eventfd();
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, GSI, *sink);
	return fd;
}

static int sender_create(void)
{
	return pvi_bind(NULL, pvi_uuid[1]);
}

static int connect_grant(int fd, int grant)
{
	u32 port;

	return __pvi_connect_grant(fd, grant, &port);
}

static void test_ring(void)
{
	int sink, rx = receiver_create(&sink), tx = sender_create();
	int grant = pvi_grant(rx, GSI, 0, NULL);
	u32 port = pvi_connect_grant(tx, grant);

	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_EQ(fcntl(grant, F_GETFD), FD_CLOEXEC);
	ASSERT_EQ(pvi_stats(rx).received.raised, 1);
}

static __guest u64 wait_irq(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	return guest_irq_count(VECTOR);
}

static __guest u64 notify(u64 port)
{
	return guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
}

static void test_guest(void)
{
	struct vm *rx = vm_create(1, 0), *tx = vm_create(1, 0);
	int rx_fd = pvi_bind(rx, pvi_uuid[0]), tx_fd = pvi_bind(tx, pvi_uuid[1]);
	u32 port;

	vm_ioapic_set(rx, GSI, VECTOR, 0, 0);
	pvi_expose(rx_fd, GSI, KVM_PVI_GSI_DIRECT);
	port = pvi_connect_grant(tx_fd, pvi_grant(rx_fd, GSI, 0, NULL));
	vcpu_run_thread(&rx->vcpus[0], wait_irq, 1);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], notify, port), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_join(&rx->vcpus[0]), 1);
	/* The VMM made it: a guest that starts anew finds it, and cannot close it */
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI_DISCONNECT, port, 0, 0, 0), -EPERM);
	ASSERT_EQ(NOTIFY(tx_fd, port), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_PORT, port, KVM_PVI_Q_PORT_GSI, 0),
		  GSI);
}

/* The other VMM is another process, and gets the grant over a socket */
static void test_travels(void)
{
	int sink, rx = receiver_create(&sink), pair[2], status;
	pid_t pid;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		int tx = sender_create();

		close(rx);
		_exit(NOTIFY(tx, pvi_connect_grant(tx, recv_fd(pair[1]))));
	}
	send_fd(pair[0], pvi_grant(rx, GSI, 0, NULL));
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(status, 0);
	ASSERT_EQ(read_eventfd(sink), 1);
}

/* Who knows the name and is allowed by it is refused where grants are asked for */
static void test_grants_only(void)
{
	int sink, rx = receiver_create(&sink), tx = sender_create();
	u32 port;

	pvi_allow(rx, pvi_uuid[1], GSI);
	pvi_allow(rx, pvi_uuid[1], KVM_PVI_GSI_ANY);
	ASSERT_EQ(__pvi_connect(tx, pvi_uuid[0], GSI, &port), -EPERM);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), -EPERM);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_CONNECT, (u64)pvi_uuid[0], GSI, 0, 0), -EPERM);
	port = pvi_connect_grant(tx, pvi_grant(rx, GSI, 0, NULL));
	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_RAISED);
	/* Ports do not make the name good */
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), -EPERM);
}

static void test_uses(void)
{
	struct kvm_pvi_connect taken = { .size = sizeof(taken), .flags = KVM_PVI_CONNECT_GRANT };
	int sink, rx = receiver_create(&sink), tx = sender_create(), other, one, three;
	u32 i, port;

	other = pvi_bind(NULL, pvi_uuid[2]);
	one = pvi_grant(rx, GSI, 0, NULL);
	three = pvi_grant(rx, GSI, 3, NULL);

	port = pvi_connect_grant(tx, one);
	ASSERT_EQ(connect_grant(tx, one), -EPERM);
	ASSERT_EQ(connect_grant(other, one), -EPERM);
	/* Closing a port brings its use not back, a port that was not made took none */
	pvi_close_port(tx, port);
	ASSERT_EQ(connect_grant(tx, one), -EPERM);
	port = pvi_connect_grant(tx, three);
	taken.port = port;
	taken.grant_fd = three;
	for (i = 0; i < 5; i++)
		ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &taken), -EEXIST);
	pvi_connect_grant(tx, three);
	pvi_connect_grant(other, three);
	ASSERT_EQ(connect_grant(other, three), -EPERM);
	ASSERT_EQ(NOTIFY(other, 0), KVM_PVI_RAISED);
	ASSERT_EQ(connect_grant(tx, pvi_grant(rx, GSI, -1, NULL)), 0);
}

static void expect_gone(int rx, int tx, u32 port, u64 id)
{
	ASSERT_EQ(NOTIFY(tx, port), -EPERM);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_QUERY, KVM_PVI_Q_PORT, port, KVM_PVI_Q_PORT_STATE, 0),
		  KVM_PVI_PORT_REVOKED);
	ASSERT_EQ(__pvi_ungrant(rx, id), -ENOENT);
}

static void test_last_close(void)
{
	int sink, rx = receiver_create(&sink), tx = sender_create(), grant, copy;
	u64 id;
	u32 port;

	grant = pvi_grant(rx, GSI, 2, &id);
	copy = dup(grant);
	port = pvi_connect_grant(tx, grant);
	close(grant);
	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_RAISED);
	pvi_connect_grant(tx, copy);
	close(copy);
	expect_gone(rx, tx, port, id);
	ASSERT_EQ(NOTIFY(tx, port + 1), -EPERM);
	ASSERT_EQ(read_eventfd(sink), 1);
}

/* One that lies in a socket is open */
static void test_in_flight(void)
{
	int sink, rx = receiver_create(&sink), tx = sender_create(), pair[2], grant;
	u64 id;
	u32 port;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	grant = pvi_grant(rx, GSI, 0, &id);
	port = pvi_connect_grant(tx, grant);
	send_fd(pair[0], grant);
	close(grant);
	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_RAISED);
	close(pair[0]);
	close(pair[1]);
	ASSERT_TRUE(wait_until(NOTIFY(tx, port) == -EPERM, 5000));
	expect_gone(rx, tx, port, id);
}

static void hold_grant(u64 grant)
{
	ASSERT_EQ(fcntl(grant, F_GETFD), FD_CLOEXEC);
	for (;;)
		pause();
}

static void test_holder_killed(void)
{
	int sink, rx = receiver_create(&sink), tx = sender_create(), grant;
	u64 id;
	u32 port;
	pid_t pid;

	grant = pvi_grant(rx, GSI, 0, &id);
	port = pvi_connect_grant(tx, grant);
	pid = child_run(hold_grant, grant);
	close(grant);
	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_RAISED);
	child_kill(pid);
	ASSERT_TRUE(wait_until(NOTIFY(tx, port) == -EPERM, 5000));
	expect_gone(rx, tx, port, id);
}

static void test_ungrant(void)
{
	int sink, rx = receiver_create(&sink), tx = sender_create(), grant;
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	u64 id, other;
	u32 port, kept;

	pvi_allow(rx, pvi_uuid[1], GSI);
	pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge);
	grant = pvi_grant(rx, GSI, 5, &id);
	port = pvi_connect_grant(tx, grant);
	kept = pvi_connect_grant(tx, pvi_grant(rx, GSI, 0, &other));
	ASSERT_NE(id, other);

	/* Not a row of ALLOW, not somebody else's, not none */
	ASSERT_EQ(__pvi_ungrant(rx, edge.cursor), -ENOENT);
	ASSERT_EQ(__pvi_ungrant(tx, id), -ENOENT);
	ASSERT_EQ(__pvi_ungrant(rx, 0), -ENOENT);
	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_RAISED);
	pvi_ungrant(rx, id);
	expect_gone(rx, tx, port, id);
	ASSERT_EQ(connect_grant(tx, grant), -EPERM);
	ASSERT_EQ(NOTIFY(tx, kept), KVM_PVI_RAISED);
	close(grant);
	ASSERT_EQ(NOTIFY(tx, kept), KVM_PVI_RAISED);
	/* For ever: EPERM, when the receiver is dead too */
	close(rx);
	ASSERT_EQ(NOTIFY(tx, port), -EPERM);
	ASSERT_EQ(NOTIFY(tx, kept), -ENXIO);
}

/* Neither the port nor the descriptor reach the successor of that name */
static void test_receiver_dies(void)
{
	int sink, rx = receiver_create(&sink), tx = sender_create(), grant;
	u32 port;

	grant = pvi_grant(rx, GSI, 5, NULL);
	port = pvi_connect_grant(tx, grant);
	close(rx);
	ASSERT_EQ(NOTIFY(tx, port), -ENXIO);
	ASSERT_EQ(connect_grant(tx, grant), -EPERM);
	rx = receiver_create(&sink);
	ASSERT_EQ(NOTIFY(tx, port), -ENXIO);
	ASSERT_EQ(connect_grant(tx, grant), -EPERM);
	close(grant);
	ASSERT_EQ(NOTIFY(tx, port), -ENXIO);
	ASSERT_EQ(read_eventfd(sink), 0);
}

/* What a receiver granted to itself and sent around does not keep it */
static void test_no_circle(void)
{
	int sink, pair[2], rx = receiver_create(&sink), tx = sender_create();
	u32 port;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	port = pvi_connect_grant(tx, pvi_grant(rx, GSI, 2, NULL));
	send_fd(pair[0], pvi_grant(rx, GSI, 2, NULL));
	close(rx);
	ASSERT_EQ(NOTIFY(tx, port), -ENXIO);
	rx = receiver_create(&sink);

	/* The endpoint, its grant and both ends of the socket lie in that socket: collected */
	send_fd(pair[0], rx);
	send_fd(pair[0], pvi_grant(rx, GSI, 2, NULL));
	send_fd(pair[0], pair[0]);
	send_fd(pair[0], pair[1]);
	close(rx);
	close(pair[0]);
	close(pair[1]);
	/* The collector runs when another socket closes */
	ASSERT_TRUE(wait_until(({
		int other[2], fd = pvi_open(), ret;

		ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
		close(other[0]);
		close(other[1]);
		ret = __pvi_bind(fd, NULL, pvi_uuid[0]);
		close(fd);
		!ret;
	}), 10000));
}

/* Before the GSI is exposed a grant waits; when it goes, its ports are refused until it is back */
static void test_exposure(void)
{
	int rx = bind_grants_only(pvi_uuid[0]), tx = sender_create();
	int grant = pvi_grant(rx, GSI, 0, NULL);
	u32 port;

	ASSERT_EQ(connect_grant(tx, grant), -EPERM);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	port = pvi_connect_grant(tx, grant);
	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_LATCHED);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, GSI);
	ASSERT_EQ(NOTIFY(tx, port), -EPERM);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_LATCHED);
}

/* One bucket for all ports of a grant, whoever has made them */
static void test_rate(void)
{
	int sink, rx = receiver_create(&sink), tx = sender_create(), accepted = 0, i;
	struct kvm_pvi_grant grant = {
		.size = sizeof(grant), .gsi = GSI, .uses = 2, .rate = 1, .burst = 200
	};
	int other = pvi_bind(NULL, pvi_uuid[2]);
	u32 ports[2];

	pvi_ioctl(rx, KVM_PVI_GRANT, &grant);
	ports[0] = pvi_connect_grant(tx, grant.fd);
	ports[1] = pvi_connect_grant(other, grant.fd);
	for (i = 0; i < 200; i++)
		accepted += !NOTIFY(i & 1 ? tx : other, ports[!(i & 1)]);
	ASSERT_EQ(accepted, 200);
	while (NOTIFY(tx, ports[0]) != -EAGAIN)
		accepted++;
	ASSERT_LE(accepted, 230);
	ASSERT_EQ(read_eventfd(sink), accepted);
}

static void test_owner(void)
{
	struct kvm_pvi_connect connect = {
		.size = sizeof(connect), .port = KVM_PVI_PORT_ANY,
		.flags = KVM_PVI_CONNECT_GRANT | KVM_PVI_CONNECT_OWNER,
	};
	int sink, rx = receiver_create(&sink), tx = sender_create();

	connect.grant_fd = pvi_grant(rx, GSI, 0, NULL);
	connect.owner = geteuid() + 1;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &connect), -EPERM);
	connect.owner = geteuid();
	pvi_ioctl(tx, KVM_PVI_CONNECT, &connect);
	ASSERT_EQ(NOTIFY(tx, connect.port), KVM_PVI_RAISED);
}

/* Bits of a bell: those and no others, by a bell's call and no other */
static void test_bell(void)
{
	struct kvm_pvi_grant grant = { .size = sizeof(grant), .flags = KVM_PVI_GRANT_BELL,
				       .gsi = 3, .bits = 0xf0, .uses = 2 };
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	int sink, rx = receiver_create(&sink), tx = sender_create();
	int plain = pvi_grant(rx, GSI, 2, NULL);
	u32 port, plain_port;
	u64 old;

	plain_port = pvi_connect_grant(tx, plain);
	pvi_ioctl(rx, KVM_PVI_GRANT, &grant);
	ASSERT_EQ(connect_grant(tx, grant.fd), -EPERM);
	pvi_bell(rx, 3, GSI);
	port = pvi_connect_grant(tx, grant.fd);
	ASSERT_EQ(pvi_call_rbx(tx, KVM_HC_BELL_SEND, port, 0x30, 0, 0, &old), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_call_rbx(tx, KVM_HC_BELL_SEND, port, 0x10, 0, 0, &old), KVM_PVI_COALESCED);
	ASSERT_EQ(old, 0x30);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, port, 0x11, 0, 0), -EPERM);
	ASSERT_EQ(NOTIFY(tx, port), -EINVAL);
	/* The GSI is the bell's from now on */
	ASSERT_EQ(NOTIFY(tx, plain_port), -EINVAL);
	ASSERT_EQ(connect_grant(tx, plain), -EPERM);

	edge.cursor = grant.id - 1;
	pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge);
	ASSERT_EQ(edge.kind, KVM_PVI_EDGE_GRANT);
	ASSERT_EQ(edge.gsi, 3);
	close(grant.fd);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, port, 0x10, 0, 0), -EPERM);
	ASSERT_EQ(pvi_call_rbx(rx, KVM_HC_BELL_RECEIVE, 3, ~0ULL, 0, 0, &old), 0);
	ASSERT_EQ(old, 0x30);
}

static void test_edges(void)
{
	int sink, rx = receiver_create(&sink), tx = sender_create();
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	static const u8 nil[KVM_PVI_UUID_SIZE];
	u64 id;
	u32 port;

	pvi_allow(rx, pvi_uuid[1], GSI);
	port = pvi_connect_grant(tx, pvi_grant(rx, GSI, 0, &id));
	NOTIFY(tx, port);
	NOTIFY(tx, port);
	pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge);
	ASSERT_EQ(edge.kind, KVM_PVI_EDGE_GSI);
	pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge);
	ASSERT_EQ(edge.kind, KVM_PVI_EDGE_GRANT);
	ASSERT_EQ(edge.cursor, id);
	ASSERT_EQ(edge.gsi, GSI);
	ASSERT_TRUE(!memcmp(edge.uuid, nil, sizeof(nil)));
	ASSERT_EQ(edge.counts.raised, 2);
	ASSERT_EQ(__pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge), -ENOENT);
	/* The nil name revokes no grant */
	ASSERT_EQ(__pvi_revoke(rx, nil, GSI), -EINVAL);
	pvi_revoke(rx, pvi_uuid[1], GSI);
	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_RAISED);
	pvi_ungrant(rx, id);
	edge.cursor = 0;
	ASSERT_EQ(__pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge), -ENOENT);
}

static void expect_grant(int fd, struct kvm_pvi_grant grant, int expected)
{
	grant.size = sizeof(grant);
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_GRANT, &grant), expected);
}

static void test_errors(void)
{
	int sink, rx = receiver_create(&sink), tx = sender_create();
	struct kvm_pvi_connect connect = {
		.size = sizeof(connect), .port = KVM_PVI_PORT_ANY, .flags = KVM_PVI_CONNECT_GRANT,
	};

	expect_grant(rx, (struct kvm_pvi_grant){ .gsi = KVM_PVI_GSI_MAX }, -EINVAL);
	expect_grant(rx, (struct kvm_pvi_grant){ .gsi = KVM_PVI_GSI_VIRTUAL_END }, -EINVAL);
	expect_grant(rx, (struct kvm_pvi_grant){ .gsi = KVM_PVI_GSI_ANY }, -EINVAL);
	expect_grant(rx, (struct kvm_pvi_grant){ .gsi = GSI, .bits = 1 }, -EINVAL);
	expect_grant(rx, (struct kvm_pvi_grant){ .gsi = GSI, .rate = 1 }, -EINVAL);
	expect_grant(rx, (struct kvm_pvi_grant){ .gsi = GSI, .burst = 1 }, -EINVAL);
	expect_grant(rx, (struct kvm_pvi_grant){ .gsi = GSI, .__reserved = 1 }, -EINVAL);
	expect_grant(rx, (struct kvm_pvi_grant){ .gsi = GSI, .flags = 2 }, -EINVAL);
	expect_grant(rx, (struct kvm_pvi_grant){ .gsi = GSI, .flags = KVM_PVI_GRANT_BELL },
		     -EINVAL);
	expect_grant(rx, (struct kvm_pvi_grant){ .gsi = read_param("kvm_pvi", "max_bells"),
						 .bits = 1, .flags = KVM_PVI_GRANT_BELL }, -EINVAL);

	connect.grant_fd = -1;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &connect), -EBADF);
	connect.grant_fd = sink;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &connect), -EINVAL);
	connect.grant_fd = rx;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &connect), -EINVAL);
	connect.grant_fd = pvi_grant(rx, GSI, 0, NULL);
	connect.gsi = GSI;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &connect), -EINVAL);
	connect.gsi = 0;
	connect.uuid[3] = 1;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &connect), -EINVAL);
	connect.uuid[3] = 0;
	connect.owner = 1;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &connect), -EINVAL);
	connect.owner = 0;
	connect.port = 0xfffffffe;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &connect), -EINVAL);
	/* None of them has used it */
	connect.port = KVM_PVI_PORT_ANY;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &connect), 0);
	/* A grant is no endpoint */
	ASSERT_EQ(__pvi_ioctl(connect.grant_fd, KVM_PVI_GET_STATS, &connect), -ENOTTY);
}

/* A grant without a descriptor is none */
static void test_no_descriptor_left(void)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	struct rlimit limit = { 0, 0 };
	int sink, rx = receiver_create(&sink), grant;

	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ASSERT_EQ(__pvi_grant(rx, GSI, 0, &grant, NULL), -EMFILE);
	ASSERT_EQ(__pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge), -ENOENT);
}

static bool stop;

static void *ring_often(void *arg)
{
	int tx = *(int *)arg;
	u32 i;

	for (i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++)
		NOTIFY(tx, i % 8);
	return NULL;
}

static void *use_often(void *arg)
{
	int *fds = arg, i, grant;
	u64 id;
	u32 port;

	for (i = 0; i < 300; i++) {
		if (__pvi_grant(fds[1], GSI, 1, &grant, &id))
			continue;
		if (!__pvi_connect_grant(fds[0], grant, &port)) {
			NOTIFY(fds[0], port);
			if (i % 3)
				pvi_close_port(fds[0], port);
		}
		if (i % 2)
			__pvi_ungrant(fds[1], id);
		close(grant);
	}
	return NULL;
}

/* Granted, used, revoked, closed and died of while rung */
static void test_race(void)
{
	pthread_t threads[3];
	int i, sink, fds[2] = { sender_create(), receiver_create(&sink) };

	ASSERT_EQ(pthread_create(&threads[0], NULL, ring_often, fds), 0);
	for (i = 1; i < 3; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, use_often, fds), 0);
	ASSERT_TRUE(wait_until(read_eventfd(sink), 10000));
	pvi_gsi(fds[1], KVM_PVI_UNEXPOSE, GSI);
	pvi_expose(fds[1], GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(pthread_join(threads[1], NULL), 0);
	close(fds[1]);
	ASSERT_EQ(pthread_join(threads[2], NULL), 0);
	stop = true;
	ASSERT_EQ(pthread_join(threads[0], NULL), 0);
}

#define TAKEN	4095	/* a port: with a table that long GET_STATE holds the lock for a while */
#define ROUNDS	(test_long() ? 100 : 40)

static int busy_grant, busy_fd;
static bool busy_done;

/* Connections that fail for a reason of their own, and wait for their endpoint's lock before */
static void *fail_to_connect(void *arg)
{
	struct kvm_pvi_connect connect = {
		.size = sizeof(connect), .flags = KVM_PVI_CONNECT_GRANT, .port = TAKEN,
	};

	while (!READ_ONCE(busy_done)) {
		connect.grant_fd = READ_ONCE(busy_grant);
		ASSERT_NE(__pvi_ioctl(busy_fd, KVM_PVI_CONNECT, &connect), 0);
	}
	return arg;
}

static void *hold_lock(void *arg)
{
	struct kvm_pvi_state state;

	while (!READ_ONCE(busy_done)) {
		state = (struct kvm_pvi_state){ .size = sizeof(state) };
		pvi_ioctl(busy_fd, KVM_PVI_GET_STATE, &state);
	}
	return arg;
}

/* Who fails takes no use, not even for a moment in which somebody else asks for the last one */
static void test_failing_takes_none(void)
{
	struct kvm_pvi_port taken = { .size = sizeof(taken), .port = TAKEN, .fd = new_eventfd() };
	int sink, rx = receiver_create(&sink), tx = sender_create(), i, grant, ret = 0;
	pthread_t threads[2];

	busy_fd = pvi_bind(NULL, pvi_uuid[2]);
	pvi_ioctl(busy_fd, KVM_PVI_SET_PORT, &taken);
	busy_grant = pvi_grant(rx, GSI, 1, NULL);
	ASSERT_EQ(pthread_create(&threads[0], NULL, fail_to_connect, NULL), 0);
	ASSERT_EQ(pthread_create(&threads[1], NULL, hold_lock, NULL), 0);
	for (i = 0; i < ROUNDS && !ret; i++) {
		grant = pvi_grant(rx, GSI, 1, NULL);
		WRITE_ONCE(busy_grant, grant);
		usleep(1000);
		ret = connect_grant(tx, grant);
	}
	WRITE_ONCE(busy_done, true);
	ASSERT_EQ(pthread_join(threads[0], NULL), 0);
	ASSERT_EQ(pthread_join(threads[1], NULL), 0);
	ASSERT_EQ(ret, 0);
}

static const struct test_case cases[] = {
	{ "ring", test_ring },
	{ "guest", test_guest },
	{ "travels", test_travels },
	{ "grants_only", test_grants_only },
	{ "uses", test_uses },
	{ "failing_takes_none", test_failing_takes_none },
	{ "last_close", test_last_close },
	{ "in_flight", test_in_flight },
	{ "holder_killed", test_holder_killed },
	{ "ungrant", test_ungrant },
	{ "receiver_dies", test_receiver_dies },
	{ "no_circle", test_no_circle },
	{ "exposure", test_exposure },
	{ "rate", test_rate },
	{ "owner", test_owner },
	{ "bell", test_bell },
	{ "edges", test_edges },
	{ "errors", test_errors },
	{ "no_descriptor_left", test_no_descriptor_left },
	{ "race", test_race },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
