// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi reserve - names kept for users */
#include "internal.h"

static int call_reserve(int pvi, unsigned long cmd, const unsigned char *uuid, uid_t uid, uint32_t flags, uid_t from)
{
	struct kvm_pvi_reserve arg = PVI_ARG(kvm_pvi_reserve, .flags = flags, .uid = uid, .from = from);

	pvi_copy_uuid(arg.uuid, uuid);
	return pvi_ioctl(pvi, cmd, &arg);
}

int pvi_reserve(int pvi, const unsigned char *uuid, uid_t uid)
{
	return call_reserve(pvi, KVM_PVI_RESERVE, uuid, uid, 0, 0);
}

int pvi_unreserve(int pvi, const unsigned char *uuid)
{
	return call_reserve(pvi, KVM_PVI_UNRESERVE, uuid, 0, 0, 0);
}

int pvi_reserve_from(int pvi, const unsigned char *uuid, uid_t uid, uid_t from)
{
	return call_reserve(pvi, KVM_PVI_RESERVE, uuid, uid, KVM_PVI_RESERVE_FROM, from);
}

int pvi_unreserve_from(int pvi, const unsigned char *uuid, uid_t from)
{
	return call_reserve(pvi, KVM_PVI_UNRESERVE, uuid, 0, KVM_PVI_RESERVE_FROM, from);
}
