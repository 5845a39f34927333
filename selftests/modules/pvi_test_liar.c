// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvi_test_liar - has kvm_pvi tell guests that it has written 1,000 records of peers, whatever it has written; or
 * anything else. By module parameters:
 *
 * function	whose result it is
 * answer	what it is
 * only		its arguments, up to four, where it is that; -1: any
 * lies		how often it was
 */
#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/ptrace.h>

static char *function = "pvi_walk_list";
module_param(function, charp, 0);
MODULE_PARM_DESC(function, "whose result it is");

static long answer = 1000;
module_param(answer, long, 0);
MODULE_PARM_DESC(answer, "what it is");

static long only[4] = { -1, -1, -1, -1 };
module_param_array(only, long, NULL, 0);
MODULE_PARM_DESC(only, "its arguments, where it is that; -1: any");

static atomic_t liar_lies = ATOMIC_INIT(0);

/* Not 0: it tells the truth this time. */
static int liar_entry(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(only); n++)
		if (only[n] != -1 && (long)regs_get_kernel_argument(regs, n) != only[n])
			return 1;
	return 0;
}

static int liar_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	regs_set_return_value(regs, answer);
	atomic_inc(&liar_lies);
	return 0;
}

static struct kretprobe liar_probe = {
	.entry_handler = liar_entry,
	.handler = liar_return,
};

static int liar_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&liar_lies));
}

static const struct kernel_param_ops liar_ops = {
	.get = liar_get,
};

module_param_cb(lies, &liar_ops, NULL, 0444);

static int __init liar_init(void)
{
	liar_probe.kp.symbol_name = function;
	return register_kretprobe(&liar_probe);
}

static void __exit liar_exit(void)
{
	unregister_kretprobe(&liar_probe);
}

module_init(liar_init);
module_exit(liar_exit);

MODULE_DESCRIPTION("Test of kvm_pvi_guest: a host that lies");
MODULE_LICENSE("GPL");
