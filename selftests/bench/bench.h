/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi bench: what a ring costs, by the sender's own TSC
 *
 * A row is a test case: it sets a path up, lets a guest ring BENCH_WARMUP + BENCH_RINGS times and
 * checks that the rings came through. The guest reads the TSC before and after each ring, so a
 * figure is all that happened between two instructions of the sender, less the same without a
 * ring. The sender is SCHED_IDLE: on one CPU all that a ring leaves to a worker of the host's is
 * done, and counted, before the sender goes on. In the counting rig the TSC counts instructions, of host and guest together; elsewhere
 * it counts cycles.
 *
 * Each row prints "figure NAME MEDIAN EXITS USER". Per ring: exits from the guest, and exits to
 * userspace.
 */
#ifndef PVI_BENCH_H
#define PVI_BENCH_H

#include "pvi_test.h"

#define BENCH_WARMUP	256
#define BENCH_RINGS	1024
#define BENCH_SAMPLES	(BENCH_WARMUP + BENCH_RINGS)

#define BENCH_GSI	20	/* an IOAPIC pin or, when routed so, an MSI */
#define BENCH_VECTOR	0x60
#define BENCH_MANY	1024
#define BENCH_NR_VMS	4096
#define BENCH_BURST	64

/*
 * What a bench guest rings with. The host fills it in.
 *
 * @nr_swept:	ring i has i % @nr_swept times @step added to RBX; 0 for none
 * @word:	guest address of a status word, of which the sender plays the receiver as well
 */
struct bench_regs {
	u64 rax, rbx, rcx, rdx, rsi, rdi;
	u64 nr_swept, step;
	struct kvm_pvi_status *word;
};

extern struct bench_regs bench_regs;

/* A NOP that plugin/rings.c knows: where a row begins (0), a ring (1), its end (2), the row's (3) */
static __always_inline void bench_mark(u8 n)
{
	asm volatile(".byte 0x0f, 0x1f, 0x80, %c[n], 0x56, 0x49, 0x50"
		     : : [n] "i" (n) : "memory");
}

/* For guest and host */
static __always_inline u64 bench_tsc(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a" (low), "=d" (high) : : "memory");
	return low | (u64)high << 32;
}

enum bench_op {
	BENCH_HYPERCALL,
	BENCH_OUT,		/* EAX, 4 bytes, to port DX */
	BENCH_MMIO,		/* RAX, 8 bytes, to the address in RDI */
	BENCH_XEN_PORT,		/* a hypercall, after clearing what the last one left pending */
	BENCH_HYPERCALLS,	/* BENCH_BURST of them, adding 1 to RBX each time */
	BENCH_STATUS,		/* look at the word alone */
	BENCH_STATUS_RING,	/* look and make the hypercall, the word being clear */
	BENCH_STATUS_BURST,	/* BENCH_BURST times look, and make the hypercall if it is clear */
};

/* How an exit to userspace is served */
typedef void (*bench_exit_fn)(void *data);

/* measure.c */
/* Ring and print the row's figures; returns RAX of the last ring */
u64 bench_rings(const char *name, struct vcpu *vcpu, enum bench_op op);
/* bench_rings() where each ring exits to userspace */
void bench_rings_exit(const char *name, struct vcpu *vcpu, enum bench_op op, bench_exit_fn on_exit,
		      void *data);
/* bench_rings(), having checked that each ring raises an interrupt before the sender goes on */
u64 bench_rings_checked(const char *name, struct vcpu *vcpu, enum bench_op op, struct vm *rx);
/* Without a row */
u64 bench_rings_uncounted(struct vcpu *vcpu, enum bench_op op);
/* What they are made of: what a plugin sees as a row; the sender as the host's idle task or not; the figures of a row */
void bench_begin_row(const char *name);
void bench_end_row(void);
void bench_be_idle(bool idle);
void bench_print_row(const char *name, u64 value, u64 exits, u64 user);
/* Those that take @values sort them */
u64 bench_median(u64 *values, u32 nr);
/* Print the figures of a row that the host measured */
void bench_print(const char *name, u64 value);
void bench_print_median(const char *name, u64 *values, u32 nr);
/* Of calls into which works of earlier ones may come */
void bench_print_least(const char *name, u64 *values, u32 nr);

/* setup.c */
/* A VM whose BENCH_GSI leads to vector BENCH_VECTOR of its only vCPU, which never runs */
struct vm *bench_receiver(bool msi);
bool bench_is_raised(struct vm *rx);
void bench_clear_raised(struct vm *rx);

struct bench_pair {
	struct vm *rx, *tx;
	int rx_fd, tx_fd;
};

/* Two bound VMs; @rx has BENCH_GSI exposed, @tx is allowed to ring it */
struct bench_pair bench_pair(bool msi);
void bench_by_port(struct bench_pair *p);
void bench_by_uuid(void);
/* The null hypercall: KVM takes it and does nothing */
void bench_null(const char *name, struct vm *vm);

/* Bind VMs without vCPUs to @nr of bench_uuid, in a process of their own, until the row's end */
void bench_populate(u32 first, u32 nr);
void bench_raise_limits(void);
/* A VM without anything */
int bench_new_kvm(void);
u64 bench_nr_kvm_dirs(void);
/* At the program's start, and before a row that others would disturb */
void bench_begin(void);
void bench_settle(void);

/* Names apart from those in pvi_uuid */
#define BENCH_NR_UUIDS 10000
extern u8 bench_uuid[BENCH_NR_UUIDS][KVM_PVI_UUID_SIZE];

/* tracefs.c */
void bench_trace_set(const char *file, const char *value);
void bench_trace_clear(void);
FILE *bench_trace_open(void);

/* control.c: print what the VMMs' calls cost, told how many VMs there are */
void bench_control(u32 nr_vms);

/* flat.c: the guest's code, and what it reads */
struct flat_args {
	u32 rax, rbx, rdx, end;
};

extern struct flat_args flat_args;
extern const u8 flat_start[], flat_ring[], flat_end[];

/* The rows, by file */
void row_null_not_loaded(void);
void row_load(void);
void row_null_loaded(void);
void row_null_unbound(void);
void row_null_bound(void);

void row_pvi_eventfd(void);
void row_pvi_irqfd_msi(void);
void row_pvi_port_msi(void);
void row_pvi_port_pin(void);
void row_pvi_uuid_msi(void);
void row_pvi_uuid_pin(void);
void row_pvi_virtual(void);
void row_pvi_bell(void);
void row_pvi_source(void);
void row_pvi_many(void);
void row_pvi_status(void);

void row_hyperv_eventfd(void);
void row_hyperv_irqfd_msi(void);
void row_hyperv_irqfd_pin(void);
void row_xen_eventfd(void);
void row_xen_irqfd_msi(void);
void row_xen_port(void);

void row_pio(void);
void row_mmio(void);
void row_mmio_fast(void);
void row_pio_user(void);
void row_mmio_user(void);

void row_flat_null(void);
void row_flat_pio(void);
void row_flat_pvi(void);

void row_apart(void);

void row_halted(void);
void row_irqfd_halted(void);

void row_scale_vms(void);
void row_scale_uuids(void);
void row_scale_senders(void);
void row_scale_ports(void);

void row_memory(void);
void row_teardown(void);

#endif
