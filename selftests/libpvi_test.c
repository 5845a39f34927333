// SPDX-License-Identifier: GPL-2.0
/*
 * libpvi: each function does what its ioctl does, says why it failed, and leaves nothing open.
 */
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "libpvi_lib.h"

#define PIN	20
#define VECTOR	0x40

/* What the host answers to GET_INFO, if this is not 0 */
static u32 other_version;

/* How many more BINDs a signal ends */
static unsigned int interruptions;

/* In the place of libc's */
int ioctl(int fd, unsigned long cmd, ...)
{
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (cmd == KVM_PVI_BIND && interruptions) {
		interruptions--;
		errno = EINTR;
		return -1;
	}
	ret = syscall(SYS_ioctl, fd, cmd, arg);
	if (cmd == KVM_PVI_GET_INFO && other_version)
		((struct kvm_pvi_info *)arg)->abi_major = other_version;
	return ret;
}

static void test_endpoint(void)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };
	int pvi = pvi_open(), other = pvi_open(), efd = new_eventfd();
	uint64_t epoch = 0;

	ASSERT_GE(pvi, 0);
	ASSERT_TRUE(is_cloexec(pvi));
	ASSERT_EQ(pvi_get_info(pvi, &info), 0);
	ASSERT_EQ(info.abi_major, KVM_PVI_ABI_MAJOR);
	ASSERT_EQ(pvi_expose(pvi, GSI, KVM_PVI_GSI_EVENTFD, NULL), -ENOTCONN);
	ASSERT_EQ(pvi_bind(pvi, NO_SUCH, rx_uuid, 0, 0, NULL), -EBADF);
	ASSERT_EQ(pvi_bind(pvi, efd, rx_uuid, 0, 0, NULL), -EINVAL);
	ASSERT_EQ(pvi_bind(pvi, -1, rx_uuid, KVM_PVI_BIND_OWNER, 1000, &epoch), 0);
	ASSERT_NE(epoch, 0);
	ASSERT_EQ(pvi_bind(pvi, -1, tx_uuid, 0, 0, NULL), -EBUSY);
	ASSERT_EQ(pvi_bind(other, -1, rx_uuid, 0, 0, NULL), -EEXIST);
	ASSERT_EQ(pvi_bind(other, -1, tx_uuid, KVM_PVI_BIND_GRANTS_ONLY, 0, NULL), 0);
}

static void test_enrol(void)
{
	struct vm *vm = vm_create(1, 0);
	int fds = count_fds(), pvi;

	ASSERT_EQ(pvi_enrol(NO_SUCH, rx_uuid), -EBADF);
	other_version = KVM_PVI_ABI_MAJOR + 1;
	ASSERT_EQ(pvi_enrol(-1, rx_uuid), -EPROTO);
	other_version = 0;
	ASSERT_EQ(count_fds(), fds);

	interruptions = 3;
	pvi = pvi_enrol(vm->fd, rx_uuid);
	ASSERT_EQ(interruptions, 0);
	ASSERT_TRUE(is_cloexec(pvi));
	ASSERT_EQ(pvi_enrol(vm->fd, tx_uuid), -EEXIST);
	ASSERT_EQ(count_fds(), fds + 1);
}

/* No module, no device node. */
static void test_absent(void)
{
	ASSERT_EQ(chroot("/proc"), 0);
	ASSERT_EQ(pvi_open(), -ENOENT);
	ASSERT_EQ(pvi_enrol(-1, rx_uuid), -ENOENT);
}

static void test_gsi(void)
{
	const struct pvi_rate rate = { .rate = 1, .burst = 2 }, wrong = { .rate = 1 };
	int rx = enrol(rx_uuid), tx = enrol(tx_uuid), efd;

	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, &wrong), -EINVAL);
	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_DIRECT, NULL), -EOPNOTSUPP);
	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, &rate), 0);
	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), -EEXIST);
	ASSERT_EQ(pvi_allow(rx, tx_uuid, GSI, NULL), 0);

	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), KVM_PVI_LATCHED);
	efd = pvi_wire(rx, GSI, -1);
	ASSERT_TRUE(is_cloexec(efd));
	ASSERT_EQ(read_eventfd(efd), 1);
	ASSERT_EQ(read_eventfd(efd), 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), -EAGAIN);
	ASSERT_EQ(pvi_kick(rx, GSI), 0);
	ASSERT_EQ(pvi_unwire(rx, GSI), 0);
	ASSERT_EQ(pvi_unexpose(rx, GSI), 0);
	ASSERT_EQ(pvi_unexpose(rx, GSI), -ENOENT);
	ASSERT_EQ(pvi_unwire(rx, GSI), -ENOENT);
	ASSERT_EQ(pvi_kick(rx, GSI), -ENOENT);
}

static void test_wire(void)
{
	int rx = enrol(rx_uuid), efd = new_eventfd(), fds = count_fds();

	ASSERT_EQ(pvi_wire(rx, GSI, -1), -ENOENT);
	ASSERT_EQ(pvi_wire(rx, GSI, efd), -ENOENT);
	ASSERT_EQ(count_fds(), fds);
	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
	ASSERT_EQ(pvi_wire(rx, GSI, rx), -EINVAL);
	ASSERT_EQ(pvi_wire(rx, GSI, NO_SUCH), -EBADF);
	ASSERT_EQ(pvi_wire(rx, GSI, efd), efd);
	ASSERT_EQ(count_fds(), fds);
}

static __guest u64 receiver(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	return guest_irq_count(VECTOR);
}

static void test_irqfd(void)
{
	struct vm *vm = vm_create(1, 0);
	int rx = pvi_enrol(vm->fd, rx_uuid), tx = enrol(tx_uuid), efd;

	vm_ioapic_set(vm, PIN, VECTOR, 0, 0);
	ASSERT_EQ(pvi_expose(rx, PIN, KVM_PVI_GSI_EVENTFD, NULL), 0);
	ASSERT_EQ(pvi_allow(rx, tx_uuid, PIN, NULL), 0);
	efd = pvi_wire_irqfd(rx, vm->fd, PIN, -1);
	ASSERT_TRUE(is_cloexec(efd));
	vcpu_run_thread(&vm->vcpus[0], receiver, 1);
	vcpu_wait_sync(&vm->vcpus[0], 1);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, PIN), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_join(&vm->vcpus[0]), 1);

	ASSERT_EQ(pvi_unwire_irqfd(rx, vm->fd, PIN, efd), 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, PIN), KVM_PVI_LATCHED);
	/* KVM has let go of it: else this were -EBUSY */
	ASSERT_EQ(pvi_wire_irqfd(rx, vm->fd, PIN, efd), efd);
}

static void test_irqfd_errors(void)
{
	struct vm *vm = vm_create(1, 0), *bare = vm_create(0, VM_NO_IRQCHIP);
	int rx = pvi_enrol(vm->fd, rx_uuid), efd = new_eventfd(), fds = count_fds();

	ASSERT_EQ(pvi_wire_irqfd(rx, -1, PIN, -1), -EBADF);
	ASSERT_EQ(pvi_wire_irqfd(rx, bare->fd, PIN, -1), -EINVAL);
	ASSERT_EQ(pvi_wire_irqfd(rx, vm->fd, PIN, -1), -ENOENT);
	ASSERT_EQ(pvi_wire_irqfd(rx, vm->fd, PIN, efd), -ENOENT);
	ASSERT_EQ(count_fds(), fds);
	ASSERT_EQ(pvi_unwire_irqfd(rx, vm->fd, PIN, efd), -ENOENT);

	ASSERT_EQ(pvi_expose(rx, PIN, KVM_PVI_GSI_EVENTFD, NULL), 0);
	/* The failure above undid KVM_IRQFD */
	ASSERT_EQ(pvi_wire_irqfd(rx, vm->fd, PIN, efd), efd);
	ASSERT_EQ(pvi_wire_irqfd(rx, vm->fd, PIN, efd), -EBUSY);
}

static void test_allow(void)
{
	const struct pvi_rate once = { .rate = 1, .burst = 1 };
	int rx = enrol(rx_uuid), tx = enrol(tx_uuid);

	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
	ASSERT_EQ(pvi_wire(rx, GSI, -1) < 0, 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), -EPERM);
	ASSERT_EQ(pvi_allow_owner(rx, tx_uuid, GSI, geteuid() + 1, NULL), 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), -EPERM);
	ASSERT_EQ(pvi_allow_owner(rx, tx_uuid, GSI, geteuid(), &once), 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), -EAGAIN);
	ASSERT_EQ(pvi_revoke(rx, tx_uuid, GSI), 0);
	ASSERT_EQ(pvi_revoke(rx, tx_uuid, GSI), -ENOENT);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), -EPERM);
	ASSERT_EQ(pvi_allow(rx, tx_uuid, KVM_PVI_GSI_ANY, NULL), 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_revoke_all(rx, tx_uuid), 0);
	ASSERT_EQ(pvi_revoke_all(rx, tx_uuid), -ENOENT);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), -EPERM);
}

static void test_port(void)
{
	int rx = enrol(rx_uuid), tx = enrol(tx_uuid), efd = new_eventfd(), rx_efd;

	ASSERT_EQ(pvi_set_port(tx, 5, efd), 5);
	ASSERT_EQ(pvi_set_port(tx, 5, efd), -EEXIST);
	ASSERT_EQ(pvi_set_port(tx, KVM_PVI_PORT_ANY, NO_SUCH), -EBADF);
	ASSERT_EQ(pvi_set_port(tx, KVM_PVI_PORT_ANY, efd), 0);
	ASSERT_EQ(pvi_notify(tx, 5), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 1);
	ASSERT_EQ(pvi_close_port(tx, 5), 0);
	ASSERT_EQ(pvi_close_port(tx, 5), -ENOENT);
	ASSERT_EQ(pvi_notify(tx, 5), -ENOENT);

	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
	rx_efd = pvi_wire(rx, GSI, -1);
	ASSERT_EQ(pvi_connect(tx, 6, rx_uuid, GSI), -EPERM);
	ASSERT_EQ(pvi_allow(rx, tx_uuid, GSI, NULL), 0);
	ASSERT_EQ(pvi_connect(tx, 6, rx_uuid, GSI), 6);
	ASSERT_EQ(pvi_connect_owner(tx, 7, rx_uuid, GSI, geteuid() + 1), -EPERM);
	ASSERT_EQ(pvi_connect_owner(tx, 7, rx_uuid, GSI, geteuid()), 7);
	ASSERT_EQ(pvi_notify(tx, 6), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_notify(tx, 7), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(rx_efd), 2);
}

static void test_call(void)
{
	const uint64_t none[4] = { 0 };
	int unbound = pvi_open(), rx = enrol(rx_uuid);
	uint64_t value, epoch, rbx;

	ASSERT_EQ(pvi_features(unbound), -ENOTCONN);
	ASSERT_GT(pvi_features(rx), 0);
	ASSERT_EQ(pvi_call(rx, KVM_HC_PVI_FEATURES, none, NULL), pvi_features(rx));
	ASSERT_EQ(pvi_call(rx, KVM_HC_PVI_BASE + KVM_HC_PVI_NR, none, &rbx), -KVM_PVI_ENOSYS);
	ASSERT_EQ(rbx, 0);

	ASSERT_EQ(pvi_query(rx, KVM_PVI_Q_ABI, 0, KVM_PVI_Q_ABI_MAJOR, &value), 0);
	ASSERT_EQ(value, KVM_PVI_ABI_MAJOR);
	ASSERT_EQ(pvi_query(rx, KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_NUMBER, &value), -ENOENT);
	ASSERT_EQ(pvi_query_wide(rx, KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_RINGS, &value), -ENOENT);
	ASSERT_EQ(pvi_bind(unbound, -1, tx_uuid, 0, 0, &epoch), 0);
	ASSERT_EQ(pvi_query_wide(unbound, KVM_PVI_Q_SELF, 0, KVM_PVI_Q_SELF_EPOCH, &value), 0);
	ASSERT_TRUE(value == epoch);
}

/* What makes descriptors, where no more can be made. */
static void test_no_descriptors(void)
{
	struct rlimit none = { 0, 0 };
	int rx = enrol(rx_uuid);
	void *memory;

	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	ASSERT_EQ(pvi_open(), -EMFILE);
	ASSERT_EQ(pvi_enrol(-1, tx_uuid), -EMFILE);
	ASSERT_EQ(pvi_wire(rx, GSI, -1), -EMFILE);
	ASSERT_EQ(pvi_wire_source(rx, 0, -1), -EMFILE);
	ASSERT_EQ(pvi_status_memory(PAGE_SIZE, &memory), -EMFILE);
	ASSERT_EQ(pvi_wire(rx, GSI, -7), -EBADF);
}

static void test_many(void)
{
	int tx = enrol(tx_uuid), efd = new_eventfd();
	uint64_t accepted;

	ASSERT_EQ(pvi_set_port(tx, 3, efd), 3);
	ASSERT_EQ(pvi_set_port(tx, 5, efd), 5);
	ASSERT_EQ(pvi_notify_many(tx, 2, 0xf, &accepted), 2);
	ASSERT_EQ(accepted, 0xa);
	ASSERT_EQ(pvi_notify_many(tx, 3, 1, NULL), 1);
	ASSERT_EQ(read_eventfd(efd), 3);
}

static void test_stats(void)
{
	struct kvm_pvi_stats stats = { .size = sizeof(stats) };
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	int rx = enrol(rx_uuid), tx = enrol(tx_uuid), unbound = pvi_open();

	ASSERT_EQ(pvi_get_stats(unbound, &stats), -ENOTCONN);
	ASSERT_EQ(pvi_next_edge(unbound, &edge), -ENOTCONN);
	ASSERT_EQ(pvi_next_edge(rx, &edge), 0);
	ASSERT_EQ(pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD, NULL), 0);
	ASSERT_EQ(pvi_allow(rx, tx_uuid, GSI, NULL), 0);
	ASSERT_EQ(pvi_allow(rx, rx_uuid, KVM_PVI_GSI_ANY, NULL), 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, GSI), KVM_PVI_LATCHED);

	ASSERT_EQ(pvi_get_stats(rx, &stats), 0);
	ASSERT_EQ(stats.received.latched, 1);
	ASSERT_EQ(pvi_get_stats(tx, &stats), 0);
	ASSERT_EQ(stats.sent.latched, 1);

	ASSERT_EQ(pvi_next_edge(rx, &edge), 1);
	ASSERT_EQ(memcmp(edge.uuid, tx_uuid, sizeof(tx_uuid)), 0);
	ASSERT_EQ(edge.gsi, GSI);
	ASSERT_EQ(edge.counts.latched, 1);
	ASSERT_EQ(pvi_next_edge(rx, &edge), 1);
	ASSERT_EQ(edge.gsi, KVM_PVI_GSI_ANY);
	ASSERT_EQ(pvi_next_edge(rx, &edge), 0);
}

static void test_list(void)
{
	struct kvm_pvi_list_endpoint endpoints[2], rx_record = { 0 };
	int rx = enrol(rx_uuid), tx = enrol(tx_uuid), unbound = pvi_open(), nr, i;
	struct kvm_pvi_list_edge edge;
	uint64_t cursor = 0;
	int total = 0;

	ASSERT_EQ(pvi_allow(rx, tx_uuid, GSI, NULL), 0);
	while ((nr = pvi_list(unbound, KVM_PVI_LIST_ENDPOINTS, 0, &cursor, endpoints,
			      sizeof(endpoints[0]), 2)) > 0)
		for (i = 0; i < nr; i++, total++)
			if (!memcmp(endpoints[i].uuid, rx_uuid, sizeof(rx_uuid)))
				rx_record = endpoints[i];
	ASSERT_EQ(nr, 0);
	ASSERT_EQ(total, 2);
	ASSERT_EQ(rx_record.senders, 1);
	cursor = 0;
	ASSERT_EQ(pvi_list(tx, KVM_PVI_LIST_EDGES, rx_record.number, &cursor, &edge, sizeof(edge), 1), 1);
	ASSERT_EQ(memcmp(edge.uuid, tx_uuid, sizeof(tx_uuid)), 0);
	ASSERT_EQ(pvi_list(tx, KVM_PVI_LIST_EDGES, rx_record.number, &cursor, &edge, sizeof(edge), 1), 0);
	ASSERT_EQ(pvi_list(tx, KVM_PVI_LIST_EDGES, 0, &cursor, &edge, sizeof(edge), 1), -EINVAL);
}

static const struct test_case cases[] = {
	{ "endpoint", test_endpoint },
	{ "enrol", test_enrol },
	{ "absent", test_absent },
	{ "gsi", test_gsi },
	{ "wire", test_wire },
	{ "irqfd", test_irqfd },
	{ "irqfd errors", test_irqfd_errors },
	{ "allow", test_allow },
	{ "port", test_port },
	{ "call", test_call },
	{ "many", test_many },
	{ "no descriptors", test_no_descriptors },
	{ "stats", test_stats },
	{ "list", test_list },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases),
			 TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
