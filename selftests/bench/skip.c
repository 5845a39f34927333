// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: what skipping a hypercall by decoding it costs
 *
 * A processor with NRIPS tells KVM where the next instruction is. Without, as in QEMU's TCG, KVM
 * runs its instruction decoder: kvm_emulate_instruction(). The function graph tracer says how
 * long that takes; what the tracer itself adds is what it measures of a function of seven
 * instructions.
 */
#include "bench.h"

#define DECODER		"kvm_emulate_instruction"
#define SHORT_FUNCTION	"svm_get_rflags"

/* Lines read " 0)   1.888 us    |  kvm_emulate_instruction [kvm]();", the clock being in ns */
static u32 read_durations(const char *function, u64 *values, u32 max)
{
	FILE *file = bench_trace_open();
	char line[256];
	u64 us, ns;
	u32 nr = 0;

	while (nr < max && fgets(line, sizeof(line), file))
		if (strstr(line, function) && sscanf(line, "%*d) %llu.%3llu us", &us, &ns) == 2)
			values[nr++] = us * 1000 + ns;
	fclose(file);
	return nr;
}

static u64 duration(struct vm *vm, const char *function)
{
	static u64 values[BENCH_SAMPLES];
	u32 nr;

	bench_trace_set("set_ftrace_filter", function);
	bench_trace_set("current_tracer", "function_graph");
	bench_null(NULL, vm);
	nr = read_durations(function, values, BENCH_SAMPLES);
	bench_trace_set("current_tracer", "nop");
	bench_trace_set("set_ftrace_filter", "");
	if (nr < BENCH_RINGS)
		TEST_FAIL("%s() was traced %u times only", function, nr);
	return bench_median(values, nr);
}

/* On Intel there is no such parameter */
static bool has_nrips(void)
{
	char line[8];

	return __read_line("/sys/module/kvm_amd/parameters/nrips", line, sizeof(line)) ||
	       line[0] == 'Y' || line[0] == '1';
}

void row_skip(void)
{
	struct vm *vm = vm_create(1, 0);

	if (has_nrips()) {
		bench_print("skip", 0);
		return;
	}
	bench_trace_set("trace_clock", "x86-tsc");
	bench_print("skip", duration(vm, DECODER) - duration(vm, SHORT_FUNCTION));
}
