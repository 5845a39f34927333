// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: the guest's trap handler, and the tables that all VMs share */
#include <assert.h>
#include <cpuid.h>
#include <stddef.h>
#include <string.h>

#include "entry.h"
#include "vm.h"

static_assert(offsetof(struct guest_cpu, resume_rsp) == CPU_RESUME_RSP, "layout.h");
static_assert(offsetof(struct guest_cpu, user_stack_top) == CPU_USER_STACK, "layout.h");
static_assert(offsetof(struct guest_cpu, tss.rsp) == CPU_TSS_RSP0, "layout.h");
static_assert(sizeof(struct guest_cpu) <= CPU_SIZE, "layout.h");

#define PTE_USER_RW 0x7
#define PTE_LARGE 0x80
#define RFLAGS_IF 0x200
#define INSN_STI 0xfb
#define INSN_HLT 0xf4
#define RFLAGS_IOPL 0x3000ULL

u8 guest_has_vmmcall;
struct idt_gate guest_idt[256];

/* The first 4 GiB, in large pages */
static u64 pml4[512] __aligned(PAGE_SIZE);
static u64 pdpt[512] __aligned(PAGE_SIZE);
static u64 pd[4][512] __aligned(PAGE_SIZE);

__guest void guest_exit_with(u64 code)
{
	guest_exit(code);
}

/* Make the IRET of this trap the return from guest_user_call() */
static void leave_user(struct guest_cpu *cpu, struct trap_frame *frame)
{
	cpu->fault_vector = frame->vector == VEC_LEAVE_USER ? 0 : frame->vector;
	cpu->fault_ip = frame->rip;
	frame->rip = (u64)guest_user_resume;
	frame->cs = SEL_KCODE;
	frame->rflags &= ~RFLAGS_IOPL;
	frame->rsp = cpu->resume_rsp;
	frame->ss = SEL_KDATA;
}

static void take_irq(struct guest_cpu *cpu, u8 vector)
{
	cpu->irq_count[vector]++;
	if (cpu->irq_fn[vector])
		cpu->irq_fn[vector](vector);
	if (cpu->has_lapic && vector != VEC_SPURIOUS)
		guest_wrmsr(X2APIC_MSR(APIC_EOI), 0);
}

/*
 * QEMU's TCG forgets that no interrupt comes between STI and the instruction behind it, if L1 was
 * interrupted there. After that HLT would sleep though what it is to wait for has been.
 */
static bool before_sti_hlt_sleeps(const struct trap_frame *frame)
{
	const u8 *insn = (const u8 *)frame->rip;

	return insn[-1] == INSN_STI && insn[0] == INSN_HLT;
}

__guest void guest_trap(struct trap_frame *frame)
{
	struct guest_cpu *cpu = guest_this_cpu();
	u64 cr2;

	if (frame->vector == VEC_LEAVE_USER || (frame->vector < 32 && (frame->cs & 3))) {
		leave_user(cpu, frame);
		return;
	}
	if (frame->vector >= 32) {
		/*
		 * QEMU's TCG at times delivers what VMRUN injects a second time, up to the next
		 * #VMEXIT, which is the EOI's at the latest. No CPU interrupts with IF clear.
		 */
		if (frame->rflags & RFLAGS_IF)
			take_irq(cpu, frame->vector);
		if (!(frame->cs & 3) && before_sti_hlt_sleeps(frame))
			frame->rip++;
		return;
	}
	asm volatile("movq %%cr2, %0" : "=r" (cr2));
	guest_ucall(UCALL_TRAP, frame->vector, frame->error, frame->rip, cr2, 0);
}

static bool is_amd(void)
{
	u32 eax, ebx, ecx, edx;

	__cpuid(0, eax, ebx, ecx, edx);
	return ebx == signature_AMD_ebx || !memcmp(&ebx, "Hygo", 4);
}

static void set_gate(u8 vector, u64 handler, u8 dpl)
{
	guest_idt[vector] = (struct idt_gate){
		.offset_low = handler,
		.selector = SEL_KCODE,
		.type = 0x8e | dpl << 5,
		.offset_middle = handler >> 16,
		.offset_high = handler >> 32,
	};
}

/* Returns the guest's CR3 */
u64 guest_init_tables(void)
{
	unsigned int i;

	guest_has_vmmcall = is_amd();
	for (i = 0; i < 256; i++)
		set_gate(i, (u64)guest_entries[i], 0);
	set_gate(VEC_LEAVE_USER, (u64)guest_entries[VEC_LEAVE_USER], 3);
	pml4[0] = (u64)pdpt | PTE_USER_RW;
	for (i = 0; i < 4; i++)
		pdpt[i] = (u64)pd[i] | PTE_USER_RW;
	for (i = 0; i < 4 * 512; i++)
		pd[i / 512][i % 512] = (u64)i << 21 | PTE_USER_RW | PTE_LARGE;
	return (u64)pml4;
}
