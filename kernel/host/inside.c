// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi inside - who is in an intercepted hypercall: the lifetime of code
 *
 * A task may leave on another CPU than it came in on, so only the sum means
 * something. It is awaited after nobody can come in any more and all who came
 * in have been counted: from then on it only falls, and a sum of 0 is true
 * however the CPUs are read one after the other. SRCU would do the same for 18
 * instructions of every hypercall of ours.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "inside.h"

DEFINE_PER_CPU(long, pvi_inside);

static bool inside_anybody(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(pvi_inside, cpu));
	return sum;
}

/*
 * Waits until nobody runs in code that was reached through the hook any more:
 * tasks-RCU for those in the trampoline, the count for those who may sleep in
 * KVM, tasks-RCU for their last instructions.
 */
void pvi_inside_wait(void)
{
	synchronize_rcu_tasks();
	while (inside_anybody())
		msleep(20);
	synchronize_rcu_tasks();
}

/*
 * Guest memory may be under a userfault that its VMM never answers. Do not
 * count as inside during such accesses, but hold a reference to the module, so
 * that nobody waits for them; removing the module is refused.
 */
int pvi_inside_sleep(struct pvi_call *c)
{
	if (!c->vcpu)
		return 0;
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	pvi_inside_leave();
	return 0;
}

void pvi_inside_wake(struct pvi_call *c)
{
	if (!c->vcpu)
		return;
	pvi_inside_enter();
	module_put(THIS_MODULE);
}
