// SPDX-License-Identifier: GPL-2.0
/*
 * State: what a guest has made is saved, and restored under the same name after its VM was
 * killed; rings go on and none is lost. Blobs that lie, in every bit, change nothing.
 */
#include "pvi_test.h"

#define GSI		20
#define OTHER_GSI	21
#define VIRTUAL		KVM_PVI_GSI_VIRTUAL
#define VECTOR		0x40
#define NOTIFY(fd, port) pvi_call(fd, KVM_HC_NOTIFY, port, 0, 0, 0)
#define QUERY(fd, kind, index, field) \
	pvi_call(fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_##kind, index, KVM_PVI_Q_##field, 0)

struct blob {
	u32 length;
	union {
		struct kvm_pvi_state_header header;
		u8 bytes[4096];
	};
};

static int get_state(int fd, u32 flags, struct blob *blob)
{
	struct kvm_pvi_state arg = {
		.size = sizeof(arg), .flags = flags,
		.address = (u64)blob->bytes, .length = sizeof(blob->bytes),
	};
	int ret;

	memset(blob, 0, sizeof(*blob));
	ret = __pvi_ioctl(fd, KVM_PVI_GET_STATE, &arg);
	blob->length = arg.length;
	return ret;
}

static int set_state(int fd, const struct blob *blob)
{
	struct kvm_pvi_state arg = {
		.size = sizeof(arg), .address = (u64)blob->bytes, .length = blob->length,
	};

	return __pvi_ioctl(fd, KVM_PVI_SET_STATE, &arg);
}

static void freeze(int fd, struct blob *blob)
{
	ASSERT_EQ(get_state(fd, KVM_PVI_STATE_FREEZE, blob), 0);
}

static void thaw(int fd)
{
	struct kvm_pvi_thaw arg = { .size = sizeof(arg) };

	pvi_ioctl(fd, KVM_PVI_THAW, &arg);
}

static void blob_start(struct blob *blob)
{
	memset(blob, 0, sizeof(*blob));
	blob->header.magic = KVM_PVI_STATE_MAGIC;
	blob->header.version = KVM_PVI_STATE_VERSION;
	blob->header.length = sizeof(blob->header);
	blob->length = sizeof(blob->header);
}

static void blob_append(struct blob *blob, const void *bytes, u32 length)
{
	ASSERT_LE(blob->length + length, sizeof(blob->bytes));
	memcpy(blob->bytes + blob->length, bytes, length);
	blob->length += length;
	blob->header.length = blob->length;
}

static void blob_section(struct blob *blob, u32 type, const void *records, u32 size, u32 nr)
{
	struct kvm_pvi_state_section head = { .type = type, .size = size, .nr = nr };

	blob_append(blob, &head, sizeof(head));
	blob_append(blob, records, size * nr);
	blob->header.sections++;
}

static struct kvm_pvi_state_port port_record(u32 port, const u8 *uuid, u32 gsi)
{
	struct kvm_pvi_state_port r = { .port = port, .gsi = gsi };

	memcpy(r.uuid, uuid, sizeof(r.uuid));
	return r;
}

/* The records of a section, and how many; NULL and 0 if there is none */
static const void *records(const struct blob *blob, u32 type, u32 *nr)
{
	const struct kvm_pvi_state_section *s = (void *)(blob->bytes + sizeof(blob->header));
	u32 i;

	*nr = 0;
	for (i = 0; i < blob->header.sections; i++) {
		if (s->type == type) {
			*nr = s->nr;
			return s + 1;
		}
		s = (void *)(s + 1) + s->nr * s->size;
	}
	return NULL;
}

static void expect_same(const struct blob *a, const struct blob *b)
{
	ASSERT_EQ(a->length, b->length);
	ASSERT_TRUE(!memcmp(a->bytes, b->bytes, a->length));
}

/* A receiver that @uuid may ring, with or without somebody who takes it */
static int receiver_create(const u8 *name, const u8 *sender, int sink)
{
	int fd = pvi_bind(NULL, name);

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	if (sink >= 0)
		pvi_wire(fd, GSI, sink);
	pvi_allow(fd, sender, GSI);
	return fd;
}

static s64 guest_connect(int fd, const u8 *uuid)
{
	return pvi_call(fd, KVM_HC_PVI_CONNECT, (u64)uuid, GSI, 0, 0);
}

static void test_nothing(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[0]);
	struct blob blob;

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(fd, pvi_uuid[1], GSI);
	pvi_set_port(fd, new_eventfd());
	ASSERT_EQ(get_state(fd, 0, &blob), 0);
	ASSERT_EQ(blob.length, sizeof(struct kvm_pvi_state_header));
	ASSERT_EQ(blob.header.magic, KVM_PVI_STATE_MAGIC);
	ASSERT_EQ(blob.header.version, KVM_PVI_STATE_VERSION);
	ASSERT_EQ(blob.header.length, blob.length);
	ASSERT_EQ(blob.header.sections, 0);
	ASSERT_EQ(set_state(fd, &blob), 0);
	ASSERT_EQ(set_state(fd, &blob), 0);
}

/* The guest's ports keep their numbers; the VMM's are its own business */
static void test_ports(void)
{
	int sinks[2] = { new_eventfd(), new_eventfd() };
	int fd = pvi_bind(NULL, pvi_uuid[2]), i;
	const struct kvm_pvi_state_port *r;
	struct blob blob, again;
	u32 nr;

	for (i = 0; i < 2; i++)
		receiver_create(pvi_uuid[i], pvi_uuid[2], sinks[i]);
	ASSERT_EQ(guest_connect(fd, pvi_uuid[0]), 0);
	ASSERT_EQ(pvi_connect(fd, pvi_uuid[0], GSI), 1);
	ASSERT_EQ(guest_connect(fd, pvi_uuid[0]), 2);
	ASSERT_EQ(guest_connect(fd, pvi_uuid[1]), 3);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_DISCONNECT, 2, 0, 0, 0), 0);
	freeze(fd, &blob);
	r = records(&blob, KVM_PVI_STATE_PORT, &nr);
	ASSERT_EQ(nr, 2);
	ASSERT_EQ(r[0].port, 0);
	ASSERT_EQ(r[1].port, 3);
	ASSERT_EQ(r[1].gsi, GSI);
	ASSERT_TRUE(!memcmp(r[1].uuid, pvi_uuid[1], KVM_PVI_UUID_SIZE));
	ASSERT_EQ(blob.header.sections, 1);
	/* Frozen, it still rings others */
	ASSERT_EQ(NOTIFY(fd, 3), KVM_PVI_RAISED);
	close(fd);

	fd = pvi_bind(NULL, pvi_uuid[2]);
	ASSERT_EQ(set_state(fd, &blob), 0);
	ASSERT_EQ(NOTIFY(fd, 0), KVM_PVI_RAISED);
	ASSERT_EQ(NOTIFY(fd, 1), -ENOENT);
	ASSERT_EQ(NOTIFY(fd, 2), -ENOENT);
	ASSERT_EQ(NOTIFY(fd, 3), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sinks[0]), 1);
	ASSERT_EQ(read_eventfd(sinks[1]), 2);
	ASSERT_EQ(get_state(fd, 0, &again), 0);
	expect_same(&again, &blob);
	/* They are the guest's: it may close them, and they go when it starts anew */
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_DISCONNECT, 0, 0, 0, 0), 0);
	ASSERT_EQ(guest_connect(fd, pvi_uuid[1]), 0);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	ASSERT_EQ(NOTIFY(fd, 3), -ENOENT);
}

/* A port that cannot be had again keeps its number, answers ENXIO, and stays so */
static void test_ports_lost(void)
{
	int sink = new_eventfd(), rx[3], fd = pvi_bind(NULL, pvi_uuid[3]), i;
	const struct kvm_pvi_state_port *r;
	struct blob blob;
	u32 nr;

	for (i = 0; i < 3; i++) {
		rx[i] = receiver_create(pvi_uuid[i], pvi_uuid[3], sink);
		ASSERT_EQ(guest_connect(fd, pvi_uuid[i]), i);
	}
	ASSERT_EQ(get_state(fd, 0, &blob), 0);
	close(fd);
	fd = pvi_bind(NULL, pvi_uuid[3]);
	/* Gone, not allowed any more, and as before */
	close(rx[0]);
	pvi_revoke(rx[1], pvi_uuid[3], GSI);
	ASSERT_EQ(set_state(fd, &blob), 0);
	ASSERT_EQ(NOTIFY(fd, 0), -ENXIO);
	ASSERT_EQ(NOTIFY(fd, 1), -ENXIO);
	ASSERT_EQ(NOTIFY(fd, 2), KVM_PVI_RAISED);
	ASSERT_EQ(QUERY(fd, PORT, 0, PORT_STATE), KVM_PVI_PORT_DEAD);
	ASSERT_EQ(QUERY(fd, PORT, 1, PORT_GSI), GSI);
	ASSERT_EQ(guest_connect(fd, pvi_uuid[2]), 3);

	/* Coming back does not help, neither now nor by way of another snapshot */
	rx[0] = receiver_create(pvi_uuid[0], pvi_uuid[3], sink);
	pvi_allow(rx[1], pvi_uuid[3], GSI);
	pvi_revoke(rx[2], pvi_uuid[3], GSI);
	ASSERT_EQ(NOTIFY(fd, 0), -ENXIO);
	ASSERT_EQ(NOTIFY(fd, 1), -ENXIO);
	ASSERT_EQ(NOTIFY(fd, 2), -EPERM);
	ASSERT_EQ(get_state(fd, 0, &blob), 0);
	r = records(&blob, KVM_PVI_STATE_PORT, &nr);
	ASSERT_EQ(nr, 4);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(r[i].flags, KVM_PVI_STATE_PORT_DEAD);
	close(fd);
	fd = pvi_bind(NULL, pvi_uuid[3]);
	pvi_allow(rx[2], pvi_uuid[3], GSI);
	ASSERT_EQ(set_state(fd, &blob), 0);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(NOTIFY(fd, i), -ENXIO);
	ASSERT_EQ(guest_connect(fd, pvi_uuid[0]), 4);
	ASSERT_EQ(NOTIFY(fd, 4), KVM_PVI_RAISED);
}

static void test_latch(void)
{
	int fd = receiver_create(pvi_uuid[0], pvi_uuid[1], -1), tx = pvi_bind(NULL, pvi_uuid[1]);
	const struct kvm_pvi_state_latch *r;
	int sink = new_eventfd();
	struct blob blob;
	u32 nr;

	pvi_expose(fd, OTHER_GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(NOTIFY(tx, pvi_connect(tx, pvi_uuid[0], GSI)), KVM_PVI_LATCHED);
	freeze(fd, &blob);
	r = records(&blob, KVM_PVI_STATE_LATCH, &nr);
	ASSERT_EQ(nr, 1);
	ASSERT_EQ(r[0].gsi, GSI);
	close(fd);

	/* Wired before: paid at once. Wired later: paid then */
	fd = receiver_create(pvi_uuid[0], pvi_uuid[1], sink);
	ASSERT_EQ(set_state(fd, &blob), 0);
	ASSERT_EQ(read_eventfd(sink), 1);
	close(fd);
	fd = receiver_create(pvi_uuid[0], pvi_uuid[1], -1);
	ASSERT_EQ(set_state(fd, &blob), 0);
	ASSERT_EQ(NOTIFY(tx, pvi_connect(tx, pvi_uuid[0], GSI)), KVM_PVI_COALESCED);
	pvi_wire(fd, GSI, sink);
	ASSERT_EQ(read_eventfd(sink), 1);
	/* What is owed adds up, and is no reason to refuse */
	pvi_gsi(fd, KVM_PVI_UNWIRE, GSI);
	ASSERT_EQ(NOTIFY(tx, pvi_connect(tx, pvi_uuid[0], GSI)), KVM_PVI_LATCHED);
	ASSERT_EQ(set_state(fd, &blob), 0);
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
	u32 nr;
	u64 old;

	ASSERT_EQ(guest_connect(tx, pvi_uuid[0]), 0);
	ASSERT_EQ(pvi_call(fd, KVM_HC_BELL_MASK, 5, 0xff, 0x80, 0), 0);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, 0, 0x101, 0, 0), KVM_PVI_RAISED);
	read_eventfd(sink);
	freeze(fd, &blob);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, 0, 0x2, 0, 0), -EAGAIN);
	r = records(&blob, KVM_PVI_STATE_BELL, &nr);
	ASSERT_EQ(nr, 1);
	ASSERT_EQ(r->bell, 5);
	ASSERT_EQ(r->flags, 0x101);
	ASSERT_EQ(r->enable, 0xff);
	ASSERT_EQ(r->ack, 0x80);
	/* The sender's port is one to a bell, before and after */
	ASSERT_EQ(get_state(tx, 0, &other), 0);
	close(fd);
	close(tx);

	fd = bell_create(sink);
	tx = pvi_bind(NULL, pvi_uuid[1]);
	ASSERT_EQ(set_state(tx, &other), 0);
	/* What was sent since adds up; the line is up: raised */
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, 0, 0x10, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_EQ(set_state(fd, &blob), 0);
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_EQ(pvi_call_rbx(fd, KVM_HC_BELL_RECEIVE, 5, ~0ULL, 0, 0, &old), 0);
	ASSERT_EQ(old, 0x111);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, 0, 0x100, 0, 0), KVM_PVI_COALESCED);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, 0, 0x80, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_call_rbx(fd, KVM_HC_BELL_RECEIVE, 5, ~0ULL, 0, 0, &old), 0);
	ASSERT_EQ(old, 0x100);
	/* The guest has masked it: not to be overwritten */
	ASSERT_EQ(set_state(fd, &blob), -EBUSY);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	ASSERT_EQ(set_state(fd, &blob), 0);
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
	freeze(fd, &blob);
	r = records(&blob, KVM_PVI_STATE_MSI, &nr);
	ASSERT_EQ(nr, 1);
	ASSERT_EQ(r->gsi, VIRTUAL + 1);
	ASSERT_EQ(r->address, 0xfee00000);
	ASSERT_EQ(r->data, VECTOR);
	close(fd);
	vm_free(vm);

	vm = vm_create(1, 0);
	fd = pvi_bind(vm, pvi_uuid[0]);
	ASSERT_EQ(set_state(fd, &blob), -ENOENT);
	pvi_expose(fd, VIRTUAL + 1, KVM_PVI_GSI_MSI);
	pvi_allow(fd, pvi_uuid[1], KVM_PVI_GSI_ANY);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], VIRTUAL + 1, 0, 0), KVM_PVI_LATCHED);
	vcpu_run_thread(&vm->vcpus[0], take_irqs, 2);
	vcpu_wait_sync(&vm->vcpus[0], 1);
	ASSERT_EQ(set_state(fd, &blob), 0);
	vcpu_wait_irqs(&vm->vcpus[0], VECTOR, 1);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], VIRTUAL + 1, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(vcpu_join(&vm->vcpus[0]), 2);
	ASSERT_EQ(set_state(fd, &blob), -EBUSY);
}

/* Peers that come and go are told of through the config GSI, when the VM is there to hear it */
static void test_config(void)
{
	int sink = new_eventfd(), fd = receiver_create(pvi_uuid[0], pvi_uuid[1], sink), peer;
	const struct kvm_pvi_state_config *r;
	struct blob blob;
	u32 nr;

	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_SET_CONFIG, GSI, 0, 0, 0), 0);
	freeze(fd, &blob);
	r = records(&blob, KVM_PVI_STATE_CONFIG, &nr);
	ASSERT_EQ(nr, 1);
	ASSERT_EQ(r->gsi, GSI);
	peer = receiver_create(pvi_uuid[2], pvi_uuid[0], -1);
	ASSERT_EQ(read_eventfd(sink), 0);
	thaw(fd);
	ASSERT_EQ(read_eventfd(sink), 1);
	close(fd);

	fd = pvi_bind(NULL, pvi_uuid[0]);
	ASSERT_EQ(set_state(fd, &blob), -ENOENT);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, GSI, sink);
	ASSERT_EQ(set_state(fd, &blob), 0);
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_GE(pvi_call(fd, KVM_HC_PVI_PEERS, (u64)blob.bytes, 64, 0, 0), 1);
	close(peer);
	ASSERT_TRUE(wait_until(read_eventfd(sink) == 1, 5000));
	ASSERT_EQ(set_state(fd, &blob), -EINVAL);
}

/* Frozen: rings by whatever way answer EAGAIN, and what is owed stays owed */
static void test_freeze(void)
{
	int fd = receiver_create(pvi_uuid[0], pvi_uuid[1], -1), tx = pvi_bind(NULL, pvi_uuid[1]);
	int sink = new_eventfd(), source = new_eventfd();
	u32 port = pvi_connect(tx, pvi_uuid[0], GSI);
	struct blob blob, again;
	u64 mask;

	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_LATCHED);
	freeze(fd, &blob);
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
	freeze(fd, &again);
	expect_same(&again, &blob);
	ASSERT_EQ(set_state(fd, &blob), 0);
	ASSERT_EQ(read_eventfd(sink), 0);

	/* What was latched, then what the source could not ring */
	thaw(fd);
	ASSERT_TRUE(wait_readable(sink, 5000));
	ASSERT_TRUE(wait_until(pvi_stats(tx).sent.raised == 1, 5000));
	ASSERT_EQ(NOTIFY(tx, port), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sink), 3);
	thaw(fd);
	ASSERT_EQ(read_eventfd(sink), 0);
}

static void test_length(void)
{
	int fd = receiver_create(pvi_uuid[0], pvi_uuid[1], -1), tx = pvi_bind(NULL, pvi_uuid[1]);
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

static void expect_set(int fd, const struct blob *blob, int expected)
{
	struct blob before, after;

	ASSERT_EQ(get_state(fd, 0, &before), 0);
	ASSERT_EQ(set_state(fd, blob), expected);
	ASSERT_EQ(get_state(fd, 0, &after), 0);
	if (expected)
		expect_same(&before, &after);
}

/* Good records first, a bad one last: none of them is restored */
static void test_all_or_nothing(void)
{
	int fd = receiver_create(pvi_uuid[0], pvi_uuid[1], -1), port;
	struct kvm_pvi_state_latch latches[2] = { { .gsi = GSI }, { .gsi = OTHER_GSI } };
	struct kvm_pvi_state_port ports[3];
	struct blob blob;

	pvi_allow(fd, pvi_uuid[0], GSI);
	for (port = 0; port < 3; port++)
		ports[port] = port_record(port, pvi_uuid[0], GSI);
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_PORT, ports, sizeof(ports[0]), 3);
	blob_section(&blob, KVM_PVI_STATE_LATCH, latches, sizeof(latches[0]), 2);
	expect_set(fd, &blob, -ENOENT);
	pvi_expose(fd, OTHER_GSI, KVM_PVI_GSI_EVENTFD);

	/* Where the guest has had a port the VMM has put one of its own */
	port = pvi_set_port(fd, new_eventfd());
	pvi_set_port(fd, new_eventfd());
	pvi_close_port(fd, port);
	expect_set(fd, &blob, -EEXIST);
	pvi_close_port(fd, 1);
	ASSERT_EQ(guest_connect(fd, pvi_uuid[0]), 0);
	expect_set(fd, &blob, -EBUSY);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_DISCONNECT, 0, 0, 0, 0), 0);
	expect_set(fd, &blob, 0);
	ASSERT_EQ(QUERY(fd, GSI, 1, GSI_STATE), KVM_PVI_GSI_LATCHED);
	ASSERT_EQ(NOTIFY(fd, 2), KVM_PVI_COALESCED);
}

/* One thing wrong, all else valid */
static void expect_bad_port(int fd, struct kvm_pvi_state_port bad)
{
	struct blob blob;

	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_PORT, &bad, sizeof(bad), 1);
	expect_set(fd, &blob, -EINVAL);
}

static void expect_bad_msi(int fd, u32 gsi, u64 address, u32 data, int expected)
{
	struct kvm_pvi_state_msi bad = { .gsi = gsi, .address = address, .data = data };
	struct blob blob;

	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_MSI, &bad, sizeof(bad), 1);
	expect_set(fd, &blob, expected);
}

static void test_bad_records(void)
{
	struct vm *vm = vm_create(0, 0);
	int fd = pvi_bind(vm, pvi_uuid[0]);
	struct kvm_pvi_state_port port = port_record(1, pvi_uuid[1], GSI), bad;
	struct kvm_pvi_state_latch latch = { .gsi = GSI, .__reserved = 1 };
	struct kvm_pvi_state_bell bell = { .bell = 9 };
	struct blob blob;

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, VIRTUAL, KVM_PVI_GSI_MSI);

	bad = port;
	bad.port = read_param("kvm_pvi", "max_ports");
	expect_bad_port(fd, bad);
	bad.port = KVM_PVI_PORT_ANY;
	expect_bad_port(fd, bad);
	bad = port;
	bad.gsi = KVM_PVI_GSI_MAX;
	expect_bad_port(fd, bad);
	bad.gsi = KVM_PVI_GSI_ANY;
	expect_bad_port(fd, bad);
	bad = port;
	bad.flags = 2;
	expect_bad_port(fd, bad);
	bad = port;
	bad.__reserved = 1;
	expect_bad_port(fd, bad);
	memset(bad.uuid, 0, sizeof(bad.uuid));
	bad.__reserved = 0;
	expect_bad_port(fd, bad);
	memset(bad.uuid, 0xff, sizeof(bad.uuid));
	expect_bad_port(fd, bad);

	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_LATCH, &latch, sizeof(latch), 1);
	expect_set(fd, &blob, -EINVAL);
	latch = (struct kvm_pvi_state_latch){ .gsi = KVM_PVI_GSI_MAX };
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_LATCH, &latch, sizeof(latch), 1);
	expect_set(fd, &blob, -EINVAL);
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_BELL, &bell, sizeof(bell), 1);
	expect_set(fd, &blob, -ENOENT);
	bell.__reserved = 1;
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_BELL, &bell, sizeof(bell), 1);
	expect_set(fd, &blob, -EINVAL);

	expect_bad_msi(fd, VIRTUAL + 1, 0xfee00000, VECTOR, -ENOENT);
	expect_bad_msi(fd, KVM_PVI_GSI_VIRTUAL_END, 0xfee00000, VECTOR, -EINVAL);
	expect_bad_msi(fd, GSI, 0xfee00000, VECTOR, -EINVAL);
	expect_bad_msi(fd, VIRTUAL, 0, 0, -EINVAL);
	expect_bad_msi(fd, VIRTUAL, 0xfed00000, VECTOR, -EINVAL);
	expect_bad_msi(fd, VIRTUAL, 0xfee00000, 0xf, -EINVAL);
	/* An NMI, an SMI, an INIT, a level */
	expect_bad_msi(fd, VIRTUAL, 0xfee00000, 0x400 | VECTOR, -EINVAL);
	expect_bad_msi(fd, VIRTUAL, 0xfee00000, 0x200 | VECTOR, -EINVAL);
	expect_bad_msi(fd, VIRTUAL, 0xfee00000, 0x500 | VECTOR, -EINVAL);
	expect_bad_msi(fd, VIRTUAL, 0xfee00000, 0x8000 | VECTOR, -EINVAL);
	expect_bad_msi(fd, VIRTUAL, 0xfee00000, VECTOR, 0);
}

/* Sections that overlap, repeat, come in another order, or say they are larger than they are */
static void test_bad_sections(void)
{
	int fd = receiver_create(pvi_uuid[0], pvi_uuid[1], -1);
	struct kvm_pvi_state_latch latches[2] = { { .gsi = GSI }, { .gsi = GSI } };
	struct kvm_pvi_state_port port = port_record(0, pvi_uuid[1], GSI);
	struct kvm_pvi_state_section *head;
	static struct blob blob;
	u32 i;

	static const u32 counts[] = { 0, 2, 3, 0x1fffffff, 0x20000000, 0x20000001, 0x80000000,
				      0xffffffff };

	pvi_expose(fd, OTHER_GSI, KVM_PVI_GSI_EVENTFD);
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_LATCH, latches, sizeof(latches[0]), 2);
	expect_set(fd, &blob, -EINVAL);
	latches[0].gsi = OTHER_GSI;
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_LATCH, latches, sizeof(latches[0]), 2);
	expect_set(fd, &blob, -EINVAL);

	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_LATCH, latches, sizeof(latches[0]), 1);
	blob_section(&blob, KVM_PVI_STATE_PORT, &port, sizeof(port), 1);
	expect_set(fd, &blob, -EINVAL);
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_LATCH, latches, sizeof(latches[0]), 1);
	blob_section(&blob, KVM_PVI_STATE_LATCH, latches, sizeof(latches[0]), 1);
	expect_set(fd, &blob, -EINVAL);
	blob_start(&blob);
	blob_section(&blob, 77, latches, sizeof(latches[0]), 1);
	expect_set(fd, &blob, -EINVAL);

	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_LATCH, latches, sizeof(latches[0]), 1);
	head = (void *)(blob.bytes + sizeof(blob.header));
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		head->nr = counts[i];
		expect_set(fd, &blob, -EINVAL);
	}
	head->nr = 1;
	blob_append(&blob, latches, sizeof(latches[0]));
	expect_set(fd, &blob, -EINVAL);
	blob.length -= sizeof(latches[0]);
	blob.header.length = blob.length;
	expect_set(fd, &blob, 0);
}

/* A blob with a section of each type, and an endpoint that it fits */
static int blob_of_each(struct blob *blob)
{
	struct vm *vm = vm_create(0, 0);
	int fd = pvi_bind(vm, pvi_uuid[0]);

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, OTHER_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, OTHER_GSI + 1, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, VIRTUAL, KVM_PVI_GSI_MSI);
	pvi_allow(fd, pvi_uuid[0], GSI);
	pvi_bell(fd, 3, OTHER_GSI);
	ASSERT_EQ(guest_connect(fd, pvi_uuid[0]), 0);
	ASSERT_EQ(guest_connect(fd, pvi_uuid[0]), 1);
	ASSERT_EQ(NOTIFY(fd, 0), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_call(fd, KVM_HC_BELL_MASK, 3, 0xf0, 0xf, 0), 0);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_SET_MSI, VIRTUAL, 0xfee00000, VECTOR, 0), 0);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_SET_CONFIG, OTHER_GSI + 1, 0, 0, 0), 0);
	freeze(fd, blob);
	ASSERT_EQ(blob->header.sections, 5);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	return fd;
}

/* A record's flags may come back set: a port that was not to be had */
static void forget_dead_ports(struct blob *blob)
{
	u32 nr, i;
	struct kvm_pvi_state_port *r = (void *)records(blob, KVM_PVI_STATE_PORT, &nr);

	for (i = 0; i < nr; i++)
		r[i].flags = 0;
}

/* Refused, and nothing has changed; or taken, and then it is what the blob says */
static bool try_blob(int fd, const struct blob *blob, const struct blob *empty)
{
	struct blob after, given = *blob;
	int ret = set_state(fd, blob);

	ASSERT_EQ(get_state(fd, 0, &after), 0);
	if (ret) {
		ASSERT_TRUE(ret == -EINVAL || ret == -ENOENT);
		expect_same(&after, empty);
		return false;
	}
	forget_dead_ports(&after);
	forget_dead_ports(&given);
	expect_same(&after, &given);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	return true;
}

static void test_every_bit(void)
{
	struct blob blob, empty;
	int fd = blob_of_each(&blob);
	u32 bit, length, taken = 0;

	ASSERT_EQ(get_state(fd, 0, &empty), 0);
	ASSERT_TRUE(try_blob(fd, &blob, &empty));
	for (bit = 0; bit < 8 * blob.length; bit++) {
		blob.bytes[bit / 8] ^= 1 << bit % 8;
		taken += try_blob(fd, &blob, &empty);
		blob.bytes[bit / 8] ^= 1 << bit % 8;
	}
	/* Names of other VMs, other ports, flags, masks, vectors: all a guest could have made */
	test_diag("%u of %u flipped bits make another valid blob", taken, bit);
	ASSERT_GT(taken, 2 * 8 * KVM_PVI_UUID_SIZE);
	ASSERT_LT(taken, bit / 2 + 8 * KVM_PVI_UUID_SIZE);

	length = blob.length;
	for (blob.length = 0; blob.length < length; blob.length++)
		ASSERT_TRUE(!try_blob(fd, &blob, &empty));
	for (blob.length++; blob.length < length + 40; blob.length++)
		ASSERT_TRUE(!try_blob(fd, &blob, &empty));
	blob.length = length;
	ASSERT_TRUE(try_blob(fd, &blob, &empty));
}

static u32 next_random(u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Words that parsers stumble over, in any place, several at once */
static void test_hostile_words(void)
{
	static const u32 words[] = { 0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 33, 0x7fffffff,
				     0x80000000, 0xfffffff0, 0xffffffff, 0x08000000, 0x10000000 };
	struct blob good, blob, empty;
	int fd = blob_of_each(&good);
	u32 seed = 1, round, i, at;

	ASSERT_EQ(get_state(fd, 0, &empty), 0);
	for (round = 0; round < 3000; round++) {
		blob = good;
		for (i = next_random(&seed) % 3 + 1; i; i--) {
			at = next_random(&seed) % (good.length / 4) * 4;
			memcpy(blob.bytes + at, &words[next_random(&seed) % ARRAY_SIZE(words)], 4);
		}
		try_blob(fd, &blob, &empty);
	}
}

/* The receiver that is killed and restored: its handler says what it has seen */
static u64 sent, seen;

static __guest void on_irq(u8 vector)
{
	(void)vector;
	__atomic_store_n(&seen, __atomic_load_n(&sent, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
}

static __guest u64 receive(u64 arg)
{
	guest_on_irq(VECTOR, on_irq);
	for (;;)
		guest_irq_wait();
	return arg;
}

/* All of a VM with one vCPU and an irqchip */
struct snapshot {
	struct blob blob;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	struct kvm_lapic_state lapic;
	struct kvm_mp_state mp_state;
	struct kvm_irqchip ioapic;
	u8 low[LOW_SIZE];
};

static struct snapshot snapshot;
static struct vm *vm;
static int vm_fd;

static void vm_save(void)
{
	struct vcpu *vcpu = &vm->vcpus[0];

	vcpu_stop(vcpu);
	freeze(vm_fd, &snapshot.blob);
	vcpu_ioctl(vcpu, KVM_GET_MP_STATE, &snapshot.mp_state);
	vcpu_ioctl(vcpu, KVM_GET_REGS, &snapshot.regs);
	vcpu_ioctl(vcpu, KVM_GET_SREGS, &snapshot.sregs);
	vcpu_ioctl(vcpu, KVM_GET_VCPU_EVENTS, &snapshot.events);
	vcpu_ioctl(vcpu, KVM_GET_LAPIC, &snapshot.lapic);
	snapshot.ioapic.chip_id = KVM_IRQCHIP_IOAPIC;
	vm_ioctl(vm, KVM_GET_IRQCHIP, &snapshot.ioapic);
	memcpy(snapshot.low, vm->low, LOW_SIZE);
}

static void *run_restored(void *arg)
{
	vcpu_run(arg);
	return NULL;
}

/* In the order that the header gives */
static void vm_restore(void)
{
	struct blob blob;
	struct vcpu *vcpu;

	vm = vm_create(1, 0);
	vcpu = &vm->vcpus[0];
	vm_fd = pvi_bind(vm, pvi_uuid[0]);
	freeze(vm_fd, &blob);
	pvi_expose(vm_fd, GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(vm_fd, pvi_uuid[1], GSI);

	memcpy(vm->low, snapshot.low, LOW_SIZE);
	vm_ioctl(vm, KVM_SET_IRQCHIP, &snapshot.ioapic);
	vcpu_ioctl(vcpu, KVM_SET_SREGS, &snapshot.sregs);
	vcpu_ioctl(vcpu, KVM_SET_REGS, &snapshot.regs);
	vcpu_ioctl(vcpu, KVM_SET_LAPIC, &snapshot.lapic);
	vcpu_ioctl(vcpu, KVM_SET_VCPU_EVENTS, &snapshot.events);
	vcpu_ioctl(vcpu, KVM_SET_MP_STATE, &snapshot.mp_state);
	ASSERT_EQ(set_state(vm_fd, &snapshot.blob), 0);
	thaw(vm_fd);

	ASSERT_EQ(pthread_create(&vcpu->thread, NULL, run_restored, vcpu), 0);
	vcpu->running = true;
}

static void vm_kill(void)
{
	close(vm_fd);
	vm_free(vm);
}

static void vm_start(u32 pin_flags)
{
	vm = vm_create(1, 0);
	vm_fd = pvi_bind(vm, pvi_uuid[0]);
	vm_ioapic_set(vm, GSI, VECTOR, pin_flags, 0);
	pvi_expose(vm_fd, GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(vm_fd, pvi_uuid[1], GSI);
	vcpu_run_thread(&vm->vcpus[0], receive, 0);
}

#define ROUNDS 400

static bool sender_done;

/* Each ring is waited for, so that no later one makes good for it */
static void *ring_and_wait(void *arg)
{
	int fd = *(int *)arg;
	u32 port = pvi_connect(fd, pvi_uuid[0], GSI);
	s64 ret;

	while (sent < ROUNDS) {
		__atomic_add_fetch(&sent, 1, __ATOMIC_SEQ_CST);
		while ((ret = NOTIFY(fd, port)) < 0) {
			if (ret == -ENXIO) {
				pvi_close_port(fd, port);
				while (__pvi_connect(fd, pvi_uuid[0], GSI, &port))
					sched_yield();
				continue;
			}
			ASSERT_EQ(ret, -EAGAIN);
			sched_yield();
		}
		ASSERT_TRUE(wait_until(__atomic_load_n(&seen, __ATOMIC_SEQ_CST) == sent, 10000));
	}
	__atomic_store_n(&sender_done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Snapshot, kill, restore, again and again while a peer rings */
static void test_none_lost(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[1]);
	pthread_t sender;
	u32 restored = 0;
	u64 next = 0;

	vm_start(0);
	ASSERT_EQ(pthread_create(&sender, NULL, ring_and_wait, &fd), 0);
	while (!__atomic_load_n(&sender_done, __ATOMIC_SEQ_CST)) {
		if (__atomic_load_n(&seen, __ATOMIC_SEQ_CST) < next) {
			sched_yield();
			continue;
		}
		next += ROUNDS / 10;
		vm_save();
		vm_kill();
		vm_restore();
		restored++;
	}
	ASSERT_EQ(pthread_join(sender, NULL), 0);
	ASSERT_EQ(seen, ROUNDS);
	ASSERT_GE(restored, 10);
}

/* A ring that found the pin masked comes when the restored guest unmasks it */
static void test_owed_across(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[1]);

	vm_start(IOAPIC_MASKED);
	sent = 7;
	ASSERT_EQ(NOTIFY(fd, pvi_connect(fd, pvi_uuid[0], GSI)), KVM_PVI_LATCHED);
	vm_save();
	vm_kill();
	vm_restore();
	ASSERT_EQ(QUERY(vm_fd, GSI, 0, GSI_STATE), KVM_PVI_GSI_WIRED | KVM_PVI_GSI_LATCHED);
	vm_ioapic_set(vm, GSI, VECTOR, 0, 0);
	ASSERT_TRUE(wait_until(__atomic_load_n(&seen, __ATOMIC_SEQ_CST) == 7, 10000));
	ASSERT_EQ(QUERY(vm_fd, GSI, 0, GSI_STATE), KVM_PVI_GSI_WIRED);
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
	{ "all_or_nothing", test_all_or_nothing },
	{ "bad_records", test_bad_records },
	{ "bad_sections", test_bad_sections },
	{ "every_bit", test_every_bit },
	{ "hostile_words", test_hostile_words },
	{ "none_lost", test_none_lost },
	{ "owed_across", test_owed_across },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
