// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi selftests: memory that comes when it is told to, as a page of a file of FUSE
 *
 * Its root is that file, so there is nothing to look up. A thread serves it, without a library. To what it does not
 * know, FLUSH and RELEASE among it, it says so, and nobody minds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuse.h"
#include "host.h"
#include "tap.h"

#define DEVICE		"/dev/fuse"
#define FOREVER_S	1000000

/* @page: what is there, once @answered is up */
static struct {
	int dev;
	int asked;
	sem_t answered;
	u8 page[PAGE_SIZE];
	pthread_t thread;
} fuse;

/* A request, of which struct fuse_read_in and others are the arguments */
struct request {
	struct fuse_in_header head;
	u8 args[FUSE_MIN_READ_BUFFER];
};

static void reply(const struct request *r, int error, const void *result, size_t size)
{
	struct fuse_out_header head = {
		.len = sizeof(head) + size, .error = error, .unique = r->head.unique,
	};
	struct iovec parts[] = {
		{ .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = (void *)result, .iov_len = size },
	};

	/* ENOENT: nobody waits for it any more */
	if (writev(fuse.dev, parts, ARRAY_SIZE(parts)) < 0)
		ASSERT_EQ(errno, ENOENT);
}

/* With ASYNC_READ who waits for a page can be killed. */
static void reply_to_init(const struct request *r)
{
	const struct fuse_init_in *in = (const void *)r->args;
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor,
		.max_readahead = PAGE_SIZE,
		.flags = FUSE_ASYNC_READ,
		.max_write = PAGE_SIZE,
		.time_gran = 1,
	};

	reply(r, 0, &out, sizeof(out));
}

static void reply_to_getattr(const struct request *r)
{
	struct fuse_attr_out out = {
		.attr_valid = FOREVER_S,
		.attr = {
			.ino = FUSE_ROOT_ID, .size = PAGE_SIZE, .mode = S_IFREG | 0400, .nlink = 1,
			.blksize = PAGE_SIZE,
		},
	};

	reply(r, 0, &out, sizeof(out));
}

static void reply_to_open(const struct request *r)
{
	struct fuse_open_out out = { };

	reply(r, 0, &out, sizeof(out));
}

static void reply_to_read(const struct request *r)
{
	const struct fuse_read_in *in = (const void *)r->args;

	signal_eventfd(fuse.asked);
	while (sem_wait(&fuse.answered))
		;
	/* For who asks for it again */
	sem_post(&fuse.answered);
	ASSERT_EQ(in->offset, 0);
	reply(r, 0, fuse.page, PAGE_SIZE);
}

static void serve(const struct request *r)
{
	switch (r->head.opcode) {
	case FUSE_INIT:
		reply_to_init(r);
		break;
	case FUSE_GETATTR:
		reply_to_getattr(r);
		break;
	case FUSE_OPEN:
		reply_to_open(r);
		break;
	case FUSE_READ:
		reply_to_read(r);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		/* Want no reply */
		break;
	default:
		reply(r, -EOPNOTSUPP, NULL, 0);
	}
}

/* Until the file has gone: ENODEV. */
static void *serve_all(void *unused)
{
	static struct request request;

	for (;;) {
		if (read(fuse.dev, &request, sizeof(request)) >= 0)
			serve(&request);
		else if (errno != EINTR && errno != ENOENT)
			return unused;
	}
}

bool fuse_possible(void)
{
	return !access(DEVICE, F_OK);
}

/* @path is a file as well; where it is mounted somebody else may look for a moment. */
static void *map_mounted(const char *path)
{
	char options[64];
	struct stat st;
	void *memory;
	int fd;

	snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=0,group_id=0", fuse.dev, S_IFREG);
	ASSERT_EQ(mount("pvi_test", path, "fuse", MS_NOSUID | MS_NODEV, options), 0);
	ASSERT_EQ(pthread_create(&fuse.thread, NULL, serve_all, NULL), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	/* What GETATTR says is what can be read */
	ASSERT_EQ(fstat(fd, &st), 0);
	ASSERT_EQ(st.st_size, PAGE_SIZE);
	memory = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_TRUE(memory != MAP_FAILED);
	close(fd);
	ASSERT_EQ(umount2(path, MNT_DETACH), 0);
	return memory;
}

void *fuse_memory(int *asked)
{
	char path[] = P_tmpdir "/pvi_test_fuse.XXXXXX";
	int fd = mkstemp(path);
	void *memory;

	ASSERT_GE(fd, 0);
	close(fd);
	fuse.dev = open(DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(fuse.dev, 0);
	fuse.asked = new_eventfd();
	ASSERT_EQ(sem_init(&fuse.answered, 0, 0), 0);
	memory = map_mounted(path);
	ASSERT_EQ(unlink(path), 0);
	*asked = fuse.asked;
	return memory;
}

void fuse_answer(const void *page)
{
	memcpy(fuse.page, page, sizeof(fuse.page));
	ASSERT_EQ(sem_post(&fuse.answered), 0);
}

void fuse_end(void)
{
	ASSERT_EQ(pthread_join(fuse.thread, NULL), 0);
	close(fuse.dev);
	close(fuse.asked);
	ASSERT_EQ(sem_destroy(&fuse.answered), 0);
}
