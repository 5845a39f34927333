// SPDX-License-Identifier: GPL-2.0
/*
 * A receiver's table takes names that hardly differ, and tells them apart.
 */
#include "pvi_test.h"

#define GSI 5

/* 255 names that differ in byte @at alone, from each other and from the first one. */
static void test_byte(int rx_fd, u32 at)
{
	u8 uuid[KVM_PVI_UUID_SIZE];
	u32 i;

	memcpy(uuid, pvi_uuid[1], sizeof(uuid));
	for (i = 1; i < 256; i++) {
		uuid[at]++;
		ASSERT_EQ(__pvi_allow(rx_fd, uuid, GSI), 0);
	}
}

static void test_names(void)
{
	int rx_fd = pvi_bind(NULL, pvi_uuid[0]), tx_fd = pvi_bind(NULL, pvi_uuid[1]);
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	u32 at, rows;

	pvi_expose(rx_fd, GSI, KVM_PVI_GSI_EVENTFD);
	for (at = 0; at < KVM_PVI_UUID_SIZE; at++)
		test_byte(rx_fd, at);
	for (rows = 0; !__pvi_ioctl(rx_fd, KVM_PVI_GET_EDGE, &edge); rows++)
		ASSERT_EQ(edge.gsi, GSI);
	ASSERT_EQ(rows, 255 * KVM_PVI_UUID_SIZE);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), -EPERM);
	pvi_allow(rx_fd, pvi_uuid[1], GSI);
	ASSERT_EQ(pvi_call(tx_fd, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_LATCHED);
}

/* One sender, many GSIs: the number is part of the key. */
static void test_gsis(void)
{
	int rx_fd = pvi_bind(NULL, pvi_uuid[0]);
	u32 gsi;

	for (gsi = 0; gsi < KVM_PVI_GSI_MAX; gsi++)
		ASSERT_EQ(__pvi_allow(rx_fd, pvi_uuid[1], gsi), 0);
}

static const struct test_case cases[] = {
	{ "names", test_names },
	{ "gsis", test_gsis },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
