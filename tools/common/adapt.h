/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common adapt - what a guest had made at one endpoint, for another one */
#ifndef ADAPT_H
#define ADAPT_H

#include <libpvi.h>
#include <stddef.h>

/*
 * A blob of KVM_PVI_GET_STATE, to be given to an endpoint that has @gsis, in ascending order: without what that has
 * not, and with a ring owed wherever one may have been raised while the VMM had saved its interrupt controllers already.
 * Stores what is to be freed; the length or -errno.
 */
int state_adapt(const void *blob, size_t length, const struct kvm_pvi_list_gsi *gsis, size_t nr, void **adapted);

#endif
