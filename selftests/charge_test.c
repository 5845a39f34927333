// SPDX-License-Identifier: GPL-2.0
/*
 * Who makes rows and ports pays for them: what the kernel's memory grows by is charged to the
 * caller's memory cgroup, but for what admin.rst names. So that group's limit bounds it.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "child.h"
#include "pvi_test.h"

#define NR	50000	/* just behind a size at which hash tables grow */
#define MORE	45000	/* for which they do not grow again */
#define GSI	5
#define GSIS	1024	/* as many as an endpoint may have by default */
#define ROWS	4096
#define ENDPOINTS 40	/* which would take twice as much as there is */
#define MOST	(32 << 20)
#define MOST_TEXT "33554432"
#define SLACK	(512ULL << 10)	/* slabs that are not full, what others do */

static int fd;

static u64 charged(void)
{
	return cgroup_read("memory.stat", "\nslab_unreclaimable ") + cgroup_read("memory.stat", "\nvmalloc ");
}

static u64 used(void)
{
	return (read_field("/proc/meminfo", "\nSUnreclaim:") +
		read_field("/proc/meminfo", "\nVmallocUsed:")) * 1024;
}

/*
 * Of number @from to @from + @nr - 1. Nothing is freed between one and the next. Each may have so much that
 * nobody is charged for.
 */
static void measure(const char *what, void (*make)(u32 i), u32 from, u32 nr, u32 uncharged)
{
	u64 used_before = used(), charged_before = charged(), used_by, charged_by;
	u32 i;

	for (i = from; i < from + nr; i++)
		make(i);
	used_by = used() - used_before;
	charged_by = charged() - charged_before;
	test_diag("%u %s: %llu bytes each, %llu of them charged", nr, what, used_by / nr,
		  charged_by / nr);
	ASSERT_GT(charged_by, (u64)nr * 64);
	ASSERT_LE(used_by, charged_by + charged_by / 20 + (u64)nr * uncharged + SLACK);
}

/* Hash tables that grow do so beside us, and free the old ones a grace period later */
static void settle(void)
{
	u64 before = used();
	u32 same = 0;

	while (same < 20) {
		usleep(10000);
		same = used() == before ? same + 1 : 0;
		before = used();
	}
}

static void row(u32 i)
{
	static u8 uuid[KVM_PVI_UUID_SIZE] = { [0 ... 15] = 0xe0 };

	memcpy(uuid, &i, sizeof(i));
	pvi_allow(fd, uuid, GSI);
}

static void port(u32 i)
{
	(void)i;
	pvi_connect(fd, pvi_uuid[0], GSI);
}

static void test_charged(void)
{
	write_param("kvm_pvi", "max_senders", 65536);
	write_param("kvm_pvi", "max_ports", 65536);
	cgroup_enter("+memory");
	fd = pvi_bind(NULL, pvi_uuid[0]);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(fd, pvi_uuid[0], GSI);
	measure("ports", port, 0, NR, 0);
	/* The buckets of hash tables, see admin.rst */
	measure("rows", row, 0, NR, 256);
	/* And without them there is nothing else */
	settle();
	fd = pvi_bind(NULL, pvi_uuid[1]);
	measure("rows more", row, NR, MORE, 0);
}

static int fds[ENDPOINTS];

/* Fills one endpoint after the other, until the group has no memory left: that kills it */
static void hoard(u64 arg)
{
	u8 uuid[KVM_PVI_UUID_SIZE] = { 0xd0 };
	u32 n, i;

	(void)arg;
	cgroup_enter("+memory");
	cgroup_write("memory.max", MOST_TEXT);
	for (n = 0; n < ENDPOINTS; n++) {
		uuid[1] = n;
		ASSERT_EQ(__pvi_bind(fds[n], NULL, uuid), 0);
		for (i = 0; i < GSIS; i++)
			pvi_expose(fds[n], i, KVM_PVI_GSI_EVENTFD);
		for (i = 0; i < ROWS; i++) {
			memcpy(&uuid[4], &i, sizeof(i));
			pvi_allow(fds[n], uuid, GSI);
		}
		memset(&uuid[4], 0, sizeof(i));
	}
}

/* What a group may have is all that is used, but for what admin.rst names; and it all comes back */
static void test_bounded(void)
{
	u64 before, by;
	pid_t pid;
	int state;
	u32 i;

	for (i = 0; i < ENDPOINTS; i++) {
		fds[i] = open("/dev/kvm_pvi", O_RDWR | O_CLOEXEC);
		ASSERT_GE(fds[i], 0);
	}
	settle();
	before = used();
	pid = child_run(hoard, 0);
	ASSERT_EQ(waitpid(pid, &state, 0), pid);
	ASSERT_TRUE(WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL);
	settle();
	by = used() - before;
	test_diag("%llu bytes are used, of %u", by, MOST);
	ASSERT_GT(by, MOST / 2);
	ASSERT_LE(by, MOST + MOST / 4 + SLACK);
	for (i = 0; i < ENDPOINTS; i++)
		ASSERT_EQ(close(fds[i]), 0);
	settle();
	ASSERT_LE(used(), before + SLACK);
}

static const struct test_case cases[] = {
	{ "charged", test_charged, 100 },
	{ "bounded", test_bounded, 100 },
};

int main(int argc, char **argv)
{
	int ret = test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);

	/* As they are by default, for the tests behind this one */
	__write_param("kvm_pvi", "max_senders", "4096");
	__write_param("kvm_pvi", "max_ports", "4096");
	return ret;
}
