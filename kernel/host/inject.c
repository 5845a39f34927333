// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi inject - into a receiver's irqchip
 *
 * As KVM's irqfd does (virt/kvm/eventfd.c): along the VM's own routing entries,
 * copied under irq_srcu. Only IRQCHIP and MSI entries: a Xen event channel's
 * set() expects the VM's own threads. Not kvm_set_irq(), which would follow
 * whatever route a hostile VMM swaps in.
 */
#include <linux/kvm_host.h>
#include <linux/nospec.h>

#include "pvi.h"

struct routes {
	struct kvm_kernel_irq_routing_entry entry[KVM_NR_IRQCHIPS];
	unsigned int nr;
	bool pins;
	bool foreign;
};

static void routes_copy(struct kvm *kvm, u32 gsi, struct routes *r)
{
	struct kvm_kernel_irq_routing_entry *e;
	struct kvm_irq_routing_table *table;
	int idx;

	r->nr = 0;
	r->pins = false;
	r->foreign = false;

	idx = srcu_read_lock(&kvm->irq_srcu);
	table = srcu_dereference(kvm->irq_routing, &kvm->irq_srcu);
	if (table && gsi < table->nr_rt_entries) {
		gsi = array_index_nospec(gsi, table->nr_rt_entries);
		hlist_for_each_entry(e, &table->map[gsi], link) {
			if (e->type != KVM_IRQ_ROUTING_IRQCHIP && e->type != KVM_IRQ_ROUTING_MSI) {
				r->foreign = true;
				continue;
			}
			if (r->nr == ARRAY_SIZE(r->entry))
				break;
			r->pins |= e->type == KVM_IRQ_ROUTING_IRQCHIP;
			r->entry[r->nr++] = *e;
		}
	}
	srcu_read_unlock(&kvm->irq_srcu, idx);
}

/* Results added up as kvm_set_irq() does, negative ones ignored. */
static int routes_set(struct kvm *kvm, struct routes *r, int level)
{
	int ret = -1;
	int i;

	for (i = 0; i < r->nr; i++) {
		struct kvm_kernel_irq_routing_entry *e = &r->entry[i];
		int one;

		if (!level && e->type == KVM_IRQ_ROUTING_MSI)
			continue;
		one = e->set(e, kvm, KVM_USERSPACE_IRQ_SOURCE_ID, level, false);
		if (one >= 0)
			ret = max(ret, 0) + one;
	}
	return ret;
}

/* False if the GSI is routed to what kvm_pvi cannot inject. */
bool pvi_inject_possible(struct kvm *kvm, u32 gsi)
{
	struct routes r;

	routes_copy(kvm, gsi, &r);
	return !r.foreign;
}

/*
 * One interrupt along the routing entries of a direct GSI. True if KVM took
 * it; false if the pin is masked, no vCPU is there yet, or its LAPIC is off.
 *
 * Up and down are one critical section, or of two senders one would find the
 * line up though the other's interrupt has been handled already. An "up" that
 * says 0 found the line up from elsewhere: lower it and raise once more.
 */
bool pvi_inject_gsi(struct pvi_gsi *g)
{
	struct kvm *kvm = g->vm->kvm;
	struct routes r;
	int ret;

	routes_copy(kvm, g->gsi, &r);
	if (!r.pins)
		return routes_set(kvm, &r, 1) > 0;

	spin_lock(&g->lock);
	ret = routes_set(kvm, &r, 1);
	routes_set(kvm, &r, 0);
	if (!ret) {
		ret = routes_set(kvm, &r, 1);
		routes_set(kvm, &r, 0);
	}
	spin_unlock(&g->lock);
	return ret > 0;
}
