// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest bell - doorbells with 64 flags, on either side
 *
 * SEND and RECEIVE give back flags in RBX. A guest whose registers are encrypted
 * does not get them: it can send, but not receive.
 */
#include <linux/export.h>

#include "guest.h"

static int bell_must_have(u32 wanted)
{
	u32 features = READ_ONCE(pvi_host.features);

	if (!features)
		return -ENODEV;
	return (features & wanted) == wanted ? 0 : -EOPNOTSUPP;
}

/* A verdict; in @old what this sender sees of the flags before. */
static int bell_send(u32 port, u64 flags, u64 *old)
{
	u64 rbx = port;
	int ret = bell_must_have(KVM_PVI_FEAT_BELL);

	if (ret)
		return ret;
	if (bell_must_have(KVM_PVI_FEAT_RBX)) {
		*old = 0;
		return pvi_call(KVM_HC_BELL_SEND, port, flags, 0);
	}
	ret = pvi_call_rbx(KVM_HC_BELL_SEND, &rbx, flags, 0);
	if (ret >= 0)
		*old = rbx;
	return ret;
}

/**
 * kvm_pvi_guest_bell_send() - set flags of a peer's bell
 * @link: a connection to the GSI of the bell
 * @flags: those to set, at least one
 * @old: out: the flags before, of those that this guest may set; may be NULL. 0 without
 *	KVM_PVI_FEAT_RBX
 *
 * Any context but NMI.
 *
 * Return: the verdict: KVM_PVI_RAISED; _COALESCED: the line was up already, or the receiver has
 * not enabled these flags; _LATCHED; or -EPERM: a flag that was not granted, nothing changed;
 * -EINVAL: no flag, or the GSI has no bell; -EOPNOTSUPP: the host serves no bells; beyond that as
 * kvm_pvi_guest_link_ring().
 */
int kvm_pvi_guest_bell_send(struct kvm_pvi_guest_link *link, u64 flags, u64 *old)
{
	u64 before;
	int ret;

	if (unlikely(!pvi_ring_is_live(link)))
		return -ENXIO;
	ret = bell_send(link->port, flags, old ?: &before);
	return pvi_ring_answer(link, ret);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_bell_send);

/**
 * kvm_pvi_guest_bell_notify() - set flags of a peer's bell by a port of the VMM's
 * @port: its number, as the VMM has named it
 * @flags: those to set, at least one
 * @old: as of kvm_pvi_guest_bell_send()
 *
 * Any context but NMI.
 *
 * Return: as kvm_pvi_guest_bell_send(); -ENOENT: no such port.
 */
int kvm_pvi_guest_bell_notify(u32 port, u64 flags, u64 *old)
{
	u64 before;

	return bell_send(port, flags, old ?: &before);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_bell_notify);

/**
 * kvm_pvi_guest_bell_receive() - take flags of a bell of this guest
 * @bell: its number, as KVM_PVI_Q_GSI_BELL gives it
 * @clear: those to clear, at least one
 * @old: out: all flags before; may be NULL
 *
 * What a handler of the bell's GSI does. If an enabled flag is left the GSI is raised again. Any
 * context but NMI.
 *
 * Return: 0; -EINVAL: no flag; -ENOENT: no such bell; -EOPNOTSUPP: the host serves no bells, or
 * not in this guest; -ENODEV.
 */
int kvm_pvi_guest_bell_receive(u32 bell, u64 clear, u64 *old)
{
	u64 rbx = bell;
	int ret = bell_must_have(KVM_PVI_FEAT_BELL | KVM_PVI_FEAT_RBX);

	if (!ret)
		ret = pvi_call_rbx(KVM_HC_BELL_RECEIVE, &rbx, clear, 0);
	if (!ret && old)
		*old = rbx;
	return ret;
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_bell_receive);

/**
 * kvm_pvi_guest_bell_mask() - say which flags of a bell raise its GSI
 * @bell: its number
 * @enable: those that do
 * @ack: those that clear by themselves once the GSI was raised
 *
 * Any context but NMI. A host that comes back may have forgotten it, as after
 * kvm_pvi_guest_bell_reset(): kvm_pvi_guest_watch_host() tells.
 *
 * Return: 0; -ENOENT: no such bell; -EOPNOTSUPP: the host serves no bells; -ENODEV.
 */
int kvm_pvi_guest_bell_mask(u32 bell, u64 enable, u64 ack)
{
	return bell_must_have(KVM_PVI_FEAT_BELL) ?: pvi_call(KVM_HC_BELL_MASK, bell, enable, ack);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_bell_mask);

/**
 * kvm_pvi_guest_bell_reset() - no flag set, all enabled, none clears by itself
 * @bell: its number
 *
 * Any context but NMI.
 *
 * Return: as kvm_pvi_guest_bell_mask().
 */
int kvm_pvi_guest_bell_reset(u32 bell)
{
	return bell_must_have(KVM_PVI_FEAT_BELL) ?: pvi_call(KVM_HC_BELL_RESET, bell, 0, 0);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_bell_reset);
