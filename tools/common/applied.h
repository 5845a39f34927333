/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * common applied - policies as they were carried out, for pvictl diff and for the pvid that comes next
 *
 * As long as a VM has not got all that the newest one says, it may still have what an older one gave
 * it. So the older ones are kept, each a file, until none is needed.
 */
#ifndef APPLIED_H
#define APPLIED_H

#include "policy.h"

/* @run/applied, and what is older; empty if there is none. False: @policy->error says why */
bool applied_read(struct policy *policy, const char *run);
/* -errno; at any time what is there has all that applied_read() is to know */
int applied_write(const struct policy *policy, const char *run);

#endif
