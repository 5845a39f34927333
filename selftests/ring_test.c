// SPDX-License-Identifier: GPL-2.0
/*
 * A ring from guest to guest, by UUID and by port, and what the sender is told.
 */
#include "pvi_test.h"

#define PIN	20
#define VECTOR	0x40

static u64 mailbox;

static __guest u64 receiver(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	return mailbox;
}

static __guest u64 ring_uuid(u64 uuid)
{
	mailbox = 7;
	return guest_hypercall(KVM_HC_PVI, uuid, PIN, 0, 0);
}

static __guest u64 ring_port(u64 port)
{
	mailbox = 8;
	return guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
}

static void test_uuid(void)
{
	struct vm *rx = vm_create(1, 0), *tx = vm_create(1, 0);
	int rx_fd = pvi_bind(rx, pvi_uuid[0]);

	pvi_bind(tx, pvi_uuid[1]);
	vm_ioapic_set(rx, PIN, VECTOR, 0, 0);
	vcpu_run_thread(&rx->vcpus[0], receiver, 1);
	vcpu_wait_sync(&rx->vcpus[0], 1);

	ASSERT_EQ(vcpu_call(&tx->vcpus[0], ring_uuid, (u64)pvi_uuid[0]), -EPERM);
	pvi_expose(rx_fd, PIN, KVM_PVI_GSI_DIRECT);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], ring_uuid, (u64)pvi_uuid[0]), -EPERM);
	pvi_allow(rx_fd, pvi_uuid[1], PIN);
	ASSERT_EQ(vcpu_irq_count(&rx->vcpus[0], VECTOR), 0);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], ring_uuid, (u64)pvi_uuid[0]), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_join(&rx->vcpus[0]), 7);
}

static void test_port(void)
{
	struct vm *rx = vm_create(1, 0), *tx = vm_create(1, 0);
	int rx_fd = pvi_bind(rx, pvi_uuid[0]), tx_fd = pvi_bind(tx, pvi_uuid[1]);
	u32 port;

	vm_ioapic_set(rx, PIN, VECTOR, 0, 0);
	pvi_expose(rx_fd, PIN, KVM_PVI_GSI_DIRECT);
	pvi_allow(rx_fd, pvi_uuid[1], PIN);
	port = pvi_connect(tx_fd, pvi_uuid[0], PIN);
	vcpu_run_thread(&rx->vcpus[0], receiver, 1);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], ring_port, port), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_join(&rx->vcpus[0]), 8);
}

static void test_notify(void)
{
	struct vm *tx = vm_create(1, 0);
	int fd = pvi_bind(tx, pvi_uuid[1]);
	int efd = new_eventfd();
	u32 port = pvi_set_port(fd, efd);

	ASSERT_EQ(vcpu_call(&tx->vcpus[0], ring_port, port), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 1);
}

static const struct test_case cases[] = {
	{ "uuid", test_uuid },
	{ "port", test_port },
	{ "notify", test_notify },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
