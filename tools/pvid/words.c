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
			complain(d, &d->policy.vms[i], ret);
	}
}
