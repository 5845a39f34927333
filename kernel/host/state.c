// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi state - what a guest has made, saved and restored by its VMM
 *
 * A blob is a header and sections, each an array of records of one type in
 * ascending order of their first word, the key. It says nothing of what the VMM
 * has made: that is redone first.
 *
 * Nothing in it is trusted. Restoring has two passes under one lock: the first
 * checks every record and gets all that can be lacking, the second cannot fail.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pvi.h"

/**
 * struct section - a type of record
 * @type: KVM_PVI_STATE_PORT...
 * @size: of a record
 * @limit: how many records there may be now
 * @save: writes those there are, returns their number
 * @busy: the guest has made some already
 * @stage: checks one and gets what it needs into @stage, or returns an error; may be NULL if
 *	   there is nothing to get
 * @commit: restores one
 * All are called with pvi_vm.lock held.
 */
struct section {
	u32 type;
	u32 size;
	u32 (*limit)(struct pvi_vm *vm);
	u32 (*save)(struct pvi_vm *vm, void *to);
	bool (*busy)(struct pvi_vm *vm);
	int (*stage)(struct pvi_vm *vm, const void *record, void **stage);
	void (*commit)(struct pvi_vm *vm, const void *record, void *stage);
};

static u32 ports_limit(struct pvi_vm *vm)
{
	return pvi_port_end(vm);
}

static u32 ports_save(struct pvi_vm *vm, void *to)
{
	struct kvm_pvi_state_port *r = to;
	u32 port, nr = 0;

	for (port = 0; port < pvi_port_end(vm); port++) {
		struct pvi_port *p = pvi_port_find(vm, port);

		if (!p || p->by_vmm)
			continue;
		r[nr] = (struct kvm_pvi_state_port) {
			.port = port,
			.gsi = p->gsi,
			.flags = READ_ONCE(p->edge->state) == PVI_EDGE_LIVE ?
				 0 : KVM_PVI_STATE_PORT_DEAD,
		};
		export_uuid(r[nr++].uuid, &p->edge->key.receiver);
	}
	return nr;
}

static bool ports_busy(struct pvi_vm *vm)
{
	u32 port;

	for (port = 0; port < pvi_port_end(vm); port++) {
		struct pvi_port *p = pvi_port_find(vm, port);

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
	const struct kvm_pvi_state_port *r = record;

	pvi_port_commit(vm, r->port, stage);
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

/* In ascending order of types, as they stand in a blob. */
static const struct section sections[] = {
	{
		.type = KVM_PVI_STATE_PORT, .size = sizeof(struct kvm_pvi_state_port),
		.limit = ports_limit, .save = ports_save, .busy = ports_busy,
		.stage = port_stage, .commit = port_commit,
	},
	{
		.type = KVM_PVI_STATE_LATCH, .size = sizeof(struct kvm_pvi_state_latch),
		.limit = gsis_limit, .save = latches_save, .busy = never_busy,
		.stage = latch_stage, .commit = latch_commit,
	},
	{
		.type = KVM_PVI_STATE_BELL, .size = sizeof(struct kvm_pvi_state_bell),
		.limit = gsis_limit, .save = bells_save, .busy = bells_busy,
		.stage = bell_stage, .commit = bell_commit,
	},
	{
		.type = KVM_PVI_STATE_MSI, .size = sizeof(struct kvm_pvi_state_msi),
		.limit = gsis_limit, .save = msis_save, .busy = msis_busy,
		.stage = msi_stage, .commit = msi_commit,
	},
	{
		.type = KVM_PVI_STATE_CONFIG, .size = sizeof(struct kvm_pvi_state_config),
		.limit = config_limit, .save = config_save, .busy = config_busy,
		.stage = config_stage, .commit = config_commit,
	},
};

/* A section of a blob that is being restored; what was got for its records. */
struct found {
	u32 nr;
	const void *records;
	void **stages;
};

static const void *record_of(const struct section *s, const struct found *f, u32 i)
{
	return f->records + (size_t)i * s->size;
}

static size_t blob_limit(struct pvi_vm *vm)
{
	size_t limit = sizeof(struct kvm_pvi_state_header);
	int i;

	for (i = 0; i < ARRAY_SIZE(sections); i++)
		limit += sizeof(struct kvm_pvi_state_section) +
		       (size_t)sections[i].limit(vm) * sections[i].size;
	return limit;
}

/* Into zeroed memory of blob_limit() bytes; returns the length. */
static u32 blob_save(struct pvi_vm *vm, void *blob)
{
	struct kvm_pvi_state_header *h = blob;
	void *at = h + 1;
	int i;

	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		struct kvm_pvi_state_section *head = at;

		head->type = sections[i].type;
		head->size = sections[i].size;
		head->nr = sections[i].save(vm, head + 1);
		if (!head->nr) {
			memset(head, 0, sizeof(*head));
			continue;
		}
		at += sizeof(*head) + (size_t)head->nr * head->size;
		h->sections++;
	}
	h->magic = KVM_PVI_STATE_MAGIC;
	h->version = KVM_PVI_STATE_VERSION;
	h->length = at - blob;
	return h->length;
}

/* From now on rings to @vm answer EAGAIN and nothing owed is paid, until it is thawed. */
static int freeze(struct pvi_vm *vm, bool *was_frozen)
{
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ret;
	*was_frozen = test_and_set_bit(PVI_VM_FROZEN, &vm->flags);
	mutex_unlock(&vm->lock);

	/* Rings and payments that found it warm have left. */
	synchronize_rcu();
	return 0;
}

/* What is owed, news of peers among it. */
static void pay(struct pvi_vm *vm)
{
	pvi_gsi_pay_all(vm);
	pvi_event_missed(vm);
}

static int thaw(struct pvi_vm *vm)
{
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ret;
	clear_bit(PVI_VM_FROZEN, &vm->flags);
	pay(vm);
	mutex_unlock(&vm->lock);
	return 0;
}

static int save(struct pvi_vm *vm, void **blob, u32 *length)
{
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ret;
	*blob = kvzalloc(blob_limit(vm), GFP_KERNEL_ACCOUNT);
	if (*blob)
		*length = blob_save(vm, *blob);
	mutex_unlock(&vm->lock);
	return *blob ? 0 : -ENOMEM;
}

static int get(struct pvi_vm *vm, struct kvm_pvi_state *u)
{
	void *blob;
	u32 length;
	int ret;

	ret = save(vm, &blob, &length);
	if (ret)
		return ret;
	if (length <= u->length && copy_to_user(u64_to_user_ptr(u->address), blob, length))
		ret = -EFAULT;
	u->length = length;
	kvfree(blob);
	return ret;
}

int pvi_state_get(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_state *u = arg;
	bool was_frozen = true;
	int ret;

	if (u->__reserved)
		return -EINVAL;
	if (u->flags & KVM_PVI_STATE_FREEZE) {
		ret = freeze(vm, &was_frozen);
		if (ret)
			return ret;
	}
	ret = get(vm, u);
	if (ret && !was_frozen)
		thaw(vm);
	return ret;
}

/* Takes the section at *@at, which ends before @end, in the order of @sections. */
static int parse_section(const void **at, const void *end, int *next, struct found *found)
{
	const struct kvm_pvi_state_section *head = *at;
	size_t left = end - *at, bytes;
	int i = *next;

	if (left < sizeof(*head))
		return -EINVAL;
	while (i < ARRAY_SIZE(sections) && sections[i].type != head->type)
		i++;
	if (i == ARRAY_SIZE(sections) || head->size != sections[i].size || !head->nr ||
	    head->__reserved)
		return -EINVAL;
	bytes = (size_t)head->nr * head->size;
	if (bytes > left - sizeof(*head))
		return -EINVAL;
	found[i].nr = head->nr;
	found[i].records = head + 1;
	*at += sizeof(*head) + bytes;
	*next = i + 1;
	return 0;
}

static int parse(const void *blob, u32 length, struct found *found)
{
	const struct kvm_pvi_state_header *h = blob;
	const void *at = h + 1, *end = blob + length;
	int next = 0, ret;
	u32 i;

	if (h->magic != KVM_PVI_STATE_MAGIC || h->version != KVM_PVI_STATE_VERSION ||
	    h->length != length)
		return -EINVAL;
	for (i = 0; i < h->sections; i++) {
		ret = parse_section(&at, end, &next, found);
		if (ret)
			return ret;
	}
	return at == end ? 0 : -EINVAL;
}

static int stage_section(struct pvi_vm *vm, const struct section *s, struct found *f)
{
	u32 i;
	int ret;

	if (!f->nr)
		return 0;
	f->stages = kvcalloc(f->nr, sizeof(*f->stages), GFP_KERNEL_ACCOUNT);
	if (!f->stages)
		return -ENOMEM;
	for (i = 0; i < f->nr; i++) {
		const u32 *key = record_of(s, f, i);

		if (i && *key <= *(const u32 *)record_of(s, f, i - 1))
			return -EINVAL;
		ret = s->stage(vm, key, &f->stages[i]);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static int stage(struct pvi_vm *vm, struct found *found)
{
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(sections); i++)
		if (sections[i].busy(vm))
			return -EBUSY;
	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		ret = stage_section(vm, &sections[i], &found[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static void commit(struct pvi_vm *vm, struct found *found)
{
	int i;
	u32 j;

	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		struct found *f = &found[i];

		for (j = 0; j < f->nr; j++) {
			sections[i].commit(vm, record_of(&sections[i], f, j), f->stages[j]);
			f->stages[j] = NULL;
		}
	}
	pay(vm);
}

/* What was got and not committed; ports are all that is got. */
static void unstage(struct found *found)
{
	int i;
	u32 j;

	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		for (j = 0; found[i].stages && j < found[i].nr; j++)
			if (found[i].stages[j])
				pvi_port_unstage(found[i].stages[j]);
		kvfree(found[i].stages);
	}
}

static int restore(struct pvi_vm *vm, struct found *found)
{
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ret;
	ret = stage(vm, found);
	if (!ret)
		commit(vm, found);
	mutex_unlock(&vm->lock);
	unstage(found);
	return ret;
}

int pvi_state_set(struct pvi_vm *vm, void *arg)
{
	struct found found[ARRAY_SIZE(sections)] = { };
	const struct kvm_pvi_state *u = arg;
	void *blob;
	int ret;

	if (u->__reserved || u->length < sizeof(struct kvm_pvi_state_header) ||
	    u->length > KVM_PVI_STATE_MAX)
		return -EINVAL;
	blob = kvmalloc(u->length, GFP_KERNEL_ACCOUNT);
	if (!blob)
		return -ENOMEM;
	ret = -EFAULT;
	if (!copy_from_user(blob, u64_to_user_ptr(u->address), u->length))
		ret = parse(blob, u->length, found);
	if (!ret)
		ret = restore(vm, found);
	kvfree(blob);
	return ret;
}

int pvi_state_thaw(struct pvi_vm *vm, void *arg)
{
	return thaw(vm);
}
