/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi count - what is counted of rings */
#ifndef _PVI_COUNT_H
#define _PVI_COUNT_H

#include <linux/types.h>
#include <uapi/linux/kvm_pvi.h>

/* Index into counters; the first three are the verdicts. */
enum pvi_count {
	PVI_RAISED = KVM_PVI_RAISED,
	PVI_COALESCED = KVM_PVI_COALESCED,
	PVI_LATCHED = KVM_PVI_LATCHED,
	PVI_DENIED,
	PVI_THROTTLED,
	PVI_NR_COUNTS,
};

/**
 * struct pvi_stats - counters of one endpoint, one copy per CPU
 * @sent: rings by this endpoint
 * @received: rings to it
 * @retries: injections tried again
 * @dropped: signals of its sources for ports that were closed, revoked or dead
 */
struct pvi_stats {
	u64 sent[PVI_NR_COUNTS];
	u64 received[PVI_NR_COUNTS];
	u64 retries;
	u64 dropped;
};

#endif /* _PVI_COUNT_H */
