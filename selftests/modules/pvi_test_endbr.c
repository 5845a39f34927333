// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvi_test_endbr - calls through a pointer what is 4 bytes past an ENDBR. Where indirect branches are
 * tracked the processor refuses, the kernel reports it and ends the thread that did so; then this
 * can be loaded. Where the call goes through it cannot.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <asm/ibt.h>

static DECLARE_COMPLETION(endbr_started);
static bool endbr_missed;

/* Its address is taken, so that it has an ENDBR, which nobody removes. */
static noinline int endbr_target(void)
{
	return READ_ONCE(endbr_missed);
}

static int endbr_call(void *target)
{
	int (*past)(void) = target + ENDBR_INSN_SIZE;

	complete(&endbr_started);
	OPTIMIZER_HIDE_VAR(past);
	past();
	WRITE_ONCE(endbr_missed, true);
	return 0;
}

static int __init endbr_init(void)
{
	struct task_struct *thread;
	int (*target)(void) = endbr_target;

	OPTIMIZER_HIDE_VAR(target);
	thread = kthread_create(endbr_call, target, "pvi_test_endbr");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	wait_for_completion(&endbr_started);
	/* Waits for its end, whatever that is */
	kthread_stop(thread);
	put_task_struct(thread);
	return READ_ONCE(endbr_missed) ? -ENXIO : 0;
}

static void __exit endbr_exit(void)
{
}

module_init(endbr_init);
module_exit(endbr_exit);

MODULE_DESCRIPTION("Test of the rig: makes a call that indirect branch tracking catches");
MODULE_LICENSE("GPL");
