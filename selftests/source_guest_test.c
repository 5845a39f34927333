// SPDX-License-Identifier: GPL-2.0
/*
 * Sources rung by guests: from every mode of the CPU, from a guest in Hyper-V mode and from ring 3
 * through a stock KVM_IOEVENTFD, by port and by memory.
 */
#include "pvi_test.h"
#include "source.h"

#define GSI		SOURCE_GSI
#define VECTOR		0x40
#define DOORBELL	0x510
#define DOORBELL_MMIO	0xd0000000

static __guest u64 take_irqs(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	return guest_irq_count(VECTOR);
}

/* A guest that counts what comes in on pin @gsi */
static struct vcpu *receiver_create(u32 gsi, u64 count)
{
	struct vm *rx = vm_create(1, 0);
	int fd = pvi_bind(rx, pvi_uuid[0]);

	vm_ioapic_set(rx, gsi, VECTOR, 0, 0);
	pvi_expose(fd, gsi, KVM_PVI_GSI_DIRECT);
	pvi_allow(fd, pvi_uuid[1], gsi);
	vcpu_run_thread(&rx->vcpus[0], take_irqs, count);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	return &rx->vcpus[0];
}

static void ioeventfd(struct vm *vm, int fd, u64 addr, u32 len, u32 flags, u64 match)
{
	struct kvm_ioeventfd arg = {
		.addr = addr, .len = len, .fd = fd, .flags = flags, .datamatch = match,
	};

	vm_ioctl(vm, KVM_IOEVENTFD, &arg);
}

/* In real mode and in ring 3, where no hypercall can be issued, and in all the others */
static void test_modes(void)
{
	struct vcpu *rx = receiver_create(GSI, NR_GUEST_MODES);
	struct vm *tx = vm_create(1, 0);
	int fd = pvi_bind(tx, pvi_uuid[1]), source = new_eventfd();
	enum guest_mode mode;

	pvi_wire_source(fd, source, pvi_connect(fd, pvi_uuid[0], GSI));
	ioeventfd(tx, source, DOORBELL, 1, KVM_IOEVENTFD_FLAG_PIO, 0);
	for (mode = 0; mode < NR_GUEST_MODES; mode++) {
		test_diag("%s", guest_mode_name[mode]);
		vcpu_outb_in_mode(&tx->vcpus[0], mode, DOORBELL, 1);
		vcpu_wait_irqs(rx, VECTOR, mode + 1);
	}
	ASSERT_EQ(vcpu_join(rx), NR_GUEST_MODES);
	ASSERT_EQ(accepted(fd), NR_GUEST_MODES);
}

static __guest u64 write_mmio(u64 value)
{
	WRITE_ONCE(*(u32 *)DOORBELL_MMIO, value);
	return 0;
}

/* A write of any value to one doorbell page, and from ring 3 */
static __guest u64 write_mmio_in_ring3(u64 value)
{
	guest_user_call(write_mmio, value);
	return guest_this_cpu()->fault_vector;
}

static void test_mmio(void)
{
	struct vcpu *rx = receiver_create(GSI, 2);
	struct vm *tx = vm_create(1, 0);
	int fd = pvi_bind(tx, pvi_uuid[1]), source = new_eventfd();

	pvi_wire_source(fd, source, pvi_connect(fd, pvi_uuid[0], GSI));
	ioeventfd(tx, source, DOORBELL_MMIO, 4, 0, 0);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], write_mmio, 5), 0);
	vcpu_wait_irqs(rx, VECTOR, 1);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], write_mmio_in_ring3, 6), 0);
	ASSERT_EQ(vcpu_join(rx), 2);
}

/* One doorbell register, the value written selects the peer's GSI, as ivshmem has it */
static void test_datamatch(void)
{
	struct pair p = pair_create();
	struct vm *tx = vm_create(1, 0);
	int fd = pvi_bind(tx, pvi_uuid[2]), sinks[3], sources[3];
	u64 value, other;

	for (value = 0; value < 3; value++) {
		sinks[value] = new_eventfd();
		sources[value] = new_eventfd();
		pvi_expose(p.rx, value, KVM_PVI_GSI_EVENTFD);
		pvi_wire(p.rx, value, sinks[value]);
		pvi_allow(p.rx, pvi_uuid[2], value);
		pvi_wire_source(fd, sources[value], pvi_connect(fd, pvi_uuid[0], value));
		ioeventfd(tx, sources[value], DOORBELL_MMIO, 4, KVM_IOEVENTFD_FLAG_DATAMATCH,
			  value);
	}
	for (value = 0; value < 3; value++) {
		ASSERT_EQ(vcpu_call(&tx->vcpus[0], write_mmio, value), 0);
		ASSERT_TRUE(wait_readable(sinks[value], 5000));
		for (other = 0; other < 3; other++)
			ASSERT_EQ(read_eventfd(sinks[other]), other == value);
	}
}

/* As a Windows guest: KVM then takes all hypercalls for Hyper-V's */
static void enable_hyperv(struct vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid = { .head.nent = 256 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry os_id;
	} msrs = { .head.nmsrs = 1, .os_id = { .index = 0x40000000, .data = 1ULL << 48 } };
	u32 i, kept = 0;

	vcpu_ioctl(vcpu, KVM_GET_CPUID2, &cpuid);
	/* 6.1 does not say how many there are */
	for (i = 0; i < ARRAY_SIZE(cpuid.entries) - 3; i++)
		if ((cpuid.entries[i].function || cpuid.entries[i].eax) &&
		    cpuid.entries[i].function >> 8 != 0x400000)
			cpuid.entries[kept++] = cpuid.entries[i];
	cpuid.entries[kept++] = (struct kvm_cpuid_entry2){
		.function = 0x40000000, .eax = 0x40000003,
		.ebx = 0x7263694d, .ecx = 0x666f736f, .edx = 0x76482074,
	};
	cpuid.entries[kept++] = (struct kvm_cpuid_entry2){
		.function = 0x40000001, .eax = 0x31237648,
	};
	cpuid.entries[kept++] = (struct kvm_cpuid_entry2){
		.function = 0x40000003, .eax = 1 << 5,
	};
	cpuid.head.nent = kept;
	vcpu_ioctl(vcpu, KVM_SET_CPUID2, &cpuid);
	ASSERT_EQ(vcpu_ioctl(vcpu, KVM_SET_MSRS, &msrs), 1);
}

static __guest u64 features_then_out(u64 port)
{
	u64 ret = guest_hypercall(KVM_HC_PVI_FEATURES, 0, 0, 0, 0);

	asm volatile("outb %%al, %%dx" : : "a" (1), "d" (port));
	return ret;
}

static void test_hyperv(void)
{
	struct vcpu *rx = receiver_create(GSI, 2);
	struct vm *tx = vm_create(1, 0);
	struct vcpu *vcpu = &tx->vcpus[0];
	int fd = pvi_bind(tx, pvi_uuid[1]), source = new_eventfd();

	pvi_wire_source(fd, source, pvi_connect(fd, pvi_uuid[0], GSI));
	ioeventfd(tx, source, DOORBELL, 1, KVM_IOEVENTFD_FLAG_PIO, 0);
	enable_hyperv(vcpu);
	/* HV_STATUS_INVALID_HYPERCALL_CODE: the hypercall did not reach us */
	ASSERT_EQ(vcpu_call(vcpu, features_then_out, DOORBELL), 2);
	vcpu_wait_irqs(rx, VECTOR, 1);
	ASSERT_EQ(vcpu_call(vcpu, features_then_out, DOORBELL), 2);
	ASSERT_EQ(vcpu_join(rx), 2);
}

static const struct test_case cases[] = {
	{ "modes", test_modes },
	{ "mmio", test_mmio },
	{ "datamatch", test_datamatch },
	{ "hyperv", test_hyperv },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
