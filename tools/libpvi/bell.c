// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi bell - doorbells with 64 flags */
#include "internal.h"

int pvi_bell_create(int pvi, uint32_t bell, uint32_t gsi)
{
	struct kvm_pvi_bell arg = PVI_ARG(kvm_pvi_bell, .bell = bell, .gsi = gsi);

	return pvi_ioctl(pvi, KVM_PVI_BELL, &arg);
}

int pvi_allow_bell(int pvi, const unsigned char *sender, uint32_t bell, uint64_t bits,
		   const struct pvi_rate *rate)
{
	struct kvm_pvi_allow arg = PVI_ARG(kvm_pvi_allow,
		.flags = KVM_PVI_ALLOW_BELL,
		.gsi = bell,
		.bits = bits);

	return pvi_do_allow(pvi, sender, &arg, rate);
}

int pvi_allow_bell_owner(int pvi, const unsigned char *sender, uint32_t bell, uint64_t bits,
			 uid_t owner, const struct pvi_rate *rate)
{
	struct kvm_pvi_allow arg = PVI_ARG(kvm_pvi_allow,
		.flags = KVM_PVI_ALLOW_BELL | KVM_PVI_ALLOW_OWNER,
		.gsi = bell,
		.owner = owner,
		.bits = bits);

	return pvi_do_allow(pvi, sender, &arg, rate);
}

int pvi_revoke_bell(int pvi, const unsigned char *sender, uint32_t bell)
{
	struct kvm_pvi_revoke arg = PVI_ARG(kvm_pvi_revoke,
		.flags = KVM_PVI_REVOKE_BELL,
		.gsi = bell);

	pvi_copy_uuid(arg.uuid, sender);
	return pvi_ioctl(pvi, KVM_PVI_REVOKE, &arg);
}

int pvi_bell_send(int pvi, uint32_t port, uint64_t flags, uint64_t *old)
{
	return pvi_call3(pvi, KVM_HC_BELL_SEND, port, flags, 0, old);
}

int pvi_bell_receive(int pvi, uint32_t bell, uint64_t clear, uint64_t *old)
{
	return pvi_call3(pvi, KVM_HC_BELL_RECEIVE, bell, clear, 0, old);
}

int pvi_bell_mask(int pvi, uint32_t bell, uint64_t enable, uint64_t ack)
{
	return pvi_call3(pvi, KVM_HC_BELL_MASK, bell, enable, ack, NULL);
}

int pvi_bell_reset(int pvi, uint32_t bell)
{
	return pvi_call3(pvi, KVM_HC_BELL_RESET, bell, 0, 0, NULL);
}
