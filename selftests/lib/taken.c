// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi selftests: ioctls whose struct is taken away while they work on it
 *
 * The struct lies across the border of two pages. Its second part is protected by a userfaultfd, so
 * the first copy to it stops there, its first part written. Then the first page becomes read-only
 * and the copy goes on; the next one fails. With taken_meanwhile the first page is protected first, and the
 * next copy stops there before it fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"
#include "taken.h"
#include "tap.h"
#include "vm.h"

#define HEAD	8	/* bytes of the struct in the first page */

/* @over: an eventfd, signalled when the ioctl has returned */
struct trap {
	u8 *pages;
	int uffd;
	int over;
};

static void trap_protect(const struct trap *t, u32 page, u64 mode)
{
	struct uffdio_writeprotect wp = {
		.range = { .start = (u64)t->pages + page * PAGE_SIZE, .len = PAGE_SIZE },
		.mode = mode,
	};

	test_ioctl(__FILE__, __LINE__, "UFFDIO_WRITEPROTECT", t->uffd, UFFDIO_WRITEPROTECT, &wp);
}

static struct trap trap_make(void)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_WP };
	struct trap t;

	t.pages = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_TRUE(t.pages != MAP_FAILED);
	t.over = new_eventfd();
	t.uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	ASSERT_GE(t.uffd, 0);
	test_ioctl(__FILE__, __LINE__, "UFFDIO_API", t.uffd, UFFDIO_API, &api);
	range.range.start = (u64)t.pages;
	range.range.len = 2 * PAGE_SIZE;
	test_ioctl(__FILE__, __LINE__, "UFFDIO_REGISTER", t.uffd, UFFDIO_REGISTER, &range);
	return t;
}

void (*taken_meanwhile)(void);

/* False: the ioctl has returned, and nothing stops */
static bool trap_await_copy(const struct trap *t)
{
	struct pollfd pfds[] = {
		{ .fd = t->uffd, .events = POLLIN },
		{ .fd = t->over, .events = POLLIN },
	};
	struct uffd_msg msg;

	ASSERT_GE(poll(pfds, ARRAY_SIZE(pfds), -1), 1);
	if (!pfds[0].revents)
		return false;
	ASSERT_EQ(read(t->uffd, &msg, sizeof(msg)), sizeof(msg));
	ASSERT_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
	ASSERT_TRUE(msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP);
	return true;
}

/* Waits for the copy that stops, and lets it go on when there is no way back */
static void *trap_spring(void *arg)
{
	const struct trap *t = arg;
	bool stops;

	if (!trap_await_copy(t))
		return NULL;
	if (taken_meanwhile) {
		trap_protect(t, 0, UFFDIO_WRITEPROTECT_MODE_WP);
		trap_protect(t, 1, 0);
		stops = trap_await_copy(t);
		ASSERT_TRUE(stops);
		taken_meanwhile();
	}
	ASSERT_EQ(mprotect(t->pages, PAGE_SIZE, PROT_READ), 0);
	trap_protect(t, taken_meanwhile ? 0 : 1, 0);
	return NULL;
}

int __taken_ioctl(int fd, unsigned long cmd, const void *arg, u32 size)
{
	struct trap t = trap_make();
	u8 *at = t.pages + PAGE_SIZE - HEAD;
	pthread_t thread;
	int ret;

	memcpy(at, arg, size);
	trap_protect(&t, 1, UFFDIO_WRITEPROTECT_MODE_WP);
	ASSERT_EQ(pthread_create(&thread, NULL, trap_spring, &t), 0);
	ret = __test_ioctl(fd, cmd, at);
	signal_eventfd(t.over);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	close(t.over);
	close(t.uffd);
	munmap(t.pages, 2 * PAGE_SIZE);
	return ret;
}
