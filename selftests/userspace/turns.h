/* SPDX-License-Identifier: GPL-2.0 */
/* Threads that take turns at their atomic operations, in an order that a seed says */
#ifndef TURNS_H
#define TURNS_H

#include "shim.h"

#define TURNS_THREADS	8

typedef void (*turns_fn)(u32 self);

u64 turns_random(u64 below);
void turns_seed(u64 seed);					/* of what comes before turns_run() */
void turns_run(const turns_fn *fns, u32 nr, u64 seed);	/* until all have returned */
u32 turns_left(void);						/* how many have not */

#endif
