// SPDX-License-Identifier: GPL-2.0
/*
 * The examples of Documentation/virt/kvm/pvi do what it says they do.
 */
#include "example/example.h"
#include "pvi_test.h"

#define DIRECT	20
#define WIRED	21
#define VECTOR	0x40

static struct vm *rx, *tx;
static int rx_fd;
static u32 port;

/* Enrols a receiver and a sender that has a port to @gsi. */
static void enrol(u32 gsi)
{
	rx = vm_create(1, 0);
	tx = vm_create(1, 0);
	rx_fd = example_enrol_receiver(rx->fd, pvi_uuid[0], pvi_uuid[1], DIRECT, WIRED);
	ASSERT_GE(rx_fd, 0);
	ASSERT_GE(example_enrol_sender(tx->fd, pvi_uuid[1], pvi_uuid[0], gsi, &port), 0);
}

static __guest u64 detect(__attribute(unused) u64 arg)
{
	return example_detect();
}

static __guest u64 ring(u64 arg)
{
	return example_ring(arg);
}

static __guest u64 ring_uuid(u64 gsi)
{
	return example_ring_uuid(pvi_uuid[0], gsi);
}

static __guest u64 listen(u64 nth)
{
	guest_on_irq(VECTOR, example_handler);
	return example_listen(nth, VECTOR);
}

static __guest u64 wait_for(u64 mail)
{
	guest_irq_disable();
	while (READ_ONCE(example_seen) < mail)
		guest_irq_wait();
	return example_seen;
}

static void ring_in_c(u32 gsi, u32 nth)
{
	enrol(gsi);
	ASSERT_TRUE(vcpu_call(&rx->vcpus[0], detect, 0) & KVM_PVI_FEAT_RING);
	ASSERT_EQ(vcpu_call(&rx->vcpus[0], listen, nth), 0);
	ASSERT_TRUE(vcpu_call(&tx->vcpus[0], detect, 0) & KVM_PVI_FEAT_RING);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], ring, port), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_call(&rx->vcpus[0], wait_for, 1), 1);
}

static void test_direct(void)
{
	ring_in_c(DIRECT, 0);
}

static void test_wired(void)
{
	ring_in_c(WIRED, 1);
}

static void test_uuid(void)
{
	ring_in_c(DIRECT, 0);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], ring_uuid, DIRECT), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], ring_uuid, DIRECT + 2), -EPERM);
}

/* Unbound, a guest is told that there is nothing. */
static void test_absent(void)
{
	tx = vm_create(1, 0);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], detect, 0), 0);
}

static __guest u64 ring64(u64 arg)
{
	return example64_ring(arg);
}

static __guest u64 listen64(__attribute(unused) u64 arg)
{
	return example64_listen(DIRECT, VECTOR);
}

static __guest u64 wait64(__attribute(unused) u64 arg)
{
	return example64_wait();
}

static void test_asm64(void)
{
	u64 handler = (u64)example64_handler;

	enrol(DIRECT);
	vcpu_call(&tx->vcpus[0], detect, 0);
	guest_idt[VECTOR].offset_low = handler;
	guest_idt[VECTOR].offset_middle = handler >> 16;
	ASSERT_EQ(vcpu_call(&rx->vcpus[0], listen64, 0), 0);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], ring64, port), KVM_PVI_RAISED);
	ASSERT_GE(vcpu_call(&rx->vcpus[0], wait64, 0), 1);
}

/* Where 32-bit functions return to */
void example32_return(void);
asm(".code32; example32_return: outb %al, $0xe4; .code64");
_Static_assert(UCALL_PORT == 0xe4, "example32_return");

static u64 gdt32[] __aligned(16) = {
	[SEL_KCODE / 8] = 0x00cf9b000000ffff,
	[SEL_KDATA / 8] = 0x00cf93000000ffff,
};

static u64 idt32[256] __aligned(16);

static void set_protected_mode(struct vcpu *vcpu)
{
	struct kvm_sregs sregs;

	vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs.l = 0;
	sregs.cs.db = 1;
	sregs.cr0 = 0x11;
	sregs.cr3 = 0;
	sregs.cr4 = 0;
	sregs.efer = 0;
	sregs.gdt.base = (u64)gdt32;
	sregs.gdt.limit = sizeof(gdt32) - 1;
	sregs.idt.base = (u64)idt32;
	sregs.idt.limit = sizeof(idt32) - 1;
	vcpu_ioctl(vcpu, KVM_SET_SREGS, &sregs);
}

/* Calls a 32-bit function in protected mode; returns EAX. */
static s32 call32(struct vcpu *vcpu, void *fn, u32 arg0, u32 arg1)
{
	u32 frame[] = { (u64)example32_return, arg0, arg1 };
	struct kvm_regs regs = { .rip = (u64)fn, .rsp = 0x4000, .rflags = 2 };

	vcpu_settle(vcpu);
	set_protected_mode(vcpu);
	memcpy(vcpu->vm->low + regs.rsp, frame, sizeof(frame));
	vcpu_ioctl(vcpu, KVM_SET_REGS, &regs);
	ASSERT_EQ(__vcpu_run(vcpu), 0);
	if (vcpu->run->exit_reason != KVM_EXIT_IO || vcpu->run->io.port != UCALL_PORT)
		vcpu_fail(vcpu, "no return from 32-bit code");
	vcpu_ioctl(vcpu, KVM_GET_REGS, &regs);
	return regs.rax;
}

static void test_asm32(void)
{
	u64 handler = (u64)example32_handler;

	enrol(DIRECT);
	vcpu_call(&tx->vcpus[0], detect, 0);
	idt32[VECTOR] = (handler & 0xffff) | SEL_KCODE << 16 | 0x8eULL << 40 |
			(handler >> 16) << 48;
	ASSERT_EQ(call32(&rx->vcpus[0], example32_listen, DIRECT, VECTOR), 0);
	ASSERT_EQ(call32(&tx->vcpus[0], example32_ring, port, 0), KVM_PVI_RAISED);
	ASSERT_GE(call32(&rx->vcpus[0], example32_wait, 0, 0), 1);
}

static const struct test_case cases[] = {
	{ "direct", test_direct },
	{ "wired", test_wired },
	{ "uuid", test_uuid },
	{ "absent", test_absent },
	{ "asm64", test_asm64 },
	{ "asm32", test_asm32 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
