// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi listing - all endpoints and what hangs on them, for the administrator
 *
 * A walk has no state here: a cursor is the number of the last record, and the
 * next call looks for the lowest one above it. Records are collected a few at a
 * time, under the lock that keeps them, and copied out when it is let go.
 */
#include <linux/capability.h>
#include <linux/nospec.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bell.h"
#include "edge.h"
#include "gsi.h"
#include "kvm_abi.h"
#include "listing.h"
#include "port.h"
#include "stats.h"
#include "vm.h"

#define LISTING_CHUNK 16	/* records on the way to the caller */

/**
 * struct listing_kind - a kind of record
 * @size: of a record, known here
 * @min: of its first version
 * @collect: fills at most @max records behind *@cursor, which it moves; returns how many
 */
struct listing_kind {
	u32 size;
	u32 min;
	u32 (*collect)(struct pvi_vm *vm, u64 *cursor, void *records, u32 max);
};

/* The VM stays while what was seen bound here is under RCU. */
static u32 listing_vmm(struct pvi_vm *vm)
{
	u32 pid = 0;

	rcu_read_lock();
	if (pvi_vm_bound(vm) && vm->kvm)
		pid = pvi_kvm_vmm(vm->kvm);
	rcu_read_unlock();
	return pid;
}

static u32 listing_flags(const struct pvi_vm *vm, u8 life)
{
	return (life != PVI_LIFE_BOUND ? KVM_PVI_LISTED_DEAD : 0) |
	       (pvi_vm_frozen(vm) ? KVM_PVI_LISTED_FROZEN : 0) |
	       (vm->kvm ? 0 : KVM_PVI_LISTED_HOST) |
	       (vm->grants_only ? KVM_PVI_LISTED_GRANTS_ONLY : 0);
}

/* False: it has not been bound. */
static bool listing_endpoint(struct pvi_vm *vm, u64 number, struct kvm_pvi_list_endpoint *r)
{
	struct kvm_pvi_stats stats = { };
	/* Pairs with life_publish(): its name, VM and owner are there, and stay. */
	u8 life = smp_load_acquire(&vm->life);

	/* Nor as @number: that was of a BIND before, which failed. */
	if (life < PVI_LIFE_BOUND || READ_ONCE(vm->number) != number)
		return false;
	pvi_stats_get(vm, &stats);
	*r = (struct kvm_pvi_list_endpoint) {
		.number = number,
		.epoch = vm->epoch,
		.flags = listing_flags(vm, life),
		.owner = from_kuid_munged(current_user_ns(), vm->owner),
		.opener = pid_vnr(vm->opener),
		.vmm = listing_vmm(vm),
		.senders = READ_ONCE(vm->nr_edges),
		.grants = READ_ONCE(vm->nr_grants),
		.gsis = READ_ONCE(vm->nr_gsis),
		.bells = READ_ONCE(vm->nr_bells),
		.sent = stats.sent,
		.received = stats.received,
		.retries = stats.retries,
		.dropped = stats.dropped,
	};
	export_uuid(r->uuid, &vm->uuid);
	return true;
}

static u32 listing_endpoints(struct pvi_vm *unused, u64 *cursor, void *records, u32 max)
{
	struct kvm_pvi_list_endpoint *r = records;
	struct pvi_vm *vm;
	u32 nr = 0;

	while (nr < max) {
		vm = pvi_vm_next(cursor);
		if (!vm)
			break;
		if (listing_endpoint(vm, *cursor, &r[nr]))
			nr++;
		pvi_vm_put(vm);
		cond_resched();
	}
	return nr;
}

static void listing_edge(const struct pvi_edge *edge, struct kvm_pvi_list_edge *r)
{
	bool bell = pvi_what_is_bell(edge->key.what);

	*r = (struct kvm_pvi_list_edge) {
		.id = edge->id,
		.gsi = bell ? edge->key.what & ~PVI_WHAT_BELL : edge->key.what,
		.kind = pvi_edge_is_grant(edge) ? KVM_PVI_EDGE_GRANT :
			bell ? KVM_PVI_EDGE_BELL : KVM_PVI_EDGE_GSI,
		.flags = (bell ? KVM_PVI_LISTED_BELL : 0) |
			 (edge->pinned ? KVM_PVI_LISTED_PINNED : 0),
		.owner = edge->pinned ? from_kuid_munged(current_user_ns(), edge->owner) : 0,
		.bits = edge->bits,
		.rate = edge->bucket.rate,
		.burst = edge->bucket.burst,
		.counts = {
			.raised = atomic64_read(&edge->counts[PVI_RAISED]),
			.coalesced = atomic64_read(&edge->counts[PVI_COALESCED]),
			.latched = atomic64_read(&edge->counts[PVI_LATCHED]),
			.denied = atomic64_read(&edge->counts[PVI_DENIED]),
			.throttled = atomic64_read(&edge->counts[PVI_THROTTLED]),
		},
	};
	export_uuid(r->uuid, pvi_words_uuid(&edge->key.sender));
}

/* It is somebody else's: who holds it may take long. */
static int listing_lock(struct pvi_vm *vm, bool dead)
	PVI_ACQUIRES_ON(0, &vm->lock)
{
	int ret = pvi_vm_lock_any(vm);

	if (ret)
		return ret;
	ret = pvi_vm_usable(vm, false, dead);
	if (ret)
		pvi_vm_unlock(vm);
	return ret;
}

/* Those of a dead endpoint too: their counters stay. Their index is one less than their id. */
static u32 listing_edges(struct pvi_vm *vm, u64 *cursor, void *records, u32 max)
{
	struct kvm_pvi_list_edge *r = records;
	unsigned long i = *cursor;
	struct pvi_edge *edge;
	u32 nr = 0;

	if (listing_lock(vm, true))
		return 0;
	for (; nr < max; i++) {
		edge = xa_find(&vm->edges, &i, ULONG_MAX, XA_PRESENT);
		if (!edge)
			break;
		listing_edge(edge, &r[nr++]);
		*cursor = edge->id;
	}
	pvi_vm_unlock(vm);
	return nr;
}

static void listing_gsi(const struct pvi_gsi *g, struct kvm_pvi_list_gsi *r)
{
	const struct pvi_bell *b = pvi_bell_of(g);

	*r = (struct kvm_pvi_list_gsi) {
		.gsi = g->gsi,
		.kind = g->kind,
		.state = pvi_gsi_state(g),
		.bell = b ? b->number : KVM_PVI_LISTED_NO_BELL,
		.rate = g->bucket.rate,
		.burst = g->bucket.burst,
		.rings = atomic64_read(&g->rings),
	};
}

/* A cursor is one more than the last GSI. */
static u32 listing_gsis(struct pvi_vm *vm, u64 *cursor, void *records, u32 max)
{
	struct kvm_pvi_list_gsi *r = records;
	unsigned long i = *cursor;
	struct pvi_gsi *g;
	u32 nr = 0;

	if (listing_lock(vm, false))
		return 0;
	for (; nr < max; i++) {
		g = xa_find(&vm->gsis, &i, ULONG_MAX, XA_PRESENT);
		if (!g)
			break;
		listing_gsi(g, &r[nr++]);
		*cursor = (u64)g->gsi + 1;
	}
	pvi_vm_unlock(vm);
	return nr;
}

static void listing_port(const struct pvi_port *p, struct kvm_pvi_list_port *r)
{
	*r = (struct kvm_pvi_list_port) {
		.port = p->number,
		.state = pvi_port_state(p),
		.gsi = p->eventfd ? 0 : p->gsi,
		.flags = p->by_vmm ? KVM_PVI_LISTED_BY_VMM : 0,
	};
	if (!p->eventfd)
		export_uuid(r->uuid, pvi_words_uuid(&p->edge->key.receiver));
}

/* A cursor is one more than the last index. */
static u32 listing_ports(struct pvi_vm *vm, u64 *cursor, void *records, u32 max)
{
	struct kvm_pvi_list_port *r = records;
	struct pvi_port *p;
	u32 nr = 0;
	u64 i;

	if (listing_lock(vm, false))
		return 0;
	for (i = *cursor; nr < max && i < pvi_port_end(vm); i++) {
		p = pvi_port_at(vm, i);
		if (!p || !pvi_port_shown(p, i))
			continue;
		listing_port(p, &r[nr++]);
		*cursor = i + 1;
	}
	pvi_vm_unlock(vm);
	return nr;
}

#define LISTING(type, last, fn) {						\
	.size = sizeof(struct type),						\
	.min = offsetofend(struct type, last),					\
	.collect = fn,								\
}

static const struct listing_kind kinds[] = {
	[KVM_PVI_LIST_ENDPOINTS] = LISTING(kvm_pvi_list_endpoint, dropped, listing_endpoints),
	[KVM_PVI_LIST_EDGES] = LISTING(kvm_pvi_list_edge, counts, listing_edges),
	[KVM_PVI_LIST_GSIS] = LISTING(kvm_pvi_list_gsi, rings, listing_gsis),
	[KVM_PVI_LIST_PORTS] = LISTING(kvm_pvi_list_port, uuid, listing_ports),
};

/* As much of each record as both sides know; 0 behind it. */
static int listing_copy_out(const struct listing_kind *kind, u32 record, u64 to,
			    const void *records, u32 nr)
{
	u32 known = min(record, kind->size), i;

	for (i = 0; i < nr; i++, to += record, records += kind->size)
		if (copy_to_user(u64_to_user_ptr(to), records, known) ||
		    clear_user(u64_to_user_ptr(to + known), record - known))
			return -EFAULT;
	return 0;
}

static int listing_walk(struct pvi_vm *vm, const struct listing_kind *kind,
			struct kvm_pvi_list *u)
{
	u32 max = min_t(u32, u->nr, KVM_PVI_LIST_MAX), done = 0, nr;
	u64 cursor = u->cursor;
	void *records;
	int ret = 0;

	records = kcalloc(LISTING_CHUNK, kind->size, GFP_KERNEL_ACCOUNT);
	if (!records)
		return -ENOMEM;
	while (done < max) {
		nr = kind->collect(vm, &cursor, records, min_t(u32, max - done, LISTING_CHUNK));
		if (!nr)
			break;
		ret = listing_copy_out(kind, u->record, u->address + (u64)done * u->record,
				       records, nr);
		if (ret)
			break;
		done += nr;
		cond_resched();
	}
	kfree(records);
	u->cursor = cursor;
	u->nr = done;
	return ret;
}

static int listing_check(const struct kvm_pvi_list *u)
{
	if (u->__reserved || u->kind >= ARRAY_SIZE(kinds) || !u->nr ||
	    !u->endpoint != (u->kind == KVM_PVI_LIST_ENDPOINTS))
		return -EINVAL;
	if (u->record < kinds[u->kind].min || u->record > PAGE_SIZE)
		return -EINVAL;
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

int pvi_listing_get(struct pvi_vm *unused, void *arg)
{
	struct kvm_pvi_list *u = arg;
	struct pvi_vm *vm = NULL;
	int ret = listing_check(u);

	if (ret)
		return ret;
	if (u->endpoint) {
		vm = pvi_vm_get(u->endpoint);
		if (!vm)
			return -ENOENT;
	}
	ret = listing_walk(vm, &kinds[array_index_nospec(u->kind, ARRAY_SIZE(kinds))], u);
	if (vm)
		pvi_vm_put(vm);
	return ret;
}
