// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi attach - to kvm_emulate_hypercall(), and from it
 *
 * KVM has no registration point for hypercalls, so its function is intercepted
 * at its ftrace site: by a direct call to pvi_hook_trampoline(), or where
 * another direct caller (a BPF fentry program) holds the place, by an ftrace
 * callback that sets the instruction pointer. Both end in pvi_hook_hypercall()
 * for numbers of ours and change nothing for others.
 *
 * Attached while a VM is bound. Who was inside when it is detached finishes,
 * and may not even notice. ftrace itself waits for a grace period of tasks-RCU
 * when a direct call goes (since 6.5), which is as long as the longest stretch
 * that a task runs without sleeping; so attach_lock is none that a BIND needs
 * while the hook is in place, nor anybody's who does not want it changed.
 */
#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/static_call.h>
#include <linux/uaccess.h>
#include <uapi/linux/kvm_pvi.h>

#include "../compat/compat.h"
#include "attach.h"
#include "hook.h"
#include "inside.h"
#include "kvm_abi.h"

#define DETACH_DELAY	(5 * HZ)	/* a VMM that restarts finds the hook in place */

static DEFINE_MUTEX(attach_lock);
static u32 attach_kind;		/* KVM_PVI_HOOK_*, written under attach_lock */
static atomic_t attach_users;	/* bound VMs; leaves 0 under attach_lock */
static bool attach_wanted = true;	/* the parameter, written under attach_lock */
static bool attach_stuck;	/* unregistering failed; protected by attach_lock */

static void attach_drop_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(attach_drop, attach_drop_work);

/* Called with preemption disabled, in the place of pvi_hook_trampoline(). */
static void notrace attach_callback(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = pvi_compat_ftrace_regs(fregs);
	struct kvm_vcpu *vcpu = (void *)regs->di;

	if ((u32)vcpu->arch.regs[VCPU_REGS_RAX] - KVM_HC_PVI_BASE < KVM_HC_PVI_NR)
		regs->ip = (unsigned long)pvi_hook_hypercall;
}

static struct ftrace_ops direct_ops;
static struct ftrace_ops callback_ops = {
	.func = attach_callback,
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
};

/*
 * Returns where the ftrace site calls to, 0 if it does not. Another user of
 * the site may be patching it right now: then its first byte is INT3.
 */
static unsigned long attach_target(void)
{
	unsigned long site = pvi_kvm_hypercall_site();
	u8 insn[MCOUNT_INSN_SIZE];
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (copy_from_kernel_nofault(insn, (void *)site, sizeof(insn)))
			return 0;
		if (insn[0] == CALL_INSN_OPCODE)
			return site + sizeof(insn) + *(s32 *)(insn + 1);
		if (insn[0] != INT3_INSN_OPCODE)
			return 0;
		usleep_range(100, 1000);
	}
	return 0;
}

DEFINE_STATIC_CALL_RET0(ops_by_trampoline, ftrace_ops_trampoline);

/*
 * Who is called at @target, for the log: of an ops that has a trampoline of its
 * own the function behind that, which has a name. ftrace does not export the
 * way there; without it the address has to do.
 */
static void *attach_owner_of(unsigned long target)
{
	unsigned long find = pvi_kvm_resolve("ftrace_ops_trampoline");
	void *owner = (void *)target;
	struct ftrace_ops *ops;

	if (find)
		static_call_update(ops_by_trampoline, (void *)find);
	preempt_disable();
	ops = static_call(ops_by_trampoline)(target);
	if (ops)
		owner = ops->func;
	preempt_enable();
	return owner;
}

static int attach_direct(void)
{
	unsigned long site = pvi_kvm_hypercall_site();
	int tries = 10;
	int ret;

	do {
		ret = pvi_compat_register_direct(&direct_ops, site,
						 (unsigned long)pvi_hook_trampoline);
	} while (ret == -EAGAIN && --tries);
	return ret;
}

static int attach_by_callback(void)
{
	int ret = ftrace_set_filter_ip(&callback_ops, pvi_kvm_hypercall_site(), 0, 1);

	return ret ? ret : register_ftrace_function(&callback_ops);
}

/*
 * The filters stay, for the next time: ftrace_free_filter() leaves pointers to
 * what it has freed, and setting a filter again would free that once more.
 */
static int attach_unregister(u32 kind)
{
	if (kind == KVM_PVI_HOOK_DIRECT)
		return pvi_compat_unregister_direct(&direct_ops, pvi_kvm_hypercall_site(),
						    (unsigned long)pvi_hook_trampoline);
	return unregister_ftrace_function(&callback_ops);
}

static void attach_end(void)
{
	lockdep_assert_held(&attach_lock);

	if (attach_kind == KVM_PVI_HOOK_NONE || attach_stuck)
		return;
	if (attach_unregister(attach_kind)) {
		pr_err("ftrace does not let go of kvm_emulate_hypercall(), this module stays until the next boot\n");
		attach_stuck = true;
		__module_get(THIS_MODULE);
		return;
	}
	WRITE_ONCE(attach_kind, KVM_PVI_HOOK_NONE);
}

static int attach_begin(void)
{
	u32 kind = KVM_PVI_HOOK_DIRECT;
	unsigned long target;
	int ret;

	lockdep_assert_held(&attach_lock);

	if (attach_kind != KVM_PVI_HOOK_NONE)
		return 0;
	ret = attach_direct();
	if (ret) {
		kind = KVM_PVI_HOOK_FTRACE;
		ret = attach_by_callback();
	}
	if (ret == -ENOMEM)
		return ret;
	target = attach_target();
	if (ret) {
		if (target)
			pr_warn_ratelimited("kvm_emulate_hypercall() belongs to %pS (error %d), see enabled_functions in tracefs\n",
					    attach_owner_of(target), ret);
		else
			pr_warn_ratelimited("kvm_emulate_hypercall() cannot be intercepted (error %d), is kernel.ftrace_enabled 0?\n",
					    ret);
		return -EBUSY;
	}
	WRITE_ONCE(attach_kind, kind);
	if (!target) {
		pr_warn_ratelimited("ftrace did not patch kvm_emulate_hypercall(), is kernel.ftrace_enabled 0?\n");
		attach_end();
		return -EBUSY;
	}
	return 0;
}

static bool attach_is_off(void)
{
	if (READ_ONCE(attach_wanted))
		return false;
	pr_warn_ratelimited("hypercalls are off by the module parameter, write 1 to it to serve guests again\n");
	return true;
}

static void attach_drop_work(struct work_struct *work)
{
	mutex_lock(&attach_lock);
	if (!atomic_read(&attach_users))
		attach_end();
	mutex_unlock(&attach_lock);
}

/*
 * Hypercalls of bound VMs are served from here on, until pvi_attach_put().
 * Where they are already, nothing is waited for. EBUSY, EINTR, ENOMEM.
 */
int pvi_attach_get(void)
{
	int ret;

	if (attach_is_off())
		return -EBUSY;
	if (READ_ONCE(attach_kind) != KVM_PVI_HOOK_NONE && atomic_inc_not_zero(&attach_users))
		return 0;
	if (mutex_lock_killable(&attach_lock))
		return -EINTR;
	ret = attach_is_off() ? -EBUSY : attach_begin();
	if (!ret)
		atomic_inc(&attach_users);
	mutex_unlock(&attach_lock);
	return ret;
}

void pvi_attach_put(void)
{
	if (atomic_dec_and_test(&attach_users))
		queue_delayed_work(pvi_compat_unbound_wq, &attach_drop, DETACH_DELAY);
}

u32 pvi_attach_kind(void)
{
	return READ_ONCE(attach_kind);
}

/*
 * Module exit, after the last pvi_attach_put(). Waits even if nothing is attached
 * any more. If ftrace does not let go it is too late to refuse: then this task
 * stays, and the module with it.
 */
void pvi_attach_exit(void)
{
	cancel_delayed_work_sync(&attach_drop);
	mutex_lock(&attach_lock);
	attach_end();
	mutex_unlock(&attach_lock);
	while (attach_stuck)
		ssleep(60);
	pvi_inside_wait();
	ftrace_free_filter(&direct_ops);
	ftrace_free_filter(&callback_ops);
}

static int attach_set_wanted(const char *val, const struct kernel_param *kp)
{
	bool wanted;
	int ret = kstrtobool(val, &wanted);

	if (ret)
		return ret;
	mutex_lock(&attach_lock);
	WRITE_ONCE(attach_wanted, wanted);
	if (!wanted)
		attach_end();
	else if (atomic_read(&attach_users))
		ret = attach_begin();
	mutex_unlock(&attach_lock);
	return ret;
}

static const struct kernel_param_ops attach_wanted_ops = {
	.set = attach_set_wanted,
	.get = param_get_bool,
};

module_param_cb(attach, &attach_wanted_ops, &attach_wanted, 0644);
MODULE_PARM_DESC(attach, "intercept kvm_emulate_hypercall() while a VM is bound; 0 detaches now, guests then get ENOSYS");
