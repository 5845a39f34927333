// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi section - the types of records in a saved state
 *
 * For each type: write what there is, check one that is to be restored and get
 * what it needs, restore it. A record is checked as the hypercall it stands for
 * would check its arguments.
 */
#include "bell.h"
#include "connect.h"
#include "event.h"
#include "msi.h"
#include "section.h"

static u32 section_ports_limit(struct pvi_vm *vm)
{
	return pvi_port_end(vm);
}

static u32 section_ports_save(struct pvi_vm *vm, void *to)
{
	struct kvm_pvi_state_port *r = to;
	u32 index, nr = 0;

	for (index = 0; index < pvi_port_end(vm); index++) {
		struct pvi_port *p = pvi_port_at(vm, index);

		cond_resched();
		if (!p || p->by_vmm || !pvi_port_shown(p, index))
			continue;
		r[nr] = (struct kvm_pvi_state_port) {
			.port = p->number,
			.gsi = p->gsi,
			.flags = pvi_port_state(p) == KVM_PVI_PORT_LIVE ? 0 : KVM_PVI_STATE_PORT_DEAD,
		};
		export_uuid(r[nr++].uuid, pvi_words_uuid(&p->edge->key.receiver));
	}
	return nr;
}

static bool section_ports_busy(struct pvi_vm *vm)
{
	u32 index;

	for (index = 0; index < pvi_port_end(vm); index++) {
		struct pvi_port *p = pvi_port_at(vm, index);

		if (p && !p->by_vmm)
			return true;
		cond_resched();
	}
	return false;
}

static int section_port_stage(struct pvi_vm *vm, const void *record, void **stage)
{
	const struct kvm_pvi_state_port *r = record;
	struct pvi_port *p;
	uuid_t to;

	import_uuid(&to, r->uuid);
	if (!pvi_words_uuid_is_name(&to) || !pvi_gsi_valid(r->gsi) || r->__reserved ||
	    (r->flags & ~KVM_PVI_STATE_PORT_DEAD))
		return -EINVAL;
	p = pvi_connect_stage(vm, r->port, &to, r->gsi, r->flags & KVM_PVI_STATE_PORT_DEAD);
	if (IS_ERR(p))
		return PTR_ERR(p);
	*stage = p;
	return 0;
}

static void section_port_commit(struct pvi_vm *vm, const void *record, void *stage)
{
	pvi_connect_commit(vm, stage);
}

static u32 section_gsis_limit(struct pvi_vm *vm)
{
	return vm->nr_gsis;
}

static u32 section_latches_save(struct pvi_vm *vm, void *to)
{
	struct kvm_pvi_state_latch *r = to;
	struct pvi_gsi *g;
	unsigned long i;
	u32 nr = 0;

	xa_for_each(&vm->gsis, i, g) {
		if (pvi_gsi_latched(g))
			r[nr++] = (struct kvm_pvi_state_latch) { .gsi = g->gsi };
		cond_resched();
	}
	return nr;
}

/* Peers latch, not the guest: what is owed already adds up. */
static bool section_never_busy(struct pvi_vm *vm)
{
	return false;
}

static int section_latch_stage(struct pvi_vm *vm, const void *record, void **stage)
{
	const struct kvm_pvi_state_latch *r = record;

	if (!pvi_gsi_valid(r->gsi) || r->__reserved)
		return -EINVAL;
	return pvi_gsi_find(vm, r->gsi) ? 0 : -ENOENT;
}

static void section_latch_commit(struct pvi_vm *vm, const void *record, void *stage)
{
	const struct kvm_pvi_state_latch *r = record;

	set_bit(PVI_GSI_LATCH, &pvi_gsi_find(vm, r->gsi)->flags);
}

static u32 section_bells_save(struct pvi_vm *vm, void *to)
{
	struct kvm_pvi_state_bell *r = to;
	struct pvi_bell *b;
	unsigned long i;
	u32 nr = 0;

	xa_for_each(&vm->bells, i, b) {
		if (pvi_bell_save(b, &r[nr]))
			nr++;
		cond_resched();
	}
	return nr;
}

/* The masks are the guest's; flags are its senders', and add up. */
static bool section_bells_busy(struct pvi_vm *vm)
{
	struct kvm_pvi_state_bell r;
	struct pvi_bell *b;
	unsigned long i;

	xa_for_each(&vm->bells, i, b) {
		if (pvi_bell_save(b, &r) && (~r.enable || r.ack))
			return true;
		cond_resched();
	}
	return false;
}

static int section_bell_stage(struct pvi_vm *vm, const void *record, void **stage)
{
	const struct kvm_pvi_state_bell *r = record;

	if (r->__reserved)
		return -EINVAL;
	return pvi_bell_find(vm, r->bell) ? 0 : -ENOENT;
}

static void section_bell_commit(struct pvi_vm *vm, const void *record, void *stage)
{
	const struct kvm_pvi_state_bell *r = record;

	pvi_bell_restore(pvi_bell_find(vm, r->bell), r);
}

static u32 section_msis_save(struct pvi_vm *vm, void *to)
{
	struct kvm_pvi_state_msi *r = to;
	struct pvi_gsi *g;
	unsigned long i;
	u64 address;
	u32 data, nr = 0;

	xa_for_each(&vm->gsis, i, g) {
		if (pvi_msi_get(g, &address, &data))
			r[nr++] = (struct kvm_pvi_state_msi) {
				.gsi = g->gsi,
				.data = data,
				.address = address,
			};
		cond_resched();
	}
	return nr;
}

static bool section_msis_busy(struct pvi_vm *vm)
{
	struct pvi_gsi *g;
	unsigned long i;

	xa_for_each(&vm->gsis, i, g) {
		if (READ_ONCE(g->msi_address))
			return true;
		cond_resched();
	}
	return false;
}

static int section_msi_stage(struct pvi_vm *vm, const void *record, void **stage)
{
	const struct kvm_pvi_state_msi *r = record;
	struct pvi_gsi *g;

	if (!pvi_gsi_valid(r->gsi) || !r->address || !pvi_msi_valid(r->address, r->data))
		return -EINVAL;
	g = pvi_gsi_find(vm, r->gsi);
	if (!g)
		return -ENOENT;
	return g->kind == KVM_PVI_GSI_MSI ? 0 : -EINVAL;
}

static void section_msi_commit(struct pvi_vm *vm, const void *record, void *stage)
{
	const struct kvm_pvi_state_msi *r = record;

	pvi_msi_set(pvi_gsi_find(vm, r->gsi), r->address, r->data);
}

static u32 section_config_limit(struct pvi_vm *vm)
{
	return 1;
}

/* A GSI that was exposed when it was named may not be any more. */
static u32 section_config_save(struct pvi_vm *vm, void *to)
{
	struct kvm_pvi_state_config *r = to;
	u32 gsi = READ_ONCE(vm->events->config_gsi);

	if (gsi == KVM_PVI_GSI_ANY || !pvi_gsi_find(vm, gsi))
		return 0;
	*r = (struct kvm_pvi_state_config) { .gsi = gsi };
	return 1;
}

static bool section_config_busy(struct pvi_vm *vm)
{
	return READ_ONCE(vm->events->config_gsi) != KVM_PVI_GSI_ANY;
}

static int section_config_stage(struct pvi_vm *vm, const void *record, void **stage)
{
	const struct kvm_pvi_state_config *r = record;

	if (!pvi_gsi_valid(r->gsi) || r->__reserved)
		return -EINVAL;
	return pvi_gsi_find(vm, r->gsi) ? 0 : -ENOENT;
}

static void section_config_commit(struct pvi_vm *vm, const void *record, void *stage)
{
	const struct kvm_pvi_state_config *r = record;

	pvi_event_set_config(vm, r->gsi);
}

const struct pvi_section pvi_sections[PVI_NR_SECTIONS] = {
	{
		.type = KVM_PVI_STATE_PORT, .size = sizeof(struct kvm_pvi_state_port),
		.key = KVM_PVI_PORT_INDEX(~0u),
		.limit = section_ports_limit, .save = section_ports_save, .busy = section_ports_busy,
		.stage = section_port_stage, .commit = section_port_commit,
	},
	{
		.type = KVM_PVI_STATE_LATCH, .size = sizeof(struct kvm_pvi_state_latch),
		.key = ~0u,
		.limit = section_gsis_limit, .save = section_latches_save, .busy = section_never_busy,
		.stage = section_latch_stage, .commit = section_latch_commit,
	},
	{
		.type = KVM_PVI_STATE_BELL, .size = sizeof(struct kvm_pvi_state_bell),
		.key = ~0u,
		.limit = section_gsis_limit, .save = section_bells_save, .busy = section_bells_busy,
		.stage = section_bell_stage, .commit = section_bell_commit,
	},
	{
		.type = KVM_PVI_STATE_MSI, .size = sizeof(struct kvm_pvi_state_msi),
		.key = ~0u,
		.limit = section_gsis_limit, .save = section_msis_save, .busy = section_msis_busy,
		.stage = section_msi_stage, .commit = section_msi_commit,
	},
	{
		.type = KVM_PVI_STATE_CONFIG, .size = sizeof(struct kvm_pvi_state_config),
		.key = 0, /* at most one */
		.limit = section_config_limit, .save = section_config_save, .busy = section_config_busy,
		.stage = section_config_stage, .commit = section_config_commit,
	},
};
