/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: the guest's exception and interrupt entries, and the way to ring 3 and back */
#include "layout.h"

	.text

/* 256 entries of 16 bytes: push what the CPU did not (an error code), then the vector */
	.globl	guest_entries
	.balign	16
guest_entries:
	.set	vector, 0
	.rept	256
	.balign	16
	/* 8, 10 to 14, 17, 21, 29 and 30 come with one */
	.if vector >= 32
	pushq	$0
	.elseif !((0x60227d00 >> vector) & 1)
	pushq	$0
	.endif
	pushq	$vector
	jmp	common_entry
	.set	vector, vector + 1
	.endr

common_entry:
	pushq	%rax
	pushq	%rbx
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%rbp
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	cld
	movq	%rsp, %rdi
	movq	%rsp, %rbx
	andq	$-16, %rsp
	call	guest_trap
	movq	%rbx, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rbp
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rbx
	popq	%rax
	addq	$16, %rsp
	iretq

/* u64 guest_user_call(guest_fn fn, u64 arg) */
	.globl	guest_user_call
guest_user_call:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%gs:0, %rdx
	movq	%rsp, CPU_RESUME_RSP(%rdx)
	movq	%rsp, CPU_TSS_RSP0(%rdx)
	movq	%rdi, %rax
	movq	%rsi, %rdi
	pushq	$SEL_UDATA
	pushq	CPU_USER_STACK(%rdx)
	pushfq
	orq	$0x3000, (%rsp)			/* IOPL 3: ring 3 may ucall */
	pushq	$SEL_UCODE
	pushq	$user_entry
	iretq

user_entry:
	call	*%rax
	int	$VEC_LEAVE_USER

/* guest_trap() returns here on resume_rsp, with the result in RAX */
	.globl	guest_user_resume
guest_user_resume:
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

/* Where a guest function returns to */
	.globl	guest_return
guest_return:
	movq	%rax, %rdi
	call	guest_exit_with

	.section .note.GNU-stack, "", @progbits
