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

static inline u64 swept_rbx(u32 i)
{
	return bench_regs.nr_swept ? bench_regs.rbx + i % bench_regs.nr_swept * bench_regs.step :
				     bench_regs.rbx;
}

/* A NOP that a tracer of instructions knows: where a row begins (0), a ring (1) and its end (2) */
#define MARK(n) asm volatile(".byte 0x0f, 0x1f, 0x80, " #n ", 0x56, 0x49, 0x50" : : : "memory")

/* Defines guest code; @rbx is there for @ring, @ret is what the guest returns */
#define SAMPLING_GUEST(name, prepare, ring)                                   \
static __guest u64 name(u64 ret)                                              \
{                                                                             \
	u64 start, rbx;                                                       \
	u32 i;                                                                \
									      \
	MARK(0);                                                              \
	for (i = 0; i < BENCH_SAMPLES; i++) {                                 \
		rbx = swept_rbx(i);                                           \
		(void)rbx;                                                    \
		prepare;                                                      \
		start = bench_tsc();                                          \
		MARK(1);                                                      \
		ring;                                                         \
		MARK(2);                                                      \
		samples[i] = bench_tsc() - start;                             \
	}                                                                     \
	return ret;                                                           \
}

SAMPLING_GUEST(ring_empty, , )
SAMPLING_GUEST(ring_hypercall, , ret = hypercall(rbx))
SAMPLING_GUEST(ring_out, , out())
SAMPLING_GUEST(ring_mmio, , mmio())
SAMPLING_GUEST(ring_xen_port, xen_clear_pending(), ret = hypercall(rbx))
SAMPLING_GUEST(ring_hypercall_done, , ret = hypercall(rbx); done())
SAMPLING_GUEST(ring_out_done, , out(); done())
SAMPLING_GUEST(ring_mmio_done, , mmio(); done())

static const struct {
	guest_fn ring;
	guest_fn ring_done;
	u32 skips;
} ops[] = {
	[BENCH_HYPERCALL] = { ring_hypercall, ring_hypercall_done, 1 },
	[BENCH_OUT] = { ring_out, ring_out_done, 0 },
	[BENCH_MMIO] = { ring_mmio, ring_mmio_done, 0 },
	[BENCH_XEN_PORT] = { ring_xen_port, NULL, 1 },
};

static bool is_out(const struct kvm_run *run, u16 port)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.port == port;
}

/* Returns how often the guest exited to userspace before its end */
static u64 run_guest(struct vcpu *vcpu, guest_fn guest, bench_exit_fn on_exit, void *data)
{
	struct kvm_run *run = vcpu->run;
	u64 exits = 0;

	vcpu_start(vcpu, guest, 0);
	for (;;) {
		ASSERT_EQ(__vcpu_run(vcpu), 0);
		if (is_out(run, UCALL_PORT))
			return exits;
		if (!on_exit ||
		    (run->exit_reason != KVM_EXIT_IO && run->exit_reason != KVM_EXIT_MMIO))
			vcpu_fail(vcpu, "unexpected exit");
		exits++;
		on_exit(data);
	}
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

struct figures {
	u64 median, mean;
};

static struct figures evaluate(u64 *values, u32 nr)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < nr; i++)
		sum += values[i];
	qsort(values, nr, sizeof(*values), compare);
	return (struct figures){ .median = values[nr / 2], .mean = sum / nr };
}

static void print(const char *name, struct figures f, u64 exits, u32 skips)
{
	if (name)
		printf("figure %s %llu %llu %llu %u\n", name, f.median, f.mean, exits, skips);
}

/* Rings with @guest, less what @empty costs, which does not ring */
static u64 measure(const char *name, struct vcpu *vcpu, guest_fn guest, guest_fn empty, u32 skips,
		   bench_exit_fn on_exit, void *data)
{
	struct sched_param param = { };
	struct figures with, without;
	struct kvm_regs regs;
	u64 exits;

	ASSERT_EQ(sched_setscheduler(0, SCHED_IDLE, &param), 0);
	exits = run_guest(vcpu, empty, on_exit, data);
	without = evaluate(samples + BENCH_WARMUP, BENCH_RINGS);
	exits = run_guest(vcpu, guest, on_exit, data) - exits;
	with = evaluate(samples + BENCH_WARMUP, BENCH_RINGS);
	with.median -= without.median;
	with.mean -= without.mean;
	print(name, with, exits / BENCH_SAMPLES, skips);
	vcpu_ioctl(vcpu, KVM_GET_REGS, &regs);
	return regs.rsi;
}

u64 bench_rings(const char *name, struct vcpu *vcpu, enum bench_op op)
{
	return measure(name, vcpu, ops[op].ring, ring_empty, ops[op].skips, NULL, NULL);
}

void bench_rings_exit(const char *name, struct vcpu *vcpu, enum bench_op op, bench_exit_fn on_exit,
		      void *data)
{
	measure(name, vcpu, ops[op].ring, ring_empty, ops[op].skips, on_exit, data);
}

static void check_and_clear(void *rx)
{
	ASSERT_TRUE(bench_is_raised(rx));
	bench_clear_raised(rx);
}

u64 bench_rings_checked(const char *name, struct vcpu *vcpu, enum bench_op op, struct vm *rx)
{
	run_guest(vcpu, ops[op].ring_done, check_and_clear, rx);
	return bench_rings(name, vcpu, op);
}

u64 bench_median(u64 *values, u32 nr)
{
	return evaluate(values, nr).median;
}

void bench_print(const char *name, u64 *values, u32 nr)
{
	print(name, evaluate(values, nr), 0, 0);
}

void bench_print_value(const char *name, u64 value)
{
	print(name, (struct figures){ value, value }, 0, 0);
}
