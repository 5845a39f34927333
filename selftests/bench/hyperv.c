// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: HvSignalEvent to a KVM_HYPERV_EVENTFD */
#include "bench.h"
#include "foreign.h"

#define CONN_ID			1
#define HVCALL_SIGNAL_EVENT	0x5d
#define HVCALL_FAST		(1 << 16)

static struct vm *new_sender(int eventfd)
{
	struct kvm_hyperv_eventfd arg = { .conn_id = CONN_ID, .fd = eventfd };
	struct vm *tx = vm_create(1, 0);

	vcpu_be_hyperv(&tx->vcpus[0]);
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
