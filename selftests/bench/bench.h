/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi bench: what a ring costs, counted by the sender's own TSC
 *
 * A row is a test case: it sets a path up, lets a guest ring BENCH_WARMUP + BENCH_RINGS times and
 * checks that the rings came through. A guest reads the TSC before and after each ring, so a
 * figure is all that happened between two instructions of the sender. In the counting rig the TSC
 * counts instructions, of host and guest together; on other machines it counts cycles.
 */
#ifndef PVI_BENCH_H
#define PVI_BENCH_H

#include "pvi_test.h"

#define BENCH_WARMUP	256
#define BENCH_RINGS	1024

#define BENCH_GSI	20	/* of an IOAPIC pin or, when routed so, of an MSI */
#define BENCH_VECTOR	0x60

/* What a bench guest rings with; filled by the host, read by the guest */
struct bench_regs {
	u64 rax, rbx, rcx, rdx, rsi, rdi;
};

extern struct bench_regs bench_regs;

/* Guest code: rings with bench_regs, returns RAX of the last */
u64 bench_guest_hypercall(u64 arg);
/* Write RAX to port RDX, 4 bytes, or to the address in RDI, 8 bytes */
u64 bench_guest_out(u64 arg);
u64 bench_guest_mmio(u64 arg);

/* Ends an exit to userspace that is not the guest's end */
typedef void (*bench_exit_fn)(void *data);

/* Rings on @vcpu, prints the figures of this row and returns what the guest returned */
u64 bench_rings(const char *row, struct vcpu *vcpu, guest_fn guest, bench_exit_fn on_exit, void *data);

/* The receiver's LAPIC holds BENCH_VECTOR, and drops it */
void bench_assert_raised(struct vm *rx);

void bench_load_module(void);

#endif
