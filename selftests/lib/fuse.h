/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: memory that comes when it is told to, as a page of a file of FUSE */
#ifndef PVI_TEST_FUSE_H
#define PVI_TEST_FUSE_H

#include "types.h"

/* Whether this kernel has FUSE */
bool fuse_possible(void);
/*
 * A page of a file that this process itself serves, to be read. Whoever comes first waits, and *@asked, an eventfd, is
 * readable then. One at a time.
 */
void *fuse_memory(int *asked);
/* What is there, a page, from now on; once. Who waits goes on. */
void fuse_answer(const void *page);
/* It has been answered, and is mapped nowhere any more. */
void fuse_end(void);

#endif
