// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvi_test_constant_tsc - for the rig alone: says that the TSC has a constant rate, which KVM on
 * PREEMPT_RT insists on and QEMU's TCG does not say of its own. Loaded before KVM is.
 */
#include <linux/module.h>
#include <asm/cpufeature.h>

static int __init constant_tsc_init(void)
{
	set_cpu_cap(&boot_cpu_data, X86_FEATURE_CONSTANT_TSC);
	return 0;
}

static void __exit constant_tsc_exit(void)
{
}

module_init(constant_tsc_init);
module_exit(constant_tsc_exit);

MODULE_DESCRIPTION("Test of kvm_pvi: a TSC of constant rate");
MODULE_LICENSE("GPL");
