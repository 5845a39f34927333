// SPDX-License-Identifier: GPL-2.0
/*
 * Death in the middle of rings: a receiver or a sender is killed, descriptors are closed in any
 * order, many VMs go at once. The others are told, the name is free at once, nothing of the dead
 * is left, whoever still holds its descriptors.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "pvi_test.h"

#define PIN	20
#define GSI	30
#define VECTOR	0x40
#define ROUNDS	5
#define MANY	64

static u64 rung;
static u64 target;
static u64 stop;

static __guest u64 guest_receive(u64 arg)
{
	guest_sync(1);
	while (arg)
		guest_irq_wait();
	return 0;
}

static __guest u64 guest_ring_until_error(u64 port)
{
	u64 ret;

	do {
		ret = guest_hypercall(KVM_HC_NOTIFY, port, 0, 0, 0);
		WRITE_ONCE(rung, rung + 1);
	} while ((s64)ret >= 0);
	return ret;
}

/* By port and by UUID, whatever comes of it */
static __guest u64 guest_ring_regardless(u64 uuid)
{
	while (!READ_ONCE(stop)) {
		guest_hypercall(KVM_HC_NOTIFY, READ_ONCE(target), 0, 0, 0);
		guest_hypercall(KVM_HC_PVI, uuid, GSI, 0, 0);
		WRITE_ONCE(rung, rung + 1);
	}
	return 0;
}

static void wait_rings(u64 count)
{
	u64 from = READ_ONCE(rung);

	ASSERT_TRUE(wait_until(READ_ONCE(rung) >= from + count, 10000));
}

/* A process that runs @fn, which lets @ready be read when it is so far */
struct child {
	pid_t pid;
	int ready;
	int socket;
};

static struct child start_child(void (*fn)(struct child *self, int fd), int fd)
{
	struct child child = { .ready = new_eventfd() };
	int pair[2];

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	child.pid = fork();
	ASSERT_GE(child.pid, 0);
	if (!child.pid) {
		close(pair[0]);
		child.socket = pair[1];
		fn(&child, fd);
		pause();
		_exit(1);
	}
	close(pair[1]);
	child.socket = pair[0];
	ASSERT_TRUE(wait_readable(child.ready, 20000));
	close(child.ready);
	return child;
}

static void kill_child(struct child *child)
{
	int status;

	ASSERT_EQ(kill(child->pid, SIGKILL), 0);
	ASSERT_EQ(waitpid(child->pid, &status, 0), child->pid);
	ASSERT_TRUE(WIFSIGNALED(status));
	close(child->socket);
}

/* KVM has a directory for each VM, named by the process that made it */
static bool has_vms(pid_t pid)
{
	DIR *dir = opendir("/sys/kernel/debug/kvm");
	struct dirent *entry;
	bool found = false;
	char prefix[32];

	ASSERT_TRUE(dir);
	snprintf(prefix, sizeof(prefix), "%d-", pid);
	while ((entry = readdir(dir)))
		found |= !strncmp(entry->d_name, prefix, strlen(prefix));
	closedir(dir);
	return found;
}

static void wait_vms_gone(pid_t pid)
{
	if (!wait_until(!has_vms(pid), 10000))
		TEST_FAIL("a VM of process %d is still in memory", pid);
}

static void receive_rings(int fd, struct vm *vm)
{
	pvi_expose(fd, PIN, KVM_PVI_GSI_DIRECT);
	pvi_allow(fd, pvi_uuid[1], PIN);
	vm_ioapic_set(vm, PIN, VECTOR, 0, 0);
}

/* @fd is an endpoint to bind, or -1 */
static void receiver(struct child *self, int fd)
{
	struct vm *vm = vm_create(1, 0);

	if (fd < 0)
		fd = pvi_open();
	ASSERT_EQ(__pvi_bind(fd, vm, pvi_uuid[0]), 0);
	receive_rings(fd, vm);
	vcpu_run_thread(&vm->vcpus[0], guest_receive, 1);
	vcpu_wait_sync(&vm->vcpus[0], 1);
	send_fd(self->socket, fd);
	signal_eventfd(self->ready);
}

/* The successor is there as soon as the dead is waited for, and has all that is its own */
static void check_successor(int tx_fd, u32 dead_port, pid_t dead)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_open();

	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)pvi_uuid[0], PIN, 0, 0), -EPERM);
	ASSERT_EQ(__pvi_bind(fd, vm, pvi_uuid[0]), 0);
	receive_rings(fd, vm);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)pvi_uuid[0], PIN, 0, 0), KVM_PVI_RAISED);
	wait_vms_gone(dead);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)pvi_uuid[0], PIN, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_NOTIFY, dead_port, 0, 0, 0), -ENXIO);
	ASSERT_EQ(pvi_stats(fd).received.raised, 2);
	close(fd);
	vm_free(vm);
}

/* Kills a receiver while a guest rings it */
static void kill_while_rung(struct child *rx, int tx_fd, struct vcpu *tx)
{
	u32 port = pvi_connect(tx_fd, pvi_uuid[0], PIN);

	vcpu_run_thread(tx, guest_ring_until_error, port);
	wait_rings(100);
	kill_child(rx);
	check_successor(tx_fd, port, rx->pid);
	ASSERT_EQ(vcpu_join(tx), -ENXIO);
	pvi_close_port(tx_fd, port);
}

static void test_kill_receiver(void)
{
	struct vm *tx = vm_create(1, 0);
	int tx_fd = pvi_bind(tx, pvi_uuid[1]), i;
	struct child rx;

	for (i = 0; i < ROUNDS; i++) {
		rx = start_child(receiver, -1);
		kill_while_rung(&rx, tx_fd, &tx->vcpus[0]);
	}
}

/* Counters can still be read; all else is over */
static void check_dead(int fd)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	struct kvm_pvi_call call = { .size = sizeof(call), .nr = KVM_HC_PVI_FEATURES };
	struct kvm_pvi_info info = { .size = sizeof(info) };
	int eventfd = new_eventfd();
	u32 port;

	ASSERT_EQ(__pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD), -ENODEV);
	ASSERT_EQ(__pvi_gsi(fd, KVM_PVI_UNEXPOSE, PIN), -ENODEV);
	ASSERT_EQ(__pvi_gsi(fd, KVM_PVI_KICK, PIN), -ENODEV);
	ASSERT_EQ(__pvi_wire(fd, PIN, eventfd), -ENODEV);
	ASSERT_EQ(__pvi_allow(fd, pvi_uuid[2], PIN), -ENODEV);
	ASSERT_EQ(__pvi_revoke(fd, pvi_uuid[1], PIN), -ENODEV);
	ASSERT_EQ(__pvi_set_port(fd, eventfd, &port), -ENODEV);
	ASSERT_EQ(__pvi_connect(fd, pvi_uuid[1], PIN, &port), -ENODEV);
	ASSERT_EQ(__pvi_close_port(fd, 0), -ENODEV);
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_CALL, &call), -ENODEV);
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_GET_INFO, &info), 0);
	ASSERT_GE(pvi_stats(fd).received.raised, 100);
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_GET_EDGE, &edge), 0);
	ASSERT_EQ(memcmp(edge.uuid, pvi_uuid[1], sizeof(edge.uuid)), 0);
	ASSERT_GE(edge.counts.raised, 100);
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_GET_EDGE, &edge), -ENOENT);
	close(eventfd);
}

/* It was sent to us over a socket */
static void test_kill_receiver_sent(void)
{
	struct vm *tx = vm_create(1, 0);
	int tx_fd = pvi_bind(tx, pvi_uuid[1]), fd, i;
	struct child rx;

	for (i = 0; i < ROUNDS; i++) {
		rx = start_child(receiver, -1);
		fd = recv_fd(rx.socket);
		kill_while_rung(&rx, tx_fd, &tx->vcpus[0]);
		check_dead(fd);
		close(fd);
	}
}

/* We opened it, and the child that binds its VM to it has it by fork */
static void test_kill_receiver_forked(void)
{
	struct vm *tx = vm_create(1, 0);
	int tx_fd = pvi_bind(tx, pvi_uuid[1]), fd = pvi_open();
	struct child rx = start_child(receiver, fd);

	kill_while_rung(&rx, tx_fd, &tx->vcpus[0]);
	check_dead(fd);
}

/* Goes on using an endpoint until it hears that it is dead */
static void *use_until_dead(void *arg)
{
	int fd = *(int *)arg, ret;

	do {
		struct kvm_pvi_call call = {
			.size = sizeof(call),
			.nr = KVM_HC_PVI_ARM,
			.args = { PIN },
		};

		ret = __pvi_ioctl(fd, KVM_PVI_CALL, &call);
	} while (!ret);
	ASSERT_EQ(ret, -ENODEV);
	return NULL;
}

static void test_kill_while_used(void)
{
	pthread_t threads[4];
	struct child rx;
	int fd, i;

	rx = start_child(receiver, -1);
	fd = recv_fd(rx.socket);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, use_until_dead, &fd), 0);
	kill_child(&rx);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);
	wait_vms_gone(rx.pid);
}

static __guest u64 guest_disconnect(u64 count)
{
	u64 ret;

	while (count--) {
		ret = guest_hypercall(KVM_HC_PVI_DISCONNECT, 0, 0, 0, 0);
		GUEST_ASSERT(ret == (u64)-EPERM || ret == (u64)-ENOENT);
	}
	WRITE_ONCE(stop, 1);
	return 0;
}

/* A guest has at its VMM's port while that is being closed */
static void test_disconnect_while_closed(void)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_bind(vm, pvi_uuid[0]), eventfd = new_eventfd();

	vcpu_run_thread(&vm->vcpus[0], guest_disconnect, 5000);
	while (!READ_ONCE(stop)) {
		ASSERT_EQ(pvi_set_port(fd, eventfd), 0);
		pvi_close_port(fd, 0);
	}
	vcpu_join(&vm->vcpus[0]);
}

static void sender(struct child *self, int fd)
{
	struct vm *vm = vm_create(1, 0);
	u32 port;

	fd = pvi_bind(vm, pvi_uuid[1]);
	port = pvi_connect(fd, pvi_uuid[0], PIN);
	vcpu_run_thread(&vm->vcpus[0], guest_ring_until_error, port);
	wait_rings(100);
	send_fd(self->socket, fd);
	signal_eventfd(self->ready);
}

/* The row of a sender stays for its successor, and the receiver is as it was */
static void test_kill_sender(void)
{
	struct vm *rx = vm_create(1, 0);
	int fd = pvi_bind(rx, pvi_uuid[0]), i;
	struct child tx;
	u64 raised = 0;

	receive_rings(fd, rx);
	vcpu_run_thread(&rx->vcpus[0], guest_receive, 1);
	for (i = 0; i < ROUNDS; i++) {
		tx = start_child(sender, -1);
		kill_child(&tx);
		wait_vms_gone(tx.pid);
		ASSERT_GE(pvi_stats(fd).received.raised, raised + 100);
		raised = pvi_stats(fd).received.raised;
	}
	vcpu_wait_irqs(&rx->vcpus[0], VECTOR, 1);
	vcpu_stop(&rx->vcpus[0]);
}

/* Ours is the name that was free a moment ago, and no row of the dead gets in the way */
static void test_close_and_bind_again(void)
{
	int tx_fd = pvi_bind(NULL, pvi_uuid[1]), fd, i;
	struct vm *rx = vm_create(1, 0);

	vm_ioapic_set(rx, PIN, VECTOR, 0, 0);
	for (i = 0; i < 100; i++) {
		fd = pvi_bind(rx, pvi_uuid[0]);
		pvi_expose(fd, PIN, KVM_PVI_GSI_DIRECT);
		ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)pvi_uuid[0], PIN, 0, 0), -EPERM);
		pvi_allow(fd, pvi_uuid[1], i % 2 ? PIN : KVM_PVI_GSI_ANY);
		ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)pvi_uuid[0], PIN, 0, 0), KVM_PVI_RAISED);
		sched_yield();
		ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)pvi_uuid[0], PIN, 0, 0), KVM_PVI_RAISED);
		close(fd);
	}
}

struct rx_fds {
	struct vm *vm;
	int endpoint;
	int eventfd;
};

static struct rx_fds open_rx(int tx_fd)
{
	struct rx_fds rx = { .vm = vm_create(1, 0), .eventfd = new_eventfd() };

	rx.endpoint = pvi_bind(rx.vm, pvi_uuid[0]);
	vm_route_msi(rx.vm, GSI, 0, VECTOR);
	vm_irqfd(rx.vm, GSI, rx.eventfd);
	pvi_expose(rx.endpoint, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx.endpoint, GSI, rx.eventfd);
	pvi_allow(rx.endpoint, pvi_uuid[1], GSI);
	WRITE_ONCE(target, pvi_connect(tx_fd, pvi_uuid[0], GSI));
	return rx;
}

static void close_one(struct rx_fds *rx, char what)
{
	switch (what) {
	case 'v':
		vm_free(rx->vm);
		break;
	case 'p':
		close(rx->endpoint);
		break;
	case 'e':
		close(rx->eventfd);
		break;
	}
}

/* The VM, its endpoint and the eventfd between them, in each order, while it is being rung */
static void test_close_orders(void)
{
	static const char *const orders[] = { "vpe", "vep", "pve", "pev", "evp", "epv" };
	struct vm *tx = vm_create(1, 0);
	int tx_fd = pvi_bind(tx, pvi_uuid[1]);
	struct rx_fds rx;
	size_t i, j;

	vcpu_run_thread(&tx->vcpus[0], guest_ring_regardless, (u64)pvi_uuid[0]);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		rx = open_rx(tx_fd);
		for (j = 0; j < 3; j++) {
			wait_rings(20);
			close_one(&rx, orders[i][j]);
		}
		wait_rings(20);
		ASSERT_EQ(pvi_call(tx_fd, KVM_HC_NOTIFY, target, 0, 0, 0), -ENXIO);
		pvi_close_port(tx_fd, target);
	}
	WRITE_ONCE(stop, 1);
	vcpu_join(&tx->vcpus[0]);
}

/* VMs in a ring, each may ring the next */
static void bind_many(int *fds)
{
	u32 i;

	for (i = 0; i < MANY; i++) {
		fds[i] = pvi_bind(vm_create(0, 0), pvi_uuid[i]);
		pvi_expose(fds[i], PIN, KVM_PVI_GSI_DIRECT);
		pvi_allow(fds[i], pvi_uuid[(i + MANY - 1) % MANY], PIN);
	}
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(pvi_connect(fds[i], pvi_uuid[(i + 1) % MANY], PIN), 0);
		ASSERT_EQ(pvi_call(fds[i], KVM_HC_NOTIFY, 0, 0, 0, 0), KVM_PVI_LATCHED);
	}
}

static void many(struct child *self, int fd)
{
	int fds[MANY];

	(void)fd;
	bind_many(fds);
	signal_eventfd(self->ready);
}

static void test_many_at_once(void)
{
	struct child child = start_child(many, -1);
	int fds[MANY];
	u32 i;

	kill_child(&child);
	bind_many(fds);
	wait_vms_gone(child.pid);
	for (i = 0; i < MANY; i++)
		close(fds[i]);
	for (i = 0; i < MANY; i++)
		pvi_bind(NULL, pvi_uuid[i]);
}

static const struct test_case cases[] = {
	{ "kill_receiver", test_kill_receiver, 60 },
	{ "kill_receiver_sent", test_kill_receiver_sent, 60 },
	{ "kill_receiver_forked", test_kill_receiver_forked },
	{ "kill_while_used", test_kill_while_used },
	{ "disconnect_while_closed", test_disconnect_while_closed },
	{ "kill_sender", test_kill_sender, 60 },
	{ "close_and_bind_again", test_close_and_bind_again, 60 },
	{ "close_orders", test_close_orders, 60 },
	{ "many_at_once", test_many_at_once, 60 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
