// SPDX-License-Identifier: GPL-2.0
/*
 * SET_PORT and CLOSE_PORT: numbers, limits, what RESET and DISCONNECT leave to the VMM, and a port
 * that a guest rings while it is taken away. Connections are connect_test's.
 */
#include "pvi_test.h"

#define GSI	5
#define VECTOR	0x40
#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]

static int set_port_at(int fd, int eventfd, u32 port)
{
	struct kvm_pvi_port arg = { .size = sizeof(arg), .port = port, .fd = eventfd };
	int ret = __pvi_ioctl(fd, KVM_PVI_SET_PORT, &arg);

	ASSERT_EQ(arg.port, port);
	return ret;
}

static s64 notify(int fd, u64 port)
{
	return pvi_call(fd, KVM_HC_NOTIFY, port, 0, 0, 0);
}

static s64 guest_connect(int fd)
{
	return pvi_call(fd, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0, 0);
}

static s64 query(int fd, u32 port, u32 field)
{
	return pvi_call(fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_PORT, port, field, 0);
}

static int receiver(void)
{
	int fd = pvi_bind(NULL, RX);

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, GSI, new_eventfd());
	pvi_allow(fd, TX, GSI);
	return fd;
}

static void test_arguments(void)
{
	u64 max = read_param("kvm_pvi", "max_ports");
	int fd = pvi_bind(NULL, TX), efd = new_eventfd(), closed = new_eventfd();

	close(closed);
	ASSERT_EQ(set_port_at(fd, -1, 0), -EBADF);
	ASSERT_EQ(set_port_at(fd, closed, 0), -EBADF);
	ASSERT_EQ(set_port_at(fd, fd, 0), -EINVAL);
	ASSERT_EQ(set_port_at(fd, kvm_dev_fd(), 0), -EINVAL);
	ASSERT_EQ(set_port_at(fd, efd, max), -EINVAL);
	ASSERT_EQ(set_port_at(fd, efd, KVM_PVI_PORT_ANY - 1), -EINVAL);
	ASSERT_EQ(notify(fd, 0), -ENOENT);

	ASSERT_EQ(set_port_at(fd, efd, 0), 0);
	ASSERT_EQ(set_port_at(fd, efd, max - 1), 0);
	ASSERT_EQ(set_port_at(fd, efd, 0), -EEXIST);
	ASSERT_EQ(notify(fd, 0), KVM_PVI_RAISED);
	ASSERT_EQ(notify(fd, max - 1), KVM_PVI_RAISED);
	ASSERT_EQ(notify(fd, max), -ENOENT);
	ASSERT_EQ(notify(fd, 1), -ENOENT);
	ASSERT_EQ(notify(fd, 1ULL << 32), -ENOENT);
	ASSERT_EQ(notify(fd, ~0ULL), -ENOENT);
	ASSERT_EQ(read_eventfd(efd), 2);

	ASSERT_EQ(__pvi_close_port(fd, 1), -ENOENT);
	ASSERT_EQ(__pvi_close_port(fd, KVM_PVI_PORT_ANY), -ENOENT);
	pvi_close_port(fd, 0);
	ASSERT_EQ(__pvi_close_port(fd, 0), -ENOENT);
	ASSERT_EQ(notify(fd, 0), -ENOENT);
}

/* PORT_ANY is the lowest free, of eventfds and connections together */
static void test_lowest(void)
{
	int fd = pvi_bind(NULL, TX), efd = new_eventfd();
	s64 port;
	u32 i;

	receiver();
	ASSERT_EQ(set_port_at(fd, efd, 2), 0);
	ASSERT_EQ(pvi_set_port(fd, efd), 0);
	ASSERT_EQ(pvi_connect(fd, RX, GSI), 1);
	port = guest_connect(fd);
	ASSERT_EQ(pvi_index(port), 3);
	ASSERT_EQ(pvi_set_port(fd, efd), 4);
	pvi_close_port(fd, 1);
	ASSERT_EQ(__pvi_close_port(fd, 3), -ENOENT);
	pvi_close_port(fd, port);
	ASSERT_EQ(pvi_index(guest_connect(fd)), 1);
	ASSERT_EQ(pvi_set_port(fd, efd), 3);
	for (i = 5; i < 200; i++)
		ASSERT_EQ(pvi_set_port(fd, efd), i);
}

/* What is there when the limit is lowered goes on */
static void test_max_ports(void)
{
	u64 usual = read_param("kvm_pvi", "max_ports");
	int fd = pvi_bind(NULL, TX), efd = new_eventfd(), any, at, connect, rung;
	s64 guest, limit;
	u32 port;

	receiver();
	ASSERT_EQ(set_port_at(fd, efd, 7), 0);
	write_param("kvm_pvi", "max_ports", 2);
	limit = pvi_call(fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_LIMIT, 0, KVM_PVI_Q_LIMIT_PORTS, 0);
	pvi_set_port(fd, efd);
	pvi_set_port(fd, efd);
	any = __pvi_set_port(fd, efd, &port);
	at = set_port_at(fd, efd, 2);
	connect = __pvi_connect(fd, RX, GSI, &port);
	guest = guest_connect(fd);
	rung = notify(fd, 7);
	write_param("kvm_pvi", "max_ports", usual);
	ASSERT_EQ(limit, 2);
	ASSERT_EQ(any, -ENOSPC);
	ASSERT_EQ(at, -EINVAL);
	ASSERT_EQ(connect, -ENOSPC);
	ASSERT_EQ(guest, -ENOSPC);
	ASSERT_EQ(rung, KVM_PVI_RAISED);
	ASSERT_EQ(__write_param("kvm_pvi", "max_ports", "0"), -EINVAL);
	ASSERT_EQ(__write_param("kvm_pvi", "max_ports", "65537"), -EINVAL);
}

/* Ports belong to their endpoint; one eventfd may stand behind several */
static void test_own_ports(void)
{
	int fd = pvi_bind(NULL, TX), other = pvi_bind(NULL, pvi_uuid[2]), efd = new_eventfd();
	u32 i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(notify(fd, pvi_set_port(fd, efd)), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 3);
	ASSERT_EQ(notify(other, 0), -ENOENT);
	ASSERT_EQ(__pvi_close_port(other, 0), -ENOENT);
	pvi_close_port(fd, 1);
	ASSERT_EQ(notify(fd, 2), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_stats(fd).sent.raised, 4);
}

/* A guest that resets or disconnects does not touch what its VMM made */
static void test_reset(void)
{
	int fd = pvi_bind(NULL, TX), efd = new_eventfd();
	s64 port;
	u32 i;

	receiver();
	ASSERT_EQ(pvi_set_port(fd, efd), 0);
	ASSERT_EQ(pvi_connect(fd, RX, GSI), 1);
	for (i = 0; i < 3; i++) {
		port = guest_connect(fd);
		ASSERT_EQ(pvi_index(port), 2);
		ASSERT_EQ(guest_connect(fd), port + 1);
		ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_DISCONNECT, 0, 0, 0, 0), -EPERM);
		ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_DISCONNECT, 1, 0, 0, 0), -EPERM);
		ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
		ASSERT_EQ(notify(fd, 0), KVM_PVI_RAISED);
		ASSERT_EQ(notify(fd, 1), KVM_PVI_RAISED);
		ASSERT_EQ(notify(fd, port), -ENOENT);
		ASSERT_EQ(notify(fd, port + 1), -ENOENT);
	}
}

static void test_states(void)
{
	int fd = pvi_bind(NULL, TX), rx = receiver();

	ASSERT_EQ(query(fd, 0, KVM_PVI_Q_PORT_STATE), -ENOENT);
	ASSERT_EQ(pvi_set_port(fd, new_eventfd()), 0);
	ASSERT_EQ(pvi_connect(fd, RX, GSI), 1);
	pvi_allow(rx, TX, KVM_PVI_GSI_ANY);
	pvi_revoke(rx, TX, GSI);
	ASSERT_EQ(pvi_connect(fd, RX, GSI), 2);
	ASSERT_EQ(query(fd, 0, KVM_PVI_Q_PORT_STATE), KVM_PVI_PORT_EVENTFD);
	ASSERT_EQ(query(fd, 0, KVM_PVI_Q_PORT_GSI), -ENOENT);
	ASSERT_EQ(query(fd, 1, KVM_PVI_Q_PORT_STATE), KVM_PVI_PORT_REVOKED);
	ASSERT_EQ(query(fd, 2, KVM_PVI_Q_PORT_STATE), KVM_PVI_PORT_LIVE);
	ASSERT_EQ(query(fd, 2, KVM_PVI_Q_PORT_GSI), GSI);
	close(rx);
	ASSERT_TRUE(wait_until(query(fd, 2, KVM_PVI_Q_PORT_STATE) == KVM_PVI_PORT_DEAD, 5000));
	ASSERT_EQ(query(fd, 1, KVM_PVI_Q_PORT_STATE), KVM_PVI_PORT_REVOKED);
	ASSERT_EQ(query(fd, 0, KVM_PVI_Q_PORT_STATE), KVM_PVI_PORT_EVENTFD);
	ASSERT_EQ(notify(fd, 0), KVM_PVI_RAISED);
}

static __guest u64 guest_wait(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	return guest_irq_count(VECTOR);
}

static __guest u64 guest_notify(u64 port)
{
	return guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
}

/* HC_NOTIFY as it was in 2009: the eventfd behind the port is another VM's irqfd */
static void test_irqfd(void)
{
	struct vm *rx = vm_create(1, 0), *tx = vm_create(1, 0);
	int fd = pvi_bind(tx, TX), efd = new_eventfd();
	u32 port = pvi_set_port(fd, efd), i;

	vm_route_msi(rx, 40, 0, VECTOR);
	vm_irqfd(rx, 40, efd);
	vcpu_run_thread(&rx->vcpus[0], guest_wait, 50);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	for (i = 1; i <= 50; i++) {
		ASSERT_EQ(vcpu_call(&tx->vcpus[0], guest_notify, port), KVM_PVI_RAISED);
		vcpu_wait_irqs(&rx->vcpus[0], VECTOR, i);
	}
	ASSERT_EQ(vcpu_join(&rx->vcpus[0]), 50);
}

static bool storm_ends;
static u64 rings;

static __guest u64 storm(u64 port)
{
	s64 ret;

	while (!READ_ONCE(storm_ends)) {
		ret = guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
		GUEST_ASSERT(ret == KVM_PVI_RAISED || ret == -ENOENT);
		WRITE_ONCE(rings, rings + 1);
	}
	return 0;
}

/* When CLOSE_PORT has returned, a guest that never stops ringing signals nothing */
static void test_storm(void)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_bind(vm, TX), efd = new_eventfd();
	u32 i, rounds = test_long() ? 300 : 30;
	u64 before;

	vcpu_run_thread(&vm->vcpus[0], storm, 0);
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(pvi_set_port(fd, efd), 0);
		ASSERT_TRUE(wait_readable(efd, 10000));
		pvi_close_port(fd, 0);
		read_eventfd(efd);
		before = READ_ONCE(rings);
		ASSERT_TRUE(wait_until(READ_ONCE(rings) > before + 5, 10000));
		ASSERT_EQ(read_eventfd(efd), 0);
	}
	WRITE_ONCE(storm_ends, true);
	vcpu_join(&vm->vcpus[0]);
}

static const struct test_case cases[] = {
	{ "arguments", test_arguments },
	{ "lowest", test_lowest },
	{ "max_ports", test_max_ports },
	{ "own_ports", test_own_ports },
	{ "reset", test_reset },
	{ "states", test_states },
	{ "irqfd", test_irqfd },
	{ "storm", test_storm, 300 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
