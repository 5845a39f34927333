// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi kvm_abi - what is known of KVM's insides
 *
 * KVM exports next to nothing to other modules, and less with each release.
 * The only symbols linked are kvm_get_kvm_safe() and kvm_put_kvm(), which also
 * pin kvm.ko; all others are resolved by name at load and called by
 * static_call. Never by function pointer: kernels built with IBT or kCFI seal
 * functions nobody takes the address of.
 */
#include <linux/btf.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/static_call.h>
#include <linux/uaccess.h>

#include "kvm_abi.h"

/* Prototypes of the kernel's give the types; nothing here links to the functions. */
DEFINE_STATIC_CALL_NULL(pvi_original, kvm_emulate_hypercall);
DEFINE_STATIC_CALL_NULL(pvi_file_is_kvm, file_is_kvm);
DEFINE_STATIC_CALL_NULL(pvi_send_msi, kvm_send_userspace_msi);
DEFINE_STATIC_CALL_NULL(pvi_set_irq_inatomic, kvm_arch_set_irq_inatomic);
DEFINE_STATIC_CALL_NULL(pvi_gfn_to_hva, kvm_vcpu_gfn_to_hva);
DEFINE_STATIC_CALL_NULL(pvi_read_guest, kvm_vcpu_read_guest);
DEFINE_STATIC_CALL_NULL(pvi_read_guest_atomic, kvm_vcpu_read_guest_atomic);
DEFINE_STATIC_CALL_NULL(pvi_write_guest, kvm_vcpu_write_guest);
DEFINE_STATIC_CALL_NULL(pvi_find_btf_id, bpf_find_btf_id);
DEFINE_STATIC_CALL_NULL(pvi_put_btf, btf_put);

static unsigned long hypercall_site;

/*
 * Returns where a kprobe on @name would stand, 0 if nowhere: with IBT that is
 * behind ENDBR. @traced says whether it is the function's ftrace site.
 */
static unsigned long kvm_probe_address(const char *name, bool *traced)
{
	struct kprobe kp = { .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };
	unsigned long addr;

	if (register_kprobe(&kp))
		return 0;
	addr = (unsigned long)kp.addr;
	*traced = kp.flags & KPROBE_FLAG_FTRACE;
	unregister_kprobe(&kp);
	return addr;
}

/* Of a function of KVM's, which may be a module or built in. */
#define PROBE_KVM(name, traced) \
	(kvm_probe_address("kvm:" name, traced) ?: kvm_probe_address(name, traced))

static unsigned long kvm_entry_of(unsigned long addr)
{
	u32 insn;

	if (copy_from_kernel_nofault(&insn, (void *)(addr - 4), sizeof(insn)) ||
	    !pvi_compat_is_endbr(insn))
		return addr;
	return addr - 4;
}

/* Where any function of the kernel starts that can be probed, for a static_call; else 0. */
unsigned long pvi_kvm_resolve(const char *name)
{
	bool traced;
	unsigned long addr = kvm_probe_address(name, &traced);

	return addr ? kvm_entry_of(addr) : 0;
}

/* Where a function of KVM's starts, or a trampoline of its static calls. */
unsigned long pvi_kvm_resolve_own(const char *name)
{
	char full[KSYM_NAME_LEN];
	unsigned long addr;

	snprintf(full, sizeof(full), "kvm:%s", name);
	addr = pvi_kvm_resolve(full);
	return addr ? addr : pvi_kvm_resolve(name);
}

#define RESOLVE(call, name) ({						\
	bool traced_;							\
	unsigned long addr_ = PROBE_KVM(name, &traced_);		\
									\
	if (addr_)							\
		static_call_update(call, (void *)kvm_entry_of(addr_));	\
	else								\
		pr_err("kvm.ko has no function %s() that can be probed, this kernel is not supported\n", \
		       name);						\
	addr_;								\
})

/* int f(struct kvm_vcpu *), of a struct that is as large as the one this was built with. */
static bool kvm_takes_our_vcpu(const struct btf *btf, s32 id)
{
	const struct btf_type *func = btf_type_by_id(btf, id);
	const struct btf_type *proto = btf_type_by_id(btf, func->type);
	const struct btf_type *ret, *arg;

	if (btf_type_vlen(proto) != 1)
		return false;
	ret = btf_type_by_id(btf, proto->type);
	arg = btf_type_by_id(btf, btf_params(proto)->type);
	if (!btf_type_is_int(ret) || ret->size != sizeof(int) || !btf_type_is_ptr(arg))
		return false;
	arg = btf_type_by_id(btf, arg->type);
	return btf_type_is_struct(arg) && arg->size == sizeof(struct kvm_vcpu);
}

/*
 * Where the headers do not say it the kernel does, in its BTF, if it has that: to call a
 * function of another kind by our prototype would corrupt the host's memory.
 */
bool pvi_kvm_is_our_kind(const char *name)
{
	unsigned long find = pvi_kvm_resolve("bpf_find_btf_id");
	unsigned long put = pvi_kvm_resolve("btf_put");
	struct btf *btf;
	bool ours;
	s32 id;

	if (!find || !put)
		return true;
	static_call_update(pvi_find_btf_id, (void *)find);
	static_call_update(pvi_put_btf, (void *)put);
	id = static_call(pvi_find_btf_id)(name, BTF_KIND_FUNC, &btf);
	if (id < 0)
		return true;
	ours = kvm_takes_our_vcpu(btf, id);
	static_call(pvi_put_btf)(btf);
	return ours;
}

int pvi_kvm_init(void)
{
	bool traced = false;

	hypercall_site = PROBE_KVM("kvm_emulate_hypercall", &traced);
	if (!traced) {
		pr_err("kvm_emulate_hypercall() of kvm.ko cannot be traced, this kernel is not supported\n");
		return -ENOENT;
	}
	if (!pvi_kvm_is_our_kind("kvm_emulate_hypercall")) {
		pr_err("kvm_emulate_hypercall() of kvm.ko takes other arguments than expected, this kernel is not supported\n");
		return -ENOENT;
	}
	static_call_update(pvi_original, (void *)(hypercall_site + MCOUNT_INSN_SIZE));

	if (!RESOLVE(pvi_file_is_kvm, "file_is_kvm") ||
	    !RESOLVE(pvi_send_msi, "kvm_send_userspace_msi") ||
	    !RESOLVE(pvi_set_irq_inatomic, "kvm_arch_set_irq_inatomic") ||
	    !RESOLVE(pvi_gfn_to_hva, "kvm_vcpu_gfn_to_hva") ||
	    !RESOLVE(pvi_read_guest, "kvm_vcpu_read_guest") ||
	    !RESOLVE(pvi_read_guest_atomic, "kvm_vcpu_read_guest_atomic") ||
	    !RESOLVE(pvi_write_guest, "kvm_vcpu_write_guest"))
		return -ENOENT;
	return 0;
}

unsigned long pvi_kvm_hypercall_site(void)
{
	return hypercall_site;
}

/* Returns a strong reference to the VM behind @file, or NULL. */
struct kvm *pvi_kvm_get(struct file *file)
{
	struct kvm *kvm;

	if (!static_call(pvi_file_is_kvm)(file))
		return NULL;
	kvm = file->private_data;
	return kvm_get_kvm_safe(kvm) ? kvm : NULL;
}

void pvi_kvm_put(struct kvm *kvm)
{
	kvm_put_kvm(kvm);
}

struct mm_struct *pvi_kvm_mm(struct kvm *kvm)
{
	return kvm->mm;
}

/*
 * The process that has the VM, as current numbers it; 0: the thread that made the VM
 * has gone, or current does not see it. Called under RCU. KVM keeps that thread's number,
 * which another may have by now, but not with the VM's memory.
 */
u32 pvi_kvm_vmm(struct kvm *kvm)
{
	struct pid *pid = find_pid_ns(kvm->userspace_pid, &init_pid_ns);
	struct task_struct *task = pid_task(pid, PIDTYPE_PID);

	return task && READ_ONCE(task->mm) == kvm->mm ? task_tgid_vnr(task) : 0;
}

bool pvi_kvm_has_lapic(struct kvm *kvm)
{
	return READ_ONCE(kvm->arch.irqchip_mode) != KVM_IRQCHIP_NONE;
}

/* An MSI that no route has; returns what the LAPICs said: > 0 taken, else not. */
int pvi_kvm_send_msi(struct kvm *kvm, u64 address, u32 data)
{
	struct kvm_msi msi = {
		.address_lo = lower_32_bits(address),
		.address_hi = upper_32_bits(address),
		.data = data,
	};

	return static_call(pvi_send_msi)(kvm, &msi);
}

/*
 * Reads guest memory, first without faults; that failing, and if @may_sleep,
 * the sleeping way, which may take as long as the VMM likes.
 */
int pvi_kvm_read(struct kvm_vcpu *vcpu, u64 gpa, void *to, size_t len, bool may_sleep)
{
	if (!may_sleep)
		return static_call(pvi_read_guest_atomic)(vcpu, gpa, to, len);
	return static_call(pvi_read_guest)(vcpu, gpa, to, len);
}

int pvi_kvm_write(struct kvm_vcpu *vcpu, u64 gpa, const void *from, size_t len)
{
	return static_call(pvi_write_guest)(vcpu, gpa, from, len);
}
