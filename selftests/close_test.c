// SPDX-License-Identifier: GPL-2.0
/*
 * When close() of an endpoint's last descriptor has returned nothing of it is left: its status
 * words are memory like any other, its eventfds free for other uses, what was charged is given
 * back, and its VM is its VMM's alone. A process that ends waits for none of that.
 */
#include <fcntl.h>
#include <glob.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "delay.h"
#include "pvi_test.h"
#include "source.h"
#include "status.h"

#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]
#define GSI	SOURCE_GSI
#define ROUNDS	20
#define MANY	64
#define DESTROY	"kvm_arch_destroy_vm"

static u64 pinned_kb(void)
{
	char *text = read_file("/proc/self/status"), *at = strstr(text, "VmPin:");
	u64 kb;

	ASSERT_TRUE(at);
	kb = strtoul(at + strlen("VmPin:"), NULL, 10);
	free(text);
	return kb;
}

/* An endpoint with a status word, which says that a ring is owed */
static int owed_endpoint(const struct status_mem *mem, int tx)
{
	int fd = pvi_bind(NULL, RX);

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(fd, TX, GSI);
	status_register(fd, GSI, mem);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0), KVM_PVI_LATCHED);
	ASSERT_EQ(READ_ONCE(mem->seen->pending), 1);
	ASSERT_EQ(pinned_kb(), PAGE_SIZE / 1024);
	return fd;
}

/* Several grace periods, and whatever works are due by then */
static void let_works_end(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[9]), i;

	for (i = 0; i < 3; i++) {
		pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
		pvi_gsi(fd, KVM_PVI_UNEXPOSE, GSI);
	}
	close(fd);
}

static void test_status_word(void)
{
	struct status_mem mem = status_make();
	int tx = pvi_bind(NULL, TX), i;

	for (i = 0; i < ROUNDS; i++) {
		close(owed_endpoint(&mem, tx));
		ASSERT_EQ(READ_ONCE(mem.seen->pending), 0);
		WRITE_ONCE(mem.word->pending, 1);
		let_works_end();
		ASSERT_EQ(READ_ONCE(mem.seen->pending), 1);
	}
}

static void test_charge(void)
{
	struct status_mem mem = status_make();
	int tx = pvi_bind(NULL, TX), i;

	for (i = 0; i < ROUNDS; i++) {
		close(owed_endpoint(&mem, tx));
		ASSERT_EQ(pinned_kb(), 0);
	}
}

/* Its last descriptor goes with the socket it was sent to */
static void test_in_flight(void)
{
	struct status_mem mem = status_make();
	int tx = pvi_bind(NULL, TX), pair[2], fd, i;

	for (i = 0; i < ROUNDS; i++) {
		fd = owed_endpoint(&mem, tx);
		ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		send_fd(pair[0], fd);
		close(fd);
		ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0), KVM_PVI_COALESCED);
		close(pair[0]);
		close(pair[1]);
		ASSERT_EQ(READ_ONCE(mem.seen->pending), 0);
		ASSERT_EQ(pinned_kb(), 0);
	}
}

/* As a sink of a GSI and of a port, then as a source; and the other way round */
static void test_eventfds(void)
{
	struct pair p = pair_create();
	int wired = new_eventfd(), port = new_eventfd(), source = new_eventfd(), fd, i;

	for (i = 0; i < ROUNDS; i++) {
		fd = pvi_bind(NULL, pvi_uuid[2]);
		pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
		pvi_wire(fd, GSI, wired);
		pvi_wire_source(fd, source, pvi_set_port(fd, port));
		close(fd);
		ASSERT_EQ(__pvi_wire_source(p.tx, wired, p.port), 0);
		ASSERT_EQ(__pvi_wire_source(p.tx, port, p.port), 0);
		ASSERT_EQ(__pvi_wire(p.rx, GSI, source), 0);
		pvi_unwire_source(p.tx, wired, p.port);
		pvi_unwire_source(p.tx, port, p.port);
		pvi_wire(p.rx, GSI, p.sink);
	}
}

/* KVM has a directory for each VM, as long as somebody refers to it */
static void vm_path(char *path, size_t size, struct vm *vm)
{
	snprintf(path, size, "/sys/kernel/debug/kvm/%d-%d", getpid(), vm->fd);
	ASSERT_EQ(access(path, F_OK), 0);
}

/* An endpoint of it that has something to do: a ring that it tries to deliver */
static int busy_endpoint(struct vm *vm, int tx)
{
	int fd = pvi_bind(vm, RX);

	pvi_expose(fd, GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(fd, TX, GSI);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0), KVM_PVI_LATCHED);
	return fd;
}

static void check_vm(bool endpoint_first)
{
	int tx = pvi_bind(NULL, TX), fd, i;
	char path[64];
	struct vm *vm;

	for (i = 0; i < ROUNDS; i++) {
		vm = vm_create(1, 0);
		vm_path(path, sizeof(path), vm);
		fd = busy_endpoint(vm, tx);
		if (endpoint_first)
			close(fd);
		vm_free(vm);
		if (!endpoint_first)
			close(fd);
		ASSERT_EQ(access(path, F_OK), -1);
	}
}

static void test_vm_then_endpoint(void)
{
	check_vm(false);
}

static void test_endpoint_then_vm(void)
{
	check_vm(true);
}

static void trace_destroyers(void)
{
	mount_tracefs();
	ASSERT_EQ(__write_line(TRACING "set_ftrace_filter", DESTROY), 0);
	ASSERT_EQ(__write_line(TRACING "current_tracer", "nop"), 0);
	ASSERT_EQ(__write_line(TRACING "current_tracer", "function"), 0);
}

/* How many VMs this thread has destroyed since; nobody else has any */
static int read_destroyers(void)
{
	char *text = read_file(TRACING "trace"), *line, *rest = text, self[32];
	int nr = 0;

	snprintf(self, sizeof(self), "-%d ", gettid());
	while ((line = strsep(&rest, "\n"))) {
		if (!strstr(line, ": " DESTROY))
			continue;
		if (!strstr(line, self))
			TEST_FAIL("not by%s: %s", self, line);
		nr++;
	}
	free(text);
	ASSERT_EQ(__write_line(TRACING "current_tracer", "nop"), 0);
	ASSERT_EQ(__write_line(TRACING "set_ftrace_filter", "!" DESTROY), 0);
	return nr;
}

/*
 * Where KVM has pages of its own in the VMM's address space, as on Intel processors, it takes them out if
 * the VMM itself drops the last reference to the VM.
 */
static void test_vm_destroyed_by_closer(void)
{
	int tx = pvi_bind(NULL, TX), i;

	trace_destroyers();
	for (i = 0; i < ROUNDS; i++) {
		struct vm *vm = vm_create(1, 0);
		int fd = busy_endpoint(vm, tx);

		vm_free(vm);
		close(fd);
	}
	ASSERT_EQ(read_destroyers(), ROUNDS);
}

static void own_many(u64 ready)
{
	struct status_mem mem[MANY];
	int fd;
	u32 i;

	for (i = 0; i < MANY; i++) {
		mem[i] = status_make();
		fd = pvi_bind(NULL, pvi_uuid[16 + i]);
		pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
		pvi_wire(fd, GSI, new_eventfd());
		status_register(fd, GSI, &mem[i]);
	}
	signal_eventfd(ready);
	for (;;)
		pause();
}

/* It is gone though no grace period ends meanwhile, and all names are free */
static void test_exit_waits_for_none(void)
{
	int ready = new_eventfd(), status;
	pid_t pid;
	u32 i;

	delay_load();
	pid = child_run(own_many, ready);
	ASSERT_TRUE(wait_readable(ready, 20000));
	delay_begin(DELAY_RCU, 1);
	ASSERT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid, 10000));
	for (i = 0; i < MANY; i++)
		pvi_bind(NULL, pvi_uuid[16 + i]);
	delay_end(DELAY_RCU);
}

/* A close() on a thread of its own */
struct closer {
	int fd;
	pid_t tid;
	bool done;
};

static void *closer_run(void *arg)
{
	struct closer *c = arg;

	WRITE_ONCE(c->tid, gettid());
	close(c->fd);
	WRITE_ONCE(c->done, true);
	return NULL;
}

/* Whoever rings is in a read section: close() returns when none can be in one that was there before it */
static void check_waits_for_readers(int fd)
{
	struct closer c = { .fd = fd };
	pthread_t thread;

	delay_begin(DELAY_RCU, 1);
	ASSERT_EQ(pthread_create(&thread, NULL, closer_run, &c), 0);
	ASSERT_TRUE(wait_until(READ_ONCE(c.done) ||
			       (READ_ONCE(c.tid) && sleeps_in_call(c.tid, SYS_close)), 10000));
	ASSERT_TRUE(!wait_until(READ_ONCE(c.done), 50));
	delay_end(DELAY_RCU);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
}

static void test_waits_for_readers(void)
{
	int fd = pvi_bind(NULL, RX);

	delay_load();
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	check_waits_for_readers(fd);
}

static void test_grant_waits_for_readers(void)
{
	int fd = pvi_bind(NULL, RX);

	delay_load();
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	check_waits_for_readers(pvi_grant(fd, GSI, 1, NULL));
}

/* More than works of one workqueue run at once */
#define STUCK	300

static void name_stuck(u8 *name, u32 i)
{
	memset(name, 0x5c, KVM_PVI_UUID_SIZE);
	memcpy(name, &i, sizeof(i));
}

/* Endpoints that a call of their owner is in, as long as this goes on: ALLOW that waits for memory of its cgroup, ... */
static void own_stuck(u64 ready)
{
	u8 name[KVM_PVI_UUID_SIZE];
	int fd = -1;
	u32 i;

	for (i = 0; i < STUCK; i++) {
		name_stuck(name, i);
		fd = pvi_bind(NULL, name);
		pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	}
	delay_begin(DELAY_LOCKS, fd + 1);
	signal_eventfd(ready);
	for (;;)
		pause();
}

/* Of a process that is killed while it is in calls of its endpoints the ends wait for these, and nobody else's do */
static void test_stuck_owner(void)
{
	int ready = new_eventfd(), status, tx, fd;
	u8 name[KVM_PVI_UUID_SIZE];
	pid_t pid;
	u32 i;

	delay_load();
	pid = child_run(own_stuck, ready);
	ASSERT_TRUE(wait_readable(ready, 20000));
	ASSERT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid, 10000));
	fd = pvi_bind(NULL, RX);
	tx = pvi_bind(NULL, TX);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(fd, TX, GSI);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0), KVM_PVI_LATCHED);
	close(fd);
	close(tx);
	delay_end(DELAY_LOCKS);
	for (i = 0; i < STUCK; i++) {
		name_stuck(name, i);
		close(pvi_bind(NULL, name));
	}
}

/* Nor does whoever has a grant of theirs: it rings nothing any more, and is not counted as soon as they look */
static void test_grant_of_stuck(void)
{
	int fd = pvi_bind(NULL, RX), tx = pvi_bind(NULL, TX), grant;
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	u32 port;

	delay_load();
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	grant = pvi_grant(fd, GSI, 1, NULL);
	port = pvi_connect_grant(tx, grant);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0), KVM_PVI_LATCHED);
	delay_begin(DELAY_LOCKS, fd + 1);
	close(grant);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0), -EPERM);
	delay_end(DELAY_LOCKS);
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_GET_EDGE, &edge), -ENOENT);
}

#define VCPUS	4

static __guest u64 guest_reset(u64 arg)
{
	(void)arg;
	return guest_hypercall(KVM_HC_PVI_RESET, 0, 0, 0, 0);
}

/* In call_locking(), wherever the compiler has put it; @path is the thread's wchan */
static bool waits_in_locking(const char *path)
{
	char wchan[64];

	return !__read_line(path, wchan, sizeof(wchan)) &&
	       (!strncmp(wchan, "call_locking", strlen("call_locking")) ||
		!strncmp(wchan, "pvi_hypercall_serve", strlen("pvi_hypercall_serve")));
}

/* Threads of this process */
static u32 waiters(void)
{
	glob_t tasks;
	u32 nr = 0;
	size_t i;

	ASSERT_EQ(glob("/proc/self/task/*/wchan", 0, NULL, &tasks), 0);
	for (i = 0; i < tasks.gl_pathc; i++)
		nr += waits_in_locking(tasks.gl_pathv[i]);
	globfree(&tasks);
	return nr;
}

/* Of all vCPUs one waits for the lock of the endpoint: whoever manages it has not to wait for each of them. */
static void test_guest_calls(void)
{
	struct vm *vm = vm_create(VCPUS, 0);
	int fd = pvi_bind(vm, RX);
	u32 i;

	delay_load();
	delay_begin(DELAY_LOCKS, fd + 1);
	for (i = 0; i < VCPUS; i++)
		vcpu_run_thread(&vm->vcpus[i], guest_reset, 0);
	/* The one has what the others wait for, and waits for the lock. */
	if (!wait_until(waiters() == VCPUS - 1, 3000))
		TEST_FAIL("%u wait for another one", waiters());
	delay_end(DELAY_LOCKS);
	for (i = 0; i < VCPUS; i++)
		ASSERT_EQ(vcpu_join(&vm->vcpus[i]), 0);
}

static void close_own(u64 unused)
{
	int fd = pvi_bind(vm_create(1, 0), RX);

	(void)unused;
	delay_begin(DELAY_LOCKS, fd + 1);
	close(fd);
}

/* KVM has one directory for each */
static bool has_vm(pid_t pid)
{
	char pattern[64];
	glob_t vms;
	int ret;

	snprintf(pattern, sizeof(pattern), "/sys/kernel/debug/kvm/%d-*", pid);
	ret = glob(pattern, 0, NULL, &vms);
	if (!ret)
		globfree(&vms);
	return !ret;
}

/*
 * Who waits in close() for whoever has the lock can be killed. The end comes when that lets go, and drops the VM, which
 * the closer would have dropped.
 */
static void test_closer_is_killed(void)
{
	pid_t pid;
	int fd;

	delay_load();
	pid = child_run(close_own, 0);
	ASSERT_TRUE(wait_until(sleeps_in_call(pid, SYS_close), 10000));
	child_kill(pid);
	ASSERT_TRUE(has_vm(pid));
	delay_end(DELAY_LOCKS);
	ASSERT_TRUE(wait_until(!has_vm(pid), 10000));
	fd = pvi_bind(NULL, RX);
	close(fd);
}

/* Who closes a grant does not take the lock: whoever has it next has the grant leave the table */
static void test_grant_is_left(void)
{
	const char *refuse = "pvi_test_refuse";
	int fd = pvi_bind(NULL, RX), grant;

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	grant = pvi_grant(fd, GSI, 1, NULL);
	ASSERT_EQ(__load_test_module_with(refuse, "function=kvm_pvi:pvi_edge_unlist times=0"), 0);
	close(grant);
	ASSERT_EQ(read_param(refuse, "made"), 0);
	pvi_allow(fd, TX, GSI);
	ASSERT_EQ(read_param(refuse, "made"), 1);
	unload_module(refuse);
}

/* A process that has this one's memory, and so may run vCPUs of its VMs, but is killed by itself */
static pid_t sharer;

static void *sharer_run(void *vcpu)
{
	pid_t pid = vfork();

	if (pid)
		return NULL;
	WRITE_ONCE(sharer, getpid());
	vcpu_call(vcpu, guest_reset, 0);
	_exit(TAP_PASS);
}

/* Whoever waits for another vCPU of its guest can be killed, though that one goes on waiting for the lock */
static void test_guest_call_killed(void)
{
	struct vm *vm = vm_create(3, 0);
	int fd = pvi_bind(vm, RX);
	pthread_t thread;
	char path[64];

	delay_load();
	delay_begin(DELAY_LOCKS, fd + 1);
	vcpu_run_thread(&vm->vcpus[0], guest_reset, 0);
	vcpu_run_thread(&vm->vcpus[1], guest_reset, 0);
	ASSERT_TRUE(wait_until(waiters() == 1, 3000));
	ASSERT_EQ(pthread_create(&thread, NULL, sharer_run, &vm->vcpus[2]), 0);
	ASSERT_TRUE(wait_until(READ_ONCE(sharer), 3000));
	snprintf(path, sizeof(path), "/proc/%d/wchan", sharer);
	ASSERT_TRUE(wait_until(waits_in_locking(path), 3000));
	child_kill(sharer);
	ASSERT_EQ(waiters(), 1);
	delay_end(DELAY_LOCKS);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ASSERT_EQ(vcpu_join(&vm->vcpus[0]), 0);
	ASSERT_EQ(vcpu_join(&vm->vcpus[1]), 0);
}

static const struct test_case cases[] = {
	{ "status_word", test_status_word, 60 },
	{ "charge", test_charge },
	{ "in_flight", test_in_flight },
	{ "eventfds", test_eventfds },
	{ "vm_then_endpoint", test_vm_then_endpoint },
	{ "endpoint_then_vm", test_endpoint_then_vm },
	{ "vm_destroyed_by_closer", test_vm_destroyed_by_closer },
	{ "exit_waits_for_none", test_exit_waits_for_none, 60 },
	{ "waits_for_readers", test_waits_for_readers, 60 },
	{ "grant_waits_for_readers", test_grant_waits_for_readers, 60 },
	{ "stuck_owner", test_stuck_owner, 60 },
	{ "grant_of_stuck", test_grant_of_stuck, 60 },
	{ "closer_is_killed", test_closer_is_killed, 60 },
	{ "grant_is_left", test_grant_is_left },
	{ "guest_calls", test_guest_calls, 60 },
	{ "guest_call_killed", test_guest_call_killed, 60 },
};

int main(int argc, char **argv)
{
	int ret = test_main(argc, argv, cases, ARRAY_SIZE(cases),
			    TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);

	delay_unload();
	return ret;
}
