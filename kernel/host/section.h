/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi section - what state.c knows of the types of records */
#ifndef _PVI_SECTION_H
#define _PVI_SECTION_H

#include <linux/types.h>

struct pvi_vm;

/**
 * struct pvi_section - a type of record
 * @type: KVM_PVI_STATE_PORT...
 * @size: of a record
 * @key: which bits of its first word no other record of that type has
 * @limit: how many records there may be now
 * @save: writes those there are, returns their number
 * @busy: the guest has made some already
 * @stage: checks one and gets what it needs into @stage, or returns an error; may be NULL if
 *	   there is nothing to get
 * @commit: restores one
 * All are called with pvi_vm.lock held.
 */
struct pvi_section {
	u32 type;
	u32 size;
	u32 key;
	u32 (*limit)(struct pvi_vm *vm);
	u32 (*save)(struct pvi_vm *vm, void *to);
	bool (*busy)(struct pvi_vm *vm);
	int (*stage)(struct pvi_vm *vm, const void *record, void **stage);
	void (*commit)(struct pvi_vm *vm, const void *record, void *stage);
};

#define PVI_NR_SECTIONS	5

/* In ascending order of types, as they stand in a blob. */
extern const struct pvi_section pvi_sections[PVI_NR_SECTIONS];

#endif /* _PVI_SECTION_H */
