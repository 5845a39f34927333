/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * common applied - policies as they were carried out, for pvictl diff and for the pvid that comes next
 *
 * As long as a VM has not been rid of all that the newest one does not say, it may still have what an older one gave
 * it. So the older ones are kept, each a file, until none is needed.
 */
#ifndef APPLIED_H
#define APPLIED_H

#include "policy.h"

/* @run/applied, and what is older; empty if there is none. False: @policy->error says why */
bool applied_read(struct policy *policy, const char *run);
/* Writes a policy to @run/PVID_NEW, with room for another one that is as long; -errno */
int applied_prepare(const char *run, const char *text, size_t length);
/* That is the newest one from now on, before at most so many others; at any time all is there. -errno */
int applied_take(const char *run, unsigned int max_older);
/* All but the newest one go. -errno, perhaps only because there is no room for the next one then */
int applied_forget(const char *run);

#endif
