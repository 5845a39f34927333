// SPDX-License-Identifier: GPL-2.0
/*
 * libpvi in a guest, continued: which of its PCI devices are the sections of a link. Here they are files, as is what
 * /sys says of them, and no driver says who this guest is.
 */
#include <libpvi_guest.h>
#include <linux/pvi_ring.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "libpvi_lib.h"

#define DEVICES	"/sys/bus/pci/devices"
#define DATA	4096u
#define OFFSET	4096u
#define SIZE	(OFFSET + DATA)

static const u8 links[2][KVM_PVI_UUID_SIZE] = {
	{ 0xf1, [6] = 0x80, [8] = 0x80, [15] = 1 },
	{ 0xf1, [6] = 0x80, [8] = 0x80, [15] = 2 },
};

/* In the place of libc's: this guest is @rx_uuid. */
int ioctl(int fd, unsigned long cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (cmd != KVM_PVI_GUEST_GET_INFO)
		return syscall(SYS_ioctl, fd, cmd, arg);
	memcpy(((struct kvm_pvi_guest_info *)arg)->uuid, rx_uuid, sizeof(rx_uuid));
	return 0;
}

static void make_sys(void)
{
	ASSERT_EQ(unshare(CLONE_NEWNS), 0);
	ASSERT_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ASSERT_EQ(mount("none", "/sys", "tmpfs", 0, NULL), 0);
	ASSERT_EQ(mkdir("/sys/bus", 0755), 0);
	ASSERT_EQ(mkdir("/sys/bus/pci", 0755), 0);
}

static int make_attribute(u32 device, const char *name, const char *text)
{
	char path[100];
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%u/%s", device, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void make_device(u32 device, const char *vendor)
{
	char path[100];

	snprintf(path, sizeof(path), DEVICES "/%u", device);
	ASSERT_EQ(mkdir(path, 0755), 0);
	close(make_attribute(device, "vendor", vendor));
	close(make_attribute(device, "device", "0x1110\n"));
	close(make_attribute(device, "enable", "0\n"));
}

static void make_section(u32 device, const u8 *link, const u8 *owner, const u8 *peer)
{
	struct pvi_ring_header *header;
	int fd;

	make_device(device, "0x1af4\n");
	fd = make_attribute(device, "resource2", "");
	ASSERT_EQ(ftruncate(fd, SIZE), 0);
	header = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_TRUE(header != MAP_FAILED);
	header->shape = (struct pvi_ring_shape){
		.magic = PVI_RING_MAGIC,
		.version = PVI_RING_VERSION,
		.kind = PVI_RING_RAW,
		.gsi = 20,
		.gsis = 1,
		.peer_gsi = 20,
		.peer_gsis = 1,
		.queues = 1,
		.data_offset = OFFSET,
		.data_size = DATA,
	};
	memcpy(header->shape.link, link, KVM_PVI_UUID_SIZE);
	memcpy(header->shape.owner, owner, KVM_PVI_UUID_SIZE);
	memcpy(header->shape.peer, peer, KVM_PVI_UUID_SIZE);
	memcpy(header->secret, link, sizeof(header->secret));
	munmap(header, SIZE);
	close(fd);
}

/* Two sections, which the guest has as devices @first and @first + 2 */
static void make_link(u32 first, const u8 *link)
{
	make_section(first, link, rx_uuid, tx_uuid);
	make_section(first + 2, link, tx_uuid, rx_uuid);
}

static void test_found(void)
{
	struct pvi_ring_shape shape;
	int own, peer, fds;

	make_sys();
	fds = count_fds();
	ASSERT_EQ(pvi_guest_link(-1, NULL, &shape, &peer), -ENOENT);
	ASSERT_EQ(mkdir(DEVICES, 0755), 0);
	ASSERT_EQ(pvi_guest_link(-1, NULL, &shape, &peer), -ENOENT);
	/* One of another maker, and one without memory */
	make_device(0, "0x8086\n");
	make_device(9, "0x1af4\n");
	ASSERT_EQ(pvi_guest_link(-1, NULL, &shape, &peer), -ENOENT);
	make_link(1, links[0]);
	own = pvi_guest_link(-1, NULL, &shape, &peer);
	ASSERT_GE(own, 0);
	ASSERT_GE(peer, 0);
	ASSERT_TRUE(is_cloexec(own));
	ASSERT_TRUE(is_cloexec(peer));
	ASSERT_EQ(count_fds(), fds + 2);
	ASSERT_EQ(memcmp(shape.owner, rx_uuid, sizeof(shape.owner)), 0);
	ASSERT_EQ(memcmp(shape.link, links[0], sizeof(shape.link)), 0);
	close(own);
	close(peer);
	make_link(2, links[1]);
	ASSERT_EQ(pvi_guest_link(-1, NULL, &shape, &peer), -ENOTUNIQ);
	ASSERT_EQ(pvi_guest_link(-1, rx_uuid, &shape, &peer), -ENOENT);
	ASSERT_EQ(count_fds(), fds);
	ASSERT_GE(pvi_guest_link(-1, links[1], &shape, &peer), 0);
	ASSERT_EQ(memcmp(shape.link, links[1], sizeof(shape.link)), 0);
}

/* As pvi_guest_link() where only descriptors below @limit can be had */
static int find_below(int limit)
{
	struct rlimit before, low;
	struct pvi_ring_shape shape;
	int ret, peer;

	ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = (struct rlimit){ limit, before.rlim_max };
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
	ret = pvi_guest_link(-1, NULL, &shape, &peer);
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	return ret;
}

/* Whichever descriptor it is that cannot be had, the link is there. */
static void test_no_descriptors(void)
{
	int fds, limit, ret;

	make_sys();
	ASSERT_EQ(mkdir(DEVICES, 0755), 0);
	make_link(0, links[0]);
	make_device(9, "0x8086\n");
	fds = count_fds();
	limit = new_eventfd();
	close(limit);
	ASSERT_EQ(find_below(limit), -EMFILE);
	while ((ret = find_below(++limit)) < 0) {
		ASSERT_EQ(ret, -EMFILE);
		ASSERT_EQ(count_fds(), fds);
	}
	ASSERT_EQ(count_fds(), fds + 2);
}

static const struct test_case cases[] = {
	{ "found", test_found },
	{ "no_descriptors", test_no_descriptors },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), 0);
}
