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

#include "deliver.h"
#include "event.h"
#include "port.h"
#include "reply.h"
#include "section.h"
#include "state.h"

/* A section of a blob that is being restored; what was got for its records. */
struct state_found {
	u32 nr;
	const void *records;
	void **stages;
};

static const void *state_record(const struct pvi_section *s, const struct state_found *f, u32 i)
{
	return f->records + (size_t)i * s->size;
}

static u32 state_key(const struct pvi_section *s, const struct state_found *f, u32 i)
{
	return *(const u32 *)state_record(s, f, i) & s->key;
}

static size_t state_blob_limit(struct pvi_vm *vm)
{
	size_t limit = sizeof(struct kvm_pvi_state_header);
	int i;

	for (i = 0; i < PVI_NR_SECTIONS; i++)
		limit += sizeof(struct kvm_pvi_state_section) +
		       (size_t)pvi_sections[i].limit(vm) * pvi_sections[i].size;
	return limit;
}

/* Into zeroed memory of state_blob_limit() bytes; returns the length. */
static u32 state_blob_save(struct pvi_vm *vm, void *blob)
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

/*
 * From now on rings to @vm answer EAGAIN and nothing owed is paid, until it is
 * thawed. Stores which freeze this is: of those who ask while it lasts one is told that it holds, or nothing has come
 * of it. state_frozen() must follow.
 */
static int state_freeze(struct pvi_vm *vm, u64 *freeze)
{
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ret;
	if (!vm->frozen) {
		vm->freezes++;
		vm->freezing = 0;
		vm->freeze_holds = false;
		WRITE_ONCE(vm->frozen, true);
	}
	vm->freezing++;
	*freeze = vm->freezes;
	pvi_vm_unlock(vm);

	/* Rings and payments that found it warm have left. */
	synchronize_rcu();
	return 0;
}

/* What is owed, news of peers among it. */
static void state_pay(struct pvi_vm *vm)
{
	pvi_deliver_all_owed(vm);
	pvi_event_missed(vm);
}

static int state_thaw(struct pvi_vm *vm)
{
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ret;
	WRITE_ONCE(vm->frozen, false);
	state_pay(vm);
	pvi_vm_unlock(vm);
	return 0;
}

/* The caller was told that freeze @freeze holds, or not. The last to know, if none of them was, undoes it. */
static void state_frozen(struct pvi_vm *vm, u64 freeze, bool told)
{
	if (pvi_vm_lock_again(vm))
		return;
	if (vm->frozen && vm->freezes == freeze) {
		vm->freezing--;
		vm->freeze_holds |= told;
		if (!vm->freezing && !vm->freeze_holds) {
			WRITE_ONCE(vm->frozen, false);
			state_pay(vm);
		}
	}
	pvi_vm_unlock(vm);
}

/*
 * As pvi_vm_lock(), but of one whose VM has gone too, when nobody rings it any more: its tables do not
 * change then. EINTR, if the caller is killed.
 */
static int state_lock(struct pvi_vm *vm)
	PVI_ACQUIRES_ON(0, &vm->lock)
{
	int ret = pvi_vm_lock(vm);

	if (ret != -ENODEV)
		return ret;
	/* Pairs with life_end_free(). */
	if (wait_var_event_killable(&vm->life, smp_load_acquire(&vm->life) == PVI_LIFE_DEAD))
		return -EINTR;
	return pvi_vm_lock_any(vm);
}

static int state_save(struct pvi_vm *vm, void **blob, u32 *length)
{
	int ret = state_lock(vm);

	if (ret)
		return ret;
	*blob = kvzalloc(state_blob_limit(vm), GFP_KERNEL_ACCOUNT);
	if (*blob)
		*length = state_blob_save(vm, *blob);
	pvi_vm_unlock(vm);
	return *blob ? 0 : -ENOMEM;
}

static int state_copy_out(struct pvi_vm *vm, struct kvm_pvi_state *u)
{
	void *blob;
	u32 length;
	int ret;

	ret = state_save(vm, &blob, &length);
	if (ret)
		return ret;
	if (length <= u->length && copy_to_user(u64_to_user_ptr(u->address), blob, length))
		ret = -EFAULT;
	u->length = length;
	kvfree(blob);
	return ret ? ret : pvi_reply(u);
}

int pvi_state_get(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_state *u = arg;
	u64 freeze = 0;
	int ret;

	if (u->__reserved)
		return -EINVAL;
	if (u->flags & KVM_PVI_STATE_FREEZE) {
		ret = state_freeze(vm, &freeze);
		/* The dead are not rung. */
		if (ret && ret != -ENODEV)
			return ret;
	}
	ret = state_copy_out(vm, u);
	if (freeze)
		state_frozen(vm, freeze, !ret);
	return ret;
}

/* Takes the section at *@at, which ends before @end, in the order of @sections. */
static int state_parse_section(const void **at, const void *end, int *next, struct state_found *found)
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

static int state_parse(const void *blob, u32 length, struct state_found *found)
{
	const struct kvm_pvi_state_header *h = blob;
	const void *at = h + 1, *end = blob + length;
	int next = 0, ret;
	u32 i;

	if (h->magic != KVM_PVI_STATE_MAGIC || h->version != KVM_PVI_STATE_VERSION ||
	    h->length != length)
		return -EINVAL;
	for (i = 0; i < h->sections; i++) {
		ret = state_parse_section(&at, end, &next, found);
		if (ret)
			return ret;
	}
	return at == end ? 0 : -EINVAL;
}

static int state_stage_section(struct pvi_vm *vm, const struct pvi_section *s, struct state_found *f)
{
	u32 i;
	int ret;

	if (!f->nr)
		return 0;
	f->stages = kvcalloc(f->nr, sizeof(*f->stages), GFP_KERNEL_ACCOUNT);
	if (!f->stages)
		return -ENOMEM;
	for (i = 0; i < f->nr; i++) {
		if (i && state_key(s, f, i) <= state_key(s, f, i - 1))
			return -EINVAL;
		ret = s->stage(vm, state_record(s, f, i), &f->stages[i]);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static int state_stage(struct pvi_vm *vm, struct state_found *found)
{
	int i, ret;

	for (i = 0; i < PVI_NR_SECTIONS; i++)
		if (pvi_sections[i].busy(vm))
			return -EBUSY;
	for (i = 0; i < PVI_NR_SECTIONS; i++) {
		ret = state_stage_section(vm, &pvi_sections[i], &found[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static void state_commit(struct pvi_vm *vm, struct state_found *found)
{
	int i;
	u32 j;

	for (i = 0; i < PVI_NR_SECTIONS; i++) {
		struct state_found *f = &found[i];

		for (j = 0; j < f->nr; j++) {
			pvi_sections[i].commit(vm, state_record(&pvi_sections[i], f, j), f->stages[j]);
			f->stages[j] = NULL;
			cond_resched();
		}
	}
	state_pay(vm);
}

/* What was got and not committed; ports are all that is got. */
static void state_unstage(struct state_found *found)
{
	int i;
	u32 j;

	for (i = 0; i < PVI_NR_SECTIONS; i++) {
		for (j = 0; found[i].stages && j < found[i].nr; j++) {
			if (found[i].stages[j])
				pvi_port_free(found[i].stages[j]);
			cond_resched();
		}
		kvfree(found[i].stages);
	}
}

static int state_restore(struct pvi_vm *vm, struct state_found *found)
{
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ret;
	ret = state_stage(vm, found);
	if (!ret)
		state_commit(vm, found);
	pvi_vm_unlock(vm);
	state_unstage(found);
	return ret;
}

int pvi_state_set(struct pvi_vm *vm, void *arg)
{
	struct state_found found[PVI_NR_SECTIONS] = { };
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
		ret = state_parse(blob, u->length, found);
	if (!ret)
		ret = state_restore(vm, found);
	kvfree(blob);
	return ret;
}

int pvi_state_thaw(struct pvi_vm *vm, void *arg)
{
	return state_thaw(vm);
}
