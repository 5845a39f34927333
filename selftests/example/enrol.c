// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * kvm-pvi example: what a VMM does to enrol its guest.
 *
 * Each function returns an endpoint, to be kept open as long as the VM lives, or -errno. Closing
 * it undoes everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/kvm_pvi.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "example.h"

static int call(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

/* Gives the VM a name. Nobody can ring it yet. */
static int bind_vm(int vm_fd, const __u8 *uuid)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };
	struct kvm_pvi_bind bind = { .size = sizeof(bind), .vm_fd = vm_fd };
	int fd = open("/dev/kvm_pvi", O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = call(fd, KVM_PVI_GET_INFO, &info);
	if (!ret && info.abi_major != KVM_PVI_ABI_MAJOR)
		ret = -EPROTO;
	memcpy(bind.uuid, uuid, sizeof(bind.uuid));
	if (!ret)
		ret = call(fd, KVM_PVI_BIND, &bind);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

/* Makes @gsi ringable, and lets @sender ring it: 10,000 times a second, 64 at once. */
static int expose(int fd, __u32 gsi, __u32 kind, const __u8 *sender)
{
	struct kvm_pvi_expose expose = { .size = sizeof(expose), .gsi = gsi, .kind = kind };
	struct kvm_pvi_allow allow = {
		.size = sizeof(allow),
		.gsi = gsi,
		.rate = 10000,
		.burst = 64,
	};
	int ret = call(fd, KVM_PVI_EXPOSE, &expose);

	if (ret)
		return ret;
	memcpy(allow.uuid, sender, sizeof(allow.uuid));
	return call(fd, KVM_PVI_ALLOW, &allow);
}

/* Rings of @gsi go through an eventfd to KVM_IRQFD. Kernel and KVM keep what they need of it. */
static int wire(int fd, int vm_fd, __u32 gsi)
{
	int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = efd, .gsi = gsi };
	struct kvm_pvi_wire wire = { .size = sizeof(wire), .gsi = gsi, .fd = efd };
	int ret;

	if (efd < 0)
		return -errno;
	ret = call(vm_fd, KVM_IRQFD, &irqfd);
	if (!ret)
		ret = call(fd, KVM_PVI_WIRE, &wire);
	if (ret)
		close(efd);
	return ret;
}

/* The receiver: @direct is injected by the host, @wired by this VMM's irqfd. */
int example_enrol_receiver(int vm_fd, const __u8 *self, const __u8 *sender, __u32 direct,
			   __u32 wired)
{
	int fd = bind_vm(vm_fd, self);
	int ret;

	if (fd < 0)
		return fd;
	ret = expose(fd, direct, KVM_PVI_GSI_DIRECT, sender);
	if (!ret)
		ret = expose(fd, wired, KVM_PVI_GSI_EVENTFD, sender);
	if (!ret)
		ret = wire(fd, vm_fd, wired);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

/* The sender: @port is what its guest passes to KVM_HC_NOTIFY. */
int example_enrol_sender(int vm_fd, const __u8 *self, const __u8 *receiver, __u32 gsi, __u32 *port)
{
	struct kvm_pvi_connect connect = {
		.size = sizeof(connect),
		.gsi = gsi,
		.port = KVM_PVI_PORT_ANY,
	};
	int fd = bind_vm(vm_fd, self);
	int ret;

	if (fd < 0)
		return fd;
	memcpy(connect.uuid, receiver, sizeof(connect.uuid));
	ret = call(fd, KVM_PVI_CONNECT, &connect);
	if (ret) {
		close(fd);
		return ret;
	}
	*port = connect.port;
	return fd;
}
