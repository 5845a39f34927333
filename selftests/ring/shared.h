/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: a link in the memory of one machine, for what tests pvi_ring.h in user space */
#ifndef PVI_RING_SHARED_H
#define PVI_RING_SHARED_H

#include <linux/pvi_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/random.h"
#include "../lib/types.h"

/* Ends the program */
#define RING_FAIL(fmt, ...)                                                   \
	do {                                                                  \
		fprintf(stderr, "# %s:%d: " fmt "\n", __FILE__, __LINE__,     \
			##__VA_ARGS__);                                       \
		exit(1);                                                      \
	} while (0)

#define RING_ASSERT(cond)                                                     \
	do {                                                                  \
		if (!(cond))                                                  \
			RING_FAIL("%s is not so", #cond);                     \
	} while (0)

/* A section of side @side with @queues of @data_size bytes: how large, and made in @section */
u64 section_size(u32 queues, u32 data_size);
void section_make(void *section, u32 side, u32 queues, u32 data_size);

/*
 * Whole pages of @fd, or of nobody else's if it is -1, between two pages that nobody may touch.
 * @prot as for mmap().
 */
void *memory_map(int fd, u64 size, int prot);
/* A memfd with a section in it */
int memory_section(u32 side, u32 queues, u32 data_size);

#endif
