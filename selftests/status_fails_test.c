// SPDX-License-Identifier: GPL-2.0
/*
 * A KVM_PVI_STATUS that fails has not written the memory it names, be that a word in use by this
 * GSI, by another one, or by nobody.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include "pvi_test.h"
#include "status.h"

#define GSI	40
#define LIVE	0	/* the word of GSI, which is owed */
#define FREE	1	/* a word of nobody's that holds something */
#define ROUNDS	2000

static int rx, tx, sink;
static struct status_mem mem;

/* GSI has the first word and is owed a ring; GSI + 1 has a bell, GSI + 2 neither */
static void make(void)
{
	mem = status_make();
	rx = pvi_receiver(pvi_uuid[0], GSI, pvi_uuid[1], &sink);
	tx = pvi_bind(NULL, pvi_uuid[1]);
	status_register(rx, GSI, &mem);
	pvi_expose(rx, GSI + 1, KVM_PVI_GSI_EVENTFD);
	pvi_bell(rx, 0, GSI + 1);
	pvi_expose(rx, GSI + 2, KVM_PVI_GSI_EVENTFD);
	memset(&mem.word[FREE], 0xa5, sizeof(mem.word[FREE]));
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(mem.word->pending, 1);
	ASSERT_EQ(mem.word->count, 1);
}

/* The call fails so for either word, and no byte of the page is another one */
static void expect(int error, int fd, u32 gsi, int memfd, u32 flags)
{
	static u8 before[PAGE_SIZE];
	u32 index;

	memcpy(before, mem.word, PAGE_SIZE);
	for (index = LIVE; index <= FREE; index++) {
		ASSERT_EQ(__pvi_status(fd, gsi, memfd, index * sizeof(*mem.word),
				       mem.word + index, flags), error);
		if (memcmp(before, mem.word, PAGE_SIZE))
			TEST_FAIL("error %d, word %u: it is %u/%llu now, was %u/%llu", error, index,
				  mem.word[index].pending, mem.word[index].count,
				  ((struct kvm_pvi_status *)before)[index].pending,
				  ((struct kvm_pvi_status *)before)[index].count);
	}
}

static void test_exists(void)
{
	make();
	expect(-EEXIST, rx, GSI, mem.fd, 0);
}

static void test_has_bell(void)
{
	make();
	expect(-EBUSY, rx, GSI + 1, mem.fd, 0);
}

static void test_not_exposed(void)
{
	make();
	expect(-ENOENT, rx, GSI + 3, mem.fd, 0);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, GSI + 2);
	expect(-ENOENT, rx, GSI + 2, mem.fd, 0);
	expect(-ENOENT, tx, GSI, mem.fd, 0);
}

static void test_bad_arguments(void)
{
	make();
	expect(-EINVAL, rx, KVM_PVI_GSI_MAX, mem.fd, 0);
	expect(-EINVAL, rx, KVM_PVI_GSI_ANY, mem.fd, 0);
	expect(-EINVAL, rx, GSI + 2, mem.fd, KVM_PVI_STATUS_UNSEALED << 1);
	expect(-EBADF, rx, GSI + 2, -1, 0);
	expect(-EOPNOTSUPP, rx, GSI + 2, sink, 0);
	expect(-EPERM, rx, GSI + 2, memfd_create_sized(PAGE_SIZE), 0);
	expect(-EINVAL, rx, GSI + 2, memfd_create_sized(PAGE_SIZE), KVM_PVI_STATUS_UNSEALED);
	expect(-ENOTCONN, pvi_open(), GSI + 2, mem.fd, 0);
}

static void test_no_charge_left(void)
{
	struct rlimit one = { PAGE_SIZE, PAGE_SIZE };

	make();
	ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &one), 0);
	drop_capability(CAP_IPC_LOCK);
	expect(-ENOMEM, rx, GSI + 2, mem.fd, 0);
}

/* The process of the VM has gone, its endpoint is held by another */
static void test_dead(void)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind) };
	struct pollfd pfd;
	pid_t pid;

	make();
	bind.vm_fd = child_vm(&pid);
	memcpy(bind.uuid, pvi_uuid[2], sizeof(bind.uuid));
	pfd.fd = pvi_open();
	pvi_ioctl(pfd.fd, KVM_PVI_BIND, &bind);
	pvi_expose(pfd.fd, GSI, KVM_PVI_GSI_EVENTFD);
	child_kill(pid);
	ASSERT_TRUE(wait_until(poll(&pfd, 1, 0) && (pfd.revents & POLLHUP), 5000));
	expect(-ENODEV, pfd.fd, GSI, mem.fd, 0);
}

/* What the word says is owed is still paid to a guest that arms late */
static void test_still_owed(void)
{
	make();
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_EQ(__status_register(rx, GSI, &mem, LIVE), -EEXIST);
	ASSERT_EQ(__status_register(rx, GSI + 1, &mem, LIVE), -EBUSY);
	ASSERT_EQ(__status_register(rx, GSI + 3, &mem, LIVE), -ENOENT);
	ASSERT_EQ(pvi_call(rx, KVM_HC_PVI_ARM, GSI, 0, 0, 0), 0);
	ASSERT_EQ(read_eventfd(sink), 1);
	/* And one that is owed still costs its sender nothing */
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_COALESCED);
	ASSERT_EQ(read_eventfd(sink), 0);
}

static bool done;
static u32 failed;

static void *keep_failing(void *arg)
{
	(void)arg;
	while (!READ_ONCE(done)) {
		ASSERT_EQ(__status_register(rx, GSI, &mem, LIVE), -EEXIST);
		ASSERT_EQ(__status_register(rx, GSI + 3, &mem, LIVE), -ENOENT);
		WRITE_ONCE(failed, failed + 1);
	}
	return NULL;
}

/*
 * While rings come, as many as it takes until some have met a failure: each is counted, and
 * pending means what the rules say
 */
static void test_meanwhile(void)
{
	pthread_t thread;
	u32 i;

	make();
	ASSERT_EQ(pthread_create(&thread, NULL, keep_failing, NULL), 0);
	for (i = 0; i < ROUNDS || READ_ONCE(failed) < 2; i++) {
		ASSERT_EQ(kvm_pvi_status_take(mem.word), 1);
		ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_RAISED);
		ASSERT_EQ(READ_ONCE(mem.word->pending), 1);
	}
	WRITE_ONCE(done, true);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ASSERT_EQ(mem.word->count, i + 1);
}

/* One that succeeds does begin with a clean word */
static void test_success_clears(void)
{
	make();
	ASSERT_EQ(__status_register(rx, GSI + 2, &mem, FREE), 0);
	ASSERT_EQ(mem.word[FREE].pending, 0);
	ASSERT_EQ(mem.word[FREE].count, 0);
	ASSERT_EQ(mem.word[LIVE].pending, 1);
	ASSERT_EQ(mem.word[LIVE].count, 1);
}

static const struct test_case cases[] = {
	{ "exists", test_exists },
	{ "has_bell", test_has_bell },
	{ "not_exposed", test_not_exposed },
	{ "bad_arguments", test_bad_arguments },
	{ "no_charge_left", test_no_charge_left },
	{ "dead", test_dead },
	{ "still_owed", test_still_owed },
	{ "meanwhile", test_meanwhile },
	{ "success_clears", test_success_clears },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases),
			 TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
