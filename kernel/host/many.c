// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi many - one exit, many rings
 *
 * Bounded: what one call rings is what one register names.
 */
#include <linux/bitops.h>

#include "ring.h"

/* Rings ports from @first on by @mask; returns the mask of those that accepted. Called under RCU. */
u64 pvi_many_notify(struct pvi_vm *from, u64 first, u64 mask)
{
	u64 room = KVM_PVI_PORT_INDEX_MAX - KVM_PVI_PORT_INDEX(first);
	u64 accepted = 0;
	unsigned int i;

	if (first > U32_MAX)
		return 0;
	/* What lies behind the last index is no port of that generation, nor of any other. */
	if (room < KVM_PVI_MANY_MAX)
		mask &= GENMASK_ULL(room, 0);
	for (; mask; mask &= mask - 1) {
		i = __ffs64(mask);
		if (pvi_ring_port(from, first + i) >= 0)
			accepted |= BIT_ULL(i);
	}
	return accepted;
}
