/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: what no C file defines, and what only entry.S calls */
#ifndef PVI_TEST_ENTRY_H
#define PVI_TEST_ENTRY_H

#include "types.h"

/* What common_entry pushes, above what the CPU does */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* The linker's marks of the program's image */
extern char __executable_start[];
extern char _end[];

extern u8 guest_entries[256][16];
void guest_user_resume(void);
void guest_return(void);

void guest_trap(struct trap_frame *frame);
void guest_exit_with(u64 code);

#endif
