// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: what calls cost, where the TSC counts instructions */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cost.h"
#include "host.h"

#define EXPEDITED "/sys/kernel/rcu_expedited"
#define LEFT_US	30000	/* what a call leaves to others is begun by then: callbacks of RCU, works */

static bool watching;

/* Goes before all others whenever it has slept; returns the longest time that it did not */
static void *watch(void *arg)
{
	struct sched_param first = { .sched_priority = 50 };
	struct timespec nap = { .tv_nsec = COST_NAP_NS };
	u64 *longest = arg, last, now;

	ASSERT_EQ(pthread_setschedparam(pthread_self(), SCHED_FIFO, &first), 0);
	last = instructions();
	WRITE_ONCE(watching, true);
	while (READ_ONCE(watching)) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
		now = instructions();
		*longest = now - last > *longest ? now - last : *longest;
		last = now;
	}
	return NULL;
}

struct cost cost_of(void (*op)(u32 n), u32 n)
{
	struct cost cost = { };
	pthread_t thread;

	ASSERT_EQ(pthread_create(&thread, NULL, watch, &cost.in_a_row), 0);
	ASSERT_TRUE(wait_until(READ_ONCE(watching), 1000));
	cost.took = instructions();
	op(n);
	cost.took = instructions() - cost.took;
	usleep(LEFT_US);
	WRITE_ONCE(watching, false);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	return cost;
}

static void write_expedited(const char *value)
{
	int ret = __write_line(EXPEDITED, value);

	if (ret) {
		fprintf(stderr, "%s: %s\n", EXPEDITED, strerror(-ret));
		exit(TAP_FAIL);
	}
}

/* As they are by default, for the tests behind this one */
static void reset_limits(void)
{
	static const struct {
		const char *name, *value;
	} limits[] = {
		{ "max_senders", "4096" },
		{ "max_gsis", "1024" },
		{ "max_ports", "4096" },
		{ "max_bells", "1024" },
		{ "max_reserved", "4096" },
		{ "max_grants", "1024" },
		{ "max_sources", "4096" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		__write_param("kvm_pvi", limits[i].name, limits[i].value);
}

int cost_main(int argc, char **argv, const struct test_case *cases, size_t nr, unsigned int requires)
{
	int ret;

	/* Otherwise a grace period is some ticks in which nothing is done, and how many is chance. */
	write_expedited("1");
	ret = test_main(argc, argv, cases, nr, requires);
	write_expedited("0");
	reset_limits();
	return ret;
}
