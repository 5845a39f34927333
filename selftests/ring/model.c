// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi selftests: every way in which two sides that use pvi_ring.h can run
 *
 * A side is a function that only looks at memory by model_load(). So what it does next follows from
 * what its loads have seen; to take a step it is run from its beginning, the loads of before give
 * what they gave, and it is left by longjmp() at the first access that has not happened yet.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define SIDES		2
#define PLACES		36
#define VALUES		10
#define STEPS		256
#define MAX_STATES	(1u << 22)

/* Of each place the number of the value that is the oldest which may still be seen */
struct view {
	u8 at[PLACES];
};

struct value {
	u32 value;
	struct view known;
};

/* @fence, @unfenced: what a later relaxed store hands on, what a later barrier takes over */
struct side {
	struct view view, fence, unfenced;
	u32 nr;
	u32 result[STEPS];
};

struct model {
	u8 nr[PLACES];
	u8 irq[4];
	struct value values[PLACES][VALUES];
	struct view irq_known[SIDES], fences;
	struct side side[SIDES];
};

enum kind { LOAD, STORE, FENCE, RING, WAIT, END, FAIL };

static const char *const kind_names[] = { "load", "store", "fence", "ring", "wait", "end", "fail" };

/* What a side is about to do */
struct step {
	enum kind kind;
	u8 place;
	u32 value;
	bool ordered;
	const char *what;
};

static const model_side *sides;
static const struct model_hole *hole;
static const void *places[PLACES];
static u32 nr_places;
/* Which sides load, and store there, as far as was seen; how much was learned of places in all */
static bool used[PLACES][SIDES][2];
static u32 nr_learned;

static const struct side *running;
static u32 passed;
static struct step next;
static jmp_buf leave;

static u64 (*met)[2];
static unsigned long nr_met;
static const char *wrong;

static void too_much(const char *what)
{
	printf("Bail out! more %s than the model has room for\n", what);
	exit(1);
}

static bool holds(enum model_op op, const char *where)
{
	return hole->op != op || strcmp(hole->where, where);
}

static u8 place_of(const void *at)
{
	u32 i;

	for (i = 0; i < nr_places; i++)
		if (places[i] == at)
			return i;
	if (nr_places == PLACES)
		too_much("places");
	places[nr_places] = at;
	nr_learned++;
	return nr_places++;
}

/* Have it done if it was done before, else leave with it */
static u32 do_or_leave(struct step step)
{
	if (passed < running->nr)
		return running->result[passed++];
	next = step;
	longjmp(leave, 1);
}

static bool exploring;

u32 model_load(const void *at, int order, const char *where)
{
	if (!exploring)
		return *(const u32 *)at;
	return do_or_leave((struct step){ LOAD, place_of(at), 0,
		order != __ATOMIC_RELAXED && holds(MODEL_ACQUIRE, where), where });
}

void model_store(void *at, u32 value, int order, const char *where)
{
	if (!exploring)
		*(u32 *)at = value;
	else
		do_or_leave((struct step){ STORE, place_of(at), value,
			order != __ATOMIC_RELAXED && holds(MODEL_RELEASE, where), where });
}

void model_fence(const char *where)
{
	if (exploring && holds(MODEL_FENCE, where))
		do_or_leave((struct step){ .kind = FENCE, .what = where });
}

void model_ring(unsigned int to)
{
	do_or_leave((struct step){ .kind = RING, .value = to, .what = "model_ring" });
}

void model_wait(void)
{
	do_or_leave((struct step){ .kind = WAIT, .what = "model_wait" });
}

void model_fail(const char *what)
{
	next = (struct step){ .kind = FAIL, .what = what };
	longjmp(leave, 1);
}

static struct step look_ahead(const struct model *m, u32 who)
{
	running = &m->side[who];
	passed = 0;
	next = (struct step){ .kind = END };
	if (!setjmp(leave))
		sides[who]();
	return next;
}

static void join(struct view *to, const struct view *from)
{
	u32 i;

	for (i = 0; i < PLACES; i++)
		if (to->at[i] < from->at[i])
			to->at[i] = from->at[i];
}

static void side_result(struct side *side, u32 result)
{
	if (side->nr == STEPS)
		too_much("steps");
	side->result[side->nr++] = result;
}

/* A load sees value number @n */
static void side_load(struct model *m, struct side *side, const struct step *step, u8 n)
{
	const struct value *value = &m->values[step->place][n];

	if (side->view.at[step->place] < n)
		side->view.at[step->place] = n;
	join(step->ordered ? &side->view : &side->unfenced, &value->known);
	side_result(side, value->value);
}

static void side_store(struct model *m, struct side *side, const struct step *step)
{
	u8 n = m->nr[step->place]++;
	struct value *value = &m->values[step->place][n];

	if (n == VALUES)
		too_much("values");
	side->view.at[step->place] = n;
	value->value = step->value;
	value->known = step->ordered ? side->view : side->fence;
	value->known.at[step->place] = n;
	side_result(side, 0);
}

static void side_fence(struct model *m, struct side *side)
{
	join(&side->view, &side->unfenced);
	join(&side->view, &m->fences);
	m->fences = side->view;
	side->fence = side->view;
	side_result(side, 0);
}

/* Who is rung knows what the ringer knew; no more is asked of a ring */
static void side_ring(struct model *m, struct side *side, u32 to)
{
	m->irq[to] = 1;
	join(&m->irq_known[to], &side->view);
	side_result(side, 0);
}

static void side_wait(struct model *m, struct side *side, u32 who)
{
	m->irq[who] = 0;
	join(&side->view, &m->irq_known[who]);
	side_result(side, 0);
}

static void mix(u64 sum[2], const void *from, size_t size)
{
	const u8 *bytes = from;
	u32 word;

	for (; size; size -= 4, bytes += 4) {
		memcpy(&word, bytes, 4);
		sum[0] = (sum[0] ^ word) * 0x9e3779b97f4a7c15;
		sum[0] ^= sum[0] >> 29;
		sum[1] = (sum[1] + word) * 0xbf58476d1ce4e5b9;
		sum[1] ^= sum[1] >> 31;
	}
}

/* Of all that is in use */
static void hash(const struct model *m, u64 sum[2])
{
	u32 i;

	sum[0] = sum[1] = 1;
	mix(sum, m, offsetof(struct model, values));
	mix(sum, m->irq_known, sizeof(m->irq_known) + sizeof(m->fences));
	for (i = 0; i < nr_places; i++)
		mix(sum, m->values[i], m->nr[i] * sizeof(m->values[i][0]));
	for (i = 0; i < SIDES; i++)
		mix(sum, &m->side[i], offsetof(struct side, result) + 4 * m->side[i].nr);
	sum[0] |= !sum[0];
}

/* Whether the state is new */
static bool meet(const struct model *m)
{
	u64 sum[2];
	u32 at;

	hash(m, sum);
	for (at = sum[0] % MAX_STATES; met[at][0]; at = (at + 1) % MAX_STATES)
		if (met[at][0] == sum[0] && met[at][1] == sum[1])
			return false;
	if (++nr_met > MAX_STATES / 4 * 3)
		too_much("states");
	memcpy(met[at], sum, sizeof(sum));
	return true;
}

static bool explore(const struct model *m);

static void show(const struct model *m, u32 who, const struct step *step)
{
	const struct side *side = &m->side[who];

	printf("#   side %u: %s %s", who, step->what, kind_names[step->kind]);
	if (step->kind == LOAD)
		printf(" place %u: 0x%x", step->place, side->result[side->nr - 1]);
	else if (step->kind == STORE)
		printf(" place %u: 0x%x", step->place, step->value);
	printf("\n");
}

/* Returns whether all is well behind the step; prints it if not, so the last step comes first */
static bool go_on(const struct model *m, u32 who, const struct step *step)
{
	if (explore(m))
		return true;
	show(m, who, step);
	return false;
}

/* All ways to do what side @who does next; sets @moved if there is one */
static bool explore_side(const struct model *m, u32 who, bool *moved)
{
	struct step step = look_ahead(m, who);
	struct model *after;
	u8 n;
	bool well = true;

	if (step.kind == FAIL) {
		wrong = step.what;
		return false;
	}
	if (step.kind == END || (step.kind == WAIT && !m->irq[who]))
		return true;
	*moved = true;
	after = malloc(sizeof(*after));
	for (n = step.kind == LOAD ? m->side[who].view.at[step.place] : 0;
	     well && n < (step.kind == LOAD ? m->nr[step.place] : 1); n++) {
		*after = *m;
		switch (step.kind) {
		case LOAD:
			side_load(after, &after->side[who], &step, n);
			break;
		case STORE:
			side_store(after, &after->side[who], &step);
			break;
		case FENCE:
			side_fence(after, &after->side[who]);
			break;
		case RING:
			side_ring(after, &after->side[who], step.value);
			break;
		default:
			side_wait(after, &after->side[who], who);
		}
		well = go_on(after, who, &step);
	}
	free(after);
	return well;
}

static void learn(const struct step *step, u32 who)
{
	bool *was = &used[step->place][who][step->kind == STORE];

	nr_learned += !*was;
	*was = true;
}

/* A load of what the other side never stores, or the reverse: nobody sees when it happens */
static bool is_private(const struct step *step, u32 who)
{
	if (step->kind != LOAD && step->kind != STORE)
		return false;
	return !used[step->place][1 - who][step->kind == LOAD];
}

static bool explore(const struct model *m)
{
	bool moved = false;
	struct step step;
	u32 who;

	if (!meet(m))
		return true;
	for (who = 0; who < SIDES; who++) {
		step = look_ahead(m, who);
		if (step.kind == LOAD || step.kind == STORE)
			learn(&step, who);
		if (is_private(&step, who))
			return explore_side(m, who, &moved);
	}
	for (who = 0; who < SIDES; who++)
		if (!explore_side(m, who, &moved))
			return false;
	if (moved)
		return true;
	for (who = 0; who < SIDES; who++)
		if (look_ahead(m, who).kind == WAIT) {
			wrong = "waits for ever";
			return false;
		}
	return true;
}

/* All places that sides look at begin with what is there */
static void begin(struct model *m)
{
	u32 i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < PLACES; i++)
		m->nr[i] = 1;
	for (i = 0; i < nr_places; i++)
		m->values[i][0].value = *(const u32 *)places[i];
}

const char *model_run(const model_side both[2], const struct model_hole *without)
{
	struct model *m;
	u32 learned;

	if (!met)
		met = calloc(MAX_STATES, sizeof(*met));
	sides = both;
	hole = without;
	wrong = NULL;
	exploring = true;
	nr_places = 0;
	memset(used, 0, sizeof(used));
	m = malloc(sizeof(*m));
	/* Who stores to which places is learned on the way: then again, with what was learned */
	do {
		learned = nr_learned;
		wrong = NULL;
		memset(met, 0, MAX_STATES * sizeof(*met));
		nr_met = 0;
		begin(m);
		explore(m);
	} while (learned != nr_learned);
	free(m);
	exploring = false;
	return wrong;
}

unsigned long model_states(void)
{
	return nr_met;
}
