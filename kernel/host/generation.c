// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi generation - what tells the ports of one binding from those of another
 *
 * A number of 15 bits, not 0, that no other of the next 32,766 bindings on this
 * host gets, and from which nobody can tell how many there were: a permutation of
 * a counter. Only bindings whose guest makes a port use one up.
 */
#include <linux/atomic.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <uapi/linux/kvm_pvi.h>

#include "generation.h"

#define LAST_GENERATION	(BIT(KVM_PVI_PORT_GENERATION_BITS) - 1)

static hsiphash_key_t generation_key[4];
static atomic_t nr_generations = ATOMIC_INIT(0);

void __init pvi_generation_init(void)
{
	get_random_bytes(generation_key, sizeof(generation_key));
}

/* A permutation of 16 bits (a Feistel network). */
static u32 generation_permute(u32 n)
{
	u8 left = n >> 8, right = n;
	int i;

	for (i = 0; i < ARRAY_SIZE(generation_key); i++) {
		u8 next = left ^ hsiphash_1u32(right, &generation_key[i]);

		left = right;
		right = next;
	}
	return left << 8 | right;
}

/*
 * Goes on along the cycle of the permutation until it is back among what may be a
 * generation: a permutation of these alone. Two steps on the average; the walk
 * ends at the latest where it began.
 */
u32 pvi_generation_new(void)
{
	u32 n = (u32)atomic_inc_return(&nr_generations) % LAST_GENERATION + 1;

	do {
		n = generation_permute(n);
	} while (!n || n > LAST_GENERATION);
	return n;
}
