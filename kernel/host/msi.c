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
#include "msi.h"

#define ADDRESS_BASE	0xfee00000u	/* of the local APICs; bits 19 to 0 are the guest's */
#define ADDRESS_MASK	0xfff00000u
#define ADDRESS_ALL	GENMASK(19, 12)	/* as a physical destination every vCPU */
#define ADDRESS_HINT	BIT(3)		/* redirection: to one vCPU, as with lowest priority */
#define ADDRESS_LOGICAL	BIT(2)
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

void pvi_msi_init(struct pvi_gsi *g)
{
	seqcount_spinlock_init(&g->msi_seq, &g->lock);
}

/*
 * To all, and to the one of lowest priority: x86 knows no such interrupt, and KVM sends it to all, which it says in the
 * host's log each time. With wider IDs of x2APICs it is one of them, which has no other to be chosen from.
 */
static bool msi_chooses_of_all(u64 address)
{
	return (address & (ADDRESS_ALL | ADDRESS_LOGICAL)) == ADDRESS_ALL;
}

/* A pair that is valid; address 0 unwires. What is owed is the caller's to pay. */
void pvi_msi_set(struct pvi_gsi *g, u64 address, u32 data)
{
	if (msi_chooses_of_all(address)) {
		address &= ~(u64)ADDRESS_HINT;
		data &= ~DATA_LOWEST;
	}
	spin_lock(&g->lock);
	write_seqcount_begin(&g->msi_seq);
	WRITE_ONCE(g->msi_address, address);
	g->msi_data = data;
	write_seqcount_end(&g->msi_seq);
	spin_unlock(&g->lock);
}

/* The pair, or false: unwired. */
bool pvi_msi_get(struct pvi_gsi *g, u64 *address, u32 *data)
{
	spin_lock(&g->lock);
	*address = g->msi_address;
	*data = g->msi_data;
	spin_unlock(&g->lock);
	return *address;
}

/* As KVM would along a route; the same results. */
static __always_inline int msi_inject(struct kvm *kvm, u64 address, u32 data)
{
	/* What is not set here belongs to routes, and to their destinations. */
	struct kvm_kernel_irq_routing_entry e __uninitialized;

	e.type = KVM_IRQ_ROUTING_MSI;
	e.msi.address_lo = lower_32_bits(address);
	e.msi.address_hi = upper_32_bits(address);
	e.msi.data = data;
	return pvi_kvm_set_msi_inatomic(&e, kvm);
}

/*
 * The MSI changes meanwhile, or takes long. Looks again after injecting, or a
 * ring could go to the old vector after SET_MSI had returned. If it changes all
 * the time, leave it to the latch: the SET_MSI that changed it last pays.
 */
static int msi_raise_anew(struct pvi_gsi *g, bool slowly)
{
	struct kvm *kvm = g->vm->kvm;
	unsigned int seq, looks = LOOKS;
	u64 address;
	u32 data;
	int ret;

	do {
		seq = read_seqcount_begin(&g->msi_seq);
		address = g->msi_address;
		data = g->msi_data;
		if (read_seqcount_retry(&g->msi_seq, seq))
			continue;
		if (!address)
			return 0;
		ret = slowly ? pvi_kvm_send_msi(kvm, address, data) :
			       msi_inject(kvm, address, data);
		if (ret == -EWOULDBLOCK || !read_seqcount_retry(&g->msi_seq, seq))
			return ret;
	} while (--looks);
	return 0;
}

/*
 * One interrupt of a virtual GSI. > 0: KVM took it; -EWOULDBLOCK: it takes long;
 * else it is not wired, or no LAPIC is there to take it. Called under RCU.
 */
int pvi_msi_raise(struct pvi_gsi *g)
{
	unsigned int seq = read_seqcount_begin(&g->msi_seq);
	u64 address = g->msi_address;
	u32 data = g->msi_data;
	int ret;

	if (unlikely(read_seqcount_retry(&g->msi_seq, seq)))
		return msi_raise_anew(g, false);
	if (unlikely(!address))
		return 0;
	ret = msi_inject(g->vm->kvm, address, data);
	if (unlikely(read_seqcount_retry(&g->msi_seq, seq)))
		return msi_raise_anew(g, false);
	return ret;
}

/* One interrupt, however long it takes. */
int pvi_msi_raise_slowly(struct pvi_gsi *g)
{
	return msi_raise_anew(g, true);
}
