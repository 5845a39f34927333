// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi hook - interception of kvm_emulate_hypercall()
 *
 * KVM has no registration point for hypercalls, so its function is intercepted
 * at its ftrace site: by a direct call to pvi_hook_trampoline(), or where
 * another direct caller (a BPF fentry program) holds the place, by an ftrace
 * callback that sets the instruction pointer. Both end in pvi_hook_hypercall()
 * for numbers of ours and change nothing for others. The original runs first,
 * with all that KVM does; only what it answered with ENOSYS is served.
 *
 * Attached while a VM is bound. Detaching waits for nobody: who was inside
 * finishes, and others may attach meanwhile. Only removing the module waits, in
 * three steps: tasks-RCU for those in the trampoline, a count for those in
 * pvi_hook_hypercall(), which may sleep in KVM, tasks-RCU for its last
 * instructions.
 */
#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/static_call.h>
#include <linux/uaccess.h>
#include <uapi/linux/kvm_para.h>

#include "../compat/compat.h"
#include "kvm_abi.h"
#include "ring.h"

#define DETACH_DELAY	(5 * HZ)	/* a VMM that restarts finds the hook in place */

/*
 * Hypercalls being intercepted; a task may leave on another CPU, so only the
 * sum means something. It is awaited after nobody can come in any more and all
 * who came in have been counted: from then on it only falls, and a sum of 0 is
 * true however the CPUs are read one after the other. SRCU would do the same
 * for 18 instructions of every hypercall of ours.
 */
static DEFINE_PER_CPU(long, inside);

static DEFINE_MUTEX(hook_lock);
static u32 hook_kind;		/* KVM_PVI_HOOK_*, written under hook_lock */
static unsigned int hook_users;	/* bound VMs, protected by hook_lock */
static bool hook_wanted = true;	/* the attach parameter, protected by hook_lock */
static bool hook_stuck;		/* unregistering failed; protected by hook_lock */

static void detach_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(hook_detach, detach_work);

/* Called with preemption disabled, in the place of pvi_hook_trampoline(). */
static void notrace hook_callback(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = pvi_compat_ftrace_regs(fregs);
	struct kvm_vcpu *vcpu = (void *)regs->di;

	if ((u32)vcpu->arch.regs[VCPU_REGS_RAX] - KVM_HC_PVI_BASE < KVM_HC_PVI_NR)
		regs->ip = (unsigned long)pvi_hook_hypercall;
}

static struct ftrace_ops direct_ops;
static struct ftrace_ops callback_ops = {
	.func = hook_callback,
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
};

/*
 * Returns where the ftrace site calls to, 0 if it does not. Another user of
 * the site may be patching it right now: then its first byte is INT3.
 */
static unsigned long site_target(void)
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
static void *owner_of(unsigned long target)
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

static int register_direct(void)
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

static int register_callback(void)
{
	int ret = ftrace_set_filter_ip(&callback_ops, pvi_kvm_hypercall_site(), 0, 1);

	return ret ? ret : register_ftrace_function(&callback_ops);
}

/*
 * The filters stay, for the next time: ftrace_free_filter() leaves pointers to
 * what it has freed, and setting a filter again would free that once more.
 */
static int unregister(u32 kind)
{
	if (kind == KVM_PVI_HOOK_DIRECT)
		return pvi_compat_unregister_direct(&direct_ops, pvi_kvm_hypercall_site(),
						    (unsigned long)pvi_hook_trampoline);
	return unregister_ftrace_function(&callback_ops);
}

static bool anybody_inside(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(inside, cpu));
	return sum;
}

/* Nobody runs in code that was reached through the hook any more. */
static void wait_for_leavers(void)
{
	synchronize_rcu_tasks();
	while (anybody_inside())
		msleep(20);
	synchronize_rcu_tasks();
}

static void detach(void)
{
	lockdep_assert_held(&hook_lock);

	if (hook_kind == KVM_PVI_HOOK_NONE || hook_stuck)
		return;
	if (unregister(hook_kind)) {
		pr_err("ftrace does not let go of kvm_emulate_hypercall(), this module stays until the next boot\n");
		hook_stuck = true;
		__module_get(THIS_MODULE);
		return;
	}
	WRITE_ONCE(hook_kind, KVM_PVI_HOOK_NONE);
}

static int attach(void)
{
	u32 kind = KVM_PVI_HOOK_DIRECT;
	unsigned long target;
	int ret;

	lockdep_assert_held(&hook_lock);

	if (hook_kind != KVM_PVI_HOOK_NONE)
		return 0;
	if (!hook_wanted) {
		pr_warn_ratelimited("hypercalls are off by the module parameter, write 1 to it to serve guests again\n");
		return -EBUSY;
	}

	ret = register_direct();
	if (ret) {
		kind = KVM_PVI_HOOK_FTRACE;
		ret = register_callback();
	}
	if (ret == -ENOMEM)
		return ret;
	target = site_target();
	if (ret) {
		if (target)
			pr_warn_ratelimited("kvm_emulate_hypercall() belongs to %pS (error %d), see enabled_functions in tracefs\n",
					    owner_of(target), ret);
		else
			pr_warn_ratelimited("kvm_emulate_hypercall() cannot be intercepted (error %d), is kernel.ftrace_enabled 0?\n",
					    ret);
		return -EBUSY;
	}
	WRITE_ONCE(hook_kind, kind);
	if (!target) {
		pr_warn_ratelimited("ftrace did not patch kvm_emulate_hypercall(), is kernel.ftrace_enabled 0?\n");
		detach();
		return -EBUSY;
	}
	return 0;
}

static void detach_work(struct work_struct *work)
{
	mutex_lock(&hook_lock);
	if (!hook_users)
		detach();
	mutex_unlock(&hook_lock);
}

/* Hypercalls of bound VMs are served from here on, until pvi_hook_put(). */
int pvi_hook_get(void)
{
	int ret;

	mutex_lock(&hook_lock);
	ret = attach();
	if (!ret)
		hook_users++;
	mutex_unlock(&hook_lock);
	return ret;
}

void pvi_hook_put(void)
{
	mutex_lock(&hook_lock);
	if (!--hook_users)
		queue_delayed_work(system_unbound_wq, &hook_detach, DETACH_DELAY);
	mutex_unlock(&hook_lock);
}

u32 pvi_hook_kind(void)
{
	return READ_ONCE(hook_kind);
}

/*
 * Module exit, after the last pvi_hook_put(). Waits even if nothing is attached
 * any more. If ftrace does not let go it is too late to refuse: then this task
 * stays, and the module with it.
 */
void pvi_hook_exit(void)
{
	cancel_delayed_work_sync(&hook_detach);
	mutex_lock(&hook_lock);
	detach();
	mutex_unlock(&hook_lock);
	while (hook_stuck)
		ssleep(60);
	wait_for_leavers();
	ftrace_free_filter(&direct_ops);
	ftrace_free_filter(&callback_ops);
}

/*
 * Guest memory may be under a userfault that its VMM never answers. Do not
 * count as inside during such accesses, but hold a reference to the module, so
 * that detaching does not wait for them; removing the module is refused.
 */
int pvi_hook_sleep(struct pvi_call *c)
{
	if (!c->vcpu)
		return 0;
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	this_cpu_dec(inside);
	return 0;
}

void pvi_hook_wake(struct pvi_call *c)
{
	if (!c->vcpu)
		return;
	this_cpu_inc(inside);
	module_put(THIS_MODULE);
}

/* What the original answers to a number it does not know, of a 64-bit guest. */
static __always_inline bool unknown_to_kvm(const struct kvm_vcpu *vcpu)
{
	return pvi_kvm_skipped(vcpu) && vcpu->arch.regs[VCPU_REGS_RAX] == (u64)-KVM_ENOSYS;
}

/* Any call, by the table. */
static void serve(struct kvm_vcpu *vcpu, u64 nr, bool wide)
{
	const unsigned long *regs = vcpu->arch.regs;
	struct pvi_call c = {
		.vcpu = vcpu,
		.kvm = vcpu->kvm,
		.nr = (u32)nr - KVM_HC_PVI_BASE,
		.wide = wide,
		.rbx_returned = !pvi_kvm_encrypted(vcpu),
		.args = {
			regs[VCPU_REGS_RBX], regs[VCPU_REGS_RCX], regs[VCPU_REGS_RDX],
			regs[VCPU_REGS_RSI],
		},
	};
	s64 ret;
	int i;

	for (i = 0; !wide && i < ARRAY_SIZE(c.args); i++)
		c.args[i] = (u32)c.args[i];
	if (!pvi_hypercall_serve(&c, &ret))
		return;
	vcpu->arch.regs[VCPU_REGS_RAX] = wide ? ret : (u32)ret;
	if (ret >= 0 && c.rbx_returned && pvi_hypercall_returns_rbx(c.nr))
		vcpu->arch.regs[VCPU_REGS_RBX] = wide ? c.rbx : (u32)c.rbx;
}

/*
 * The original has run, which for a number it does not know changes RAX alone.
 * The width of its answer tells the guest's mode; a 64-bit guest must mean our
 * number in all of RAX.
 */
static noinline void serve_unknown(struct kvm_vcpu *vcpu, u64 nr)
{
	u64 rax = vcpu->arch.regs[VCPU_REGS_RAX];

	if (unknown_to_kvm(vcpu)) {
		if (nr == (u32)nr)
			serve(vcpu, nr, true);
	} else if (pvi_kvm_skipped(vcpu) && rax == (u32)-KVM_ENOSYS) {
		serve(vcpu, nr, false);
	}
}

/* The RFC's call, where nothing is out of the ordinary. False: not served. */
static __always_inline bool ring_by_uuid(struct kvm_vcpu *vcpu)
{
	unsigned long *regs = vcpu->arch.regs;
	u64 gpa = regs[VCPU_REGS_RBX], gsi = regs[VCPU_REGS_RCX];
	struct pvi_words uuid;
	struct pvi_vm *vm;

	if (regs[VCPU_REGS_RDX] | regs[VCPU_REGS_RSI] || !IS_ALIGNED(gpa, UUID_SIZE) ||
	    !pvi_gsi_valid(gsi) || !pvi_kvm_peek_uuid(vcpu, gpa, &uuid) ||
	    !pvi_words_are_name(uuid))
		return false;
	rcu_read_lock();
	vm = pvi_vm_find_kvm(vcpu->kvm);
	if (likely(vm))
		regs[VCPU_REGS_RAX] = pvi_ring_uuid(vm, uuid, gsi);
	rcu_read_unlock();
	return true;
}

/* All that HC_NOTIFY of a 64-bit guest does not need is left out. */
static __always_inline void ring_by_port(struct kvm_vcpu *vcpu)
{
	unsigned long *regs = vcpu->arch.regs;
	struct pvi_vm *vm;

	rcu_read_lock();
	vm = pvi_vm_find_kvm(vcpu->kvm);
	if (unlikely(!vm))
		goto out;
	if (unlikely(regs[VCPU_REGS_RCX] | regs[VCPU_REGS_RDX] | regs[VCPU_REGS_RSI]))
		regs[VCPU_REGS_RAX] = -EINVAL;
	else
		regs[VCPU_REGS_RAX] = pvi_ring_port(vm, regs[VCPU_REGS_RBX]);
out:
	rcu_read_unlock();
}

/* Every call but HC_NOTIFY. */
static noinline int hook_other(struct kvm_vcpu *vcpu, u64 nr)
{
	int ret;

	if (unlikely(pvi_kvm_nested(vcpu)))
		return pvi_kvm_original(vcpu);
	ret = pvi_kvm_original(vcpu);
	if (nr != KVM_HC_PVI || !unknown_to_kvm(vcpu) || !ring_by_uuid(vcpu))
		serve_unknown(vcpu, nr);
	return ret;
}

/*
 * In the place of kvm_emulate_hypercall(), for numbers whose low half is in our
 * block. Returns what KVM returned: 1 to go on, 0 to exit to userspace.
 */
int notrace pvi_hook_hypercall(struct kvm_vcpu *vcpu)
{
	u64 nr = vcpu->arch.regs[VCPU_REGS_RAX];
	int ret;

	this_cpu_inc(inside);
	if (likely(nr == KVM_HC_NOTIFY && !pvi_kvm_nested(vcpu))) {
		ret = pvi_kvm_original(vcpu);
		if (likely(unknown_to_kvm(vcpu)))
			ring_by_port(vcpu);
		else
			serve_unknown(vcpu, KVM_HC_NOTIFY);
	} else {
		ret = hook_other(vcpu, nr);
	}
	this_cpu_dec(inside);
	return ret;
}

static int attach_set(const char *val, const struct kernel_param *kp)
{
	bool wanted;
	int ret = kstrtobool(val, &wanted);

	if (ret)
		return ret;
	mutex_lock(&hook_lock);
	hook_wanted = wanted;
	if (!wanted)
		detach();
	else if (hook_users)
		ret = attach();
	mutex_unlock(&hook_lock);
	return ret;
}

static const struct kernel_param_ops attach_ops = {
	.set = attach_set,
	.get = param_get_bool,
};

module_param_cb(attach, &attach_ops, &hook_wanted, 0644);
MODULE_PARM_DESC(attach, "intercept kvm_emulate_hypercall() while a VM is bound; 0 detaches now, guests then get ENOSYS");
