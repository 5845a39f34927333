// SPDX-License-Identifier: GPL-2.0
/*
 * What turns.h declares, and the waiting that shim.c leaves to it. All threads see one order of all accesses: what
 * barriers are for, status_litmus_test.c shows.
 */
#include <setjmp.h>
#include <ucontext.h>

#include "turns.h"

#define STACK	(256 << 10)

static struct thread {
	ucontext_t context;	/* where it begins */
	jmp_buf at;		/* where it goes on: without the system calls of swapcontext() */
	char *stack;
	turns_fn fn;
	int nesting;
	bool runs, begun;
} threads[TURNS_THREADS];
static jmp_buf outside;
static struct thread *now;
static u32 nr_threads, switches_of;	/* one of so many points is a switch */
static u32 slow;			/* a thread that seldom has its turn, or none */
static u64 state, points;
static int outside_nesting;

u64 turns_random(u64 below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % below;
}

void turns_seed(u64 seed)
{
	state = seed * 0x9e3779b97f4a7c15ULL + 1;
}

int *shim_nesting(void)
{
	return now ? &now->nesting : &outside_nesting;
}

u32 turns_left(void)
{
	u32 i, left = 0;

	for (i = 0; i < nr_threads; i++)
		left += threads[i].runs;
	return left;
}

static void switch_to(struct thread *next)
{
	struct thread *last = now;

	now = next;
	if (next == last || _setjmp(last ? last->at : outside))
		return;
	if (!next)
		_longjmp(outside, 1);
	if (next->begun)
		_longjmp(next->at, 1);
	next->begun = true;
	setcontext(&next->context);
}

static struct thread *any(void)
{
	u32 i = turns_random(nr_threads);

	/* What only goes wrong when one stands still while others do much */
	if (i == slow && turns_random(32))
		i = turns_random(nr_threads);
	while (!threads[i].runs)
		i = (i + 1) % nr_threads;
	return &threads[i];
}

void shim_point(void)
{
	if (!now)
		return;
	/* Nobody waits for ever. */
	CHECK(++points < 1000000);
	if (!turns_random(switches_of))
		switch_to(any());
}

static void shim_yield(void)
{
	CHECK(now && ++points < 1000000);
	switch_to(any());
}

bool shim_sleep(void)
{
	if (!now || turns_random(2))
		return false;
	shim_yield();
	return true;
}

void shim_wait(bool *held)
{
	shim_point();
	while (*held)
		shim_yield();
}

void shim_sleep_rcu(void)
{
	u32 i;

	for (i = 0; now && i < nr_threads; i++)
		while (threads[i].nesting)
			shim_yield();
}

static void begin(u32 self)
{
	now->fn(self);
	CHECK(!now->nesting);
	now->runs = false;
	switch_to(turns_left() ? any() : NULL);
}

void turns_run(const turns_fn *fns, u32 nr, u64 seed)
{
	u32 i;

	turns_seed(seed);
	nr_threads = nr;
	points = 0;
	switches_of = 1 << turns_random(6);
	slow = turns_random(2 * nr);
	for (i = 0; i < nr; i++) {
		struct thread *t = &threads[i];

		if (!t->stack)
			t->stack = malloc(STACK);
		getcontext(&t->context);
		t->context.uc_stack.ss_sp = t->stack;
		t->context.uc_stack.ss_size = STACK;
		t->fn = fns[i];
		t->runs = true;
		t->begun = false;
		makecontext(&t->context, (void (*)(void))begin, 1, i);
	}
	switch_to(any());
}
