// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi vm - an endpoint: find, lock, reference
 *
 * The RFC's vm_list, keyed both ways: by struct kvm, for the caller of a
 * hypercall, and by UUID. Readers use RCU. An endpoint stands in both before it
 * is bound, to hold its place, and until it has died; whoever looks it up looks
 * at its life as well, and finds only what is alive.
 */
#include <linux/spinlock.h>

#include "vm.h"

/*
 * Looked at by every hypercall of ours: a table of fixed size is a third of a
 * resizable one's instructions there.
 */
DEFINE_HASHTABLE(pvi_vms_by_kvm, PVI_VMS_BITS);
static DEFINE_SPINLOCK(vms_lock);	/* protects changes of pvi_vms_by_kvm */
static struct rhashtable vms_by_uuid;

/* Who lists them goes by number. Endpoints that are not bound yet stand in it as well. */
static DEFINE_XARRAY_FLAGS(vms_by_number, XA_FLAGS_ACCOUNT);
static atomic64_t nr_numbers = ATOMIC64_INIT(0);

static const struct rhashtable_params by_uuid_params = {
	.key_offset = offsetof(struct pvi_vm, uuid),
	.key_len = sizeof_field(struct pvi_vm, uuid),
	.head_offset = offsetof(struct pvi_vm, by_uuid),
	.automatic_shrinking = true,
};

/* Valid under RCU. */
struct pvi_vm *pvi_vm_find_uuid(const uuid_t *uuid)
{
	struct pvi_vm *vm = rhashtable_lookup(&vms_by_uuid, uuid, by_uuid_params);

	return vm && pvi_vm_bound(vm) ? vm : NULL;
}

/* Whether somebody who is bound has the name or the VM that @vm wants. Holds no place; there may be another answer soon. */
bool pvi_vm_taken(const struct pvi_vm *vm)
{
	bool taken;

	rcu_read_lock();
	taken = pvi_vm_find_uuid(&vm->uuid) || (vm->kvm && pvi_vm_find_kvm(vm->kvm));
	rcu_read_unlock();
	return taken;
}

/* It has left its place, or will. */
static bool vm_dying(const struct pvi_vm *vm)
{
	return READ_ONCE(vm->life) >= PVI_LIFE_DYING;
}

/*
 * The place that @vm wants belongs to @other, a reference. Returns 0 when it has
 * been left, EEXIST if it will not be, EINTR.
 */
static int vm_await_place(struct pvi_vm *other)
{
	int ret = -EEXIST;

	if (vm_dying(other)) {
		ret = wait_var_event_killable(&other->listed,
					      /* Pairs with pvi_vm_unlist(). */
					      !smp_load_acquire(&other->listed));
		ret = ret ? -EINTR : 0;
	}
	pvi_vm_put(other);
	return ret;
}

static int vm_list_uuid(struct pvi_vm *vm)
{
	struct pvi_vm *other;
	int ret;

	do {
		rcu_read_lock();
		other = rhashtable_lookup_get_insert_fast(&vms_by_uuid, &vm->by_uuid,
							  by_uuid_params);
		if (!IS_ERR_OR_NULL(other) && !kref_get_unless_zero(&other->ref))
			other = ERR_PTR(-EEXIST);
		rcu_read_unlock();
		if (IS_ERR_OR_NULL(other))
			return PTR_ERR_OR_ZERO(other);
		ret = vm_await_place(other);
	} while (!ret);
	return ret;
}

/* Lists @vm, or returns a reference to whoever stands there already. */
static struct pvi_vm *vm_try_list_kvm(struct pvi_vm *vm)
{
	struct pvi_vm *other;

	spin_lock(&vms_lock);
	hash_for_each_possible(pvi_vms_by_kvm, other, by_kvm, (unsigned long)vm->kvm)
		if (other->kvm == vm->kvm)
			break;
	if (other)
		kref_get(&other->ref);
	else
		hash_add_rcu(pvi_vms_by_kvm, &vm->by_kvm, (unsigned long)vm->kvm);
	spin_unlock(&vms_lock);
	return other;
}

static int vm_list_kvm(struct pvi_vm *vm)
{
	struct pvi_vm *other;
	int ret = 0;

	while (!ret) {
		other = vm_try_list_kvm(vm);
		if (!other)
			return 0;
		ret = vm_await_place(other);
	}
	return ret;
}

static void vm_unlist_uuid(struct pvi_vm *vm)
{
	rhashtable_remove_fast(&vms_by_uuid, &vm->by_uuid, by_uuid_params);
}

static int vm_list_number(struct pvi_vm *vm)
{
	u64 number = atomic64_inc_return(&nr_numbers);
	int ret = xa_insert(&vms_by_number, number, vm, GFP_KERNEL);

	if (!ret)
		WRITE_ONCE(vm->number, number);
	return ret;
}

/* Nobody finds it by its number any more: the binding failed, or the last descriptor was closed. */
void pvi_vm_forget(struct pvi_vm *vm)
{
	if (vm->number)
		xa_erase(&vms_by_number, vm->number);
	WRITE_ONCE(vm->number, 0);
}

/*
 * Holds the places of @vm's name and VM, where nobody finds it until it is
 * bound, and gives it a number. Waits for an endpoint that is dying there.
 * EEXIST, EINTR, ENOMEM.
 */
int pvi_vm_list(struct pvi_vm *vm)
{
	int ret;

	ret = vm_list_number(vm);
	if (ret)
		return ret;
	vm->listed = true;
	ret = vm_list_uuid(vm);
	if (ret)
		goto err_number;
	if (!vm->kvm)
		return 0;
	ret = vm_list_kvm(vm);
	if (ret)
		goto err_uuid;
	return 0;

err_uuid:
	vm_unlist_uuid(vm);
	/* Whoever has passed over it there. */
	synchronize_rcu();
err_number:
	pvi_vm_forget(vm);
	return ret;
}

/* Who has come across @vm still may for a grace period. */
void pvi_vm_unlist(struct pvi_vm *vm)
{
	if (vm->kvm) {
		spin_lock(&vms_lock);
		hash_del_rcu(&vm->by_kvm);
		spin_unlock(&vms_lock);
	}
	vm_unlist_uuid(vm);
	pvi_vm_set_and_wake(&vm->listed, false);
}

/*
 * A reference to the endpoint with the lowest number above *@number, which is
 * stored there, or NULL. It may be in any state, and its number that of another
 * binding by now.
 */
struct pvi_vm *pvi_vm_next(u64 *number)
{
	XA_STATE(xas, &vms_by_number, *number);
	struct pvi_vm *vm;

	if (*number == U64_MAX)
		return NULL;
	xas_set(&xas, *number + 1);
	xas_lock(&xas);
	vm = xas_find(&xas, ULONG_MAX);
	/* What is listed has its descriptors' reference. */
	if (vm)
		kref_get(&vm->ref);
	xas_unlock(&xas);
	*number = vm ? xas.xa_index : *number;
	return vm;
}

/* A reference to the endpoint with that number, in any state, or NULL. */
struct pvi_vm *pvi_vm_get(u64 number)
{
	struct pvi_vm *vm;

	xa_lock(&vms_by_number);
	vm = xa_load(&vms_by_number, number);
	if (vm)
		kref_get(&vm->ref);
	xa_unlock(&vms_by_number);
	return vm;
}

/*
 * Walks of tables of the whole host are one read section for so many entries:
 * called behind each, the @nr'th. What was found before must not be used then.
 */
void pvi_vm_walk_pause(struct rhashtable_iter *iter, unsigned int nr)
	__must_hold(RCU)
{
	if (nr % PVI_VM_WALK_PIECE)
		return;
	rhashtable_walk_stop(iter);
	cond_resched();
	rhashtable_walk_start(iter);
}

/* Calls @fn for each bound endpoint, under RCU. */
void pvi_vm_for_each(void (*fn)(struct pvi_vm *vm, void *arg), void *arg)
{
	struct rhashtable_iter iter;
	unsigned int nr = 0;
	struct pvi_vm *vm;

	rhashtable_walk_enter(&vms_by_uuid, &iter);
	rhashtable_walk_start(&iter);
	while ((vm = rhashtable_walk_next(&iter))) {
		if (!IS_ERR(vm) && pvi_vm_bound(vm))
			fn(vm, arg);
		pvi_vm_walk_pause(&iter, ++nr);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}

/* Whether an ioctl that works on unbound or dead endpoints, or not, works on this one. */
int pvi_vm_usable(struct pvi_vm *vm, bool unbound, bool dead)
{
	/* Pairs with the stores of life.c. */
	switch (smp_load_acquire(&vm->life)) {
	case PVI_LIFE_UNBOUND:
	case PVI_LIFE_BINDING:
		return unbound ? 0 : -ENOTCONN;
	case PVI_LIFE_BOUND:
		return 0;
	}
	return dead ? 0 : -ENODEV;
}

/* What others have left to whoever has the lock. */
static void vm_settle(struct pvi_vm *vm)
{
	unsigned long owed = READ_ONCE(vm->owed) ? xchg(&vm->owed, 0) : 0;

	if (owed)
		vm->ops->settle(vm, owed);
}

/* Takes vm->lock of any endpoint. EINTR, if the caller is killed: its threads may wait for each other for long. */
int pvi_vm_lock_any(struct pvi_vm *vm)
	PVI_ACQUIRES_ON(0, &vm->lock)
{
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	vm_settle(vm);
	return 0;
}

static int vm_locked(struct pvi_vm *vm)
	PVI_ACQUIRES_ON(0, &vm->lock)
{
	int ret = pvi_vm_usable(vm, false, false);

	if (ret)
		pvi_vm_unlock(vm);
	return ret;
}

/* Takes vm->lock, or says why the endpoint is not to be changed. On success the lock is held. */
int pvi_vm_lock(struct pvi_vm *vm)
	PVI_ACQUIRES_ON(0, &vm->lock)
{
	return pvi_vm_lock_any(vm) ?: vm_locked(vm);
}

/* For who must end what it has begun though it is killed: fails only if the endpoint has died. */
int pvi_vm_lock_again(struct pvi_vm *vm)
	PVI_ACQUIRES_ON(0, &vm->lock)
{
	mutex_lock(&vm->lock);
	vm_settle(vm);
	return vm_locked(vm);
}

/* Called with a reference to @vm, or by a descriptor's call. */
void pvi_vm_unlock(struct pvi_vm *vm)
	PVI_RELEASES(&vm->lock)
{
	do {
		vm_settle(vm);
		mutex_unlock(&vm->lock);
		/* Pairs with pvi_vm_owe(): it finds the lock free, or this what it has left. */
		smp_mb();
	} while (READ_ONCE(vm->owed) && mutex_trylock(&vm->lock));
}

/*
 * What is to be done under the lock of an endpoint, by somebody who must not wait for its owner: it is done when this
 * returns, or whoever has the lock does it before anybody else has. Called with a reference to @vm.
 */
void pvi_vm_owe(struct pvi_vm *vm, enum pvi_vm_owed what)
{
	set_bit(what, &vm->owed);
	/* Pairs with pvi_vm_unlock(). */
	smp_mb__after_atomic();
	if (mutex_trylock(&vm->lock))
		pvi_vm_unlock(vm);
}

/* Whoever found @vm under RCU has left: its end waited, or it was never bound. */
void pvi_vm_put(struct pvi_vm *vm)
{
	kref_put(&vm->ref, vm->ops->release);
}

int __init pvi_vm_init(void)
{
	return rhashtable_init(&vms_by_uuid, &by_uuid_params);
}

void pvi_vm_exit(void)
{
	rhashtable_destroy(&vms_by_uuid);
}
