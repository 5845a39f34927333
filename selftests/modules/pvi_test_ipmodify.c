// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvi_test_ipmodify - claims kvm_emulate_hypercall() as a livepatch does: while this is loaded
 * nobody else may send its callers elsewhere. It does not do so either.
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/string.h>

static void notrace callback(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *fregs)
{
}

static struct ftrace_ops ops = {
	.func = callback,
	.flags = FTRACE_OPS_FL_IPMODIFY,
};

static int __init ipmodify_init(void)
{
	char function[] = "kvm_emulate_hypercall";
	int ret = ftrace_set_filter(&ops, function, strlen(function), 1);

	if (!ret)
		ret = register_ftrace_function(&ops);
	if (ret)
		ftrace_free_filter(&ops);
	return ret;
}

static void __exit ipmodify_exit(void)
{
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
}

module_init(ipmodify_init);
module_exit(ipmodify_exit);

MODULE_DESCRIPTION("Test of kvm_pvi: holds kvm_emulate_hypercall()");
MODULE_LICENSE("GPL");
