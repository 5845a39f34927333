// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: the ringing guest, and what its samples say */
#include "bench.h"
#include "xen.h"

#define DONE_PORT 0xe8	/* a ring has been made: the host may look at it */

struct bench_regs bench_regs;
static u64 samples[BENCH_SAMPLES];

static inline u64 hypercall(u64 rbx)
{
	u64 rax = bench_regs.rax;

	asm volatile("testb $1, %[amd]\n\t"
		     "jz 1f\n\t"
		     "vmmcall\n\t"
		     "jmp 2f\n"
		     "1:\tvmcall\n"
		     "2:"
		     : "+a" (rax)
		     : "b" (rbx), "c" (bench_regs.rcx), "d" (bench_regs.rdx),
		       "S" (bench_regs.rsi), "D" (bench_regs.rdi), [amd] "m" (guest_has_vmmcall)
		     : "memory", "cc");
	return rax;
}

static inline void out(void)
{
	asm volatile("outl %%eax, %%dx"
		     : : "a" ((u32)bench_regs.rax), "d" ((u16)bench_regs.rdx) : "memory");
}

static inline void mmio(void)
{
	asm volatile("movq %%rax, (%%rdi)"
		     : : "a" (bench_regs.rax), "D" (bench_regs.rdi) : "memory");
}

static inline void done(void)
{
	asm volatile("outb %%al, %[port]" : : [port] "i" (DONE_PORT), "a" (0) : "memory");
}

static inline u64 hypercalls(u64 rbx)
{
	u64 i, ret = 0;

	for (i = 0; i < BENCH_BURST; i++)
		ret |= hypercall(rbx + i);
	return ret;
}

static inline void look(void)
{
	asm volatile("" : : "r" (kvm_pvi_status_owed(bench_regs.word)));
}

static inline void look_and_ring(u64 rbx)
{
	if (!kvm_pvi_status_owed(bench_regs.word))
		hypercall(rbx);
}

static inline void burst(u64 rbx)
{
	u32 i;

	for (i = 0; i < BENCH_BURST; i++)
		look_and_ring(rbx);
}

static inline void take(void)
{
	kvm_pvi_status_take(bench_regs.word);
}

static inline void nothing(void)
{
}

static inline u64 swept_rbx(u32 i)
{
	return bench_regs.nr_swept ? bench_regs.rbx + i % bench_regs.nr_swept * bench_regs.step :
				     bench_regs.rbx;
}

/* Guest code: @ring BENCH_SAMPLES times, with @rbx at its hand, @prepare before each */
#define SAMPLE(prepare, ring)							\
	do {									\
		u64 start, rbx;							\
		u32 i;								\
										\
		for (i = 0; i < BENCH_SAMPLES; i++) {				\
			rbx = swept_rbx(i);					\
			(void)rbx;						\
			prepare;						\
			start = bench_tsc();					\
			bench_mark(1);						\
			ring;							\
			bench_mark(2);						\
			samples[i] = bench_tsc() - start;			\
		}								\
	} while (0)

static __guest u64 ring_empty(u64 ret)
{
	SAMPLE(nothing(), nothing());
	return ret;
}

static __guest u64 ring_hypercall(u64 ret)
{
	SAMPLE(nothing(), ret = hypercall(rbx));
	return ret;
}

static __guest u64 ring_out(u64 ret)
{
	SAMPLE(nothing(), out());
	return ret;
}

static __guest u64 ring_mmio(u64 ret)
{
	SAMPLE(nothing(), mmio());
	return ret;
}

static __guest u64 ring_xen_port(u64 ret)
{
	SAMPLE(xen_clear_pending(), ret = hypercall(rbx));
	return ret;
}

static __guest u64 ring_hypercalls(u64 ret)
{
	SAMPLE(nothing(), ret = hypercalls(rbx));
	return ret;
}

static __guest u64 ring_status(u64 ret)
{
	SAMPLE(nothing(), look());
	return ret;
}

static __guest u64 ring_status_ring(u64 ret)
{
	SAMPLE(take(), look_and_ring(rbx));
	return ret;
}

static __guest u64 ring_status_burst(u64 ret)
{
	SAMPLE(take(), burst(rbx));
	return ret;
}

static __guest u64 ring_hypercall_done(u64 ret)
{
	SAMPLE(nothing(), ret = hypercall(rbx); done());
	return ret;
}

static __guest u64 ring_out_done(u64 ret)
{
	SAMPLE(nothing(), out(); done());
	return ret;
}

static __guest u64 ring_mmio_done(u64 ret)
{
	SAMPLE(nothing(), mmio(); done());
	return ret;
}

static const struct {
	guest_fn ring;
	guest_fn ring_done;
} ops[] = {
	[BENCH_HYPERCALL] = { ring_hypercall, ring_hypercall_done },
	[BENCH_OUT] = { ring_out, ring_out_done },
	[BENCH_MMIO] = { ring_mmio, ring_mmio_done },
	[BENCH_XEN_PORT] = { ring_xen_port, NULL },
	[BENCH_HYPERCALLS] = { ring_hypercalls, NULL },
	[BENCH_STATUS] = { ring_status, NULL },
	[BENCH_STATUS_RING] = { ring_status_ring, NULL },
	[BENCH_STATUS_BURST] = { ring_status_burst, NULL },
};

static bool is_out(const struct kvm_run *run, u16 port)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.port == port;
}

struct exits {
	u64 all, user;
};

/* Run the guest to its end, and count */
static struct exits run_guest(struct vcpu *vcpu, guest_fn guest, bench_exit_fn on_exit, void *data)
{
	struct exits exits = { .all = vcpu_stat(vcpu, "exits") };
	struct kvm_run *run = vcpu->run;

	vcpu_start(vcpu, guest, 0);
	for (;;) {
		ASSERT_EQ(__vcpu_run(vcpu), 0);
		if (is_out(run, UCALL_PORT))
			break;
		if (!on_exit ||
		    (run->exit_reason != KVM_EXIT_IO && run->exit_reason != KVM_EXIT_MMIO))
			vcpu_fail(vcpu, "unexpected exit");
		exits.user++;
		on_exit(data);
	}
	exits.all = vcpu_stat(vcpu, "exits") - exits.all;
	return exits;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Sorts */
static u64 *sort(u64 *values, u32 nr)
{
	qsort(values, nr, sizeof(*values), compare);
	return values;
}

u64 bench_median(u64 *values, u32 nr)
{
	return sort(values, nr)[nr / 2];
}

static u64 guest_median(void)
{
	return bench_median(samples + BENCH_WARMUP, BENCH_RINGS);
}

/* The host has exits of its own to make, for its clock and at the guest's end: a few */
static u64 per_ring(u64 exits)
{
	return (exits + BENCH_SAMPLES / 2) / BENCH_SAMPLES;
}

void bench_print_row(const char *name, u64 value, u64 exits, u64 user)
{
	if (name)
		printf("figure %s %llu %llu %llu\n", name, value, per_ring(exits), per_ring(user));
}

void bench_be_idle(bool idle)
{
	struct sched_param param = { };

	ASSERT_EQ(sched_setscheduler(0, idle ? SCHED_IDLE : SCHED_OTHER, &param), 0);
}

void bench_begin_row(const char *name)
{
	printf("# ring %s\n", name);
	bench_mark(0);
}

void bench_end_row(void)
{
	bench_mark(3);
}

/* What a ring costs, less what the guest pays that does not ring */
static void measure(const char *name, struct vcpu *vcpu, enum bench_op op, bench_exit_fn on_exit,
		    void *data)
{
	struct exits exits;
	u64 without;

	bench_be_idle(true);
	run_guest(vcpu, ring_empty, NULL, NULL);
	without = guest_median();
	if (name)
		bench_begin_row(name);
	exits = run_guest(vcpu, ops[op].ring, on_exit, data);
	bench_end_row();
	bench_be_idle(false);
	bench_print_row(name, guest_median() - without, exits.all, exits.user);
}

static u64 last_rax(struct vcpu *vcpu)
{
	struct kvm_regs regs;

	vcpu_ioctl(vcpu, KVM_GET_REGS, &regs);
	return regs.rsi;
}

u64 bench_rings(const char *name, struct vcpu *vcpu, enum bench_op op)
{
	measure(name, vcpu, op, NULL, NULL);
	return last_rax(vcpu);
}

u64 bench_rings_uncounted(struct vcpu *vcpu, enum bench_op op)
{
	run_guest(vcpu, ops[op].ring, NULL, NULL);
	return last_rax(vcpu);
}

void bench_rings_exit(const char *name, struct vcpu *vcpu, enum bench_op op, bench_exit_fn on_exit,
		      void *data)
{
	measure(name, vcpu, op, on_exit, data);
}

static void check_and_clear(void *rx)
{
	ASSERT_TRUE(bench_is_raised(rx));
	bench_clear_raised(rx);
}

u64 bench_rings_checked(const char *name, struct vcpu *vcpu, enum bench_op op, struct vm *rx)
{
	bench_be_idle(true);
	run_guest(vcpu, ops[op].ring_done, check_and_clear, rx);
	return bench_rings(name, vcpu, op);
}

void bench_print(const char *name, u64 value)
{
	bench_print_row(name, value, 0, 0);
}

void bench_print_median(const char *name, u64 *values, u32 nr)
{
	bench_print(name, bench_median(values, nr));
}

void bench_print_least(const char *name, u64 *values, u32 nr)
{
	bench_print(name, sort(values, nr)[0]);
}
