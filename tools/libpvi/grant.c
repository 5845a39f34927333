// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi grant - permissions that are descriptors */
#include "internal.h"

static int grant(int pvi, struct kvm_pvi_grant *arg, const struct pvi_rate *rate, uint64_t *id)
{
	int ret;

	if (rate) {
		arg->rate = rate->rate;
		arg->burst = rate->burst;
	}
	ret = pvi_ioctl(pvi, KVM_PVI_GRANT, arg);
	if (ret)
		return ret;
	if (id)
		*id = arg->id;
	return arg->fd;
}

int pvi_grant(int pvi, uint32_t gsi, uint32_t uses, const struct pvi_rate *rate, uint64_t *id)
{
	struct kvm_pvi_grant arg = PVI_ARG(kvm_pvi_grant, .gsi = gsi, .uses = uses);

	return grant(pvi, &arg, rate, id);
}

int pvi_grant_bell(int pvi, uint32_t bell, uint64_t bits, uint32_t uses,
		   const struct pvi_rate *rate, uint64_t *id)
{
	struct kvm_pvi_grant arg = PVI_ARG(kvm_pvi_grant,
		.flags = KVM_PVI_GRANT_BELL,
		.gsi = bell,
		.uses = uses,
		.bits = bits);

	return grant(pvi, &arg, rate, id);
}

int pvi_ungrant(int pvi, uint64_t id)
{
	struct kvm_pvi_ungrant arg = PVI_ARG(kvm_pvi_ungrant, .id = id);

	return pvi_ioctl(pvi, KVM_PVI_UNGRANT, &arg);
}

int pvi_connect_grant(int pvi, uint32_t port, int grant)
{
	struct kvm_pvi_connect arg = PVI_ARG(kvm_pvi_connect,
		.flags = KVM_PVI_CONNECT_GRANT,
		.port = port,
		.grant_fd = grant);
	int ret = pvi_ioctl(pvi, KVM_PVI_CONNECT, &arg);

	return ret ? ret : (int)arg.port;
}
