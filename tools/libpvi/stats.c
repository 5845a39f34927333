// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi stats - counters */
#include "internal.h"

int pvi_get_stats(int pvi, struct kvm_pvi_stats *stats)
{
	return pvi_ioctl(pvi, KVM_PVI_GET_STATS, stats);
}

int pvi_next_edge(int pvi, struct kvm_pvi_edge *edge)
{
	int ret = pvi_ioctl(pvi, KVM_PVI_GET_EDGE, edge);

	if (ret == -ENOENT)
		return 0;
	return ret ? ret : 1;
}
