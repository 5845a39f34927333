// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: vCPUs in 64-bit mode, and running them */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "entry.h"
#include "vm.h"

#define CR0_PE_MP_ET_NE_PG	0x80000033
#define CR4_PAE			0x20
#define EFER_LME_LMA		0x500
#define RFLAGS_FIXED		0x2
#define APIC_BASE_ENABLE	0x800
#define APIC_BASE_X2APIC	0x400

#define MAX_CPUID 256

static void set_cpuid(struct vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[MAX_CPUID];
	} cpuid = { .head.nent = MAX_CPUID };
	u32 i;

	test_ioctl(__FILE__, __LINE__, "KVM_GET_SUPPORTED_CPUID", kvm_dev_fd(),
		   KVM_GET_SUPPORTED_CPUID, &cpuid);
	for (i = 0; i < cpuid.head.nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid.entries[i];

		if (entry->function == 0x1)
			entry->ebx = (entry->ebx & 0xffffff) | vcpu->id << 24;
		if (entry->function == 0xb || entry->function == 0x1f)
			entry->edx = vcpu->id;
	}
	vcpu_ioctl(vcpu, KVM_SET_CPUID2, &cpuid);
}

static struct kvm_segment flat_segment(u16 selector, u8 type, u8 dpl)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.dpl = dpl,
		.db = 1,
		.s = 1,
		.g = 1,
	};
}

/* What the descriptors below say, for IRET and the IDT to load */
static void fill_cpu(struct vcpu *vcpu, u64 gpa)
{
	struct guest_cpu *cpu = vcpu->cpu;
	u64 tss = gpa + offsetof(struct guest_cpu, tss);

	cpu->self = gpa;
	cpu->id = vcpu->id;
	cpu->user_stack_top = gpa + offsetof(struct guest_cpu, user_stack) +
			      sizeof(cpu->user_stack);
	cpu->has_lapic = !(vcpu->vm->flags & VM_NO_IRQCHIP);
	cpu->tss.iomap_base = sizeof(cpu->tss);
	cpu->gdt[SEL_KCODE / 8] = 0x00af9b000000ffff;
	cpu->gdt[SEL_KDATA / 8] = 0x00cf93000000ffff;
	cpu->gdt[SEL_UDATA / 8] = 0x00cff3000000ffff;
	cpu->gdt[SEL_UCODE / 8] = 0x00affb000000ffff;
	cpu->gdt[SEL_TSS / 8] = 0x00008b0000000000 | (sizeof(cpu->tss) - 1) |
				(tss & 0xffffff) << 16;
}

static void set_sregs(struct vcpu *vcpu)
{
	u64 gpa = vcpu->cpu->self;
	struct kvm_sregs sregs;

	vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs = flat_segment(SEL_KCODE, 0xb, 0);
	sregs.cs.db = 0;
	sregs.cs.l = 1;
	sregs.ss = flat_segment(SEL_KDATA, 0x3, 0);
	/* DPL 3: an IRET to ring 3 leaves them, and with it the base of GS, as they are */
	sregs.ds = flat_segment(SEL_UDATA, 0x3, 3);
	sregs.es = sregs.ds;
	sregs.fs = sregs.ds;
	sregs.gs = sregs.ds;
	sregs.gs.base = gpa;
	sregs.tr = (struct kvm_segment){
		.base = gpa + offsetof(struct guest_cpu, tss),
		.limit = sizeof(vcpu->cpu->tss) - 1,
		.selector = SEL_TSS,
		.type = 0xb,
		.present = 1,
	};
	sregs.gdt.base = gpa + offsetof(struct guest_cpu, gdt);
	sregs.gdt.limit = sizeof(vcpu->cpu->gdt) - 1;
	sregs.idt.base = (u64)guest_idt;
	sregs.idt.limit = sizeof(guest_idt) - 1;
	sregs.cr0 = CR0_PE_MP_ET_NE_PG;
	sregs.cr3 = vcpu->vm->cr3;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME_LMA;
	if (vcpu->cpu->has_lapic)
		sregs.apic_base |= APIC_BASE_ENABLE | APIC_BASE_X2APIC;
	vcpu_ioctl(vcpu, KVM_SET_SREGS, &sregs);
}

/* KVM leaves LINT0 open to the 8259, which nobody has set up */
static void enable_lapic(struct vcpu *vcpu)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[2];
	} msrs = {
		.head.nmsrs = 2,
		.entries = {
			{ .index = X2APIC_MSR(APIC_SVR), .data = APIC_SVR_ENABLE | VEC_SPURIOUS },
			{ .index = X2APIC_MSR(APIC_LVT0), .data = APIC_LVT_MASKED },
		},
	};

	ASSERT_EQ(vcpu_ioctl(vcpu, KVM_SET_MSRS, &msrs), 2);
}

struct vcpu *vm_vcpu_add(struct vm *vm, u32 id)
{
	u64 gpa = LOW_CPUS + (u64)vm->nr_vcpus * CPU_SIZE;
	struct vcpu *vcpu;
	int run_size;

	ASSERT_LT(vm->nr_vcpus, MAX_VCPUS);
	vcpu = &vm->vcpus[vm->nr_vcpus++];
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = vm_ioctl(vm, KVM_CREATE_VCPU, (u64)id);
	run_size = ioctl(kvm_dev_fd(), KVM_GET_VCPU_MMAP_SIZE, 0);
	vcpu->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		TEST_FAIL("mmap of struct kvm_run: %s", strerror(errno));
	vcpu->cpu = vm->low + gpa;
	fill_cpu(vcpu, gpa);
	set_cpuid(vcpu);
	set_sregs(vcpu);
	if (vcpu->cpu->has_lapic && !(vm->flags & VM_NO_LAPIC_ENABLE))
		enable_lapic(vcpu);
	return vcpu;
}

void vcpu_start(struct vcpu *vcpu, guest_fn fn, u64 arg)
{
	u64 top = vcpu->cpu->self + offsetof(struct guest_cpu, stack) + sizeof(vcpu->cpu->stack);
	struct kvm_regs regs = {
		.rip = (u64)fn,
		.rdi = arg,
		.rsp = top - 24,
		.rflags = RFLAGS_FIXED,
	};

	vcpu_settle(vcpu);
	*(u64 *)(vcpu->vm->low + regs.rsp) = (u64)guest_return;
	vcpu_ioctl(vcpu, KVM_SET_REGS, &regs);
}

static void find_bits(const struct kvm_lapic_state *lapic, u32 reg, char *text, size_t size)
{
	u32 vector, word, len = 0;

	text[0] = 0;
	for (vector = 0; vector < 256; vector++) {
		memcpy(&word, lapic->regs + reg + vector / 32 * 16, sizeof(word));
		if (word & 1u << vector % 32)
			len += snprintf(text + len, size - len, " %x", vector);
		if (len >= size)
			break;
	}
}

static void print_interrupts(struct vcpu *vcpu)
{
	struct kvm_mp_state state = {};
	struct kvm_lapic_state lapic;
	char irr[128], isr[128];

	if (__vcpu_ioctl(vcpu, KVM_GET_LAPIC, &lapic))
		return;
	__vcpu_ioctl(vcpu, KVM_GET_MP_STATE, &state);
	find_bits(&lapic, APIC_IRR, irr, sizeof(irr));
	find_bits(&lapic, APIC_ISR, isr, sizeof(isr));
	test_diag("mp_state %u, IRR%s, ISR%s", state.mp_state, irr, isr);
}

void vcpu_fail(struct vcpu *vcpu, const char *what)
{
	struct kvm_regs regs = {};
	struct kvm_sregs sregs = {};
	struct kvm_run *run = vcpu->run;

	__vcpu_ioctl(vcpu, KVM_GET_REGS, &regs);
	__vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs);
	test_diag("vCPU %u: exit reason %u, rip %llx rsp %llx rflags %llx cs %x cr2 %llx", vcpu->id,
		  run->exit_reason, regs.rip, regs.rsp, regs.rflags, sregs.cs.selector, sregs.cr2);
	test_diag("rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx", regs.rax, regs.rbx,
		  regs.rcx, regs.rdx, regs.rsi, regs.rdi);
	print_interrupts(vcpu);
	if (run->exit_reason == KVM_EXIT_MMIO)
		test_diag("no memory at gpa 0x%llx: guests see static data only",
			  run->mmio.phys_addr);
	TEST_FAIL("vCPU %u: %s", vcpu->id, what);
}

int __vcpu_run(struct vcpu *vcpu)
{
	return __test_ioctl(vcpu->fd, KVM_RUN, NULL);
}

void vcpu_settle(struct vcpu *vcpu)
{
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };

	vcpu->run->immediate_exit = 1;
	ASSERT_EQ(__vcpu_run(vcpu), -EINTR);
	vcpu->run->immediate_exit = 0;
	vcpu_ioctl(vcpu, KVM_SET_MP_STATE, &runnable);
}

static bool is_ucall_exit(const struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_OUT &&
	       run->io.port == UCALL_PORT;
}

static struct ucall read_ucall(struct vcpu *vcpu)
{
	struct kvm_regs regs;

	vcpu_ioctl(vcpu, KVM_GET_REGS, &regs);
	return (struct ucall){
		.cmd = regs.rdi,
		.args = { regs.rsi, regs.rdx, regs.rcx, regs.r8, regs.r9 },
	};
}

static void check_ucall(struct vcpu *vcpu, const struct ucall *call)
{
	const u64 *args = call->args;

	switch (call->cmd) {
	case UCALL_SYNC:
	case UCALL_EXIT:
		return;
	case UCALL_ASSERT:
		__test_cmp_fail((const char *)args[0], args[1], (const char *)args[2],
				args[3], args[4]);
	case UCALL_TRAP:
		test_diag("exception %llu in the guest: error 0x%llx, rip 0x%llx, cr2 0x%llx",
			  args[0], args[1], args[2], args[3]);
		vcpu_fail(vcpu, "exception in the guest");
	default:
		vcpu_fail(vcpu, "a port write that is no ucall");
	}
}

static bool served_mmio(struct vcpu *vcpu)
{
	if (vcpu->run->exit_reason != KVM_EXIT_MMIO || !vcpu->vm->mmio)
		return false;
	vcpu->vm->mmio(vcpu);
	return true;
}

struct ucall vcpu_run(struct vcpu *vcpu)
{
	struct ucall call = { .cmd = UCALL_HLT };
	int ret;

	for (;;) {
		ret = __vcpu_run(vcpu);
		if (__atomic_load_n(&vcpu->stop, __ATOMIC_ACQUIRE))
			return (struct ucall){ .cmd = UCALL_STOPPED };
		if (!ret && !served_mmio(vcpu))
			break;
		/* EAGAIN: an INIT or SIPI changed the state of a vCPU that was waiting for one */
		if (ret && ret != -EINTR && ret != -EAGAIN)
			vcpu_fail(vcpu, strerror(-ret));
	}
	if (vcpu->run->exit_reason == KVM_EXIT_HLT)
		return call;
	if (!is_ucall_exit(vcpu->run))
		vcpu_fail(vcpu, "unexpected exit");
	call = read_ucall(vcpu);
	check_ucall(vcpu, &call);
	return call;
}

u64 vcpu_call(struct vcpu *vcpu, guest_fn fn, u64 arg)
{
	struct ucall call;

	vcpu_start(vcpu, fn, arg);
	do {
		call = vcpu_run(vcpu);
	} while (call.cmd == UCALL_SYNC);
	if (call.cmd != UCALL_EXIT)
		vcpu_fail(vcpu, "the guest did not reach its end");
	return call.args[0];
}
