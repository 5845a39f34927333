// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi bucket - rates
 *
 * A token bucket in one atomic, as the virtual scheduling algorithm of ITU-T
 * I.371 has it: the time the next ring is due at the agreed rate may run ahead
 * of now by what a burst takes.
 */
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/timekeeping.h>

#include "pvi.h"

int pvi_bucket_check(u32 rate, u32 burst)
{
	return !rate == !burst ? 0 : -EINVAL;
}

/* Keeps the tokens: a bucket that is emptied stays empty until its time. */
void pvi_bucket_set(struct pvi_bucket *b, u32 rate, u32 burst)
{
	u64 interval = rate ? max_t(u64, div_u64(NSEC_PER_SEC, rate), 1) : 0;

	WRITE_ONCE(b->slack, interval * (burst ? burst - 1 : 0));
	WRITE_ONCE(b->interval, interval);
}

/* A failed exchange means that another ring took a token: at most burst rounds. */
bool pvi_bucket_take_limited(struct pvi_bucket *b, u64 interval)
{
	s64 now = ktime_get_mono_fast_ns();
	s64 tat = atomic64_read(&b->tat);

	do {
		if (tat > now + (s64)READ_ONCE(b->slack))
			return false;
	} while (!atomic64_try_cmpxchg(&b->tat, &tat, max(tat, now) + interval));
	return true;
}
