// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest seat - how many descriptors and eventfds of programs may wait for one thing
 *
 * One thing is a GSI, the peers, or the host. Of max_waiters an eighth is left to
 * drivers; of what programs may have, an open file gets a quarter at most, and a user
 * half of it, however many open files that are. Root may have all.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>

#include "guest.h"

static DEFINE_HASHTABLE(seats, 8);	/* by pvi_seat.what */
static DEFINE_MUTEX(seats_lock);	/* protects it */

/* Whether there is room for @s beside those who wait for the same already. */
static bool seat_is_free(const struct pvi_seat *s)
{
	u32 max = pvi_irq_max_waiters(), all = max - max / 8;
	u32 nr = 0, of_file = 0, of_user = 0;
	const struct pvi_seat *other;

	lockdep_assert_held(&seats_lock);
	hash_for_each_possible(seats, other, node, s->what) {
		if (other->what != s->what)
			continue;
		nr++;
		of_file += other->file == s->file;
		of_user += uid_eq(other->user, s->user);
	}
	return nr < all && of_file < DIV_ROUND_UP(max, 4) &&
	       (of_user < DIV_ROUND_UP(max, 2) || capable(CAP_SYS_RESOURCE));
}

/* -ENOSPC: too many wait for it already. */
int pvi_seat_take(struct pvi_seat *s, u64 file, u32 what)
{
	int ret = -ENOSPC;

	s->what = what;
	s->file = file;
	s->user = current_euid();
	mutex_lock(&seats_lock);
	if (seat_is_free(s)) {
		hash_add(seats, &s->node, what);
		ret = 0;
	}
	mutex_unlock(&seats_lock);
	return ret;
}

void pvi_seat_leave(struct pvi_seat *s)
{
	mutex_lock(&seats_lock);
	hash_del(&s->node);
	mutex_unlock(&seats_lock);
}
