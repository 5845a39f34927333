// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi inside - programs in a guest, by /dev/kvm_pvi_guest */
#include <fcntl.h>

#include "internal.h"
#include "libpvi_guest.h"

int pvi_guest_open(void)
{
	int fd = open("/dev/kvm_pvi_guest", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int pvi_guest_get_info(int guest, struct kvm_pvi_guest_info *info)
{
	return pvi_ioctl(guest, KVM_PVI_GUEST_GET_INFO, info);
}

int pvi_guest_get_gsi(int guest, uint32_t index, struct kvm_pvi_guest_gsi *gsi)
{
	gsi->index = index;
	return pvi_ioctl(guest, KVM_PVI_GUEST_GET_GSI, gsi);
}

static int ring(int guest, const unsigned char *uuid, uint32_t gsi, uint32_t first)
{
	struct kvm_pvi_guest_ring arg = PVI_ARG(kvm_pvi_guest_ring, .gsi = gsi, .first = first);

	pvi_copy_uuid(arg.uuid, uuid);
	return pvi_ioctl(guest, KVM_PVI_GUEST_RING, &arg) ?: (int)arg.result;
}

int pvi_guest_ring(int guest, const unsigned char *receiver, uint32_t gsi)
{
	return ring(guest, receiver, gsi, 0);
}

int pvi_guest_broadcast(int guest, uint32_t gsi, uint32_t first)
{
	unsigned char all[KVM_PVI_UUID_SIZE];

	memset(all, 0xff, sizeof(all));
	return ring(guest, all, gsi, first);
}

int pvi_guest_connect(int guest, const unsigned char *receiver, uint32_t gsi)
{
	struct kvm_pvi_guest_connect arg = PVI_ARG(kvm_pvi_guest_connect, .gsi = gsi);

	pvi_copy_uuid(arg.uuid, receiver);
	return pvi_ioctl(guest, KVM_PVI_GUEST_CONNECT, &arg) ?: (int)arg.port;
}

int pvi_guest_disconnect(int guest, uint32_t port)
{
	struct kvm_pvi_guest_port arg = PVI_ARG(kvm_pvi_guest_port, .port = port);

	return pvi_ioctl(guest, KVM_PVI_GUEST_DISCONNECT, &arg);
}

int pvi_guest_notify(int guest, uint32_t port, uint32_t flags)
{
	struct kvm_pvi_guest_port arg = PVI_ARG(kvm_pvi_guest_port, .flags = flags, .port = port);

	return pvi_ioctl(guest, KVM_PVI_GUEST_NOTIFY, &arg) ?: (int)arg.result;
}

int pvi_guest_wait(int guest, uint32_t gsi, uint32_t flags)
{
	struct kvm_pvi_guest_wait arg = PVI_ARG(kvm_pvi_guest_wait, .flags = flags, .gsi = gsi);

	return pvi_ioctl(guest, KVM_PVI_GUEST_WAIT, &arg) ?: arg.fd;
}

int pvi_guest_wire(int guest, uint32_t gsi, int eventfd)
{
	int made, fd = pvi_eventfd(eventfd, &made), ret;
	struct kvm_pvi_guest_wire arg = PVI_ARG(kvm_pvi_guest_wire, .gsi = gsi, .fd = fd);

	if (fd < 0)
		return fd;
	ret = pvi_ioctl(guest, KVM_PVI_GUEST_WIRE, &arg);
	if (!ret)
		return fd;
	if (made >= 0)
		close(made);
	return ret;
}

int pvi_guest_unwire(int guest, uint32_t gsi, int eventfd)
{
	struct kvm_pvi_guest_wire arg = PVI_ARG(kvm_pvi_guest_wire, .gsi = gsi, .fd = eventfd);

	return pvi_ioctl(guest, KVM_PVI_GUEST_UNWIRE, &arg);
}

int pvi_guest_peers(int guest, struct kvm_pvi_peer *peers, size_t nr, uint32_t first)
{
	struct kvm_pvi_guest_peers arg = PVI_ARG(kvm_pvi_guest_peers,
		.first = first,
		.nr = nr < KVM_PVI_PEERS_MAX ? nr : KVM_PVI_PEERS_MAX,
		.address = (uintptr_t)peers);

	return pvi_ioctl(guest, KVM_PVI_GUEST_PEERS, &arg) ?: (int)arg.nr;
}

int pvi_guest_bell_send(int guest, uint32_t port, uint32_t flags, uint64_t bits, uint64_t *old)
{
	struct kvm_pvi_guest_bell_send arg = PVI_ARG(kvm_pvi_guest_bell_send,
		.flags = flags,
		.port = port,
		.bits = bits);
	int ret = pvi_ioctl(guest, KVM_PVI_GUEST_BELL_SEND, &arg);

	if (ret)
		return ret;
	if (old)
		*old = arg.old;
	return arg.result;
}

int pvi_guest_bell_receive(int guest, uint32_t bell, uint64_t clear, uint64_t *old)
{
	struct kvm_pvi_guest_bell_receive arg = PVI_ARG(kvm_pvi_guest_bell_receive,
		.bell = bell,
		.clear = clear);
	int ret = pvi_ioctl(guest, KVM_PVI_GUEST_BELL_RECEIVE, &arg);

	if (!ret && old)
		*old = arg.old;
	return ret;
}

int pvi_guest_bell_mask(int guest, uint32_t bell, uint64_t enable, uint64_t ack)
{
	struct kvm_pvi_guest_bell_mask arg = PVI_ARG(kvm_pvi_guest_bell_mask,
		.bell = bell,
		.enable = enable,
		.ack = ack);

	return pvi_ioctl(guest, KVM_PVI_GUEST_BELL_MASK, &arg);
}

int pvi_guest_bell_reset(int guest, uint32_t bell)
{
	struct kvm_pvi_guest_bell_reset arg = PVI_ARG(kvm_pvi_guest_bell_reset, .bell = bell);

	return pvi_ioctl(guest, KVM_PVI_GUEST_BELL_RESET, &arg);
}
