/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: what 64-bit guest code calls. Nothing here may be called by the host side */
#ifndef PVI_TEST_GUEST_H
#define PVI_TEST_GUEST_H

#include "layout.h"
#include "types.h"

/* Marks a function that runs in a guest: no libc, no TLS, static data only */
#define __guest __attribute(noinline, used)

typedef u64 (*guest_fn)(u64 arg);
typedef void (*guest_irq_fn)(u8 vector);

struct tss64 {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 iomap_base;
} __packed;

/*
 * The guest's per-CPU data, at GS:0, in the VM's low memory. The host sees it as vcpu->cpu.
 *
 * @self:		guest address of this struct
 * @resume_rsp:		stack to go back to when ring 3 is left
 * @user_stack_top:	guest address
 * @tss:		RSP0 is set on each entry to ring 3
 * @id:			vCPU id, which is the APIC id as well
 * @fault_vector:	exception that ended guest_user_call(), 0 if none did
 * @fault_ip:		where it happened
 * @has_lapic:		EOI at the end of each interrupt
 * @irq_count:		interrupts taken, by vector
 * @irq_fn:		called in interrupt context before the EOI, by vector
 */
struct guest_cpu {
	u64 self;
	u64 resume_rsp;
	u64 user_stack_top;
	struct tss64 tss;
	u32 id;
	u32 fault_vector;
	u64 fault_ip;
	u64 has_lapic;
	u64 gdt[8];
	u64 irq_count[256];
	guest_irq_fn irq_fn[256];
	u8 user_stack[0x1000] __aligned(16);
	u8 stack[0x4000] __aligned(0x1000);
};

enum ucall_cmd {
	UCALL_SYNC = 1,		/* args: n */
	UCALL_EXIT,		/* args: code */
	UCALL_ASSERT,		/* args: file, line, expression, left, right */
	UCALL_TRAP,		/* args: vector, error code, RIP, CR2 */
	UCALL_HLT,		/* host side only: HLT without an in-kernel irqchip */
	UCALL_STOPPED,		/* host side only: vcpu_stop() */
};

extern u8 guest_has_vmmcall;

static inline void guest_ucall(u64 cmd, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	register u64 r8 asm("r8") = d;
	register u64 r9 asm("r9") = e;

	asm volatile("outb %%al, %[port]"
		     : : [port] "i" (UCALL_PORT), "a" (0), "D" (cmd), "S" (a), "d" (b), "c" (c),
			 "r" (r8), "r" (r9)
		     : "memory");
}

/* Tell the host to look; it may let the guest go on */
static inline void guest_sync(u64 n)
{
	guest_ucall(UCALL_SYNC, n, 0, 0, 0, 0);
}

/* End the guest, as returning from its function does */
static inline void guest_exit(u64 code)
{
	for (;;)
		guest_ucall(UCALL_EXIT, code, 0, 0, 0, 0);
}

#define GUEST_CMP(a, op, b)                                                   \
	do {                                                                  \
		long long __a = (long long)(a);                               \
		long long __b = (long long)(b);                               \
									      \
		if (!(__a op __b))                                            \
			guest_ucall(UCALL_ASSERT, (u64)__FILE__, __LINE__,    \
				    (u64)(#a " " #op " " #b), __a, __b);      \
	} while (0)

#define GUEST_ASSERT(cond) GUEST_CMP(!!(cond), ==, 1)
#define GUEST_ASSERT_EQ(a, b) GUEST_CMP(a, ==, b)
#define GUEST_ASSERT_NE(a, b) GUEST_CMP(a, !=, b)
#define GUEST_ASSERT_GE(a, b) GUEST_CMP(a, >=, b)

/* As the ABI has it: number in RAX, arguments in RBX, RCX, RDX, RSI; @rbx is in and out */
static inline u64 guest_hypercall_rbx(u64 nr, u64 *rbx, u64 a1, u64 a2, u64 a3)
{
	asm volatile("testb $1, %[amd]\n\t"
		     "jz 1f\n\t"
		     "vmmcall\n\t"
		     "jmp 2f\n"
		     "1:\tvmcall\n"
		     "2:"
		     : "+a" (nr), "+b" (*rbx)
		     : "c" (a1), "d" (a2), "S" (a3), [amd] "m" (guest_has_vmmcall)
		     : "memory", "cc");
	return nr;
}

static inline u64 guest_hypercall(u64 nr, u64 a0, u64 a1, u64 a2, u64 a3)
{
	return guest_hypercall_rbx(nr, &a0, a1, a2, a3);
}

static inline struct guest_cpu *guest_this_cpu(void)
{
	struct guest_cpu *cpu;

	asm volatile("movq %%gs:0, %0" : "=r" (cpu));
	return cpu;
}

static inline void guest_wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c" (msr), "a" ((u32)value), "d" (value >> 32) : "memory");
}

static inline u64 guest_rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a" (low), "=d" (high) : "c" (msr) : "memory");
	return low | (u64)high << 32;
}

static inline void guest_irq_enable(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void guest_irq_disable(void)
{
	asm volatile("cli" : : : "memory");
}

/* Sleep until an interrupt was taken; leaves them disabled, so that a check before it is safe */
static inline void guest_irq_wait(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

static inline void guest_pause(void)
{
	asm volatile("pause" : : : "memory");
}

static inline u64 guest_irq_count(u8 vector)
{
	return READ_ONCE(guest_this_cpu()->irq_count[vector]);
}

/* Sleep until @vector was taken @count times since the VM was made; interrupts end up disabled */
static inline void guest_wait_irqs(u8 vector, u64 count)
{
	guest_irq_disable();
	while (guest_irq_count(vector) < count)
		guest_irq_wait();
}

static inline void guest_on_irq(u8 vector, guest_irq_fn fn)
{
	guest_this_cpu()->irq_fn[vector] = fn;
}

#define X2APIC_MSR(reg)		(0x800 + ((reg) >> 4))
#define APIC_EOI		0xb0
#define APIC_SVR		0xf0
#define APIC_ISR		0x100
#define APIC_IRR		0x200
#define APIC_ICR		0x300
#define APIC_LVT0		0x350
#define APIC_SVR_ENABLE		0x100
#define APIC_LVT_MASKED		0x10000
#define APIC_LVT_EXTINT		0x700

static inline void guest_lapic_enable(void)
{
	guest_wrmsr(X2APIC_MSR(APIC_SVR), APIC_SVR_ENABLE | VEC_SPURIOUS);
}

static inline void guest_lapic_disable(void)
{
	guest_wrmsr(X2APIC_MSR(APIC_SVR), VEC_SPURIOUS);
}

/* A fixed IPI to one vCPU */
static inline void guest_ipi(u32 apic_id, u8 vector)
{
	guest_wrmsr(X2APIC_MSR(APIC_ICR), (u64)apic_id << 32 | vector);
}

/* A plain MOV, for KVM to emulate */
static inline void guest_mmio_write(u64 gpa, u32 value)
{
	asm volatile("movl %1, (%0)" : : "r" (gpa), "r" (value) : "memory");
}

#define IOAPIC_BASE	0xfec00000UL
#define IOAPIC_LEVEL	(1u << 15)
#define IOAPIC_MASKED	(1u << 16)

static inline void guest_ioapic_write(u8 reg, u32 value)
{
	guest_mmio_write(IOAPIC_BASE, reg);
	guest_mmio_write(IOAPIC_BASE + 0x10, value);
}

/* @flags: 0 is an edge pin, not masked */
static inline void guest_ioapic_set(u8 pin, u8 vector, u32 flags, u8 apic_id)
{
	guest_ioapic_write(0x10 + 2 * pin + 1, (u32)apic_id << 24);
	guest_ioapic_write(0x10 + 2 * pin, vector | flags);
}

/*
 * Call @fn in ring 3, on a stack of its own, with I/O ports open, and return what it returned.
 * An exception ends it; then fault_vector of guest_this_cpu() says which. Does not nest.
 */
u64 guest_user_call(guest_fn fn, u64 arg);

#endif
