/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: VMs and vCPUs over raw KVM ioctls */
#ifndef PVI_TEST_VM_H
#define PVI_TEST_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "guest.h"
#include "tap.h"

/* vm_create() flags; none is an in-kernel irqchip, and local APICs enabled in x2APIC mode */
#define VM_NO_IRQCHIP		(1u << 0)
#define VM_SPLIT_IRQCHIP	(1u << 1)
#define VM_NO_LAPIC_ENABLE	(1u << 2)	/* leave APICs disabled by software, as at reset */

#define MAX_ROUTES 96

struct idt_gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

struct ucall {
	u64 cmd;		/* enum ucall_cmd */
	u64 args[5];
};

/*
 * @cpu:	the guest's view of this vCPU, through the host's mapping
 * @synced:	last value of guest_sync() seen by the vCPU's thread
 * @running:	a thread of vcpu_run_thread() has not been joined
 */
struct vcpu {
	struct vm *vm;
	int fd;
	u32 id;
	struct kvm_run *run;
	struct guest_cpu *cpu;
	pthread_t thread;
	bool running;
	bool stop;
	u64 synced;
	struct ucall end;
};

/*
 * @low:	the host's mapping of guest-physical 0 to LOW_SIZE
 * @routes:	the GSI routing last set; starts as KVM's own: IOAPIC pins 0 to 23 at GSI 0 to 23,
 *		and those of the 8259 at GSI 0 to 15
 * @mmio:	serves accesses to where no memory is, if the test sets it; they fail the test else
 */
struct vm {
	int fd;
	unsigned int flags;
	void *low;
	u64 cr3;
	u32 nr_slots;
	u32 nr_vcpus;
	struct vcpu vcpus[MAX_VCPUS];
	u32 nr_routes;
	struct kvm_irq_routing_entry routes[MAX_ROUTES];
	void (*mmio)(struct vcpu *vcpu);
};

/* ioctl pairs: __x() returns -errno, x() fails the test */
int __test_ioctl(int fd, unsigned long cmd, void *arg);
int test_ioctl(const char *file, int line, const char *name, int fd, unsigned long cmd, void *arg);

#define __vm_ioctl(vm, cmd, arg) __test_ioctl((vm)->fd, cmd, (void *)(arg))
#define vm_ioctl(vm, cmd, arg) \
	test_ioctl(__FILE__, __LINE__, #cmd, (vm)->fd, cmd, (void *)(arg))
#define __vcpu_ioctl(vcpu, cmd, arg) __test_ioctl((vcpu)->fd, cmd, (void *)(arg))
#define vcpu_ioctl(vcpu, cmd, arg) \
	test_ioctl(__FILE__, __LINE__, #cmd, (vcpu)->fd, cmd, (void *)(arg))

/* vm.c: vCPU ids are 0 to @nr_vcpus - 1; @nr_vcpus may be 0 and more be added at any time */
struct vm *vm_create(u32 nr_vcpus, unsigned int flags);
/* Stops the vCPUs, closes every descriptor, unmaps low memory */
void vm_free(struct vm *vm);
int kvm_dev_fd(void);

/* Slot number. @flags are KVM_MEM_*; __vm_map_mem() returns -errno */
int __vm_map_mem(struct vm *vm, u64 gpa, void *hva, u64 size, u32 flags);
int vm_map_mem(struct vm *vm, u64 gpa, void *hva, u64 size, u32 flags);
/* New anonymous memory at @gpa; returns the host's mapping */
void *vm_add_mem(struct vm *vm, u64 gpa, u64 size, u32 flags);
void vm_unmap_mem(struct vm *vm, u32 slot);

/* vcpu.c */
struct vcpu *vm_vcpu_add(struct vm *vm, u32 id);
/* Point a vCPU at the start of @fn, in 64-bit mode with interrupts disabled */
void vcpu_start(struct vcpu *vcpu, guest_fn fn, u64 arg);
/* One KVM_RUN: 0 or -errno; the exit is in vcpu->run */
int __vcpu_run(struct vcpu *vcpu);
/* Run to the guest's next ucall; other exits, failed guest assertions and traps fail the test */
struct ucall vcpu_run(struct vcpu *vcpu);
/* vcpu_start() and vcpu_run() to the guest's end, passing over syncs; its exit code */
u64 vcpu_call(struct vcpu *vcpu, guest_fn fn, u64 arg);
/* Complete a pending port access and end a HLT, so that registers may be replaced */
void vcpu_settle(struct vcpu *vcpu);
void vcpu_fail(struct vcpu *vcpu, const char *what) __noreturn;

/* thread.c: the same on a thread. vcpu_join() returns the guest's exit code */
void vcpu_run_thread(struct vcpu *vcpu, guest_fn fn, u64 arg);
u64 vcpu_join(struct vcpu *vcpu);
/* Wait for a guest_sync() of at least @n */
void vcpu_wait_sync(struct vcpu *vcpu, u64 n);
/* Wait until @vector was taken @count times since the VM was made */
void vcpu_wait_irqs(struct vcpu *vcpu, u8 vector, u64 count);
/* Take the vCPU out of the guest and end the thread; the guest's end stays unknown */
void vcpu_stop(struct vcpu *vcpu);

/* modes.c */
enum guest_mode {
	GUEST_REAL16,
	GUEST_PROT16,
	GUEST_PROT32,
	GUEST_COMPAT32,
	GUEST_LONG64,
	GUEST_USER32,		/* protected mode, ring 3 */
	GUEST_USER_COMPAT32,	/* compatibility mode, ring 3 */
	GUEST_USER64,
	NR_GUEST_MODES
};

struct hcall {
	u64 rax, rbx, rcx, rdx, rsi;
};

extern const char *const guest_mode_name[NR_GUEST_MODES];

static inline bool guest_mode_is_64bit(enum guest_mode mode)
{
	return mode == GUEST_LONG64 || mode == GUEST_USER64;
}

static inline bool guest_mode_is_user(enum guest_mode mode)
{
	return mode >= GUEST_USER32;
}

/*
 * Issue one hypercall instruction in @mode on a vCPU that is not running. @regs are all 64 bits
 * of the registers before it, and RAX and RBX of after it; any other register that it changed
 * fails the test. The vCPU then is as it was, but for memory. Returns RAX.
 */
u64 vcpu_hypercall_in_mode(struct vcpu *vcpu, enum guest_mode mode, struct hcall *regs);
/* outb %al, %dx in @mode on a vCPU that is not running, which then is as it was */
void vcpu_outb_in_mode(struct vcpu *vcpu, enum guest_mode mode, u16 port, u8 value);

/* Many hypercalls in one mode: enter it, issue any number, leave it */
struct saved_mode {
	enum guest_mode mode;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
};

void vcpu_mode_enter(struct vcpu *vcpu, enum guest_mode mode, struct saved_mode *saved);
u64 vcpu_mode_hypercall(struct vcpu *vcpu, const struct saved_mode *saved, struct hcall *regs);
void vcpu_mode_leave(struct vcpu *vcpu, const struct saved_mode *saved);

/* guest.c */
extern struct idt_gate guest_idt[256];
u64 guest_init_tables(void);

/* irq.c: interrupts taken so far; guest_wait_irqs() and vcpu_wait_irqs() wait for more */
static inline u64 vcpu_irq_count(struct vcpu *vcpu, u8 vector)
{
	return READ_ONCE(vcpu->cpu->irq_count[vector]);
}

void vm_set_routing(struct vm *vm);
/* Replace the routes of @gsi by one, and tell KVM */
void vm_route_pin(struct vm *vm, u32 gsi, u32 pin);
void vm_route_msi(struct vm *vm, u32 gsi, u32 apic_id, u8 vector);
void vm_unroute(struct vm *vm, u32 gsi);
/* KVM_IRQFD and KVM_IOEVENTFD (a port of @len bytes, any value) */
void vm_irqfd(struct vm *vm, u32 gsi, int eventfd);
void vm_irqfd_resample(struct vm *vm, u32 gsi, int eventfd, int resamplefd);
void vm_irqfd_deassign(struct vm *vm, u32 gsi, int eventfd);
void vm_ioeventfd_port(struct vm *vm, u16 port, u32 len, int eventfd);
void vm_irq_line(struct vm *vm, u32 gsi, u32 level);
/* The host's way to program an IOAPIC pin; @flags are IOAPIC_* */
void vm_ioapic_set(struct vm *vm, u8 pin, u8 vector, u32 flags, u8 apic_id);
/* KVM's binary statistics by name, of a VM or of a vCPU */
u64 vm_stat(struct vm *vm, const char *name);
u64 vcpu_stat(struct vcpu *vcpu, const char *name);
/* vcpu_stat() has to wait while the vCPU runs; a descriptor of KVM_GET_STATS_FD need not be waited for */
u64 read_stat(int stats, const char *name);

#endif
