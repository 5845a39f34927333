// SPDX-License-Identifier: GPL-2.0
/*
 * GSIs 0 to 15 as KVM routes them of itself: to the IOAPIC and to the 8259. That one takes what
 * comes as long as nobody has set it up, and forgets it when somebody does: where there is an
 * IOAPIC pin too, that says whether a ring was taken.
 */
#include "pvi_test.h"

#define RX		pvi_uuid[0]
#define TX		pvi_uuid[1]
#define NR_GSIS		16
#define GSI		5
#define OTHER_GSI	10	/* of the second 8259 */
#define VECTOR		0x40
#define PIC_VECTOR	0x50	/* of the first input of the first 8259 */

static struct vm *rx;
static int rx_fd, tx_fd;

static void start(void)
{
	u32 gsi;

	rx = vm_create(1, 0);
	rx_fd = pvi_bind(rx, RX);
	tx_fd = pvi_bind(NULL, TX);
	for (gsi = 0; gsi < NR_GSIS; gsi++)
		pvi_expose(rx_fd, gsi, KVM_PVI_GSI_DIRECT);
	pvi_allow(rx_fd, TX, KVM_PVI_GSI_ANY);
}

static s64 ring(u32 gsi)
{
	return pvi_call(tx_fd, KVM_HC_PVI, (u64)RX, gsi, 0, 0);
}

static inline void guest_outb(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a" (value), "d" (port));
}

/* As any system does that then uses the IOAPIC, or the 8259: @masks are of both of them */
static __guest void guest_set_up_pic(u16 masks)
{
	guest_outb(0x20, 0x11);
	guest_outb(0x21, PIC_VECTOR);
	guest_outb(0x21, 1 << 2);
	guest_outb(0x21, 1);
	guest_outb(0xa0, 0x11);
	guest_outb(0xa1, PIC_VECTOR + 8);
	guest_outb(0xa1, 2);
	guest_outb(0xa1, 1);
	guest_outb(0x21, masks);
	guest_outb(0xa1, masks >> 8);
}

static __guest void guest_pic_eoi(u8 vector)
{
	if (vector >= PIC_VECTOR + 8)
		guest_outb(0xa0, 0x20);
	guest_outb(0x20, 0x20);
}

/* Boots, and waits for what is owed to it */
static __guest u64 guest_use_ioapic(u64 gsi)
{
	guest_set_up_pic(0xffff);
	guest_ioapic_set(gsi, VECTOR, 0, 0);
	guest_wait_irqs(VECTOR, 1);
	return 0;
}

/* Has no driver of the IOAPIC */
static __guest u64 guest_use_pic(u64 gsi)
{
	u8 vector = PIC_VECTOR + gsi;

	guest_on_irq(vector, guest_pic_eoi);
	guest_set_up_pic(~(1 << gsi | 1 << 2));
	guest_wrmsr(X2APIC_MSR(APIC_LVT0), APIC_LVT_EXTINT);
	guest_sync(1);
	guest_wait_irqs(vector, 1);
	return 0;
}

/* Nothing has taken it */
static void test_masked(void)
{
	u32 gsi;

	start();
	for (gsi = 0; gsi < NR_GSIS; gsi++) {
		ASSERT_EQ(ring(gsi), KVM_PVI_LATCHED);
		ASSERT_EQ(ring(gsi), KVM_PVI_COALESCED);
	}
	ASSERT_EQ(pvi_stats(rx_fd).received.raised, 0);
}

static void check_before_boot(u32 gsi)
{
	start();
	ASSERT_GE(ring(gsi), 0);
	ASSERT_EQ(vcpu_call(&rx->vcpus[0], guest_use_ioapic, gsi), 0);
}

static void test_before_boot(void)
{
	check_before_boot(GSI);
}

static void test_before_boot_second(void)
{
	check_before_boot(OTHER_GSI);
}

static void test_unmasked(void)
{
	start();
	vm_ioapic_set(rx, GSI, VECTOR, 0, 0);
	ASSERT_EQ(ring(GSI), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_call(&rx->vcpus[0], guest_use_ioapic, GSI), 0);
}

/* It gets its interrupts all the same */
static void check_pic_guest(u32 gsi)
{
	vcpu_run_thread(&rx->vcpus[0], guest_use_pic, gsi);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	ASSERT_GE(ring(gsi), 0);
	ASSERT_EQ(vcpu_join(&rx->vcpus[0]), 0);
}

static void test_pic_guest(void)
{
	start();
	check_pic_guest(GSI);
}

static void test_pic_guest_second(void)
{
	start();
	check_pic_guest(OTHER_GSI);
}

/* The VMM has made the other choice: then it is the 8259 that says */
static void test_pic_alone(void)
{
	start();
	vm_unroute(rx, GSI);
	rx->routes[rx->nr_routes++] = (struct kvm_irq_routing_entry){
		.gsi = GSI,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = KVM_IRQCHIP_PIC_MASTER, .pin = GSI },
	};
	vm_set_routing(rx);
	check_pic_guest(GSI);
	ASSERT_EQ(pvi_stats(rx_fd).received.raised, 1);
}

static const struct test_case cases[] = {
	{ "masked", test_masked },
	{ "before_boot", test_before_boot },
	{ "before_boot_second", test_before_boot_second },
	{ "unmasked", test_unmasked },
	{ "pic_guest", test_pic_guest },
	{ "pic_guest_second", test_pic_guest_second },
	{ "pic_alone", test_pic_alone },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
