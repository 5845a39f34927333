/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* kvm-pvi example: ring and be rung, from a 64-bit guest in ring 0 */
#define KVM_HC_NOTIFY	0x50564902
#define KVM_HC_PVI_ARM	0x5056490d
#define KVM_PVI_EAGAIN	11
#define IOAPIC		0xfec00000
#define X2APIC_EOI	0x80b

	.text

/* Number in EAX, one argument in RBX; those that are not used are 0. Status in RAX. */
hypercall:
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	testb	$1, example_vmmcall(%rip)
	jz	1f
	vmmcall
	ret
1:	vmcall
	ret

/* long example64_ring(unsigned long port) */
	.globl	example64_ring
example64_ring:
	pushq	%rbx
	movq	%rdi, %rbx
1:	movl	$KVM_HC_NOTIFY, %eax		/* clears the upper half: all 64 bits count */
	call	hypercall
	cmpq	$-KVM_PVI_EAGAIN, %rax
	je	1b
	popq	%rbx
	ret

/* long example64_listen(unsigned long gsi, unsigned long vector) */
	.globl	example64_listen
example64_listen:
	pushq	%rbx
	movq	%rdi, %rbx
	movl	$IOAPIC, %edx
	leal	0x11(%rbx, %rbx), %ecx
	movl	%ecx, (%rdx)
	movl	$0, 0x10(%rdx)			/* to the CPU with APIC ID 0 */
	decl	%ecx
	movl	%ecx, (%rdx)
	movl	%esi, 0x10(%rdx)		/* fixed, edge, active high, not masked */
	movl	$KVM_HC_PVI_ARM, %eax
	call	hypercall
	popq	%rbx
	ret

/* The interrupt gate's handler, on an x2APIC */
	.globl	example64_handler
example64_handler:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	incl	example_rung(%rip)
	movl	$X2APIC_EOI, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq

/* long example64_wait(void): how often it was rung, once it was */
	.globl	example64_wait
example64_wait:
	cli
	movl	example_rung(%rip), %eax
	testl	%eax, %eax
	jnz	1f
	sti
	hlt					/* an interrupt is taken behind it at the earliest */
	jmp	example64_wait
1:	ret

	.bss
	.globl	example_rung
	.balign	4
example_rung:
	.long	0

	.section .note.GNU-stack, "", @progbits
