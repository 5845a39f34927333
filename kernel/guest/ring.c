// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest ring - ringing others: by name, through a connection, through a VMM's port
 *
 * The host's number of a connection is good for one binding of this guest: when that
 * has ended the host has closed it, and answers ENOENT. A host before minor 1 of
 * the ABI may have given the number to another; there the connection is gone as soon
 * as the other binding is noticed, which is before another connection is made.
 */
#include <linux/export.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/xarray.h>

#include "guest.h"

/* The host wants a name in memory that is contiguous and aligned: one place per CPU. */
struct slot {
	uuid_t uuid;
} ____cacheline_aligned;

static struct slot *slots;

/* Ports that this driver has made: number -> struct kvm_pvi_guest_link */
static DEFINE_XARRAY(links);

int pvi_ring_init(void)
{
	slots = kzalloc(roundup_pow_of_two(nr_cpu_ids * sizeof(*slots)), GFP_KERNEL);
	return slots ? 0 : -ENOMEM;
}

void pvi_ring_exit(void)
{
	xa_destroy(&links);
	kfree(slots);
}

/* The hypercalls that take a name first. */
static long ring_call_uuid(u32 nr, const uuid_t *to, u32 gsi, u32 first)
{
	struct slot *slot;
	unsigned long flags;
	long ret;

	local_irq_save(flags);
	slot = &slots[smp_processor_id()];
	slot->uuid = *to;
	ret = pvi_call(nr, virt_to_phys(slot), gsi, first);
	local_irq_restore(flags);
	return ret;
}

/* The max UUID rings the peers at KVM_PVI_BROADCAST_MAX positions from @first on. */
int pvi_ring_uuid(const uuid_t *to, u32 gsi, u32 first)
{
	return ring_call_uuid(KVM_HC_PVI, to, gsi, first);
}

/**
 * kvm_pvi_guest_ring() - ring a GSI of a VM by its name
 * @to: the VM
 * @gsi: its GSI
 *
 * What was written before is seen by the receiver's handler. Any context but NMI.
 *
 * Return: the verdict, KVM_PVI_RAISED, _COALESCED or _LATCHED: the receiver is or will be
 * interrupted; -EPERM: no such VM, not exposed or not allowed; -EAGAIN: throttled, the caller owes
 * another try; -EINVAL; -ENODEV.
 */
int kvm_pvi_guest_ring(const uuid_t *to, u32 gsi)
{
	return pvi_ring_uuid(to, gsi, 0);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_ring);

/**
 * kvm_pvi_guest_notify() - ring a port that the VMM has made for this guest
 * @port: its number, as the VMM has named it
 *
 * Any context but NMI.
 *
 * Return: as kvm_pvi_guest_link_ring(); -ENOENT: no such port.
 */
int kvm_pvi_guest_notify(u32 port)
{
	return pvi_call(KVM_HC_NOTIFY, port, 0, 0);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_notify);

/* False: the host has closed it, and its number means nothing any more. */
bool pvi_ring_is_live(const struct kvm_pvi_guest_link *link)
{
	return !READ_ONCE(link->gone);
}

/* What @ret, the answer to a call by the number of @link, means to its owner. Any context. */
int pvi_ring_answer(struct kvm_pvi_guest_link *link, long ret)
{
	/* Closed, or somebody else was rung. */
	if (unlikely(!pvi_ring_is_live(link)))
		return ret == -ENODEV ? ret : -ENXIO;
	if (likely(ret != -ENOENT))
		return ret;
	WRITE_ONCE(link->gone, true);
	pvi_life_look();
	return -ENXIO;
}

/* Another host that has it has got it from its VMM, who has restored this guest. */
static bool ring_link_is_known(const struct kvm_pvi_guest_link *link)
{
	return KVM_PVI_PORT_GENERATION(link->port) &&
	       pvi_hypercall(KVM_HC_PVI_QUERY, KVM_PVI_Q_PORT, link->port,
			     KVM_PVI_Q_PORT_GSI) == link->gsi;
}

/* A host was met: it has none (@all_gone), or does it know those there are? */
void pvi_ring_review(bool all_gone)
{
	struct kvm_pvi_guest_link *link;
	unsigned long port;

	lockdep_assert_held(&pvi_host_lock);
	xa_for_each(&links, port, link) {
		if (all_gone || !ring_link_is_known(link))
			WRITE_ONCE(link->gone, true);
		cond_resched();
	}
}

bool pvi_ring_used(void)
{
	return !xa_empty(&links);
}

/* Whether a number stands for a connection of this driver's: no VMM's port, then. */
bool pvi_ring_is_linked(u32 port)
{
	struct kvm_pvi_guest_link *link;
	bool linked;

	if (KVM_PVI_PORT_GENERATION(port))
		return true;
	rcu_read_lock();
	link = xa_load(&links, port);
	linked = link && pvi_ring_is_live(link);
	rcu_read_unlock();
	return linked;
}

/* The host forgets the connection, unless it has done so already. With pvi_host_lock held. */
static void ring_close_port(const struct kvm_pvi_guest_link *link)
{
	lockdep_assert_held(&pvi_host_lock);
	/* Of a number without a generation the host cannot tell whose it is. */
	if (!KVM_PVI_PORT_GENERATION(link->port))
		pvi_detect_check_locked();
	if (pvi_ring_is_live(link))
		pvi_call(KVM_HC_PVI_DISCONNECT, link->port, 0, 0);
}

/* Not while the host is found or left: a port of before it would stay behind, or be void. */
static int ring_open_port(struct kvm_pvi_guest_link *link, const uuid_t *to, u32 gsi)
{
	long ret;

	lockdep_assert_held(&pvi_host_lock);
	if (pvi_detect_check_locked())
		return -ENODEV;
	ret = ring_call_uuid(KVM_HC_PVI_CONNECT, to, gsi, 0);
	if (ret < 0)
		return ret;
	link->port = ret;
	link->gsi = gsi;
	ret = xa_err(xa_store(&links, link->port, link, GFP_KERNEL_ACCOUNT));
	if (ret)
		ring_close_port(link);
	return ret;
}

/**
 * kvm_pvi_guest_connect() - make a connection to a GSI of a VM
 * @to: the VM
 * @gsi: its GSI
 *
 * Ringing it is cheaper than ringing by name, and it never reaches a successor of the same name.
 * It does not outlive a suspend of this guest, nor the host, nor that this guest's VMM binds it
 * anew without restoring what it had: then it answers -ENXIO; disconnect it, and connect anew.
 * kvm_pvi_guest_watch_host() tells. May sleep.
 *
 * Return: the connection, or an ERR_PTR() of -EPERM: no such VM, not exposed or not allowed;
 * -ENOSPC: the host's limit of ports; -EINVAL; -ENOMEM; -ENODEV.
 */
struct kvm_pvi_guest_link *kvm_pvi_guest_connect(const uuid_t *to, u32 gsi)
{
	struct kvm_pvi_guest_link *link = kzalloc(sizeof(*link), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!link)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&pvi_host_lock);
	ret = ring_open_port(link, to, gsi);
	mutex_unlock(&pvi_host_lock);
	if (ret) {
		kfree(link);
		return ERR_PTR(ret);
	}
	pvi_life_begin();
	return link;
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_connect);

/**
 * kvm_pvi_guest_disconnect() - end a connection
 * @link: from kvm_pvi_guest_connect(); nobody rings it any more, but under RCU
 *
 * May sleep.
 */
void kvm_pvi_guest_disconnect(struct kvm_pvi_guest_link *link)
{
	mutex_lock(&pvi_host_lock);
	ring_close_port(link);
	/* Another may stand under that number by now. */
	xa_cmpxchg(&links, link->port, link, NULL, 0);
	mutex_unlock(&pvi_host_lock);
	kfree_rcu(link, rcu);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_disconnect);

/**
 * kvm_pvi_guest_link_ring() - ring through a connection
 * @link: from kvm_pvi_guest_connect()
 *
 * Any context but NMI.
 *
 * Return: the verdict as kvm_pvi_guest_ring(); -ENXIO: the receiver has died, or the host has
 * closed the connection, see kvm_pvi_guest_connect(); -EPERM: the permission was taken back;
 * -EINVAL: the GSI has a bell; -EAGAIN: throttled, the caller owes another try; -ENODEV.
 */
int kvm_pvi_guest_link_ring(struct kvm_pvi_guest_link *link)
{
	if (unlikely(!pvi_ring_is_live(link)))
		return -ENXIO;
	return pvi_ring_answer(link, pvi_call(KVM_HC_NOTIFY, link->port, 0, 0));
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_link_ring);

/**
 * kvm_pvi_guest_link_ring_status() - ring a connection, unless the receiver is due to look already
 * @link: from kvm_pvi_guest_connect(), to a GSI that has a status word
 * @word: where the caller has that word mapped, cached, in memory that the VMMs share
 *
 * A word is not to be believed while no host cares for it; hence this, rather than
 * kvm_pvi_status_owed() alone. The receiver calls kvm_pvi_status_take() first thing in its
 * handler. Any context but NMI.
 *
 * Return: as kvm_pvi_guest_link_ring(); KVM_PVI_COALESCED without a hypercall if a ring is owed.
 */
int kvm_pvi_guest_link_ring_status(struct kvm_pvi_guest_link *link,
				   const struct kvm_pvi_status *word)
{
	if (likely(pvi_ring_is_live(link) && kvm_pvi_guest_features()) && kvm_pvi_status_owed(word))
		return KVM_PVI_COALESCED;
	return kvm_pvi_guest_link_ring(link);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_link_ring_status);
