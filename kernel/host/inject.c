// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi inject - into a receiver's irqchip: pins, and what takes long
 */
#include "inject.h"

/*
 * A pin's interrupt may be for any number of vCPUs, each of which KVM looks at.
 * As many are looked at on the way of a ring.
 */
#define VCPUS_MAX	64

/* NULL of NULL */
static struct kvm_kernel_irq_routing_entry *inject_entry_of(struct hlist_node *node)
{
	return hlist_entry_safe(node, struct kvm_kernel_irq_routing_entry, link);
}

static struct kvm_kernel_irq_routing_entry *
inject_next(const struct kvm_kernel_irq_routing_entry *e)
{
	return inject_entry_of(e->link.next);
}

static bool inject_is_pin(const struct kvm_kernel_irq_routing_entry *e)
{
	return e->type == KVM_IRQ_ROUTING_IRQCHIP;
}

static bool inject_is_ioapic(const struct kvm_kernel_irq_routing_entry *e)
{
	return e->irqchip.irqchip == KVM_IRQCHIP_IOAPIC;
}

static int inject_set(struct kvm_kernel_irq_routing_entry *e, struct kvm *kvm, int level)
{
	return e->set(e, kvm, KVM_USERSPACE_IRQ_SOURCE_ID, level, false);
}

/*
 * Sets all pins of a GSI. KVM's default routes lead to an 8259 as well as to the
 * IOAPIC. Where there is an IOAPIC it decides whether the interrupt was taken:
 * an 8259 takes it even at reset, and forgets it with the ICW1 of the guest
 * that finds it. Others add up as in kvm_set_irq(), negative ones ignored.
 */
static int inject_level(struct kvm *kvm, struct kvm_kernel_irq_routing_entry *e, int level)
{
	bool ioapic = false;
	int ret = -1;

	for (; e; e = inject_next(e)) {
		int one;

		if (!inject_is_pin(e))
			continue;
		one = inject_set(e, kvm, level);
		if (inject_is_ioapic(e))
			ret = one;
		else if (one >= 0 && !ioapic)
			ret = max(ret, 0) + one;
		ioapic |= inject_is_ioapic(e);
	}
	return ret;
}

/*
 * Up and down are one critical section, or of two senders one would find the
 * line up though the other's interrupt has been handled already. An "up" that
 * says 0 found the line up from elsewhere: lower it and raise once more.
 * Without any entry nothing is taken. Called under irq_srcu.
 */
int pvi_inject_pins(struct pvi_gsi *g, struct kvm *kvm, struct hlist_node *node, bool slowly)
{
	struct kvm_kernel_irq_routing_entry *e = inject_entry_of(node);
	int ret;

	if (unlikely(atomic_read(&kvm->online_vcpus) > VCPUS_MAX && !slowly))
		return -EWOULDBLOCK;
	spin_lock(&g->lock);
	ret = inject_level(kvm, e, 1);
	inject_level(kvm, e, 0);
	if (unlikely(!ret)) {
		ret = inject_level(kvm, e, 1);
		inject_level(kvm, e, 0);
	}
	spin_unlock(&g->lock);
	return ret;
}

/* One interrupt, however long it takes. > 0: KVM took it. */
int pvi_inject_slowly(struct pvi_gsi *g, struct kvm *kvm)
{
	int idx = srcu_read_lock(&kvm->irq_srcu);
	struct hlist_node *node = pvi_inject_first(kvm, g->gsi);
	int ret;

	if (node && pvi_inject_is_msi(pvi_inject_entry(node)))
		ret = inject_set(pvi_inject_entry(node), kvm, 1);
	else
		ret = pvi_inject_pins(g, kvm, node, true);
	srcu_read_unlock(&kvm->irq_srcu, idx);
	return ret;
}

/* False if the GSI is routed to what kvm_pvi cannot inject. */
bool pvi_inject_possible(struct kvm *kvm, u32 gsi)
{
	int idx = srcu_read_lock(&kvm->irq_srcu);
	struct kvm_kernel_irq_routing_entry *e = inject_entry_of(pvi_inject_first(kvm, gsi));

	while (e && (inject_is_pin(e) || pvi_inject_is_msi(e)))
		e = inject_next(e);
	srcu_read_unlock(&kvm->irq_srcu, idx);
	return !e;
}
