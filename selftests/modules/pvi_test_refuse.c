// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvi_test_refuse - a function is not called, so many times, but says at once that it has failed; then it is as ever.
 * By module parameters:
 *
 * function	its name
 * caller	the module whose calls these are; without it they are all that there are
 * answer	what it returns meanwhile. 0: NULL, where it returns a pointer
 * after	how many calls come before those that fail
 * times	how many calls fail
 * made		how many have come since, and were made
 * met		1: one has failed
 * late		and so many milliseconds late
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/ptrace.h>
#include <linux/string.h>

static char *function = "";
module_param(function, charp, 0);
MODULE_PARM_DESC(function, "its name");

static char *caller = "";
module_param(caller, charp, 0);
MODULE_PARM_DESC(caller, "the module whose calls these are");

static long answer;
module_param(answer, long, 0);
MODULE_PARM_DESC(answer, "what it returns meanwhile");

static unsigned int after;
module_param(after, uint, 0);
MODULE_PARM_DESC(after, "how many calls come before");

static unsigned int times = 1;
module_param(times, uint, 0);
MODULE_PARM_DESC(times, "how many calls fail");

static unsigned int late;
module_param(late, uint, 0);
MODULE_PARM_DESC(late, "how many milliseconds the others are late");

static atomic_t refuse_calls = ATOMIC_INIT(0);

static long refuse_answer(void)
{
	return answer;
}

/* Where the function returns to is in @caller. */
static bool refuse_is_meant(const struct pt_regs *regs)
{
	char symbol[KSYM_SYMBOL_LEN], *module;

	if (!*caller)
		return true;
	sprint_symbol(symbol, *(unsigned long *)regs->sp);
	module = strrchr(symbol, '[');
	return module && !strncmp(module + 1, caller, strlen(caller)) && module[1 + strlen(caller)] == ']';
}

/* The function has not begun: another one does in its place, and returns to who called it. */
static int refuse_call(struct kprobe *p, struct pt_regs *regs)
{
	unsigned int call;

	if (!refuse_is_meant(regs))
		return 0;
	call = atomic_inc_return(&refuse_calls);
	if (call > after + times)
		mdelay(late);
	if (call <= after || call > after + times)
		return 0;
	regs->ip = (unsigned long)refuse_answer;
	return 1;
}

/* With one the probe is not made a jump, which would come back. */
static void refuse_called(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe refuse_probe = {
	.pre_handler = refuse_call,
	.post_handler = refuse_called,
};

static int refuse_made(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", max(0, atomic_read(&refuse_calls) - (int)(after + times)));
}

static int refuse_met(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&refuse_calls) > (int)after);
}

static const struct kernel_param_ops refuse_ops = {
	.get = refuse_made,
};

module_param_cb(made, &refuse_ops, NULL, 0444);

static const struct kernel_param_ops refuse_met_ops = {
	.get = refuse_met,
};

module_param_cb(met, &refuse_met_ops, NULL, 0444);

static int __init refuse_init(void)
{
	refuse_probe.symbol_name = function;
	return register_kprobe(&refuse_probe);
}

static void __exit refuse_exit(void)
{
	unregister_kprobe(&refuse_probe);
}

module_init(refuse_init);
module_exit(refuse_exit);

MODULE_DESCRIPTION("kvm-pvi selftests: functions that fail");
MODULE_LICENSE("GPL");
