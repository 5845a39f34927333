// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: rings of a guest in 32-bit protected mode without paging
 *
 * To skip a hypercall KVM's decoder fetches it through the guest's page tables, where there are
 * any. A guest without shows what the stock paths and ours come to when that costs less; being
 * 32-bit, it goes the way of any call in kvm_pvi, not the short one.
 */
#include "bench.h"

#define RING_SIZE 3

/* What differs between the two: a ring of RING_SIZE bytes, or as many bytes that do nothing */
static const u8 ring_none[RING_SIZE] = { 0x0f, 0x1f, 0x00 };
static const u8 ring_vmmcall[RING_SIZE] = { 0x0f, 0x01, 0xd9 };
static const u8 ring_vmcall[RING_SIZE] = { 0x0f, 0x01, 0xc1 };
static const u8 ring_out[RING_SIZE] = { 0xef, 0x66, 0x90 };	/* outl %eax, %dx */

struct flat_args flat_args;
static u64 samples[BENCH_SAMPLES];

/* EDI: where the samples go. There is no stack. */
asm(
	".pushsection .rodata\n"
	".code32\n"
	"flat_start:\n"
	"	movl flat_args + 4, %ebx\n"
	"	xorl %ecx, %ecx\n"
	"	xorl %esi, %esi\n"
	"1:	lfence\n"
	"	rdtsc\n"
	"	lfence\n"
	"	movl %eax, %ebp\n"
	"	movl flat_args, %eax\n"
	"	movl flat_args + 8, %edx\n"
	"	.byte 0x0f, 0x1f, 0x80, 1, 0x56, 0x49, 0x50\n"	/* bench_mark(1) */
	"flat_ring:\n"
	"	.skip 3\n"
	"	.byte 0x0f, 0x1f, 0x80, 2, 0x56, 0x49, 0x50\n"	/* bench_mark(2) */
	"	lfence\n"
	"	rdtsc\n"
	"	lfence\n"
	"	subl %ebp, %eax\n"
	"	movl %eax, (%edi)\n"
	"	addl $8, %edi\n"
	"	cmpl %edi, flat_args + 12\n"
	"	jne 1b\n"
	"	outb %al, $0xe4\n"
	"flat_end:\n"
	".code64\n"
	".popsection\n"
);

static u64 median_of(struct vcpu *vcpu, const u8 ring[RING_SIZE])
{
	struct kvm_regs regs = {
		.rip = LOW_CODE, .rdi = (u64)samples, .rflags = 0x2,
	};
	u8 *code = vcpu->vm->low + LOW_CODE;

	memcpy(code, flat_start, flat_end - flat_start);
	memcpy(code + (flat_ring - flat_start), ring, RING_SIZE);
	memset(samples, 0, sizeof(samples));
	vcpu_ioctl(vcpu, KVM_SET_REGS, &regs);
	ASSERT_EQ(__vcpu_run(vcpu), 0);
	if (vcpu->run->exit_reason != KVM_EXIT_IO || vcpu->run->io.port != UCALL_PORT)
		vcpu_fail(vcpu, "unexpected exit");
	vcpu_settle(vcpu);
	return bench_median(samples + BENCH_WARMUP, BENCH_RINGS);
}

/* What is in bench_regs, and nothing in the other registers */
static void measure(const char *name, struct vcpu *vcpu, const u8 ring[RING_SIZE])
{
	struct saved_mode saved;
	u64 exits, without, with;

	flat_args = (struct flat_args){
		.rax = bench_regs.rax, .rbx = bench_regs.rbx, .rdx = bench_regs.rdx,
		.end = (u32)(u64)&samples[BENCH_SAMPLES],
	};
	vcpu_mode_enter(vcpu, GUEST_PROT32, &saved);
	bench_be_idle(true);
	without = median_of(vcpu, ring_none);
	exits = vcpu_stat(vcpu, "exits");
	bench_begin_row(name);
	with = median_of(vcpu, ring);
	bench_end_row();
	exits = vcpu_stat(vcpu, "exits") - exits;
	bench_be_idle(false);
	vcpu_mode_leave(vcpu, &saved);
	bench_print_row(name, with - without, exits, 0);
}

static void hypercalls(const char *name, struct vm *vm)
{
	measure(name, &vm->vcpus[0], guest_has_vmmcall ? ring_vmmcall : ring_vmcall);
}

void row_flat_null(void)
{
	bench_regs = (struct bench_regs){ .rax = KVM_HC_VAPIC_POLL_IRQ };
	hypercalls("flat_null_not_loaded", vm_create(1, 0));
}

void row_flat_pio(void)
{
	struct vm *tx = vm_create(1, 0), *rx = bench_receiver(false);
	int eventfd = new_eventfd();

	bench_regs = (struct bench_regs){ .rdx = 0x300 };
	vm_ioeventfd_port(tx, bench_regs.rdx, 4, eventfd);
	vm_irqfd(rx, BENCH_GSI, eventfd);
	measure("flat_pio_irqfd_pin", &tx->vcpus[0], ring_out);
	ASSERT_TRUE(bench_is_raised(rx));
}

void row_flat_pvi(void)
{
	struct bench_pair p = bench_pair(false);

	bench_by_port(&p);
	hypercalls("flat_pvi_port_pin", p.tx);
	ASSERT_TRUE(bench_is_raised(p.rx));
}
