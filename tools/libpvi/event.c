// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi event - what an endpoint is told of others */
#include "internal.h"

int pvi_read_events(int pvi, struct kvm_pvi_event *events, size_t nr)
{
	ssize_t ret = read(pvi, events, nr * sizeof(*events));

	return ret < 0 ? -errno : (int)(ret / sizeof(*events));
}

int pvi_set_config(int pvi, uint32_t gsi)
{
	return pvi_call3(pvi, KVM_HC_PVI_SET_CONFIG, gsi, 0, 0, NULL);
}

int pvi_peers(int pvi, struct kvm_pvi_peer *peers, size_t nr, uint32_t first)
{
	return pvi_call3(pvi, KVM_HC_PVI_PEERS, (uintptr_t)peers, nr * sizeof(*peers), first, NULL);
}
