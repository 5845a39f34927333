/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi bucket - rates */
#ifndef _PVI_BUCKET_H
#define _PVI_BUCKET_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/types.h>

/**
 * struct pvi_bucket - a token bucket in one atomic (GCRA: the virtual scheduling algorithm of ITU-T I.371)
 * @tat: theoretical arrival time of the next ring, ns of ktime_get_mono_fast_ns()
 * @interval: ns between two rings at the agreed rate, 0 for no limit
 * @slack: how far @tat may be ahead of now: (burst - 1) * interval
 * @rate: as agreed, for who looks
 * @burst: as agreed
 */
struct pvi_bucket {
	atomic64_t tat;
	u64 interval;
	u64 slack;
	u32 rate;
	u32 burst;
};

int pvi_bucket_check(u32 rate, u32 burst);
void pvi_bucket_set(struct pvi_bucket *b, u32 rate, u32 burst);
bool pvi_bucket_take_limited(struct pvi_bucket *b, u64 interval);
void pvi_bucket_give(struct pvi_bucket *b);
void pvi_bucket_reserve(struct pvi_bucket *b);
u64 pvi_bucket_wait(struct pvi_bucket *b);

/* False: the sender has to wait. */
static inline bool pvi_bucket_take(struct pvi_bucket *b)
{
	u64 interval = READ_ONCE(b->interval);

	return likely(!interval) || pvi_bucket_take_limited(b, interval);
}

#endif /* _PVI_BUCKET_H */
