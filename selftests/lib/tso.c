// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: every order in which a few small programs can run on the CPUs of x86 */
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "tso.h"

static const char *const op_names[] = {
	"load", "store", "fence", "xchg", "jz", "jnz", "jmp", "await", "signal", "wait-irq",
	"enter", "leave", "await-left", "seen", "accepted"
};

struct state tso_start;
static struct program programs[TSO_CPUS];
static u32 nr_cpus;

struct program *tso_cpu(void)
{
	ASSERT_LT(nr_cpus, TSO_CPUS);
	return &programs[nr_cpus++];
}

void tso_emit(struct program *p, enum tso_op op, u8 reg, u8 where, u8 value)
{
	ASSERT_LT(p->len, TSO_CODE);
	p->code[p->len++] = (struct instr){ op, reg, where, value };
}

void tso_load(struct program *p, enum tso_reg reg, u8 var)
{
	tso_emit(p, LOAD, reg, var, 0);
}

void tso_store(struct program *p, u8 var, u8 value)
{
	tso_emit(p, STORE, 0, var, value);
}

void tso_xchg(struct program *p, enum tso_reg reg, u8 var, u8 value)
{
	tso_emit(p, XCHG, reg, var, value);
}

void tso_jump(struct program *p, struct jumps *j, enum tso_op op, enum tso_reg reg)
{
	ASSERT_LT(j->nr, ARRAY_SIZE(j->at));
	j->at[j->nr++] = p->len;
	tso_emit(p, op, reg, 0, 0);
}

void tso_land(struct program *p, const struct jumps *j)
{
	u8 i;

	for (i = 0; i < j->nr; i++)
		p->code[j->at[i]].value = p->len;
}

static u8 load_by(const struct state *s, const struct cpu *c, u8 var)
{
	u8 value = s->mem[var];
	u32 i;

	for (i = 0; i < c->nr; i++)
		if (c->var[i] == var)
			value = c->val[i];
	return value;
}

/* One instruction of CPU @i, or false: it has to wait. Locked ones wait for the store buffer */
static bool step(struct state *s, u32 i)
{
	struct cpu *c = &s->cpu[i];
	const struct instr *in = &programs[i].code[c->pc];

	if (c->pc == programs[i].len)
		return false;
	c->pc++;
	switch (in->op) {
	case LOAD:
		c->reg[in->reg] = load_by(s, c, in->where);
		return true;
	case STORE:
		if (c->nr == TSO_BUFFER)
			return false;
		c->var[c->nr] = in->where;
		c->val[c->nr++] = in->value;
		return true;
	case XCHG:
		c->reg[in->reg] = s->mem[in->where];
		if (!c->nr)
			s->mem[in->where] = in->value;
		return !c->nr;
	case LEAVE:
		s->rings--;
		return !c->nr;
	case FENCE:
		return !c->nr;
	case JZ:
	case JNZ:
	case JMP:
		if (in->op == JMP || (in->op == JZ) == !c->reg[in->reg])
			c->pc = in->value;
		return true;
	case AWAIT:
		return s->mem[in->where];
	case SIGNAL:
		s->irq |= c->reg[in->reg] == in->value && s->mem[in->where];
		return true;
	case WAIT_IRQ:
		if (!s->irq)
			return false;
		s->irq = 0;
		return true;
	case ENTER:
		s->rings++;
		return true;
	case AWAIT_LEFT:
		return !s->rings;
	case SEEN:
		s->seen[in->where] = c->reg[in->reg];
		return true;
	case ACCEPTED:
		s->accepted[in->where] = in->value;
		return true;
	}
	return false;
}

/* The oldest store of CPU @i becomes visible */
static bool flush(struct state *s, u32 i)
{
	struct cpu *c = &s->cpu[i];

	if (!c->nr)
		return false;
	s->mem[c->var[0]] = c->val[0];
	c->nr--;
	memmove(c->var, c->var + 1, TSO_BUFFER - 1);
	memmove(c->val, c->val + 1, TSO_BUFFER - 1);
	c->var[c->nr] = 0;
	c->val[c->nr] = 0;
	return true;
}

/* All states met, in the order of meeting, and how: by what of whom, from which */
#define MAX_STATES	(1 << 20)
#define HASH_SIZE	(2 * MAX_STATES)
#define FLUSHED		TSO_CPUS

static struct state *states;
static struct { u32 from; u8 cpu; } *ways;
static u32 *table;
static u32 nr_states;

static u32 hash(const struct state *s)
{
	const u8 *bytes = (const u8 *)s;
	u64 sum = 0xcbf29ce484222325;
	u32 i;

	for (i = 0; i < sizeof(*s); i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3;
	return (sum ^ sum >> 32) % HASH_SIZE;
}

static void meet(const struct state *s, u32 from, u8 cpu)
{
	u32 at;

	for (at = hash(s); table[at]; at = (at + 1) % HASH_SIZE)
		if (!memcmp(&states[table[at] - 1], s, sizeof(*s)))
			return;
	if (nr_states == MAX_STATES)
		TEST_FAIL("more than %u states", MAX_STATES);
	states[nr_states] = *s;
	ways[nr_states].from = from;
	ways[nr_states].cpu = cpu;
	table[at] = ++nr_states;
}

/* Returns whether anything could go on from state @n */
static bool expand(u32 n)
{
	bool moved = false;
	u32 i;

	for (i = 0; i < nr_cpus; i++) {
		struct state next = states[n];

		if (step(&next, i)) {
			meet(&next, n, i);
			moved = true;
		}
		next = states[n];
		if (flush(&next, i)) {
			meet(&next, n, FLUSHED + i);
			moved = true;
		}
	}
	return moved;
}

static bool is_lost(const struct state *s)
{
	return s->seen[0] < s->accepted[0] || s->seen[1] < s->accepted[1];
}

/* Breadth first: the first end at which a ring is lost is the nearest. Returns it, or 0 */
static u32 explore(void)
{
	u32 n;

	states = calloc(MAX_STATES, sizeof(*states));
	ways = calloc(MAX_STATES, sizeof(*ways));
	table = calloc(HASH_SIZE, sizeof(*table));
	ASSERT_TRUE(states && ways && table);
	meet(&tso_start, 0, 0);
	for (n = 0; n < nr_states; n++)
		if (!expand(n) && is_lost(&states[n]))
			return n;
	return 0;
}

static bool names_a_variable(enum tso_op op)
{
	return op == LOAD || op == STORE || op == XCHG || op == AWAIT || op == SEEN ||
	       op == ACCEPTED;
}

static void show_step(u32 n, const char *const *names)
{
	const struct state *from = &states[ways[n].from];
	u8 cpu = ways[n].cpu % TSO_CPUS;
	const struct cpu *c = &from->cpu[cpu];
	const struct instr *in = &programs[cpu].code[c->pc];

	if (ways[n].cpu >= FLUSHED)
		test_diag("cpu %u: %s becomes %u for all", cpu, names[c->var[0]], c->val[0]);
	else if (names_a_variable(in->op))
		test_diag("cpu %u: %s %s %u", cpu, op_names[in->op], names[in->where],
			  in->op == LOAD || in->op == SEEN ? states[n].cpu[cpu].reg[in->reg] :
			  in->value);
	else if (in->op != JZ && in->op != JNZ && in->op != JMP)
		test_diag("cpu %u: %s", cpu, op_names[in->op]);
}

static void show_way(u32 n, const char *const *names)
{
	u32 way[256], len = 0;

	for (; n && len < ARRAY_SIZE(way); n = ways[n].from)
		way[len++] = n;
	while (len)
		show_step(way[--len], names);
}

bool tso_loses(const char *const *names)
{
	u32 lost = explore();

	show_way(lost, names);
	return lost;
}

u32 tso_states(void)
{
	return nr_states;
}
