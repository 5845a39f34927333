// SPDX-License-Identifier: GPL-2.0
/*
 * QUERY: what a guest may know of itself, in every field and piece, and where each ends.
 */
#include "pvi_test.h"

#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]

static struct vm *vm;
static int fd;
static u64 epoch;

static void prepare(void)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind) };

	vm = vm_create(1, 0);
	bind.vm_fd = vm->fd;
	memcpy(bind.uuid, TX, sizeof(bind.uuid));
	fd = pvi_open();
	pvi_ioctl(fd, KVM_PVI_BIND, &bind);
	epoch = bind.epoch;
}

/* Every answer is small enough for 32 bits to tell it from an error, and there it is the same */
static s64 query(u64 kind, u64 index, u64 field)
{
	struct hcall wide = { KVM_HC_PVI_QUERY, kind, index, field, 0 }, narrow = wide;
	s64 ret;

	ret = vcpu_hypercall_in_mode(&vm->vcpus[0], GUEST_LONG64, &wide);
	ASSERT_LE(ret, 0x7fffffff);
	ASSERT_EQ(pvi_call(fd, KVM_HC_PVI_QUERY, kind, index, field, 0), ret);
	if (!((kind | index | field) >> 32))
		ASSERT_EQ((s32)vcpu_hypercall_in_mode(&vm->vcpus[0], GUEST_PROT32, &narrow), ret);
	return ret;
}

/* A value of @pieces times 16 bits, and an error beyond */
static u64 query_wide(u64 kind, u64 index, u32 field, u32 pieces)
{
	u64 value = 0, piece;
	u32 i;

	for (i = 0; i < pieces; i++) {
		piece = query(kind, index, KVM_PVI_Q_PIECE(field, i));
		ASSERT_LE(piece, 0xffff);
		value |= piece << 16 * i;
	}
	ASSERT_EQ(query(kind, index, KVM_PVI_Q_PIECE(field, pieces)), -EINVAL);
	ASSERT_EQ(query(kind, index, KVM_PVI_Q_PIECE(field, 0xffffff)), -EINVAL);
	ASSERT_EQ(query(kind, index, KVM_PVI_Q_PIECE((u64)field, 1ULL << 24)), -EINVAL);
	return value;
}

static u64 query_one(u64 kind, u64 index, u32 field)
{
	return query_wide(kind, index, field, 1);
}

static void test_kinds(void)
{
	static const u64 unknown[] = { KVM_PVI_Q_LIMIT + 1, 255, 1ULL << 32, ~0ULL };
	u32 i;

	prepare();
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		ASSERT_EQ(query(unknown[i], 0, 0), -EINVAL);
		ASSERT_EQ(query(unknown[i], 1, 0), -EINVAL);
	}
	for (i = KVM_PVI_Q_ABI; i <= KVM_PVI_Q_LIMIT; i++) {
		ASSERT_EQ(query(i, 1, 0), -ENOENT);
		ASSERT_EQ(query(i, 1ULL << 32, 0), -ENOENT);
		ASSERT_EQ(query(i, ~0ULL, 0), -ENOENT);
		if (i != KVM_PVI_Q_GSI && i != KVM_PVI_Q_PORT)
			ASSERT_EQ(query(i, 0, 99), -EINVAL);
	}
	ASSERT_EQ(query(KVM_PVI_Q_GSI, 0, 0), -ENOENT);
	ASSERT_EQ(query(KVM_PVI_Q_PORT, 0, 0), -ENOENT);
}

static void test_abi(void)
{
	prepare();
	ASSERT_EQ(query_one(KVM_PVI_Q_ABI, 0, KVM_PVI_Q_ABI_MAJOR), KVM_PVI_ABI_MAJOR);
	ASSERT_EQ(query_one(KVM_PVI_Q_ABI, 0, KVM_PVI_Q_ABI_MINOR), KVM_PVI_ABI_MINOR);
}

static void test_self(void)
{
	u32 i, last = KVM_PVI_UUID_SIZE / 2;

	prepare();
	for (i = 0; i < last; i++)
		ASSERT_EQ(query(KVM_PVI_Q_SELF, 0, KVM_PVI_Q_PIECE(KVM_PVI_Q_SELF_UUID, i)),
			  TX[2 * i] | TX[2 * i + 1] << 8);
	ASSERT_EQ(query(KVM_PVI_Q_SELF, 0, KVM_PVI_Q_PIECE(KVM_PVI_Q_SELF_UUID, last)), -EINVAL);
	ASSERT_EQ(query_wide(KVM_PVI_Q_SELF, 0, KVM_PVI_Q_SELF_EPOCH, 4), epoch);
}

/* In ascending order, whatever order they were exposed in */
static void test_gsis(void)
{
	static const u32 exposed[] = { 4095, 3, 100, 0, 24 }, ascending[] = { 0, 3, 24, 100, 4095 };
	u32 i;

	prepare();
	for (i = 0; i < ARRAY_SIZE(exposed); i++)
		pvi_expose(fd, exposed[i], i % 2 ? KVM_PVI_GSI_EVENTFD : KVM_PVI_GSI_DIRECT);
	for (i = 0; i < ARRAY_SIZE(ascending); i++) {
		bool direct = ascending[i] > 3;

		ASSERT_EQ(query_one(KVM_PVI_Q_GSI, i, KVM_PVI_Q_GSI_NUMBER), ascending[i]);
		ASSERT_EQ(query_one(KVM_PVI_Q_GSI, i, KVM_PVI_Q_GSI_KIND),
			  direct ? KVM_PVI_GSI_DIRECT : KVM_PVI_GSI_EVENTFD);
		ASSERT_EQ(query_one(KVM_PVI_Q_GSI, i, KVM_PVI_Q_GSI_STATE),
			  direct ? KVM_PVI_GSI_WIRED : 0);
		ASSERT_EQ(query(KVM_PVI_Q_GSI, i, KVM_PVI_Q_GSI_BELL), -ENOENT);
		ASSERT_EQ(query(KVM_PVI_Q_GSI, i, 99), -EINVAL);
	}
	pvi_bell(fd, 7, 24);
	ASSERT_EQ(query_one(KVM_PVI_Q_GSI, 2, KVM_PVI_Q_GSI_BELL), 7);
	ASSERT_EQ(query(KVM_PVI_Q_GSI, ARRAY_SIZE(ascending), KVM_PVI_Q_GSI_NUMBER), -ENOENT);
	pvi_gsi(fd, KVM_PVI_UNEXPOSE, 3);
	ASSERT_EQ(query_one(KVM_PVI_Q_GSI, 1, KVM_PVI_Q_GSI_NUMBER), 24);
}

/* State and rings of one GSI, as rings come */
static void test_rings(void)
{
	int tx = pvi_bind(NULL, RX);
	u32 i;

	prepare();
	pvi_expose(fd, 5, KVM_PVI_GSI_EVENTFD);
	pvi_allow(fd, RX, 5);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)TX, 5, 0, 0), KVM_PVI_LATCHED);
	ASSERT_EQ(query_one(KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_STATE), KVM_PVI_GSI_LATCHED);
	pvi_wire(fd, 5, new_eventfd());
	ASSERT_EQ(query_one(KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_STATE), KVM_PVI_GSI_WIRED);
	for (i = 0; i < 70000; i++)
		ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)TX, 5, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(query_wide(KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_RINGS, 4), 70001);
}

static void test_limits(void)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };

	prepare();
	pvi_ioctl(fd, KVM_PVI_GET_INFO, &info);
	ASSERT_EQ(query_one(KVM_PVI_Q_LIMIT, 0, KVM_PVI_Q_LIMIT_PORTS), info.max_ports);
	ASSERT_EQ(query_one(KVM_PVI_Q_LIMIT, 0, KVM_PVI_Q_LIMIT_GSIS), info.max_gsis);
	ASSERT_EQ(query_one(KVM_PVI_Q_LIMIT, 0, KVM_PVI_Q_LIMIT_BELLS), info.max_bells);
	ASSERT_EQ(info.max_ports, read_param("kvm_pvi", "max_ports"));
	ASSERT_EQ(info.max_gsis, read_param("kvm_pvi", "max_gsis"));
	ASSERT_EQ(info.max_vms, read_param("kvm_pvi", "max_vms"));
	ASSERT_EQ(info.max_senders, read_param("kvm_pvi", "max_senders"));
	ASSERT_EQ(info.max_bells, read_param("kvm_pvi", "max_bells"));
	ASSERT_EQ(info.max_grants, read_param("kvm_pvi", "max_grants"));
	ASSERT_EQ(info.max_sources, read_param("kvm_pvi", "max_sources"));
}

static const struct test_case cases[] = {
	{ "kinds", test_kinds },
	{ "abi", test_abi },
	{ "self", test_self },
	{ "gsis", test_gsis },
	{ "rings", test_rings },
	{ "limits", test_limits },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
