// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle: sequences, each in a world of its own, and the shortest one that fails */
#include <string.h>
#include <sys/wait.h>

#include "../lib/pvi_test.h"
#include "check.h"
#include "model.h"
#include "world.h"

static struct finding *shared;

/* What the module would answer as far as the model cannot know: numbers that are its own */
static void invent(const struct op *op, struct answer *real)
{
	static u64 number;

	memset(real, 0, sizeof(*real));
	if (op->kind == OP_BIND || op->kind == OP_GRANT)
		real->counts[0] = ++number;
	if (op->kind == OP_UNGRANT && m.grants[op->a] != NONE)
		real->counts[0] = m.edges[m.grants[op->a]].id;
}

/* One op in eight is what it is; the others are led to something by what those before it made */
void sequence_random(struct sequence *s, u64 seed, u32 nr)
{
	static struct answer real, want;
	struct rng rng = { seed };

	model_reset();
	for (s->nr = 0; s->nr < nr; s->nr++) {
		struct op *op = &s->ops[s->nr];

		*op = op_random(&rng, s->nr);
		if (rng_below(&rng, 8))
			op_guide(&rng, op);
		if (!model_knows(op))
			continue;
		invent(op, &real);
		model_do(op, &real, &want);
	}
}

/* Each event that was not read yet, and all counters, are looked at in the end */
static bool look_at_all(struct finding *f)
{
	struct op op = { .kind = OP_READ };
	u32 i, n;

	for (i = 0; i < NR_EPS; i++) {
		op.ep = i;
		op.kind = OP_READ;
		for (n = 0; n <= KVM_PVI_EVENTS_KEPT && m.eps[i].bound; n++) {
			bool more = m.eps[i].nr_events;

			if (!check_op(&op, f))
				return false;
			if (!more)
				break;
		}
		op.kind = OP_STATS;
		if (!check_op(&op, f))
			return false;
	}
	return true;
}

static void child(u64 arg)
{
	const struct sequence *s = (const void *)arg;

	model_reset();
	world_make();
	m.watcher_epoch = world->watcher_epoch;
	for (shared->at = 0; shared->at < s->nr; shared->at++) {
		if (!check_op(&s->ops[shared->at], shared))
			_exit(TAP_PASS);
		shared->done++;
	}
	look_at_all(shared);
	_exit(TAP_PASS);
}

void sequence_run(const struct sequence *s, struct finding *f)
{
	int status;

	if (!shared) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		ASSERT_TRUE(shared != MAP_FAILED);
	}
	memset(shared, 0, sizeof(*shared));
	ASSERT_GT(waitpid(child_run(child, (u64)s), &status, 0), 0);
	*f = *shared;
	if (status && !f->found) {
		f->found = true;
		snprintf(f->kind, sizeof(f->kind), "end");
		snprintf(f->text, sizeof(f->text), "the test itself ended with status %#x", status);
	}
}

/* Whether it fails in that way without ops @from to @to - 1 */
static bool fails_without(struct sequence *s, u32 from, u32 to, struct finding *f)
{
	static struct sequence less;
	struct finding now;

	less.nr = s->nr - (to - from);
	memcpy(less.ops, s->ops, from * sizeof(less.ops[0]));
	memcpy(less.ops + from, s->ops + to, (s->nr - to) * sizeof(less.ops[0]));
	sequence_run(&less, &now);
	if (!now.found || strcmp(now.kind, f->kind))
		return false;
	*f = now;
	*s = less;
	return true;
}

void sequence_shrink(struct sequence *s, struct finding *f)
{
	u32 size, at;

	if (f->at < s->nr)
		s->nr = f->at + 1;
	for (size = s->nr / 2; size; size /= 2)
		for (at = 0; at + size <= s->nr;)
			if (!fails_without(s, at, at + size, f))
				at += size;
}
