// SPDX-License-Identifier: GPL-2.0-only
/* pvi_test_guest race - what is rung while it changes */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "guest.h"

/* Rings, and sees that each ring is followed by an interrupt, until it is told to stop. */
static int ring_on(void *data)
{
	unsigned int rings = 0;

	while (!kthread_should_stop()) {
		reinit_completion(&a.rung);
		if (kvm_pvi_guest_ring(&self, msi) < 0 || !was_rung(&a))
			return -EIO;
		rings++;
		cond_resched();
	}
	return rings;
}

static int move_interrupt(int irq)
{
	unsigned int i, cpu = 0;
	int ret;

	for (i = 0; i < rounds; i++) {
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
		ret = irq_set_affinity(irq, cpumask_of(cpu));
		if (ret && ret != -EBUSY)
			return ret;
		usleep_range(100, 1000);
	}
	return 0;
}

/* An interrupt that is moved while it is rung loses no ring. */
void test_affinity(void)
{
	struct task_struct *thread;
	int rings;

	if (!CHECK_EQ(request(&a, msi), 0))
		return;
	cpumask_clear(&cpus);
	thread = kthread_run(ring_on, NULL, "pvi_test");
	if (CHECK(!IS_ERR(thread))) {
		CHECK_EQ(move_interrupt(kvm_pvi_guest_handler_irq(&a.handler)), 0);
		rings = kthread_stop(thread);
		CHECK(rings > 0);
		CHECK(cpumask_equal(&cpus, cpu_online_mask));
		pr_info("%d rings while the interrupt was moved %u times\n", rings, rounds);
	}
	release(&a);
}

/* One that is released has its memory given back at once, while it is rung. */
static int request_and_free(void)
{
	struct counter *c = kzalloc(sizeof(*c), GFP_KERNEL);
	int ret;

	if (!c)
		return -ENOMEM;
	c->handler.ring = count;
	ret = request(c, msi);
	if (!ret)
		kvm_pvi_guest_release(&c->handler);
	memset(c, 0xa5, sizeof(*c));
	kfree(c);
	return ret;
}

static int ring_only(void *data)
{
	unsigned int rings = 0;

	while (!kthread_should_stop()) {
		if (kvm_pvi_guest_ring(&self, msi) < 0)
			return -EIO;
		rings++;
		cond_resched();
	}
	return rings;
}

void test_release(void)
{
	struct task_struct *thread = kthread_run(ring_only, NULL, "pvi_test");
	int ret = 0;
	unsigned int i;

	if (!CHECK(!IS_ERR(thread)))
		return;
	for (i = 0; !ret && i < rounds / 10; i++)
		ret = request_and_free();
	CHECK_EQ(ret, 0);
	CHECK(kthread_stop(thread) > 0);
}
