// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi life - of an endpoint
 *
 *	from	  to	    by
 *	-	  UNBOUND   pvi_life_open()	open() of the device
 *	UNBOUND	  BINDING   pvi_life_bind()	one BIND at a time; other calls answer as before
 *	BINDING	  UNBOUND   pvi_life_bind()	it failed; nobody has found the endpoint
 *	BINDING	  BOUND	    life_publish()	the last store of a BIND, and it cannot fail
 *	BOUND	  DYING	    life_die()		the last close, or the VM's address space goes
 *	DYING	  DEAD	    life_end_free()	nothing is left but counters, and what its guest
 *						had made, to the last close
 *
 * The endpoint stands in vm_list from BINDING to DYING and is found while it is
 * BOUND: every look-up looks at its life. So all that can fail comes before
 * anybody can hold what hangs on it.
 *
 * The end has three steps, which wait for each other without a task that sleeps,
 * so any number of endpoints ends in the same grace periods:
 *
 *	life_end_unlist()   takes back what others find it by, as soon as nobody
 *			    has its lock; behind it a grace period, for the rings
 *			    in flight
 *	life_end_free()	    frees what they used of others; behind it that of the
 *			    mmu_notifiers' SRCU
 *	life_end_put()	    drops what receivers kept to be told of it, and the
 *			    binding's reference
 *
 * A name goes after the rows that stand under it, or a successor would find
 * them. Whoever closes the last descriptor waits for the second step, unless it
 * is exiting or killed. Until then what the guest had made can be read: KVM_PVI_GET_STATE.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#include "acl.h"
#include "attach.h"
#include "event.h"
#include "expose.h"
#include "grant.h"
#include "kvm_abi.h"
#include "life.h"
#include "limit.h"
#include "peer.h"
#include "port.h"
#include "reply.h"
#include "reserve.h"
#include "source.h"
#include "trace.h"
#include "vm.h"

static unsigned int max_vms = 16384;
PVI_LIMIT(max_vms, 1 << 20, "bound endpoints on this host");

/* Not for memory that is short: the last reference to a VM waits for works of KVM's that are not. */
static struct workqueue_struct *life_wq;

static atomic_t nr_vms = ATOMIC_INIT(0);
static atomic_t nr_dying = ATOMIC_INIT(0);	/* of them those that will soon not be counted any more */
static atomic_t nr_bindings = ATOMIC_INIT(0);	/* the dead ones too, until nothing of them is left */
static atomic64_t nr_epochs = ATOMIC64_INIT(0);
static hsiphash_key_t epoch_key[4];

/*
 * A permutation of a counter (a Feistel network): epochs never repeat, and tell
 * nobody how many there were. Two values stand for no epoch.
 */
static u64 life_new_epoch(void)
{
	u32 left, right;
	u64 n;
	int i;

	do {
		n = atomic64_inc_return(&nr_epochs);
		left = upper_32_bits(n);
		right = lower_32_bits(n);
		for (i = 0; i < ARRAY_SIZE(epoch_key); i++) {
			u32 next = left ^ hsiphash_1u32(right, &epoch_key[i]);

			left = right;
			right = next;
		}
		n = (u64)left << 32 | right;
	} while (!n || n == PVI_PEER_GONE);
	return n;
}

/* Whoever was dying is not counted as a VM any more, or was none. */
static void life_died(void)
{
	/* Pairs with life_count(). */
	smp_mb__before_atomic();
	atomic_dec(&nr_dying);
	/* Before looking for who waits; pairs with set_current_state() there. */
	smp_mb__after_atomic();
	wake_up_var(&nr_vms);
}

/* False: it was not bound, or has died already. Never sleeps. */
static bool life_die(struct pvi_vm *vm, bool closer_puts)
{
	/* Before anybody who wants its place can know that it dies. */
	atomic_inc(&nr_dying);
	if (cmpxchg(&vm->life, PVI_LIFE_BOUND, PVI_LIFE_DYING) != PVI_LIFE_BOUND) {
		life_died();
		return false;
	}
	vm->closer_puts = closer_puts;
	pvi_event_hangup(vm);
	queue_work(life_wq, &vm->end_unlist);
	return true;
}

static void life_unlist(struct pvi_vm *vm)
{
	pvi_peer_tell_senders(vm);
	pvi_acl_unpublish(vm);
	pvi_vm_unlist(vm);
	atomic_dec(&nr_vms);
	life_died();
	queue_work(life_wq, &vm->end_unlist);
}

/* What others have left to whoever has the lock of @vm. */
static void life_settle(struct pvi_vm *vm, unsigned long owed)
{
	lockdep_assert_held(&vm->lock);
	if (owed & BIT(PVI_OWED_GRANTS))
		pvi_grant_settle(vm);
	if (owed & BIT(PVI_OWED_PEERS))
		pvi_peer_settle(vm);
	if (owed & BIT(PVI_OWED_END))
		life_unlist(vm);
}

/* Its owner may have the lock for long, so whoever has it does the first half, and queues this again. */
static void life_end_unlist(struct work_struct *work)
{
	struct pvi_vm *vm = container_of(work, struct pvi_vm, end_unlist);

	if (READ_ONCE(vm->listed)) {
		pvi_vm_owe(vm, PVI_OWED_END);
		return;
	}
	pvi_source_free(vm);
	queue_rcu_work(life_wq, &vm->end_free);
}

/*
 * The rings that found it alive have left. The reference to the VM keeps all of
 * the guest's memory, so it goes here, not with the last descriptor; or in
 * close(), for KVM takes its own pages out of the VMM's address space only if
 * the VMM itself drops the last one.
 */
static void life_end_free(struct work_struct *work)
{
	struct pvi_vm *vm = container_of(to_rcu_work(work), struct pvi_vm, end_free);
	bool watched = vm->kvm;

	pvi_peer_tell_receivers(vm);
	pvi_expose_end(vm);
	pvi_port_end_all(vm);
	pvi_attach_put();
	trace_kvm_pvi_unbind(vm);
	/* Pairs with life_await_end(): one of the two drops it. */
	if (watched && !xchg(&vm->closer_puts, false))
		pvi_kvm_put(vm->kvm);
	pvi_vm_set_and_wake(&vm->life, PVI_LIFE_DEAD);
	if (watched)
		mmu_notifier_put(&vm->mn);
	else
		queue_work(life_wq, &vm->end_put);
}

static void life_end_put(struct work_struct *work)
{
	struct pvi_vm *vm = container_of(work, struct pvi_vm, end_put);

	pvi_peer_forget(vm);
	pvi_vm_put(vm);
	if (atomic_dec_and_test(&nr_bindings))
		wake_up_var(&nr_bindings);
}

static void life_mm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	life_die(container_of(mn, struct pvi_vm, mn), false);
}

/* No life_mm_release() is running any more. Must not sleep. */
static void life_mm_unregistered(struct mmu_notifier *mn)
{
	queue_work(life_wq, &container_of(mn, struct pvi_vm, mn)->end_put);
}

static const struct mmu_notifier_ops life_mm_ops = {
	.release = life_mm_release,
	.free_notifier = life_mm_unregistered,
};

/* What the guest had made, and nobody asks for any more; does no harm twice. */
static void life_forget_made(struct pvi_vm *vm)
{
	pvi_expose_free(vm);
	pvi_port_free_all(vm);
}

/* The last reference has gone. */
static void life_free(struct kref *ref)
{
	struct pvi_vm *vm = container_of(ref, struct pvi_vm, ref);

	life_forget_made(vm);
	pvi_edge_free_all(vm);
	pvi_peer_put_name(vm);
	xa_destroy(&vm->gsis);
	xa_destroy(&vm->bells);
	pvi_event_free(vm);
	free_percpu(vm->stats);
	put_pid(vm->opener);
	kfree(vm);
}

static const struct pvi_vm_ops life_ops = {
	.release = life_free,
	.settle = life_settle,
};

/* Returns an endpoint with one reference, or NULL: no memory. */
struct pvi_vm *pvi_life_open(void)
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
	vm->opener = get_pid(task_tgid(current));
	mutex_init(&vm->lock);
	pvi_port_init(vm);
	xa_init_flags(&vm->gsis, XA_FLAGS_ACCOUNT);
	xa_init_flags(&vm->bells, XA_FLAGS_ACCOUNT);
	xa_init_flags(&vm->edges, XA_FLAGS_ACCOUNT);
	xa_init_flags(&vm->whats, XA_FLAGS_ACCOUNT);
	xa_init_flags(&vm->sources, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&vm->peers);
	INIT_WORK(&vm->end_unlist, life_end_unlist);
	INIT_RCU_WORK(&vm->end_free, life_end_free);
	INIT_WORK(&vm->end_put, life_end_put);
	kref_init(&vm->ref);
	vm->ops = &life_ops;
	vm->mn.ops = &life_mm_ops;
	return vm;
}

static bool life_is_dead(const struct pvi_vm *vm)
{
	/* Pairs with life_end_free(): what it has freed is freed. */
	return smp_load_acquire(&vm->life) == PVI_LIFE_DEAD;
}

/*
 * The closer waits. False: it is killed, and goes on as whoever is exiting does; with @puts, unless the end has left
 * the VM to it already, and is all but over.
 */
static bool life_await_end(struct pvi_vm *vm, bool puts)
{
	if (!wait_var_event_killable(&vm->life, life_is_dead(vm)))
		return true;
	if (!puts || xchg(&vm->closer_puts, false))
		return false;
	wait_var_event(&vm->life, life_is_dead(vm));
	return true;
}

/* The last descriptor was closed. */
void pvi_life_close(struct pvi_vm *vm)
{
	bool waits = pvi_vm_closer_waits();
	bool puts = life_die(vm, waits) && waits && vm->kvm;

	pvi_vm_forget(vm);
	/* Nobody binds it any more. Its end may go on meanwhile, from whichever side it came. */
	if (waits && READ_ONCE(vm->life) != PVI_LIFE_UNBOUND && life_await_end(vm, puts)) {
		life_forget_made(vm);
		if (puts)
			pvi_kvm_put(vm->kvm);
	}
	pvi_vm_put(vm);
}

/* The limit may have been lowered below what there is. */
static bool life_try_count(void)
{
	int nr = atomic_read(&nr_vms);

	do {
		if (nr >= READ_ONCE(max_vms))
			return false;
	} while (!atomic_try_cmpxchg(&nr_vms, &nr, nr + 1));
	return true;
}

/* Nobody is refused because of those who have died: wait for them. ENOSPC, EINTR. */
static int life_count(void)
{
	bool dying;

	do {
		dying = atomic_read(&nr_dying);
		/* Who is not dying any more is not counted; pairs with life_died(). */
		smp_rmb();
		if (life_try_count())
			return 0;
		if (dying && wait_var_event_killable(&nr_vms, !atomic_read(&nr_dying) ||
						     atomic_read(&nr_vms) < READ_ONCE(max_vms)))
			return -EINTR;
	} while (dying);
	return -ENOSPC;
}

/* Watches the VM's address space, which the caller keeps alive. */
static int life_watch(struct pvi_vm *vm, struct mm_struct *mm)
{
	int ret;

	if (!vm->kvm)
		return 0;
	ret = mmap_write_lock_killable(mm);
	if (ret)
		return ret;
	/* EINTR if a signal is pending. */
	ret = __mmu_notifier_register(&vm->mn, mm);
	mmap_write_unlock(mm);
	return ret;
}

/* Nobody has found @vm. */
static void life_unwatch(struct pvi_vm *vm, struct mm_struct *mm)
{
	if (vm->kvm)
		mmu_notifier_unregister(&vm->mn, mm);
}

/* From here on it is found. */
static void life_publish(struct pvi_vm *vm)
{
	/* The binding's, until life_end_put(). */
	kref_get(&vm->ref);
	atomic_inc(&nr_bindings);
	trace_kvm_pvi_bind(vm);
	/* Pairs with pvi_vm_bound(). */
	smp_store_release(&vm->life, PVI_LIFE_BOUND);
}

/*
 * Its name, VM, owner and flags are set. What others have a hand in, how long it takes, comes before it holds places that
 * they may want.
 */
static int life_bind(struct pvi_vm *vm, struct mm_struct *mm)
{
	int ret;

	ret = life_count();
	if (ret)
		return ret;
	ret = pvi_attach_get();
	if (ret)
		goto err_count;
	ret = pvi_peer_get_name(vm);
	if (ret)
		goto err_attach;
	ret = life_watch(vm, mm);
	if (ret)
		goto err_name;
	ret = pvi_vm_list(vm);
	if (ret)
		goto err_watch;
	if (pvi_reserve_let(&vm->uuid, vm->owner, life_publish, vm))
		return 0;

	ret = -EACCES;
	pvi_vm_unlist(vm);
	pvi_vm_forget(vm);
	/* Whoever has passed over it there. */
	synchronize_rcu();
err_watch:
	life_unwatch(vm, mm);
err_name:
	pvi_peer_put_name(vm);
err_attach:
	pvi_attach_put();
err_count:
	atomic_dec(&nr_vms);
	return ret;
}

/* Stores who is named as the owner; nobody: the opener is. A process is asked when the VM is known. */
static int life_check_owner(const struct kvm_pvi_bind *b, kuid_t *owner)
{
	bool by_vmm = b->flags & KVM_PVI_BIND_VMM;

	if (by_vmm && b->flags & (KVM_PVI_BIND_OWNER | KVM_PVI_BIND_HOST))
		return -EINVAL;
	if (!by_vmm && !(b->flags & KVM_PVI_BIND_OWNER))
		return b->owner ? -EINVAL : 0;
	if (!ns_capable(current_user_ns(), CAP_SETUID))
		return -EPERM;
	if (by_vmm)
		return 0;
	*owner = make_kuid(current_user_ns(), b->owner);
	return uid_valid(*owner) ? 0 : -EINVAL;
}

/*
 * Stores the user of process @nr, if its address space is that of the VM. Whoever has the descriptor only, such
 * as a program with privileges that its user has started, has another one.
 */
static int life_vmm_owner(u32 nr, struct kvm *kvm, kuid_t *owner)
{
	const struct cred *cred;
	struct task_struct *task;
	int ret = -ESRCH;

	rcu_read_lock();
	task = pid_task(find_vpid(nr), PIDTYPE_TGID);
	if (task) {
		cred = __task_cred(task);
		*owner = cred->uid;
		if (!uid_eq(cred->euid, cred->uid) || !uid_eq(cred->suid, cred->uid) ||
		    !uid_eq(cred->fsuid, cred->uid))
			ret = -EPERM;
		else
			ret = 0;
		/* Pairs with commit_creds(), behind the new address space in exec(). */
		smp_rmb();
		if (READ_ONCE(task->mm) != pvi_kvm_mm(kvm))
			ret = -ESRCH;
	}
	rcu_read_unlock();
	return ret;
}

/* Stores a strong reference to the VM named, or NULL for a host process. */
static int life_get_kvm(const struct kvm_pvi_bind *b, struct kvm **kvm)
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

/* With the VM's address space kept alive meanwhile, which may be another process's. */
static int life_bind_mm(struct pvi_vm *vm)
{
	struct mm_struct *mm;
	int ret;

	if (!vm->kvm)
		return life_bind(vm, NULL);
	mm = pvi_kvm_mm(vm->kvm);
	if (!mmget_not_zero(mm))
		return -ESRCH;
	ret = life_bind(vm, mm);
	/* Where this is the last, it dies here. */
	mmput(mm);
	return ret;
}

/* A look: who is to be refused anyway waits for nobody. */
static int life_permits(struct pvi_vm *vm)
{
	if (!pvi_reserve_permits(&vm->uuid, vm->owner))
		return -EACCES;
	return pvi_vm_taken(vm) ? -EEXIST : 0;
}

/* @vm is BINDING; on failure it is as it was. */
static int life_bind_as(struct pvi_vm *vm, struct kvm_pvi_bind *b, struct kvm *kvm,
			kuid_t owner)
{
	kuid_t opener = vm->owner;
	int ret;

	import_uuid(&vm->uuid, b->uuid);
	vm->kvm = kvm;
	vm->owner = owner;
	vm->grants_only = b->flags & KVM_PVI_BIND_GRANTS_ONLY;
	vm->epoch = life_new_epoch();
	ret = life_permits(vm);
	if (!ret) {
		/* Nothing is held while the caller's memory may have it wait. */
		b->epoch = vm->epoch;
		ret = pvi_reply(b);
	}
	if (!ret)
		ret = life_bind_mm(vm);
	if (ret) {
		vm->kvm = NULL;
		vm->owner = opener;
	}
	return ret;
}

int pvi_life_bind(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_bind *b = arg;
	kuid_t owner = INVALID_UID;
	struct kvm *kvm;
	uuid_t uuid;
	int ret;

	import_uuid(&uuid, b->uuid);
	if (!pvi_words_uuid_is_name(&uuid))
		return -EINVAL;
	ret = life_check_owner(b, &owner);
	if (ret)
		return ret;
	ret = life_get_kvm(b, &kvm);
	if (ret)
		return ret;

	if (b->flags & KVM_PVI_BIND_VMM) {
		ret = life_vmm_owner(b->owner, kvm, &owner);
		/* As with KVM_PVI_BIND_OWNER: nobody names who is none of their namespace's. */
		if (!ret && !kuid_has_mapping(current_user_ns(), owner))
			ret = -EPERM;
		if (ret)
			goto err_kvm;
	}

	ret = -EBUSY;
	if (cmpxchg(&vm->life, PVI_LIFE_UNBOUND, PVI_LIFE_BINDING) != PVI_LIFE_UNBOUND)
		goto err_kvm;
	/* Nobody named: the opener. While another BIND is under way the owner may be whom that has named. */
	ret = life_bind_as(vm, b, kvm, uid_valid(owner) ? owner : vm->owner);
	if (!ret)
		return 0;
	/* Pairs with pvi_vm_usable(), and with the exchange of the next BIND. */
	smp_store_release(&vm->life, PVI_LIFE_UNBOUND);
err_kvm:
	if (kvm)
		pvi_kvm_put(kvm);
	return ret;
}

u32 pvi_life_max(void)
{
	return READ_ONCE(max_vms);
}

int __init pvi_life_init(void)
{
	get_random_bytes(epoch_key, sizeof(epoch_key));
	/* Without WQ_MEM_RECLAIM: what frees memory does not wait for an end, and an end waits for KVM. */
	life_wq = alloc_workqueue("kvm_pvi_life", WQ_UNBOUND, 0);
	return life_wq ? 0 : -ENOMEM;
}

/*
 * Waits for the ends of the endpoints whose last descriptor was closed, in all
 * their steps. mmu_notifier_synchronize() would not do: it waits for a grace
 * period, and not for callbacks that are due.
 */
void pvi_life_drain(void)
{
	wait_var_event(&nr_bindings, !atomic_read(&nr_bindings));
	/* life_mm_unregistered(), which queued the last step, has returned. */
	synchronize_rcu();
}

void pvi_life_exit(void)
{
	destroy_workqueue(life_wq);
}
