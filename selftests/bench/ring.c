// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: our rings */
#include "bench.h"

void row_pvi_eventfd(void)
{
	struct vm *tx = vm_create(1, 0);
	int fd = pvi_bind(tx, pvi_uuid[1]), eventfd = new_eventfd();

	bench_regs = (struct bench_regs){ .rax = KVM_HC_NOTIFY, .rbx = pvi_set_port(fd, eventfd) };
	ASSERT_EQ(bench_rings("pvi_eventfd", &tx->vcpus[0], BENCH_HYPERCALL), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(eventfd), BENCH_SAMPLES);
}

/* The VMM's own irqfd behind our port */
void row_pvi_irqfd_msi(void)
{
	struct vm *tx = vm_create(1, 0), *rx = bench_receiver(true);
	int fd = pvi_bind(tx, pvi_uuid[1]), eventfd = new_eventfd();

	vm_irqfd(rx, BENCH_GSI, eventfd);
	bench_regs = (struct bench_regs){ .rax = KVM_HC_NOTIFY, .rbx = pvi_set_port(fd, eventfd) };
	ASSERT_EQ(bench_rings("pvi_irqfd_msi", &tx->vcpus[0], BENCH_HYPERCALL), KVM_PVI_RAISED);
	ASSERT_TRUE(bench_is_raised(rx));
}

static void ring(const char *name, struct bench_pair *p)
{
	ASSERT_EQ(bench_rings_checked(name, &p->tx->vcpus[0], BENCH_HYPERCALL, p->rx),
		  KVM_PVI_RAISED);
}

void row_pvi_port_msi(void)
{
	struct bench_pair p = bench_pair(true);

	bench_by_port(&p);
	ring("pvi_port_msi", &p);
}

void row_pvi_uuid_msi(void)
{
	struct bench_pair p = bench_pair(true);

	bench_by_uuid();
	ring("pvi_uuid_msi", &p);
}

void row_pvi_port_pin(void)
{
	struct bench_pair p = bench_pair(false);

	bench_by_port(&p);
	ring("pvi_port_pin", &p);
}

void row_pvi_uuid_pin(void)
{
	struct bench_pair p = bench_pair(false);

	bench_by_uuid();
	ring("pvi_uuid_pin", &p);
}
