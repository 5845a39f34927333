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

/* False: it is as it was */
static bool take_from(struct pvid *d, struct vm *holder, struct candidate *c)
{
	struct vm_name name = vm_name(d, holder->uuid);
	uuid_t uuid;
	pid_t pid = holder->pid;
	uid_t owner = holder->owner;
	/* What one that has not begun is to get is there yet. */
	int ret = holder->arriving ? 0 : kept_save(holder, true);

	if (ret) {
		/* Once, though it is tried again and again: room may be made. */
		if (!c->told)
			LOG(SD_ERR, "%s: what its guest has made cannot be saved: %s; it does not move", name.s,
			    strerror(-ret));
		c->told = true;
		c->stopped = 0;
		pvi_thaw(holder->pvi);
		kept_forget(d, holder->uuid);
		return false;
	}
	uuid_copy(uuid, holder->uuid);
	LOG(SD_INFO, "%s has stopped in process %d, and may go on in another one", name.s, pid);
	vm_end(holder);
	candidate_add_returning(d, pid, owner, uuid);
	return true;
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
	return c->stopped == STOPPED && take_from(d, holder, c);
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
	if (vm_is_settled(vm) && (vm->known || vm->d->ready) && !(++vm->waited % MAX_WAITED))
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
	int ret = pvi_get_state(vm->pvi, KVM_PVI_STATE_FREEZE, NULL, 0);

	if (ret < 0)
		LOG(SD_ERR, "%s: cannot keep rings away from it until it runs: %s", vm_name(vm->d, vm->uuid).s,
		    strerror(-ret));
	vm->arriving = true;
	look(vm);
}
