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

#include "bucket.h"

int pvi_bucket_check(u32 rate, u32 burst)
{
	return !rate == !burst ? 0 : -EINVAL;
}

/*
 * Keeps the tokens as far as the new burst holds them: those taken are owed at
 * the new rate. Rounds up, so that rings are never more often than agreed.
 */
void pvi_bucket_set(struct pvi_bucket *b, u32 rate, u32 burst)
{
	u64 interval = rate ? DIV_ROUND_UP_ULL(NSEC_PER_SEC, rate) : 0;
	s64 now = ktime_get_mono_fast_ns();
	s64 tat = atomic64_read(&b->tat);
	u64 taken;

	WRITE_ONCE(b->slack, interval * (burst ? burst - 1 : 0));
	do {
		taken = b->interval && tat > now ?
			min_t(u64, DIV64_U64_ROUND_UP(tat - now, b->interval), burst) : 0;
	} while (!atomic64_try_cmpxchg(&b->tat, &tat, now + taken * interval));
	WRITE_ONCE(b->interval, interval);
	WRITE_ONCE(b->rate, rate);
	WRITE_ONCE(b->burst, burst);
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

/* Takes back pvi_bucket_take(): the ring did not happen. */
void pvi_bucket_give(struct pvi_bucket *b)
{
	atomic64_sub(READ_ONCE(b->interval), &b->tat);
}

/* Takes the next token there will be, for a ring that waits for it: pvi_bucket_wait(), as it was before. */
void pvi_bucket_reserve(struct pvi_bucket *b)
{
	atomic64_add(READ_ONCE(b->interval), &b->tat);
}

/* In how many ns there will be a token, if nobody else takes it. */
u64 pvi_bucket_wait(struct pvi_bucket *b)
{
	s64 due = atomic64_read(&b->tat) - (s64)READ_ONCE(b->slack);

	return max_t(s64, due - (s64)ktime_get_mono_fast_ns(), 0);
}
