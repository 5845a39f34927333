/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pvi vm - an endpoint: find, lock, reference
 *
 * Lock map, outermost first; Documentation/virt/kvm/pvi/locking.rst has more.
 * None of them is held while waiting for a grace period, and none is taken on
 * the way of a ring but from irq_srcu on.
 *
 *   pvi_vm.lock (mutex)	the tables of one endpoint: gsis, bells, edges, peers,
 *				ports, sources. Readers of the tables use RCU. Its owner can
 *				hold it for as long as it likes, so nobody else waits for
 *				it: others leave what is to be done under it to whoever
 *				has it, pvi_vm_owe(), or takes it next.
 *   attach_lock (attach.c, mutex)	attaching to and detaching from KVM. Taken by
 *				a BIND only if the hook is not in place.
 *   reserved_lock (reserve.c, spinlock)	who may have which name.
 *   names_lock (peer.c, spinlock)	names of senders, and who uses them.
 *   pvi_events.reading (mutex)	one read() of an endpoint; user memory is touched
 *				under it.
 *   uses_lock (eventfd.c, spinlock)	the table of all eventfds in use; a leaf.
 *   an eventfd's wait queue	held by whoever signals, around the wake-up of a
 *				source, which therefore takes no lock of ours.
 *   kvm->irq_srcu (read)	the receiver's routing entries are used under it.
 *   vms_lock (vm.c, spinlock)	changes of the table of endpoints by struct kvm.
 *   vms_by_number (vm.c, xarray)	its own spinlock: a number leads to an endpoint, or to
 *				none, while it is held; a leaf.
 *   pvi_events.lock (spinlock)	what an endpoint was told and has not read, and of whom
 *				it has heard.
 *   pvi_bell.lock (spinlock)	flags and masks of one bell; released before its GSI
 *				is raised.
 *   pvi_gsi.lock (spinlock)	one pulse, up and down, of one GSI; changes of its MSI.
 *   inside (inside.c, count)	around every intercepted hypercall; awaited by
 *				module exit alone: the lifetime of code.
 *   RCU			from permission check to injection: the lifetime of
 *				objects. Guest memory is never touched inside.
 */
#ifndef _PVI_VM_H
#define _PVI_VM_H

#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/uidgid.h>
#include <linux/uuid.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "count.h"

struct pvi_worker;
struct kvm;
struct pvi_events;
struct pvi_name;
struct pvi_port_table;
struct pvi_vm;

/* What may become of an endpoint: life.c has the table of who goes where. */
enum pvi_life {
	PVI_LIFE_UNBOUND,
	PVI_LIFE_BINDING,
	PVI_LIFE_BOUND,
	PVI_LIFE_DYING,
	PVI_LIFE_DEAD,
};

/* Bits of pvi_vm.owed: grants are to leave the table, senders that are dead to be forgotten, the end to go on. */
enum pvi_vm_owed { PVI_OWED_GRANTS, PVI_OWED_PEERS, PVI_OWED_END };

/**
 * struct pvi_vm_ops - what belongs to the life of an endpoint
 * @release: of who drops its last reference
 * @settle: does what is owed; called with its lock held
 */
struct pvi_vm_ops {
	void (*release)(struct kref *ref);
	void (*settle)(struct pvi_vm *vm, unsigned long owed);
};

/**
 * struct pvi_vm - an endpoint: one open of /dev/kvm_pvi, and once bound a VM
 * @by_kvm: in the table by struct kvm
 * @kvm: the VM (a reference), NULL for a host process
 * @life: enum pvi_life; whoever finds the endpoint looks at it
 * @frozen: a snapshot was taken; written under @lock
 * @open: both of these in one look: PVI_LIFE_BOUND where rings are taken
 * @stats: counters
 * @ports: index -> struct pvi_port
 * @epoch: which binding this is
 * @uuid: its name
 * @by_uuid: in the table by UUID
 * @owner: uid that owner pins compare with
 * @grants_only: never look at the ALLOW table
 * @listed: holds its places in vm_list; who waits for them waits for this
 * @closer_puts: whoever closed the last descriptor waits, and drops @kvm
 * @free_port: no lower index is free
 * @number: its place in the order in which endpoints were bound; 0: none
 * @opener: the process that opened it
 * @generation: in the numbers of ports that its guest makes; 0: it has made none
 * @gsis: GSI -> struct pvi_gsi
 * @bells: bell -> struct pvi_bell
 * @name: its name as a sender's; once bound, to the end
 * @events: what read() gives
 * @lock: protects changes of @ports, @gsis, @bells, @edges, @peers, and coming into @sources
 * @edges: id - 1 -> row of this receiver's table, or grant
 * @whats: plain GSI -> one of the edges that name it
 * @peers: senders that have rows in @edges, or were heard of
 * @nr_edges: rows
 * @nr_grants: grants
 * @nr_gsis: exposed GSIs
 * @nr_bells: those of them that have a bell
 * @next_edge: id of the next row
 * @freezes: how often it was frozen; protected by @lock, as are
 * @freezing: who has asked for that since and was not answered yet
 * @freeze_holds: and that one of them was
 * @sources: eventfds that ring its ports; they leave by its own lock alone
 * @nr_sources: their number
 * @worker: rings and ends them; NULL until there was one
 * @owed: enum pvi_vm_owed: what others have left to whoever has @lock
 * @dropped: grants whose last descriptor has gone, still in @edges
 * @mn: tells that the VM's address space goes
 * @end_unlist: first step of the end
 * @end_free: second, behind a grace period
 * @end_put: third, when @mn is not used any more
 * @ref: the file's and the binding's
 * @guest_calls: one of its guest's calls may take @lock
 * @ops: life.c's
 */
struct pvi_vm {
	struct hlist_node by_kvm;
	struct kvm *kvm;
	union {
		struct {
			u8 life;
			u8 frozen;
		};
		u16 open;
	};
	struct pvi_stats __percpu *stats;
	struct pvi_port_table __rcu *ports;
	u64 epoch;
	uuid_t uuid;
	struct rhash_head by_uuid;
	kuid_t owner;
	bool grants_only;
	bool listed;
	bool closer_puts;
	bool freeze_holds;
	u32 free_port;
	u32 generation;
	u64 number;
	struct pid *opener;
	struct xarray gsis;
	struct xarray bells;
	struct pvi_name *name;
	struct pvi_events *events;
	struct mutex lock;
	struct xarray edges;
	struct xarray whats;
	struct list_head peers;
	u32 nr_edges;
	atomic_t nr_grants;
	u32 nr_gsis;
	u32 nr_bells;
	u64 next_edge;
	u64 freezes;
	struct xarray sources;
	struct pvi_worker *worker;
	atomic_t nr_sources;
	u32 freezing;
	unsigned long owed;
	struct llist_head dropped;
	struct mmu_notifier mn;
	struct work_struct end_unlist;
	struct rcu_work end_free;
	struct work_struct end_put;
	struct kref ref;
	u32 guest_calls;
	const struct pvi_vm_ops *ops;
};

#define PVI_VMS_BITS	12	/* of the table by struct kvm */
#define PVI_VM_WALK_PIECE	64	/* entries of a table of the whole host in one read section */

extern struct hlist_head pvi_vms_by_kvm[1 << PVI_VMS_BITS];

/* Stores to a word that others wait for by wait_var_event(), and wakes them. */
#define pvi_vm_set_and_wake(word, value) do {			\
	/* Pairs with their acquire. */				\
	smp_store_release(word, value);				\
	/* Before looking for who waits; pairs with set_current_state() there. */ \
	smp_mb();						\
	wake_up_var(word);					\
} while (0)

/* Alive. Pairs with the last store of a BIND: whoever sees it sees all that it made. */
static __always_inline bool pvi_vm_bound(const struct pvi_vm *vm)
{
	/* Pairs with life_publish(). */
	return smp_load_acquire(&vm->life) == PVI_LIFE_BOUND;
}

static inline bool pvi_vm_frozen(const struct pvi_vm *vm)
{
	return READ_ONCE(vm->frozen);
}

/* Alive and not frozen: takes rings. */
static __always_inline bool pvi_vm_open(const struct pvi_vm *vm)
{
	return READ_ONCE(vm->open) == PVI_LIFE_BOUND;
}

/* The VM of a hypercall. Valid under RCU. */
static __always_inline struct pvi_vm *pvi_vm_find_kvm(struct kvm *kvm)
{
	struct pvi_vm *vm;

	hash_for_each_possible_rcu(pvi_vms_by_kvm, vm, by_kvm, (unsigned long)kvm)
		if (vm->kvm == kvm && pvi_vm_bound(vm))
			return vm;
	return NULL;
}

/*
 * Whether who closes a last descriptor is to wait until what hung on it has
 * ended. An exiting process is not: it may have thousands, which end together.
 * Nor is a thread of the kernel, in which others' files are closed.
 */
static inline bool pvi_vm_closer_waits(void)
{
	return !(current->flags & (PF_EXITING | PF_KTHREAD));
}

/*
 * Of functions that return with a lock held, where they return what is said,
 * or that let one go which their caller holds. For readers: sparse follows no
 * mutex, and loses the way where one is held only if a call has succeeded, so
 * __acquires() would have it warn of each caller.
 */
#define PVI_ACQUIRES_ON(success, lock)
#define PVI_RELEASES(lock)

struct pvi_vm *pvi_vm_find_uuid(const uuid_t *uuid);
bool pvi_vm_taken(const struct pvi_vm *vm);
int pvi_vm_list(struct pvi_vm *vm);
void pvi_vm_unlist(struct pvi_vm *vm);
void pvi_vm_forget(struct pvi_vm *vm);
struct pvi_vm *pvi_vm_next(u64 *number);
struct pvi_vm *pvi_vm_get(u64 number);
void pvi_vm_walk_pause(struct rhashtable_iter *iter, unsigned int nr);
void pvi_vm_for_each(void (*fn)(struct pvi_vm *vm, void *arg), void *arg);
int pvi_vm_usable(struct pvi_vm *vm, bool unbound, bool dead);
int pvi_vm_lock_any(struct pvi_vm *vm) PVI_ACQUIRES_ON(0, &vm->lock);
int pvi_vm_lock(struct pvi_vm *vm) PVI_ACQUIRES_ON(0, &vm->lock);
int pvi_vm_lock_again(struct pvi_vm *vm) PVI_ACQUIRES_ON(0, &vm->lock);
void pvi_vm_unlock(struct pvi_vm *vm) PVI_RELEASES(&vm->lock);
void pvi_vm_owe(struct pvi_vm *vm, enum pvi_vm_owed what);
void pvi_vm_put(struct pvi_vm *vm);
int pvi_vm_init(void);
void pvi_vm_exit(void);

#endif /* _PVI_VM_H */
