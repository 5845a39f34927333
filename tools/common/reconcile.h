/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common reconcile - from what an endpoint has to what the policy says */
#ifndef RECONCILE_H
#define RECONCILE_H

#include <libpvi.h>
#include <stdio.h>

#include "policy.h"

#define RECONCILE_WHAT 128

/*
 * Takes back what @old, or what is older, says and @new does not, and gives what @new says and the endpoint
 * has not; what others have given it stays. A line of each to @out, if there is one. @number: of the endpoint;
 * @pvi: itself, or -1: nothing is changed. @lister: any descriptor of the module's. 0 or -errno, and then @what
 * could not be done; the rest was. -EINPROGRESS: RECONCILE_SLICE changes were made, or some in RECONCILE_SECONDS, and there
 * may be more; call it again.
 */
#define RECONCILE_SLICE 32	/* each may wait for a grace period */
#define RECONCILE_SECONDS 2

/* @words: where the files of status words are */
int reconcile(int lister, uint64_t number, int pvi, const uuid_t uuid, const struct policy *old,
	      const struct policy *new, const char *words, FILE *out, char what[static RECONCILE_WHAT]);
/* What is to be taken back of that alone */
int reconcile_take_back(int lister, uint64_t number, int pvi, const uuid_t uuid, const struct policy *old,
			const struct policy *new, char what[static RECONCILE_WHAT]);
/* All records of @kind that endpoint @number has, to be freed even then; their number or -errno */
int list_all(int lister, uint32_t kind, uint64_t number, void **records, size_t size);
/* The record of the living endpoint that is bound to @uuid; -ENOENT */
int find_listed(int lister, const uuid_t uuid, struct kvm_pvi_list_endpoint *r);
/* That of endpoint @number; -ENOENT: it has gone */
int read_listed_any(int lister, uint64_t number, struct kvm_pvi_list_endpoint *r);
/* And if it is dead, too */
int read_listed(int lister, uint64_t number, struct kvm_pvi_list_endpoint *r);

#endif
