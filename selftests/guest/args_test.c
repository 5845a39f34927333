// SPDX-License-Identifier: GPL-2.0
/* /dev/kvm_pvi_guest: what it makes of arguments that are wrong */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "guest_test.h"

static const unsigned char nobody[KVM_PVI_UUID_SIZE] = { 0xba, 0xdb, 0xad };

/* Each ioctl, with its struct's size; that of the struct is the smallest one that is accepted */
static const struct {
	unsigned long cmd;
	size_t size;
	uint32_t flags;		/* known ones */
} ioctls[] = {
	{ KVM_PVI_GUEST_GET_INFO, sizeof(struct kvm_pvi_guest_info) },
	{ KVM_PVI_GUEST_GET_GSI, sizeof(struct kvm_pvi_guest_gsi) },
	{ KVM_PVI_GUEST_RING, sizeof(struct kvm_pvi_guest_ring) },
	{ KVM_PVI_GUEST_CONNECT, sizeof(struct kvm_pvi_guest_connect) },
	{ KVM_PVI_GUEST_NOTIFY, sizeof(struct kvm_pvi_guest_port), KVM_PVI_GUEST_PORT_VMM },
	{ KVM_PVI_GUEST_DISCONNECT, sizeof(struct kvm_pvi_guest_port) },
	{ KVM_PVI_GUEST_WAIT, sizeof(struct kvm_pvi_guest_wait),
	  KVM_PVI_GUEST_WAIT_NONBLOCK | KVM_PVI_GUEST_WAIT_PEERS | KVM_PVI_GUEST_WAIT_HOST },
	{ KVM_PVI_GUEST_WIRE, sizeof(struct kvm_pvi_guest_wire) },
	{ KVM_PVI_GUEST_UNWIRE, sizeof(struct kvm_pvi_guest_wire) },
	{ KVM_PVI_GUEST_BELL_SEND, sizeof(struct kvm_pvi_guest_bell_send), KVM_PVI_GUEST_PORT_VMM },
	{ KVM_PVI_GUEST_BELL_RECEIVE, sizeof(struct kvm_pvi_guest_bell_receive) },
	{ KVM_PVI_GUEST_BELL_MASK, sizeof(struct kvm_pvi_guest_bell_mask) },
	{ KVM_PVI_GUEST_BELL_RESET, sizeof(struct kvm_pvi_guest_bell_reset) },
	{ KVM_PVI_GUEST_PEERS, sizeof(struct kvm_pvi_guest_peers) },
};

static int call_sized(unsigned long cmd, void *arg, uint32_t size, uint32_t flags)
{
	((uint32_t *)arg)[0] = size;
	((uint32_t *)arg)[1] = flags;
	return call(cmd, arg);
}

static void test_structs(void)
{
	unsigned char *page = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (page == MAP_FAILED)
		exit(1);
	munmap(page + 2 * PAGE, PAGE);
	for (i = 0; i < ARRAY_SIZE(ioctls); i++) {
		unsigned long cmd = ioctls[i].cmd;
		size_t size = ioctls[i].size;

		memset(page, 0, 2 * PAGE);
		CHECK_EQ(call_sized(cmd, page, size - 1, 0), -EINVAL);
		CHECK_EQ(call_sized(cmd, page, 0, 0), -EINVAL);
		CHECK_EQ(call_sized(cmd, page, PAGE + 1, 0), -E2BIG);
		CHECK_EQ(call_sized(cmd, page, ~0u, 0), -E2BIG);
		CHECK_EQ(call_sized(cmd, page, size, ~ioctls[i].flags), -EINVAL);
		page[size] = 1;
		CHECK_EQ(call_sized(cmd, page, size + 1, 0), -E2BIG);
		page[size] = 0;
		CHECK_EQ(call(cmd, NULL), -EFAULT);
		CHECK_EQ(call(cmd, page + 2 * PAGE), -EFAULT);
		CHECK_EQ(call_sized(cmd, page + 2 * PAGE - size + 4, size, 0), -EFAULT);
	}
	CHECK_EQ(call_sized(KVM_PVI_GUEST_GET_INFO, page, PAGE, 0), 0);
	mprotect(page, PAGE, PROT_READ);
	CHECK_EQ(call(KVM_PVI_GUEST_GET_INFO, page), -EFAULT);
	munmap(page, 2 * PAGE);
	CHECK_EQ(ioctl(dev, _IO(KVM_PVI_IOC, 0xff), NULL) ? -errno : 0, -ENOTTY);
	CHECK_EQ(ioctl(dev, KVM_PVI_GET_INFO, NULL) ? -errno : 0, -ENOTTY);
}

#define NR32_IOCTL	54

/* ioctl() as a program of 32 bits calls it: 0 or -errno */
static int call32(unsigned long cmd, void *arg)
{
	int ret;

	asm volatile("int $0x80"
		     : "=a" (ret) : "0" (NR32_IOCTL), "b" (dev), "c" (cmd), "d" (arg)
		     : "memory", "cc", "r8", "r9", "r10", "r11");
	return ret;
}

/* It has the same structs and numbers. */
static void test_compat(void)
{
	uint32_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct kvm_pvi_guest_info info = { .size = sizeof(info) };
	size_t i;

	if (page == MAP_FAILED)
		exit(1);
	for (i = 0; i < ARRAY_SIZE(ioctls); i++) {
		page[0] = ioctls[i].size - 1;
		page[1] = 0;
		CHECK_EQ(call32(ioctls[i].cmd, page), -EINVAL);
	}
	page[0] = sizeof(info);
	CHECK_EQ(call32(KVM_PVI_GUEST_GET_INFO, page), 0);
	CHECK_EQ(pvi_guest_get_info(dev, &info), 0);
	CHECK_EQ(memcmp(page, &info, sizeof(info)), 0);
	CHECK_EQ(call32(_IO(KVM_PVI_IOC, 0xff), page), -ENOTTY);
	munmap(page, PAGE);
}

static void test_reserved(void)
{
	struct kvm_pvi_guest_ring ring = { .size = sizeof(ring), .gsi = msi, .__reserved = 1 };
	struct kvm_pvi_guest_port port = { .size = sizeof(port), .result = 1 };
	struct kvm_pvi_guest_wait wait = {
		.size = sizeof(wait), .flags = KVM_PVI_GUEST_WAIT_PEERS, .gsi = msi,
	};
	struct kvm_pvi_guest_bell_receive receive = {
		.size = sizeof(receive), .__reserved = 1, .clear = 1,
	};
	struct kvm_pvi_guest_bell_mask mask = { .size = sizeof(mask), .__reserved = 1 };
	struct kvm_pvi_guest_bell_reset reset = { .size = sizeof(reset), .__reserved = 1 };

	memcpy(ring.uuid, self, sizeof(self));
	CHECK_EQ(call(KVM_PVI_GUEST_RING, &ring), -EINVAL);
	CHECK_EQ(call(KVM_PVI_GUEST_DISCONNECT, &port), -EINVAL);
	CHECK_EQ(call(KVM_PVI_GUEST_WAIT, &wait), -EINVAL);
	CHECK_EQ(call(KVM_PVI_GUEST_BELL_RECEIVE, &receive), -EINVAL);
	CHECK_EQ(call(KVM_PVI_GUEST_BELL_MASK, &mask), -EINVAL);
	CHECK_EQ(call(KVM_PVI_GUEST_BELL_RESET, &reset), -EINVAL);
}

static void test_refused(void)
{
	static const unsigned char nil[KVM_PVI_UUID_SIZE];

	CHECK_EQ(pvi_guest_ring(dev, nobody, msi), -EPERM);
	CHECK_EQ(pvi_guest_ring(dev, self, UNEXPOSED), -EPERM);
	CHECK_EQ(pvi_guest_ring(dev, self, bell_gsi), -EPERM);
	CHECK_EQ(pvi_guest_ring(dev, nil, msi), -EINVAL);
	CHECK_EQ(pvi_guest_ring(dev, self, ~0u), -EINVAL);
	CHECK_EQ(pvi_guest_connect(dev, nobody, msi), -EPERM);
	CHECK_EQ(pvi_guest_connect(dev, nil, msi), -EINVAL);
	CHECK_EQ(pvi_guest_connect(dev, self, ~0u), -EINVAL);
	CHECK_EQ(pvi_guest_notify(dev, 0, 0), -ENOENT);
	CHECK_EQ(pvi_guest_notify(dev, ~0u, 0), -ENOENT);
	CHECK_EQ(pvi_guest_notify(dev, ~0u, KVM_PVI_GUEST_PORT_VMM), -ENOENT);
	CHECK_EQ(pvi_guest_disconnect(dev, 0), -ENOENT);
	CHECK_EQ(pvi_guest_disconnect(dev, ~0u), -ENOENT);
	CHECK_EQ(pvi_guest_wait(dev, UNEXPOSED, 0), -ENOENT);
	CHECK_EQ(pvi_guest_wait(dev, KVM_PVI_GSI_ANY, 0), -ENOENT);
	CHECK_EQ(pvi_guest_wire(dev, UNEXPOSED, -1), -ENOENT);
	CHECK_EQ(pvi_guest_wire(dev, msi, 1000), -EBADF);
	CHECK_EQ(pvi_guest_wire(dev, msi, dev), -EINVAL);
	CHECK_EQ(pvi_guest_unwire(dev, msi, 1000), -EBADF);
	CHECK_EQ(pvi_guest_unwire(dev, msi, dev), -EINVAL);
}

static const struct guest_case cases[] = {
	{ "structs", test_structs },
	{ "compat", test_compat },
	{ "reserved", test_reserved },
	{ "refused", test_refused },
};

int main(int argc, char **argv)
{
	return run(argc, argv, cases, ARRAY_SIZE(cases));
}
