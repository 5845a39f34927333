// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: descriptors, files and waiting, on the host's side */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "tap.h"

#define YIELDS 100
#define NAP_NS 200000
#define NAPS_PER_MS (1000000 / NAP_NS)

static int check(int ret, const char *what)
{
	if (ret < 0)
		TEST_FAIL("%s: %s", what, strerror(errno));
	return ret;
}

u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

bool wait_step(unsigned int step, unsigned int ms)
{
	struct timespec nap = { .tv_nsec = NAP_NS };

	if (step >= YIELDS + test_slow(ms) * NAPS_PER_MS)
		return false;
	if (step < YIELDS)
		sched_yield();
	else
		nanosleep(&nap, NULL);
	return true;
}

int new_eventfd(void)
{
	return check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
}

u64 read_eventfd(int fd)
{
	eventfd_t count;

	if (!eventfd_read(fd, &count))
		return count;
	if (errno != EAGAIN)
		TEST_FAIL("read of an eventfd: %s", strerror(errno));
	return 0;
}

void signal_eventfd(int fd)
{
	check(eventfd_write(fd, 1), "write to an eventfd");
}

bool wait_readable(int fd, unsigned int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	unsigned int naps = test_slow(ms);

	while (!check(poll(&pfd, 1, !!naps), "poll") && naps)
		naps--;
	return pfd.revents & POLLIN;
}

int memfd_create_sized(u64 size)
{
	int fd = check(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");

	check(ftruncate(fd, size), "ftruncate");
	return fd;
}

void memfd_seal(int fd, unsigned int seals)
{
	check(fcntl(fd, F_ADD_SEALS, seals), "F_ADD_SEALS");
}

static void *map(int fd, u64 size, int flags)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (mem == MAP_FAILED)
		TEST_FAIL("mmap: %s", strerror(errno));
	return mem;
}

void *map_shared(int fd, u64 size)
{
	return map(fd, size, MAP_SHARED);
}

union fd_message {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

void send_fd(int socket, int fd)
{
	union fd_message control = { };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	check(sendmsg(socket, &msg, 0), "sendmsg");
}

int recv_fd(int socket)
{
	union fd_message control = { };
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	int fd;

	ASSERT_EQ(check(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC), "recvmsg"), 1);
	ASSERT_EQ(control.header.cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

void *uffd_memory(u64 size, int *uffd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	void *mem = map(-1, size, MAP_PRIVATE | MAP_ANONYMOUS);
	int fd = check(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK), "userfaultfd");

	check(ioctl(fd, UFFDIO_API, &api), "UFFDIO_API");
	range.range.start = (u64)mem;
	range.range.len = size;
	check(ioctl(fd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
	*uffd = fd;
	return mem;
}

int __read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, line, size - 1);
	close(fd);
	if (len < 0)
		return -errno;
	line[len] = 0;
	line[strcspn(line, "\n")] = 0;
	return 0;
}

int __write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, line, strlen(line)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* As the kernel prints it: in any base, or Y and N for a bool */
u64 read_number(const char *path)
{
	char line[64], *end;
	u64 value;
	int ret = __read_line(path, line, sizeof(line));

	if (ret)
		TEST_FAIL("%s: %s", path, strerror(-ret));
	if (!strcmp(line, "Y") || !strcmp(line, "N"))
		return line[0] == 'Y';
	value = strtoull(line, &end, 0);
	if (*end || end == line)
		TEST_FAIL("%s: '%s' is not a number", path, line);
	return value;
}

char *read_file(const char *path)
{
	size_t size = 0, len = 0;
	char *text = NULL;
	ssize_t got;
	int fd = check(open(path, O_RDONLY | O_CLOEXEC), path);

	do {
		if (size - len < PAGE_SIZE)
			text = realloc(text, size += 16 * PAGE_SIZE);
		if (!text)
			TEST_FAIL("out of memory");
		got = check(read(fd, text + len, size - len - 1), path);
		len += got;
	} while (got);
	text[len] = 0;
	close(fd);
	return text;
}

void mount_tracefs(void)
{
	if (mount("tracefs", TRACING, "tracefs", 0, NULL))
		ASSERT_EQ(errno, EBUSY);
}

static void param_path(char *path, size_t size, const char *module, const char *name)
{
	snprintf(path, size, "/sys/module/%s/parameters/%s", module, name);
}

u64 read_param(const char *module, const char *name)
{
	char path[256];

	param_path(path, sizeof(path), module, name);
	return read_number(path);
}

int __write_param(const char *module, const char *name, const char *value)
{
	char path[256];

	param_path(path, sizeof(path), module, name);
	return __write_line(path, value);
}

void write_param(const char *module, const char *name, u64 value)
{
	char text[32];
	int ret;

	snprintf(text, sizeof(text), "%llu", value);
	ret = __write_param(module, name, text);
	if (ret)
		TEST_FAIL("%s.%s = %s: %s", module, name, text, strerror(-ret));
}
