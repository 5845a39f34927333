/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi bench: the memory that a Xen guest shares with its host */
#ifndef PVI_BENCH_XEN_H
#define PVI_BENCH_XEN_H

#include "types.h"

/* Of Xen's public headers, 64-bit, as far as an event needs it */
struct xen_vcpu_info {
	u8 upcall_pending;
	u8 upcall_mask;
	u64 pending_sel;
	u8 rest[48];
};

struct xen_shared_info {
	struct xen_vcpu_info vcpus[32];
	u64 pending[64];
	u64 mask[64];
	u8 rest[4096 - 32 * 64 - 2 * 64 * 8];
};

extern struct xen_shared_info xen_shared_info;
extern struct xen_vcpu_info xen_vcpu_info;

/* What handling the event would clear, so that the next one raises an interrupt again */
static inline void xen_clear_pending(void)
{
	WRITE_ONCE(xen_shared_info.pending[0], 0);
	WRITE_ONCE(xen_vcpu_info.pending_sel, 0);
	WRITE_ONCE(xen_vcpu_info.upcall_pending, 0);
}

#endif
