// SPDX-License-Identifier: GPL-2.0
/*
 * A call that sleeps in its caller's memory, for the VMM answers no fault there, holds up nobody,
 * not even the end of its own endpoint; and what it goes on with afterwards is still there.
 */
#include <linux/userfaultfd.h>

#include "delay.h"
#include "pvi_test.h"

#define SELF	pvi_uuid[0]
#define PEER	pvi_uuid[1]
#define GSI	20
#define ROOM_GPA 0x80000000UL

static struct vm *vm;
static int peer_fd, uffd;
static void *room;

static __guest u64 guest_peers(u64 bytes)
{
	return guest_hypercall(KVM_HC_PVI_PEERS, ROOM_GPA, bytes, 0, 0);
}

static __guest u64 guest_connect(u64 gsi)
{
	return guest_hypercall(KVM_HC_PVI_CONNECT, ROOM_GPA, gsi, 0, 0);
}

static __guest u64 guest_features(u64 arg)
{
	return guest_hypercall(KVM_HC_PVI_FEATURES, arg, 0, 0, 0);
}

static __guest u64 guest_notify(u64 port)
{
	return guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
}

/* A VM and a peer that it may ring; room is where whoever comes is kept waiting */
static void start(void)
{
	vm = vm_create(1, 0);
	room = uffd_memory(PAGE_SIZE, &uffd);
	vm_map_mem(vm, ROOM_GPA, room, PAGE_SIZE, 0);
	peer_fd = pvi_bind(NULL, PEER);
	pvi_expose(peer_fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(peer_fd, SELF, GSI);
}

/* The VMM answers at last: there is the name of the peer */
static void answer(void)
{
	static u8 page[PAGE_SIZE] __aligned(PAGE_SIZE);
	struct uffdio_copy copy = { .dst = (u64)room, .src = (u64)page, .len = PAGE_SIZE };

	memcpy(page, PEER, KVM_PVI_UUID_SIZE);
	ASSERT_EQ(ioctl(uffd, UFFDIO_COPY, &copy), 0);
}

static int bind_self(void)
{
	int fd = pvi_bind(vm, SELF);

	pvi_expose(fd, GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(fd, PEER, GSI);
	return fd;
}

/* The endpoint goes while its guest's call sleeps, and the VM has another one before that ends */
static u64 check_guest(guest_fn fn, u64 arg)
{
	struct vcpu *vcpu;
	u32 port;
	u64 ret;
	int fd;

	start();
	fd = bind_self();
	vcpu = &vm->vcpus[0];
	vcpu_run_thread(vcpu, fn, arg);
	ASSERT_TRUE(wait_readable(uffd, 10000));
	port = pvi_connect(peer_fd, SELF, GSI);
	close(fd);
	ASSERT_EQ(pvi_call(peer_fd, KVM_HC_NOTIFY, port, 0, 0, 0), -ENXIO);
	fd = bind_self();
	ASSERT_EQ(pvi_call(peer_fd, KVM_HC_PVI, (u64)SELF, GSI, 0, 0), KVM_PVI_LATCHED);
	answer();
	ret = vcpu_join(vcpu);
	ASSERT_GT(vcpu_call(vcpu, guest_features, 0), 0);
	ASSERT_EQ(vcpu_call(vcpu, guest_peers, PAGE_SIZE), 1);
	return ret;
}

static void test_guest_peers(void)
{
	u64 ret = check_guest(guest_peers, PAGE_SIZE);

	ASSERT_TRUE(ret == 1 || ret == (u64)-KVM_ENOSYS);
}

static void test_guest_connect(void)
{
	s64 port = check_guest(guest_connect, GSI);

	/* A port of the endpoint that there is now, or none */
	if (port >= 0)
		ASSERT_EQ(vcpu_call(&vm->vcpus[0], guest_notify, port), KVM_PVI_LATCHED);
}

/* By ioctl: until it returns the endpoint lives, and then nothing is left of it */
static void test_ioctl_peers(void)
{
	struct kvm_pvi_call args = { .size = sizeof(args), .nr = KVM_HC_PVI_PEERS };
	struct ioctl_call call = { .cmd = KVM_PVI_CALL, .arg = &args };

	start();
	args.args[0] = (u64)room;
	args.args[1] = PAGE_SIZE;
	call.fd = bind_self();
	ASSERT_TRUE(ioctl_start(&call));
	ASSERT_TRUE(wait_readable(uffd, 10000));
	close(call.fd);
	ASSERT_EQ(pvi_call(peer_fd, KVM_HC_PVI, (u64)SELF, GSI, 0, 0), KVM_PVI_LATCHED);
	answer();
	ASSERT_EQ(ioctl_join(&call), 0);
	ASSERT_EQ(args.ret, 1);
	bind_self();
}

static const struct test_case cases[] = {
	{ "guest_peers", test_guest_peers },
	{ "guest_connect", test_guest_connect },
	{ "ioctl_peers", test_ioctl_peers },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
