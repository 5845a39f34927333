/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common links_policy - which links a policy and a directory differ in */
#ifndef LINKS_POLICY_H
#define LINKS_POLICY_H

#include "links.h"
#include "policy.h"

/* What a complaint about one begins with, before its name in the policy and another quote */
#define LINKS_OF_POLICY "link '"

/* It was made by a policy, and is not one of @policy's, or not as that says */
bool links_is_old(const char *dir, const struct link *link, const struct policy *policy);
/* One that is not old has the name of its section in @policy from then on */
int links_rename(const char *dir, struct link *link, const struct policy *policy, struct links_why *why);
/* Whether one of @links is @wanted, but for those that are old; -errno: one that was made by hand has its UUID */
int links_is_there(const char *dir, const struct links *links, const struct policy *policy,
		   const struct policy_link *wanted, struct links_why *why);
/* As links_make() */
int links_make_by_policy(const char *dir, const struct policy_link *wanted, struct links *links, struct links_why *why);

#endif
