// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi port - what an endpoint rings */
#include "internal.h"

int pvi_set_port(int pvi, uint32_t port, int eventfd)
{
	struct kvm_pvi_port arg = PVI_ARG(kvm_pvi_port, .port = port, .fd = eventfd);
	int ret = pvi_ioctl(pvi, KVM_PVI_SET_PORT, &arg);

	return ret ? ret : (int)arg.port;
}

static int connect_port(int pvi, const unsigned char *receiver, struct kvm_pvi_connect *arg)
{
	int ret;

	pvi_copy_uuid(arg->uuid, receiver);
	ret = pvi_ioctl(pvi, KVM_PVI_CONNECT, arg);
	return ret ? ret : (int)arg->port;
}

int pvi_connect(int pvi, uint32_t port, const unsigned char *receiver, uint32_t gsi)
{
	struct kvm_pvi_connect arg = PVI_ARG(kvm_pvi_connect, .gsi = gsi, .port = port);

	return connect_port(pvi, receiver, &arg);
}

int pvi_connect_owner(int pvi, uint32_t port, const unsigned char *receiver, uint32_t gsi,
		      uid_t owner)
{
	struct kvm_pvi_connect arg = PVI_ARG(kvm_pvi_connect,
		.flags = KVM_PVI_CONNECT_OWNER,
		.gsi = gsi,
		.port = port,
		.owner = owner);

	return connect_port(pvi, receiver, &arg);
}

int pvi_close_port(int pvi, uint32_t port)
{
	struct kvm_pvi_port arg = PVI_ARG(kvm_pvi_port, .port = port);

	return pvi_ioctl(pvi, KVM_PVI_CLOSE_PORT, &arg);
}
