// SPDX-License-Identifier: GPL-2.0
/*
 * What memory may become a status word, what is refused, and what is charged for it.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include "pvi_test.h"
#include "status.h"

#define GSI		40
#define HUGE_SIZE	(2UL << 20)

static int rx;

static void make(u32 nr_gsis)
{
	u32 i;

	rx = pvi_bind(NULL, pvi_uuid[0]);
	for (i = 0; i < nr_gsis; i++)
		pvi_expose(rx, GSI + i, KVM_PVI_GSI_EVENTFD);
}

static int with_seals(unsigned int seals, u32 flags)
{
	int ret, fd = memfd_create_sized(PAGE_SIZE);
	void *at = map_shared(fd, PAGE_SIZE);

	memfd_seal(fd, seals);
	ret = __pvi_status(rx, GSI, fd, 0, at, flags);
	if (!ret)
		pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
	munmap(at, PAGE_SIZE);
	close(fd);
	return ret;
}

/* All four, not three of them */
static void test_seals(void)
{
	static const unsigned int seals[] = {
		F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL
	};
	u32 set, i;

	make(1);
	for (set = 0; set < 16; set++) {
		unsigned int some = 0;

		for (i = 0; i < ARRAY_SIZE(seals); i++)
			some |= set & 1u << i ? seals[i] : 0;
		if (some == SEALS_FOR_STATUS)
			ASSERT_EQ(with_seals(some, 0), 0);
		else
			ASSERT_EQ(with_seals(some, 0), -EPERM);
		ASSERT_EQ(with_seals(some, KVM_PVI_STATUS_UNSEALED), 0);
	}
}

/* Whoever got a descriptor of sealed memory cannot write it, by no way */
static void test_sealed_is_read_only(void)
{
	struct status_mem mem = status_make();
	char path[64];
	int fd;

	make(1);
	status_register(rx, GSI, &mem);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mem.fd);
	fd = open(path, O_RDWR);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(pwrite(fd, "x", 1, 0), -1);
	ASSERT_TRUE(mmap(NULL, PAGE_SIZE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	ASSERT_EQ(mprotect((void *)mem.seen, PAGE_SIZE, PROT_READ | PROT_WRITE), -1);
	ASSERT_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE_SIZE), -1);
	ASSERT_EQ(madvise(mem.word, PAGE_SIZE, MADV_REMOVE), -1);
	ASSERT_EQ(ftruncate(fd, 0), -1);
}

static int with_file(const char *path, int flags)
{
	int ret, fd = open(path, flags | O_CLOEXEC, 0600);

	ASSERT_GE(fd, 0);
	ret = __pvi_status(rx, GSI, fd, 0, status_make().word, KVM_PVI_STATUS_UNSEALED);
	close(fd);
	return ret;
}

static void test_files(void)
{
	int pair[2], fd;
	void *at;

	make(1);
	at = status_make().word;
	ASSERT_EQ(pipe(pair), 0);
	ASSERT_EQ(__pvi_status(rx, GSI, pair[0], 0, at, 0), -EOPNOTSUPP);
	ASSERT_EQ(__pvi_status(rx, GSI, new_eventfd(), 0, at, 0), -EOPNOTSUPP);
	ASSERT_EQ(__pvi_status(rx, GSI, rx, 0, at, 0), -EOPNOTSUPP);
	ASSERT_EQ(__pvi_status(rx, GSI, kvm_dev_fd(), 0, at, 0), -EOPNOTSUPP);
	ASSERT_EQ(with_file("/proc/self/stat", O_RDONLY), -EOPNOTSUPP);
	ASSERT_EQ(with_file("/dev/zero", O_RDWR), -EOPNOTSUPP);
	ASSERT_EQ(with_file("/dev/shm", O_RDONLY), -EOPNOTSUPP);
	ASSERT_EQ(__pvi_status(rx, GSI, -1, 0, at, 0), -EBADF);
	ASSERT_EQ(__pvi_status(rx, GSI, 999, 0, at, 0), -EBADF);

	/* A file of tmpfs has no seals to give */
	fd = open("/dev/shm/status_test", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(unlink("/dev/shm/status_test"), 0);
	ASSERT_EQ(ftruncate(fd, PAGE_SIZE), 0);
	at = map_shared(fd, PAGE_SIZE);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, at, 0), -EPERM);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, at, KVM_PVI_STATUS_UNSEALED), 0);
}

/* Page @page of a file of three, at which the whole file is mapped */
static void test_addresses(void)
{
	int fd = memfd_create_sized(3 * PAGE_SIZE), other = memfd_create_sized(3 * PAGE_SIZE);
	u8 *at = map_shared(fd, 3 * PAGE_SIZE), *wrong = map_shared(other, 3 * PAGE_SIZE);
	const u32 flags = KVM_PVI_STATUS_UNSEALED;
	u32 i;

	make(3);
	for (i = 1; i < 64; i++)
		ASSERT_EQ(__pvi_status(rx, GSI, fd, i, at + i, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 3 * PAGE_SIZE, at + 3 * PAGE_SIZE, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, -64ULL, at - 64, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 1ULL << 63, at, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, PAGE_SIZE, at, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, at + PAGE_SIZE, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 64, at, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 64, at + 65, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, wrong, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, NULL, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, (void *)-PAGE_SIZE, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, (void *)(1ULL << 63), flags), -EINVAL);

	wrong = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, wrong, flags), -EINVAL);
	wrong = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, wrong, flags), -EINVAL);
	wrong = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, wrong, flags), -EINVAL);

	/* A mapping of a part of the file will do, and one that was moved */
	wrong = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE_SIZE);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 3 * PAGE_SIZE - 64, wrong + PAGE_SIZE - 64, flags), 0);
	ASSERT_EQ(__pvi_status(rx, GSI + 1, fd, PAGE_SIZE, at + PAGE_SIZE, flags), 0);
	wrong = mremap(at, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       mmap(NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT_EQ(__pvi_status(rx, GSI + 2, fd, 0, at, flags), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI + 2, fd, 0, wrong, flags), 0);
}

/* The last word of a file that ends within a page */
static void test_short_file(void)
{
	int fd = memfd_create_sized(100);
	u8 *at = map_shared(fd, PAGE_SIZE);

	make(1);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 64, at + 64, KVM_PVI_STATUS_UNSEALED), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, at, KVM_PVI_STATUS_UNSEALED), 0);
}

/* Unsealed memory that goes away under us harms nobody */
static void test_unsealed_goes(void)
{
	int fd = memfd_create_sized(PAGE_SIZE), tx = pvi_bind(NULL, pvi_uuid[1]);
	struct kvm_pvi_status *word = map_shared(fd, PAGE_SIZE);
	u32 port;

	make(1);
	pvi_allow(rx, pvi_uuid[1], GSI);
	port = pvi_connect(tx, pvi_uuid[0], GSI);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, 0, word, KVM_PVI_STATUS_UNSEALED), 0);
	ASSERT_EQ(ftruncate(fd, 0), 0);
	ASSERT_EQ(ftruncate(fd, PAGE_SIZE), 0);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0), KVM_PVI_LATCHED);
	ASSERT_EQ(word->pending, 0);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
}

static void test_hugetlb(void)
{
	static const char path[] = "/proc/sys/vm/nr_hugepages";
	int fd = memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING | MFD_CLOEXEC);
	int tx = pvi_bind(NULL, pvi_uuid[1]);
	struct kvm_pvi_status *word;
	u8 *at;

	make(1);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(__write_line(path, "4"), 0);
	ASSERT_GE(read_number(path), 2);
	ASSERT_EQ(ftruncate(fd, 2 * HUGE_SIZE), 0);
	at = map_shared(fd, 2 * HUGE_SIZE);
	word = (void *)(at + HUGE_SIZE + PAGE_SIZE + 128);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, HUGE_SIZE + PAGE_SIZE + 128, word, 0), -EPERM);
	memfd_seal(fd, SEALS_FOR_STATUS);
	ASSERT_EQ(__pvi_status(rx, GSI, fd, HUGE_SIZE + PAGE_SIZE + 128, word, 0), 0);
	ASSERT_EQ(__write_line(path, "0"), 0);

	pvi_allow(rx, pvi_uuid[1], GSI);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_LATCHED);
	ASSERT_EQ(word->pending, 1);
	ASSERT_EQ(word->count, 1);
}

static void test_gsis(void)
{
	struct status_mem mem = status_make();

	ASSERT_EQ(__status_register(pvi_open(), GSI, &mem, 0), -ENOTCONN);
	make(2);
	ASSERT_EQ(__status_register(rx, GSI + 2, &mem, 0), -ENOENT);
	ASSERT_EQ(__status_register(rx, KVM_PVI_GSI_MAX, &mem, 0), -EINVAL);
	ASSERT_EQ(__status_register(rx, KVM_PVI_GSI_ANY, &mem, 0), -EINVAL);
	ASSERT_EQ(__pvi_status(rx, GSI, mem.fd, 0, mem.word, 2), -EINVAL);
	ASSERT_EQ(__status_register(rx, GSI, &mem, 0), 0);
	ASSERT_EQ(__status_register(rx, GSI, &mem, 1), -EEXIST);
	ASSERT_EQ(__pvi_bell(rx, 1, GSI), -EBUSY);
	pvi_bell(rx, 1, GSI + 1);
	ASSERT_EQ(__status_register(rx, GSI + 1, &mem, 1), -EBUSY);
	ASSERT_EQ(__pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI + 1), -ENOENT);
	ASSERT_EQ(__pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI + 2), -ENOENT);
	ASSERT_EQ(__pvi_gsi(rx, KVM_PVI_UNSTATUS, KVM_PVI_GSI_MAX), -EINVAL);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
	pvi_bell(rx, 2, GSI);
}

/* Kilobytes that this process has pinned */
static u32 pinned_kb(void)
{
	char *text = read_file("/proc/self/status"), *at = strstr(text, "VmPin:");
	u32 kb;

	ASSERT_TRUE(at);
	kb = strtoul(at + strlen("VmPin:"), NULL, 10);
	free(text);
	return kb;
}

/* One page a registration, until it ends */
static void test_charged(void)
{
	struct status_mem mem = status_make();
	u32 i;

	make(3);
	ASSERT_EQ(pinned_kb(), 0);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(__status_register(rx, GSI + i, &mem, i), 0);
		ASSERT_EQ(pinned_kb(), 4 * (i + 1));
	}
	ASSERT_EQ(__status_register(rx, GSI, &mem, 3), -EEXIST);
	ASSERT_EQ(__status_register(rx, GSI + 3, &mem, 3), -ENOENT);
	ASSERT_EQ(__pvi_status(rx, GSI, mem.fd, 0, mem.seen, 0), -EINVAL);
	ASSERT_EQ(pinned_kb(), 12);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
	ASSERT_EQ(pinned_kb(), 8);
	pvi_gsi(rx, KVM_PVI_UNEXPOSE, GSI + 1);
	ASSERT_EQ(pinned_kb(), 4);
	close(rx);
	ASSERT_TRUE(wait_until(!pinned_kb(), 5000));
}

static void test_limit(void)
{
	struct rlimit one = { PAGE_SIZE, PAGE_SIZE }, none = { PAGE_SIZE - 1, PAGE_SIZE - 1 };
	struct status_mem mem = status_make();

	make(2);
	ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &one), 0);
	ASSERT_EQ(__status_register(rx, GSI, &mem, 0), 0);
	ASSERT_EQ(__status_register(rx, GSI + 1, &mem, 1), 0);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI + 1);

	drop_capability(CAP_IPC_LOCK);
	ASSERT_EQ(__status_register(rx, GSI + 1, &mem, 1), -ENOMEM);
	ASSERT_EQ(pinned_kb(), 4);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
	ASSERT_EQ(__status_register(rx, GSI + 1, &mem, 1), 0);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI + 1);
	ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	ASSERT_EQ(__status_register(rx, GSI, &mem, 0), -ENOMEM);
	ASSERT_EQ(pinned_kb(), 0);
}

/* The one who registers pays, not the one who opened the endpoint */
static void register_in_child(u64 gsi)
{
	struct status_mem mem = status_make();

	ASSERT_EQ(pinned_kb(), 0);
	ASSERT_EQ(__status_register(rx, gsi, &mem, 0), 0);
	ASSERT_EQ(pinned_kb(), 4);
}

static void test_charged_to_caller(void)
{
	make(1);
	child_join(child_run(register_in_child, GSI));
	ASSERT_EQ(pinned_kb(), 0);
	ASSERT_TRUE(pvi_call(rx, KVM_HC_PVI_QUERY, KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_STATE, 0) &
		    KVM_PVI_GSI_STATUS);
	pvi_gsi(rx, KVM_PVI_UNSTATUS, GSI);
	ASSERT_EQ(pinned_kb(), 0);
}

static const struct test_case cases[] = {
	{ "seals", test_seals },
	{ "sealed_is_read_only", test_sealed_is_read_only },
	{ "files", test_files },
	{ "addresses", test_addresses },
	{ "short_file", test_short_file },
	{ "unsealed_goes", test_unsealed_goes },
	{ "hugetlb", test_hugetlb },
	{ "gsis", test_gsis },
	{ "charged", test_charged },
	{ "limit", test_limit },
	{ "charged_to_caller", test_charged_to_caller },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
