/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pvi - the private header: structures, locks, prototypes by file
 *
 * Lock map, outermost first; Documentation/virt/kvm/pvi/locking.rst has more.
 * None of them is held while waiting for a grace period, but by a BIND that has
 * failed, and none is taken on the way of a ring but from irq_srcu on.
 *
 *   pvi_vm.lock (mutex)	the tables of one endpoint: gsis, bells, edges, peers,
 *				ports, sources; binding it. Readers of the tables
 *				use RCU.
 *   hook_lock (hook.c, mutex)	attaching to and detaching from KVM, the number of
 *				bound VMs. Taken by BIND inside the lock of its
 *				endpoint.
 *   reserved_lock (reserve.c, mutex)	who may have which name.
 *   names_lock (peer.c, mutex)	names of senders, and who uses them.
 *   pvi_events.reading (mutex)	one read() of an endpoint; user memory is touched
 *				under it.
 *   uses_lock (eventfd.c, mutex)	the table of all eventfds in use; a leaf.
 *   an eventfd's wait queue	held by whoever signals, around the wake-up of a
 *				source, which therefore takes no lock of ours.
 *   kvm->irq_srcu (read)	the receiver's routing entries are used under it.
 *   pvi_events.lock (spinlock)	what an endpoint was told and has not read.
 *   pvi_bell.lock (spinlock)	flags and masks of one bell; released before its GSI
 *				is raised.
 *   pvi_gsi.lock (spinlock)	one pulse, up and down, of one GSI; changes of its MSI.
 *   inside (hook.c, count)	around every intercepted hypercall; awaited by
 *				module exit alone: the lifetime of code.
 *   RCU			from permission check to injection: the lifetime of
 *				objects. Guest memory is never touched inside.
 */
#ifndef _PVI_H
#define _PVI_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/eventfd.h>
#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/uuid.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <uapi/linux/kvm_pvi.h>

struct file;
struct poll_table_struct;
struct kvm;
struct kvm_vcpu;
struct pvi_status;
struct seq_file;

/* Index into counters; the first three are the verdicts. */
enum pvi_count {
	PVI_RAISED = KVM_PVI_RAISED,
	PVI_COALESCED = KVM_PVI_COALESCED,
	PVI_LATCHED = KVM_PVI_LATCHED,
	PVI_DENIED,
	PVI_THROTTLED,
	PVI_NR_COUNTS,
};

/**
 * struct pvi_stats - counters of one endpoint, one copy per CPU
 * @sent: rings by this endpoint
 * @received: rings to it
 * @retries: injections tried again
 * @dropped: signals of its sources for ports that were closed, revoked or dead
 */
struct pvi_stats {
	u64 sent[PVI_NR_COUNTS];
	u64 received[PVI_NR_COUNTS];
	u64 retries;
	u64 dropped;
};

/**
 * struct pvi_bucket - a token bucket in one atomic (GCRA: the virtual scheduling algorithm of ITU-T I.371)
 * @tat: theoretical arrival time of the next ring, ns of ktime_get_mono_fast_ns()
 * @interval: ns between two rings at the agreed rate, 0 for no limit
 * @slack: how far @tat may be ahead of now: (burst - 1) * interval
 */
struct pvi_bucket {
	atomic64_t tat;
	u64 interval;
	u64 slack;
};

enum pvi_edge_state { PVI_EDGE_LIVE, PVI_EDGE_REVOKED, PVI_EDGE_DEAD };

/* A UUID as it is compared, hashed and kept in registers */
struct pvi_words {
	u64 first, last;
};

static __always_inline struct pvi_words pvi_uuid_words(const uuid_t *uuid)
{
	const u64 *words = (const u64 *)uuid;

	return (struct pvi_words){ words[0], words[1] };
}

static inline const uuid_t *pvi_words_uuid(const struct pvi_words *w)
{
	return (const uuid_t *)w;
}

/* Nil and max name nobody. */
static __always_inline bool pvi_words_are_name(struct pvi_words w)
{
	return (w.first | w.last) && (w.first & w.last) != U64_MAX;
}

static inline bool pvi_uuid_is_name(const uuid_t *uuid)
{
	return pvi_words_are_name(pvi_uuid_words(uuid));
}

/* Who may ring what; @what is a GSI, KVM_PVI_GSI_ANY, or PVI_WHAT_BELL and a bell. */
struct pvi_edge_key {
	struct pvi_words receiver;
	struct pvi_words sender;
	u32 what;
};

#define PVI_WHAT_BELL	0x80000000u

#define PVI_BELLS_CAP	8192		/* what max_bells may be */

static inline bool pvi_what_is_bell(u32 what)
{
	return what != KVM_PVI_GSI_ANY && (what & PVI_WHAT_BELL);
}

/**
 * struct pvi_edge - a row of a receiver's pvi_sender_uuid table
 * @node: in the table of all edges; unhashed when not live any more
 * @key: receiver, sender, GSI; a grant has the nil UUID for its sender, and is not in the table
 * @state: enum pvi_edge_state, leaves PVI_EDGE_LIVE once
 * @pinned: @owner must match
 * @owner: uid that must own the sender's endpoint
 * @vm: the receiver; valid under RCU while live
 * @bits: flags of a bell this sender may set
 * @bucket: the agreed rate
 * @counts: what became of the rings
 * @heard: epoch of the sender whose rings the receiver knows of
 * @peer: what all rows of this receiver about this sender belong to, if they are looked at
 * @by_peer: in @peer
 * @gsi: what it rings, NULL for KVM_PVI_GSI_ANY or while not exposed; kept by gsi.c
 * @uses: ports that may still be made of a grant
 * @id: cursor of KVM_PVI_GET_EDGE, ascending in @list
 * @list: in pvi_vm.edges, protected by pvi_vm.lock
 * @ref: the table's, and one for each port made by it
 * @rcu: frees it
 */
struct pvi_edge {
	struct rhash_head node;
	struct pvi_edge_key key;
	u8 state;
	bool pinned;
	kuid_t owner;
	struct pvi_vm *vm;
	struct pvi_gsi __rcu *gsi;
	u64 heard;
	struct pvi_peer *peer;
	struct list_head by_peer;
	u64 bits;
	struct pvi_bucket bucket;
	atomic64_t counts[PVI_NR_COUNTS];
	atomic_t uses;
	u64 id;
	struct list_head list;
	struct kref ref;
	struct rcu_head rcu;
};

/* Bits of pvi_gsi.flags; where one is set a ring is not a plain one */
enum { PVI_GSI_LATCH, PVI_GSI_BELL, PVI_GSI_STATUS, PVI_GSI_LIMITED };

/**
 * struct pvi_gsi - an exposed GSI of a receiver
 * @vm: the receiver
 * @gsi: its number
 * @kind: KVM_PVI_GSI_DIRECT, _EVENTFD or _MSI
 * @flags: PVI_GSI_LATCH: a ring is owed; PVI_GSI_BELL, PVI_GSI_STATUS: has one;
 *	PVI_GSI_LIMITED: @bucket has a limit
 * @eventfd: of kind eventfd, NULL while unwired
 * @bell: its doorbell, or NULL; set once
 * @status: its status word, or NULL
 * @msi_address: of kind msi, 0 while unwired
 * @msi_data: goes with it
 * @msi_seq: the two change as one
 * @lock: one pulse of the line at a time, one writer of the MSI
 * @bucket: limit of all senders together
 * @rings: accepted rings
 * @retry: tries again what KVM did not take
 * @delay: of the next retry, in ms
 * @rcu: frees it
 */
struct pvi_gsi {
	struct pvi_vm *vm;
	u32 gsi;
	u32 kind;
	unsigned long flags;
	struct eventfd_ctx __rcu *eventfd;
	struct pvi_bell __rcu *bell;
	struct pvi_status __rcu *status;
	u64 msi_address;
	u32 msi_data;
	seqcount_spinlock_t msi_seq;
	spinlock_t lock;
	struct pvi_bucket bucket;
	atomic64_t rings;
	struct delayed_work retry;
	unsigned int delay;
	struct rcu_head rcu;
};

/**
 * struct pvi_bell - a doorbell of a receiver
 * @gsi: what it raises
 * @number: the receiver's own of it
 * @lock: protects @flags, @enable, @ack
 * @flags: set by senders, cleared by the receiver
 * @enable: flags that make the line
 * @ack: flags that clear by themselves
 */
struct pvi_bell {
	struct pvi_gsi *gsi;
	u32 number;
	spinlock_t lock;
	u64 flags;
	u64 enable;
	u64 ack;
};

/**
 * struct pvi_port - what a sender rings by number
 * @eventfd: an eventfd the VMM wired, or
 * @edge: the permission a connection was made by (a reference)
 * @gsi: of @edge's receiver
 * @number: all of it; its index in the table is KVM_PVI_PORT_INDEX()
 * @by_vmm: outlives a reset of the guest
 * @rcu: frees it
 */
struct pvi_port {
	struct eventfd_ctx *eventfd;
	struct pvi_edge *edge;
	u32 gsi;
	u32 number;
	bool by_vmm;
	struct rcu_head rcu;
};

/**
 * struct pvi_port_table - ports by index, replaced by a larger one when it is full
 * @rcu: frees it
 * @size: of @port
 * @port: NULL where none is
 */
struct pvi_port_table {
	struct rcu_head rcu;
	u32 size;
	struct pvi_port __rcu *port[];
};

/* Bits of pvi_vm.flags */
enum { PVI_VM_DYING, PVI_VM_FROZEN, PVI_VM_CONFIG_RUNG };

/* Keep rings away. */
#define PVI_VM_UNAVAILABLE	(BIT(PVI_VM_DYING) | BIT(PVI_VM_FROZEN))

#define PVI_VMS_BITS	12	/* of the table by struct kvm */

enum pvi_vm_state { PVI_VM_UNBOUND, PVI_VM_BOUND, PVI_VM_DEAD };

/**
 * struct pvi_events - what an endpoint is told
 * @lock: protects changes of @kept, @first, @nr, @lost
 * @reading: one reader at a time; held while copying out
 * @wait: readers and pollers
 * @kept: a ring of KVM_PVI_EVENTS_KEPT records
 * @first: the oldest
 * @nr: how many are kept
 * @lost: how many came when there was no room
 * @config_gsi: the guest's own GSI that is rung as well, KVM_PVI_GSI_ANY: none
 */
struct pvi_events {
	spinlock_t lock;
	struct mutex reading;
	wait_queue_head_t wait;
	struct kvm_pvi_event *kept;
	u32 first;
	u32 nr;
	u32 lost;
	u32 config_gsi;
};

/**
 * struct pvi_vm - an endpoint: one open of /dev/kvm_pvi, and once bound a VM
 * @by_kvm: in the list by struct kvm
 * @by_uuid: in the list by UUID
 * @kvm: the VM (a reference), NULL for a host process; dropped at death
 * @uuid: its name
 * @epoch: which binding this is
 * @owner: uid that owner pins compare with
 * @grants_only: never look at the ALLOW table
 * @state: enum pvi_vm_state, written under @lock
 * @flags: PVI_VM_DYING: death was announced; whoever sets it queues @teardown.
 *	PVI_VM_FROZEN: a snapshot was taken.
 *	PVI_VM_CONFIG_RUNG: the config GSI was rung and the guest has not looked yet
 * @stats: counters
 * @ports: index -> struct pvi_port
 * @free_port: no lower index is free
 * @generation: in the numbers of ports that its guest makes; 0: it has made none
 * @gsis: GSI -> struct pvi_gsi
 * @bells: bell -> struct pvi_bell
 * @name: its name as a sender's; once bound, to the end
 * @events: what read() gives
 * @lock: protects @state and changes of @ports, @gsis, @bells, @edges, @peers, @sources
 * @edges: rows of this receiver's table and grants, ascending by id
 * @peers: senders that have rows in @edges
 * @nr_edges: rows
 * @nr_grants: grants
 * @nr_gsis: exposed GSIs
 * @next_edge: id of the next row
 * @sources: eventfds that ring its ports
 * @nr_sources: their number
 * @mn: tells that the VM's address space goes
 * @teardown: after death, in steps
 * @unlisted: the dead one's name is free, and nothing stands under it any more
 * @ref: the file's and the binding's
 */
struct pvi_vm {
	struct hlist_node by_kvm;
	struct rhash_head by_uuid;
	struct kvm *kvm;
	uuid_t uuid;
	u64 epoch;
	kuid_t owner;
	bool grants_only;
	u8 state;
	unsigned long flags;
	struct pvi_stats __percpu *stats;
	struct pvi_port_table __rcu *ports;
	u32 free_port;
	u32 generation;
	struct xarray gsis;
	struct xarray bells;
	struct pvi_name *name;
	struct pvi_events events;
	struct mutex lock;
	struct list_head edges;
	struct list_head peers;
	u32 nr_edges;
	u32 nr_grants;
	u32 nr_gsis;
	u64 next_edge;
	struct list_head sources;
	u32 nr_sources;
	struct mmu_notifier mn;
	struct rcu_work teardown;
	struct completion unlisted;
	struct kref ref;
};

/**
 * struct pvi_call - one hypercall being served
 * @vm: the caller; under RCU, or a reference for calls that sleep
 * @vcpu: the calling vCPU, NULL for KVM_PVI_CALL
 * @kvm: its VM
 * @nr: its number less KVM_HC_PVI_BASE
 * @wide: 64 bits a register
 * @rbx_returned: RBX comes back: KVM_PVI_CALL, or a guest whose registers are not encrypted
 * @uuid: of the calls that take the address of one
 * @args: RBX, RCX, RDX, RSI
 * @rbx: second result
 */
struct pvi_call {
	struct pvi_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm *kvm;
	u32 nr;
	bool wide;
	bool rbx_returned;
	uuid_t uuid;
	u64 args[4];
	u64 rbx;
};

extern struct workqueue_struct *pvi_wq;

static inline bool pvi_vm_dying(const struct pvi_vm *vm)
{
	return test_bit(PVI_VM_DYING, &vm->flags);
}

static inline bool pvi_vm_frozen(const struct pvi_vm *vm)
{
	return test_bit(PVI_VM_FROZEN, &vm->flags);
}

static inline bool pvi_gsi_valid(u64 gsi)
{
	return gsi < KVM_PVI_GSI_MAX ||
	       (gsi >= KVM_PVI_GSI_VIRTUAL && gsi < KVM_PVI_GSI_VIRTUAL_END);
}

/* kvm_abi.c: what is known of KVM's insides */
int pvi_kvm_init(void);
unsigned long pvi_kvm_resolve(const char *name);
unsigned long pvi_kvm_hypercall_site(void);
struct kvm *pvi_kvm_get(struct file *file);
void pvi_kvm_put(struct kvm *kvm);
struct mm_struct *pvi_kvm_mm(struct kvm *kvm);
bool pvi_kvm_has_lapic(struct kvm *kvm);
int pvi_kvm_send_msi(struct kvm *kvm, u64 address, u32 data);
int pvi_kvm_read(struct kvm_vcpu *vcpu, u64 gpa, void *to, size_t len, bool may_sleep);
int pvi_kvm_write(struct kvm_vcpu *vcpu, u64 gpa, const void *from, size_t len);

/* hook.c: interception of kvm_emulate_hypercall() */
int pvi_hook_get(void);
void pvi_hook_put(void);
void pvi_hook_exit(void);
u32 pvi_hook_kind(void);
int pvi_hook_hypercall(struct kvm_vcpu *vcpu);
int pvi_hook_sleep(struct pvi_call *c);
void pvi_hook_wake(struct pvi_call *c);
void pvi_hook_trampoline(void);

/* hypercall.c: table of calls */
bool pvi_hypercall_serve(struct pvi_call *c, s64 *ret);
bool pvi_hypercall_returns_rbx(u32 nr);
u32 pvi_hypercall_features(void);
int pvi_hypercall_ioctl(struct pvi_vm *vm, void *arg);

/* query.c: what a guest may know of itself */
s64 pvi_query(struct pvi_vm *vm, u64 kind, u64 index, u64 field);

/* vm.c: endpoints and the list of bound ones */
int pvi_vm_init(void);
void pvi_vm_drain(void);
void pvi_vm_exit(void);
struct pvi_vm *pvi_vm_alloc(void);
int pvi_vm_bind(struct pvi_vm *vm, void *arg);
void pvi_vm_close(struct pvi_vm *vm);
void pvi_vm_put(struct pvi_vm *vm);
extern struct hlist_head pvi_vms_by_kvm[1 << PVI_VMS_BITS];

/* The VM of a hypercall. Valid under RCU. */
static __always_inline struct pvi_vm *pvi_vm_find_kvm(struct kvm *kvm)
{
	struct pvi_vm *vm;

	hash_for_each_possible_rcu(pvi_vms_by_kvm, vm, by_kvm, (unsigned long)kvm)
		if (vm->kvm == kvm)
			return vm;
	return NULL;
}

struct pvi_vm *pvi_vm_find_uuid(const uuid_t *uuid);
void pvi_vm_list(struct seq_file *m);
int pvi_vm_lock(struct pvi_vm *vm);
int pvi_vm_usable(struct pvi_vm *vm, bool unbound, bool dead);
u32 pvi_vm_max(void);

/* reserve.c: names that root keeps for somebody */
int pvi_reserve(struct pvi_vm *vm, void *arg);
int pvi_unreserve(struct pvi_vm *vm, void *arg);
bool pvi_reserve_permits(const uuid_t *uuid, kuid_t owner);
void pvi_reserve_list(struct seq_file *m);
void pvi_reserve_exit(void);

/* acl.c: the receivers' pvi_sender_uuid tables */
int pvi_acl_init(void);
void pvi_acl_exit(void);
int pvi_acl_allow(struct pvi_vm *vm, void *arg);
int pvi_acl_revoke(struct pvi_vm *vm, void *arg);
int pvi_acl_get_edge(struct pvi_vm *vm, void *arg);
bool pvi_acl_permits(const struct pvi_edge *edge, const struct pvi_vm *from);
struct pvi_edge *pvi_acl_find(struct pvi_vm *from, struct pvi_words to, u32 what);

/* The uid pin, if there is one, does not match. */
static inline bool pvi_acl_pinned_out(const struct pvi_edge *edge, const struct pvi_vm *from)
{
	return READ_ONCE(edge->pinned) && !uid_eq(edge->owner, from->owner);
}

void pvi_acl_put(struct pvi_edge *edge);
struct pvi_edge *pvi_acl_dead(struct pvi_vm *from, const uuid_t *to, u32 what);
void pvi_acl_set_gsi(struct pvi_vm *vm, u32 gsi, struct pvi_gsi *g);
void pvi_acl_unpublish(struct pvi_vm *vm);
void pvi_acl_free(struct pvi_vm *vm);
void pvi_acl_list(struct seq_file *m);
u32 pvi_acl_max(void);

/* peer.c: who may be rung, seen from the sender */
int pvi_peer_init(void);
void pvi_peer_exit(void);
int pvi_peer_get_name(struct pvi_vm *vm);
void pvi_peer_put_name(struct pvi_vm *vm);
int pvi_peer_add_edge(struct pvi_vm *vm, struct pvi_edge *edge);
void pvi_peer_remove_edge(struct pvi_vm *vm, struct pvi_edge *edge);
bool pvi_peer_shown(struct pvi_vm *vm, const uuid_t *uuid);
void pvi_peer_tell(struct pvi_vm *vm, const uuid_t *uuid, bool was_shown);
void pvi_peer_tell_senders(struct pvi_vm *vm);
void pvi_peer_tell_receivers(struct pvi_vm *vm);
void pvi_peer_hear(struct pvi_vm *from, struct pvi_edge *edge);

/* walk.c: a sender's peers one after the other */
int pvi_walk_broadcast(struct pvi_vm *from, u32 gsi, u64 first);
s64 pvi_walk_list(struct pvi_call *c);

/* event.c: what an endpoint is told */
int pvi_event_alloc(struct pvi_vm *vm);
void pvi_event_free(struct pvi_vm *vm);
void pvi_event_tell(struct pvi_vm *vm, u32 type, const struct pvi_vm *about);
void pvi_event_hangup(struct pvi_vm *vm);
void pvi_event_looked(struct pvi_vm *vm);
int pvi_event_set_config(struct pvi_vm *vm, u64 gsi);
void pvi_event_missed(struct pvi_vm *vm);
ssize_t pvi_event_read(struct file *file, char __user *buf, size_t size, loff_t *pos);
__poll_t pvi_event_poll(struct file *file, struct poll_table_struct *table);

static inline bool pvi_edge_is_grant(const struct pvi_edge *edge)
{
	return !(edge->key.sender.first | edge->key.sender.last);
}

/* grant.c: permissions that are descriptors */
int pvi_grant_make(struct pvi_vm *vm, void *arg);
int pvi_grant_revoke(struct pvi_vm *vm, void *arg);
struct pvi_edge *pvi_grant_get(struct pvi_vm *vm, int fd, const kuid_t *owner, u32 *gsi);
void pvi_grant_unuse(struct pvi_edge *edge);
void pvi_grant_list(struct seq_file *m, struct pvi_vm *vm);
u32 pvi_grant_max(void);

/* bucket.c: rates */
int pvi_bucket_check(u32 rate, u32 burst);
void pvi_bucket_set(struct pvi_bucket *b, u32 rate, u32 burst);
bool pvi_bucket_take_limited(struct pvi_bucket *b, u64 interval);
void pvi_bucket_give(struct pvi_bucket *b);
u64 pvi_bucket_wait(struct pvi_bucket *b);

/* False: the sender has to wait. */
static inline bool pvi_bucket_take(struct pvi_bucket *b)
{
	u64 interval = READ_ONCE(b->interval);

	return likely(!interval) || pvi_bucket_take_limited(b, interval);
}

/* eventfd.c: sources and sinks */
int pvi_eventfd_init(void);
void pvi_eventfd_exit(void);
struct eventfd_ctx *pvi_eventfd_get_sink(int fd);
void pvi_eventfd_put_sink(struct eventfd_ctx *eventfd);
struct eventfd_ctx *pvi_eventfd_get_source(struct file *file);
void pvi_eventfd_put_source(struct eventfd_ctx *eventfd);

/* source.c: eventfds that ring a port */
int pvi_source_init(void);
void pvi_source_exit(void);
int pvi_source_wire(struct pvi_vm *vm, void *arg);
int pvi_source_unwire(struct pvi_vm *vm, void *arg);
void pvi_source_free(struct pvi_vm *vm);
void pvi_source_list(struct seq_file *m, struct pvi_vm *vm);
u32 pvi_source_max(void);

/* gsi.c: exposed GSIs of a receiver */
int pvi_gsi_expose(struct pvi_vm *vm, void *arg);
int pvi_gsi_unexpose(struct pvi_vm *vm, void *arg);
int pvi_gsi_wire(struct pvi_vm *vm, void *arg);
int pvi_gsi_unwire(struct pvi_vm *vm, void *arg);
int pvi_gsi_kick(struct pvi_vm *vm, void *arg);
void pvi_gsi_pay(struct pvi_gsi *g);
void pvi_gsi_pay_all(struct pvi_vm *vm);
void pvi_gsi_reset(struct pvi_vm *vm);

/* Valid under RCU. */
static inline struct pvi_gsi *pvi_gsi_find(struct pvi_vm *vm, u32 gsi)
{
	return xa_load(&vm->gsis, gsi);
}

struct pvi_gsi *pvi_gsi_find_locked(struct pvi_vm *vm, u32 gsi);
bool pvi_gsi_signal(struct pvi_gsi *g);
int pvi_gsi_raise(struct pvi_gsi *g);
int pvi_gsi_deliver(struct pvi_gsi *g);
int pvi_gsi_latch(struct pvi_gsi *g);
void pvi_gsi_unpublish(struct pvi_vm *vm);
void pvi_gsi_free(struct pvi_vm *vm);
u32 pvi_gsi_state(const struct pvi_gsi *g);
u32 pvi_gsi_max(void);

/* bell.c: bit-field doorbells */
int pvi_bell_create(struct pvi_vm *vm, void *arg);
int pvi_bell_set(struct pvi_bell *b, u64 new, u64 *old);
s64 pvi_bell_call_send(struct pvi_call *c);
s64 pvi_bell_call_receive(struct pvi_call *c);
s64 pvi_bell_call_mask(struct pvi_call *c);
s64 pvi_bell_call_reset(struct pvi_call *c);
void pvi_bell_reset(struct pvi_gsi *g);
bool pvi_bell_save(struct pvi_bell *b, struct kvm_pvi_state_bell *r);
void pvi_bell_restore(struct pvi_bell *b, const struct kvm_pvi_state_bell *r);
bool pvi_bell_up(struct pvi_gsi *g);
u32 pvi_bell_what(const struct pvi_gsi *g);
void pvi_bell_unpublish(struct pvi_gsi *g);
void pvi_bell_free(struct pvi_gsi *g);
void pvi_bell_show(struct seq_file *m, struct pvi_gsi *g);
s64 pvi_bell_number(const struct pvi_gsi *g);
u32 pvi_bell_max(void);

/* Valid under RCU. */
static inline struct pvi_bell *pvi_bell_find(struct pvi_vm *vm, u64 number)
{
	return number <= U32_MAX ? xa_load(&vm->bells, number) : NULL;
}

/* status.c: status words in pinned user memory */
int pvi_status_create(struct pvi_vm *vm, void *arg);
int pvi_status_drop(struct pvi_vm *vm, void *arg);
bool pvi_status_owed(struct pvi_gsi *g);
bool pvi_status_mark(struct pvi_gsi *g);
bool pvi_status_pending(const struct pvi_gsi *g);
void pvi_status_reset(struct pvi_gsi *g);
void pvi_status_show(struct seq_file *m, struct pvi_gsi *g);
void pvi_status_free(struct pvi_gsi *g);

/* inject.c: into a receiver's irqchip; see inject.h */
bool pvi_inject_possible(struct kvm *kvm, u32 gsi);

/* msi.c: virtual GSIs */
void pvi_msi_init(struct pvi_gsi *g);
int pvi_msi_set(struct pvi_gsi *g, u64 address, u64 data);
bool pvi_msi_valid(u64 address, u64 data);
void pvi_msi_restore(struct pvi_gsi *g, u64 address, u32 data);
void pvi_msi_reset(struct pvi_gsi *g);
bool pvi_msi_wired(const struct pvi_gsi *g);
bool pvi_msi_raise(struct pvi_gsi *g);

/* port.c: a sender's ports */
int pvi_port_set(struct pvi_vm *vm, void *arg);
int pvi_port_close(struct pvi_vm *vm, void *arg);
int pvi_port_connect(struct pvi_vm *vm, void *arg);
s64 pvi_port_guest_connect(struct pvi_vm *vm, const uuid_t *uuid, u32 gsi);
int pvi_port_guest_disconnect(struct pvi_vm *vm, u64 port);
void pvi_port_reset(struct pvi_vm *vm);

/* Whatever number it has. Valid under RCU. */
static inline struct pvi_port *pvi_port_at(struct pvi_vm *vm, unsigned long index)
{
	struct pvi_port_table *t;

	t = rcu_dereference_check(vm->ports, lockdep_is_held(&vm->lock));
	if (unlikely(index >= t->size))
		return NULL;
	index = array_index_nospec(index, (unsigned long)t->size);
	return rcu_dereference_check(t->port[index], lockdep_is_held(&vm->lock));
}

/* Only all of a number names a port: the index alone may be another's by now. Valid under RCU. */
static inline struct pvi_port *pvi_port_find(struct pvi_vm *vm, u64 port)
{
	struct pvi_port *p = pvi_port_at(vm, KVM_PVI_PORT_INDEX(port));

	return likely(p && p->number == port) ? p : NULL;
}

void pvi_port_init(struct pvi_vm *vm);
struct pvi_port *pvi_port_stage(struct pvi_vm *vm, u32 port, const uuid_t *to, u32 gsi, bool dead);
void pvi_port_commit(struct pvi_vm *vm, struct pvi_port *p);
void pvi_port_unstage(struct pvi_port *p);
void pvi_port_free(struct pvi_vm *vm);
u32 pvi_port_end(struct pvi_vm *vm);
u32 pvi_port_state(const struct pvi_port *p);
u32 pvi_port_max(void);

/* generation.c: what tells the ports of one binding from those of another */
void pvi_generation_init(void);
u32 pvi_generation_new(void);

/* ring.c: the hot path; see ring.h for its start */
int pvi_ring_edge(struct pvi_vm *from, struct pvi_edge *edge, u32 gsi);
int pvi_ring_bell(struct pvi_vm *from, u64 port, u64 new, u64 *old);
int pvi_ring_source(struct pvi_vm *from, u32 port, u64 signals);
u64 pvi_ring_wait(struct pvi_vm *from, u32 port);
int pvi_ring_uuid(struct pvi_vm *from, struct pvi_words to, u32 gsi);
void pvi_ring_denied(struct pvi_vm *from, const uuid_t *to, u32 gsi);

/* many.c: one exit, many rings */
u64 pvi_many_notify(struct pvi_vm *from, u64 first, u64 mask);

/* state.c: saved and restored */
int pvi_state_get(struct pvi_vm *vm, void *arg);
int pvi_state_set(struct pvi_vm *vm, void *arg);
int pvi_state_thaw(struct pvi_vm *vm, void *arg);

/* ioctl.c: the misc device */
int pvi_ioctl_init(void);
void pvi_ioctl_exit(void);

/* stats.c: what a host sees */
void pvi_stats_init(void);
void pvi_stats_exit(void);
void pvi_stats_sum(struct pvi_vm *vm, struct pvi_stats *sum);
int pvi_stats_get(struct pvi_vm *vm, void *arg);
void pvi_stats_fdinfo(struct seq_file *m, struct file *file);

#endif /* _PVI_H */
