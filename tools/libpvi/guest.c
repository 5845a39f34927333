// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi guest - hypercalls by which a guest sets itself up, in its name */
#include "internal.h"

int pvi_call_connect(int pvi, const unsigned char *receiver, uint32_t gsi)
{
	_Alignas(KVM_PVI_UUID_SIZE) __u8 aligned[KVM_PVI_UUID_SIZE];

	pvi_copy_uuid(aligned, receiver);
	return pvi_call3(pvi, KVM_HC_PVI_CONNECT, (uintptr_t)aligned, gsi, 0, NULL);
}

int pvi_call_disconnect(int pvi, uint32_t port)
{
	return pvi_call3(pvi, KVM_HC_PVI_DISCONNECT, port, 0, 0, NULL);
}

int pvi_set_msi(int pvi, uint32_t gsi, uint64_t address, uint32_t data)
{
	return pvi_call3(pvi, KVM_HC_PVI_SET_MSI, gsi, address, data, NULL);
}

int pvi_arm(int pvi, uint32_t gsi)
{
	return pvi_call3(pvi, KVM_HC_PVI_ARM, gsi, 0, 0, NULL);
}

int pvi_reset(int pvi)
{
	return pvi_call3(pvi, KVM_HC_PVI_RESET, 0, 0, 0, NULL);
}
