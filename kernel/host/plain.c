// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi plain - what has to be known of KVM to do its part
 *
 * The functions by which KVM asks the processor's module are static calls of its
 * own, whose trampolines are called: they follow when that module is exchanged.
 * Where something is not to be found KVM is asked always.
 */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/tracepoint.h>

#include "plain.h"

DEFINE_STATIC_CALL_NULL(pvi_plain_cpl, *((struct kvm_x86_ops *)NULL)->get_cpl);
DEFINE_STATIC_CALL_NULL(pvi_plain_cs, *((struct kvm_x86_ops *)NULL)->get_cs_db_l_bits);
DEFINE_STATIC_CALL_NULL(pvi_plain_skip, kvm_skip_emulated_instruction);

/* Looks as if somebody traced. */
static struct tracepoint_func plain_anybody;
static const struct tracepoint plain_traced = {
	.funcs = (struct tracepoint_func __force __rcu *)&plain_anybody,
};

/* kvm:kvm_hypercall */
const struct tracepoint *pvi_plain_trace __ro_after_init = &plain_traced;

static void __init plain_look_at(struct tracepoint *tp, void *found)
{
	if (!strcmp(tp->name, "kvm_hypercall"))
		*(struct tracepoint **)found = tp;
}

static struct tracepoint *plain_found __initdata;

/* Told of each module that has tracepoints, as if all were just coming. */
static int __init plain_module(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct module *mod = ((struct tp_module *)data)->mod;
	unsigned int i;

	if (action == MODULE_STATE_COMING && !strcmp(mod->name, "kvm"))
		for (i = 0; i < mod->num_tracepoints; i++)
			plain_look_at(tracepoint_ptr_deref(&mod->tracepoints_ptrs[i]), &plain_found);
	return NOTIFY_OK;
}

static struct notifier_block plain_modules __initdata = { .notifier_call = plain_module };

static bool __init plain_find_trace(void)
{
	for_each_kernel_tracepoint(plain_look_at, &plain_found);
	if (plain_found)
		return true;
	if (register_tracepoint_module_notifier(&plain_modules))
		return false;
	unregister_tracepoint_module_notifier(&plain_modules);
	return plain_found;
}

static bool __init plain_find_functions(void)
{
	unsigned long cpl = pvi_kvm_resolve_own("__SCT__kvm_x86_get_cpl");
	unsigned long cs = pvi_kvm_resolve_own("__SCT__kvm_x86_get_cs_db_l_bits");
	unsigned long skip = pvi_kvm_resolve_own("kvm_skip_emulated_instruction");

	if (!cpl || !cs || !skip || !pvi_kvm_is_our_kind("kvm_skip_emulated_instruction"))
		return false;
	static_call_update(pvi_plain_cpl, (void *)cpl);
	static_call_update(pvi_plain_cs, (void *)cs);
	static_call_update(pvi_plain_skip, (void *)skip);
	return true;
}

void __init pvi_plain_init(void)
{
	if (plain_find_functions() && plain_find_trace())
		pvi_plain_trace = plain_found;
	else
		pr_info("kvm.ko is asked about each hypercall\n");
}
