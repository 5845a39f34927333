// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libpvi ivshmem_event - doorbells that KVM takes without an exit to the VMM
 *
 * A value of Doorbell names a receiver and a message, so an ioeventfd that matches it can ring one
 * GSI of that receiver. Sources do not ring bells, which are what IntrStatus is made of: messages
 * that are to come like that have a GSI each, and the receiver's VMM puts them into its bell.
 */
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "ivshmem.h"

int pvi_ivshmem_allow_values(struct pvi_ivshmem *dev, const struct ivshmem_peer *peer)
{
	unsigned int i;
	int ret = 0;

	for (i = 1; !ret && i <= MESSAGE_BITS; i++)
		if (dev->accepted[i] >= 0)
			ret = pvi_allow(dev->pvi, peer->uuid, PVI_IVSHMEM_GSI(i), NULL);
	return ret;
}

void pvi_ivshmem_revoke_values(struct pvi_ivshmem *dev, const struct ivshmem_peer *peer)
{
	unsigned int i;

	for (i = 1; i <= MESSAGE_BITS; i++)
		if (dev->accepted[i] >= 0)
			pvi_revoke(dev->pvi, peer->uuid, PVI_IVSHMEM_GSI(i));
}

static int allow_peers(struct pvi_ivshmem *dev, uint32_t gsi)
{
	uint32_t id;
	int ret = 0;

	for (id = 0; !ret && id < PVI_IVSHMEM_BROADCAST; id++)
		if (dev->peers[id].there)
			ret = pvi_allow(dev->pvi, dev->peers[id].uuid, gsi, NULL);
	return ret;
}

static void revoke_peers(struct pvi_ivshmem *dev, uint32_t gsi)
{
	uint32_t id;

	for (id = 0; id < PVI_IVSHMEM_BROADCAST; id++)
		if (dev->peers[id].there)
			pvi_revoke(dev->pvi, dev->peers[id].uuid, gsi);
}

static int accept_message(struct pvi_ivshmem *dev, uint8_t message)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = message };
	uint32_t gsi = PVI_IVSHMEM_GSI(message);
	int fd, ret;

	ret = pvi_expose(dev->pvi, gsi, KVM_PVI_GSI_EVENTFD, NULL);
	if (ret)
		return ret;
	fd = pvi_wire(dev->pvi, gsi, -1);
	ret = fd < 0 ? fd : allow_peers(dev, gsi);
	if (!ret && epoll_ctl(dev->epoll, EPOLL_CTL_ADD, fd, &event))
		ret = -errno;
	if (!ret) {
		dev->accepted[message] = fd;
		return 0;
	}
	revoke_peers(dev, gsi);
	pvi_unexpose(dev->pvi, gsi);
	if (fd >= 0)
		close(fd);
	return ret;
}

int pvi_ivshmem_accept(struct pvi_ivshmem *dev, uint8_t message)
{
	int ret;

	if (!message)
		return -EINVAL;
	pthread_mutex_lock(&dev->lock);
	ret = accept_message(dev, message);
	pvi_ivshmem_unlock(dev);
	return ret;
}

int pvi_ivshmem_fd(struct pvi_ivshmem *dev)
{
	return dev->epoll;
}

int pvi_ivshmem_dispatch(struct pvi_ivshmem *dev)
{
	struct epoll_event events[16];
	int n, i, ret = 0;
	uint64_t count;

	n = epoll_wait(dev->epoll, events, 16, 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	pthread_mutex_lock(&dev->lock);
	for (i = 0; i < n && !ret; i++) {
		/* Taken first: what comes from now on is told once more. So is what cannot be put there now. */
		if (read(dev->accepted[events[i].data.u32], &count, sizeof(count)) < 0)
			continue;
		ret = pvi_ivshmem_send(dev, dev->id, events[i].data.u32);
		if (ret == -EAGAIN)
			eventfd_write(dev->accepted[events[i].data.u32], 1);
	}
	pvi_ivshmem_unlock(dev);
	return ret;
}

static int call_ioeventfd(const struct ivshmem_armed *a, uint32_t flags)
{
	struct kvm_ioeventfd arg = {
		.datamatch = a->doorbell,
		.addr = a->bar + PVI_IVSHMEM_DOORBELL,
		.len = sizeof(a->doorbell),
		.fd = a->eventfd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH | flags,
	};

	return pvi_ioctl(a->vm_fd, KVM_IOEVENTFD, &arg);
}

/* KVM lets go of it first, or it would take writes that then ring nobody. */
static void free_armed(struct pvi_ivshmem *dev, struct ivshmem_armed *a)
{
	call_ioeventfd(a, KVM_IOEVENTFD_FLAG_DEASSIGN);
	pvi_unwire_source(dev->pvi, a->port, a->eventfd);
	close(a->eventfd);
	pvi_close_port(dev->pvi, a->port);
	free(a);
}

static int set_up(struct pvi_ivshmem *dev, struct ivshmem_armed *a)
{
	const struct ivshmem_peer *peer = &dev->peers[a->doorbell >> 8];
	int ret;

	/* Not for a peer that is removed meanwhile */
	do {
		a->port = pvi_connect(dev->pvi, KVM_PVI_PORT_ANY, peer->uuid,
				      PVI_IVSHMEM_GSI(a->doorbell & MESSAGE_BITS));
	} while (a->port == -ENOSPC && pvi_ivshmem_make_room(dev) && peer->there);
	if (a->port < 0)
		return a->port;
	a->eventfd = pvi_wire_source(dev->pvi, a->port, -1);
	ret = a->eventfd < 0 ? a->eventfd : call_ioeventfd(a, 0);
	if (!ret)
		return 0;
	if (a->eventfd >= 0)
		close(a->eventfd);
	pvi_close_port(dev->pvi, a->port);
	return ret;
}

static int arm(struct pvi_ivshmem *dev, int vm_fd, uint64_t bar, uint16_t doorbell)
{
	struct ivshmem_armed *a;
	int ret;

	if (!dev->peers[doorbell >> 8].there)
		return -ENOENT;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->vm_fd = vm_fd;
	a->bar = bar;
	a->doorbell = doorbell;
	ret = set_up(dev, a);
	if (ret) {
		free(a);
		return ret;
	}
	a->next = dev->armed;
	dev->armed = a;
	return 0;
}

int pvi_ivshmem_arm(struct pvi_ivshmem *dev, int vm_fd, uint64_t bar, uint16_t doorbell)
{
	int ret;

	if (doorbell >> 8 == PVI_IVSHMEM_BROADCAST)
		return -EOPNOTSUPP;
	if (!(doorbell & MESSAGE_BITS))
		return -EINVAL;
	pthread_mutex_lock(&dev->lock);
	ret = arm(dev, vm_fd, bar, doorbell);
	pvi_ivshmem_unlock(dev);
	return ret;
}

/* Disarms the values that are @doorbell in the bits of @mask: how many. */
static int disarm(struct pvi_ivshmem *dev, uint16_t doorbell, uint16_t mask)
{
	struct ivshmem_armed **link = &dev->armed, *a;
	int nr = 0;

	while ((a = *link)) {
		if ((a->doorbell ^ doorbell) & mask) {
			link = &a->next;
			continue;
		}
		*link = a->next;
		free_armed(dev, a);
		nr++;
	}
	return nr;
}

int pvi_ivshmem_disarm(struct pvi_ivshmem *dev, uint16_t doorbell)
{
	int nr;

	pthread_mutex_lock(&dev->lock);
	nr = disarm(dev, doorbell, 0xffff);
	pvi_ivshmem_unlock(dev);
	return nr ? 0 : -ENOENT;
}

void pvi_ivshmem_disarm_peer(struct pvi_ivshmem *dev, uint32_t id)
{
	disarm(dev, id << 8, 0xff00);
}

void pvi_ivshmem_end_events(struct pvi_ivshmem *dev)
{
	unsigned int i;

	disarm(dev, 0, 0);
	for (i = 1; i <= MESSAGE_BITS; i++) {
		if (dev->accepted[i] < 0)
			continue;
		revoke_peers(dev, PVI_IVSHMEM_GSI(i));
		pvi_unexpose(dev->pvi, PVI_IVSHMEM_GSI(i));
		close(dev->accepted[i]);
		dev->accepted[i] = -1;
	}
}
