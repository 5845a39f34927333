// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvi_test_throttle - rings of this guest's through a connection are refused, as by a host that throttles it, so many
 * times. By module parameters:
 *
 * times	how many are refused
 * made		how many have come since, and were made
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/ptrace.h>

static unsigned int times = 1;
module_param(times, uint, 0);
MODULE_PARM_DESC(times, "how many are refused");

static atomic_t throttle_calls = ATOMIC_INIT(0);

static int throttle_refuse(void)
{
	return -EAGAIN;
}

/* The function has not begun: another one does in its place, and returns to who called it. */
static int throttle_call(struct kprobe *p, struct pt_regs *regs)
{
	if (atomic_inc_return(&throttle_calls) > times)
		return 0;
	regs->ip = (unsigned long)throttle_refuse;
	return 1;
}

/* With one the probe is not made a jump, which would come back. */
static void throttle_called(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe throttle_probe = {
	.symbol_name = "kvm_pvi_guest_link_ring",
	.pre_handler = throttle_call,
	.post_handler = throttle_called,
};

static int throttle_made(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", max(0, atomic_read(&throttle_calls) - (int)times));
}

static const struct kernel_param_ops throttle_ops = {
	.get = throttle_made,
};

module_param_cb(made, &throttle_ops, NULL, 0444);

static int __init throttle_init(void)
{
	return register_kprobe(&throttle_probe);
}

static void __exit throttle_exit(void)
{
	unregister_kprobe(&throttle_probe);
}

module_init(throttle_init);
module_exit(throttle_exit);

MODULE_DESCRIPTION("kvm-pvi selftests: a host that throttles this guest");
MODULE_LICENSE("GPL");
