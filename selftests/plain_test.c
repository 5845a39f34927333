// SPDX-License-Identifier: GPL-2.0
/*
 * Rings that KVM is not asked about are answered as if it had been, in every mode and ring of the
 * guest, and whoever else wants a hypercall gets it. With KVM's tracepoint on it is always asked: so
 * each call is made with and without, and compared.
 */
#include <fcntl.h>

#include "foreign.h"
#include "pvi_test.h"
#include "random.h"

#define ENABLE		TRACING "events/kvm/kvm_hypercall/enable"
#define GSI		5
#define OTHER_GSI	6	/* exposed, but not to us */
#define RX		pvi_uuid[0]
#define TX		pvi_uuid[1]
#define SINK_PORT	0	/* an eventfd */
#define RX_PORT		1	/* connected to RX */
#define NAMES_GPA	0x2000
#define HIGH_GPA	(1ULL << 32)
#define SEED		20261127
#define CALLS		1000	/* in each mode; a fifth of that unless there is time */

static struct vm *vm;
static struct vcpu *vcpu;
static int rx, tx, sink;
static u32 nr_calls;	/* in each mode */

static void fill_names(u8 *names)
{
	memcpy(names, RX, KVM_PVI_UUID_SIZE);
	memcpy(names + 16, TX, KVM_PVI_UUID_SIZE);
	memset(names + 32, 0, KVM_PVI_UUID_SIZE);
}

static void bind_vm(void)
{
	tx = pvi_bind(vm, TX);
	rx = pvi_bind(NULL, RX);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, GSI, sink);
	pvi_expose(rx, OTHER_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(rx, TX, GSI);
	ASSERT_EQ(pvi_set_port(tx, sink), SINK_PORT);
	ASSERT_EQ(pvi_connect(tx, RX, GSI), RX_PORT);
}

static void prepare(void)
{
	mount_tracefs();
	vm = vm_create(1, 0);
	vcpu = &vm->vcpus[0];
	sink = new_eventfd();
	fill_names(vm->low + NAMES_GPA);
	fill_names(vm_add_mem(vm, HIGH_GPA, PAGE_SIZE, 0));
}

static void clear_trace(void)
{
	int fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	close(fd);
}

static bool is_traced(void)
{
	char text[4096] = "";
	int fd = open(TRACING "trace", O_RDONLY | O_CLOEXEC);
	ssize_t len, sum = 0;

	ASSERT_GE(fd, 0);
	while ((len = read(fd, text + sum, sizeof(text) - 1 - sum)) > 0)
		sum += len;
	close(fd);
	return strstr(text, "kvm_hypercall: nr 0x");
}

static void trace(bool on)
{
	ASSERT_EQ(__write_line(ENABLE, on ? "1" : "0"), 0);
	clear_trace();
}

static u64 one_of(struct rng *rng, const u64 *values, u32 nr)
{
	return values[rng_below(rng, nr)];
}

#define ONE_OF(rng, ...)								\
	one_of(rng, (const u64[]){ __VA_ARGS__ }, ARRAY_SIZE(((const u64[]){ __VA_ARGS__ })))

/* In a fourth of all cases something in the upper half */
static u64 maybe_high(struct rng *rng, u64 value)
{
	return rng_below(rng, 4) ? value : value | rng_next(rng) << 32;
}

/* What a call does not look at, of another one */
static u64 maybe_more(struct rng *rng)
{
	return rng_below(rng, 8) ? 0 : rng_any(rng);
}

static struct hcall random_call(struct rng *rng)
{
	struct hcall call = { .rdx = maybe_more(rng), .rsi = maybe_more(rng) };

	if (rng_below(rng, 2)) {
		call.rax = KVM_HC_NOTIFY;
		call.rbx = ONE_OF(rng, SINK_PORT, RX_PORT, 2, 1000, ~0ULL);
		call.rcx = maybe_more(rng);
	} else {
		call.rax = KVM_HC_PVI;
		call.rbx = ONE_OF(rng, NAMES_GPA, NAMES_GPA + 16, NAMES_GPA + 32, NAMES_GPA + 8,
				  HIGH_GPA, HIGH_GPA + 16, LOW_SIZE, 1ULL << 52);
		call.rcx = ONE_OF(rng, GSI, OTHER_GSI, 7, KVM_PVI_GSI_MAX, KVM_PVI_GSI_ANY);
	}
	call.rax = maybe_high(rng, call.rax);
	call.rbx = maybe_high(rng, call.rbx);
	call.rcx = maybe_high(rng, call.rcx);
	return call;
}

static u64 rings(void)
{
	return read_eventfd(sink);
}

/* The calls of a mode; registers go into @calls */
static void make(enum guest_mode mode, struct hcall *calls)
{
	struct saved_mode saved;
	u32 i;

	vcpu_mode_enter(vcpu, mode, &saved);
	for (i = 0; i < nr_calls; i++)
		vcpu_mode_hypercall(vcpu, &saved, &calls[i]);
	vcpu_mode_leave(vcpu, &saved);
}

static void compare(enum guest_mode mode, const struct hcall *calls, const struct hcall *asked,
		    const struct hcall *plain)
{
	u32 i;

	for (i = 0; i < nr_calls; i++)
		if (asked[i].rax != plain[i].rax || asked[i].rbx != plain[i].rbx)
			TEST_FAIL("%s: 0x%llx(0x%llx, 0x%llx, 0x%llx, 0x%llx): 0x%llx, KVM asked 0x%llx",
				  guest_mode_name[mode], calls[i].rax, calls[i].rbx, calls[i].rcx,
				  calls[i].rdx, calls[i].rsi, plain[i].rax, asked[i].rax);
}

static void check_mode(struct rng *rng, enum guest_mode mode)
{
	static struct hcall calls[CALLS], asked[CALLS], plain[CALLS];
	u64 counted, rung;
	u32 i;

	for (i = 0; i < nr_calls; i++)
		calls[i] = random_call(rng);
	memcpy(asked, calls, sizeof(calls));
	memcpy(plain, calls, sizeof(calls));
	rings();
	trace(true);
	make(mode, asked);
	ASSERT_TRUE(is_traced());
	rung = rings();
	trace(false);
	counted = vcpu_stat(vcpu, "hypercalls");
	make(mode, plain);
	ASSERT_EQ(vcpu_stat(vcpu, "hypercalls") - counted, nr_calls);
	ASSERT_TRUE(!is_traced());
	ASSERT_EQ(rings(), rung);
	compare(mode, calls, asked, plain);
	test_diag("%s: %llu of %u calls have rung", guest_mode_name[mode], rung, nr_calls);
	ASSERT_EQ(!rung, guest_mode_is_user(mode) || tx < 0);
}

static void check_modes(void)
{
	struct rng rng = { SEED };
	enum guest_mode mode;

	nr_calls = test_long() ? CALLS : CALLS / 5;
	for (mode = 0; mode < NR_GUEST_MODES; mode++)
		check_mode(&rng, mode);
}

static void test_same_answers(void)
{
	prepare();
	bind_vm();
	check_modes();
}

static void test_unbound(void)
{
	prepare();
	tx = -1;
	pvi_bind(vm_create(1, 0), TX);
	check_modes();
}

static __guest u64 guest_notify(u64 port)
{
	return guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
}

/* Until the guest has named itself its hypercalls are KVM's, and then Hyper-V's */
static void test_hyperv(void)
{
	prepare();
	bind_vm();
	vcpu_sign_hyperv(vcpu);
	ASSERT_EQ(vcpu_call(vcpu, guest_notify, SINK_PORT), KVM_PVI_RAISED);
	ASSERT_EQ(rings(), 1);
	vcpu_be_hyperv(vcpu);
	/* HV_STATUS_INVALID_HYPERCALL_CODE */
	ASSERT_EQ(vcpu_call(vcpu, guest_notify, SINK_PORT), 2);
	ASSERT_EQ(rings(), 0);
}

/* Those of a guest of Xen's go to its VMM; Debian's 6.1 has nothing of Xen's */
static void test_xen(void)
{
	int ret;

	prepare();
	bind_vm();
	ret = __vm_be_xen(vm, 0);
	if (ret) {
		ASSERT_EQ(ret, -ENOTTY);
		return;
	}
	vcpu_start(vcpu, guest_notify, SINK_PORT);
	ASSERT_EQ(__vcpu_run(vcpu), 0);
	ASSERT_EQ(vcpu->run->exit_reason, KVM_EXIT_XEN);
	ASSERT_EQ(vcpu->run->xen.u.hcall.input, KVM_HC_NOTIFY);
	ASSERT_EQ(rings(), 0);
}

/* A debugger sees the guest behind the instruction, with the answer; @port leads somewhere or not */
static struct kvm_regs step(u64 port)
{
	struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };
	struct kvm_regs regs = {
		.rax = KVM_HC_NOTIFY, .rbx = port, .rip = LOW_CODE, .rsp = LOW_CODE, .rflags = 2,
	};
	struct saved_mode saved;

	vcpu_mode_enter(vcpu, GUEST_LONG64, &saved);
	vcpu->run->kvm_valid_regs = 0;
	vcpu_ioctl(vcpu, KVM_SET_REGS, &regs);
	/* From where the guest is now */
	vcpu_ioctl(vcpu, KVM_SET_GUEST_DEBUG, &debug);
	ASSERT_EQ(__vcpu_run(vcpu), 0);
	ASSERT_EQ(vcpu->run->exit_reason, KVM_EXIT_DEBUG);
	ASSERT_EQ(vcpu->run->debug.arch.pc, LOW_CODE + 3);
	vcpu_ioctl(vcpu, KVM_GET_REGS, &regs);
	debug.control = 0;
	vcpu_ioctl(vcpu, KVM_SET_GUEST_DEBUG, &debug);
	vcpu_mode_leave(vcpu, &saved);
	return regs;
}

static void test_single_step(void)
{
	static const u64 ports[] = { SINK_PORT, RX_PORT, 1000 };
	struct kvm_regs asked, plain;
	u32 i;

	prepare();
	bind_vm();
	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		trace(true);
		asked = step(ports[i]);
		ASSERT_TRUE(is_traced());
		trace(false);
		plain = step(ports[i]);
		ASSERT_EQ(memcmp(&asked, &plain, sizeof(asked)), 0);
		ASSERT_EQ(plain.rax, i < 2 ? KVM_PVI_RAISED : (u64)-ENOENT);
	}
	ASSERT_EQ(rings(), 4);
}

static const struct test_case cases[] = {
	{ "same_answers", test_same_answers, 400 },
	{ "unbound", test_unbound, 400 },
	{ "hyperv", test_hyperv },
	{ "xen", test_xen },
	{ "single_step", test_single_step },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
