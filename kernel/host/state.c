// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi state - what a guest has made, saved and restored by its VMM
 *
 * A blob is a header and sections, each an array of records of one type in
 * ascending order of their key, bits of their first word. It says nothing of what the VMM
 * has made: that is redone first.
 *
 * Nothing in it is trusted. Restoring has two passes under one lock: the first
 * checks every record and gets all that can be lacking, the second cannot fail.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "section.h"

/* A section of a blob that is being restored; what was got for its records. */
struct found {
	u32 nr;
	const void *records;
	void **stages;
};

static const void *record_of(const struct pvi_section *s, const struct found *f, u32 i)
{
	return f->records + (size_t)i * s->size;
}

static u32 key_of(const struct pvi_section *s, const struct found *f, u32 i)
{
	return *(const u32 *)record_of(s, f, i) & s->key;
}

static size_t blob_limit(struct pvi_vm *vm)
{
	size_t limit = sizeof(struct kvm_pvi_state_header);
	int i;

	for (i = 0; i < PVI_NR_SECTIONS; i++)
		limit += sizeof(struct kvm_pvi_state_section) +
		       (size_t)pvi_sections[i].limit(vm) * pvi_sections[i].size;
	return limit;
}

/* Into zeroed memory of blob_limit() bytes; returns the length. */
static u32 blob_save(struct pvi_vm *vm, void *blob)
{
	struct kvm_pvi_state_header *h = blob;
	void *at = h + 1;
	int i;

	for (i = 0; i < PVI_NR_SECTIONS; i++) {
		struct kvm_pvi_state_section *head = at;

		head->type = pvi_sections[i].type;
		head->size = pvi_sections[i].size;
		head->nr = pvi_sections[i].save(vm, head + 1);
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
	while (i < PVI_NR_SECTIONS && pvi_sections[i].type != head->type)
		i++;
	if (i == PVI_NR_SECTIONS || head->size != pvi_sections[i].size || !head->nr ||
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

static int stage_section(struct pvi_vm *vm, const struct pvi_section *s, struct found *f)
{
	u32 i;
	int ret;

	if (!f->nr)
		return 0;
	f->stages = kvcalloc(f->nr, sizeof(*f->stages), GFP_KERNEL_ACCOUNT);
	if (!f->stages)
		return -ENOMEM;
	for (i = 0; i < f->nr; i++) {
		if (i && key_of(s, f, i) <= key_of(s, f, i - 1))
			return -EINVAL;
		ret = s->stage(vm, record_of(s, f, i), &f->stages[i]);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static int stage(struct pvi_vm *vm, struct found *found)
{
	int i, ret;

	for (i = 0; i < PVI_NR_SECTIONS; i++)
		if (pvi_sections[i].busy(vm))
			return -EBUSY;
	for (i = 0; i < PVI_NR_SECTIONS; i++) {
		ret = stage_section(vm, &pvi_sections[i], &found[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static void commit(struct pvi_vm *vm, struct found *found)
{
	int i;
	u32 j;

	for (i = 0; i < PVI_NR_SECTIONS; i++) {
		struct found *f = &found[i];

		for (j = 0; j < f->nr; j++) {
			pvi_sections[i].commit(vm, record_of(&pvi_sections[i], f, j), f->stages[j]);
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

	for (i = 0; i < PVI_NR_SECTIONS; i++) {
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
	struct found found[PVI_NR_SECTIONS] = { };
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
