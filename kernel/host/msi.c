// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi msi - virtual GSIs: the guest names the MSI that a ring becomes
 *
 * They exist between kvm_pvi and the guest alone: no route, no pin, as many
 * vectors as the guest has, moved by the guest itself while they are rung. The
 * address is checked when it is set: no peer's ring is to be an NMI, SMI or
 * INIT, and whatever the guest says, it interrupts nobody but itself.
 */
#include <linux/bits.h>

#include "kvm_abi.h"
#include "pvi.h"

#define ADDRESS_BASE	0xfee00000u	/* of the local APICs; bits 19 to 0 are the guest's */
#define ADDRESS_MASK	0xfff00000u
#define HIGH_RESERVED	0xffu		/* the rest of the high half extends the APIC ID */

#define DATA_VECTOR	GENMASK(7, 0)
#define DATA_LOWEST	BIT(8)		/* lowest priority; fixed is 0 */
#define DATA_ASSERT	BIT(14)		/* without a meaning on an edge */
#define FIRST_VECTOR	16

#define LOOKS		4		/* at a pair that changes meanwhile */

/* Whether KVM_HC_PVI_SET_MSI takes that pair. */
bool pvi_msi_valid(u64 address, u64 data)
{
	if (!address)
		return !data;
	if ((lower_32_bits(address) & ADDRESS_MASK) != ADDRESS_BASE ||
	    (upper_32_bits(address) & HIGH_RESERVED))
		return false;
	if (data & ~(u64)(DATA_VECTOR | DATA_LOWEST | DATA_ASSERT))
		return false;
	return (data & DATA_VECTOR) >= FIRST_VECTOR;
}

static void set(struct pvi_gsi *g, u64 address, u32 data)
{
	spin_lock(&g->lock);
	write_seqcount_begin(&g->msi_seq);
	g->msi_address = address;
	g->msi_data = data;
	write_seqcount_end(&g->msi_seq);
	spin_unlock(&g->lock);
}

void pvi_msi_init(struct pvi_gsi *g)
{
	seqcount_spinlock_init(&g->msi_seq, &g->lock);
}

/* Called under RCU. Pays what is latched; address 0 unwires. */
int pvi_msi_set(struct pvi_gsi *g, u64 address, u64 data)
{
	if (g->kind != KVM_PVI_GSI_MSI || !pvi_msi_valid(address, data))
		return -EINVAL;
	set(g, address, data);
	pvi_gsi_pay(g);
	return 0;
}

/* As the guest had set it; what is owed is the caller's to pay. */
void pvi_msi_restore(struct pvi_gsi *g, u64 address, u32 data)
{
	set(g, address, data);
}

/* The guest starts anew. */
void pvi_msi_reset(struct pvi_gsi *g)
{
	if (g->kind == KVM_PVI_GSI_MSI)
		set(g, 0, 0);
}

bool pvi_msi_wired(const struct pvi_gsi *g)
{
	return g->kind == KVM_PVI_GSI_MSI && READ_ONCE(g->msi_address);
}

/* As KVM would along a route; the same results. */
static __always_inline int inject(struct kvm *kvm, u64 address, u32 data)
{
	/* What is not set here belongs to routes, and to their destinations. */
	struct kvm_kernel_irq_routing_entry e __uninitialized;

	e.type = KVM_IRQ_ROUTING_MSI;
	e.msi.address_lo = lower_32_bits(address);
	e.msi.address_hi = upper_32_bits(address);
	e.msi.data = data;
	return pvi_kvm_set_msi_inatomic(&e, kvm);
}

/* The MSI changes, or takes the long way. */
static noinline bool raise_slowly(struct pvi_gsi *g)
{
	unsigned int seq, looks = LOOKS;
	bool taken;
	u64 address;
	u32 data;

	do {
		seq = read_seqcount_begin(&g->msi_seq);
		address = g->msi_address;
		data = g->msi_data;
		if (read_seqcount_retry(&g->msi_seq, seq))
			continue;
		taken = address && pvi_kvm_send_msi(g->vm->kvm, address, data) > 0;
		if (!read_seqcount_retry(&g->msi_seq, seq))
			return taken;
	} while (--looks);
	return false;
}

/*
 * One interrupt of a virtual GSI. True if KVM took it; false if it is not
 * wired, or no LAPIC is there to take it. Called under RCU.
 *
 * Looks again after injecting, or a ring could go to the old vector after
 * SET_MSI had returned. If it changes all the time, leave it to the latch: the
 * SET_MSI that changed it last pays.
 */
bool pvi_msi_raise(struct pvi_gsi *g)
{
	unsigned int seq = read_seqcount_begin(&g->msi_seq);
	u64 address = g->msi_address;
	u32 data = g->msi_data;
	int ret;

	if (unlikely(read_seqcount_retry(&g->msi_seq, seq)))
		return raise_slowly(g);
	if (unlikely(!address))
		return false;
	ret = inject(g->vm->kvm, address, data);
	if (unlikely(ret == -EWOULDBLOCK || read_seqcount_retry(&g->msi_seq, seq)))
		return raise_slowly(g);
	return ret > 0;
}
