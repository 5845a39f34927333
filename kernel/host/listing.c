// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi listing - all endpoints and what hangs on them, for the administrator
 *
 * A walk has no state here: a cursor is the number of the last record, and the
 * next call looks for the lowest one above it. Records are collected a few at a
 * time, each under RCU, and copied out then. Nobody's lock is taken: an endpoint's
 * owner may hold it for long, and the administrator looks at all endpoints.
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

enum listing_found {
	LISTING_END,		/* nothing is behind the cursor */
	LISTING_PASSED,		/* the cursor has moved over something that is not to be listed */
	LISTING_FILLED,		/* and a record has been filled */
};

/**
 * struct listing_kind - a kind of record
 * @size: of a record, known here
 * @min: of its first version
 * @next: looks at what is behind *@cursor
 */
struct listing_kind {
	u32 size;
	u32 min;
	enum listing_found (*next)(struct pvi_vm *vm, u64 *cursor, void *record);
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
		.grants = atomic_read(&vm->nr_grants),
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

static enum listing_found listing_next_endpoint(struct pvi_vm *unused, u64 *cursor, void *record)
{
	struct pvi_vm *vm = pvi_vm_next(cursor);
	bool listed;

	if (!vm)
		return LISTING_END;
	listed = listing_endpoint(vm, *cursor, record);
	pvi_vm_put(vm);
	return listed ? LISTING_FILLED : LISTING_PASSED;
}

/*
 * A row that is not there yet may still fail; one that has been revoked is gone, though it waits for whoever has the
 * lock to take it out. What changes meanwhile may be told in part.
 */
static bool listing_edge_shown(const struct pvi_edge *edge)
{
	return READ_ONCE(edge->shown) && READ_ONCE(edge->state) != PVI_EDGE_REVOKED;
}

static void listing_edge(const struct pvi_edge *edge, struct kvm_pvi_list_edge *r)
{
	bool bell = pvi_what_is_bell(edge->key.what), pinned = READ_ONCE(edge->pinned);
	kuid_t owner = KUIDT_INIT(READ_ONCE(edge->owner.val));

	*r = (struct kvm_pvi_list_edge) {
		.id = edge->id,
		.gsi = bell ? edge->key.what & ~PVI_WHAT_BELL : edge->key.what,
		.kind = pvi_edge_is_grant(edge) ? KVM_PVI_EDGE_GRANT :
			bell ? KVM_PVI_EDGE_BELL : KVM_PVI_EDGE_GSI,
		.flags = (bell ? KVM_PVI_LISTED_BELL : 0) |
			 (pinned ? KVM_PVI_LISTED_PINNED : 0),
		.owner = pinned ? from_kuid_munged(current_user_ns(), owner) : 0,
		.bits = READ_ONCE(edge->bits),
		.rate = READ_ONCE(edge->bucket.rate),
		.burst = READ_ONCE(edge->bucket.burst),
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

/* Those of a dead endpoint too: their counters stay. Their index is one less than their id. */
static enum listing_found listing_next_edge(struct pvi_vm *vm, u64 *cursor, void *record)
{
	enum listing_found found = LISTING_END;
	unsigned long i = *cursor;
	struct pvi_edge *edge;

	rcu_read_lock();
	edge = xa_find(&vm->edges, &i, ULONG_MAX, XA_PRESENT);
	if (edge) {
		found = LISTING_PASSED;
		if (listing_edge_shown(edge)) {
			listing_edge(edge, record);
			found = LISTING_FILLED;
		}
		*cursor = (u64)i + 1;
	}
	rcu_read_unlock();
	return found;
}

static void listing_gsi(const struct pvi_gsi *g, struct kvm_pvi_list_gsi *r)
{
	const struct pvi_bell *b = pvi_bell_of(g);

	*r = (struct kvm_pvi_list_gsi) {
		.gsi = g->gsi,
		.kind = g->kind,
		.state = pvi_gsi_state(g),
		.bell = b ? b->number : KVM_PVI_LISTED_NO_BELL,
		.rate = READ_ONCE(g->bucket.rate),
		.burst = READ_ONCE(g->bucket.burst),
		.rings = atomic64_read(&g->rings),
	};
}

/* A cursor is one more than the last GSI. They are freed a grace period after the endpoint has died. */
static enum listing_found listing_next_gsi(struct pvi_vm *vm, u64 *cursor, void *record)
{
	unsigned long i = *cursor;
	struct pvi_gsi *g = NULL;

	rcu_read_lock();
	if (pvi_vm_bound(vm))
		g = xa_find(&vm->gsis, &i, ULONG_MAX, XA_PRESENT);
	if (g) {
		listing_gsi(g, record);
		*cursor = (u64)i + 1;
	}
	rcu_read_unlock();
	return g ? LISTING_FILLED : LISTING_END;
}

static void listing_port(const struct pvi_port *p, struct kvm_pvi_list_port *r)
{
	*r = (struct kvm_pvi_list_port) {
		.port = READ_ONCE(p->number),
		.state = pvi_port_state(p),
		.gsi = p->eventfd ? 0 : p->gsi,
		.flags = p->by_vmm ? KVM_PVI_LISTED_BY_VMM : 0,
	};
	if (!p->eventfd)
		export_uuid(r->uuid, pvi_words_uuid(&p->edge->key.receiver));
}

/* A cursor is one more than the last index. They are freed a grace period after the endpoint has died. */
static enum listing_found listing_next_port(struct pvi_vm *vm, u64 *cursor, void *record)
{
	enum listing_found found = LISTING_END;
	struct pvi_port *p;
	u64 i = *cursor;

	rcu_read_lock();
	if (pvi_vm_bound(vm) && i < pvi_port_end(vm)) {
		found = LISTING_PASSED;
		p = pvi_port_at(vm, i);
		if (p && pvi_port_shown(p, i)) {
			listing_port(p, record);
			found = LISTING_FILLED;
		}
		*cursor = i + 1;
	}
	rcu_read_unlock();
	return found;
}

#define LISTING(type, last, fn) {						\
	.size = sizeof(struct type),						\
	.min = offsetofend(struct type, last),					\
	.next = fn,								\
}

static const struct listing_kind kinds[] = {
	[KVM_PVI_LIST_ENDPOINTS] = LISTING(kvm_pvi_list_endpoint, dropped, listing_next_endpoint),
	[KVM_PVI_LIST_EDGES] = LISTING(kvm_pvi_list_edge, counts, listing_next_edge),
	[KVM_PVI_LIST_GSIS] = LISTING(kvm_pvi_list_gsi, rings, listing_next_gsi),
	[KVM_PVI_LIST_PORTS] = LISTING(kvm_pvi_list_port, uuid, listing_next_port),
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

/* At most @max records behind *@cursor; returns how many. */
static u32 listing_collect(struct pvi_vm *vm, const struct listing_kind *kind, u64 *cursor,
			   void *records, u32 max)
{
	u32 nr = 0;

	while (nr < max) {
		enum listing_found found = kind->next(vm, cursor, records + nr * kind->size);

		if (found == LISTING_END)
			break;
		nr += found == LISTING_FILLED;
		cond_resched();
	}
	return nr;
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
		nr = listing_collect(vm, kind, &cursor, records,
				     min_t(u32, max - done, LISTING_CHUNK));
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
