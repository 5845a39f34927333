// SPDX-License-Identifier: GPL-2.0
/*
 * State: what a guest has made is saved and restored, each kind by itself, and what a frozen
 * endpoint answers. Blobs that lie are in state_blob_test.c, guests that live on in
 * state_vm_test.c.
 */
#include <signal.h>
#include <sys/wait.h>

#include "pvi_test.h"
#include "state.h"

#define GSI		STATE_GSI
#define OTHER_GSI	21
#define VIRTUAL		KVM_PVI_GSI_VIRTUAL
#define VECTOR		0x40
#define NOTIFY(fd, port) pvi_call(fd, KVM_HC_NOTIFY, port, 0, 0, 0)
#define QUERY(fd, kind, index, field) \
	pvi_call(fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_##kind, index, KVM_PVI_Q_##field, 0)

static void test_nothing(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[0]);
	struct blob blob;

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(fd, pvi_uuid[1], GSI);
	pvi_set_port(fd, new_eventfd());
	ASSERT_EQ(__state_get(fd, 0, &blob), 0);
	ASSERT_EQ(blob.length, sizeof(struct kvm_pvi_state_header));
	ASSERT_EQ(blob.header.magic, KVM_PVI_STATE_MAGIC);
	ASSERT_EQ(blob.header.version, KVM_PVI_STATE_VERSION);
	ASSERT_EQ(blob.header.length, blob.length);
	ASSERT_EQ(blob.header.sections, 0);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	ASSERT_EQ(__state_set(fd, &blob), 0);
}

/* The guest's ports keep their numbers; the VMM's are its own business */
static void test_ports(void)
{
	int sinks[2] = { new_eventfd(), new_eventfd() };
	int fd = pvi_bind(NULL, pvi_uuid[2]), i;
	const struct kvm_pvi_state_port *r;
	struct blob blob, again;
	s64 port;
	u32 nr;

	for (i = 0; i < 2; i++)
		state_receiver(pvi_uuid[i], pvi_uuid[2], sinks[i]);
	port = state_connect(fd, pvi_uuid[0]);
	ASSERT_EQ(pvi_index(port), 0);
	ASSERT_EQ(pvi_connect(fd, pvi_uuid[0], GSI), 1);
	ASSERT_EQ(state_connect(fd, pvi_uuid[0]), port + 2);
	ASSERT_EQ(state_connect(fd, pvi_uuid[1]), port + 3);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_DISCONNECT, port + 2, 0, 0, 0), 0);
	state_freeze(fd, &blob);
	r = blob_records(&blob, KVM_PVI_STATE_PORT, &nr);
	ASSERT_EQ(nr, 2);
	ASSERT_EQ(r[0].port, port);
	ASSERT_EQ(r[1].port, port + 3);
	ASSERT_EQ(r[1].gsi, GSI);
	ASSERT_TRUE(!memcmp(r[1].uuid, pvi_uuid[1], KVM_PVI_UUID_SIZE));
	ASSERT_EQ(blob.header.sections, 1);
	/* Frozen, it still rings others */
	ASSERT_EQ(NOTIFY(fd, port + 3), KVM_PVI_RAISED);
	close(fd);

	fd = pvi_bind(NULL, pvi_uuid[2]);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	ASSERT_EQ(NOTIFY(fd, port), KVM_PVI_RAISED);
	ASSERT_EQ(NOTIFY(fd, 1), -ENOENT);
	ASSERT_EQ(NOTIFY(fd, port + 2), -ENOENT);
	ASSERT_EQ(NOTIFY(fd, port + 3), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sinks[0]), 1);
	ASSERT_EQ(read_eventfd(sinks[1]), 2);
	ASSERT_EQ(__state_get(fd, 0, &again), 0);
	blob_expect_same(&again, &blob);
	/* They are the guest's: it may close them, and they go when it starts anew */
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_DISCONNECT, port, 0, 0, 0), 0);
	ASSERT_EQ(pvi_index(state_connect(fd, pvi_uuid[1])), 0);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	ASSERT_EQ(NOTIFY(fd, port + 3), -ENOENT);
}

/* A port that cannot be had again keeps its number, answers ENXIO, and stays so */
static void test_ports_lost(void)
{
	int sink = new_eventfd(), rx[3], fd = pvi_bind(NULL, pvi_uuid[3]), i;
	const struct kvm_pvi_state_port *r;
	struct blob blob;
	s64 port[5];
	u32 nr;

	for (i = 0; i < 3; i++) {
		rx[i] = state_receiver(pvi_uuid[i], pvi_uuid[3], sink);
		port[i] = state_connect(fd, pvi_uuid[i]);
		ASSERT_EQ(pvi_index(port[i]), i);
	}
	ASSERT_EQ(__state_get(fd, 0, &blob), 0);
	close(fd);
	fd = pvi_bind(NULL, pvi_uuid[3]);
	/* Gone, not allowed any more, and as before */
	close(rx[0]);
	pvi_revoke(rx[1], pvi_uuid[3], GSI);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	ASSERT_EQ(NOTIFY(fd, port[0]), -ENXIO);
	ASSERT_EQ(NOTIFY(fd, port[1]), -ENXIO);
	ASSERT_EQ(NOTIFY(fd, port[2]), KVM_PVI_RAISED);
	ASSERT_EQ(QUERY(fd, PORT, port[0], PORT_STATE), KVM_PVI_PORT_DEAD);
	ASSERT_EQ(QUERY(fd, PORT, port[1], PORT_GSI), GSI);
	port[3] = state_connect(fd, pvi_uuid[2]);
	ASSERT_EQ(pvi_index(port[3]), 3);

	/* Coming back does not help, neither now nor by way of another snapshot */
	rx[0] = state_receiver(pvi_uuid[0], pvi_uuid[3], sink);
	pvi_allow(rx[1], pvi_uuid[3], GSI);
	pvi_revoke(rx[2], pvi_uuid[3], GSI);
	ASSERT_EQ(NOTIFY(fd, port[0]), -ENXIO);
	ASSERT_EQ(NOTIFY(fd, port[1]), -ENXIO);
	ASSERT_EQ(NOTIFY(fd, port[2]), -EPERM);
	ASSERT_EQ(__state_get(fd, 0, &blob), 0);
	r = blob_records(&blob, KVM_PVI_STATE_PORT, &nr);
	ASSERT_EQ(nr, 4);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(r[i].flags, KVM_PVI_STATE_PORT_DEAD);
	close(fd);
	fd = pvi_bind(NULL, pvi_uuid[3]);
	pvi_allow(rx[2], pvi_uuid[3], GSI);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(NOTIFY(fd, port[i]), -ENXIO);
	port[4] = state_connect(fd, pvi_uuid[0]);
	ASSERT_EQ(pvi_index(port[4]), 4);
	ASSERT_EQ(NOTIFY(fd, port[4]), KVM_PVI_RAISED);
}

static void test_latch(void)
{
	int fd = state_receiver(pvi_uuid[0], pvi_uuid[1], -1), tx = pvi_bind(NULL, pvi_uuid[1]);
	const struct kvm_pvi_state_latch *r;
	int sink = new_eventfd();
	struct blob blob;
	u32 nr;

	pvi_expose(fd, OTHER_GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(NOTIFY(tx, pvi_connect(tx, pvi_uuid[0], GSI)), KVM_PVI_LATCHED);
	state_freeze(fd, &blob);
	r = blob_records(&blob, KVM_PVI_STATE_LATCH, &nr);
	ASSERT_EQ(nr, 1);
	ASSERT_EQ(r[0].gsi, GSI);
	close(fd);

	/* Wired before: paid at once. Wired later: paid then */
	fd = state_receiver(pvi_uuid[0], pvi_uuid[1], sink);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	ASSERT_EQ(read_eventfd(sink), 1);
	close(fd);
	fd = state_receiver(pvi_uuid[0], pvi_uuid[1], -1);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	ASSERT_EQ(NOTIFY(tx, pvi_connect(tx, pvi_uuid[0], GSI)), KVM_PVI_COALESCED);
	pvi_wire(fd, GSI, sink);
	ASSERT_EQ(read_eventfd(sink), 1);
	/* What is owed adds up, and is no reason to refuse */
	pvi_gsi(fd, KVM_PVI_UNWIRE, GSI);
	ASSERT_EQ(NOTIFY(tx, pvi_connect(tx, pvi_uuid[0], GSI)), KVM_PVI_LATCHED);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	pvi_wire(fd, GSI, sink);
	ASSERT_EQ(read_eventfd(sink), 1);
}

static int bell_create(int sink)
{
	int fd = pvi_bind(NULL, pvi_uuid[0]);

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, GSI, sink);
	pvi_bell(fd, 5, GSI);
	pvi_allow_bell(fd, pvi_uuid[1], 5, ~0ULL);
	return fd;
}

static void test_bell(void)
{
	int sink = new_eventfd(), fd = bell_create(sink), tx = pvi_bind(NULL, pvi_uuid[1]);
	const struct kvm_pvi_state_bell *r;
	struct blob blob, other;
	s64 port;
	u32 nr;
	u64 old;

	port = state_connect(tx, pvi_uuid[0]);
	ASSERT_GE(port, 0);
	ASSERT_EQ(pvi_call(fd, KVM_HC_BELL_MASK, 5, 0xff, 0x80, 0), 0);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, port, 0x101, 0, 0), KVM_PVI_RAISED);
	read_eventfd(sink);
	state_freeze(fd, &blob);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, port, 0x2, 0, 0), -EAGAIN);
	r = blob_records(&blob, KVM_PVI_STATE_BELL, &nr);
	ASSERT_EQ(nr, 1);
	ASSERT_EQ(r->bell, 5);
	ASSERT_EQ(r->flags, 0x101);
	ASSERT_EQ(r->enable, 0xff);
	ASSERT_EQ(r->ack, 0x80);
	/* The sender's port is one to a bell, before and after */
	ASSERT_EQ(__state_get(tx, 0, &other), 0);
	close(fd);
	close(tx);

	fd = bell_create(sink);
	tx = pvi_bind(NULL, pvi_uuid[1]);
	ASSERT_EQ(__state_set(tx, &other), 0);
	/* What was sent since adds up; the line is up: raised */
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, port, 0x10, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_EQ(pvi_call_rbx(fd, KVM_HC_BELL_RECEIVE, 5, ~0ULL, 0, 0, &old), 0);
	ASSERT_EQ(old, 0x111);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, port, 0x100, 0, 0), KVM_PVI_COALESCED);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, port, 0x80, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_call_rbx(fd, KVM_HC_BELL_RECEIVE, 5, ~0ULL, 0, 0, &old), 0);
	ASSERT_EQ(old, 0x100);
	/* The guest has masked it: not to be overwritten */
	ASSERT_EQ(__state_set(fd, &blob), -EBUSY);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	ASSERT_EQ(__state_set(fd, &blob), 0);
}

static __guest u64 take_irqs(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	return guest_irq_count(VECTOR);
}

static void test_msi(void)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_bind(vm, pvi_uuid[0]), tx = pvi_bind(NULL, pvi_uuid[1]);
	const struct kvm_pvi_state_msi *r;
	struct blob blob;
	u32 nr;

	pvi_expose(fd, VIRTUAL, KVM_PVI_GSI_MSI);
	pvi_expose(fd, VIRTUAL + 1, KVM_PVI_GSI_MSI);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_SET_MSI, VIRTUAL + 1, 0xfee00000, VECTOR, 0), 0);
	state_freeze(fd, &blob);
	r = blob_records(&blob, KVM_PVI_STATE_MSI, &nr);
	ASSERT_EQ(nr, 1);
	ASSERT_EQ(r->gsi, VIRTUAL + 1);
	ASSERT_EQ(r->address, 0xfee00000);
	ASSERT_EQ(r->data, VECTOR);
	close(fd);
	vm_free(vm);

	vm = vm_create(1, 0);
	fd = pvi_bind(vm, pvi_uuid[0]);
	ASSERT_EQ(__state_set(fd, &blob), -ENOENT);
	pvi_expose(fd, VIRTUAL + 1, KVM_PVI_GSI_MSI);
	pvi_allow(fd, pvi_uuid[1], KVM_PVI_GSI_ANY);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], VIRTUAL + 1, 0, 0), KVM_PVI_LATCHED);
	vcpu_run_thread(&vm->vcpus[0], take_irqs, 2);
	vcpu_wait_sync(&vm->vcpus[0], 1);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	vcpu_wait_irqs(&vm->vcpus[0], VECTOR, 1);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], VIRTUAL + 1, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_join(&vm->vcpus[0]), 2);
	ASSERT_EQ(__state_set(fd, &blob), -EBUSY);
}

/* Peers that come and go are told of through the config GSI, when the VM is there to hear it */
static void test_config(void)
{
	int sink = new_eventfd(), fd = state_receiver(pvi_uuid[0], pvi_uuid[1], sink), peer;
	const struct kvm_pvi_state_config *r;
	struct blob blob;
	u32 nr;

	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_SET_CONFIG, GSI, 0, 0, 0), 0);
	state_freeze(fd, &blob);
	r = blob_records(&blob, KVM_PVI_STATE_CONFIG, &nr);
	ASSERT_EQ(nr, 1);
	ASSERT_EQ(r->gsi, GSI);
	peer = state_receiver(pvi_uuid[2], pvi_uuid[0], -1);
	ASSERT_EQ(read_eventfd(sink), 0);
	state_thaw(fd);
	ASSERT_EQ(read_eventfd(sink), 1);
	close(fd);

	fd = pvi_bind(NULL, pvi_uuid[0]);
	ASSERT_EQ(__state_set(fd, &blob), -ENOENT);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, GSI, sink);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_GE(pvi_call(fd, KVM_HC_PVI_PEERS, (u64)blob.bytes, 64, 0, 0), 1);
	close(peer);
	ASSERT_TRUE(wait_until(read_eventfd(sink) == 1, 5000));
	ASSERT_EQ(__state_set(fd, &blob), -EINVAL);
}

/* Frozen: rings by whatever way answer EAGAIN, and what is owed stays owed */
static void test_freeze(void)
{
	int fd = state_receiver(pvi_uuid[0], pvi_uuid[1], -1), tx = pvi_bind(NULL, pvi_uuid[1]);
	int sink = new_eventfd(), source = new_eventfd();
	u32 port = pvi_connect(tx, pvi_uuid[0], GSI);
	struct blob blob, again;
	u64 mask;

	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_LATCHED);
	state_freeze(fd, &blob);
	ASSERT_EQ(NOTIFY(tx, port), -EAGAIN);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), -EAGAIN);
	ASSERT_EQ(pvi_call_rbx(tx, KVM_HC_NOTIFY_MANY, 0, 1, 0, 0, &mask), 0);
	ASSERT_EQ(pvi_stats(fd).received.throttled, 3);
	pvi_wire_source(tx, source, port);
	signal_eventfd(source);

	pvi_wire(fd, GSI, sink);
	pvi_gsi(fd, KVM_PVI_KICK, GSI);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_ARM, GSI, 0, 0, 0), 0);
	ASSERT_EQ(read_eventfd(sink), 0);
	state_freeze(fd, &again);
	blob_expect_same(&again, &blob);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	ASSERT_EQ(read_eventfd(sink), 0);

	/* What was latched, then what the source could not ring */
	state_thaw(fd);
	ASSERT_TRUE(wait_readable(sink, 5000));
	ASSERT_TRUE(wait_until(pvi_stats(tx).sent.raised == 1, 5000));
	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sink), 3);
	state_thaw(fd);
	ASSERT_EQ(read_eventfd(sink), 0);
}

static void test_length(void)
{
	int fd = state_receiver(pvi_uuid[0], pvi_uuid[1], -1), tx = pvi_bind(NULL, pvi_uuid[1]);
	struct kvm_pvi_state arg = { .size = sizeof(arg), .flags = KVM_PVI_STATE_FREEZE };
	u32 port = pvi_connect(tx, pvi_uuid[0], GSI), length;
	struct blob blob;

	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_LATCHED);
	/* Where it cannot be written nothing is frozen */
	arg.address = 8;
	arg.length = 4096;
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_GET_STATE, &arg), -EFAULT);
	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_COALESCED);
	/* Only asking is no error */
	arg.length = 0;
	pvi_ioctl(fd, KVM_PVI_GET_STATE, &arg);
	length = arg.length;
	ASSERT_EQ(length, 16 + 16 + 8);
	ASSERT_EQ(NOTIFY(tx, port), -EAGAIN);

	arg.address = (u64)blob.bytes;
	memset(blob.bytes, 0xa5, sizeof(blob.bytes));
	arg.length = length - 1;
	pvi_ioctl(fd, KVM_PVI_GET_STATE, &arg);
	ASSERT_EQ(arg.length, length);
	ASSERT_EQ(blob.bytes[0], 0xa5);
	pvi_ioctl(fd, KVM_PVI_GET_STATE, &arg);
	ASSERT_EQ(blob.header.length, length);
	ASSERT_EQ(blob.bytes[length], 0xa5);

	arg.flags = 0;
	arg.address = 8;
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_SET_STATE, &arg), -EFAULT);
	arg.address = (u64)blob.bytes;
	arg.length = KVM_PVI_STATE_MAX + 1;
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_SET_STATE, &arg), -EINVAL);
	arg.length = length;
	arg.flags = KVM_PVI_STATE_FREEZE;
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_SET_STATE, &arg), -EINVAL);
	arg.flags = 0;
	arg.__reserved = 1;
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_SET_STATE, &arg), -EINVAL);
	ASSERT_EQ(__pvi_ioctl(fd, KVM_PVI_GET_STATE, &arg), -EINVAL);
}

/* Of each kind one, and what a VMM makes; then nothing */
static void own_endpoint(u64 arg)
{
	const int *fds = (int *)arg;
	struct vm *vm = vm_create(1, 0);
	int fd = fds[0];

	ASSERT_EQ(__pvi_bind(fd, vm, pvi_uuid[0]), 0);
	pvi_set_port(fd, new_eventfd());
	pvi_connect(fd, pvi_uuid[1], GSI);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, VIRTUAL, KVM_PVI_GSI_MSI);
	pvi_expose(fd, OTHER_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, OTHER_GSI, new_eventfd());
	pvi_bell(fd, 5, OTHER_GSI);
	pvi_allow(fd, pvi_uuid[1], KVM_PVI_GSI_ANY);
	pvi_allow_bell(fd, pvi_uuid[1], 5, ~0ULL);
	ASSERT_EQ(pvi_index(state_connect(fd, pvi_uuid[1])), 2);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_SET_MSI, VIRTUAL, 0xfee00000, VECTOR, 0), 0);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_SET_CONFIG, GSI, 0, 0, 0), 0);
	signal_eventfd(fds[1]);
	for (;;)
		pause();
}

/* What is left of it to see: that, its name and its counts */
static void expect_dead(int fd)
{
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	text = read_file(path);
	ASSERT_TRUE(strstr(text, "pvi-state:\tdead"));
	ASSERT_TRUE(strstr(text, "pvi-uuid:"));
	ASSERT_TRUE(!strstr(text, "pvi-gsi:"));
	free(text);
}

static void expect_state(int fd, u32 flags, const struct blob *was)
{
	struct blob blob;

	ASSERT_EQ(__state_get(fd, flags, &blob), 0);
	blob_expect_same(&blob, was);
}

/*
 * Who holds the endpoint of a VM whose VMM was killed has what its guest had made, from before its end
 * to behind it, and for whoever has the name next
 */
static void test_killed(void)
{
	int sink = new_eventfd(), peer = state_receiver(pvi_uuid[1], pvi_uuid[0], sink), fd, n;
	int fds[] = { pvi_open(), new_eventfd() };
	struct vm *vm = vm_create(1, 0);
	struct blob blob;
	pid_t pid;
	u32 port;

	pid = child_run(own_endpoint, (u64)fds);
	ASSERT_TRUE(wait_readable(fds[1], 20000));
	port = pvi_connect(peer, pvi_uuid[0], OTHER_GSI);
	ASSERT_EQ(pvi_call(peer, KVM_HC_BELL_SEND, port, 0x101, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_call(peer, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_COALESCED);
	ASSERT_EQ(__state_get(fds[0], 0, &blob), 0);
	ASSERT_EQ(blob.header.sections, 5);
	ASSERT_EQ(kill(pid, SIGKILL), 0);
	while (__pvi_gsi(fds[0], KVM_PVI_KICK, GSI) != -ENODEV)
		expect_state(fds[0], 0, &blob);
	for (n = 0; n < 20; n++)
		expect_state(fds[0], n % 2 ? KVM_PVI_STATE_FREEZE : 0, &blob);
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	expect_dead(fds[0]);
	ASSERT_EQ(__state_set(fds[0], &blob), -ENODEV);
	ASSERT_EQ(pvi_call(peer, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), -EPERM);

	fd = pvi_bind(vm, pvi_uuid[0]);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, VIRTUAL, KVM_PVI_GSI_MSI);
	pvi_expose(fd, OTHER_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_bell(fd, 5, OTHER_GSI);
	ASSERT_EQ(__state_set(fd, &blob), 0);
	expect_state(fds[0], 0, &blob);
	close(fds[0]);
	ASSERT_EQ(NOTIFY(fd, ((struct kvm_pvi_state_port *)blob_records(&blob, KVM_PVI_STATE_PORT, &port))->port),
		  KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sink), 1);
	pvi_wire(fd, GSI, sink);
	ASSERT_EQ(read_eventfd(sink), 1);
}

static const struct test_case cases[] = {
	{ "nothing", test_nothing },
	{ "ports", test_ports },
	{ "ports_lost", test_ports_lost },
	{ "latch", test_latch },
	{ "bell", test_bell },
	{ "msi", test_msi },
	{ "config", test_config },
	{ "freeze", test_freeze },
	{ "length", test_length },
	{ "killed", test_killed },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
