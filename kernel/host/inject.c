// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi inject - into a receiver's irqchip: pins, and GSIs with several routes
 */
#include "inject.h"

/* NULL of NULL */
static struct kvm_kernel_irq_routing_entry *entry_of(struct hlist_node *node)
{
	return hlist_entry_safe(node, struct kvm_kernel_irq_routing_entry, link);
}

static struct kvm_kernel_irq_routing_entry *
next_entry(const struct kvm_kernel_irq_routing_entry *e)
{
	return entry_of(e->link.next);
}

/* As KVM's irqfd does: the short way first, which knows most destinations. */
static int set_msi(struct kvm_kernel_irq_routing_entry *e, struct kvm *kvm)
{
	int ret = pvi_kvm_set_msi_inatomic(e, kvm);

	if (ret == -EWOULDBLOCK)
		ret = e->set(e, kvm, KVM_USERSPACE_IRQ_SOURCE_ID, 1, false);
	return ret;
}

/* Results added up as kvm_set_irq() does, negative ones ignored. */
static int set_entries(struct kvm *kvm, struct kvm_kernel_irq_routing_entry *e, int level)
{
	int ret = -1;
	int one;

	for (; e; e = next_entry(e)) {
		if (pvi_inject_is_pin(e))
			one = e->set(e, kvm, KVM_USERSPACE_IRQ_SOURCE_ID, level, false);
		else if (pvi_inject_is_msi(e) && level)
			one = set_msi(e, kvm);
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
 * Without any entry nothing is taken.
 */
int pvi_inject_pulse(struct pvi_gsi *g, struct kvm *kvm, struct hlist_node *node)
{
	struct kvm_kernel_irq_routing_entry *e = entry_of(node);
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
	struct kvm_kernel_irq_routing_entry *e = entry_of(pvi_inject_first(kvm, gsi));

	while (e && (pvi_inject_is_pin(e) || pvi_inject_is_msi(e)))
		e = next_entry(e);
	srcu_read_unlock(&kvm->irq_srcu, idx);
	return !e;
}
