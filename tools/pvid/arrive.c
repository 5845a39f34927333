// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvid arrive - a guest that goes on in another process
 *
 * A VMM whose guest comes from elsewhere says so on its command line, and no VMM says when it has stopped. So it is
 * looked whether vCPUs run. While those run where the name is, the VMM to which the guest is to come waits. When they
 * have stopped the name goes there, with what the guest had made: before it runs, so that no call of it fails. Rings
 * to it are taken when it runs, for the interrupt controller may be loaded until then. Where it was may go on instead,
 * if the move has failed: then it gets it all back.
 */
#include <errno.h>
#include <libpvi.h>
#include <stdlib.h>
#include <string.h>

#include "adapt.h"
#include "pvid.h"

#define STOPPED 4		/* so often in a row nothing runs: no vCPU is just in its VMM for a moment */
#define MANY_LOOKS 3600		/* a minute: who has not run until then may take very long */
#define SELDOM 8		/* then in each of so many turns */
#define MAX_WAITED 120		/* looks at one that runs, cannot be given all that its policy says, and may yet be: 2 s */

static bool somebody_begins(const struct pvid *d, const struct candidate *c)
{
	const struct candidate *other;

	LIST_FOREACH(other, &d->candidates, entry)
		if (other != c && other->waits && !other->may_return && !uuid_compare(other->uuid, c->uuid))
			return true;
	return false;
}

/* The guest has stopped where it was; where it is to come back to, it has to run as well. */
static bool is_due(const struct candidate *c, const struct vm *holder, unsigned int *looked)
{
	if (!holder->pid || vmm_runs(holder->pid, looked) || vm_is_taken(holder))
		return false;
	return !c->may_return || vmm_runs(c->pid, looked) == 1;
}

static void give_up_name(struct vm *holder)
{
	struct pvid *d = holder->d;
	pid_t pid = holder->pid;
	uid_t owner = holder->owner;
	uuid_t uuid;

	uuid_copy(uuid, holder->uuid);
	LOG(SD_INFO, "%s has stopped in process %d, and may go on in another one", vm_name(d, uuid).s, pid);
	vm_end(holder);
	candidate_add_returning(d, pid, owner, uuid);
}

static void does_not_move(const struct vm *holder, struct candidate *c, int err)
{
	/* Once, though it is tried again and again: room may be made. */
	if (!c->told)
		LOG(SD_ERR, "%s: what its guest has made cannot be saved: %s; it does not move",
		    vm_name(holder->d, holder->uuid).s, strerror(-err));
	c->told = true;
	c->stopped = 0;
}

/* False: it is as it was, or becomes so */
static bool take_from(struct vm *holder, struct candidate *c)
{
	int ret;

	/* What one that has not begun is to get is there yet. */
	if (holder->arriving) {
		give_up_name(holder);
		return true;
	}
	/* Something is still due there, or this has begun. */
	if (holder->helper || holder->due & (DUE_THAW | DUE_SAVE))
		return false;
	ret = vm_save(holder, c->pid);
	if (ret)
		does_not_move(holder, c, ret);
	return false;
}

/* It may have gone meanwhile. */
static struct candidate *find_heir(const struct vm *holder)
{
	struct candidate *c;

	LIST_FOREACH(c, &holder->d->candidates, entry)
		if (c->pid == holder->heir && c->waits && !c->helper && !uuid_compare(c->uuid, holder->uuid))
			break;
	return c;
}

void arrive_saved(struct vm *holder, int ret)
{
	struct candidate *c = find_heir(holder);
	unsigned int looked = 0;

	if (c && ret)
		does_not_move(holder, c, ret);
	if (!c || ret || c->stopped < STOPPED || !is_due(c, holder, &looked)) {
		vm_stays(holder);
		return;
	}
	give_up_name(holder);
	candidate_begin(c);
}

bool arrive_may_begin(struct pvid *d, struct candidate *c, unsigned int *looked)
{
	struct vm *holder = vm_find(d, c->uuid);

	if (!holder)
		return !c->may_return || !somebody_begins(d, c);
	/* Meanwhile it is another user's: it is refused, as anybody is. */
	if (holder->owner != c->user->uid)
		return true;
	c->stopped = is_due(c, holder, looked) ? c->stopped + 1 : 0;
	/* What it makes from now on would be missed. */
	if (!c->stopped && holder->due & DUE_SAVE && holder->heir == c->pid)
		vm_stays(holder);
	return c->stopped >= STOPPED && take_from(holder, c);
}

/* All that the endpoint exposes, to be freed; their number or -errno */
static int list_gsis(const struct vm *vm, struct kvm_pvi_list_gsi **gsis)
{
	int max = KVM_PVI_LIST_MAX, nr = 0, got = 0;
	struct kvm_pvi_list_gsi *more;
	uint64_t cursor = 0;

	*gsis = NULL;
	do {
		nr += got;
		more = realloc(*gsis, (nr + max) * sizeof(**gsis));
		if (!more)
			return -ENOMEM;
		*gsis = more;
		got = pvi_list(vm->d->lister, KVM_PVI_LIST_GSIS, vm->number, &cursor, *gsis + nr, sizeof(**gsis), max);
	} while (got > 0);
	return got ?: nr;
}

static int set_state(const struct vm *vm, const void *blob, size_t length)
{
	struct kvm_pvi_list_gsi *gsis;
	void *adapted = NULL;
	int nr = list_gsis(vm, &gsis), ret = nr;

	if (nr >= 0)
		ret = state_adapt(blob, length, gsis, nr, &adapted);
	if (ret >= 0)
		ret = pvi_set_state(vm->pvi, adapted, ret);
	free(adapted);
	free(gsis);
	return ret;
}

bool arrive_restore(const struct vm *vm)
{
	struct vm_name name = vm_name(vm->d, vm->uuid);
	int ret = vm->made_length;

	if (!vm->arriving || vm->restored)
		return false;
	if (ret == -ENOENT)
		return true;
	if (ret >= 0)
		ret = set_state(vm, vm->made, ret);
	if (ret == -EBUSY)
		LOG(SD_NOTICE, "%s has what its guest had made, or something of it, from somebody else", name.s);
	else if (ret)
		LOG(SD_ERR, "%s: what its guest had made cannot be restored: %s", name.s, strerror(-ret));
	return true;
}

bool arrive_has_waited(const struct vm *vm)
{
	return vm->waited >= MAX_WAITED;
}

/* It may get what its guest had made GSIs of, and this is not asked for ever. */
static void wait_for_more(struct vm *vm)
{
	if (!vm->helper && vm_is_settled(vm) && (vm->known || vm->d->ready) && !(++vm->waited % MAX_WAITED))
		vm_work(vm);
}

static unsigned int look(void *owner)
{
	struct vm *vm = owner;
	unsigned int looked = 1;
	bool skip = vm->looks++ > MANY_LOOKS && vm->looks % SELDOM;
	/* Of one that has ended its endpoint tells, and it is as it was. */
	bool runs = !skip && (!vm->pid || vmm_runs(vm->pid, &looked) > 0);

	if (runs && !vm->restored)
		wait_for_more(vm);
	if ((runs && vm->restored) || look_begin(&vm->look, vm->user, look, vm))
		vm_arrived(vm);
	return looked;
}

void arrive_begin(struct vm *vm)
{
	vm->arriving = true;
	vm->due |= DUE_FREEZE;
	look(vm);
}
