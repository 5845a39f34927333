/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi selftests: which places of kvm_pvi the calling thread comes by, from a kernel with CONFIG_KCOV. A place is
 * where the compiler has put a call of the kernel's, at the beginning of each basic block; an edge is one place
 * behind another.
 */
#ifndef PVI_TEST_KCOV_H
#define PVI_TEST_KCOV_H

#include "types.h"

struct kcov;

/* For the thread that calls it, from now on */
struct kcov *kcov_open(void);
/* Forget what was not taken */
void kcov_reset(struct kcov *kcov);
/* How many edges there are since the last reset that were never taken before, which they are now */
u32 kcov_take(struct kcov *kcov);
/* All that were taken */
u32 kcov_places(const struct kcov *kcov);
u32 kcov_edges(const struct kcov *kcov);

#endif
