// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi stats - counters */
#include "internal.h"

int pvi_get_stats(int pvi, struct kvm_pvi_stats *stats)
{
	return pvi_ioctl(pvi, KVM_PVI_GET_STATS, stats);
}

int pvi_list(int pvi, uint32_t kind, uint64_t endpoint, uint64_t *cursor, void *records, size_t record,
	     unsigned int nr)
{
	struct kvm_pvi_list list = PVI_ARG(kvm_pvi_list, .kind = kind, .record = record,
					   .endpoint = endpoint, .cursor = *cursor,
					   .address = (uintptr_t)records, .nr = nr);
	int ret = pvi_ioctl(pvi, KVM_PVI_LIST, &list);

	if (ret)
		return ret;
	*cursor = list.cursor;
	return list.nr;
}

int pvi_next_edge(int pvi, struct kvm_pvi_edge *edge)
{
	int ret = pvi_ioctl(pvi, KVM_PVI_GET_EDGE, edge);

	if (ret == -ENOENT)
		return 0;
	return ret ? ret : 1;
}
