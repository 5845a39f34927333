// SPDX-License-Identifier: GPL-2.0
/*
 * EXPOSE and WIRE: which GSIs can be rung, and that what is rung comes, whatever way it is routed.
 */
#include "pvi_test.h"

#define PIN	20
#define GSI	40	/* no pin: routed as the case wants */
#define VECTOR	0x40
#define RINGS	100

#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]

static int expose_rate(int fd, u32 gsi, u32 kind, u32 rate, u32 burst)
{
	struct kvm_pvi_expose expose = {
		.size = sizeof(expose), .gsi = gsi, .kind = kind, .rate = rate, .burst = burst,
	};

	return __pvi_ioctl(fd, KVM_PVI_EXPOSE, &expose);
}

static int ring(int tx, u32 gsi)
{
	return pvi_call(tx, KVM_HC_PVI, (u64)RX, gsi, 0, 0);
}

static void test_arguments(void)
{
	static const u32 no_gsi[] = {
		KVM_PVI_GSI_MAX, KVM_PVI_GSI_VIRTUAL - 1, KVM_PVI_GSI_VIRTUAL_END, KVM_PVI_GSI_ANY
	};
	int fd = pvi_bind(vm_create(0, 0), RX);
	u32 i, kind;

	for (i = 0; i < ARRAY_SIZE(no_gsi); i++) {
		for (kind = 0; kind <= KVM_PVI_GSI_MSI; kind++)
			ASSERT_EQ(__pvi_expose(fd, no_gsi[i], kind), -EINVAL);
		ASSERT_EQ(__pvi_gsi(fd, KVM_PVI_UNEXPOSE, no_gsi[i]), -EINVAL);
		ASSERT_EQ(__pvi_gsi(fd, KVM_PVI_UNWIRE, no_gsi[i]), -EINVAL);
		ASSERT_EQ(__pvi_gsi(fd, KVM_PVI_KICK, no_gsi[i]), -EINVAL);
		ASSERT_EQ(__pvi_wire(fd, no_gsi[i], new_eventfd()), -EINVAL);
	}
	ASSERT_EQ(__pvi_expose(fd, GSI, KVM_PVI_GSI_MSI + 1), -EINVAL);
	ASSERT_EQ(__pvi_expose(fd, GSI, -1), -EINVAL);
	ASSERT_EQ(__pvi_expose(fd, GSI, KVM_PVI_GSI_MSI), -EINVAL);
	ASSERT_EQ(__pvi_expose(fd, KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_DIRECT), -EINVAL);
	ASSERT_EQ(__pvi_expose(fd, KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_EVENTFD), -EINVAL);
	ASSERT_EQ(expose_rate(fd, GSI, KVM_PVI_GSI_EVENTFD, 1, 0), -EINVAL);
	ASSERT_EQ(expose_rate(fd, GSI, KVM_PVI_GSI_EVENTFD, 0, 1), -EINVAL);
	ASSERT_EQ(__pvi_gsi(fd, KVM_PVI_UNEXPOSE, GSI), -ENOENT);

	pvi_expose(fd, 0, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, KVM_PVI_GSI_MAX - 1, KVM_PVI_GSI_DIRECT);
	ASSERT_EQ(__pvi_expose(fd, 0, KVM_PVI_GSI_EVENTFD), -EEXIST);
	ASSERT_EQ(__pvi_expose(fd, 0, KVM_PVI_GSI_DIRECT), -EEXIST);
	pvi_gsi(fd, KVM_PVI_UNEXPOSE, 0);
	pvi_expose(fd, 0, KVM_PVI_GSI_DIRECT);
}

static void test_wire_arguments(void)
{
	int fd = pvi_bind(vm_create(0, 0), RX), efd = new_eventfd(), closed = new_eventfd();

	close(closed);
	pvi_expose(fd, PIN, KVM_PVI_GSI_DIRECT);
	ASSERT_EQ(__pvi_wire(fd, GSI, efd), -ENOENT);
	ASSERT_EQ(__pvi_gsi(fd, KVM_PVI_UNWIRE, GSI), -ENOENT);
	ASSERT_EQ(__pvi_gsi(fd, KVM_PVI_KICK, GSI), -ENOENT);
	ASSERT_EQ(__pvi_wire(fd, PIN, efd), -EOPNOTSUPP);
	ASSERT_EQ(__pvi_gsi(fd, KVM_PVI_UNWIRE, PIN), -EOPNOTSUPP);
	pvi_gsi(fd, KVM_PVI_KICK, PIN);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(__pvi_wire(fd, GSI, -1), -EBADF);
	ASSERT_EQ(__pvi_wire(fd, GSI, closed), -EBADF);
	ASSERT_EQ(__pvi_wire(fd, GSI, fd), -EINVAL);
	ASSERT_EQ(__pvi_wire(fd, GSI, kvm_dev_fd()), -EINVAL);
	pvi_wire(fd, GSI, efd);
}

static void test_max_gsis(void)
{
	u64 usual = read_param("kvm_pvi", "max_gsis");
	int fd = pvi_bind(NULL, RX), third, after;

	write_param("kvm_pvi", "max_gsis", 2);
	pvi_expose(fd, 1, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, 2, KVM_PVI_GSI_EVENTFD);
	third = __pvi_expose(fd, 3, KVM_PVI_GSI_EVENTFD);
	pvi_gsi(fd, KVM_PVI_UNEXPOSE, 1);
	after = __pvi_expose(fd, 3, KVM_PVI_GSI_EVENTFD);
	write_param("kvm_pvi", "max_gsis", usual);
	ASSERT_EQ(third, -ENOSPC);
	ASSERT_EQ(after, 0);
	ASSERT_EQ(__write_param("kvm_pvi", "max_gsis", "0"), -EINVAL);
	ASSERT_EQ(__write_param("kvm_pvi", "max_gsis", "8193"), -EINVAL);
}

static void test_no_irqchip(void)
{
	int fd = pvi_bind(vm_create(1, VM_NO_IRQCHIP), RX), host = pvi_bind(NULL, TX);

	ASSERT_EQ(__pvi_expose(fd, PIN, KVM_PVI_GSI_DIRECT), -EOPNOTSUPP);
	ASSERT_EQ(__pvi_expose(host, PIN, KVM_PVI_GSI_DIRECT), -EOPNOTSUPP);
	pvi_expose(fd, PIN, KVM_PVI_GSI_EVENTFD);
	pvi_expose(host, PIN, KVM_PVI_GSI_EVENTFD);
}

static int route(struct vm *vm, struct kvm_irq_routing_entry entry)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} table = { .head.nr = 1, .entry = entry };

	table.entry.gsi = GSI;
	return __vm_ioctl(vm, KVM_SET_GSI_ROUTING, &table);
}

static __guest u64 guest_wait(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	return guest_irq_count(VECTOR);
}

/* Refused when exposed; put there later, a ring is latched and waits for a route we may use */
static void foreign_route(struct kvm_irq_routing_entry entry)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_bind(vm, RX), tx = pvi_bind(NULL, TX);

	ASSERT_EQ(route(vm, entry), 0);
	ASSERT_EQ(__pvi_expose(fd, GSI, KVM_PVI_GSI_DIRECT), -EOPNOTSUPP);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_gsi(fd, KVM_PVI_UNEXPOSE, GSI);

	vm_route_msi(vm, GSI, 0, VECTOR);
	pvi_expose(fd, GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(fd, TX, GSI);
	ASSERT_EQ(ring(tx, GSI), KVM_PVI_RAISED);
	ASSERT_EQ(route(vm, entry), 0);
	ASSERT_EQ(ring(tx, GSI), KVM_PVI_LATCHED);
	vm_route_msi(vm, GSI, 0, VECTOR);
	pvi_gsi(fd, KVM_PVI_KICK, GSI);
	ASSERT_GE(vcpu_call(&vm->vcpus[0], guest_wait, 1), 1);
	ASSERT_EQ(ring(tx, GSI), KVM_PVI_RAISED);
	close(fd);
	close(tx);
}

static void test_foreign_routes(void)
{
	struct kvm_irq_routing_entry sint = { .type = KVM_IRQ_ROUTING_HV_SINT };
	struct kvm_irq_routing_entry xen = { .type = KVM_IRQ_ROUTING_XEN_EVTCHN };
	int caps = __test_ioctl(kvm_dev_fd(), KVM_CHECK_EXTENSION, (void *)KVM_CAP_XEN_HVM);
	int hyperv = __test_ioctl(kvm_dev_fd(), KVM_CHECK_EXTENSION, (void *)KVM_CAP_HYPERV_SYNIC);

	test_diag("Hyper-V SINTs: %d, Xen: 0x%x", hyperv, caps);
	if (hyperv > 0)
		foreign_route(sint);
	xen.u.xen_evtchn.port = 1;
	xen.u.xen_evtchn.priority = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL;
	if (caps & KVM_XEN_HVM_CONFIG_EVTCHN_2LEVEL)
		foreign_route(xen);
}

/* One after the other: an edge that finds the last one not taken would merge with it */
static void ring_and_count(struct vm *vm, u32 gsi, u32 kind)
{
	int fd = pvi_bind(vm, RX), tx = pvi_bind(NULL, TX), efd = new_eventfd();
	struct vcpu *vcpu = &vm->vcpus[0];
	u32 i;

	pvi_expose(fd, gsi, kind);
	if (kind == KVM_PVI_GSI_EVENTFD) {
		vm_irqfd(vm, gsi, efd);
		pvi_wire(fd, gsi, efd);
	}
	pvi_allow(fd, TX, gsi);
	vcpu_run_thread(vcpu, guest_wait, RINGS);
	vcpu_wait_sync(vcpu, 1);
	for (i = 1; i <= RINGS; i++) {
		ASSERT_EQ(ring(tx, gsi), KVM_PVI_RAISED);
		vcpu_wait_irqs(vcpu, VECTOR, i);
	}
	ASSERT_EQ(vcpu_join(vcpu), RINGS);
	ASSERT_EQ(pvi_stats(fd).received.raised, RINGS);
	ASSERT_EQ(pvi_stats(fd).retries, 0);
}

static void test_direct_pin(void)
{
	struct vm *vm = vm_create(1, 0);

	vm_ioapic_set(vm, PIN, VECTOR, 0, 0);
	ring_and_count(vm, PIN, KVM_PVI_GSI_DIRECT);
}

/* A GSI is a number of the VM's routing table, not a pin */
static void test_direct_other_pin(void)
{
	struct vm *vm = vm_create(1, 0);

	vm_ioapic_set(vm, PIN, VECTOR, 0, 0);
	vm_route_pin(vm, GSI, PIN);
	ring_and_count(vm, GSI, KVM_PVI_GSI_DIRECT);
}

/* As KVM routes the first 16 by itself: to the 8259, all masked here, and to the IOAPIC */
static void test_direct_two_chips(void)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER };
	struct vm *vm = vm_create(1, 0);

	vm_ioctl(vm, KVM_GET_IRQCHIP, &chip);
	chip.chip.pic.imr = 0xff;
	vm_ioctl(vm, KVM_SET_IRQCHIP, &chip);
	vm_ioapic_set(vm, 5, VECTOR, 0, 0);
	ring_and_count(vm, 5, KVM_PVI_GSI_DIRECT);
}

static void test_direct_msi(void)
{
	struct vm *vm = vm_create(1, 0);

	vm_route_msi(vm, GSI, 0, VECTOR);
	ring_and_count(vm, GSI, KVM_PVI_GSI_DIRECT);
}

static void test_direct_split_irqchip(void)
{
	struct vm *vm = vm_create(1, VM_SPLIT_IRQCHIP);

	vm_route_msi(vm, GSI, 0, VECTOR);
	ring_and_count(vm, GSI, KVM_PVI_GSI_DIRECT);
}

static void test_irqfd_pin(void)
{
	struct vm *vm = vm_create(1, 0);

	vm_ioapic_set(vm, PIN, VECTOR, 0, 0);
	ring_and_count(vm, PIN, KVM_PVI_GSI_EVENTFD);
}

static void test_irqfd_msi(void)
{
	struct vm *vm = vm_create(1, 0);

	vm_route_msi(vm, GSI, 0, VECTOR);
	ring_and_count(vm, GSI, KVM_PVI_GSI_EVENTFD);
}

/* A ring is to the vCPU that the route names, and follows it when it changes */
static void test_follows_route(void)
{
	struct vm *vm = vm_create(2, 0);
	int fd = pvi_bind(vm, RX), tx = pvi_bind(NULL, TX);
	u32 i;

	pvi_expose(fd, GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(fd, TX, GSI);
	for (i = 0; i < 2; i++) {
		vm_route_msi(vm, GSI, i, VECTOR);
		ASSERT_EQ(ring(tx, GSI), KVM_PVI_RAISED);
		ASSERT_EQ(vcpu_call(&vm->vcpus[i], guest_wait, 1), 1);
	}
	ASSERT_EQ(vcpu_irq_count(&vm->vcpus[0], VECTOR), 1);
}

/* Each accepted ring is one signal, for a process that polls */
static void test_polled(void)
{
	int fd = pvi_bind(NULL, RX), tx = pvi_bind(NULL, TX), efd = new_eventfd();
	u32 i;

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, GSI, efd);
	pvi_allow(fd, TX, GSI);
	ASSERT_TRUE(!wait_readable(efd, 0));
	for (i = 0; i < 1000; i++)
		ASSERT_EQ(ring(tx, GSI), KVM_PVI_RAISED);
	ASSERT_TRUE(wait_readable(efd, 0));
	ASSERT_EQ(read_eventfd(efd), 1000);
}

/* All senders together; what it refuses costs the sender none of its own tokens */
static void test_bucket(void)
{
	int fd = pvi_bind(NULL, RX), tx = pvi_bind(NULL, TX), other = pvi_bind(NULL, pvi_uuid[2]);
	struct kvm_pvi_allow allow = {
		.size = sizeof(allow), .gsi = GSI, .rate = 1, .burst = 5,
	};
	int i;

	memcpy(allow.uuid, TX, sizeof(allow.uuid));
	ASSERT_EQ(expose_rate(fd, GSI, KVM_PVI_GSI_EVENTFD, 1, 4), 0);
	pvi_wire(fd, GSI, new_eventfd());
	pvi_ioctl(fd, KVM_PVI_ALLOW, &allow);
	pvi_allow(fd, pvi_uuid[2], GSI);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(ring(i % 2 ? tx : other, GSI), KVM_PVI_RAISED);
	for (i = 0; i < 20; i++)
		ASSERT_EQ(ring(i % 2 ? tx : other, GSI), -EAGAIN);
	pvi_gsi(fd, KVM_PVI_UNEXPOSE, GSI);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, GSI, new_eventfd());
	for (i = 0; i < 3; i++)
		ASSERT_EQ(ring(tx, GSI), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_stats(fd).received.throttled, 20);
}

static bool storm_ends;
static u64 rings;

static __guest u64 storm(u64 uuid)
{
	while (!READ_ONCE(storm_ends)) {
		guest_hypercall(KVM_HC_PVI, uuid, GSI, 0, 0);
		WRITE_ONCE(rings, rings + 1);
	}
	return 0;
}

static void expect_silence(int efd)
{
	u64 before = READ_ONCE(rings);

	read_eventfd(efd);
	ASSERT_TRUE(wait_until(READ_ONCE(rings) > before + 5, 10000));
	ASSERT_EQ(read_eventfd(efd), 0);
}

/* When UNWIRE and UNEXPOSE have returned, a guest that never stops ringing is not heard */
static void test_storm(void)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_bind(NULL, RX), efd = new_eventfd();
	u32 i, rounds = test_long() ? 300 : 20;

	pvi_bind(vm, TX);
	pvi_allow(fd, TX, GSI);
	vcpu_run_thread(&vm->vcpus[0], storm, (u64)RX);
	for (i = 0; i < rounds; i++) {
		pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
		pvi_wire(fd, GSI, efd);
		ASSERT_TRUE(wait_readable(efd, 10000));
		pvi_gsi(fd, KVM_PVI_UNWIRE, GSI);
		expect_silence(efd);
		pvi_wire(fd, GSI, efd);
		ASSERT_TRUE(wait_readable(efd, 10000));
		pvi_gsi(fd, KVM_PVI_UNEXPOSE, GSI);
		expect_silence(efd);
	}
	WRITE_ONCE(storm_ends, true);
	vcpu_join(&vm->vcpus[0]);
}

static const struct test_case cases[] = {
	{ "arguments", test_arguments },
	{ "wire_arguments", test_wire_arguments },
	{ "max_gsis", test_max_gsis },
	{ "no_irqchip", test_no_irqchip },
	{ "foreign_routes", test_foreign_routes },
	{ "direct_pin", test_direct_pin },
	{ "direct_other_pin", test_direct_other_pin },
	{ "direct_two_chips", test_direct_two_chips },
	{ "direct_msi", test_direct_msi },
	{ "direct_split_irqchip", test_direct_split_irqchip },
	{ "irqfd_pin", test_irqfd_pin },
	{ "irqfd_msi", test_irqfd_msi },
	{ "follows_route", test_follows_route },
	{ "polled", test_polled },
	{ "bucket", test_bucket },
	{ "storm", test_storm, 300 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
