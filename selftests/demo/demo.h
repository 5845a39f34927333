/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi demo: what its scenes share */
#ifndef PVI_DEMO_H
#define PVI_DEMO_H

#include "pvi_test.h"

#define GSI	20
#define VECTOR	0x40

/* Print a numbered line, and a line below it */
void say(const char *fmt, ...) __printf(1, 2);
void detail(const char *fmt, ...) __printf(1, 2);

/* Guest A, and host processes that it rings: one scene for each mechanism */
void demo_mechanisms(struct vm *a, int a_fd);

#endif
