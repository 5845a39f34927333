// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest msi - virtual GSIs: an irq domain over the CPUs' vectors
 *
 * A virtual GSI is an MSI whose message is not written to a device but told
 * to the host, which changes it as a whole: no ring that starts after SET_MSI
 * has returned uses the one before. So it can be moved at any time, as
 * interrupts behind a remapping IOMMU can, and /proc/irq and irqbalance move it.
 * While it is masked the host is told of no message, and records what is rung.
 */
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>

#include "../compat/irq.h"
#include "guest.h"

static struct irq_domain *domain;
static struct fwnode_handle *fwnode;

static int msi_tell(struct kvm_pvi_guest_irq *i)
{
	int ret;

	lockdep_assert_held(&i->msi.lock);
	/* Another host than the one that has exposed it; that call would look like none at all. */
	if (unlikely(!(READ_ONCE(pvi_host.features) & KVM_PVI_FEAT_MSI)))
		return -ENODEV;
	if (i->msi.masked)
		return pvi_call(KVM_HC_PVI_SET_MSI, i->gsi, 0, 0);
	ret = pvi_call(KVM_HC_PVI_SET_MSI, i->gsi, i->msi.address, i->msi.data);
	/* Went down meanwhile: the RESET may have come before. The call is a full barrier. */
	if (unlikely(READ_ONCE(pvi_host.down)))
		pvi_hypercall(KVM_HC_PVI_SET_MSI, i->gsi, 0, 0);
	return ret;
}

/* The host may not know: say it again. 0, or -errno if it takes it not. */
int pvi_msi_tell(struct kvm_pvi_guest_irq *i)
{
	unsigned long flags;
	int ret;

	raw_spin_lock_irqsave(&i->msi.lock, flags);
	ret = msi_tell(i);
	raw_spin_unlock_irqrestore(&i->msi.lock, flags);
	return ret;
}

/*
 * Bits 14 to 8 of a destination beyond 255 come where KVM's userspace wants
 * them in an MSI of a device; KVM wants them where x2APIC has them.
 */
static void msi_compose(struct irq_data *data, struct pvi_msi *m)
{
	struct irq_data *parent = data->parent_data;
	struct msi_msg msg;

	parent->chip->irq_compose_msi_msg(parent, &msg);
	msg.address_hi |= msg.arch_addr_lo.virt_destid_8_14 << 8;
	msg.arch_addr_lo.virt_destid_8_14 = 0;
	m->address = (u64)msg.address_hi << 32 | msg.address_lo;
	m->data = msg.data;
}

/* Called with the interrupt's descriptor locked, as all of irq_chip. */
static void msi_mask(struct irq_data *data)
{
	struct kvm_pvi_guest_irq *i = irq_data_get_irq_chip_data(data);

	raw_spin_lock(&i->msi.lock);
	i->msi.masked = true;
	msi_tell(i);
	raw_spin_unlock(&i->msi.lock);
}

static void msi_unmask(struct irq_data *data)
{
	struct kvm_pvi_guest_irq *i = irq_data_get_irq_chip_data(data);

	raw_spin_lock(&i->msi.lock);
	msi_compose(data, &i->msi);
	i->msi.masked = false;
	msi_tell(i);
	raw_spin_unlock(&i->msi.lock);
}

static int msi_set_affinity(struct irq_data *data, const struct cpumask *mask, bool force)
{
	struct kvm_pvi_guest_irq *i = irq_data_get_irq_chip_data(data);
	int ret = irq_chip_set_affinity_parent(data, mask, force);

	if (ret < 0 || ret == IRQ_SET_MASK_OK_DONE)
		return ret;
	raw_spin_lock(&i->msi.lock);
	msi_compose(data, &i->msi);
	if (!i->msi.masked)
		msi_tell(i);
	raw_spin_unlock(&i->msi.lock);
	return ret;
}

static struct irq_chip chip = {
	.name = "KVM-PVI",
	.irq_ack = irq_chip_ack_parent,
	.irq_mask = msi_mask,
	.irq_unmask = msi_unmask,
	.irq_set_affinity = msi_set_affinity,
	.irq_retrigger = irq_chip_retrigger_hierarchy,
	.flags = IRQCHIP_SKIP_SET_WAKE,
};

static int msi_alloc(struct irq_domain *d, unsigned int virq, unsigned int nr, void *arg)
{
	struct irq_alloc_info *info = arg;
	struct kvm_pvi_guest_irq *i = info->data;
	int ret;

	if (nr != 1)
		return -EINVAL;
	ret = irq_domain_alloc_irqs_parent(d, virq, nr, arg);
	if (ret)
		return ret;
	irq_domain_set_info(d, virq, i->gsi - KVM_PVI_GSI_VIRTUAL, &chip, i, handle_edge_irq, NULL,
			    "edge");
	pvi_compat_irq_moves_anytime(virq, true);
	return 0;
}

static void msi_free(struct irq_domain *d, unsigned int virq, unsigned int nr)
{
	pvi_compat_irq_moves_anytime(virq, false);
	irq_domain_free_irqs_common(d, virq, nr);
}

static const struct irq_domain_ops domain_ops = {
	.alloc = msi_alloc,
	.free = msi_free,
};

/* Called with irqs_lock held, as pvi_msi_unmap() is. */
static int msi_create_domain(void)
{
	if (!x86_vector_domain)
		return -EOPNOTSUPP;
	fwnode = irq_domain_alloc_named_fwnode("KVM-PVI");
	if (!fwnode)
		return -ENOMEM;
	domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 0, fwnode, &domain_ops, NULL);
	if (domain)
		return 0;
	irq_domain_free_fwnode(fwnode);
	return -ENOMEM;
}

/* Linux's number, or -errno. Wired by request_irq(), unwired by free_irq(). */
int pvi_msi_map(struct kvm_pvi_guest_irq *i)
{
	struct irq_alloc_info info = { .data = i };
	int ret = domain ? 0 : msi_create_domain();

	if (ret)
		return ret;
	i->msi.masked = true;
	ret = irq_domain_alloc_irqs(domain, 1, NUMA_NO_NODE, &info);
	/* The APIC is disabled. */
	return ret == -ENXIO ? -EOPNOTSUPP : ret;
}

void pvi_msi_unmap(struct kvm_pvi_guest_irq *i)
{
	irq_dispose_mapping(i->irq);
}

void pvi_msi_exit(void)
{
	if (!domain)
		return;
	irq_domain_remove(domain);
	irq_domain_free_fwnode(fwnode);
}
