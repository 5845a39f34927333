// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi acl - who may ring an endpoint */
#include "internal.h"

int pvi_do_allow(int pvi, const unsigned char *sender, struct kvm_pvi_allow *arg,
		 const struct pvi_rate *rate)
{
	pvi_copy_uuid(arg->uuid, sender);
	if (rate) {
		arg->rate = rate->rate;
		arg->burst = rate->burst;
	}
	return pvi_ioctl(pvi, KVM_PVI_ALLOW, arg);
}

int pvi_allow(int pvi, const unsigned char *sender, uint32_t gsi, const struct pvi_rate *rate)
{
	struct kvm_pvi_allow arg = PVI_ARG(kvm_pvi_allow, .gsi = gsi);

	return pvi_do_allow(pvi, sender, &arg, rate);
}

int pvi_allow_owner(int pvi, const unsigned char *sender, uint32_t gsi, uid_t owner,
		    const struct pvi_rate *rate)
{
	struct kvm_pvi_allow arg = PVI_ARG(kvm_pvi_allow,
		.flags = KVM_PVI_ALLOW_OWNER,
		.gsi = gsi,
		.owner = owner);

	return pvi_do_allow(pvi, sender, &arg, rate);
}

static int do_revoke(int pvi, const unsigned char *sender, struct kvm_pvi_revoke *arg)
{
	pvi_copy_uuid(arg->uuid, sender);
	return pvi_ioctl(pvi, KVM_PVI_REVOKE, arg);
}

int pvi_revoke(int pvi, const unsigned char *sender, uint32_t gsi)
{
	struct kvm_pvi_revoke arg = PVI_ARG(kvm_pvi_revoke, .gsi = gsi);

	return do_revoke(pvi, sender, &arg);
}

int pvi_revoke_all(int pvi, const unsigned char *sender)
{
	struct kvm_pvi_revoke arg = PVI_ARG(kvm_pvi_revoke, .flags = KVM_PVI_REVOKE_ALL);

	return do_revoke(pvi, sender, &arg);
}
