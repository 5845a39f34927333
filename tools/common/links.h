/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common links - what a link is to an endpoint that is bound */
#ifndef LINKS_H
#define LINKS_H

#include <stdbool.h>
#include <uuid/uuid.h>

/* Whoever could rename what is in @dir, a descriptor, would say who may ring whom: -EPERM. Or another -errno */
int links_check(int dir);

/*
 * Joins all links in @dir that @uuid is a side of, whose endpoint @pvi is. With @wait, also when somebody changes them
 * just now; else that is -EAGAIN.
 * What cannot be read is left out. -errno, and then @failed is the link that could not be joined, or 0
 */
int links_join(const char *dir, const uuid_t uuid, int pvi, bool wait, uuid_t failed);

#endif
