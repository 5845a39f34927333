// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi many - one exit, many rings
 *
 * Bounded: what one call rings is what one register names.
 */
#include <linux/bitops.h>

#include "many.h"
#include "ring.h"

/* Rings by some of @mask; returns those that accepted. Nobody who died meanwhile rings. */
static u64 many_piece(struct pvi_vm *from, u64 first, u64 mask)
{
	u64 accepted = 0;

	rcu_read_lock();
	if (!pvi_vm_bound(from))
		mask = 0;
	for (; mask; mask &= mask - 1) {
		unsigned int i = __ffs64(mask);

		if (pvi_ring_port(from, first + i) >= 0)
			accepted |= BIT_ULL(i);
	}
	rcu_read_unlock();
	return accepted;
}

/*
 * Rings ports from @first on by @mask; returns the mask of those that accepted.
 * Called with a reference to the caller: between pieces nothing of RCU's is held,
 * and others may run.
 */
u64 pvi_many_notify(struct pvi_vm *from, u64 first, u64 mask)
{
	u64 room = KVM_PVI_PORT_INDEX_MAX - KVM_PVI_PORT_INDEX(first);
	u64 accepted = 0, piece;
	int i;

	if (first > U32_MAX)
		return 0;
	/* What lies behind the last index is no port of that generation, nor of any other. */
	if (room < KVM_PVI_MANY_MAX)
		mask &= GENMASK_ULL(room, 0);
	for (i = 0; i < KVM_PVI_MANY_MAX; i += PVI_MANY_PIECE) {
		piece = mask & GENMASK_ULL(i + PVI_MANY_PIECE - 1, i);
		if (!piece)
			continue;
		accepted |= many_piece(from, first, piece);
		cond_resched();
	}
	return accepted;
}
