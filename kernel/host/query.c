// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi query - what a guest may know of itself
 *
 * Every answer is 0 to 0x7fffffff, so that a 32-bit guest can tell it from an
 * error; wide values come in pieces of 16 bits.
 */
#include "bell.h"
#include "event.h"
#include "expose.h"
#include "gsi.h"
#include "port.h"
#include "query.h"

static s64 query_piece(u64 value, u32 piece)
{
	return piece < 4 ? (value >> (16 * piece)) & 0xffff : -EINVAL;
}

static s64 query_whole(u64 value, u32 piece)
{
	return piece ? -EINVAL : value;
}

static s64 query_abi(u32 field, u32 piece)
{
	switch (field) {
	case KVM_PVI_Q_ABI_MAJOR:
		return query_whole(KVM_PVI_ABI_MAJOR, piece);
	case KVM_PVI_Q_ABI_MINOR:
		return query_whole(KVM_PVI_ABI_MINOR, piece);
	}
	return -EINVAL;
}

static s64 query_self(struct pvi_vm *vm, u32 field, u32 piece)
{
	u32 gsi;

	switch (field) {
	case KVM_PVI_Q_SELF_UUID:
		if (piece >= UUID_SIZE / 2)
			return -EINVAL;
		return vm->uuid.b[2 * piece] | vm->uuid.b[2 * piece + 1] << 8;
	case KVM_PVI_Q_SELF_EPOCH:
		return query_piece(vm->epoch, piece);
	case KVM_PVI_Q_SELF_CONFIG:
		gsi = READ_ONCE(vm->events->config_gsi);
		return gsi == KVM_PVI_GSI_ANY ? -ENOENT : query_whole(gsi, piece);
	}
	return -EINVAL;
}

/*
 * Looks at each one before it, so the guest's QUERY costs up to max_gsis looks:
 * from one to the next, not from the root of the table each time.
 */
static struct pvi_gsi *query_nth_gsi(struct pvi_vm *vm, u64 n)
{
	XA_STATE(xas, &vm->gsis, 0);
	struct pvi_gsi *g;

	xas_for_each(&xas, g, ULONG_MAX) {
		if (xas_retry(&xas, g) || n--)
			continue;
		return g;
	}
	return NULL;
}

static s64 query_gsi(struct pvi_vm *vm, u64 index, u32 field, u32 piece)
{
	struct pvi_gsi *g = query_nth_gsi(vm, index);
	const struct pvi_bell *b;

	if (!g)
		return -ENOENT;
	switch (field) {
	case KVM_PVI_Q_GSI_NUMBER:
		return query_whole(g->gsi, piece);
	case KVM_PVI_Q_GSI_KIND:
		return query_whole(g->kind, piece);
	case KVM_PVI_Q_GSI_STATE:
		return query_whole(pvi_gsi_state(g), piece);
	case KVM_PVI_Q_GSI_RINGS:
		return query_piece(atomic64_read(&g->rings), piece);
	case KVM_PVI_Q_GSI_BELL:
		b = pvi_bell_of(g);
		return b ? query_whole(b->number, piece) : -ENOENT;
	}
	return -EINVAL;
}

static s64 query_port(struct pvi_vm *vm, u64 port, u32 field, u32 piece)
{
	struct pvi_port *p = port <= U32_MAX ? pvi_port_find(vm, port) : NULL;

	if (!p)
		return -ENOENT;
	switch (field) {
	case KVM_PVI_Q_PORT_STATE:
		return query_whole(pvi_port_state(p), piece);
	case KVM_PVI_Q_PORT_GSI:
		return p->eventfd ? -ENOENT : query_whole(p->gsi, piece);
	}
	return -EINVAL;
}

static s64 query_limit(u32 field, u32 piece)
{
	switch (field) {
	case KVM_PVI_Q_LIMIT_PORTS:
		return query_whole(pvi_port_max(), piece);
	case KVM_PVI_Q_LIMIT_GSIS:
		return query_whole(pvi_expose_max(), piece);
	case KVM_PVI_Q_LIMIT_BELLS:
		return query_whole(pvi_bell_max(), piece);
	}
	return -EINVAL;
}

/* Called under RCU. */
s64 pvi_query(struct pvi_vm *vm, u64 kind, u64 index, u64 field)
{
	u32 piece = (u32)field >> 8;
	u32 which = field & 0xff;

	if (field > U32_MAX)
		return -EINVAL;
	if (index && kind != KVM_PVI_Q_GSI && kind != KVM_PVI_Q_PORT)
		return kind <= KVM_PVI_Q_LIMIT ? -ENOENT : -EINVAL;
	switch (kind) {
	case KVM_PVI_Q_ABI:
		return query_abi(which, piece);
	case KVM_PVI_Q_SELF:
		return query_self(vm, which, piece);
	case KVM_PVI_Q_GSI:
		return query_gsi(vm, index, which, piece);
	case KVM_PVI_Q_PORT:
		return query_port(vm, index, which, piece);
	case KVM_PVI_Q_LIMIT:
		return query_limit(which, piece);
	}
	return -EINVAL;
}
