// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi state - what a guest has made, saved and restored */
#include <stdlib.h>

#include "internal.h"

int pvi_get_state(int pvi, uint32_t flags, void *blob, size_t size)
{
	struct kvm_pvi_state arg = PVI_ARG(kvm_pvi_state,
		.flags = flags,
		.address = (uintptr_t)blob,
		.length = size < KVM_PVI_STATE_MAX ? size : KVM_PVI_STATE_MAX);
	int ret = pvi_ioctl(pvi, KVM_PVI_GET_STATE, &arg);

	return ret ? ret : (int)arg.length;
}

int pvi_save_state(int pvi, void **blob)
{
	int size = 0, length;
	void *buf = NULL, *more;

	/* A guest that still runs may make more meanwhile. */
	while ((length = pvi_get_state(pvi, KVM_PVI_STATE_FREEZE, buf, size)) > size) {
		more = realloc(buf, length);
		if (!more) {
			length = -ENOMEM;
			break;
		}
		buf = more;
		size = length;
	}
	if (length < 0) {
		free(buf);
		buf = NULL;
	}
	*blob = buf;
	return length;
}

int pvi_set_state(int pvi, const void *blob, size_t length)
{
	struct kvm_pvi_state arg = PVI_ARG(kvm_pvi_state,
		.address = (uintptr_t)blob,
		.length = length);

	/* What does not fit the field is too long in any case. */
	if (length > KVM_PVI_STATE_MAX)
		return -EINVAL;
	return pvi_ioctl(pvi, KVM_PVI_SET_STATE, &arg);
}

int pvi_thaw(int pvi)
{
	struct kvm_pvi_thaw arg = PVI_ARG(kvm_pvi_thaw);

	return pvi_ioctl(pvi, KVM_PVI_THAW, &arg);
}
