// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi inject - into a receiver's irqchip
 *
 * As KVM's irqfd does (virt/kvm/eventfd.c): along the VM's own routing entries,
 * under irq_srcu. Only IRQCHIP and MSI entries: a Xen event channel's set()
 * expects the VM's own threads. Not kvm_set_irq(), which would follow whatever
 * route a hostile VMM swaps in.
 */
#include <linux/kvm_host.h>
#include <linux/nospec.h>

#include "kvm_abi.h"
#include "pvi.h"

static bool is_pin(const struct kvm_kernel_irq_routing_entry *e)
{
	return e->type == KVM_IRQ_ROUTING_IRQCHIP;
}

static bool is_msi(const struct kvm_kernel_irq_routing_entry *e)
{
	return e->type == KVM_IRQ_ROUTING_MSI;
}

/* The first routing entry of a GSI, or NULL. Valid under irq_srcu. */
static struct kvm_kernel_irq_routing_entry *first_entry(struct kvm *kvm, u32 gsi)
{
	struct kvm_irq_routing_table *table;
	struct hlist_node *node;

	table = srcu_dereference(kvm->irq_routing, &kvm->irq_srcu);
	if (unlikely(!table || gsi >= table->nr_rt_entries))
		return NULL;
	node = table->map[array_index_nospec(gsi, table->nr_rt_entries)].first;
	return hlist_entry_safe(node, struct kvm_kernel_irq_routing_entry, link);
}

static struct kvm_kernel_irq_routing_entry *
next_entry(const struct kvm_kernel_irq_routing_entry *e)
{
	return hlist_entry_safe(e->link.next, struct kvm_kernel_irq_routing_entry, link);
}

/* Results added up as kvm_set_irq() does, negative ones ignored. */
static int set_entries(struct kvm *kvm, struct kvm_kernel_irq_routing_entry *e, int level)
{
	int ret = -1;
	int one;

	for (; e; e = next_entry(e)) {
		if (is_pin(e))
			one = e->set(e, kvm, KVM_USERSPACE_IRQ_SOURCE_ID, level, false);
		else if (is_msi(e) && level)
			one = pvi_kvm_set_msi(e, kvm);
		else
			continue;
		if (one >= 0)
			ret = max(ret, 0) + one;
	}
	return ret;
}

/*
 * Up and down are one critical section, or of two senders one would find the
 * line up though the other's interrupt has been handled already. An "up" that
 * says 0 found the line up from elsewhere: lower it and raise once more.
 */
static noinline int pulse(struct pvi_gsi *g, struct kvm_kernel_irq_routing_entry *e)
{
	struct kvm *kvm = g->vm->kvm;
	int ret;

	spin_lock(&g->lock);
	ret = set_entries(kvm, e, 1);
	set_entries(kvm, e, 0);
	if (unlikely(!ret)) {
		ret = set_entries(kvm, e, 1);
		set_entries(kvm, e, 0);
	}
	spin_unlock(&g->lock);
	return ret;
}

/* False if the GSI is routed to what kvm_pvi cannot inject. */
bool pvi_inject_possible(struct kvm *kvm, u32 gsi)
{
	int idx = srcu_read_lock(&kvm->irq_srcu);
	struct kvm_kernel_irq_routing_entry *e = first_entry(kvm, gsi);

	while (e && (is_pin(e) || is_msi(e)))
		e = next_entry(e);
	srcu_read_unlock(&kvm->irq_srcu, idx);
	return !e;
}

/*
 * One interrupt along the routing entries of a direct GSI. True if KVM took
 * it; false if the pin is masked, no vCPU is there yet, or its LAPIC is off.
 */
bool pvi_inject_gsi(struct pvi_gsi *g)
{
	struct kvm *kvm = g->vm->kvm;
	struct kvm_kernel_irq_routing_entry *e;
	int ret = -1;
	int idx;

	idx = srcu_read_lock(&kvm->irq_srcu);
	e = first_entry(kvm, g->gsi);
	if (likely(e))
		ret = is_msi(e) && !e->link.next ? pvi_kvm_set_msi(e, kvm) : pulse(g, e);
	srcu_read_unlock(&kvm->irq_srcu, idx);
	return ret > 0;
}
