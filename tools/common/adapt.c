// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common adapt - what a guest had made at one endpoint, for another one
 *
 * A ring that is accepted when a VMM has saved its LAPICs, and before the endpoint is frozen, is raised where
 * nobody will see it. Nobody can tell afterwards which ones that were, so each GSI that the guest may have been
 * interrupted by is owed a ring: an interrupt too many does no harm.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapt.h"
#include "common.h"

#define NR_TYPES (KVM_PVI_STATE_CONFIG + 1)

/* The records of each type */
struct found {
	const void *records[NR_TYPES];
	uint32_t nr[NR_TYPES];
};

static const size_t sizes[NR_TYPES] = {
	[KVM_PVI_STATE_PORT] = sizeof(struct kvm_pvi_state_port),
	[KVM_PVI_STATE_LATCH] = sizeof(struct kvm_pvi_state_latch),
	[KVM_PVI_STATE_BELL] = sizeof(struct kvm_pvi_state_bell),
	[KVM_PVI_STATE_MSI] = sizeof(struct kvm_pvi_state_msi),
	[KVM_PVI_STATE_CONFIG] = sizeof(struct kvm_pvi_state_config),
};

/* The first word of all of them is what they are about. */
static uint32_t record_key(const void *record)
{
	uint32_t key;

	memcpy(&key, record, sizeof(key));
	return key;
}

static bool find_section(const char **at, const char *end, struct found *found)
{
	struct kvm_pvi_state_section head;

	if ((size_t)(end - *at) < sizeof(head))
		return false;
	memcpy(&head, *at, sizeof(head));
	*at += sizeof(head);
	if (!head.type || head.type >= NR_TYPES || head.size != sizes[head.type] ||
	    head.nr > (size_t)(end - *at) / head.size)
		return false;
	found->records[head.type] = *at;
	found->nr[head.type] = head.nr;
	*at += (size_t)head.nr * head.size;
	return true;
}

static bool find_sections(const void *blob, size_t length, struct found *found)
{
	const char *at = blob, *end = at + length;
	struct kvm_pvi_state_header head;
	uint32_t i;

	*found = (struct found){ 0 };
	if (length < sizeof(head))
		return false;
	memcpy(&head, at, sizeof(head));
	at += sizeof(head);
	for (i = 0; i < head.sections; i++)
		if (!find_section(&at, end, found))
			return false;
	return head.magic == KVM_PVI_STATE_MAGIC && head.version == KVM_PVI_STATE_VERSION &&
		head.length == length && at == end;
}

static bool has_record(const struct found *found, uint32_t type, uint32_t key)
{
	const char *record = found->records[type];
	uint32_t i;

	for (i = 0; i < found->nr[type]; i++, record += sizes[type])
		if (record_key(record) == key)
			return true;
	return false;
}

/* The bell's flags, or some of them, go when it has been rung. */
static bool bell_acks(const struct found *found, uint32_t bell)
{
	const char *record = found->records[KVM_PVI_STATE_BELL];
	struct kvm_pvi_state_bell state;
	uint32_t i;

	for (i = 0; i < found->nr[KVM_PVI_STATE_BELL]; i++, record += sizeof(state)) {
		memcpy(&state, record, sizeof(state));
		if (state.bell == bell)
			return state.ack;
	}
	return false;
}

static bool may_be_owed(const struct found *found, const struct kvm_pvi_list_gsi *g)
{
	if (has_record(found, KVM_PVI_STATE_LATCH, g->gsi))
		return true;
	/* What another bell has is in its flags. */
	if (g->bell != KVM_PVI_LISTED_NO_BELL && !bell_acks(found, g->bell))
		return false;
	return g->kind == KVM_PVI_GSI_DIRECT || has_record(found, KVM_PVI_STATE_MSI, g->gsi);
}

static bool exists(uint32_t type, uint32_t key, const struct kvm_pvi_list_gsi *gsis, size_t nr)
{
	size_t i;

	if (type == KVM_PVI_STATE_PORT)
		return true;
	for (i = 0; i < nr; i++)
		if (type == KVM_PVI_STATE_BELL ? gsis[i].bell == key : gsis[i].gsi == key)
			return type != KVM_PVI_STATE_MSI || gsis[i].kind == KVM_PVI_GSI_MSI;
	return false;
}

/* Those that there is a place for; returns their end */
static char *copy_records(const struct found *found, uint32_t type, const struct kvm_pvi_list_gsi *gsis, size_t nr,
			  char *to)
{
	const char *record = found->records[type];
	uint32_t i;

	for (i = 0; i < found->nr[type]; i++, record += sizes[type])
		if (exists(type, record_key(record), gsis, nr))
			to = mempcpy(to, record, sizes[type]);
	return to;
}

static char *owe(const struct found *found, const struct kvm_pvi_list_gsi *gsis, size_t nr, char *to)
{
	struct kvm_pvi_state_latch latch = { 0 };
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!may_be_owed(found, &gsis[i]))
			continue;
		latch.gsi = gsis[i].gsi;
		to = mempcpy(to, &latch, sizeof(latch));
	}
	return to;
}

int state_adapt(const void *blob, size_t length, const struct kvm_pvi_list_gsi *gsis, size_t nr, void **adapted)
{
	struct kvm_pvi_state_header head = { .magic = KVM_PVI_STATE_MAGIC, .version = KVM_PVI_STATE_VERSION };
	struct kvm_pvi_state_section section = { 0 };
	struct found found;
	char *start, *at, *end;
	uint32_t type;

	*adapted = NULL;
	if (!find_sections(blob, length, &found))
		return -EINVAL;
	start = malloc(length + sizeof(section) + nr * sizeof(struct kvm_pvi_state_latch));
	if (!start)
		return -ENOMEM;
	at = start + sizeof(head);
	for (type = KVM_PVI_STATE_PORT; type < NR_TYPES; type++) {
		end = type == KVM_PVI_STATE_LATCH ? owe(&found, gsis, nr, at + sizeof(section)) :
			copy_records(&found, type, gsis, nr, at + sizeof(section));
		section = (struct kvm_pvi_state_section){
			.type = type, .size = sizes[type],
			.nr = (end - at - sizeof(section)) / sizes[type],
		};
		if (!section.nr)
			continue;
		memcpy(at, &section, sizeof(section));
		head.sections++;
		at = end;
	}
	head.length = at - start;
	memcpy(start, &head, sizeof(head));
	*adapted = start;
	return head.length;
}
