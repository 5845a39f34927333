// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: HvSignalEvent to a KVM_HYPERV_EVENTFD */
#include "bench.h"

#define CONN_ID			1
#define HVCALL_SIGNAL_EVENT	0x5d
#define HVCALL_FAST		(1 << 16)
#define MSR_GUEST_OS_ID		0x40000000

static void set_leaf(struct kvm_cpuid2 *cpuid, struct kvm_cpuid_entry2 leaf)
{
	u32 i;

	for (i = 0; i < cpuid->nent && cpuid->entries[i].function != leaf.function; i++)
		;
	if (i == cpuid->nent)
		cpuid->nent++;
	cpuid->entries[i] = leaf;
}

/* As KVM wants it to take hypercalls for Hyper-V's: its signature, and a guest that named itself */
static void be_hyperv(struct vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[128];
	} cpuid = { .head.nent = 126 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry os_id;
	} msrs = {
		.head.nmsrs = 1,
		.os_id = { .index = MSR_GUEST_OS_ID, .data = 0x8100000000000000 },
	};

	vcpu_ioctl(vcpu, KVM_GET_CPUID2, &cpuid);
	set_leaf(&cpuid.head, (struct kvm_cpuid_entry2){
		.function = 0x40000000,
		.eax = 0x40000001,
		.ebx = 0x7263694d, .ecx = 0x666f736f, .edx = 0x76482074, /* "Microsoft Hv" */
	});
	set_leaf(&cpuid.head, (struct kvm_cpuid_entry2){
		.function = 0x40000001,
		.eax = 0x31237648, /* "Hv#1" */
	});
	vcpu_ioctl(vcpu, KVM_SET_CPUID2, &cpuid);
	ASSERT_EQ(vcpu_ioctl(vcpu, KVM_SET_MSRS, &msrs), 1);
}

static struct vm *new_sender(int eventfd)
{
	struct kvm_hyperv_eventfd arg = { .conn_id = CONN_ID, .fd = eventfd };
	struct vm *tx = vm_create(1, 0);

	be_hyperv(&tx->vcpus[0]);
	vm_ioctl(tx, KVM_HYPERV_EVENTFD, &arg);
	bench_regs = (struct bench_regs){ .rcx = HVCALL_SIGNAL_EVENT | HVCALL_FAST, .rdx = CONN_ID };
	return tx;
}

void row_hyperv_eventfd(void)
{
	int eventfd = new_eventfd();
	struct vm *tx = new_sender(eventfd);

	ASSERT_EQ(bench_rings("hyperv_eventfd", &tx->vcpus[0], BENCH_HYPERCALL), 0);
	ASSERT_EQ(read_eventfd(eventfd), BENCH_SAMPLES);
}

void row_hyperv_irqfd_msi(void)
{
	struct vm *rx = bench_receiver(true), *tx;
	int eventfd = new_eventfd();

	vm_irqfd(rx, BENCH_GSI, eventfd);
	tx = new_sender(eventfd);
	ASSERT_EQ(bench_rings("hyperv_irqfd_msi", &tx->vcpus[0], BENCH_HYPERCALL), 0);
	ASSERT_TRUE(bench_is_raised(rx));
}

void row_hyperv_irqfd_pin(void)
{
	struct vm *rx = bench_receiver(false), *tx;
	int eventfd = new_eventfd();

	vm_irqfd(rx, BENCH_GSI, eventfd);
	tx = new_sender(eventfd);
	ASSERT_EQ(bench_rings_checked("hyperv_irqfd_pin", &tx->vcpus[0],
					BENCH_HYPERCALL, rx), 0);
}
