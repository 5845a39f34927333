/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pvi inject - into a receiver's irqchip, the part on the way of a ring, inline
 *
 * As KVM's irqfd does (virt/kvm/eventfd.c): along the VM's own routing entries,
 * under irq_srcu. Only IRQCHIP and MSI entries: a Xen event channel's set()
 * expects the VM's own threads. Not kvm_set_irq(), which would follow whatever
 * route a hostile VMM swaps in.
 *
 * A ring costs its sender the same whatever the receiver has made of the GSI:
 * what would take longer is not done here, but by pvi_inject_slowly().
 */
#ifndef _PVI_INJECT_H
#define _PVI_INJECT_H

#include <linux/kvm_host.h>
#include <linux/nospec.h>

#include "gsi.h"
#include "kvm_abi.h"

int pvi_inject_pins(struct pvi_gsi *g, struct kvm *kvm, struct hlist_node *node, bool slowly);
int pvi_inject_slowly(struct pvi_gsi *g, struct kvm *kvm);
bool pvi_inject_possible(struct kvm *kvm, u32 gsi);

static __always_inline struct kvm_kernel_irq_routing_entry *
pvi_inject_entry(struct hlist_node *node)
{
	return hlist_entry(node, struct kvm_kernel_irq_routing_entry, link);
}

static __always_inline bool pvi_inject_is_msi(const struct kvm_kernel_irq_routing_entry *e)
{
	return e->type == KVM_IRQ_ROUTING_MSI;
}

/* The node of a GSI's first routing entry, or NULL. Valid under irq_srcu. */
static __always_inline struct hlist_node *pvi_inject_first(struct kvm *kvm, u32 gsi)
{
	struct kvm_irq_routing_table *table;

	table = srcu_dereference(kvm->irq_routing, &kvm->irq_srcu);
	if (unlikely(!table || gsi >= table->nr_rt_entries))
		return NULL;
	return table->map[array_index_nospec(gsi, table->nr_rt_entries)].first;
}

/*
 * One interrupt along the routing entries of a direct GSI. > 0: KVM took it;
 * -EWOULDBLOCK: it takes long; else the pin is masked, no vCPU is there yet, or
 * its LAPIC is off. KVM lets an MSI stand alone on a GSI.
 *
 * Who changes the receiver's routes waits for all that are in here, and no signal ends that: so none of them may be
 * stopped here for as long as others like. Where the locks of pins sleep that cannot be had.
 */
static __always_inline int pvi_inject_gsi(struct pvi_gsi *g, struct kvm *kvm)
{
	struct hlist_node *node;
	int idx, ret;

	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_disable();
	idx = srcu_read_lock(&kvm->irq_srcu);
	node = pvi_inject_first(kvm, g->gsi);
	if (likely(node && pvi_inject_is_msi(pvi_inject_entry(node))))
		ret = pvi_kvm_set_msi_inatomic(pvi_inject_entry(node), kvm);
	else
		ret = pvi_inject_pins(g, kvm, node, false);
	srcu_read_unlock(&kvm->irq_srcu, idx);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_enable();
	return ret;
}

#endif /* _PVI_INJECT_H */
