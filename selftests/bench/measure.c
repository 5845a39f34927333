// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: the ringing guest, and what its samples say */
#include "bench.h"

#define SAMPLES (BENCH_WARMUP + BENCH_RINGS)

struct bench_regs bench_regs;
static u64 samples[SAMPLES];

static inline u64 read_tsc(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a" (low), "=d" (high) : : "memory");
	return low | (u64)high << 32;
}

static inline u64 hypercall(void)
{
	u64 rax = bench_regs.rax;

	asm volatile("testb $1, %[amd]\n\t"
		     "jz 1f\n\t"
		     "vmmcall\n\t"
		     "jmp 2f\n"
		     "1:\tvmcall\n"
		     "2:"
		     : "+a" (rax)
		     : "b" (bench_regs.rbx), "c" (bench_regs.rcx), "d" (bench_regs.rdx),
		       "S" (bench_regs.rsi), "D" (bench_regs.rdi), [amd] "m" (guest_has_vmmcall)
		     : "memory", "cc");
	return rax;
}

/* A NOP that a tracer of instructions knows: where a row begins (0), a ring (1) and its end (2) */
#define MARK(n) asm volatile(".byte 0x0f, 0x1f, 0x80, " #n ", 0x56, 0x49, 0x50" : : : "memory")

#define SAMPLE(ring)                                                          \
	do {                                                                  \
		u32 __i;                                                      \
									      \
		MARK(0);                                                      \
		for (__i = 0; __i < SAMPLES; __i++) {                         \
			u64 __start = read_tsc();                             \
									      \
			MARK(1);                                              \
			ring;                                                 \
			MARK(2);                                              \
			samples[__i] = read_tsc() - __start;                  \
		}                                                             \
	} while (0)

static __guest u64 guest_empty(u64 arg)
{
	SAMPLE((void)arg);
	return 0;
}

__guest u64 bench_guest_hypercall(u64 arg)
{
	SAMPLE(arg = hypercall());
	return arg;
}

__guest u64 bench_guest_out(u64 arg)
{
	SAMPLE(asm volatile("outl %%eax, %%dx"
			    : : "a" ((u32)bench_regs.rax), "d" ((u16)bench_regs.rdx) : "memory"));
	return arg;
}

__guest u64 bench_guest_mmio(u64 arg)
{
	SAMPLE(*(volatile u64 *)bench_regs.rdi = bench_regs.rax);
	return arg;
}

static bool is_end(const struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.port == UCALL_PORT;
}

/* Returns the number of exits to userspace before the guest's end */
static u64 run_guest(struct vcpu *vcpu, guest_fn guest, bench_exit_fn on_exit, void *data)
{
	struct kvm_run *run = vcpu->run;
	u64 exits = 0;

	vcpu_start(vcpu, guest, 0);
	for (;;) {
		ASSERT_EQ(__vcpu_run(vcpu), 0);
		if (is_end(run))
			return exits;
		exits++;
		if (!on_exit || (run->exit_reason != KVM_EXIT_IO && run->exit_reason != KVM_EXIT_MMIO))
			vcpu_fail(vcpu, "unexpected exit");
		on_exit(data);
	}
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u64 median(void)
{
	qsort(samples + BENCH_WARMUP, BENCH_RINGS, sizeof(samples[0]), compare);
	return samples[BENCH_WARMUP + BENCH_RINGS / 2];
}

static u64 mean(void)
{
	u64 sum = 0;
	u32 i;

	for (i = BENCH_WARMUP; i < SAMPLES; i++)
		sum += samples[i];
	return sum / BENCH_RINGS;
}

u64 bench_rings(const char *row, struct vcpu *vcpu, guest_fn guest, bench_exit_fn on_exit,
		void *data)
{
	struct kvm_regs regs;
	u64 empty, exits;

	run_guest(vcpu, guest_empty, NULL, NULL);
	empty = median();
	exits = run_guest(vcpu, guest, on_exit, data);
	vcpu_ioctl(vcpu, KVM_GET_REGS, &regs);
	printf("row %s %llu %llu %llu\n", row, median() - empty, mean() - empty,
	       exits / (BENCH_WARMUP + BENCH_RINGS));
	return regs.rsi;
}

void bench_assert_raised(struct vm *rx)
{
	struct kvm_lapic_state lapic;
	u32 *word = (u32 *)(lapic.regs + APIC_IRR + BENCH_VECTOR / 32 * 16);

	vcpu_ioctl(&rx->vcpus[0], KVM_GET_LAPIC, &lapic);
	ASSERT_TRUE(*word & 1u << BENCH_VECTOR % 32);
	*word = 0;
	vcpu_ioctl(&rx->vcpus[0], KVM_SET_LAPIC, &lapic);
}
