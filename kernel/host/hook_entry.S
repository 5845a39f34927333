/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pvi hook_entry - where kvm_emulate_hypercall() calls to
 *
 * Entered by the direct call at the ftrace site of kvm_emulate_hypercall(),
 * which has run nothing of its own yet: RDI is the vCPU, the stack holds the
 * return to the site and above it that to KVM. Not one of our numbers: go
 * back, KVM runs as always. One of ours: return into pvi_hook_hypercall()
 * instead, which then stands in the original's place. Only the low half of
 * the guest's RAX is looked at, since that is all a 32-bit guest has; the rest
 * is decided there.
 */
#include <linux/cfi_types.h>
#include <linux/linkage.h>
#include <asm/asm-offsets.h>
#include <asm/nospec-branch.h>
#include "pvi-asm-offsets.h"

#ifndef CALL_DEPTH_ACCOUNT
#define CALL_DEPTH_ACCOUNT
#endif

	.text

SYM_TYPED_FUNC_START(pvi_hook_trampoline)
	CALL_DEPTH_ACCOUNT
	movl	PVI_VCPU_RAX(%rdi), %eax
	subl	$PVI_HC_BASE, %eax
	cmpl	$PVI_HC_NR, %eax
	jb	1f
	RET
1:
	leaq	pvi_hook_hypercall(%rip), %rax
	movq	%rax, (%rsp)
	RET
SYM_FUNC_END(pvi_hook_trampoline)
