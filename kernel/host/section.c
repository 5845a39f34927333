// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi section - the types of records in a saved state
 *
 * For each type: write what there is, check one that is to be restored and get
 * what it needs, restore it. A record is checked as the hypercall it stands for
 * would check its arguments.
 */
#include "section.h"

static u32 ports_limit(struct pvi_vm *vm)
{
	return pvi_port_end(vm);
}

static u32 ports_save(struct pvi_vm *vm, void *to)
{
	struct kvm_pvi_state_port *r = to;
	u32 index, nr = 0;

	for (index = 0; index < pvi_port_end(vm); index++) {
		struct pvi_port *p = pvi_port_at(vm, index);

		if (!p || p->by_vmm)
			continue;
		r[nr] = (struct kvm_pvi_state_port) {
			.port = p->number,
			.gsi = p->gsi,
			.flags = READ_ONCE(p->edge->state) == PVI_EDGE_LIVE ?
				 0 : KVM_PVI_STATE_PORT_DEAD,
		};
		export_uuid(r[nr++].uuid, pvi_words_uuid(&p->edge->key.receiver));
	}
	return nr;
}

static bool ports_busy(struct pvi_vm *vm)
{
	u32 index;

	for (index = 0; index < pvi_port_end(vm); index++) {
		struct pvi_port *p = pvi_port_at(vm, index);

		if (p && !p->by_vmm)
			return true;
	}
	return false;
}

static int port_stage(struct pvi_vm *vm, const void *record, void **stage)
{
	const struct kvm_pvi_state_port *r = record;
	struct pvi_port *p;
	uuid_t to;

	import_uuid(&to, r->uuid);
	if (!pvi_uuid_is_name(&to) || !pvi_gsi_valid(r->gsi) || r->__reserved ||
	    (r->flags & ~KVM_PVI_STATE_PORT_DEAD))
		return -EINVAL;
	p = pvi_port_stage(vm, r->port, &to, r->gsi, r->flags & KVM_PVI_STATE_PORT_DEAD);
	if (IS_ERR(p))
		return PTR_ERR(p);
	*stage = p;
	return 0;
}

static void port_commit(struct pvi_vm *vm, const void *record, void *stage)
{
	pvi_port_commit(vm, stage);
}

static u32 gsis_limit(struct pvi_vm *vm)
{
	return vm->nr_gsis;
}

static u32 latches_save(struct pvi_vm *vm, void *to)
{
	struct kvm_pvi_state_latch *r = to;
	struct pvi_gsi *g;
	unsigned long i;
	u32 nr = 0;

	xa_for_each(&vm->gsis, i, g)
		if (test_bit(PVI_GSI_LATCH, &g->flags))
			r[nr++].gsi = g->gsi;
	return nr;
}

/* Peers latch, not the guest: what is owed already adds up. */
static bool never_busy(struct pvi_vm *vm)
{
	return false;
}

static int latch_stage(struct pvi_vm *vm, const void *record, void **stage)
{
	const struct kvm_pvi_state_latch *r = record;

	if (!pvi_gsi_valid(r->gsi) || r->__reserved)
		return -EINVAL;
	return pvi_gsi_find(vm, r->gsi) ? 0 : -ENOENT;
}

static void latch_commit(struct pvi_vm *vm, const void *record, void *stage)
{
	const struct kvm_pvi_state_latch *r = record;

	set_bit(PVI_GSI_LATCH, &pvi_gsi_find(vm, r->gsi)->flags);
}

static u32 bells_save(struct pvi_vm *vm, void *to)
{
	struct kvm_pvi_state_bell *r = to;
	struct pvi_bell *b;
	unsigned long i;
	u32 nr = 0;

	xa_for_each(&vm->bells, i, b)
		if (pvi_bell_save(b, &r[nr]))
			nr++;
	return nr;
}

/* The masks are the guest's; flags are its senders', and add up. */
static bool bells_busy(struct pvi_vm *vm)
{
	struct kvm_pvi_state_bell r;
	struct pvi_bell *b;
	unsigned long i;

	xa_for_each(&vm->bells, i, b)
		if (pvi_bell_save(b, &r) && (~r.enable || r.ack))
			return true;
	return false;
}

static int bell_stage(struct pvi_vm *vm, const void *record, void **stage)
{
	const struct kvm_pvi_state_bell *r = record;

	if (r->__reserved)
		return -EINVAL;
	return pvi_bell_find(vm, r->bell) ? 0 : -ENOENT;
}

static void bell_commit(struct pvi_vm *vm, const void *record, void *stage)
{
	const struct kvm_pvi_state_bell *r = record;

	pvi_bell_restore(pvi_bell_find(vm, r->bell), r);
}

static u32 msis_save(struct pvi_vm *vm, void *to)
{
	struct kvm_pvi_state_msi *r = to;
	struct pvi_gsi *g;
	unsigned long i;
	u32 nr = 0;

	xa_for_each(&vm->gsis, i, g) {
		if (!pvi_msi_wired(g))
			continue;
		r[nr++] = (struct kvm_pvi_state_msi) {
			.gsi = g->gsi,
			.data = g->msi_data,
			.address = g->msi_address,
		};
	}
	return nr;
}

static bool msis_busy(struct pvi_vm *vm)
{
	struct pvi_gsi *g;
	unsigned long i;

	xa_for_each(&vm->gsis, i, g)
		if (pvi_msi_wired(g))
			return true;
	return false;
}

static int msi_stage(struct pvi_vm *vm, const void *record, void **stage)
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

static void msi_commit(struct pvi_vm *vm, const void *record, void *stage)
{
	const struct kvm_pvi_state_msi *r = record;

	pvi_msi_restore(pvi_gsi_find(vm, r->gsi), r->address, r->data);
}

static u32 config_limit(struct pvi_vm *vm)
{
	return 1;
}

static u32 config_save(struct pvi_vm *vm, void *to)
{
	struct kvm_pvi_state_config *r = to;
	u32 gsi = READ_ONCE(vm->events.config_gsi);

	r->gsi = gsi;
	return gsi != KVM_PVI_GSI_ANY;
}

static bool config_busy(struct pvi_vm *vm)
{
	return READ_ONCE(vm->events.config_gsi) != KVM_PVI_GSI_ANY;
}

static int config_stage(struct pvi_vm *vm, const void *record, void **stage)
{
	const struct kvm_pvi_state_config *r = record;

	if (!pvi_gsi_valid(r->gsi) || r->__reserved)
		return -EINVAL;
	return pvi_gsi_find(vm, r->gsi) ? 0 : -ENOENT;
}

static void config_commit(struct pvi_vm *vm, const void *record, void *stage)
{
	const struct kvm_pvi_state_config *r = record;

	pvi_event_set_config(vm, r->gsi);
}

const struct pvi_section pvi_sections[PVI_NR_SECTIONS] = {
	{
		.type = KVM_PVI_STATE_PORT, .size = sizeof(struct kvm_pvi_state_port),
		.key = KVM_PVI_PORT_INDEX(~0u),
		.limit = ports_limit, .save = ports_save, .busy = ports_busy,
		.stage = port_stage, .commit = port_commit,
	},
	{
		.type = KVM_PVI_STATE_LATCH, .size = sizeof(struct kvm_pvi_state_latch),
		.key = ~0u,
		.limit = gsis_limit, .save = latches_save, .busy = never_busy,
		.stage = latch_stage, .commit = latch_commit,
	},
	{
		.type = KVM_PVI_STATE_BELL, .size = sizeof(struct kvm_pvi_state_bell),
		.key = ~0u,
		.limit = gsis_limit, .save = bells_save, .busy = bells_busy,
		.stage = bell_stage, .commit = bell_commit,
	},
	{
		.type = KVM_PVI_STATE_MSI, .size = sizeof(struct kvm_pvi_state_msi),
		.key = ~0u,
		.limit = gsis_limit, .save = msis_save, .busy = msis_busy,
		.stage = msi_stage, .commit = msi_commit,
	},
	{
		.type = KVM_PVI_STATE_CONFIG, .size = sizeof(struct kvm_pvi_state_config),
		.key = ~0u,
		.limit = config_limit, .save = config_save, .busy = config_busy,
		.stage = config_stage, .commit = config_commit,
	},
};
