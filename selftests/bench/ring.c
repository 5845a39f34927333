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

/* A virtual GSI: the receiver's guest has named the MSI */
void row_pvi_virtual(void)
{
	struct vm *rx = vm_create(1, 0), *tx = vm_create(1, 0);
	int rx_fd = pvi_bind(rx, pvi_uuid[0]), tx_fd = pvi_bind(tx, pvi_uuid[1]);
	u32 gsi = KVM_PVI_GSI_VIRTUAL;
	struct bench_pair p = { .rx = rx, .tx = tx };

	pvi_expose(rx_fd, gsi, KVM_PVI_GSI_MSI);
	pvi_allow(rx_fd, pvi_uuid[1], gsi);
	ASSERT_EQ(pvi_call(rx_fd, KVM_HC_PVI_SET_MSI, gsi, 0xfee00000, BENCH_VECTOR, 0), 0);
	bench_regs = (struct bench_regs){
		.rax = KVM_HC_NOTIFY, .rbx = pvi_connect(tx_fd, pvi_uuid[0], gsi),
	};
	ring("pvi_port_virtual", &p);
	bench_regs = (struct bench_regs){
		.rax = KVM_HC_PVI, .rbx = (u64)pvi_uuid[0], .rcx = gsi,
	};
	ring("pvi_uuid_virtual", &p);
}

/* The flag clears itself when it has raised the interrupt, so that each ring raises one */
void row_pvi_bell(void)
{
	struct bench_pair p = bench_pair(true);
	u32 gsi = BENCH_GSI + 1, bell = 0;

	vm_route_msi(p.rx, gsi, 0, BENCH_VECTOR);
	pvi_expose(p.rx_fd, gsi, KVM_PVI_GSI_DIRECT);
	pvi_bell(p.rx_fd, bell, gsi);
	pvi_allow_bell(p.rx_fd, pvi_uuid[1], bell, 1);
	ASSERT_EQ(pvi_call(p.rx_fd, KVM_HC_BELL_MASK, bell, 1, 1, 0), 0);
	bench_regs = (struct bench_regs){
		.rax = KVM_HC_BELL_SEND, .rbx = pvi_connect(p.tx_fd, pvi_uuid[0], gsi), .rcx = 1,
	};
	ring("pvi_bell_msi", &p);
}

/* A port write, by way of a stock ioeventfd that is a source of ours */
void row_pvi_source(void)
{
	struct bench_pair p = bench_pair(true);
	u16 doorbell = 0x300;
	int eventfd = new_eventfd();

	vm_ioeventfd_port(p.tx, doorbell, 4, eventfd);
	pvi_wire_source(p.tx_fd, eventfd, pvi_connect(p.tx_fd, pvi_uuid[0], BENCH_GSI));
	bench_regs = (struct bench_regs){ .rdx = doorbell };
	bench_rings_checked("pvi_source_msi", &p.tx->vcpus[0], BENCH_OUT, p.rx);
}

/* As many receivers as one NOTIFY_MANY reaches, one by one and at once */
void row_pvi_many(void)
{
	struct vm *rx[KVM_PVI_MANY_MAX], *tx = vm_create(1, 0);
	int fd, tx_fd = pvi_bind(tx, pvi_uuid[1]);
	u32 i;

	for (i = 0; i < KVM_PVI_MANY_MAX; i++) {
		rx[i] = bench_receiver(true);
		fd = pvi_bind(rx[i], bench_uuid[i]);
		pvi_expose(fd, BENCH_GSI, KVM_PVI_GSI_DIRECT);
		pvi_allow(fd, pvi_uuid[1], BENCH_GSI);
		ASSERT_EQ(pvi_connect(tx_fd, bench_uuid[i], BENCH_GSI), i);
	}
	bench_regs = (struct bench_regs){ .rax = KVM_HC_NOTIFY };
	ASSERT_EQ(bench_rings("pvi_port_msi_64_times", &tx->vcpus[0], BENCH_HYPERCALLS),
		  KVM_PVI_RAISED);
	for (i = 0; i < KVM_PVI_MANY_MAX; i++)
		bench_clear_raised(rx[i]);
	bench_regs = (struct bench_regs){ .rax = KVM_HC_NOTIFY_MANY, .rcx = ~0ULL };
	ASSERT_EQ(bench_rings("pvi_many_msi_64", &tx->vcpus[0], BENCH_HYPERCALL), 64);
	for (i = 0; i < KVM_PVI_MANY_MAX; i++)
		ASSERT_TRUE(bench_is_raised(rx[i]));
}
