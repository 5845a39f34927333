/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: what sources ring */
#ifndef PVI_TEST_SOURCE_H
#define PVI_TEST_SOURCE_H

#include "types.h"

#define SOURCE_GSI	20

/* A receiver and a sender without VMs: @sink is what a ring of @port signals */
struct pair {
	int rx;
	int tx;
	int sink;
	u32 port;
};

struct pair pair_create(void);

/* Rings by this endpoint, and signals of its sources that rang nothing */
u64 accepted(int fd);
u64 dropped(int fd);
/* Wait until @count signals were rung, and none dropped */
void wait_accepted(int fd, u64 count);

#endif
