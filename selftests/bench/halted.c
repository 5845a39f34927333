// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: rings to a receiver that sleeps in HLT, so that each wakes its vCPU's thread
 *
 * They have no figures. With plugin/rings.c, profile.sh --held shows how long the host can not be preempted.
 */
#include "bench.h"

static __guest u64 guest_sleep(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(BENCH_VECTOR, count);
	return 0;
}

static void ring_halted(const char *name, struct vm *tx, struct vm *rx, enum bench_op op)
{
	/* The sender is idle to the host: who is woken goes first, and nearly each ring finds it asleep. */
	vcpu_run_thread(&rx->vcpus[0], guest_sleep, BENCH_SAMPLES + 1);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	bench_be_idle(true);
	bench_begin_row(name);
	bench_rings_uncounted(&tx->vcpus[0], op);
	bench_end_row();
	bench_be_idle(false);
	vcpu_stop(&rx->vcpus[0]);
	ASSERT_GT(vcpu_irq_count(&rx->vcpus[0], BENCH_VECTOR), BENCH_RINGS / 2);
}

void row_halted(void)
{
	struct bench_pair p = bench_pair(true);

	bench_by_port(&p);
	ring_halted("pvi_port_halted", p.tx, p.rx, BENCH_HYPERCALL);
}

/* A port write, KVM_IOEVENTFD and KVM_IRQFD: no part of it is ours */
void row_irqfd_halted(void)
{
	struct vm *tx = vm_create(1, 0), *rx = bench_receiver(true);
	int eventfd = new_eventfd();
	u16 doorbell = 0x300;

	vm_ioeventfd_port(tx, doorbell, 4, eventfd);
	vm_irqfd(rx, BENCH_GSI, eventfd);
	bench_regs = (struct bench_regs){ .rdx = doorbell };
	ring_halted("pio_irqfd_halted", tx, rx, BENCH_OUT);
}
