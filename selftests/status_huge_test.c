// SPDX-License-Identifier: GPL-2.0
/*
 * A status word in a huge page pins all of it, and that is what its owner is charged.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include "pvi_test.h"
#include "status.h"

#define GSI		20
#define HUGE_SIZE	(2UL << 20)
#define HUGE_PAGES	"/proc/sys/vm/nr_hugepages"

static int rx;
static struct status_mem huge;

/* An endpoint, and two huge pages for its status words */
static void start(void)
{
	huge.fd = memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ASSERT_GE(huge.fd, 0);
	ASSERT_EQ(__write_line(HUGE_PAGES, "4"), 0);
	ASSERT_GE(read_number(HUGE_PAGES), 2);
	ASSERT_EQ(ftruncate(huge.fd, 2 * HUGE_SIZE), 0);
	huge.word = map_shared(huge.fd, 2 * HUGE_SIZE);
	memset(huge.word, 0, 2 * HUGE_SIZE);
	memfd_seal(huge.fd, SEALS_FOR_STATUS);
	/* Those that are in use go with the memfd */
	ASSERT_EQ(__write_line(HUGE_PAGES, "0"), 0);
	rx = pvi_bind(NULL, pvi_uuid[0]);
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(rx, GSI + 1, KVM_PVI_GSI_EVENTFD);
}

static u64 pinned_bytes(void)
{
	char *text = read_file("/proc/self/status"), *at = strstr(text, "VmPin:");
	u64 kb;

	ASSERT_TRUE(at);
	kb = strtoul(at + strlen("VmPin:"), NULL, 10);
	free(text);
	return kb * 1024;
}

static void test_charged(void)
{
	start();
	ASSERT_EQ(__status_register(rx, GSI, &huge, 3), 0);
	ASSERT_EQ(pinned_bytes(), HUGE_SIZE);
	ASSERT_EQ(__status_register(rx, GSI + 1, &huge, HUGE_SIZE / sizeof(*huge.word)), 0);
	ASSERT_EQ(pinned_bytes(), 2 * HUGE_SIZE);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
	ASSERT_EQ(pinned_bytes(), HUGE_SIZE);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, GSI + 1);
	ASSERT_EQ(pinned_bytes(), 0);
}

static void set_limit(u64 bytes)
{
	struct rlimit limit = { bytes, bytes };

	ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

static void test_limit(void)
{
	start();
	drop_capability(CAP_IPC_LOCK);
	set_limit(2 * HUGE_SIZE - PAGE_SIZE);
	ASSERT_EQ(__status_register(rx, GSI, &huge, 0), 0);
	ASSERT_EQ(__status_register(rx, GSI + 1, &huge, 1), -ENOMEM);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
	set_limit(HUGE_SIZE - PAGE_SIZE);
	ASSERT_EQ(__status_register(rx, GSI, &huge, 0), -ENOMEM);
	ASSERT_EQ(pinned_bytes(), 0);
}

static const struct test_case cases[] = {
	{ "charged", test_charged },
	{ "limit", test_limit },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
