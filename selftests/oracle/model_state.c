// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle, the model: what is saved of a guest, and what a restore makes of it */
#include <errno.h>
#include <string.h>

#include "model.h"
#include "world.h"

struct writer {
	u8 *bytes;
	u32 length;
	struct kvm_pvi_state_header *header;
	struct kvm_pvi_state_section *section;
};

static void write_record(struct writer *w, u32 type, const void *record, u32 size)
{
	if (!w->section || w->section->type != type) {
		w->section = (void *)(w->bytes + w->length);
		*w->section = (struct kvm_pvi_state_section){ .type = type, .size = size };
		w->length += sizeof(*w->section);
		w->header->sections++;
	}
	memcpy(w->bytes + w->length, record, size);
	w->length += size;
	w->section->nr++;
}

static void save_ports(const struct endpoint *ep, struct writer *w)
{
	u32 i;

	for (i = 0; i < MAX_PORTS; i++) {
		const struct port *p = &ep->ports[i];
		struct kvm_pvi_state_port r = {
			.port = i | p->generation << 16, .gsi = gsi_number[p->gsi],
		};

		if (!p->used || p->by_vmm)
			continue;
		r.flags = port_state(p) == LIVE ? 0 : KVM_PVI_STATE_PORT_DEAD;
		memcpy(r.uuid, world_uuid(p->name), sizeof(r.uuid));
		write_record(w, KVM_PVI_STATE_PORT, &r, sizeof(r));
	}
}

/* Whether one that may be latched is says the module */
static bool saved_latch(const struct answer *real, u32 gsi)
{
	const u8 *at = real->blob + sizeof(struct kvm_pvi_state_header);
	const u8 *end = real->blob + real->length;
	const struct kvm_pvi_state_section *s;
	u32 i;

	for (; at < end; at += sizeof(*s) + s->nr * s->size) {
		s = (const void *)at;
		for (i = 0; i < s->nr && s->type == KVM_PVI_STATE_LATCH; i++)
			if (((const struct kvm_pvi_state_latch *)(s + 1))[i].gsi == gsi)
				return true;
	}
	return false;
}

/* One that is owed by its word alone may be saved as one that is latched */
static void save(struct endpoint *ep, struct writer *w, const struct answer *real)
{
	u32 i;

	save_ports(ep, w);
	for (i = 0; i < NR_GSIS; i++) {
		struct kvm_pvi_state_latch r = { .gsi = gsi_number[i] };
		struct gsi *g = &ep->gsis[i];
		bool owed = g->word != NONE && m.words[g->word].pending;

		if (g->latch == MAYBE && !owed)
			g->latch = saved_latch(real, r.gsi) ? YES : NO;
		if (g->latch == YES || (owed && saved_latch(real, r.gsi)))
			write_record(w, KVM_PVI_STATE_LATCH, &r, sizeof(r));
	}
	for (i = 0; i < NR_BELLS; i++) {
		const struct bell *b = &ep->bells[i];
		struct kvm_pvi_state_bell r = {
			.bell = i, .flags = b->flags, .enable = b->enable, .ack = b->ack,
		};

		if (b->gsi != NONE && (r.flags || ~r.enable || r.ack))
			write_record(w, KVM_PVI_STATE_BELL, &r, sizeof(r));
	}
	for (i = 0; i < NR_GSIS; i++) {
		const struct gsi *g = &ep->gsis[i];
		struct kvm_pvi_state_msi r = {
			.gsi = gsi_number[i], .data = g->data, .address = g->address,
		};

		if (g->address)
			write_record(w, KVM_PVI_STATE_MSI, &r, sizeof(r));
	}
	if (ep->config != ANY_GSI) {
		struct kvm_pvi_state_config r = { .gsi = gsi_number[ep->config] };

		write_record(w, KVM_PVI_STATE_CONFIG, &r, sizeof(r));
	}
}

/* A blob is kept at op->a also if it was asked for by somebody else later */
static s64 get(struct endpoint *ep, const struct op *op, const struct answer *real,
	       struct answer *want)
{
	struct kvm_pvi_state_header *header = (void *)want->blob;
	struct writer w = { want->blob, sizeof(*header), header, NULL };

	if (op->d)
		ep->frozen = true;
	save(ep, &w, real);
	header->magic = KVM_PVI_STATE_MAGIC;
	header->version = KVM_PVI_STATE_VERSION;
	header->length = w.length;
	want->length = w.length;
	m.blobs[op->a].length = w.length;
	memcpy(m.blobs[op->a].bytes, want->blob, BLOB_SIZE);
	return 0;
}

static bool guest_made_nothing(const struct endpoint *ep)
{
	u32 i;

	for (i = 0; i < MAX_PORTS; i++)
		if (ep->ports[i].used && !ep->ports[i].by_vmm)
			return false;
	for (i = 0; i < NR_BELLS; i++)
		if (ep->bells[i].gsi != NONE && (~ep->bells[i].enable || ep->bells[i].ack))
			return false;
	for (i = 0; i < NR_GSIS; i++)
		if (ep->gsis[i].address)
			return false;
	return ep->config == ANY_GSI;
}

static u32 index_of(u32 number)
{
	u32 i;

	for (i = 0; gsi_number[i] != number; i++)
		;
	return i;
}

/* 0, or what is wrong with this record; with @commit it is done */
static s64 restore_record(struct endpoint *ep, u32 type, const void *record, u32 size, bool commit)
{
	union {
		u32 key;
		struct kvm_pvi_state_port port;
		struct kvm_pvi_state_bell bell;
		struct kvm_pvi_state_msi msi;
	} r;
	const struct kvm_pvi_state_port *p = &r.port;
	const struct kvm_pvi_state_bell *b = &r.bell;
	struct bell *bell;
	struct gsi *g;

	memcpy(&r, record, size);

	if (type == KVM_PVI_STATE_PORT) {
		struct port *port = &ep->ports[p->port & 0xffff];
		s32 edge = NONE;

		if (!commit)
			return port->used ? -EEXIST : 0;
		*port = (struct port){ .used = true, .eventfd = NONE, .edge = NONE,
				       .gsi = index_of(p->gsi), .name = world_name(p->uuid),
				       .generation = p->port >> 16 };
		if (p->flags || port_connect(ep, port->name, port->gsi, &edge))
			return 0;
		port->edge = edge;
		model_hear(&m.eps[m.edges[edge].rx], ep);
		return 0;
	}
	if (type == KVM_PVI_STATE_BELL) {
		bell = &ep->bells[b->bell];
		if (!commit)
			return bell->gsi == NONE ? -ENOENT : 0;
		bell->flags |= b->flags;
		bell->enable = b->enable;
		bell->ack = b->ack;
		return 0;
	}
	g = &ep->gsis[index_of(r.key)];
	if (!commit)
		return g->exposed ? 0 : -ENOENT;
	if (type == KVM_PVI_STATE_LATCH)
		g->latch = YES;
	if (type == KVM_PVI_STATE_MSI) {
		g->address = r.msi.address;
		g->data = r.msi.data;
	}
	if (type == KVM_PVI_STATE_CONFIG) {
		ep->config = index_of(r.key);
		ep->config_rung = false;
	}
	return 0;
}

/* The first error; a later, other one would do as well */
static s64 restore(struct endpoint *ep, const u8 *blob, u32 length, bool commit)
{
	const struct kvm_pvi_state_section *s;
	const u8 *at = blob + sizeof(struct kvm_pvi_state_header);
	s64 first = 0, ret;
	u32 i;

	for (; at < blob + length; at += sizeof(*s) + s->nr * s->size) {
		s = (const void *)at;
		for (i = 0; i < s->nr; i++) {
			ret = restore_record(ep, s->type, at + sizeof(*s) + i * s->size,
					     s->size, commit);
			if (first && ret && ret != first)
				m.alt = ret;
			first = first ?: ret;
		}
	}
	return first;
}

static s64 set(struct endpoint *ep, const struct op *op)
{
	u32 length = m.blobs[op->a].length;
	const u8 *blob = m.blobs[op->a].bytes;
	s64 ret;

	if (!length)
		return -EINVAL;
	if (!guest_made_nothing(ep))
		return -EBUSY;
	ret = restore(ep, blob, length, false);
	if (ret)
		return ret;
	restore(ep, blob, length, true);
	ep_pay_all(ep);
	ep_ring_config(ep);
	return 0;
}

s64 model_state_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		   struct answer *want)
{
	if (op->kind == OP_SAVE)
		return get(ep, op, real, want);
	if (op->kind == OP_RESTORE)
		return set(ep, op);
	ep->frozen = false;
	ep_pay_all(ep);
	ep_ring_config(ep);
	return 0;
}
