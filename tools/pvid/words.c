// SPDX-License-Identifier: GPL-2.0-or-later
/* pvid words - files with status words, which are there before a VMM is, since that maps them when it starts */
#include <string.h>

#include "pvid.h"
#include "words.h"

static void complain(struct pvid *d, const struct policy_vm *vm, int err)
{
	LOG(SD_ERR, "%s: its status words cannot be in %s: %s", vm->label, d->words, strerror(-err));
	if (!*d->words_error)
		snprintf(d->words_error, sizeof(d->words_error), "VM '%s': its status words cannot be in %.100s: %s",
			 vm->label, d->words, strerror(-err));
}

/* A user can keep pvid from their own file, as by its mode: that is told, but fails for nobody else. */
static void cannot_make(struct pvid *d, const struct policy_vm *vm, int err)
{
	if (words_are_users(d->words, vm))
		LOG(SD_WARNING, "%s: its user, %u, keeps pvid from its status words: %s", vm->label, vm->user,
		    strerror(-err));
	else
		complain(d, vm, err);
}

/* Of VMs that have none any more; who has it mapped keeps the memory. */
static void remove_old(struct pvid *d, const struct policy *old)
{
	const struct policy_vm *vm;
	size_t i;
	int ret;

	for (i = 0; i < old->nr_vms; i++) {
		vm = policy_vm(&d->policy, old->vms[i].uuid);
		ret = old->vms[i].nr_words && (!vm || !vm->nr_words) ? words_remove(d->words, old->vms[i].uuid) : 0;
		if (ret)
			complain(d, &old->vms[i], ret);
	}
}

void words_apply(struct pvid *d)
{
	const struct policy *p;
	size_t i;
	int ret;

	*d->words_error = '\0';
	for (p = d->policy.older; p; p = p->older)
		remove_old(d, p);
	for (i = 0; i < d->policy.nr_vms; i++) {
		ret = d->policy.vms[i].nr_words ? words_make(d->words, &d->policy.vms[i]) : 0;
		if (ret)
			cannot_make(d, &d->policy.vms[i], ret);
	}
}
