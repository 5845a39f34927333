// SPDX-License-Identifier: GPL-2.0
/*
 * The test library against KVM alone: what the other tests take for granted about guests, their
 * modes, interrupts and memory, shown without kvm_pvi.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "pvi_test.h"

#define HC_UNKNOWN 0x7fff
#define VECTOR 0x40
#define MSI_GSI 40
#define PIN 5

static u64 counter;
static u64 turn;
static bool called_back;

static void test_modes(void)
{
	struct vcpu *vcpu = &vm_create(1, 0)->vcpus[0];
	enum guest_mode mode;

	for (mode = 0; mode < NR_GUEST_MODES; mode++) {
		u64 mask = guest_mode_is_64bit(mode) ? ~0ULL : 0xffffffff;
		struct hcall known = { .rax = KVM_HC_VAPIC_POLL_IRQ, .rbx = 0xbbbb0000bbbb };
		struct hcall unknown = { .rax = HC_UNKNOWN, .rcx = ~0ULL, .rdx = 3, .rsi = 4 };
		u64 denied = -KVM_EPERM & mask;

		test_diag("%s", guest_mode_name[mode]);
		ASSERT_EQ(vcpu_hypercall_in_mode(vcpu, mode, &known),
			  guest_mode_is_user(mode) ? denied : 0);
		ASSERT_EQ(known.rbx, 0xbbbb0000bbbb);
		ASSERT_EQ(vcpu_hypercall_in_mode(vcpu, mode, &unknown),
			  guest_mode_is_user(mode) ? denied : -KVM_ENOSYS & mask);
	}
}

static __guest u64 guest_hypercalls(u64 arg)
{
	u64 rbx = arg;

	GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), 0);
	GUEST_ASSERT_EQ(guest_hypercall_rbx(HC_UNKNOWN, &rbx, 1, 2, 3), -KVM_ENOSYS);
	return rbx;
}

/* A guest's C code, before and after the vCPU was borrowed for another mode */
static void test_hypercall(void)
{
	struct vcpu *vcpu = &vm_create(1, 0)->vcpus[0];
	struct hcall regs = { .rax = HC_UNKNOWN };

	ASSERT_EQ(vcpu_call(vcpu, guest_hypercalls, 0x1234567890), 0x1234567890);
	vcpu_hypercall_in_mode(vcpu, GUEST_REAL16, &regs);
	ASSERT_EQ(vcpu_call(vcpu, guest_hypercalls, 7), 7);
}

static __guest u64 user_hypercall(u64 nr)
{
	return guest_hypercall(nr, 0, 0, 0, 0);
}

static __guest u64 user_set_cr3(u64 arg)
{
	asm volatile("movq %%rax, %%cr3" : : "a" (arg));
	return 1;
}

static __guest u64 user_ud(u64 arg)
{
	asm volatile("ud2");
	return arg;
}

static __guest u64 guest_ring3(u64 arg)
{
	GUEST_ASSERT_EQ(guest_user_call(user_hypercall, HC_UNKNOWN), -KVM_EPERM);
	GUEST_ASSERT_EQ(guest_this_cpu()->fault_vector, 0);
	guest_user_call(user_set_cr3, 0);
	GUEST_ASSERT_EQ(guest_this_cpu()->fault_vector, 13);
	guest_user_call(user_ud, 0);
	GUEST_ASSERT_EQ(guest_this_cpu()->fault_vector, 6);
	return guest_hypercall(HC_UNKNOWN, arg, 0, 0, 0);
}

static void test_ring3(void)
{
	ASSERT_EQ(vcpu_call(&vm_create(1, 0)->vcpus[0], guest_ring3, 0), -KVM_ENOSYS);
}

static __guest void on_irq(u8 vector)
{
	called_back = vector == VECTOR;
}

static __guest u64 guest_wait(u64 count)
{
	guest_on_irq(VECTOR, on_irq);
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	GUEST_ASSERT(called_back);
	return guest_irq_count(VECTOR);
}

static __guest u64 guest_program_pin(u64 flags)
{
	guest_ioapic_set(PIN, VECTOR, flags, 0);
	return 0;
}

/* Signals come one by one: an edge that finds the last one not taken would merge with it */
static void ring_and_count(struct vm *vm, u32 gsi)
{
	struct vcpu *vcpu = &vm->vcpus[0];
	int fd = new_eventfd();
	u64 i;

	vm_irqfd(vm, gsi, fd);
	vcpu_run_thread(vcpu, guest_wait, 100);
	vcpu_wait_sync(vcpu, 1);
	for (i = 1; i <= 100; i++) {
		signal_eventfd(fd);
		vcpu_wait_irqs(vcpu, VECTOR, i);
	}
	ASSERT_EQ(vcpu_join(vcpu), 100);
	vm_irqfd_deassign(vm, gsi, fd);
}

static void test_irqfd_pin(void)
{
	struct vm *vm = vm_create(1, 0);

	vcpu_call(&vm->vcpus[0], guest_program_pin, 0);
	ring_and_count(vm, PIN);
}

static void test_irqfd_pin_by_host(void)
{
	struct vm *vm = vm_create(1, 0);

	vm_ioapic_set(vm, PIN, VECTOR, 0, 0);
	vm_unroute(vm, PIN);
	vm_route_pin(vm, MSI_GSI, PIN);
	ring_and_count(vm, MSI_GSI);
}

static void test_irqfd_msi(void)
{
	struct vm *vm = vm_create(1, 0);

	vm_route_msi(vm, MSI_GSI, 0, VECTOR);
	ring_and_count(vm, MSI_GSI);
}

static void test_split_irqchip(void)
{
	struct vm *vm = vm_create(1, VM_SPLIT_IRQCHIP);

	vm_route_msi(vm, MSI_GSI, 0, VECTOR);
	ring_and_count(vm, MSI_GSI);
}

static void test_resample(void)
{
	struct vm *vm = vm_create(1, 0);
	struct vcpu *vcpu = &vm->vcpus[0];
	int fd = new_eventfd(), resample = new_eventfd();

	vm_ioapic_set(vm, PIN, VECTOR, IOAPIC_LEVEL, 0);
	vm_irqfd_resample(vm, PIN, fd, resample);
	vcpu_run_thread(vcpu, guest_wait, 1);
	vcpu_wait_sync(vcpu, 1);
	ASSERT_EQ(read_eventfd(resample), 0);
	signal_eventfd(fd);
	ASSERT_EQ(vcpu_join(vcpu), 1);
	ASSERT_TRUE(wait_readable(resample, 5000));
}

static void test_irq_line(void)
{
	struct vm *vm = vm_create(1, 0);
	struct vcpu *vcpu = &vm->vcpus[0];

	vm_ioapic_set(vm, PIN, VECTOR, 0, 0);
	vcpu_run_thread(vcpu, guest_wait, 1);
	vcpu_wait_sync(vcpu, 1);
	vm_irq_line(vm, PIN, 1);
	vm_irq_line(vm, PIN, 0);
	ASSERT_EQ(vcpu_join(vcpu), 1);
}

/* Nothing is taken by an APIC that software has not enabled, until it has */
static __guest u64 guest_late_lapic(u64 arg)
{
	guest_irq_enable();
	guest_sync(arg);
	guest_lapic_enable();
	guest_sync(arg + 1);
	guest_wait_irqs(VECTOR, 1);
	return guest_irq_count(VECTOR);
}

static __guest u64 sleep_once(u64 arg)
{
	guest_irq_wait();
	return arg;
}

/* The HLT behind the STI of a guest function */
static u64 find_hlt(guest_fn fn)
{
	const u8 *insn = (const u8 *)fn;

	while (insn[0] != 0xfb || insn[1] != 0xf4)
		insn++;
	return (u64)insn + 1;
}

/* QEMU's TCG may interrupt between STI and HLT: then nothing is to be waited for any more */
static void test_sti_shadow(void)
{
	struct vm *vm = vm_create(1, 0);
	struct vcpu *vcpu = &vm->vcpus[0];
	struct kvm_regs regs;
	struct ucall end;

	vm_ioapic_set(vm, PIN, VECTOR, 0, 0);
	vcpu_start(vcpu, sleep_once, 0);
	vcpu_ioctl(vcpu, KVM_GET_REGS, &regs);
	regs.rip = find_hlt(sleep_once);
	regs.rflags |= 0x200;
	vcpu_ioctl(vcpu, KVM_SET_REGS, &regs);
	vm_irq_line(vm, PIN, 1);
	vm_irq_line(vm, PIN, 0);
	end = vcpu_run(vcpu);
	ASSERT_EQ(end.cmd, UCALL_EXIT);
	ASSERT_EQ(vcpu_irq_count(vcpu, VECTOR), 1);
}

static void test_lapic_off(void)
{
	struct vm *vm = vm_create(1, VM_NO_LAPIC_ENABLE);
	struct vcpu *vcpu = &vm->vcpus[0];
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };

	vcpu_start(vcpu, guest_late_lapic, 1);
	ASSERT_EQ(vcpu_run(vcpu).args[0], 1);
	vm_ioctl(vm, KVM_SIGNAL_MSI, &msi);
	ASSERT_EQ(vcpu_run(vcpu).args[0], 2);
	ASSERT_EQ(vcpu_irq_count(vcpu, VECTOR), 0);
	vm_ioctl(vm, KVM_SIGNAL_MSI, &msi);
	ASSERT_EQ(vcpu_run(vcpu).args[0], 1);
}

static __guest u64 guest_ipi_to(u64 apic_id)
{
	guest_ipi(apic_id, VECTOR);
	return 0;
}

static void test_ipi(void)
{
	struct vm *vm = vm_create(2, 0);

	vcpu_run_thread(&vm->vcpus[1], guest_wait, 1);
	vcpu_call(&vm->vcpus[0], guest_ipi_to, 1);
	ASSERT_EQ(vcpu_join(&vm->vcpus[1]), 1);
}

/* Take turns with the other three: each step needs what another vCPU wrote last */
static __guest u64 guest_take_turns(u64 me)
{
	u64 i;

	for (i = 0; i < 50; i++) {
		while (READ_ONCE(turn) % 4 != me)
			guest_pause();
		counter++;
		WRITE_ONCE(turn, turn + 1);
	}
	return me;
}

static void test_shared_memory(void)
{
	struct vm *vms[] = { vm_create(2, 0), vm_create(2, 0) };
	u64 i;

	for (i = 0; i < 4; i++)
		vcpu_run_thread(&vms[i / 2]->vcpus[i % 2], guest_take_turns, i);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(vcpu_join(&vms[i / 2]->vcpus[i % 2]), i);
	ASSERT_EQ(counter, 200);
}

static __guest u64 guest_spin(u64 arg)
{
	guest_sync(1);
	while (arg)
		WRITE_ONCE(counter, arg);
	return arg;
}

static void test_stop(void)
{
	struct vm *vm = vm_create(2, 0);
	u32 i;

	for (i = 0; i < 2; i++)
		vcpu_run_thread(&vm->vcpus[i], i ? guest_wait : guest_spin, 1);
	for (i = 0; i < 2; i++) {
		vcpu_wait_sync(&vm->vcpus[i], 1);
		vcpu_stop(&vm->vcpus[i]);
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(vcpu_call(&vm->vcpus[i], guest_hypercalls, 3), 3);
	vm_free(vm);
}

static void test_late_vcpu(void)
{
	struct vm *vm = vm_create(0, 0);

	vm_route_msi(vm, MSI_GSI, 3, VECTOR);
	ASSERT_EQ(vcpu_call(vm_vcpu_add(vm, 3), guest_hypercalls, 5), 5);
	ring_and_count(vm, MSI_GSI);
}

static __guest u64 guest_halt(u64 arg)
{
	asm volatile("hlt");
	return guest_hypercall(HC_UNKNOWN, arg, 0, 0, 0);
}

static void test_no_irqchip(void)
{
	struct vcpu *vcpu = &vm_create(1, VM_NO_IRQCHIP)->vcpus[0];

	vcpu_start(vcpu, guest_halt, 0);
	ASSERT_EQ(vcpu_run(vcpu).cmd, UCALL_HLT);
	ASSERT_EQ(vcpu_run(vcpu).args[0], -KVM_ENOSYS);
}

static __guest u64 guest_copy(u64 gpa)
{
	u64 *mem = (u64 *)gpa;

	WRITE_ONCE(mem[1], READ_ONCE(mem[0]));
	return READ_ONCE(mem[1]);
}

static void test_memory(void)
{
	const u64 gpa = 0x80000000;
	struct vm *vm = vm_create(1, 0);
	struct vcpu *vcpu = &vm->vcpus[0];
	int fd = memfd_create_sized(PAGE_SIZE), slot;
	u64 *mem = map_shared(fd, PAGE_SIZE);

	memfd_seal(fd, SEALS_FOR_STATUS);
	mem[0] = 42;
	slot = vm_map_mem(vm, gpa, mem, PAGE_SIZE, 0);
	ASSERT_EQ(vcpu_call(vcpu, guest_copy, gpa), 42);
	ASSERT_EQ(mem[1], 42);
	ASSERT_EQ(__vm_map_mem(vm, gpa, mem, PAGE_SIZE, 0), -EEXIST);

	vm_unmap_mem(vm, slot);
	mem = vm_add_mem(vm, gpa, PAGE_SIZE, KVM_MEM_READONLY);
	vcpu_start(vcpu, guest_copy, gpa);
	ASSERT_EQ(__vcpu_run(vcpu), 0);
	ASSERT_EQ(vcpu->run->exit_reason, KVM_EXIT_MMIO);
	ASSERT_EQ(vcpu->run->mmio.phys_addr, gpa + 8);
	ASSERT_EQ(mem[1], 0);
}

static __guest u64 guest_out(u64 port)
{
	asm volatile("outb %%al, %%dx" : : "a" (1), "d" (port));
	return 0;
}

static void test_ioeventfd(void)
{
	struct vm *vm = vm_create(1, 0);
	int fd = new_eventfd();

	vm_ioeventfd_port(vm, 0x510, 1, fd);
	ASSERT_EQ(vcpu_call(&vm->vcpus[0], guest_out, 0x510), 0);
	ASSERT_EQ(read_eventfd(fd), 1);
	ASSERT_EQ(read_eventfd(fd), 0);
}

static __guest u64 guest_many_hypercalls(u64 count)
{
	while (count--)
		GUEST_ASSERT_EQ(guest_hypercall(HC_UNKNOWN, 0, 0, 0, 0), -KVM_ENOSYS);
	return 0;
}

static void test_statistics(void)
{
	struct vm *vm = vm_create(1, 0);
	struct vcpu *vcpu = &vm->vcpus[0];
	u64 exits;

	vcpu_call(vcpu, guest_many_hypercalls, 1);
	exits = vcpu_stat(vcpu, "exits");
	vcpu_call(vcpu, guest_many_hypercalls, 1000);
	ASSERT_GE(vcpu_stat(vcpu, "exits") - exits, 1000);
	ASSERT_EQ(vcpu_stat(vcpu, "hypercalls"), 1001);
	ASSERT_GE(vm_stat(vm, "max_mmu_page_hash_collisions"), 0);
}

static void *touch(void *mem)
{
	return (void *)READ_ONCE(*(u64 *)mem);
}

/* Whoever touches that memory waits until the descriptor is closed */
static void test_uffd_memory(void)
{
	pthread_t thread;
	int uffd;
	u64 *mem = uffd_memory(PAGE_SIZE, &uffd);
	void *value;

	ASSERT_TRUE(!wait_readable(uffd, 1));
	ASSERT_EQ(pthread_create(&thread, NULL, touch, mem), 0);
	ASSERT_TRUE(wait_readable(uffd, 5000));
	ASSERT_EQ(pthread_tryjoin_np(thread, &value), EBUSY);
	close(uffd);
	ASSERT_EQ(pthread_join(thread, &value), 0);
	ASSERT_EQ(value, 0);
}

static void test_host_helpers(void)
{
	int pair[2], fd = new_eventfd(), copy;
	char *text;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	send_fd(pair[0], fd);
	copy = recv_fd(pair[1]);
	signal_eventfd(copy);
	ASSERT_EQ(read_eventfd(fd), 1);
	ASSERT_TRUE(!wait_readable(fd, 1));
	ASSERT_TRUE(!wait_until(read_eventfd(fd), 1));
	ASSERT_EQ(read_param("kvm", "ignore_msrs") & ~1ULL, 0);
	text = read_file("/proc/self/maps");
	ASSERT_TRUE(strstr(text, "[stack]"));
	free(text);
	ASSERT_EQ(__write_param("kvm", "no_such_parameter", "1"), -ENOENT);
}

/* A case that must fail does, in a child: assertions of a guest, exceptions, a missing end */
static __guest u64 guest_fails(u64 how)
{
	if (how == 0)
		GUEST_ASSERT_EQ(how, 1);
	if (how == 1)
		asm volatile("ud2");
	if (how == 2)
		WRITE_ONCE(*(u64 *)0xc0000000, 1);
	return how;
}

static void call_failing_guest(u64 how)
{
	vcpu_call(&vm_create(1, 0)->vcpus[0], guest_fails, how);
}

static void test_failures_fail(void)
{
	int status;
	pid_t pid;
	u64 how;

	for (how = 0; how < 4; how++) {
		pid = fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			call_failing_guest(how);
			_exit(TAP_PASS);
		}
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		ASSERT_TRUE(WIFEXITED(status));
		ASSERT_EQ(WEXITSTATUS(status), how < 3 ? TAP_FAIL : TAP_PASS);
	}
}

static void bad_assert(void)
{
	ASSERT_EQ(2 + 2, 5);
}

static void bad_crash(void)
{
	raise(SIGSEGV);
}

static void bad_exit(void)
{
	_exit(3);
}

static void bad_hang(void)
{
	for (;;)
		pause();
}

static const struct test_case bad_cases[] = {
	{ "assert", bad_assert },
	{ "crash", bad_crash },
	{ "exit", bad_exit },
	{ "hang", bad_hang, 1 },
};

static void read_output(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while ((got = read(fd, text + len, size - 1 - len)) > 0)
		len += got;
	text[len] = 0;
}

/* The runner itself: every way to end badly is a failure, and the next case runs nevertheless */
static void test_runner_fails(void)
{
	static const char *const expected[] = {
		"1..4\n", "\nnot ok 1 assert # " __FILE__ ":", "2 + 2 == 5: left 4",
		"\nnot ok 2 crash # killed by signal 11", "\nnot ok 3 exit # exit status 3\n",
		"\nnot ok 4 hang # no result within"
	};
	char *name = "nested", text[2048];
	int out[2], status;
	size_t i;
	pid_t pid;

	ASSERT_EQ(pipe(out), 0);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		_exit(test_main(1, &name, bad_cases, ARRAY_SIZE(bad_cases), 0));
	}
	close(out[1]);
	read_output(out[0], text, sizeof(text));
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(WEXITSTATUS(status), TAP_FAIL);
	for (i = 0; i < ARRAY_SIZE(expected); i++)
		if (!strstr(text, expected[i]))
			TEST_FAIL("the runner did not print '%s'", expected[i]);
}

static const struct test_case cases[] = {
	{ "modes", test_modes },
	{ "hypercall", test_hypercall },
	{ "ring3", test_ring3 },
	{ "irqfd_pin", test_irqfd_pin },
	{ "irqfd_pin_by_host", test_irqfd_pin_by_host },
	{ "irqfd_msi", test_irqfd_msi },
	{ "split_irqchip", test_split_irqchip },
	{ "resample", test_resample },
	{ "irq_line", test_irq_line },
	{ "sti_shadow", test_sti_shadow },
	{ "lapic_off", test_lapic_off },
	{ "ipi", test_ipi },
	{ "shared_memory", test_shared_memory },
	{ "stop", test_stop },
	{ "late_vcpu", test_late_vcpu },
	{ "no_irqchip", test_no_irqchip },
	{ "memory", test_memory },
	{ "ioeventfd", test_ioeventfd },
	{ "statistics", test_statistics },
	{ "uffd_memory", test_uffd_memory },
	{ "host_helpers", test_host_helpers },
	{ "failures_fail", test_failures_fail },
	{ "runner_fails", test_runner_fails },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM);
}
