// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi vm - endpoints and the list of bound ones
 *
 * An endpoint lives from open() to the last close() and has one binding at
 * most. The binding dies with the last descriptor, or with the VM's address
 * space, whichever comes first: pvi_vm_die() marks it, so that nothing of it is
 * served any more, and queues the rest: unpublish, wait for the rings in
 * flight, free. A name goes after the rows that stand under it, or a successor
 * of that name would find them.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "limit.h"
#include "pvi.h"
#include "trace.h"

static unsigned int max_vms = 16384;
PVI_LIMIT(max_vms, 1 << 20, "bound endpoints on this host");

/*
 * The RFC's vm_list, keyed both ways. Readers use RCU. The one by struct kvm is
 * looked at by every hypercall of ours: a table of fixed size is a third of a
 * resizable one's instructions there.
 */
DEFINE_HASHTABLE(pvi_vms_by_kvm, PVI_VMS_BITS);
static DEFINE_SPINLOCK(vms_by_kvm_lock);	/* protects changes */
static struct rhashtable vms_by_uuid;

static const struct rhashtable_params by_uuid_params = {
	.key_offset = offsetof(struct pvi_vm, uuid),
	.key_len = sizeof_field(struct pvi_vm, uuid),
	.head_offset = offsetof(struct pvi_vm, by_uuid),
	.automatic_shrinking = true,
};

static atomic_t nr_vms = ATOMIC_INIT(0);
static atomic_t nr_bindings = ATOMIC_INIT(0);	/* the dead ones too, until nothing of them is left */
static atomic64_t nr_epochs = ATOMIC64_INIT(0);
static hsiphash_key_t epoch_key[4];

/* False if @vm's struct kvm is listed already. */
static bool list_kvm(struct pvi_vm *vm)
{
	bool listed;

	spin_lock(&vms_by_kvm_lock);
	listed = pvi_vm_find_kvm(vm->kvm);
	if (!listed)
		hash_add_rcu(pvi_vms_by_kvm, &vm->by_kvm, (unsigned long)vm->kvm);
	spin_unlock(&vms_by_kvm_lock);
	return !listed;
}

static void unlist_kvm(struct pvi_vm *vm)
{
	spin_lock(&vms_by_kvm_lock);
	hash_del_rcu(&vm->by_kvm);
	spin_unlock(&vms_by_kvm_lock);
}

/* Valid under RCU. */
struct pvi_vm *pvi_vm_find_uuid(const uuid_t *uuid)
{
	return rhashtable_lookup(&vms_by_uuid, uuid, by_uuid_params);
}

/* Whether an ioctl that works on unbound or dead endpoints, or not, works on this one. */
int pvi_vm_usable(struct pvi_vm *vm, bool unbound, bool dead)
{
	u8 state = READ_ONCE(vm->state);

	if (state == PVI_VM_UNBOUND)
		return unbound ? 0 : -ENOTCONN;
	if (state == PVI_VM_DEAD || pvi_vm_dying(vm))
		return dead ? 0 : -ENODEV;
	return 0;
}

/* Takes vm->lock, or says why the endpoint is not to be changed. */
int pvi_vm_lock(struct pvi_vm *vm)
{
	int ret;

	mutex_lock(&vm->lock);
	ret = pvi_vm_usable(vm, false, false);
	if (ret)
		mutex_unlock(&vm->lock);
	return ret;
}

/*
 * A permutation of a counter (a Feistel network): epochs never repeat, and tell
 * nobody how many there were.
 */
static u64 new_epoch(void)
{
	u64 n = atomic64_inc_return(&nr_epochs);
	u32 left = upper_32_bits(n), right = lower_32_bits(n);
	int i;

	for (i = 0; i < ARRAY_SIZE(epoch_key); i++) {
		u32 next = left ^ hsiphash_1u32(right, &epoch_key[i]);

		left = right;
		right = next;
	}
	return (u64)left << 32 | right;
}

/* Everything else goes in teardown_work(). Never sleeps. */
static void pvi_vm_die(struct pvi_vm *vm)
{
	if (test_and_set_bit(PVI_VM_DYING, &vm->flags))
		return;
	if (vm->kvm)
		unlist_kvm(vm);
	pvi_event_hangup(vm);
	queue_work(pvi_wq, &vm->teardown.work);
}

/* Unregistering calls it too: of a BIND that failed there is nothing to end. */
static void mm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct pvi_vm *vm = container_of(mn, struct pvi_vm, mn);

	if (READ_ONCE(vm->state) != PVI_VM_UNBOUND)
		pvi_vm_die(vm);
}

static void binding_put(struct pvi_vm *vm)
{
	pvi_vm_put(vm);
	if (atomic_dec_and_test(&nr_bindings))
		wake_up_var(&nr_bindings);
}

static void put_work(struct work_struct *work)
{
	binding_put(container_of(work, struct pvi_vm, teardown.work));
}

/* No mm_release() is running any more. Must not sleep. */
static void mm_unregistered(struct mmu_notifier *mn)
{
	struct pvi_vm *vm = container_of(mn, struct pvi_vm, mn);

	INIT_WORK(&vm->teardown.work, put_work);
	queue_work(pvi_wq, &vm->teardown.work);
}

static const struct mmu_notifier_ops mm_ops = {
	.release = mm_release,
	.free_notifier = mm_unregistered,
};

/*
 * The rings that found it alive have left. The reference to the VM keeps all of
 * the guest's memory: it is dropped here, not with the last descriptor.
 */
static void free_work(struct work_struct *work)
{
	struct pvi_vm *vm = container_of(work, struct pvi_vm, teardown.work);

	pvi_peer_tell_receivers(vm);
	pvi_gsi_free(vm);
	pvi_port_free(vm);
	if (vm->kvm)
		pvi_kvm_put(vm->kvm);
	trace_kvm_pvi_unbind(vm);
	pvi_hook_put();
	if (vm->kvm)
		mmu_notifier_put(&vm->mn);
	else
		binding_put(vm);
}

/*
 * The first of the steps to the end. They wait for each other without a task
 * that sleeps, so any number of endpoints goes at once, in the same grace
 * periods.
 */
static void teardown_work(struct work_struct *work)
{
	struct pvi_vm *vm = container_of(work, struct pvi_vm, teardown.work);

	mutex_lock(&vm->lock);
	vm->state = PVI_VM_DEAD;
	pvi_peer_tell_senders(vm);
	pvi_acl_unpublish(vm);
	mutex_unlock(&vm->lock);
	rhashtable_remove_fast(&vms_by_uuid, &vm->by_uuid, by_uuid_params);
	atomic_dec(&nr_vms);
	complete_all(&vm->unlisted);

	pvi_source_free(vm);
	INIT_RCU_WORK(&vm->teardown, free_work);
	queue_rcu_work(pvi_wq, &vm->teardown);
}

/*
 * Waits for the teardown of the endpoints whose last descriptor was closed, in
 * all its steps. mmu_notifier_synchronize() would not do: it waits for a grace
 * period, and not for callbacks that are due.
 */
void pvi_vm_drain(void)
{
	wait_var_event(&nr_bindings, !atomic_read(&nr_bindings));
	/* mm_unregistered(), which queued the last step, has returned. */
	synchronize_rcu();
}

struct pvi_vm *pvi_vm_alloc(void)
{
	struct pvi_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);

	if (!vm)
		return NULL;
	vm->stats = alloc_percpu_gfp(struct pvi_stats, GFP_KERNEL_ACCOUNT);
	if (!vm->stats || pvi_event_alloc(vm)) {
		free_percpu(vm->stats);
		kfree(vm);
		return NULL;
	}
	vm->owner = current_euid();
	mutex_init(&vm->lock);
	pvi_port_init(vm);
	xa_init_flags(&vm->gsis, XA_FLAGS_ACCOUNT);
	xa_init_flags(&vm->bells, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&vm->edges);
	INIT_LIST_HEAD(&vm->sources);
	INIT_LIST_HEAD(&vm->peers);
	INIT_WORK(&vm->teardown.work, teardown_work);
	init_completion(&vm->unlisted);
	kref_init(&vm->ref);
	return vm;
}

static void release(struct kref *ref)
{
	struct pvi_vm *vm = container_of(ref, struct pvi_vm, ref);

	pvi_acl_free(vm);
	pvi_peer_put_name(vm);
	xa_destroy(&vm->gsis);
	xa_destroy(&vm->bells);
	pvi_event_free(vm);
	free_percpu(vm->stats);
	kfree(vm);
}

/* Whoever found @vm under RCU has left: teardown waited, or it was never listed. */
void pvi_vm_put(struct pvi_vm *vm)
{
	kref_put(&vm->ref, release);
}

/*
 * The last descriptor was closed. After this the module may go, which waits for
 * the works that are queued: see that this one's is, whoever announced death.
 */
void pvi_vm_close(struct pvi_vm *vm)
{
	if (vm->state != PVI_VM_UNBOUND) {
		pvi_vm_die(vm);
		wait_for_completion(&vm->unlisted);
	}
	pvi_vm_put(vm);
}

/* Stores who is named as the owner; nobody: the opener is. */
static int check_owner(const struct kvm_pvi_bind *b, kuid_t *owner)
{
	*owner = INVALID_UID;
	if (!(b->flags & KVM_PVI_BIND_OWNER))
		return b->owner ? -EINVAL : 0;
	if (!ns_capable(current_user_ns(), CAP_SETUID))
		return -EPERM;
	*owner = make_kuid(current_user_ns(), b->owner);
	return uid_valid(*owner) ? 0 : -EINVAL;
}

/* Stores a strong reference to the VM named, or NULL for a host process. */
static int get_kvm(const struct kvm_pvi_bind *b, struct kvm **kvm)
{
	struct file *file;

	*kvm = NULL;
	if (b->flags & KVM_PVI_BIND_HOST)
		return b->vm_fd == -1 ? 0 : -EINVAL;
	file = fget(b->vm_fd);
	if (!file)
		return -EBADF;
	*kvm = pvi_kvm_get(file);
	fput(file);
	return *kvm ? 0 : -EINVAL;
}

/* False if somebody alive has that name. */
static bool wait_for_dead(const uuid_t *uuid)
{
	struct pvi_vm *vm;
	bool dying;

	rcu_read_lock();
	vm = pvi_vm_find_uuid(uuid);
	dying = vm && pvi_vm_dying(vm);
	if (dying)
		kref_get(&vm->ref);
	rcu_read_unlock();
	if (dying) {
		wait_for_completion(&vm->unlisted);
		pvi_vm_put(vm);
	}
	return dying || !vm;
}

static int list_uuid(struct pvi_vm *vm)
{
	int ret;

	do {
		ret = rhashtable_lookup_insert_fast(&vms_by_uuid, &vm->by_uuid, by_uuid_params);
	} while (ret == -EEXIST && wait_for_dead(&vm->uuid));
	return ret;
}

/*
 * Watches the address space, and into vm_list; the caller keeps @mm alive
 * meanwhile. Registering can fail (a signal is enough), so it comes first:
 * whoever finds @vm by its struct kvm may hold a reference and use what @vm
 * points to long after, so nothing may fail behind list_kvm().
 */
static int publish(struct pvi_vm *vm, struct mm_struct *mm)
{
	int ret;

	if (!vm->kvm)
		return list_uuid(vm);
	ret = mmu_notifier_register(&vm->mn, mm);
	if (ret)
		return ret;
	ret = list_uuid(vm);
	if (ret)
		goto err_mn;
	ret = -EEXIST;
	if (!list_kvm(vm))
		goto err_uuid;
	return 0;

err_uuid:
	rhashtable_remove_fast(&vms_by_uuid, &vm->by_uuid, by_uuid_params);
	synchronize_rcu();
err_mn:
	mmu_notifier_unregister(&vm->mn, mm);
	return ret;
}

/* The limit may have been lowered below what there is. */
static bool count_vm(void)
{
	int nr = atomic_read(&nr_vms);

	do {
		if (nr >= READ_ONCE(max_vms))
			return false;
	} while (!atomic_try_cmpxchg(&nr_vms, &nr, nr + 1));
	return true;
}

static int bind_locked(struct pvi_vm *vm, const struct kvm_pvi_bind *b, struct kvm *kvm,
		       const uuid_t *uuid, kuid_t owner)
{
	struct mm_struct *mm = NULL;
	kuid_t opener = vm->owner;
	int ret;

	if (vm->state != PVI_VM_UNBOUND)
		return -EBUSY;
	if (!pvi_reserve_permits(uuid, uid_valid(owner) ? owner : vm->owner))
		return -EACCES;
	if (kvm) {
		mm = pvi_kvm_mm(kvm);
		if (!mmget_not_zero(mm))
			return -ESRCH;
	}
	ret = -ENOSPC;
	if (!count_vm())
		goto out_mm;
	ret = pvi_hook_get();
	if (ret)
		goto err_count;

	/* All that a ring looks at, before anybody can find it. */
	vm->kvm = kvm;
	if (uid_valid(owner))
		vm->owner = owner;
	uuid_copy(&vm->uuid, uuid);
	vm->grants_only = b->flags & KVM_PVI_BIND_GRANTS_ONLY;
	vm->epoch = new_epoch();
	vm->mn.ops = &mm_ops;
	ret = pvi_peer_get_name(vm);
	if (ret)
		goto err_hook;
	ret = publish(vm, mm);
	if (ret)
		goto err_name;
	kref_get(&vm->ref);
	atomic_inc(&nr_bindings);
	vm->state = PVI_VM_BOUND;
	trace_kvm_pvi_bind(vm);
	goto out_mm;

err_name:
	pvi_peer_put_name(vm);
err_hook:
	vm->kvm = NULL;
	vm->owner = opener;
	pvi_hook_put();
err_count:
	atomic_dec(&nr_vms);
out_mm:
	if (mm)
		mmput(mm);
	return ret;
}

int pvi_vm_bind(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_bind *b = arg;
	struct kvm *kvm;
	kuid_t owner;
	uuid_t uuid;
	int ret;

	import_uuid(&uuid, b->uuid);
	if (!pvi_uuid_is_name(&uuid))
		return -EINVAL;
	ret = check_owner(b, &owner);
	if (ret)
		return ret;
	ret = get_kvm(b, &kvm);
	if (ret)
		return ret;

	mutex_lock(&vm->lock);
	ret = bind_locked(vm, b, kvm, &uuid, owner);
	if (!ret)
		b->epoch = vm->epoch;
	mutex_unlock(&vm->lock);
	if (ret && kvm)
		pvi_kvm_put(kvm);
	return ret;
}

/* One line for each bound endpoint. */
void pvi_vm_list(struct seq_file *m)
{
	struct rhashtable_iter iter;
	struct pvi_stats sum;
	struct pvi_vm *vm;
	int i;

	seq_puts(m, "uuid owner kind sent: raised coalesced latched denied throttled received: raised coalesced latched denied throttled retries\n");
	rhashtable_walk_enter(&vms_by_uuid, &iter);
	rhashtable_walk_start(&iter);
	while ((vm = rhashtable_walk_next(&iter))) {
		if (IS_ERR(vm))
			continue;
		pvi_stats_sum(vm, &sum);
		seq_printf(m, "%pUb %u %s", &vm->uuid, from_kuid_munged(&init_user_ns, vm->owner),
			   vm->kvm ? "vm" : "host");
		for (i = 0; i < PVI_NR_COUNTS; i++)
			seq_printf(m, " %llu", sum.sent[i]);
		for (i = 0; i < PVI_NR_COUNTS; i++)
			seq_printf(m, " %llu", sum.received[i]);
		seq_printf(m, " %llu\n", sum.retries);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}

int __init pvi_vm_init(void)
{
	get_random_bytes(epoch_key, sizeof(epoch_key));
	return rhashtable_init(&vms_by_uuid, &by_uuid_params);
}

void pvi_vm_exit(void)
{
	rhashtable_destroy(&vms_by_uuid);
}

u32 pvi_vm_max(void)
{
	return READ_ONCE(max_vms);
}
