/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi selftests: every way in which two sides that use pvi_ring.h can run
 *
 * The header is compiled as it is, with its atomic accesses and barriers turned into calls of this
 * model. Memory is that of C11 without loads that see the future: a location has all values that
 * were ever stored there; a load may see any that is not older than what its side knows of; a
 * release store hands on what its side knows, an acquire load takes it over; a full barrier
 * exchanges it with all other full barriers. That allows all that x86 and Arm do with stores.
 */
#ifndef PVI_RING_MODEL_H
#define PVI_RING_MODEL_H

#include "../lib/types.h"

__u32 model_load(const void *at, int order, const char *where);
void model_store(void *at, __u32 value, int order, const char *where);
void model_fence(const char *where);
/* Interrupt side @to; wait for an interrupt. They hand on what the side knows as a ring does */
void model_ring(unsigned int to);
void model_wait(void);
/* The side has seen what must not be */
void model_fail(const char *what) __noreturn;

/* A barrier or an order of accesses that is not there: of accesses of @where */
enum model_op { MODEL_NOTHING, MODEL_FENCE, MODEL_RELEASE, MODEL_ACQUIRE };

struct model_hole {
	enum model_op op;
	const char *where;
};

typedef void (*model_side)(void);

/*
 * Go all ways. NULL if both sides come to their end in each; else what went wrong in one of them, of
 * which the steps are printed. Memory begins as it is.
 */
const char *model_run(const model_side sides[2], const struct model_hole *hole);
unsigned long model_states(void);

#endif
