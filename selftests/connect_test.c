// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: resolved and checked once, then rung by number. A port to a VM that died never
 * reaches its successor, one whose permission was revoked stays refused, and both at once.
 */
#include "pvi_test.h"

#define PIN	20
#define GSI	5
#define VECTOR	0x40
#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]

/* An endpoint of a host process whose GSI signals *@eventfd, and that allows TX */
static int host_receiver(int *eventfd)
{
	int fd = pvi_bind(NULL, RX);

	*eventfd = new_eventfd();
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, GSI, *eventfd);
	pvi_allow(fd, TX, GSI);
	return fd;
}

static s64 notify(int fd, u32 port)
{
	return pvi_call(fd, KVM_HC_NOTIFY, port, 0, 0, 0);
}

static s64 ring(int fd, const u8 *uuid, u32 gsi)
{
	return pvi_call(fd, KVM_HC_PVI, (u64)uuid, gsi, 0, 0);
}

static s64 port_state(int fd, u32 port)
{
	return pvi_call(fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_PORT, port, KVM_PVI_Q_PORT_STATE, 0);
}

static void test_dead(void)
{
	int tx = pvi_bind(NULL, TX), efd, rx = host_receiver(&efd);
	u32 port = pvi_connect(tx, RX, GSI), again;

	ASSERT_EQ(port_state(tx, port), KVM_PVI_PORT_LIVE);
	ASSERT_EQ(notify(tx, port), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 1);
	close(rx);
	ASSERT_EQ(notify(tx, port), -ENXIO);
	ASSERT_EQ(ring(tx, RX, GSI), -EPERM);
	ASSERT_TRUE(wait_until(port_state(tx, port) == KVM_PVI_PORT_DEAD, 5000));

	rx = host_receiver(&efd);
	ASSERT_EQ(notify(tx, port), -ENXIO);
	ASSERT_EQ(read_eventfd(efd), 0);
	again = pvi_connect(tx, RX, GSI);
	ASSERT_EQ(again, port + 1);
	ASSERT_EQ(notify(tx, again), KVM_PVI_RAISED);
	ASSERT_EQ(notify(tx, port), -ENXIO);
	ASSERT_EQ(read_eventfd(efd), 1);
}

/* What the dead one left is not in the way of what its successor allows */
static void test_successor(void)
{
	int tx = pvi_bind(NULL, TX), efd, rx, i;
	u32 port, old = 0;

	for (i = 0; i < 200; i++) {
		rx = host_receiver(&efd);
		ASSERT_EQ(ring(tx, RX, GSI), KVM_PVI_RAISED);
		port = pvi_connect(tx, RX, GSI);
		ASSERT_EQ(notify(tx, port), KVM_PVI_RAISED);
		ASSERT_EQ(read_eventfd(efd), 2);
		if (i)
			ASSERT_EQ(notify(tx, old), -ENXIO);
		old = port;
		close(rx);
		close(efd);
	}
}

static void test_revoked(void)
{
	int tx = pvi_bind(NULL, TX), efd, rx = host_receiver(&efd);
	u32 port = pvi_connect(tx, RX, GSI), again;

	pvi_revoke(rx, TX, GSI);
	ASSERT_EQ(notify(tx, port), -EPERM);
	ASSERT_EQ(port_state(tx, port), KVM_PVI_PORT_REVOKED);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(notify(tx, port), -EPERM);
	again = pvi_connect(tx, RX, GSI);
	ASSERT_EQ(notify(tx, again), KVM_PVI_RAISED);
	close(rx);
	ASSERT_EQ(notify(tx, again), -ENXIO);
	ASSERT_TRUE(wait_until(port_state(tx, again) == KVM_PVI_PORT_DEAD, 5000));
	ASSERT_EQ(notify(tx, port), -EPERM);
	ASSERT_EQ(read_eventfd(efd), 1);
}

static void test_unexposed(void)
{
	int tx = pvi_bind(NULL, TX), efd, rx = host_receiver(&efd);
	u32 port = pvi_connect(tx, RX, GSI);

	pvi_gsi(rx, KVM_PVI_UNEXPOSE, GSI);
	ASSERT_EQ(notify(tx, port), -EPERM);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(notify(tx, port), KVM_PVI_LATCHED);
	pvi_wire(rx, GSI, efd);
	ASSERT_EQ(read_eventfd(efd), 1);
}

static int connect_pinned(int fd, u32 owner)
{
	struct kvm_pvi_connect connect = {
		.size = sizeof(connect),
		.flags = KVM_PVI_CONNECT_OWNER,
		.gsi = GSI,
		.port = KVM_PVI_PORT_ANY,
		.owner = owner,
	};

	memcpy(connect.uuid, RX, sizeof(connect.uuid));
	return __pvi_ioctl(fd, KVM_PVI_CONNECT, &connect);
}

static void test_pinned(void)
{
	int tx = pvi_bind(NULL, TX), efd;

	host_receiver(&efd);
	ASSERT_EQ(connect_pinned(tx, 4711), -EPERM);
	ASSERT_EQ(connect_pinned(tx, -1), -EINVAL);
	ASSERT_EQ(connect_pinned(tx, 0), 0);
}

static void connect_from_namespace(u64 tx)
{
	enter_user_namespace(100000);
	ASSERT_EQ(connect_pinned(tx, 0), 0);
	ASSERT_EQ(connect_pinned(tx, 1), -EINVAL);
}

static void connect_to_another(u64 tx)
{
	enter_user_namespace(100001);
	ASSERT_EQ(connect_pinned(tx, 0), -EPERM);
}

/* Who names the receiver's user has its number in a user namespace of their own */
static void test_pinned_namespace(void)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind), .flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_OWNER, .vm_fd = -1, .owner = 100000,
	};
	int tx = pvi_bind(NULL, TX), rx = pvi_open();

	memcpy(bind.uuid, RX, sizeof(bind.uuid));
	pvi_ioctl(rx, KVM_PVI_BIND, &bind);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(rx, TX, GSI);
	child_join(child_run(connect_from_namespace, tx));
	child_join(child_run(connect_to_another, tx));
}

static s64 hc(struct vcpu *vcpu, enum guest_mode mode, u32 nr, u64 a0, u64 a1, u64 a2)
{
	struct hcall regs = { .rax = nr, .rbx = a0, .rcx = a1, .rdx = a2 };
	u64 rax = vcpu_hypercall_in_mode(vcpu, mode, &regs);

	return guest_mode_is_64bit(mode) ? (s64)rax : (s32)rax;
}

/* A row is looked at again at each ring: whose it must be may have changed since */
static void test_pinned_later(void)
{
	struct kvm_pvi_allow allow = { .size = sizeof(allow), .gsi = GSI, .owner = 4711,
				       .flags = KVM_PVI_ALLOW_OWNER };
	int tx = pvi_bind(NULL, TX), efd, rx = host_receiver(&efd);
	u32 port = pvi_connect(tx, RX, GSI);

	memcpy(allow.uuid, TX, sizeof(allow.uuid));
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0), KVM_PVI_RAISED);
	pvi_ioctl(rx, KVM_PVI_ALLOW, &allow);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0), -EPERM);
	allow.owner = geteuid();
	pvi_ioctl(rx, KVM_PVI_ALLOW, &allow);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 2);
}

static void test_guest(void)
{
	static const enum guest_mode modes[] = { GUEST_REAL16, GUEST_PROT32, GUEST_LONG64 };
	struct vm *vm = vm_create(1, 0);
	struct vcpu *vcpu = &vm->vcpus[0];
	int tx = pvi_bind(vm, TX), efd;
	size_t i;
	s64 port;

	host_receiver(&efd);
	memcpy(vm->low + 0x2000, RX, sizeof(RX));
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		port = hc(vcpu, modes[i], KVM_HC_PVI_CONNECT, 0x2000, GSI, 0);
		ASSERT_EQ(pvi_index(port), 0);
		ASSERT_EQ(hc(vcpu, modes[i], KVM_HC_NOTIFY, port, 0, 0), KVM_PVI_RAISED);
		ASSERT_EQ(read_eventfd(efd), 1);
		ASSERT_EQ(hc(vcpu, modes[i], KVM_HC_PVI_DISCONNECT, port, 0, 0), 0);
		ASSERT_EQ(hc(vcpu, modes[i], KVM_HC_PVI_DISCONNECT, port, 0, 0), -ENOENT);
		ASSERT_EQ(hc(vcpu, modes[i], KVM_HC_NOTIFY, port, 0, 0), -ENOENT);
	}
	ASSERT_EQ(pvi_connect(tx, RX, GSI), 0);
	ASSERT_EQ(hc(vcpu, GUEST_LONG64, KVM_HC_PVI_DISCONNECT, 0, 0, 0), -EPERM);
	ASSERT_EQ(hc(vcpu, GUEST_LONG64, KVM_HC_NOTIFY, 0, 0, 0), KVM_PVI_RAISED);
}

static void test_errors(void)
{
	struct vm *vm = vm_create(1, 0);
	struct vcpu *vcpu = &vm->vcpus[0];
	u8 *low = vm->low;
	int efd, rx;

	pvi_bind(vm, TX);
	rx = host_receiver(&efd);
	memcpy(low + 0x2000, RX, sizeof(RX));
	memcpy(low + 0x2010, pvi_uuid[9], sizeof(RX));
	memset(low + 0x2020, 0xff, sizeof(RX));
	memset(low + 0x2030, 0, sizeof(RX));
#define CONNECT(a0, a1, a2) hc(vcpu, GUEST_LONG64, KVM_HC_PVI_CONNECT, a0, a1, a2)
	ASSERT_EQ(CONNECT(0x2010, GSI, 0), -EPERM);
	ASSERT_EQ(CONNECT(0x2000, GSI + 1, 0), -EPERM);
	ASSERT_EQ(CONNECT(0x2000, KVM_PVI_GSI_MAX, 0), -EINVAL);
	ASSERT_EQ(CONNECT(0x2000, (u64)GSI | 1ULL << 32, 0), -EINVAL);
	ASSERT_EQ(CONNECT(0x2000, GSI, 1), -EINVAL);
	ASSERT_EQ(CONNECT(0x2008, GSI, 0), -EINVAL);
	ASSERT_EQ(CONNECT(0x2020, GSI, 0), -EINVAL);
	ASSERT_EQ(CONNECT(0x2030, GSI, 0), -EINVAL);
	ASSERT_EQ(CONNECT(1ULL << 40, GSI, 0), -EFAULT);
	pvi_allow(rx, TX, GSI + 1);
	ASSERT_EQ(CONNECT(0x2000, GSI + 1, 0), -EPERM);
	ASSERT_EQ(pvi_index(CONNECT(0x2000, GSI, 0)), 0);
	ASSERT_EQ(hc(vcpu, GUEST_LONG64, KVM_HC_PVI, 0x2030, GSI, 0), -EINVAL);
	ASSERT_EQ(hc(vcpu, GUEST_LONG64, KVM_HC_NOTIFY, 1ULL << 32, 0, 0), -ENOENT);
	ASSERT_EQ(hc(vcpu, GUEST_LONG64, KVM_HC_PVI_DISCONNECT, 1ULL << 32, 0, 0), -ENOENT);
#undef CONNECT
}

static s64 guest_connect(int fd)
{
	return pvi_call(fd, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0, 0);
}

static void test_full(void)
{
	int tx = pvi_bind(NULL, TX), efd;
	u64 max = read_param("kvm_pvi", "max_ports");
	s64 port;

	host_receiver(&efd);
	ASSERT_EQ(__write_param("kvm_pvi", "max_ports", "2"), 0);
	port = guest_connect(tx);
	ASSERT_EQ(pvi_index(port), 0);
	ASSERT_EQ(guest_connect(tx), port + 1);
	ASSERT_EQ(guest_connect(tx), -ENOSPC);
	/* What tells a stranger something comes after the permission */
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_CONNECT, (u64)pvi_uuid[9], GSI, 0, 0), -EPERM);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_DISCONNECT, port, 0, 0, 0), 0);
	ASSERT_EQ(guest_connect(tx), port);
	ASSERT_EQ(max, 4096);
	ASSERT_EQ(__write_param("kvm_pvi", "max_ports", "4096"), 0);
}

/* RESET closes what the guest made and nothing else */
static void test_reset(void)
{
	int tx = pvi_bind(NULL, TX), efd;
	u32 vmm_port;
	s64 port;

	host_receiver(&efd);
	vmm_port = pvi_connect(tx, RX, GSI);
	port = guest_connect(tx);
	ASSERT_EQ(pvi_index(port), 1);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	ASSERT_EQ(notify(tx, port), -ENOENT);
	ASSERT_EQ(notify(tx, vmm_port), KVM_PVI_RAISED);
}

static bool storm_over;

static __guest u64 storm(u64 unused)
{
	u64 rings = 0;
	s64 port, ret;

	(void)unused;
	while (!READ_ONCE(storm_over)) {
		port = guest_hypercall(KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0, 0);
		if (port < 0) {
			GUEST_ASSERT_EQ(port, -EPERM);
			continue;
		}
		do {
			ret = guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
			rings += ret >= 0;
		} while (ret >= 0 && !READ_ONCE(storm_over));
		if (ret < 0)
			GUEST_ASSERT(ret == -ENXIO || ret == -EPERM);
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_DISCONNECT, port, 0, 0, 0), 0);
	}
	return rings;
}

/* Receivers come, revoke and go while two vCPUs connect and ring */
static void test_storm(void)
{
	struct vm *vm = vm_create(2, 0);
	u64 rung = 0, rings;
	int rx, efd, i;

	pvi_bind(vm, TX);
	vcpu_run_thread(&vm->vcpus[0], storm, 0);
	vcpu_run_thread(&vm->vcpus[1], storm, 0);
	for (i = 0; i < 60; i++) {
		rx = host_receiver(&efd);
		ASSERT_TRUE(wait_readable(efd, 5000));
		if (i & 1) {
			pvi_revoke(rx, TX, GSI);
			rung += read_eventfd(efd);
			sched_yield();
			ASSERT_EQ(read_eventfd(efd), 0);
		}
		close(rx);
		rung += read_eventfd(efd);
		close(efd);
	}
	WRITE_ONCE(storm_over, true);
	rings = vcpu_join(&vm->vcpus[0]) + vcpu_join(&vm->vcpus[1]);
	ASSERT_GE(rings, rung);
	ASSERT_GT(rung, 0);
}

static const struct test_case cases[] = {
	{ "dead", test_dead },
	{ "successor", test_successor },
	{ "revoked", test_revoked },
	{ "unexposed", test_unexposed },
	{ "pinned", test_pinned },
	{ "pinned_namespace", test_pinned_namespace },
	{ "pinned_later", test_pinned_later },
	{ "guest", test_guest },
	{ "errors", test_errors },
	{ "full", test_full },
	{ "reset", test_reset },
	{ "storm", test_storm },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
