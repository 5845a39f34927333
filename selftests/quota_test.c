// SPDX-License-Identifier: GPL-2.0
/*
 * What an endpoint's owner has others do: the processor time of kernel threads, which are not in the owner's
 * control group, beside what the owner's own group is charged for. The worst that is known of each kind.
 * The rig's clock counts instructions here.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#include "cgroup.h"
#include "pvi_test.h"
#include "source.h"

#define SIGNALS	500
#define VCPUS	28
#define VECTOR	0x40
#define EVERYBODY 0xfeeff000	/* the MSI address of all vCPUs */
#define WAITERS	1000

static u64 paid(void)
{
	return cgroup_read("cpu.stat", "usage_usec ");
}

static bool is_outside(const char *pid)
{
	char *own = read_file("/proc/self/cgroup"), *its, path[300];
	bool is;

	snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
	its = read_file(path);
	is = strcmp(its, own);
	free(its);
	free(own);
	return is;
}

static bool is_kernel_thread(const char *pid)
{
	char path[300], *text, *at;
	bool is;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	text = read_file(path);
	at = strrchr(text, ')');
	is = at && strtoul(at + 4, NULL, 10) == 2;
	free(text);
	return is;
}

/* Microseconds of all kernel threads that are not in the group */
static u64 unpaid(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[300];
	u64 sum = 0;

	ASSERT_TRUE(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !is_kernel_thread(entry->d_name) ||
		    !is_outside(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/schedstat", entry->d_name);
		sum += read_field(path, "") / 1000;
	}
	closedir(dir);
	return sum;
}

/* Microseconds that the kernel's threads needed, of which those of the owner's are @most a hundred at most */
static void expect(const char *what, void (*op)(u32 i), u32 nr, u32 most)
{
	u64 paid_by, unpaid_by;
	u32 i;

	op(0);
	paid_by = paid();
	unpaid_by = unpaid();
	for (i = 1; i <= nr; i++)
		op(i);
	paid_by = paid() - paid_by;
	unpaid_by = unpaid() - unpaid_by;
	test_diag("%s: %llu us by the owner, %llu by kernel threads", what, paid_by, unpaid_by);
	ASSERT_LE(unpaid_by * 100, paid_by * most);
}

static void live(u32 i)
{
	int fd = pvi_bind(NULL, pvi_uuid[0]);
	u32 row;
	u8 uuid[KVM_PVI_UUID_SIZE] = { 0xe0 };

	(void)i;
	pvi_expose(fd, SOURCE_GSI, KVM_PVI_GSI_EVENTFD);
	for (row = 0; row < 64; row++) {
		uuid[1] = row;
		pvi_allow(fd, uuid, SOURCE_GSI);
	}
	close(fd);
}

static void test_endings(void)
{
	cgroup_enter("+cpu");
	expect("64 rows", live, 50, 150);
}

static struct pair p;
static int source;

static void signal_source(u32 i)
{
	(void)i;
	signal_eventfd(source);
	/* Each by itself, and without a call that is paid */
	usleep(1000);
}

static void test_source(void)
{
	cgroup_enter("+cpu");
	p = pair_create();
	source = new_eventfd();
	pvi_wire_source(p.tx, source, p.port);
	expect("a source", signal_source, SIGNALS, 5);
	wait_accepted(p.tx, SIGNALS + 1);
}

/* Each signal wakes a thousand */
static void source_of_many(void)
{
	struct rlimit files = { WAITERS + 200, WAITERS + 200 };
	struct epoll_event event = { .events = EPOLLIN };
	u32 i;

	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	cgroup_enter("+cpu");
	p = pair_create();
	source = new_eventfd();
	pvi_wire_source(p.tx, source, p.port);
	for (i = 0; i < WAITERS; i++)
		ASSERT_EQ(epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, p.sink, &event), 0);
}

static void test_source_of_many(void)
{
	source_of_many();
	expect("a source that wakes many", signal_source, SIGNALS, 5);
	wait_accepted(p.tx, SIGNALS + 1);
}

/*
 * On newer kernels a group without quota stops its threads where they return to user space, which the kernel's never do.
 * Seen are 6.12, which stops them anywhere, and 7.3; in between is 6.18, of which that is said.
 */
static bool stops_kernel_threads(void)
{
	struct utsname name;
	u32 major, minor;

	ASSERT_EQ(uname(&name), 0);
	ASSERT_EQ(sscanf(name.release, "%u.%u", &major, &minor), 2);
	return major < 6 || (major == 6 && minor < 18);
}

/* The owner's group has had its millisecond of this second; who ends the endpoint is in another */
static void test_end_without_quota(void)
{
	struct timespec start, end;
	u64 before;
	u32 i;

	source_of_many();
	cgroup_leave();
	cgroup_write("cpu.max", "1000 1000000");
	before = paid();
	for (i = 0; i < 30; i++)
		signal_source(i);
	if (stops_kernel_threads()) {
		ASSERT_LT(accepted(p.tx), i);
	} else {
		/* It goes on, and the group has used more than it may. */
		wait_accepted(p.tx, i);
		ASSERT_GT(paid(), before + 1000);
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	ASSERT_EQ(close(p.tx), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ASSERT_LT((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000, 500);
}

/* As KVM's own irqfd has it done: by a thread of the kernel's, in no group of theirs */
static u64 rings;

static void ring_everybody(u32 i)
{
	u64 ret = pvi_call(p.tx, KVM_HC_PVI, (u64)pvi_uuid[0], KVM_PVI_GSI_VIRTUAL, 0, 0);

	(void)i;
	ASSERT_TRUE(ret == KVM_PVI_LATCHED || ret == KVM_PVI_COALESCED);
	rings += ret == KVM_PVI_LATCHED;
	usleep(1000);
}

static void test_everybody(void)
{
	struct vm *vm = vm_create(VCPUS, 0);

	cgroup_enter("+cpu");
	p.rx = pvi_bind(vm, pvi_uuid[0]);
	p.tx = pvi_bind(NULL, pvi_uuid[1]);
	pvi_allow(p.rx, pvi_uuid[1], KVM_PVI_GSI_ANY);
	pvi_expose(p.rx, KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_MSI);
	ASSERT_EQ(pvi_call(p.rx, KVM_HC_PVI_SET_MSI, KVM_PVI_GSI_VIRTUAL, EVERYBODY, VECTOR, 0), 0);
	expect("an MSI to all vCPUs", ring_everybody, SIGNALS, 200);
	ASSERT_GE(rings, SIGNALS);
}

static const struct test_case cases[] = {
	{ "endings", test_endings, 100 },
	{ "source", test_source, 100 },
	{ "source_of_many", test_source_of_many, 100 },
	{ "end_without_quota", test_end_without_quota, 100 },
	{ "everybody", test_everybody, 100 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
