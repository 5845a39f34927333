// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi ring - the hot path: permitted? dead? throttled? deliver, verdict
 *
 * All of it runs in one RCU read section, from the permission check to the
 * injection. Revoking, unexposing, closing and dying unpublish, and then wait
 * for that section.
 */
#include "acl.h"
#include "bell.h"
#include "deliver.h"
#include "peer.h"
#include "ring.h"
#include "status.h"

#define FROZEN_WAIT	(10 * NSEC_PER_MSEC)

/* Counts and traces what became of a ring by @edge; returns @ret. */
static __always_inline int ring_account(struct pvi_vm *from, struct pvi_edge *edge, u32 gsi,
					enum pvi_count what, int ret)
{
	this_cpu_inc(from->stats->sent[what]);
	this_cpu_inc(edge->vm->stats->received[what]);
	atomic64_inc(&edge->counts[what]);
	trace_kvm_pvi_ring(from, edge, gsi, ret);
	return ret;
}

/* The receiver learns of @from by the first ring it accepts. */
static __always_inline void ring_hear(struct pvi_vm *from, struct pvi_edge *edge)
{
	if (unlikely(READ_ONCE(edge->heard) != from->epoch))
		pvi_peer_hear(from, edge);
}

/* No token, or the receiver is frozen: what a sender may know only of what it may ring. */
static noinline int ring_throttled(struct pvi_vm *from, struct pvi_edge *edge, u32 gsi)
{
	return ring_account(from, edge, gsi, PVI_THROTTLED, -EAGAIN);
}

static noinline int ring_coalesced(struct pvi_vm *from, struct pvi_edge *edge, u32 gsi)
{
	ring_hear(from, edge);
	return ring_account(from, edge, gsi, PVI_COALESCED, KVM_PVI_COALESCED);
}

/* @edge is not enough, or not any more; only the host learns why. */
static noinline int ring_deny(struct pvi_vm *from, struct pvi_edge *edge, u32 gsi,
			      enum pvi_deny why)
{
	this_cpu_inc(from->stats->sent[PVI_DENIED]);
	this_cpu_inc(edge->vm->stats->received[PVI_DENIED]);
	atomic64_inc(&edge->counts[PVI_DENIED]);
	trace_kvm_pvi_deny(from, pvi_words_uuid(&edge->key.receiver), gsi, why);
	return -EPERM;
}

static __always_inline bool ring_take_tokens(struct pvi_edge *edge, struct pvi_gsi *g)
{
	if (!pvi_bucket_take(&edge->bucket))
		return false;
	if (pvi_bucket_take(&g->bucket))
		return true;
	pvi_bucket_give(&edge->bucket);
	return false;
}

/* Whatever the GSI and the edge may have. */
static noinline int ring_any(struct pvi_vm *from, struct pvi_edge *edge, u32 gsi)
{
	struct pvi_gsi *g = rcu_dereference(edge->gsi);
	int verdict;

	if (!pvi_vm_bound(edge->vm))
		return -ENXIO;
	if (!g) {
		if (pvi_what_is_bell(edge->key.what))
			return -EINVAL;
		g = pvi_gsi_find(edge->vm, gsi);
	}
	if (!g)
		return ring_deny(from, edge, gsi, PVI_DENY_NOT_EXPOSED);
	if (test_bit(PVI_GSI_BELL, &g->flags))
		return -EINVAL;
	if (pvi_vm_frozen(edge->vm))
		return ring_throttled(from, edge, gsi);
	/* No token for what is owed already. */
	if (test_bit(PVI_GSI_STATUS, &g->flags) && pvi_status_owed(g))
		return ring_coalesced(from, edge, gsi);
	if (!ring_take_tokens(edge, g))
		return ring_throttled(from, edge, gsi);
	verdict = pvi_deliver_ring(g);
	ring_hear(from, edge);
	return ring_account(from, edge, gsi, verdict, verdict);
}

static noinline int ring_failed(struct pvi_vm *from, struct pvi_edge *edge, struct pvi_gsi *g,
				int why)
{
	int verdict = pvi_deliver_failed(g, why);

	ring_hear(from, edge);
	return ring_account(from, edge, g->gsi, verdict, verdict);
}

/*
 * Called under RCU, with an edge that permits @from to ring @gsi. What most
 * rings are goes without a call: to a GSI of its own, with neither a limit nor
 * a word nor anything owed. Whatever changes meanwhile would have come a moment
 * later, but death, which waits.
 */
static __always_inline int ring_by_edge(struct pvi_vm *from, struct pvi_edge *edge, u32 gsi)
{
	struct pvi_gsi *g = rcu_dereference(edge->gsi);
	struct pvi_vm *to = edge->vm;
	int ret;

	if (unlikely(!pvi_vm_open(to) || !g || READ_ONCE(g->flags) ||
		     READ_ONCE(edge->bucket.interval)))
		return ring_any(from, edge, gsi);
	atomic64_inc(&g->rings);
	ret = pvi_deliver_try(g, to);
	if (unlikely(ret <= 0))
		return ring_failed(from, edge, g, ret);
	ring_hear(from, edge);
	return ring_account(from, edge, g->gsi, PVI_RAISED, KVM_PVI_RAISED);
}

/* For broadcast: as any ring by UUID. */
int pvi_ring_edge(struct pvi_vm *from, struct pvi_edge *edge, u32 gsi)
{
	return ring_by_edge(from, edge, gsi);
}

/* Sets flags of a bell. Called under RCU, with an edge that permits it some. */
static int ring_bell_by_edge(struct pvi_vm *from, struct pvi_edge *edge, u32 gsi, u64 new,
			     u64 *old)
{
	u64 granted = pvi_edge_granted(edge, from);
	struct pvi_bell *b;
	int verdict;

	if (!pvi_vm_bound(edge->vm))
		return -ENXIO;
	b = pvi_bell_find(edge->vm, edge->key.what & ~PVI_WHAT_BELL);
	if (!b || b->gsi->gsi != gsi)
		return ring_deny(from, edge, gsi, PVI_DENY_NOT_EXPOSED);
	if (new & ~granted)
		return ring_deny(from, edge, gsi, PVI_DENY_NOT_ALLOWED);
	if (pvi_vm_frozen(edge->vm) || !ring_take_tokens(edge, b->gsi))
		return ring_throttled(from, edge, gsi);
	atomic64_inc(&b->gsi->rings);
	verdict = pvi_bell_send(b, new, old) ? pvi_deliver_raise(b->gsi) : KVM_PVI_COALESCED;
	ring_hear(from, edge);
	/* Or senders would watch each other. */
	*old &= granted;
	return ring_account(from, edge, gsi, verdict, verdict);
}

/* What a connection answers whatever is rung through it, or 0. */
static __always_inline int ring_check_connection(struct pvi_vm *from, struct pvi_port *p)
{
	struct pvi_edge *edge = p->edge;

	switch (READ_ONCE(edge->state)) {
	case PVI_EDGE_LIVE:
		break;
	case PVI_EDGE_DEAD:
		return -ENXIO;
	default:
		this_cpu_inc(from->stats->sent[PVI_DENIED]);
		trace_kvm_pvi_deny(from, pvi_words_uuid(&edge->key.receiver), p->gsi, PVI_DENY_REVOKED);
		return -EPERM;
	}
	if (unlikely(pvi_edge_pinned_out(edge, from)))
		return ring_deny(from, edge, p->gsi, PVI_DENY_NOT_ALLOWED);
	return 0;
}

/* Rings what a port is connected to. Called under RCU. */
int pvi_ring_connection(struct pvi_vm *from, struct pvi_port *p)
{
	int ret = ring_check_connection(from, p);

	return unlikely(ret) ? ret : ring_by_edge(from, p->edge, p->gsi);
}

/* Called under RCU. Returns a verdict and the flags before in @old, or an error. */
int pvi_ring_bell(struct pvi_vm *from, u64 port, u64 new, u64 *old)
{
	struct pvi_port *p = pvi_port_find(from, port);
	int ret;

	if (!p)
		return -ENOENT;
	if (p->eventfd)
		return -EINVAL;
	/* First what has become of it: a restored port that led nowhere names no bell. */
	ret = ring_check_connection(from, p);
	if (ret)
		return ret;
	if (!pvi_what_is_bell(p->edge->key.what))
		return -EINVAL;
	return ring_bell_by_edge(from, p->edge, p->gsi, new, old);
}

/* A source's @signals: one of them rings, the others are coalesced with it. Called under RCU. */
int pvi_ring_source(struct pvi_vm *from, u32 port, u64 signals)
{
	struct pvi_port *p = pvi_port_find(from, port);
	int ret;

	if (!p)
		return -ENOENT;
	ret = pvi_ring_found(from, p, port);
	if (ret < 0)
		return ret;
	this_cpu_add(from->stats->sent[PVI_COALESCED], signals - 1);
	if (p->edge) {
		this_cpu_add(p->edge->vm->stats->received[PVI_COALESCED], signals - 1);
		atomic64_add(signals - 1, &p->edge->counts[PVI_COALESCED]);
	}
	return ret;
}

/* In how many ns a ring that was throttled is worth another try. Called under RCU. */
u64 pvi_ring_wait(struct pvi_vm *from, u32 port)
{
	struct pvi_port *p = pvi_port_find(from, port);
	struct pvi_edge *edge = p ? p->edge : NULL;
	struct pvi_gsi *g;

	if (!edge || READ_ONCE(edge->state) != PVI_EDGE_LIVE)
		return 0;
	g = pvi_gsi_find(edge->vm, p->gsi);
	if (!g)
		return 0;
	if (pvi_vm_frozen(edge->vm))
		return FROZEN_WAIT;
	return max(pvi_bucket_wait(&edge->bucket), pvi_bucket_wait(&g->bucket));
}

/* Says to the host, and to the host alone, why @from may not ring. */
void pvi_ring_denied(struct pvi_vm *from, const uuid_t *to, u32 gsi)
{
	enum pvi_deny why = PVI_DENY_ABSENT;
	struct pvi_vm *vm;

	rcu_read_lock();
	vm = pvi_vm_find_uuid(to);
	if (vm) {
		why = pvi_gsi_find(vm, gsi) ? PVI_DENY_NOT_ALLOWED : PVI_DENY_NOT_EXPOSED;
		this_cpu_inc(vm->stats->received[PVI_DENIED]);
	}
	this_cpu_inc(from->stats->sent[PVI_DENIED]);
	trace_kvm_pvi_deny(from, to, gsi, why);
	rcu_read_unlock();
}

/* By UUID a dead VM is none, and a bell's GSI is not for the ringing. */
static noinline int ring_refused(struct pvi_vm *from, struct pvi_words to, u32 gsi)
{
	uuid_t uuid;

	if (!pvi_words_are_name(to))
		return -EINVAL;
	memcpy(&uuid, &to, sizeof(uuid));
	pvi_ring_denied(from, &uuid, gsi);
	return -EPERM;
}

/* Called under RCU. Returns a verdict or an error. */
int pvi_ring_uuid(struct pvi_vm *from, struct pvi_words to, u32 gsi)
{
	struct pvi_edge *edge = pvi_acl_find(from, to, gsi);
	int ret = likely(edge) ? ring_by_edge(from, edge, gsi) : -ENXIO;

	return likely(ret != -ENXIO && ret != -EINVAL) ? ret : ring_refused(from, to, gsi);
}
