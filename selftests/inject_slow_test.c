// SPDX-License-Identifier: GPL-2.0
/*
 * An MSI that goes to many vCPUs costs KVM a look at each of them, and so does a pin of a VM that has
 * many. The sender does not pay for that: its ring is latched, and delivered soon.
 */
#include "pvi_test.h"

#define RX		pvi_uuid[0]
#define TX		pvi_uuid[1]
#define ROUTED		24		/* a GSI with a route */
#define VIRTUAL		KVM_PVI_GSI_VIRTUAL
#define PIN		20
#define VCPUS		6
#define VCPUS_LOOKED_AT	64	/* by a ring of a pin */
#define MANY		64
#define VECTOR		0x40		/* of the first virtual GSI, and of the route */
#define EVERYBODY	0xfeeff000	/* the MSI address of all vCPUs */

static struct vm *rx;
static int rx_fd, tx_fd;

static __guest u64 guest_receive(u64 nr)
{
	u64 i;

	for (i = 0; i < nr; i++)
		guest_wait_irqs(VECTOR + i, 1);
	return 0;
}

static __guest u64 guest_wait_more(u64 count)
{
	guest_wait_irqs(VECTOR, count);
	return 0;
}

static void start(u32 nr_gsis)
{
	u32 i;

	rx = vm_create(VCPUS, 0);
	rx_fd = pvi_bind(rx, RX);
	tx_fd = pvi_bind(NULL, TX);
	pvi_allow(rx_fd, TX, KVM_PVI_GSI_ANY);
	for (i = 0; i < nr_gsis; i++) {
		pvi_expose(rx_fd, VIRTUAL + i, KVM_PVI_GSI_MSI);
		ASSERT_EQ(pvi_call(rx_fd, KVM_HC_PVI_SET_MSI, VIRTUAL + i, EVERYBODY,
				   VECTOR + i, 0), 0);
	}
}

/* Each vCPU takes @nr vectors, whoever delivers them */
static void expect_delivered(u32 nr)
{
	u32 i;

	for (i = 0; i < VCPUS; i++)
		vcpu_run_thread(&rx->vcpus[i], guest_receive, nr);
	for (i = 0; i < VCPUS; i++)
		ASSERT_EQ(vcpu_join(&rx->vcpus[i]), 0);
}

/* None of them was delivered by the sender */
static void expect_latched(u64 nr)
{
	struct kvm_pvi_stats stats = pvi_stats(rx_fd);

	ASSERT_EQ(stats.received.raised, 0);
	ASSERT_EQ(stats.received.latched + stats.received.coalesced, nr);
}

static void test_virtual(void)
{
	start(1);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)RX, VIRTUAL, 0, 0), KVM_PVI_LATCHED);
	expect_delivered(1);
	expect_latched(1);
}

static void test_routed(void)
{
	start(0);
	vm_route_msi(rx, ROUTED, 0xff, VECTOR);
	pvi_expose(rx_fd, ROUTED, KVM_PVI_GSI_DIRECT);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)RX, ROUTED, 0, 0), KVM_PVI_LATCHED);
	expect_delivered(1);
	expect_latched(1);
}

static void test_many(void)
{
	u64 accepted;
	u32 i;

	start(MANY);
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(pvi_connect(tx_fd, RX, VIRTUAL + i), i);
	ASSERT_EQ(pvi_call_rbx(tx_fd, KVM_HC_NOTIFY_MANY, 0, ~0ULL, 0, 0, &accepted), MANY);
	ASSERT_EQ(accepted, ~0ULL);
	expect_delivered(MANY);
	expect_latched(MANY);
}

/* Rung while it is being delivered: what each of them announces is seen */
static void test_again_and_again(void)
{
	u64 count;
	u32 i;

	start(1);
	for (i = 1; i <= 50; i++) {
		count = vcpu_irq_count(&rx->vcpus[0], VECTOR);
		ASSERT_GT(pvi_call(tx_fd, KVM_HC_PVI, (u64)RX, VIRTUAL, 0, 0), KVM_PVI_RAISED);
		vcpu_run_thread(&rx->vcpus[0], guest_wait_more, count + 1);
		ASSERT_EQ(vcpu_join(&rx->vcpus[0]), 0);
	}
}

/* Where one vCPU is meant nothing is put off */
static void test_one_vcpu(void)
{
	start(1);
	ASSERT_EQ(pvi_call(rx_fd, KVM_HC_PVI_SET_MSI, VIRTUAL, 0xfee00000 | 3 << 12, VECTOR, 0), 0);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)RX, VIRTUAL, 0, 0), KVM_PVI_RAISED);
	vcpu_run_thread(&rx->vcpus[3], guest_receive, 1);
	ASSERT_EQ(vcpu_join(&rx->vcpus[3]), 0);
}

/* Of a VM that has more vCPUs than a ring may look at, the first of which the pin is for */
static void test_pin_of_many(void)
{
	u64 id;

	rx = vm_create(1, 0);
	vm_ioapic_set(rx, PIN, VECTOR, 0, 0);
	rx_fd = pvi_bind(rx, RX);
	tx_fd = pvi_bind(NULL, TX);
	pvi_expose(rx_fd, PIN, KVM_PVI_GSI_DIRECT);
	pvi_allow(rx_fd, TX, PIN);
	for (id = 1; id < VCPUS_LOOKED_AT; id++)
		ASSERT_GE(ioctl(rx->fd, KVM_CREATE_VCPU, id), 0);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)RX, PIN, 0, 0), KVM_PVI_RAISED);
	vcpu_run_thread(&rx->vcpus[0], guest_wait_more, 1);
	ASSERT_EQ(vcpu_join(&rx->vcpus[0]), 0);

	ASSERT_GE(ioctl(rx->fd, KVM_CREATE_VCPU, id), 0);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)RX, PIN, 0, 0), KVM_PVI_LATCHED);
	vcpu_run_thread(&rx->vcpus[0], guest_wait_more, 2);
	ASSERT_EQ(vcpu_join(&rx->vcpus[0]), 0);
	ASSERT_EQ(pvi_stats(rx_fd).received.raised, 1);
}

/* Six tries take ten milliseconds, twenty, forty...: no timer is early, however busy the machine is */
static void expect_patience(u32 gsi)
{
	u64 start = now_ms();

	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)RX, gsi, 0, 0), KVM_PVI_LATCHED);
	ASSERT_TRUE(wait_until(pvi_stats(rx_fd).retries >= 6, 10000));
	ASSERT_GE(now_ms() - start, 10 + 20 + 40 + 80 + 160);
}

/* What costs many steps, and nobody takes, is tried again as late as what costs few */
static void test_nobody_takes(void)
{
	rx = vm_create(0, 0);
	rx_fd = pvi_bind(rx, RX);
	tx_fd = pvi_bind(NULL, TX);
	pvi_allow(rx_fd, TX, KVM_PVI_GSI_ANY);
	vm_route_msi(rx, ROUTED, 0xff, VECTOR);
	pvi_expose(rx_fd, ROUTED, KVM_PVI_GSI_DIRECT);
	expect_patience(ROUTED);
}

/* A guest does that with nothing but its own LAPIC switched off */
static void test_switched_off(void)
{
	rx = vm_create(1, VM_NO_LAPIC_ENABLE);
	rx_fd = pvi_bind(rx, RX);
	tx_fd = pvi_bind(NULL, TX);
	pvi_allow(rx_fd, TX, KVM_PVI_GSI_ANY);
	pvi_expose(rx_fd, VIRTUAL, KVM_PVI_GSI_MSI);
	ASSERT_EQ(pvi_call(rx_fd, KVM_HC_PVI_SET_MSI, VIRTUAL, EVERYBODY, VECTOR, 0), 0);
	expect_patience(VIRTUAL);
}

static const struct test_case cases[] = {
	{ "virtual", test_virtual },
	{ "routed", test_routed },
	{ "many", test_many, 60 },
	{ "again_and_again", test_again_and_again },
	{ "one_vcpu", test_one_vcpu },
	{ "pin_of_many", test_pin_of_many },
	{ "nobody_takes", test_nobody_takes },
	{ "switched_off", test_switched_off },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
