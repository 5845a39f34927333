// SPDX-License-Identifier: GPL-2.0
/*
 * State: blobs that lie, in every bit, change nothing.
 */
#include "pvi_test.h"
#include "state.h"

#define GSI		STATE_GSI
#define OTHER_GSI	21
#define VIRTUAL		KVM_PVI_GSI_VIRTUAL
#define VECTOR		0x40
#define NOTIFY(fd, port) pvi_call(fd, KVM_HC_NOTIFY, port, 0, 0, 0)
#define QUERY(fd, kind, index, field) \
	pvi_call(fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_##kind, index, KVM_PVI_Q_##field, 0)

static void expect_set(int fd, const struct blob *blob, int expected)
{
	struct blob before, after;

	ASSERT_EQ(__state_get(fd, 0, &before), 0);
	ASSERT_EQ(__state_set(fd, blob), expected);
	ASSERT_EQ(__state_get(fd, 0, &after), 0);
	if (expected)
		blob_expect_same(&before, &after);
}

/* Good records first, a bad one last: none of them is restored */
static void test_all_or_nothing(void)
{
	int fd = state_receiver(pvi_uuid[0], pvi_uuid[1], -1), port;
	struct kvm_pvi_state_latch latches[2] = { { .gsi = GSI }, { .gsi = OTHER_GSI } };
	struct kvm_pvi_state_port ports[3];
	struct blob blob;
	s64 connected;

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
	connected = state_connect(fd, pvi_uuid[0]);
	ASSERT_EQ(pvi_index(connected), 0);
	expect_set(fd, &blob, -EBUSY);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_DISCONNECT, connected, 0, 0, 0), 0);
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
	int fd = state_receiver(pvi_uuid[0], pvi_uuid[1], -1);
	struct kvm_pvi_state_latch latches[2] = { { .gsi = GSI }, { .gsi = GSI } };
	struct kvm_pvi_state_port port = port_record(0, pvi_uuid[1], GSI);
	struct kvm_pvi_state_config configs[2] = { { .gsi = GSI }, { .gsi = OTHER_GSI } };
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
	/* At most one, in whatever order */
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_CONFIG, configs, sizeof(configs[0]), 2);
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
	s64 port;

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, OTHER_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, OTHER_GSI + 1, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, VIRTUAL, KVM_PVI_GSI_MSI);
	pvi_allow(fd, pvi_uuid[0], GSI);
	pvi_bell(fd, 3, OTHER_GSI);
	port = state_connect(fd, pvi_uuid[0]);
	ASSERT_EQ(pvi_index(port), 0);
	ASSERT_EQ(state_connect(fd, pvi_uuid[0]), port + 1);
	ASSERT_EQ(NOTIFY(fd, port), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_call(fd, KVM_HC_BELL_MASK, 3, 0xf0, 0xf, 0), 0);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_SET_MSI, VIRTUAL, 0xfee00000, VECTOR, 0), 0);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_SET_CONFIG, OTHER_GSI + 1, 0, 0, 0), 0);
	state_freeze(fd, blob);
	ASSERT_EQ(blob->header.sections, 5);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	return fd;
}

/* A record's flags may come back set: a port that was not to be had */
static void forget_dead_ports(struct blob *blob)
{
	u32 nr, i;
	struct kvm_pvi_state_port *r = (void *)blob_records(blob, KVM_PVI_STATE_PORT, &nr);

	for (i = 0; i < nr; i++)
		r[i].flags = 0;
}

/* Refused, and nothing has changed; or taken, and then it is what the blob says */
static bool try_blob(int fd, const struct blob *blob, const struct blob *empty)
{
	struct blob after, given = *blob;
	int ret = __state_set(fd, blob);

	ASSERT_EQ(__state_get(fd, 0, &after), 0);
	if (ret) {
		ASSERT_TRUE(ret == -EINVAL || ret == -ENOENT);
		blob_expect_same(&after, empty);
		return false;
	}
	forget_dead_ports(&after);
	forget_dead_ports(&given);
	blob_expect_same(&after, &given);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	return true;
}

static void test_every_bit(void)
{
	struct blob blob, empty;
	int fd = blob_of_each(&blob);
	u32 bit, length, taken = 0;

	ASSERT_EQ(__state_get(fd, 0, &empty), 0);
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

	ASSERT_EQ(__state_get(fd, 0, &empty), 0);
	for (round = 0; round < 3000; round++) {
		blob = good;
		for (i = next_random(&seed) % 3 + 1; i; i--) {
			at = next_random(&seed) % (good.length / 4) * 4;
			memcpy(blob.bytes + at, &words[next_random(&seed) % ARRAY_SIZE(words)], 4);
		}
		try_blob(fd, &blob, &empty);
	}
}

static const struct test_case cases[] = {
	{ "all_or_nothing", test_all_or_nothing },
	{ "bad_records", test_bad_records },
	{ "bad_sections", test_bad_sections },
	{ "every_bit", test_every_bit },
	{ "hostile_words", test_hostile_words },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
