// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi gsi - what an endpoint receives on */
#include <linux/kvm.h>

#include "internal.h"

int pvi_expose(int pvi, uint32_t gsi, uint32_t kind, const struct pvi_rate *rate)
{
	struct kvm_pvi_expose expose = PVI_ARG(kvm_pvi_expose,
		.gsi = gsi,
		.kind = kind,
		.rate = rate ? rate->rate : 0,
		.burst = rate ? rate->burst : 0);

	return pvi_ioctl(pvi, KVM_PVI_EXPOSE, &expose);
}

static int call_gsi(int pvi, unsigned long cmd, uint32_t gsi)
{
	struct kvm_pvi_gsi arg = PVI_ARG(kvm_pvi_gsi, .gsi = gsi);

	return pvi_ioctl(pvi, cmd, &arg);
}

int pvi_unexpose(int pvi, uint32_t gsi)
{
	return call_gsi(pvi, KVM_PVI_UNEXPOSE, gsi);
}

int pvi_unwire(int pvi, uint32_t gsi)
{
	return call_gsi(pvi, KVM_PVI_UNWIRE, gsi);
}

int pvi_kick(int pvi, uint32_t gsi)
{
	return call_gsi(pvi, KVM_PVI_KICK, gsi);
}

static int irqfd(int vm_fd, uint32_t gsi, int eventfd, uint32_t flags)
{
	struct kvm_irqfd arg = { .fd = eventfd, .gsi = gsi, .flags = flags };

	return pvi_ioctl(vm_fd, KVM_IRQFD, &arg);
}

/* Into KVM first: what is latched is delivered when the endpoint is wired. */
static int wire(int pvi, int vm_fd, uint32_t gsi, int eventfd)
{
	struct kvm_pvi_wire arg = PVI_ARG(kvm_pvi_wire, .gsi = gsi, .fd = eventfd);
	int ret;

	if (vm_fd >= 0) {
		ret = irqfd(vm_fd, gsi, eventfd, 0);
		if (ret)
			return ret;
	}
	ret = pvi_ioctl(pvi, KVM_PVI_WIRE, &arg);
	if (ret && vm_fd >= 0)
		irqfd(vm_fd, gsi, eventfd, KVM_IRQFD_FLAG_DEASSIGN);
	return ret;
}

static int make_and_wire(int pvi, int vm_fd, uint32_t gsi, int fd)
{
	int made, ret;

	fd = pvi_eventfd(fd, &made);
	ret = fd < 0 ? fd : wire(pvi, vm_fd, gsi, fd);
	if (ret && made >= 0)
		close(made);
	return ret ? ret : fd;
}

int pvi_wire(int pvi, uint32_t gsi, int eventfd)
{
	return make_and_wire(pvi, -1, gsi, eventfd);
}

int pvi_wire_irqfd(int pvi, int vm_fd, uint32_t gsi, int eventfd)
{
	return vm_fd < 0 ? -EBADF : make_and_wire(pvi, vm_fd, gsi, eventfd);
}

int pvi_unwire_irqfd(int pvi, int vm_fd, uint32_t gsi, int eventfd)
{
	int ret = pvi_unwire(pvi, gsi);

	return ret ? ret : irqfd(vm_fd, gsi, eventfd, KVM_IRQFD_FLAG_DEASSIGN);
}
