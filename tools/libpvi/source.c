// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi source - eventfds that ring a port */
#include "internal.h"

static int call_source(int pvi, unsigned long cmd, uint32_t port, int eventfd)
{
	struct kvm_pvi_source arg = PVI_ARG(kvm_pvi_source, .fd = eventfd, .port = port);

	return pvi_ioctl(pvi, cmd, &arg);
}

int pvi_wire_source(int pvi, uint32_t port, int eventfd)
{
	int made, fd = pvi_eventfd(eventfd, &made);
	int ret = fd < 0 ? fd : call_source(pvi, KVM_PVI_WIRE_SOURCE, port, fd);

	if (ret && made >= 0)
		close(made);
	return ret ? ret : fd;
}

int pvi_unwire_source(int pvi, uint32_t port, int eventfd)
{
	return call_source(pvi, KVM_PVI_UNWIRE_SOURCE, port, eventfd);
}
