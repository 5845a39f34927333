// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common policy_write - a policy as a file that says the same
 *
 * From what was understood, not from what was read: users are numbers, senders and receivers UUIDs. No line
 * is longer than the one that it was read from, as which libinih has taken it.
 */
#include <errno.h>
#include <inttypes.h>
#include <libpvi.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

static void write_uuid(FILE *out, const char *key, const uuid_t uuid)
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(uuid, text);
	fprintf(out, "%s=%s\n", key, text);
}

/* It goes on where the other one ends. */
static bool is_same_range(const struct policy_gsi *g, const struct policy_gsi *next)
{
	return next->gsi == g->gsi + 1 && next->rate == g->rate && next->burst == g->burst;
}

static void write_gsis(FILE *out, const struct policy_vm *vm)
{
	const struct policy_gsi *g = vm->gsis;
	size_t first, last;

	for (first = 0; first < vm->nr_gsis; first = last + 1) {
		for (last = first; last + 1 < vm->nr_gsis && is_same_range(&g[last], &g[last + 1]);)
			last++;
		fprintf(out, "%s%" PRIu32, first ? "," : "expose=", g[first].gsi);
		if (last > first)
			fprintf(out, "-%" PRIu32, g[last].gsi);
		if (g[first].rate)
			fprintf(out, " rate %" PRIu32, g[first].rate);
		if (g[first].burst != g[first].rate)
			fprintf(out, " burst %" PRIu32, g[first].burst);
	}
	if (vm->nr_gsis)
		fputc('\n', out);
}

static int compare_bells(const void *a, const void *b)
{
	const struct policy_gsi *x = a, *y = b;

	return x->bell < y->bell ? -1 : x->bell > y->bell;
}

static int compare_words(const void *a, const void *b)
{
	const struct policy_gsi *x = a, *y = b;

	return x->word < y->word ? -1 : x->word > y->word;
}

/* Those that have a bell, or a status word, in the order of these */
static int write_bells_and_words(FILE *out, const struct policy_vm *vm)
{
	struct policy_gsi *sorted = calloc(vm->nr_gsis + 1, sizeof(*sorted));
	size_t i;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < vm->nr_gsis; i++)
		sorted[i] = vm->gsis[i];
	qsort(sorted, vm->nr_gsis, sizeof(*sorted), compare_bells);
	for (i = 0; i < vm->nr_gsis && sorted[i].bell != POLICY_NO_BELL; i++)
		fprintf(out, "%s%" PRIu32, i ? "," : "bells=", sorted[i].gsi);
	if (i)
		fputc('\n', out);
	qsort(sorted, vm->nr_gsis, sizeof(*sorted), compare_words);
	for (i = 0; i < vm->nr_words; i++)
		fprintf(out, "%s%" PRIu32, i ? "," : "status=", sorted[i].gsi);
	if (i)
		fputc('\n', out);
	free(sorted);
	return 0;
}

static int write_vm(FILE *out, const struct policy_vm *vm)
{
	fprintf(out, "[vm %s]\n", vm->label);
	write_uuid(out, "uuid", vm->uuid);
	if (*vm->name)
		fprintf(out, "name=%s\n", vm->name);
	if (vm->has_user)
		fprintf(out, "user=%u\n", vm->user);
	if (*vm->cgroup)
		fprintf(out, "cgroup=%s\n", vm->cgroup);
	/* What permissions imply may be more than a line takes, and they do so again. */
	if (!vm->implied)
		write_gsis(out, vm);
	return write_bells_and_words(out, vm);
}

/* By a number, for a section for both directions was two. */
static void write_allow(FILE *out, const struct policy_allow *a, size_t number)
{
	fprintf(out, "[allow %zu]\n", number);
	write_uuid(out, "from", a->from);
	write_uuid(out, "to", a->to);
	if (a->bell)
		fprintf(out, "bell=%" PRIu32 "\nflags=0x%" PRIx64 "\n", a->what, a->bits);
	else if (a->what == KVM_PVI_GSI_ANY)
		fputs("gsi=any\n", out);
	else
		fprintf(out, "gsi=%" PRIu32 "\n", a->what);
	if (a->rate)
		fprintf(out, "rate=%" PRIu32 "\nburst=%" PRIu32 "\n", a->rate, a->burst);
	if (a->has_owner)
		fprintf(out, "owner=%u\n", a->owner);
}

static void write_side(FILE *out, const struct link_side *side)
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(side->uuid, text);
	fprintf(out, "%s%s", side->host ? "host:" : "", text);
}

static void write_ports(FILE *out, uint32_t nr, const struct pvi_link_ports *ports)
{
	uint32_t i;

	if (!nr)
		fputs("all", out);
	else if (ports->first > ports->last)
		fputs("none", out);
	for (i = 0; i < nr && ports[i].first <= ports[i].last; i++) {
		fprintf(out, "%s%" PRIu32, i ? "," : "", ports[i].first);
		if (ports[i].last > ports[i].first)
			fprintf(out, "-%" PRIu32, ports[i].last);
	}
}

/* As short as what it was read from: both sides have the same, or each its own. */
static void write_both_ports(FILE *out, const struct link_spec *spec)
{
	bool same = spec->nr_ports[0] == spec->nr_ports[1] &&
		!memcmp(spec->ports[0], spec->ports[1], spec->nr_ports[0] * sizeof(*spec->ports[0]));

	if (!spec->nr_ports[0] && !spec->nr_ports[1])
		return;
	fputs("ports=", out);
	write_ports(out, spec->nr_ports[0], spec->ports[0]);
	if (!same) {
		fputc('/', out);
		write_ports(out, spec->nr_ports[1], spec->ports[1]);
	}
	fputc('\n', out);
}

static void write_owner(FILE *out, const struct link_side *side)
{
	fprintf(out, "%u", side->uid);
	if (side->grouped)
		fprintf(out, ":%u", side->gid);
}

void policy_write_link(FILE *out, const struct policy_link *link)
{
	static const char * const kinds[] = { "net", "vsock", "raw" };
	const struct link_spec *spec = &link->spec;

	fprintf(out, "[link %s]\nbetween=", link->label);
	write_side(out, &spec->sides[0]);
	fputc(',', out);
	write_side(out, &spec->sides[1]);
	fputc('\n', out);
	write_uuid(out, "uuid", spec->uuid);
	fprintf(out, "kind=%s\nsize=%" PRIu64 "\nqueues=%" PRIu32 "\n", kinds[spec->kind - PVI_RING_NET],
		spec->size, spec->queues);
	if (spec->huge)
		fprintf(out, "hugetlb=%s\n", *link->huge_dir ? link->huge_dir : "yes");
	if (spec->owned) {
		fputs("owner=", out);
		write_owner(out, &spec->sides[0]);
		fputc(',', out);
		write_owner(out, &spec->sides[1]);
		fputc('\n', out);
	}
	if (spec->cids[0])
		fprintf(out, "cid=%" PRIu32 ",%" PRIu32 "\n", spec->cids[0], spec->cids[1]);
	write_both_ports(out, spec);
}

static void write_reserve(FILE *out, const struct policy_reserve *r)
{
	fprintf(out, "[reserve %s]\n", r->label);
	write_uuid(out, "uuid", r->uuid);
	fprintf(out, "user=%u\n", r->user);
}

int policy_write(const struct policy *policy, FILE *out)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < policy->nr_vms && !ret; i++)
		ret = write_vm(out, &policy->vms[i]);
	for (i = 0; i < policy->nr_allows; i++)
		write_allow(out, &policy->allows[i], i);
	for (i = 0; i < policy->nr_links; i++)
		policy_write_link(out, &policy->links[i]);
	for (i = 0; i < policy->nr_reserves; i++)
		write_reserve(out, &policy->reserves[i]);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return ret;
}
