/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi oracle: sequences of ops, and what differs */
#ifndef PVI_ORACLE_CHECK_H
#define PVI_ORACLE_CHECK_H

#include "op.h"

#define MAX_OPS		1000

struct sequence {
	u32 nr;
	struct op ops[MAX_OPS];
};

/*
 * What was found
 *
 * @at: number of the op, if @found
 * @done: ops that were made; @good: how many of each kind were no error; @verdicts: of rings
 * @kind: the same for all sequences that fail for one reason, as far as can be seen
 */
struct finding {
	bool found;
	u32 at, done;
	u32 good[NR_OPS];
	u32 verdicts[3];
	char kind[64];
	char text[320];
};

/* Runs it in a world of its own, in a child */
void sequence_run(const struct sequence *s, struct finding *f);
/* Leaves out whatever can be */
void sequence_shrink(struct sequence *s, struct finding *f);
void sequence_random(struct sequence *s, u64 seed, u32 nr);

/* Makes one op and compares all there is to see; false: it is in @f */
bool check_op(const struct op *op, struct finding *f);

#endif
