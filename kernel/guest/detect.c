// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest detect - is there a host, and is it the one that was met
 *
 * It may come after this guest has booted, and go at any time: any call may
 * begin to answer ENOSYS. Then it is not called any more until somebody asks for
 * it again. It may also be another from one call to the next, and no call tells: the
 * VMM has bound this guest anew, on this machine or another. The epoch tells.
 * Whoever is met has all said again that it may not know (GSIs that are used, the
 * one that tells of peers), and is asked which connections it has; a VMM that has
 * restored this guest may have brought all.
 */
#include <linux/export.h>
#include <linux/printk.h>

#include "guest.h"

struct pvi_host pvi_host;
DEFINE_MUTEX(pvi_host_lock);	/* see guest.h */

/* Wide values come in pieces of 16 bits, the lowest first. Also while the host counts as absent. */
static int detect_read_self(u32 field, u16 *pieces, unsigned int size)
{
	long piece;
	int i;

	for (i = 0; i < size / sizeof(*pieces); i++) {
		piece = pvi_hypercall(KVM_HC_PVI_QUERY, KVM_PVI_Q_SELF, 0,
				      KVM_PVI_Q_PIECE(field, i));
		if (piece < 0)
			return -ENODEV;
		pieces[i] = piece;
	}
	return 0;
}

/* Pieces of two bindings are no binding's; that shows when it is read again. */
static int detect_read_epoch(u64 *epoch)
{
	return detect_read_self(KVM_PVI_Q_SELF_EPOCH, (u16 *)epoch, sizeof(*epoch));
}

/*
 * The first host is told to RESET, for whatever ran here before; so is one that
 * is found after this driver had left another, unless it is the one that was
 * left so: it may have recorded rings since. One that has come in the place of
 * another is not: what it has, this driver has made, if its VMM has restored it.
 */
static int detect_meet(u32 features)
{
	bool same, reset;
	u64 epoch;

	if (detect_read_epoch(&epoch))
		return -ENODEV;
	same = pvi_host.met && pvi_host.epoch == epoch;
	reset = !pvi_host.met || (pvi_host.left && !same);
	if (reset && pvi_hypercall(KVM_HC_PVI_RESET, 0, 0, 0))
		return -ENODEV;
	pvi_ring_review(reset || pvi_host.left);
	pvi_host.epoch = epoch;
	pvi_host.met = true;
	pvi_host.left = false;
	WRITE_ONCE(pvi_host.features, features);
	return 0;
}

int pvi_detect_ask(void)
{
	long features = pvi_hypercall(KVM_HC_PVI_FEATURES, 0, 0, 0);
	int ret;

	lockdep_assert_held(&pvi_host_lock);
	if (features < 0)
		return pvi_detect_lost();
	if (KVM_PVI_FEAT_MAJOR(features) != KVM_PVI_ABI_MAJOR || !(features & KVM_PVI_FEAT_RING)) {
		pvi_detect_lost();
		return -EPROTONOSUPPORT;
	}
	ret = detect_meet(features);
	if (ret)
		return pvi_detect_lost();
	pvi_irq_rewire();
	pvi_peers_rewire();
	pvi_life_changed();
	return 0;
}

/* Only a host that comes or goes has this printed again. */
static int detect_ask_and_tell(void)
{
	int ret = pvi_detect_ask();
	uuid_t uuid;

	if (!ret && !detect_read_self(KVM_PVI_Q_SELF_UUID, (u16 *)&uuid, sizeof(uuid)))
		pr_info_ratelimited("this guest is %pUb\n", &uuid);
	return ret;
}

/* Looks for a host if there was none, and whether it is the one that was met. */
int pvi_detect_check_locked(void)
{
	u64 epoch;

	lockdep_assert_held(&pvi_host_lock);
	if (pvi_host.down)
		return -ENODEV;
	if (READ_ONCE(pvi_host.features) && !detect_read_epoch(&epoch) && epoch == pvi_host.epoch)
		return 0;
	return detect_ask_and_tell();
}

int pvi_detect_check(void)
{
	int ret;

	mutex_lock(&pvi_host_lock);
	ret = pvi_detect_check_locked();
	mutex_unlock(&pvi_host_lock);
	return ret;
}

/* There was a host, and there is none. Any context. */
void pvi_detect_gone(void)
{
	pr_notice_ratelimited("the host does not serve this guest any more; each open of /dev/kvm_pvi_guest asks again\n");
	pvi_life_changed();
}

/* The host has answered ENOSYS. Any context. */
int pvi_detect_lost(void)
{
	if (xchg(&pvi_host.features, 0))
		pvi_detect_gone();
	return -ENODEV;
}

/* Leave nothing behind: ports closed, virtual GSIs unwired, nothing recorded. */
void pvi_detect_reset(void)
{
	u64 epoch;

	if (!xchg(&pvi_host.features, 0))
		return;
	if (detect_read_epoch(&epoch) || pvi_hypercall(KVM_HC_PVI_RESET, 0, 0, 0))
		return;
	pvi_host.epoch = epoch;
	pvi_host.left = true;
}

/**
 * kvm_pvi_guest_probe() - ask for a host again, if there was none, or it may be another
 *
 * A host may come after this guest has booted. May sleep.
 *
 * Return: 0 if there is one; -ENODEV; -EPROTONOSUPPORT if it speaks another ABI.
 */
int kvm_pvi_guest_probe(void)
{
	return pvi_detect_check();
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_probe);

/**
 * kvm_pvi_guest_features() - what the host serves
 *
 * Return: KVM_PVI_FEAT_*, 0 if there is no host now.
 */
u32 kvm_pvi_guest_features(void)
{
	return READ_ONCE(pvi_host.features);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_features);

/**
 * kvm_pvi_guest_self() - who this guest is
 * @uuid: its name, may be NULL
 * @epoch: which life of that name this is, may be NULL
 *
 * The epoch changes when this guest's VMM binds it anew, on this host or another. Any context but
 * NMI.
 *
 * Return: 0 or -ENODEV.
 */
int kvm_pvi_guest_self(uuid_t *uuid, u64 *epoch)
{
	if (!READ_ONCE(pvi_host.features))
		return -ENODEV;
	if (uuid && detect_read_self(KVM_PVI_Q_SELF_UUID, (u16 *)uuid, sizeof(*uuid)))
		return pvi_detect_lost();
	if (epoch && detect_read_epoch(epoch))
		return pvi_detect_lost();
	return 0;
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_self);
