// SPDX-License-Identifier: GPL-2.0
/*
 * BIND: who gets a name and a VM, who is refused and why, and when both are free again.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "pvi_test.h"

#define GSI	9
#define RACERS	4
#define TAKEN_ALONG	100	/* a descriptor that exec() keeps */

static const u8 nil[KVM_PVI_UUID_SIZE];
static u8 max[KVM_PVI_UUID_SIZE];

static struct kvm_pvi_bind bind_arg(u32 flags, int vm_fd, const u8 *uuid)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind), .flags = flags, .vm_fd = vm_fd };

	memcpy(bind.uuid, uuid, sizeof(bind.uuid));
	return bind;
}

static int try_bind(int fd, u32 flags, int vm_fd, const u8 *uuid)
{
	struct kvm_pvi_bind bind = bind_arg(flags, vm_fd, uuid);

	return __pvi_ioctl(fd, KVM_PVI_BIND, &bind);
}

static int try_owner(int fd, u32 owner)
{
	struct kvm_pvi_bind bind = bind_arg(KVM_PVI_BIND_HOST | KVM_PVI_BIND_OWNER, -1, pvi_uuid[0]);

	bind.owner = owner;
	return __pvi_ioctl(fd, KVM_PVI_BIND, &bind);
}

static int try_vmm(int fd, u32 flags, int vm_fd, pid_t pid)
{
	struct kvm_pvi_bind bind = bind_arg(KVM_PVI_BIND_VMM | flags, vm_fd, pvi_uuid[0]);

	bind.owner = pid;
	return __pvi_ioctl(fd, KVM_PVI_BIND, &bind);
}

static s64 features(int fd)
{
	return pvi_call(fd, KVM_HC_PVI_FEATURES, 0, 0, 0, 0);
}

static __guest u64 guest_features(u64 arg)
{
	return guest_hypercall(KVM_HC_PVI_FEATURES, arg, 0, 0, 0);
}

static bool is_served(struct vm *vm)
{
	s64 ret = vcpu_call(&vm->vcpus[0], guest_features, 0);

	if (ret != -KVM_ENOSYS)
		ASSERT_TRUE(ret & KVM_PVI_FEAT_PRESENT);
	return ret != -KVM_ENOSYS;
}

/* After each refusal the endpoint is as it was: in the end it binds */
static void test_arguments(void)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_open(), closed = new_eventfd();

	close(closed);
	memset(max, 0xff, sizeof(max));
	ASSERT_EQ(try_bind(fd, 0, -1, pvi_uuid[0]), -EBADF);
	ASSERT_EQ(try_bind(fd, 0, closed, pvi_uuid[0]), -EBADF);
	ASSERT_EQ(try_bind(fd, 0, new_eventfd(), pvi_uuid[0]), -EINVAL);
	ASSERT_EQ(try_bind(fd, 0, kvm_dev_fd(), pvi_uuid[0]), -EINVAL);
	ASSERT_EQ(try_bind(fd, 0, vm->vcpus[0].fd, pvi_uuid[0]), -EINVAL);
	ASSERT_EQ(try_bind(fd, 0, fd, pvi_uuid[0]), -EINVAL);
	ASSERT_EQ(try_bind(fd, 0, vm->fd, nil), -EINVAL);
	ASSERT_EQ(try_bind(fd, 0, vm->fd, max), -EINVAL);
	ASSERT_EQ(try_bind(fd, KVM_PVI_BIND_HOST, vm->fd, pvi_uuid[0]), -EINVAL);
	ASSERT_EQ(try_bind(fd, KVM_PVI_BIND_HOST, -1, nil), -EINVAL);
	ASSERT_TRUE(!is_served(vm));
	ASSERT_EQ(try_bind(fd, 0, vm->fd, pvi_uuid[0]), 0);
	ASSERT_TRUE(is_served(vm));
}

static void test_taken(void)
{
	struct vm *vm = vm_create(1, 0), *other = vm_create(1, 0);
	int fd = pvi_bind(vm, pvi_uuid[0]), late = pvi_open();

	ASSERT_EQ(__pvi_bind(fd, vm, pvi_uuid[0]), -EBUSY);
	ASSERT_EQ(__pvi_bind(fd, other, pvi_uuid[1]), -EBUSY);
	ASSERT_EQ(__pvi_bind(late, vm, pvi_uuid[1]), -EEXIST);
	ASSERT_EQ(__pvi_bind(late, other, pvi_uuid[0]), -EEXIST);
	ASSERT_EQ(__pvi_bind(late, NULL, pvi_uuid[0]), -EEXIST);
	ASSERT_TRUE(!is_served(other));
	ASSERT_EQ(__pvi_bind(late, other, pvi_uuid[1]), 0);
	ASSERT_TRUE(is_served(other));
}

static void bind_without_setuid(u64 fd)
{
	drop_capability(CAP_SETUID);
	ASSERT_EQ(try_owner(fd, 1000), -EPERM);
	ASSERT_EQ(try_owner(fd, getuid()), -EPERM);
	ASSERT_EQ(try_vmm(fd, 0, vm_create(0, 0)->fd, getpid()), -EPERM);
	ASSERT_EQ(__pvi_bind(fd, NULL, pvi_uuid[0]), 0);
}

static void test_owner(void)
{
	int fd = pvi_open(), child_fd = pvi_open();

	ASSERT_EQ(try_owner(fd, -1), -EINVAL);
	child_join(child_run(bind_without_setuid, child_fd));
	close(child_fd);
	ASSERT_EQ(try_owner(fd, 1000), 0);
}

/* The kernel's word on whose the endpoint is that has the first name */
static u32 listed_owner(int fd)
{
	static struct kvm_pvi_list_endpoint r[KVM_PVI_LIST_MAX];
	struct kvm_pvi_list list = {
		.size = sizeof(list), .record = sizeof(r[0]), .address = (u64)r, .nr = ARRAY_SIZE(r),
	};
	u32 i;

	pvi_ioctl(fd, KVM_PVI_LIST, &list);
	for (i = 0; i < list.nr; i++)
		if (!(r[i].flags & KVM_PVI_LISTED_DEAD) && !memcmp(r[i].uuid, pvi_uuid[0], KVM_PVI_UUID_SIZE))
			return r[i].owner;
	TEST_FAIL("it is not listed");
}

static void bind_for_mapped(u64 fd)
{
	enter_user_namespace(100000);
	ASSERT_EQ(try_owner(fd, 1), -EINVAL);
	ASSERT_EQ(try_owner(fd, 100000), -EINVAL);
	ASSERT_EQ(try_owner(fd, 0), 0);
}

/* Who is root of a user namespace names whom that has, by the numbers that it has for them */
static void test_owner_namespace(void)
{
	int fd = pvi_open();

	child_join(child_run(bind_for_mapped, fd));
	ASSERT_EQ(listed_owner(fd), 100000);
}

static void fetch_nothing(u64 socket)
{
	char byte;

	ASSERT_EQ(read(socket, &byte, 1), 0);
}

/* Who names a process is told whether it is its VM */
static void test_vmm(void)
{
	int fd = pvi_open(), vm_fd, pair[2];
	pid_t vmm, heir;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	vm_fd = child_vm(&vmm);
	heir = child_run(fetch_nothing, pair[1]);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, heir), -ESRCH);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, getpid()), -ESRCH);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, 0), -ESRCH);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, -1), -ESRCH);
	ASSERT_EQ(try_vmm(fd, KVM_PVI_BIND_OWNER, vm_fd, vmm), -EINVAL);
	ASSERT_EQ(try_vmm(fd, KVM_PVI_BIND_HOST, -1, vmm), -EINVAL);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, vmm), 0);
	ASSERT_EQ(listed_owner(fd), getuid());
	child_kill(heir);
	child_kill(vmm);
	ASSERT_EQ(try_vmm(pvi_open(), 0, vm_fd, vmm), -ESRCH);
}

static void become(u64 socket)
{
	u32 ids[4];

	send_fd(socket, vm_create(0, 0)->fd);
	while (read(socket, ids, sizeof(ids)) == sizeof(ids)) {
		ASSERT_EQ(syscall(SYS_setresuid, ids[0], ids[1], ids[2]), 0);
		/* Which says what it was, and no error */
		syscall(SYS_setfsuid, ids[3]);
		ASSERT_EQ(syscall(SYS_setfsuid, -1), ids[3]);
		ASSERT_EQ(write(socket, ids, 1), 1);
	}
}

static void tell_ids(int socket, u32 real, u32 effective, u32 saved, u32 files)
{
	u32 ids[] = { real, effective, saved, files };

	ASSERT_EQ(write(socket, ids, sizeof(ids)), sizeof(ids));
	ASSERT_EQ(read(socket, ids, 1), 1);
}

/* Its user, who is one: another's rights are not the VMM's own */
static void test_vmm_user(void)
{
	int fd = pvi_open(), vm_fd, pair[2];
	pid_t vmm;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	vmm = child_run(become, pair[1]);
	vm_fd = recv_fd(pair[0]);
	tell_ids(pair[0], 0, 0, 0, 1000);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, vmm), -EPERM);
	tell_ids(pair[0], 1000, 0, 0, 0);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, vmm), -EPERM);
	tell_ids(pair[0], 0, 1000, 0, 1000);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, vmm), -EPERM);
	tell_ids(pair[0], 1000, 1000, 0, 1000);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, vmm), -EPERM);
	tell_ids(pair[0], 1000, 1000, 1000, 1000);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, vmm), 0);
	ASSERT_EQ(listed_owner(fd), 1000);
	child_kill(vmm);
}

/* Who has all capabilities there names nobody else, and is nobody there */
static void bind_from_namespace(u64 unused)
{
	int fd = pvi_open(), vm_fd = vm_create(0, 0)->fd;

	(void)unused;
	ASSERT_EQ(unshare(CLONE_NEWUSER), 0);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, getpid()), -EPERM);
}

static void test_vmm_namespace(void)
{
	child_join(child_run(bind_from_namespace, 0));
}

static bool is_named(pid_t pid, const char *name)
{
	char path[64], line[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	return !__read_line(path, line, sizeof(line)) && !strcmp(line, name);
}

/* Made in the address space that is left, and taken along: as a user would have root's programs do */
static void test_vmm_execs(void)
{
	int fd = pvi_open(), kvm = kvm_dev_fd(), pair[2], pidfd, vm_fd;
	pid_t pid;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = vfork();
	if (!pid) {
		dup2(ioctl(kvm, KVM_CREATE_VM, 0), TAKEN_ALONG);
		dup2(pair[1], STDIN_FILENO);
		execl("/bin/sh", "sh", "-c", "read line", NULL);
		_exit(TAP_FAIL);
	}
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	vm_fd = syscall(SYS_pidfd_getfd, pidfd, TAKEN_ALONG, 0);
	ASSERT_GE(vm_fd, 0);
	/* vfork() returns shortly before the address space has been left. */
	ASSERT_TRUE(wait_until(is_named(pid, "sh"), 10000));
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, pid), -ESRCH);
	child_kill(pid);
	ASSERT_EQ(try_vmm(fd, 0, vm_fd, getpid()), 0);
}

/* Counts endpoints of all the host: those of earlier cases go a little later than they close */
static void test_max_vms(void)
{
	u64 usual = read_param("kvm_pvi", "max_vms");
	int first = pvi_open(), second = pvi_open(), ret;
	bool bound, room;

	ASSERT_EQ(__write_param("kvm_pvi", "max_vms", "0"), -EINVAL);
	ASSERT_EQ(__write_param("kvm_pvi", "max_vms", "4294967295"), -EINVAL);
	write_param("kvm_pvi", "max_vms", 1);
	bound = wait_until(__pvi_bind(first, NULL, pvi_uuid[0]) == 0, 10000);
	ret = __pvi_bind(second, NULL, pvi_uuid[1]);
	close(first);
	room = wait_until(__pvi_bind(second, NULL, pvi_uuid[1]) == 0, 10000);
	write_param("kvm_pvi", "max_vms", usual);
	ASSERT_TRUE(bound);
	ASSERT_EQ(ret, -ENOSPC);
	ASSERT_TRUE(room);
}

static void test_owner_process_gone(void)
{
	int fd = pvi_open(), vm_fd;
	pid_t pid;

	vm_fd = child_vm(&pid);
	child_kill(pid);
	ASSERT_EQ(try_bind(fd, 0, vm_fd, pvi_uuid[0]), -ESRCH);
	ASSERT_EQ(try_bind(fd, KVM_PVI_BIND_HOST, -1, pvi_uuid[0]), 0);
}

static void test_attach_parameter(void)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_open(), ret;

	write_param("kvm_pvi", "attach", 0);
	ret = __pvi_bind(fd, vm, pvi_uuid[0]);
	write_param("kvm_pvi", "attach", 1);
	ASSERT_EQ(ret, -EBUSY);
	ASSERT_EQ(__pvi_bind(fd, vm, pvi_uuid[0]), 0);
	ASSERT_TRUE(is_served(vm));
}

static __guest u64 guest_ring(u64 uuid)
{
	return guest_hypercall(KVM_HC_PVI, uuid, GSI, 0, 0);
}

/* A guest and a host process ring each other */
static void test_host_endpoint(void)
{
	struct vm *vm = vm_create(1, 0);
	int vm_fd = pvi_bind(vm, pvi_uuid[0]), host = pvi_bind(NULL, pvi_uuid[1]);
	int efd = new_eventfd();

	pvi_expose(host, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(host, GSI, efd);
	pvi_allow(host, pvi_uuid[0], GSI);
	ASSERT_EQ(vcpu_call(&vm->vcpus[0], guest_ring, (u64)pvi_uuid[1]), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 1);

	pvi_expose(vm_fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(vm_fd, GSI, efd);
	ASSERT_EQ(pvi_call(host, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), -EPERM);
	pvi_allow(vm_fd, pvi_uuid[1], GSI);
	ASSERT_EQ(pvi_call(host, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 1);
}

static u64 queried_epoch(int fd)
{
	u64 epoch = 0;
	u32 n;

	for (n = 0; n < 4; n++)
		epoch |= pvi_call(fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_SELF, 0,
				  KVM_PVI_Q_PIECE(KVM_PVI_Q_SELF_EPOCH, n), 0) << (16 * n);
	return epoch;
}

static u64 new_epoch(void)
{
	struct kvm_pvi_bind bind = bind_arg(KVM_PVI_BIND_HOST, -1, pvi_uuid[0]);
	int fd = pvi_open();

	pvi_ioctl(fd, KVM_PVI_BIND, &bind);
	ASSERT_EQ(queried_epoch(fd), bind.epoch);
	close(fd);
	return bind.epoch;
}

/* All different, and no counter that tells how many there were */
static void test_epochs(void)
{
	u64 epochs[300];
	u32 i, j, ascending = 0;

	for (i = 0; i < ARRAY_SIZE(epochs); i++) {
		epochs[i] = new_epoch();
		for (j = 0; j < i; j++)
			ASSERT_NE(epochs[i], epochs[j]);
		ascending += i && epochs[i] > epochs[i - 1];
	}
	ASSERT_GE(ascending, 75);
	ASSERT_LE(ascending, 225);
}

/* The name, the VM and what is set up anew serve at once when close() has returned */
static void test_rebind(void)
{
	struct vm *vm = vm_create(1, 0);
	int host = pvi_bind(NULL, pvi_uuid[1]), efd = new_eventfd(), fd, i;

	for (i = 0; i < 100; i++) {
		fd = pvi_bind(vm, pvi_uuid[0]);
		pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
		pvi_wire(fd, GSI, efd);
		ASSERT_EQ(pvi_call(host, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), -EPERM);
		pvi_allow(fd, pvi_uuid[1], i % 2 ? GSI : KVM_PVI_GSI_ANY);
		ASSERT_EQ(pvi_call(host, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_RAISED);
		ASSERT_EQ(read_eventfd(efd), 1);
		ASSERT_TRUE(is_served(vm));
		close(fd);
		ASSERT_TRUE(!is_served(vm));
	}
}

/* Hands the endpoint that it has bound back through the socket */
static void bind_received(u64 socket)
{
	int fd = pvi_open();

	ASSERT_EQ(try_bind(fd, 0, recv_fd(socket), pvi_uuid[0]), 0);
	send_fd(socket, fd);
}

static void bind_fetched(u64 socket)
{
	int fd = pvi_open(), number, pidfd, vm_fd;

	ASSERT_EQ(read(socket, &number, sizeof(number)), sizeof(number));
	pidfd = syscall(SYS_pidfd_open, getppid(), 0);
	ASSERT_GE(pidfd, 0);
	vm_fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);
	ASSERT_GE(vm_fd, 0);
	ASSERT_EQ(try_bind(fd, 0, vm_fd, pvi_uuid[0]), 0);
	send_fd(socket, fd);
}

/* The VM is made after the child, which therefore has nothing of it but what it is given */
static void bind_by_child(void (*fn)(u64 socket), bool pass)
{
	struct vm *vm;
	int pair[2], fd;
	pid_t pid;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = child_run(fn, pair[1]);
	vm = vm_create(1, 0);
	if (pass)
		send_fd(pair[0], vm->fd);
	else
		ASSERT_EQ(write(pair[0], &vm->fd, sizeof(vm->fd)), sizeof(vm->fd));
	fd = recv_fd(pair[0]);
	child_join(pid);
	ASSERT_TRUE(is_served(vm));
	close(fd);
	ASSERT_TRUE(!is_served(vm));
}

static void test_scm_rights(void)
{
	bind_by_child(bind_received, true);
}

static void test_pidfd_getfd(void)
{
	bind_by_child(bind_fetched, false);
}

static void wait_forever(u64 arg)
{
	while (arg)
		pause();
}

/* The last descriptor counts, wherever it is */
static void test_last_close(void)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_bind(vm, pvi_uuid[0]), copy = dup(fd), late = pvi_open();
	pid_t pid;

	close(fd);
	ASSERT_TRUE(is_served(vm));
	pid = child_run(wait_forever, 1);
	close(copy);
	ASSERT_TRUE(is_served(vm));
	ASSERT_EQ(__pvi_bind(late, NULL, pvi_uuid[0]), -EEXIST);
	child_kill(pid);
	ASSERT_TRUE(wait_until(!is_served(vm), 5000));
	ASSERT_EQ(__pvi_bind(late, vm, pvi_uuid[0]), 0);
}

/* A VMM that lives on may close its VM: KVM tells nobody, the name stays taken */
static void test_vm_closed_first(void)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_bind(vm, pvi_uuid[0]), late = pvi_open();

	vm_free(vm);
	ASSERT_GE(features(fd), 0);
	ASSERT_EQ(__pvi_bind(late, NULL, pvi_uuid[0]), -EEXIST);
	close(fd);
	ASSERT_EQ(__pvi_bind(late, NULL, pvi_uuid[0]), 0);
}

/* A killed VMM frees the name at once, whoever else holds the endpoint */
static void test_killed(void)
{
	int fd = pvi_open(), late = pvi_open(), vm_fd;
	pid_t pid;

	vm_fd = child_vm(&pid);
	ASSERT_EQ(try_bind(fd, 0, vm_fd, pvi_uuid[0]), 0);
	ASSERT_EQ(__pvi_bind(late, NULL, pvi_uuid[0]), -EEXIST);
	child_kill(pid);
	ASSERT_EQ(try_bind(fd, 0, vm_fd, pvi_uuid[0]), -ENODEV);
	ASSERT_EQ(__pvi_bind(late, NULL, pvi_uuid[0]), 0);
	ASSERT_EQ(pvi_stats(fd).sent.raised, 0);
}

static pthread_barrier_t barrier;
static int results[RACERS];

static int race_rounds(void)
{
	return test_long() ? 1000 : 200;
}

static void *race(void *arg)
{
	int i, fd, *result = arg;

	for (i = 0; i < race_rounds(); i++) {
		fd = pvi_open();
		pthread_barrier_wait(&barrier);
		*result = __pvi_bind(fd, NULL, pvi_uuid[0]);
		pthread_barrier_wait(&barrier);
		/* Now test_race() looks, and nobody closes before it has */
		pthread_barrier_wait(&barrier);
		close(fd);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void check_race(void)
{
	int i, won = 0;

	for (i = 0; i < RACERS; i++) {
		if (results[i])
			ASSERT_EQ(results[i], -EEXIST);
		won += !results[i];
	}
	ASSERT_EQ(won, 1);
}

static void test_race(void)
{
	pthread_t threads[RACERS];
	int i;

	pthread_barrier_init(&barrier, NULL, RACERS + 1);
	for (i = 0; i < RACERS; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, race, &results[i]), 0);
	for (i = 0; i < race_rounds(); i++) {
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		check_race();
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
	for (i = 0; i < RACERS; i++)
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);
}

static const struct test_case cases[] = {
	{ "arguments", test_arguments },
	{ "taken", test_taken },
	{ "owner", test_owner },
	{ "owner_namespace", test_owner_namespace },
	{ "vmm", test_vmm },
	{ "vmm_user", test_vmm_user },
	{ "vmm_execs", test_vmm_execs },
	{ "vmm_namespace", test_vmm_namespace },
	{ "max_vms", test_max_vms },
	{ "owner_process_gone", test_owner_process_gone },
	{ "attach_parameter", test_attach_parameter },
	{ "host_endpoint", test_host_endpoint },
	{ "epochs", test_epochs },
	{ "rebind", test_rebind },
	{ "scm_rights", test_scm_rights },
	{ "pidfd_getfd", test_pidfd_getfd },
	{ "last_close", test_last_close },
	{ "vm_closed_first", test_vm_closed_first },
	{ "killed", test_killed },
	{ "race", test_race, 100 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
