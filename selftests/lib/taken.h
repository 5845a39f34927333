/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: ioctls whose struct is taken away while they work on it */
#ifndef PVI_TEST_TAKEN_H
#define PVI_TEST_TAKEN_H

#include "types.h"

/*
 * An ioctl on /dev/kvm_pvi whose struct, copied from @arg, was writable when the call looked, and
 * no longer is when it has its results. The first 8 bytes are what cannot be written. Returns
 * -errno; @arg is unchanged.
 */
int __taken_ioctl(int fd, unsigned long cmd, const void *arg, u32 size);

/* Called while that stands half written and before it fails; NULL: nothing is */
extern void (*taken_meanwhile)(void);

#endif
