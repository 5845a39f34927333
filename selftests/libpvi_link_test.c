// SPDX-License-Identifier: GPL-2.0
/*
 * libpvi, continued: links. Both ends are processes here; what pvictl makes for VMMs is in
 * pvictl_link_test.sh.
 */
#include <fcntl.h>
#include <linux/pvi_ring.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "libpvi_lib.h"

#define SIZE	(1u << 20)
#define HUGE_SIZE	(2u << 20)
#define HUGE_PAGES	"/proc/sys/vm/nr_hugepages"
#define DIR_NAME "links"	/* where the test runs, a directory of its own */
#define LINK_NAME "f0000000-0000-8000-8000-000000000003"
#define OTHER_NAME "f0000000-0000-8000-8000-000000000004"

static const u8 link_uuid[KVM_PVI_UUID_SIZE] = { 0xf0, [6] = 0x80, [8] = 0x80, [15] = 3 };
static const u8 other_uuid[KVM_PVI_UUID_SIZE] = { 0xf0, [6] = 0x80, [8] = 0x80, [15] = 4 };

/* How many more allocations a signal ends */
static unsigned int interruptions;

/* In the place of libc's */
int fallocate(int fd, int mode, off_t at, off_t len)
{
	if (interruptions) {
		interruptions--;
		errno = EINTR;
		return -1;
	}
	return syscall(SYS_fallocate, fd, mode, at, len);
}

static struct pvi_link new_link(void)
{
	struct pvi_link link = {
		.kind = PVI_RING_RAW,
		.queues = 2,
		.size = SIZE,
		.sides = { { .gsi = 100, .gsis = 2 }, { .gsi = 0x18000, .gsis = 1 } },
	};

	memcpy(link.uuid, link_uuid, sizeof(link.uuid));
	memcpy(link.sides[0].uuid, rx_uuid, sizeof(rx_uuid));
	memcpy(link.sides[1].uuid, tx_uuid, sizeof(tx_uuid));
	return link;
}

/* What is not written here is 0 */
static void test_shape(void)
{
	struct pvi_link link = new_link();
	struct pvi_ring_shape shape, other;

	ASSERT_EQ(pvi_link_shape(&link, 0, &shape), 0);
	ASSERT_EQ(pvi_link_shape(&link, 1, &other), 0);
	ASSERT_EQ(shape.magic, PVI_RING_MAGIC);
	ASSERT_EQ(shape.version, PVI_RING_VERSION);
	ASSERT_EQ(shape.kind, PVI_RING_RAW);
	ASSERT_EQ(memcmp(shape.link, link_uuid, sizeof(link_uuid)), 0);
	ASSERT_EQ(memcmp(shape.owner, rx_uuid, sizeof(rx_uuid)), 0);
	ASSERT_EQ(memcmp(shape.peer, tx_uuid, sizeof(tx_uuid)), 0);
	ASSERT_EQ(memcmp(other.owner, tx_uuid, sizeof(tx_uuid)), 0);
	ASSERT_EQ(memcmp(other.peer, rx_uuid, sizeof(rx_uuid)), 0);
	ASSERT_EQ(shape.gsi, 100);
	ASSERT_EQ(shape.gsis, 2);
	ASSERT_EQ(shape.peer_gsi, 0x18000);
	ASSERT_EQ(shape.peer_gsis, 1);
	ASSERT_EQ(other.gsi, 0x18000);
	ASSERT_EQ(other.peer_gsi, 100);
	ASSERT_EQ(shape.queues, 2);
	ASSERT_EQ(shape.data_offset, 4096);
	ASSERT_EQ(shape.data_size, SIZE / 4);
	ASSERT_EQ(shape.side, 0);
	ASSERT_EQ(other.side, 1);
}

/* The data are as large as can be, whatever else there is */
static void test_sizes(void)
{
	struct pvi_link link = new_link();
	struct pvi_ring_shape shape;
	u64 used;

	for (link.queues = 1; link.queues <= PVI_RING_MAX_QUEUES; link.queues++) {
		for (link.size = 1u << 19; link.size <= 1ull << 33; link.size *= 2) {
			ASSERT_EQ(pvi_link_shape(&link, 0, &shape), 0);
			ASSERT_GE(shape.data_offset, PVI_RING_QUEUES +
				  link.queues * sizeof(struct pvi_ring_queue));
			used = shape.data_offset + (u64)link.queues * shape.data_size;
			ASSERT_TRUE(used <= link.size);
			ASSERT_TRUE(shape.data_size == PVI_RING_MAX_DATA ||
				    used + (u64)link.queues * shape.data_size > link.size);
		}
	}
	link.queues = 1;
	link.size = 8192;
	ASSERT_EQ(pvi_link_shape(&link, 0, &shape), 0);
	link.size = 8191;
	ASSERT_EQ(pvi_link_shape(&link, 0, &shape), -EINVAL);
}

static int wrong(struct pvi_link link)
{
	struct pvi_ring_shape shape;

	return pvi_link_shape(&link, 0, &shape);
}

#define ASSERT_WRONG(field, value)                                            \
	do {                                                                  \
		struct pvi_link __link = new_link();                          \
									      \
		__link.field = value;                                         \
		ASSERT_EQ(wrong(__link), -EINVAL);                            \
	} while (0)

static void test_refused(void)
{
	struct pvi_link link = new_link();
	struct pvi_ring_shape shape;

	ASSERT_EQ(wrong(link), 0);
	ASSERT_EQ(pvi_link_shape(&link, 2, &shape), -EINVAL);
	ASSERT_WRONG(kind, 0);
	ASSERT_WRONG(kind, PVI_RING_RAW + 1);
	ASSERT_WRONG(queues, 0);
	ASSERT_WRONG(queues, PVI_RING_MAX_QUEUES + 1);
	ASSERT_WRONG(size, 0);
	ASSERT_WRONG(sides[0].gsis, 0);
	ASSERT_WRONG(sides[1].gsis, 0);
	ASSERT_WRONG(sides[0].gsi, KVM_PVI_GSI_MAX - 1);
	ASSERT_WRONG(sides[1].gsi, KVM_PVI_GSI_VIRTUAL_END);
	ASSERT_WRONG(sides[1].gsi, KVM_PVI_GSI_VIRTUAL - 1);
	ASSERT_WRONG(sides[1].uuid[15], 1);
}

/* By its number whoever may open the file can open it anew: another user may not */
static void check_not_opened_anew(int fd)
{
	char path[32];
	pid_t pid;
	int status;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(seteuid(1000) || open(path, O_RDWR) >= 0 || errno != EACCES);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(status, 0);
}

static void check_no_size(int fd, u64 size)
{
	ASSERT_EQ(ftruncate(fd, size), -1);
	ASSERT_EQ(errno, EPERM);
}

/* What takes memory of the section away, and leaves its size */
static void check_hole(int fd, const struct stat *st, int error)
{
	int ret = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, st->st_size - st->st_blksize,
			    st->st_blksize);

	ASSERT_EQ(ret ? errno : 0, error);
}

/* The owner writes, the peer reads, and nobody makes it shorter, nor takes of its memory once it is sealed */
static void check_memory(const struct pvi_link *link, u32 flags)
{
	int before = count_fds(), own, peer;
	struct pvi_ring_header *header;
	struct pvi_ring_shape shape;
	u64 size = link->size;
	struct stat st;

	own = pvi_link_memory(link, 1, flags, &peer);
	ASSERT_GE(own, 0);
	ASSERT_TRUE(is_cloexec(own) && is_cloexec(peer));
	ASSERT_EQ(fstat(own, &st), 0);
	ASSERT_EQ(st.st_size, size);
	if (flags)
		ASSERT_EQ(st.st_blksize, HUGE_SIZE);
	header = map_shared(own, size);
	ASSERT_EQ(pvi_link_shape(link, 1, &shape), 0);
	ASSERT_EQ(memcmp(header, &shape, sizeof(shape)), 0);
	ASSERT_EQ(header->life, 0);
	check_no_size(own, 0);
	check_no_size(own, size * 2);
	ASSERT_TRUE(mmap(NULL, size, PROT_READ, MAP_SHARED, peer, 0) != MAP_FAILED);
	ASSERT_TRUE(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, peer, 0) == MAP_FAILED);
	check_not_opened_anew(peer);
	check_hole(peer, &st, EBADF);
	check_hole(own, &st, 0);
	ASSERT_EQ(pvi_status_seal(own), 0);
	check_hole(own, &st, EPERM);
	ASSERT_EQ(madvise(header, size, MADV_REMOVE), -1);
	ASSERT_EQ(errno, EPERM);
	ASSERT_TRUE(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0) == MAP_FAILED);
	header->life = 4;
	close(own);
	close(peer);
	ASSERT_EQ(count_fds(), before);
}

static void test_memory(void)
{
	struct pvi_link link = new_link();
	int before = count_fds(), peer;

	check_memory(&link, 0);
	ASSERT_EQ(pvi_link_memory(&link, 1, 2, &peer), -EINVAL);
	link.kind = 0;
	ASSERT_EQ(pvi_link_memory(&link, 1, 0, &peer), -EINVAL);
	ASSERT_EQ(count_fds(), before);
}

/* Where there are too few pages, and no others, nothing is left; a size that is not one of pages is none */
static void test_memory_huge(void)
{
	struct pvi_link link = new_link();
	int before = count_fds(), peer;

	ASSERT_EQ(__write_line(HUGE_PAGES, "4"), 0);
	ASSERT_GE(read_number(HUGE_PAGES), 2);
	link.size = 2 * HUGE_SIZE;
	check_memory(&link, PVI_LINK_HUGETLB);
	ASSERT_EQ(__write_line(HUGE_PAGES, "0"), 0);
	ASSERT_EQ(pvi_link_memory(&link, 1, PVI_LINK_HUGETLB, &peer), -ENOSPC);
	link.size = HUGE_SIZE / 2;
	ASSERT_EQ(pvi_link_memory(&link, 1, PVI_LINK_HUGETLB, &peer), -EINVAL);
	ASSERT_EQ(count_fds(), before);
}

/* Memory that was something else is a section, and no more of what was there */
static void test_format(void)
{
	struct pvi_link link = new_link();
	int fd = memfd_create_sized(2 * SIZE);
	u8 *map = map_shared(fd, SIZE);
	struct stat st;
	u32 i;

	memset(map, 0xff, SIZE);
	ASSERT_EQ(pvi_link_format(fd, &link, 0), 0);
	ASSERT_EQ(fstat(fd, &st), 0);
	ASSERT_EQ(st.st_size, SIZE);
	ASSERT_EQ(st.st_blocks * 512, SIZE);
	for (i = sizeof(struct pvi_ring_shape); i < 4096; i++)
		ASSERT_EQ(map[i], 0);
	ASSERT_EQ(pvi_link_format(NO_SUCH, &link, 0), -EBADF);
	link.size = 4096;
	ASSERT_EQ(pvi_link_format(fd, &link, 0), -EINVAL);
}

static void test_secret(void)
{
	static const u8 secret[PVI_LINK_SECRET] = "fifteen letters";
	struct pvi_link link = new_link();
	struct pvi_ring_link one, other;
	struct pvi_ring_header *map[2];
	int fd[2], peer, i;

	for (i = 0; i < 2; i++) {
		fd[i] = pvi_link_memory(&link, i, 0, &peer);
		ASSERT_GE(fd[i], 0);
		map[i] = map_shared(fd[i], SIZE);
		close(peer);
	}
	ASSERT_TRUE(pvi_ring_pair(&one, map[0], SIZE, map[1], SIZE));
	ASSERT_EQ(pvi_link_secret(fd[0], secret), 0);
	ASSERT_TRUE(!pvi_ring_pair(&one, map[0], SIZE, map[1], SIZE));
	ASSERT_TRUE(!pvi_ring_pair(&other, map[1], SIZE, map[0], SIZE));
	ASSERT_EQ(pvi_link_secret(fd[1], secret), 0);
	ASSERT_TRUE(pvi_ring_pair(&one, map[0], SIZE, map[1], SIZE));
	ASSERT_EQ(memcmp((u8 *)map[1] + 0x60, secret, sizeof(secret)), 0);
	ASSERT_EQ(pvi_link_secret(NO_SUCH, secret), -EBADF);
	memset(map[0], 0, 8);
	ASSERT_EQ(pvi_link_secret(fd[0], secret), -EINVAL);
}

static void test_join(void)
{
	struct pvi_link link = new_link();
	int rx = enrol(rx_uuid), tx = enrol(tx_uuid), before;
	struct pvi_ring_shape shape;

	ASSERT_EQ(pvi_link_shape(&link, 0, &shape), 0);
	before = count_fds();
	ASSERT_EQ(pvi_ring(tx, rx_uuid, 100), -EPERM);
	ASSERT_EQ(pvi_link_join(rx, &shape), 0);
	ASSERT_EQ(pvi_link_join(rx, &shape), 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, 100), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, 101), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, 102), -EPERM);
	ASSERT_EQ(pvi_link_leave(rx, &shape), 0);
	ASSERT_EQ(pvi_link_leave(rx, &shape), 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, 100), -EPERM);
	/* What was allowed before is another's still */
	ASSERT_EQ(pvi_allow_owner(rx, tx_uuid, 100, geteuid() + 1, NULL), 0);
	ASSERT_EQ(pvi_link_join(rx, &shape), 0);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, 100), -EPERM);
	ASSERT_EQ(pvi_ring(tx, rx_uuid, 101), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_link_leave(rx, &shape), 0);
	ASSERT_EQ(pvi_unexpose(rx, 100), -ENOENT);
	ASSERT_EQ(count_fds(), before);
	ASSERT_EQ(pvi_link_join(NO_SUCH, &shape), -EBADF);
	ASSERT_EQ(pvi_link_leave(NO_SUCH, &shape), -EBADF);
	/* A process has no virtual GSI */
	ASSERT_EQ(pvi_link_shape(&link, 1, &shape), 0);
	ASSERT_EQ(pvi_link_join(tx, &shape), -EOPNOTSUPP);
}

static void write_shapes(const struct pvi_link *link)
{
	struct pvi_ring_shape shapes[2];
	int fd;

	ASSERT_EQ(pvi_link_shape(link, 0, &shapes[0]), 0);
	ASSERT_EQ(pvi_link_shape(link, 1, &shapes[1]), 0);
	fd = open(DIR_NAME "/" LINK_NAME "/" PVI_LINK_SHAPES, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ASSERT_EQ(write(fd, shapes, sizeof(shapes)), sizeof(shapes));
	close(fd);
}

static void write_section(const struct pvi_link *link, u32 side)
{
	static const char * const paths[2] = {
		DIR_NAME "/" LINK_NAME "/0", DIR_NAME "/" LINK_NAME "/1"
	};
	int fd = open(paths[side], O_RDWR | O_CREAT, 0600);

	ASSERT_EQ(pvi_link_format(fd, link, side), 0);
	close(fd);
}

static void make_dir(const struct pvi_link *link)
{
	mkdir(DIR_NAME, 0755);
	mkdir(DIR_NAME "/" LINK_NAME, 0755);
	write_shapes(link);
	write_section(link, 0);
	write_section(link, 1);
}

static void remove_dir(void)
{
	unlink(DIR_NAME "/" LINK_NAME "/" PVI_LINK_SHAPES);
	unlink(DIR_NAME "/" LINK_NAME "/0");
	unlink(DIR_NAME "/" LINK_NAME "/1");
	rmdir(DIR_NAME "/" LINK_NAME);
	rmdir(DIR_NAME);
}

/* What an owner writes into its section is not what its permissions are made of */
static void test_read(void)
{
	static const char path[] = DIR_NAME "/" LINK_NAME "/" PVI_LINK_SHAPES;
	struct pvi_link link = new_link();
	struct pvi_ring_shape shapes[2];
	u32 evil = 7;
	int fd;

	remove_dir();
	ASSERT_EQ(pvi_link_read(DIR_NAME, link_uuid, shapes), -ENOENT);
	make_dir(&link);
	fd = open(DIR_NAME "/" LINK_NAME "/0", O_RDWR);
	ASSERT_EQ(pwrite(fd, &evil, 4, offsetof(struct pvi_ring_shape, gsi)), 4);
	ASSERT_EQ(pvi_link_read(DIR_NAME, link_uuid, shapes), 0);
	ASSERT_EQ(shapes[0].gsi, 100);
	ASSERT_EQ(memcmp(shapes[1].owner, tx_uuid, sizeof(tx_uuid)), 0);

	ASSERT_EQ(chmod(path, 0664), 0);
	ASSERT_EQ(pvi_link_read(DIR_NAME, link_uuid, shapes), -EPERM);
	ASSERT_EQ(chmod(path, 0644), 0);
	ASSERT_EQ(chown(path, 12345, 0), 0);
	ASSERT_EQ(pvi_link_read(DIR_NAME, link_uuid, shapes), -EPERM);
	ASSERT_EQ(chown(path, 0, 0), 0);
	ASSERT_EQ(chmod(DIR_NAME, 01777), 0);
	ASSERT_EQ(pvi_link_read(DIR_NAME, link_uuid, shapes), -EPERM);
	ASSERT_EQ(chmod(DIR_NAME, 0755), 0);
	ASSERT_EQ(rename(DIR_NAME "/" LINK_NAME, DIR_NAME "/" OTHER_NAME), 0);
	ASSERT_EQ(pvi_link_read(DIR_NAME, other_uuid, shapes), -EBADMSG);
	ASSERT_EQ(rename(DIR_NAME "/" OTHER_NAME, DIR_NAME "/" LINK_NAME), 0);
	ASSERT_EQ(truncate(path, 100), 0);
	ASSERT_EQ(pvi_link_read(DIR_NAME, link_uuid, shapes), -EBADMSG);
	remove_dir();
}

static int endpoints[2], bells[2], peer_gsi[2];

static void ring(void *arg, u32 gsi)
{
	u32 who = *(u32 *)arg;

	pvi_ring(endpoints[1 - who], who ? tx_uuid : rx_uuid, gsi);
}

/* As a process of the host does: open, join, wire, and then messages */
static struct pvi_msg *side_open(u32 who)
{
	static u32 peers[2] = { 1, 0 };
	const u8 *self = who ? tx_uuid : rx_uuid;
	struct pvi_ring_shape shape;
	struct pvi_msg *msg;
	int own, peer;

	own = pvi_link_open(DIR_NAME, link_uuid, self, &shape, &peer);
	ASSERT_GE(own, 0);
	endpoints[who] = enrol(self);
	ASSERT_EQ(pvi_link_join(endpoints[who], &shape), 0);
	bells[who] = pvi_wire(endpoints[who], shape.gsi, -1);
	peer_gsi[who] = shape.peer_gsi;
	ASSERT_EQ(pvi_msg_open(&msg, own, peer, ring, &peers[who]), 0);
	ASSERT_EQ(ftruncate(peer, 0), -1);
	close(own);
	close(peer);
	return msg;
}

static void test_open(void)
{
	struct pvi_link link = new_link();
	struct pvi_ring_shape shape;
	struct pvi_msg *sides[2];
	int peer, i;
	char got[8];

	link.sides[1].gsi = 200;
	interruptions = 3;
	make_dir(&link);
	ASSERT_EQ(interruptions, 0);
	ASSERT_EQ(pvi_link_open(DIR_NAME, link_uuid, link_uuid, &shape, &peer), -ENOENT);
	ASSERT_EQ(pvi_link_open(DIR_NAME, tx_uuid, tx_uuid, &shape, &peer), -ENOENT);
	sides[0] = side_open(0);
	sides[1] = side_open(1);
	remove_dir();
	for (i = 0; i < 4; i++)
		pvi_msg_follow(sides[i % 2]);
	ASSERT_EQ(pvi_msg_follow(sides[0]), 2);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), -EAGAIN);
	read_eventfd(bells[1]);
	ASSERT_EQ(pvi_msg_send(sides[0], 0, "hello", 6), 0);
	ASSERT_EQ(read_eventfd(bells[1]), 1);
	ASSERT_EQ(pvi_msg_receive(sides[1], 0, got, sizeof(got)), 6);
	ASSERT_EQ(strcmp(got, "hello"), 0);
}

/* Whoever owns a section keeps nobody waiting who opens it. */
static void test_lease(void)
{
	struct pvi_link link = new_link();
	struct pvi_ring_shape shape;
	int lease, own, peer;

	make_dir(&link);
	lease = open(DIR_NAME "/" LINK_NAME "/1", O_RDWR | O_CLOEXEC);
	ASSERT_GE(lease, 0);
	/* What tells that it is broken */
	signal(SIGIO, SIG_IGN);
	ASSERT_EQ(fcntl(lease, F_SETLEASE, F_WRLCK), 0);
	ASSERT_EQ(pvi_link_open(DIR_NAME, link_uuid, rx_uuid, &shape, &peer), -EWOULDBLOCK);
	close(lease);
	own = pvi_link_open(DIR_NAME, link_uuid, rx_uuid, &shape, &peer);
	ASSERT_GE(own, 0);
	close(own);
	close(peer);
	remove_dir();
}

static const struct test_case cases[] = {
	{ "shape", test_shape },
	{ "sizes", test_sizes },
	{ "refused", test_refused },
	{ "memory", test_memory },
	{ "memory_huge", test_memory_huge },
	{ "format", test_format },
	{ "secret", test_secret },
	{ "join", test_join },
	{ "read", test_read },
	{ "open", test_open },
	{ "lease", test_lease },
};

int main(int argc, char **argv)
{
	char at[] = P_tmpdir "/kvm-pvi.XXXXXX";
	int ret;

	if (!mkdtemp(at) || chdir(at)) {
		perror(at);
		return TAP_FAIL;
	}
	ret = test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
	remove_dir();
	return chdir("/") || rmdir(at) ? TAP_FAIL : ret;
}
