// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi call - hypercalls of an endpoint */
#include "internal.h"

int64_t pvi_call(int pvi, uint32_t nr, const uint64_t args[4], uint64_t *rbx)
{
	struct kvm_pvi_call call = PVI_ARG(kvm_pvi_call, .nr = nr);
	int ret;

	memcpy(call.args, args, sizeof(call.args));
	ret = pvi_ioctl(pvi, KVM_PVI_CALL, &call);
	if (ret)
		return ret;
	if (rbx)
		*rbx = call.ret2;
	return call.ret;
}

int pvi_features(int pvi)
{
	return pvi_call3(pvi, KVM_HC_PVI_FEATURES, 0, 0, 0, NULL);
}

static int ring(int pvi, const unsigned char *uuid, uint32_t gsi, uint32_t first)
{
	_Alignas(KVM_PVI_UUID_SIZE) __u8 aligned[KVM_PVI_UUID_SIZE];

	pvi_copy_uuid(aligned, uuid);
	return pvi_call3(pvi, KVM_HC_PVI, (uintptr_t)aligned, gsi, first, NULL);
}

int pvi_ring(int pvi, const unsigned char *receiver, uint32_t gsi)
{
	return ring(pvi, receiver, gsi, 0);
}

int pvi_broadcast(int pvi, uint32_t gsi, uint32_t first)
{
	unsigned char all[KVM_PVI_UUID_SIZE];

	memset(all, 0xff, sizeof(all));
	return ring(pvi, all, gsi, first);
}

int pvi_broadcast_all(int pvi, uint32_t gsi)
{
	struct kvm_pvi_peer peer;
	uint32_t first = 0;
	int ret, sum = 0;

	/* Until there is no peer from there on. */
	while ((ret = pvi_peers(pvi, &peer, 1, first)) > 0) {
		ret = pvi_broadcast(pvi, gsi, first);
		if (ret < 0)
			break;
		sum += ret;
		first += KVM_PVI_BROADCAST_MAX;
	}
	return ret < 0 ? ret : sum;
}

int pvi_notify(int pvi, uint32_t port)
{
	return pvi_call3(pvi, KVM_HC_NOTIFY, port, 0, 0, NULL);
}

int pvi_notify_many(int pvi, uint32_t first, uint64_t mask, uint64_t *accepted)
{
	return pvi_call3(pvi, KVM_HC_NOTIFY_MANY, first, mask, 0, accepted);
}

int pvi_query(int pvi, uint32_t kind, uint32_t index, uint32_t field, uint64_t *value)
{
	int ret = pvi_call3(pvi, KVM_HC_PVI_QUERY, kind, index, field, NULL);

	if (ret < 0)
		return ret;
	*value = ret;
	return 0;
}

int pvi_query_wide(int pvi, uint32_t kind, uint32_t index, uint32_t field, uint64_t *value)
{
	uint64_t piece, sum = 0;
	uint32_t i;
	int ret;

	for (i = 0; i < 4; i++) {
		ret = pvi_query(pvi, kind, index, KVM_PVI_Q_PIECE(field, i), &piece);
		if (ret)
			return ret;
		sum |= piece << (16 * i);
	}
	*value = sum;
	return 0;
}

int pvi_query_uuid(int pvi, unsigned char *uuid)
{
	uint64_t piece;
	uint32_t i;
	int ret;

	for (i = 0; i < KVM_PVI_UUID_SIZE / 2; i++) {
		ret = pvi_query(pvi, KVM_PVI_Q_SELF, 0, KVM_PVI_Q_PIECE(KVM_PVI_Q_SELF_UUID, i),
				&piece);
		if (ret)
			return ret;
		uuid[2 * i] = piece;
		uuid[2 * i + 1] = piece >> 8;
	}
	return 0;
}
