/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* kvm-pvi example: ring and be rung, from a 32-bit guest in ring 0 */
#define KVM_HC_NOTIFY	0x50564902
#define KVM_HC_PVI_ARM	0x5056490d
#define KVM_PVI_EAGAIN	11
#define IOAPIC		0xfec00000
#define X2APIC_EOI	0x80b

	.text
	.code32

/* Number in EAX, one argument in EBX; those that are not used are 0. Status in EAX. */
hypercall:
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	testb	$1, example_vmmcall
	jz	1f
	vmmcall
	ret
1:	vmcall
	ret

/* long example32_ring(unsigned long port) */
	.globl	example32_ring
example32_ring:
	pushl	%ebx
	pushl	%esi
	movl	12(%esp), %ebx
1:	movl	$KVM_HC_NOTIFY, %eax
	call	hypercall
	cmpl	$-KVM_PVI_EAGAIN, %eax
	je	1b
	popl	%esi
	popl	%ebx
	ret

/* long example32_listen(unsigned long gsi, unsigned long vector) */
	.globl	example32_listen
example32_listen:
	pushl	%ebx
	pushl	%esi
	movl	12(%esp), %ebx
	movl	16(%esp), %eax
	movl	$IOAPIC, %edx
	leal	0x11(%ebx, %ebx), %ecx
	movl	%ecx, (%edx)
	movl	$0, 0x10(%edx)			/* to the CPU with APIC ID 0 */
	decl	%ecx
	movl	%ecx, (%edx)
	movl	%eax, 0x10(%edx)		/* fixed, edge, active high, not masked */
	movl	$KVM_HC_PVI_ARM, %eax
	call	hypercall
	popl	%esi
	popl	%ebx
	ret

/* The interrupt gate's handler, on an x2APIC */
	.globl	example32_handler
example32_handler:
	pushl	%eax
	pushl	%ecx
	pushl	%edx
	incl	example_rung
	movl	$X2APIC_EOI, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	popl	%edx
	popl	%ecx
	popl	%eax
	iret

/* long example32_wait(void): how often it was rung, once it was */
	.globl	example32_wait
example32_wait:
	cli
	movl	example_rung, %eax
	testl	%eax, %eax
	jnz	1f
	sti
	hlt					/* an interrupt is taken behind it at the earliest */
	jmp	example32_wait
1:	ret

	.section .note.GNU-stack, "", @progbits
