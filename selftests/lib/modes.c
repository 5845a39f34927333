// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: one instruction, a hypercall or a port write, in any mode of the CPU */
#include <string.h>

#include "vm.h"

#define CR0_PE_ET	0x11
#define CR0_ET		0x10
#define RFLAGS_FIXED	0x2
#define RFLAGS_IOPL3	0x3000

const char *const guest_mode_name[NR_GUEST_MODES] = {
	[GUEST_REAL16] = "real16",
	[GUEST_PROT16] = "prot16",
	[GUEST_PROT32] = "prot32",
	[GUEST_COMPAT32] = "compat32",
	[GUEST_LONG64] = "long64",
	[GUEST_USER32] = "user32",
	[GUEST_USER_COMPAT32] = "user_compat32",
	[GUEST_USER64] = "user64",
};

/* The instruction, then: outb %al, $UCALL_PORT. These bytes mean the same in every mode */
static void write_code(struct vm *vm, const u8 *insn, size_t len)
{
	u8 *code = vm->low + LOW_CODE;

	memcpy(code, insn, len);
	code[len] = 0xe6;
	code[len + 1] = UCALL_PORT;
}

static void set_privilege(struct kvm_sregs *sregs, u8 dpl)
{
	sregs->cs.dpl = dpl;
	sregs->ss.dpl = dpl;
	sregs->cs.selector = dpl ? SEL_UCODE : SEL_KCODE;
	sregs->ss.selector = dpl ? SEL_UDATA : SEL_KDATA;
}

static void set_real(struct kvm_sregs *sregs)
{
	struct kvm_segment *segments[] = {
		&sregs->cs, &sregs->ss, &sregs->ds, &sregs->es, &sregs->fs, &sregs->gs
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(segments); i++)
		*segments[i] = (struct kvm_segment){
			.limit = 0xffff,
			.type = segments[i] == &sregs->cs ? 0xb : 0x3,
			.present = 1,
			.s = 1,
		};
	sregs->idt.base = 0;
	sregs->idt.limit = 0x3ff;
}

static void leave_long_mode(struct kvm_sregs *sregs, u64 cr0)
{
	sregs->cr0 = cr0;
	sregs->cr3 = 0;
	sregs->cr4 = 0;
	sregs->efer = 0;
}

/* @sregs come in as those of 64-bit mode */
static void set_mode(struct kvm_sregs *sregs, enum guest_mode mode)
{
	set_privilege(sregs, guest_mode_is_user(mode) ? 3 : 0);
	if (guest_mode_is_64bit(mode))
		return;
	sregs->cs.l = 0;
	sregs->cs.db = mode != GUEST_PROT16;
	if (mode == GUEST_COMPAT32 || mode == GUEST_USER_COMPAT32)
		return;
	leave_long_mode(sregs, mode == GUEST_REAL16 ? CR0_ET : CR0_PE_ET);
	if (mode == GUEST_REAL16)
		set_real(sregs);
}

static void check_unchanged(enum guest_mode mode, struct kvm_regs before, struct kvm_regs after)
{
	static const char *const names[] = {
		"RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RSP", "RBP", "R8", "R9", "R10", "R11",
		"R12", "R13", "R14", "R15", "RIP", "RFLAGS"
	};
	const u64 *old = (const u64 *)&before, *new = (const u64 *)&after;
	size_t i;

	before.rax = after.rax;
	before.rbx = after.rbx;
	before.rip = after.rip;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (old[i] != new[i])
			TEST_FAIL("%s: the instruction changed %s from 0x%llx to 0x%llx",
				  guest_mode_name[mode], names[i], old[i], new[i]);
}

void vcpu_mode_enter(struct vcpu *vcpu, enum guest_mode mode, struct saved_mode *saved)
{
	const u8 hypercall[] = { 0x0f, 0x01, guest_has_vmmcall ? 0xd9 : 0xc1 };
	struct kvm_sregs sregs;

	vcpu_settle(vcpu);
	vcpu_ioctl(vcpu, KVM_GET_SREGS, &saved->sregs);
	vcpu_ioctl(vcpu, KVM_GET_REGS, &saved->regs);
	saved->mode = mode;
	sregs = saved->sregs;
	set_mode(&sregs, mode);
	write_code(vcpu->vm, hypercall, sizeof(hypercall));
	vcpu_ioctl(vcpu, KVM_SET_SREGS, &sregs);
	vcpu->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
}

void vcpu_mode_leave(struct vcpu *vcpu, const struct saved_mode *saved)
{
	vcpu->run->kvm_valid_regs = 0;
	vcpu_settle(vcpu);
	vcpu_ioctl(vcpu, KVM_SET_SREGS, &saved->sregs);
	vcpu_ioctl(vcpu, KVM_SET_REGS, &saved->regs);
}

u64 vcpu_mode_hypercall(struct vcpu *vcpu, const struct saved_mode *saved, struct hcall *regs)
{
	/* Registers come and go in struct kvm_run: one system call each */
	struct kvm_regs *run_regs = &vcpu->run->s.regs.regs;
	const struct kvm_regs in = {
		.rax = regs->rax, .rbx = regs->rbx, .rcx = regs->rcx, .rdx = regs->rdx,
		.rsi = regs->rsi, .rdi = 0x1111000022220000, .rbp = 0x3333000044440000,
		.rsp = LOW_CODE, .r8 = 8, .r9 = 9, .r10 = 10, .r11 = 11, .r12 = 12, .r13 = 13,
		.r14 = 14, .r15 = 15, .rip = LOW_CODE, .rflags = RFLAGS_FIXED | RFLAGS_IOPL3,
	};

	*run_regs = in;
	vcpu->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	ASSERT_EQ(__vcpu_run(vcpu), 0);
	if (vcpu->run->exit_reason != KVM_EXIT_IO || vcpu->run->io.port != UCALL_PORT)
		vcpu_fail(vcpu, guest_mode_name[saved->mode]);
	check_unchanged(saved->mode, in, *run_regs);
	regs->rax = run_regs->rax;
	regs->rbx = run_regs->rbx;
	return regs->rax;
}

u64 vcpu_hypercall_in_mode(struct vcpu *vcpu, enum guest_mode mode, struct hcall *regs)
{
	struct saved_mode saved;

	vcpu_mode_enter(vcpu, mode, &saved);
	vcpu_mode_hypercall(vcpu, &saved, regs);
	vcpu_mode_leave(vcpu, &saved);
	return regs->rax;
}

void vcpu_outb_in_mode(struct vcpu *vcpu, enum guest_mode mode, u16 port, u8 value)
{
	struct hcall regs = { .rax = value, .rdx = port };
	const u8 outb[] = { 0xee };
	struct saved_mode saved;

	vcpu_mode_enter(vcpu, mode, &saved);
	write_code(vcpu->vm, outb, sizeof(outb));
	vcpu_mode_hypercall(vcpu, &saved, &regs);
	vcpu_mode_leave(vcpu, &saved);
}
