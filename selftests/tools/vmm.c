// SPDX-License-Identifier: GPL-2.0
/*
 * A VMM that knows nothing of kvm_pvi, for tests of what is done to it from outside. It has one
 * VM, in which an edge on pin n is an interrupt of vector 0x40 + n, and does what it is told, a
 * line each, and answers with a line:
 *
 *	ring UUID GSI	the guest issues KVM_HC_PVI: what it gets in RAX
 *	connect UUID GSI, notify PORT, msi GSI PIN	the same of other calls; msi: with that pin's vector
 *	acks BELL	the same, of a bell whose flags are cleared when it is rung
 *	run		the guest waits for interrupts from now on, until
 *	stop		it has stopped; 0. Between them nothing else of it
 *	irqs PIN	how many interrupts of that pin the guest has taken
 *	dup		one more descriptor of the VM: its number
 *	vm		one more VM: the number of its descriptor
 *	bare		the same without an interrupt controller
 *	hide		forbids its core dump, so that its files in /proc are root's; 0
 *	map		maps a page, which may have to wait; 0
 *	other		another VM in the place of its own, as which it serves from then on: its descriptor
 *	beside		the same, but it keeps the one that it had, until
 *	drop		it closes that; 0
 *	become UID	sets all uids; 0
 *	crowd UID N	N processes of that user that have what looks like a VM, and whoever closes one cannot
 *			be ended, by pvi_test_delay: the PID of another one, with which they end
 *	vms UID N EACH	N processes of that user that have a VM, each called as we are, with a UUID that ends with its
 *			number if EACH is 1; each maps a page at SIGUSR1. Their PIDs are in the same process group: that
 *	leave		the thread that made the VM ends, and another one has its memory still; 0, the last answer
 *	lend UUID	a program that was started with the descriptor of a VM of ours, and says so: its PID
 *
 * Where its last argument is "threaded" a thread makes the VM.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pvi_test.h"

#define VECTOR(pin) (0x40 + (pin))
#define HLT 0xf4

static u8 receiver[KVM_PVI_UUID_SIZE] __aligned(16);

static __guest u64 ring(u64 gsi)
{
	return guest_hypercall(KVM_HC_PVI, (u64)receiver, gsi, 0, 0);
}

/* Of a call without the name of a VM */
static u64 call[4];

static __guest u64 issue(u64 nr)
{
	return guest_hypercall(nr, call[0], call[1], call[2], call[3]);
}

static __guest u64 connect_port(u64 gsi)
{
	return guest_hypercall(KVM_HC_PVI_CONNECT, (u64)receiver, gsi, 0, 0);
}

static u64 resting;

static __guest u64 rest(u64 arg)
{
	while (READ_ONCE(resting))
		guest_irq_wait();
	return arg;
}

/* What is pending is taken at the entry after the sync. */
static __guest u64 count_irqs(u64 pin)
{
	guest_irq_enable();
	guest_sync(1);
	guest_irq_disable();
	return guest_irq_count(VECTOR(pin));
}

static bool parse_uuid(const char *text, u8 *uuid)
{
	int i, used;

	for (i = 0; i < KVM_PVI_UUID_SIZE; i++) {
		if (*text == '-')
			text++;
		if (sscanf(text, "%2hhx%n", &uuid[i], &used) != 1 || used != 2)
			return false;
		text += 2;
	}
	return !*text;
}

static struct vm *make_vm(void)
{
	struct vm *vm = vm_create(1, 0);
	int pin;

	for (pin = 16; pin < 24; pin++)
		vm_ioapic_set(vm, pin, VECTOR(pin), 0, 0);
	return vm;
}

/* It lives as long as the process, as a VMM's thread does. */
static void *make_vm_and_stay(void *arg)
{
	struct vm *vm = make_vm();

	__atomic_store_n((struct vm **)arg, vm, __ATOMIC_RELEASE);
	for (;;)
		pause();
	return NULL;
}

static struct vm *make_vm_in_thread(void)
{
	struct vm *vm = NULL;
	pthread_t thread;

	pthread_create(&thread, NULL, make_vm_and_stay, &vm);
	while (!__atomic_load_n(&vm, __ATOMIC_ACQUIRE))
		usleep(1000);
	return vm;
}

static void map(int nr)
{
	(void)nr;
	mmap(NULL, getpagesize(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void vms_run(char *uuid, uid_t uid, u32 nr, int kvm, int done)
{
	char number[13];

	snprintf(number, sizeof(number), "%012u", nr);
	if (uuid)
		memcpy(uuid + 24, number, 12);
	signal(SIGUSR1, map);
	if (setresuid(uid, uid, uid) || prctl(PR_SET_PDEATHSIG, SIGKILL) || ioctl(kvm, KVM_CREATE_VM, 0) < 0 ||
	    write(done, "", 1) != 1)
		exit(1);
	for (;;)
		pause();
}

/* Their group, which begins with the first */
static pid_t vms(char *uuid, uid_t uid, u32 nr, int vm_fd)
{
	int kvm = kvm_dev_fd(), done[2];
	pid_t pid, group = 0;
	u32 i;
	char c;

	if (pipe(done))
		return -1;
	for (i = 1; i <= nr; i++) {
		pid = fork();
		if (!pid) {
			close(vm_fd);
			setpgid(0, group);
			vms_run(uuid, uid, i, kvm, done[1]);
		}
		group = group ?: pid;
		setpgid(pid, group);
		if (read(done[0], &c, 1) != 1)
			return -1;
	}
	close(done[0]);
	close(done[1]);
	return group;
}

static void *stay(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* As a process that ends, whose threads do so one by one */
static void leave(void)
{
	pthread_t thread;

	printf("%d\n", pthread_create(&thread, NULL, stay, NULL));
	pthread_exit(NULL);
}

/* The VM has our address space, and the program its own. */
static pid_t lend(const char *uuid)
{
	int kvm = kvm_dev_fd();
	pid_t pid = vfork();

	if (!pid) {
		dup(ioctl(kvm, KVM_CREATE_VM, 0));
		execl("/bin/sh", "sh", "-c", "sleep 1000; :", "-uuid", uuid, NULL);
		_exit(1);
	}
	return pid;
}

/* The guest's RAX */
static long long call_guest(struct vcpu *vcpu, u32 nr, u64 a, u64 b, u64 c)
{
	memcpy(call, (u64[]){ a, b, c, 0 }, sizeof(call));
	return vcpu_call(vcpu, issue, nr);
}

static long long run(struct vcpu *vcpu)
{
	WRITE_ONCE(resting, 1);
	vcpu_run_thread(vcpu, rest, 0);
	return 0;
}

/* It may be in a handler, or about to halt: it comes to its end, so that no interrupt is half taken. */
static long long stop(struct vcpu *vcpu)
{
	struct kvm_regs regs;

	vcpu_stop(vcpu);
	WRITE_ONCE(resting, 0);
	vcpu_settle(vcpu);
	vcpu_ioctl(vcpu, KVM_GET_REGS, &regs);
	if (*(const u8 *)regs.rip == HLT)
		regs.rip++;
	vcpu_ioctl(vcpu, KVM_SET_REGS, &regs);
	while (vcpu_run(vcpu).cmd != UCALL_EXIT)
		;
	return 0;
}

/* Their numbers and memory are copies of ours. */
static void crowd_run(int vm_fd, uid_t uid, u32 nr, int done)
{
	int delay = open("/sys/module/pvi_test_delay/parameters/close", O_WRONLY | O_CLOEXEC);
	bool first = true;

	if (delay < 0 || write(delay, "1", 1) != 1)
		exit(1);
	close(vm_fd);
	if (setresuid(uid, uid, uid) || prctl(PR_SET_PDEATHSIG, SIGKILL))
		exit(1);
	while (nr-- && first)
		first = fork();
	if (!first)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	else if (write(done, "", 1) != 1)
		exit(1);
	for (;;)
		pause();
}

static pid_t crowd(int vm_fd, uid_t uid, u32 nr)
{
	int done[2];
	pid_t pid;
	char c;

	if (pipe(done))
		return -1;
	pid = fork();
	if (!pid)
		crowd_run(vm_fd, uid, nr, done[1]);
	close(done[1]);
	if (read(done[0], &c, 1) != 1)
		pid = -1;
	close(done[0]);
	return pid;
}

/* Where it is on the command line */
static char *our_uuid;

static long long obey(struct vm **at, const char *line)
{
	static struct vm *had;
	struct vm *vm = *at;
	char uuid[40];
	u32 n, uid, pin;

	if (sscanf(line, "ring %39s %u", uuid, &n) == 2 && parse_uuid(uuid, receiver))
		return vcpu_call(&vm->vcpus[0], ring, n);
	if (sscanf(line, "connect %39s %u", uuid, &n) == 2 && parse_uuid(uuid, receiver))
		return vcpu_call(&vm->vcpus[0], connect_port, n);
	if (sscanf(line, "notify %u", &n) == 1)
		return call_guest(&vm->vcpus[0], KVM_HC_NOTIFY, n, 0, 0);
	if (sscanf(line, "msi %u %u", &n, &pin) == 2)
		return call_guest(&vm->vcpus[0], KVM_HC_PVI_SET_MSI, n, 0xfee00000, VECTOR(pin));
	if (sscanf(line, "acks %u", &n) == 1)
		return call_guest(&vm->vcpus[0], KVM_HC_BELL_MASK, n, ~0ull, ~0ull);
	if (!strcmp(line, "run\n"))
		return run(&vm->vcpus[0]);
	if (!strcmp(line, "stop\n"))
		return stop(&vm->vcpus[0]);
	if (sscanf(line, "irqs %u", &n) == 1)
		return vcpu_call(&vm->vcpus[0], count_irqs, n);
	if (!strcmp(line, "dup\n"))
		return dup(vm->fd);
	if (!strcmp(line, "vm\n"))
		return vm_create(0, 0)->fd;
	if (!strcmp(line, "bare\n"))
		return vm_create(0, VM_NO_IRQCHIP)->fd;
	if (!strcmp(line, "hide\n"))
		return prctl(PR_SET_DUMPABLE, 0);
	if (!strcmp(line, "map\n"))
		return mmap(NULL, getpagesize(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
	if (!strcmp(line, "leave\n"))
		leave();
	if (!strcmp(line, "other\n")) {
		vm_free(vm);
		*at = make_vm();
		return (*at)->fd;
	}
	if (!strcmp(line, "beside\n")) {
		had = vm;
		*at = make_vm();
		return (*at)->fd;
	}
	if (!strcmp(line, "drop\n")) {
		vm_free(had);
		return 0;
	}
	if (sscanf(line, "become %u", &uid) == 1)
		return setresuid(uid, uid, uid);
	if (sscanf(line, "crowd %u %u", &uid, &n) == 2)
		return crowd(vm->fd, uid, n);
	if (sscanf(line, "vms %u %u %u", &uid, &n, &pin) == 3)
		return vms(pin ? our_uuid : NULL, uid, n, vm->fd);
	if (sscanf(line, "lend %39s", uuid) == 1)
		return lend(uuid);
	fprintf(stderr, "vmm: what is '%s'?\n", line);
	exit(1);
}

int main(int argc, char **argv)
{
	struct vm *vm = strcmp(argv[argc - 1], "threaded") ? make_vm() : make_vm_in_thread();
	char line[80];
	int i;

	for (i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], "-uuid"))
			our_uuid = argv[i + 1];
	setlinebuf(stdout);
	puts("ready");
	while (fgets(line, sizeof(line), stdin))
		printf("%lld\n", obey(&vm, line));
	return 0;
}
