// SPDX-License-Identifier: GPL-2.0-or-later
/* common reconcile - from what an endpoint has to what the policy says */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "reconcile.h"
#include "words.h"

struct work {
	int pvi;
	const struct policy_vm *new;
	const struct policy *new_policy;
	const unsigned char *uuid;
	struct kvm_pvi_list_gsi *gsis;
	size_t nr_gsis;
	struct kvm_pvi_list_edge *edges;
	size_t nr_edges;
	const char *words;
	FILE *out;		/* or NULL */
	char doing[RECONCILE_WHAT];
	char *what;
	unsigned int changes;	/* made, */
	int64_t began;		/* since then */
	int ret;
};

int find_listed(int lister, const uuid_t uuid, struct kvm_pvi_list_endpoint *r)
{
	static struct kvm_pvi_list_endpoint page[KVM_PVI_LIST_MAX];
	uint64_t cursor = 0;
	int nr, i;

	while ((nr = pvi_list(lister, KVM_PVI_LIST_ENDPOINTS, 0, &cursor, page, sizeof(page[0]),
			      ARRAY_SIZE(page))) > 0)
		for (i = 0; i < nr; i++)
			if (!(page[i].flags & KVM_PVI_LISTED_DEAD) && !uuid_compare(page[i].uuid, uuid)) {
				*r = page[i];
				return 0;
			}
	return nr ?: -ENOENT;
}

int read_listed_any(int lister, uint64_t number, struct kvm_pvi_list_endpoint *r)
{
	uint64_t cursor = number - 1;
	int nr = pvi_list(lister, KVM_PVI_LIST_ENDPOINTS, 0, &cursor, r, sizeof(*r), 1);

	if (nr < 0)
		return nr;
	return nr && r->number == number ? 0 : -ENOENT;
}

int read_listed(int lister, uint64_t number, struct kvm_pvi_list_endpoint *r)
{
	int ret = read_listed_any(lister, number, r);

	return ret ?: r->flags & KVM_PVI_LISTED_DEAD ? -ENOENT : 0;
}

int list_all(int lister, uint32_t kind, uint64_t number, void **records, size_t size)
{
	uint64_t cursor = 0;
	int nr, all = 0;
	char *more;

	*records = NULL;
	do {
		more = realloc(*records, (all + 64) * size);
		if (!more)
			return -ENOMEM;
		*records = more;
		nr = pvi_list(lister, kind, number, &cursor, more + all * size, size, 64);
		if (nr < 0)
			return nr;
		all += nr;
	} while (nr);
	return all;
}

static const struct policy_gsi *wanted_gsi(const struct policy_vm *vm, uint32_t gsi)
{
	size_t i;

	for (i = 0; vm && i < vm->nr_gsis; i++)
		if (vm->gsis[i].gsi == gsi)
			return &vm->gsis[i];
	return NULL;
}

static struct kvm_pvi_list_gsi *listed_gsi(const struct work *w, uint32_t gsi)
{
	size_t i;

	for (i = 0; i < w->nr_gsis; i++)
		if (w->gsis[i].gsi == gsi)
			return &w->gsis[i];
	return NULL;
}

static int compare_edges(const void *a, const void *b)
{
	const struct kvm_pvi_list_edge *x = a, *y = b;

	return uuid_compare(x->uuid, y->uuid) ?: (int)x->kind - (int)y->kind ?:
		(x->gsi < y->gsi ? -1 : x->gsi > y->gsi);
}

static bool edge_is_as_wanted(const struct kvm_pvi_list_edge *e, const struct policy_allow *a)
{
	return e->rate == a->rate && (!a->rate || e->burst == a->burst) &&
		(!a->bell || e->bits == a->bits) &&
		!!(e->flags & KVM_PVI_LISTED_PINNED) == a->has_owner && (!a->has_owner || e->owner == a->owner);
}

/* One that has been revoked has no id any more. */
static struct kvm_pvi_list_edge *listed_edge(const struct work *w, const struct policy_allow *a)
{
	struct kvm_pvi_list_edge *found, key = {
		.kind = a->bell ? KVM_PVI_EDGE_BELL : KVM_PVI_EDGE_GSI, .gsi = a->what,
	};

	uuid_copy(key.uuid, a->from);
	found = w->nr_edges ? bsearch(&key, w->edges, w->nr_edges, sizeof(key), compare_edges) : NULL;
	return found && found->id ? found : NULL;
}

static void say(struct work *w, const char *verb, const char *object, uint32_t n)
{
	char uuid[UUID_STR_LEN], number[16];

	uuid_unparse_lower(w->uuid, uuid);
	snprintf(number, sizeof(number), n == KVM_PVI_GSI_ANY ? "any" : "%u", n);
	snprintf(w->doing, sizeof(w->doing), "%s %s %s %s", verb, uuid, object, number);
	if (w->out)
		fprintf(w->out, "%s\n", w->doing);
}

static void say_edge(struct work *w, const char *verb, const struct policy_allow *a)
{
	char object[64], from[UUID_STR_LEN];

	uuid_unparse_lower(a->from, from);
	snprintf(object, sizeof(object), "%s %s", from, a->bell ? "bell" : "gsi");
	say(w, verb, object, a->what);
}

/*
 * What cannot be done is no reason to leave out the rest; the first of it is told. Nor does it count: there are
 * fewer changes to be made after each slice.
 */
static void note(struct work *w, int ret)
{
	if (!ret)
		w->changes += w->pvi >= 0;
	if (!ret || w->ret)
		return;
	w->ret = ret;
	stpcpy(w->what, w->doing);
}

/* Where each change takes long, after a few. */
static bool slice_is_full(const struct work *w)
{
	return w->changes >= RECONCILE_SLICE || (w->changes && child_now() - w->began >= RECONCILE_SECONDS * 1000);
}

static void revoke_old(struct work *w, const struct policy *p)
{
	size_t nr, i;
	const struct policy_allow *a = policy_allows(p, w->uuid, &nr);
	struct kvm_pvi_list_edge *listed;
	int ret;

	for (i = 0; i < nr && !slice_is_full(w); i++) {
		listed = listed_edge(w, &a[i]);
		if (!listed || policy_has_allow(w->new_policy, &a[i]))
			continue;
		say_edge(w, "revoke", &a[i]);
		listed->id = 0;
		if (w->pvi < 0)
			continue;
		ret = a[i].bell ? pvi_revoke_bell(w->pvi, a[i].from, a[i].what) :
			pvi_revoke(w->pvi, a[i].from, a[i].what);
		note(w, ret == -ENOENT ? 0 : ret);
	}
}

/* Of a GSI that is exposed */
static bool is_limited_so(const struct kvm_pvi_list_gsi *listed, const struct policy_gsi *g)
{
	return listed->rate == g->rate && (!g->rate || listed->burst == g->burst);
}

/*
 * One that is exposed has to go before it is as @new says: a bell goes with its GSI, and a GSI keeps its rate. Who has
 * given it another rate by hand than the policy has had all the time has it so.
 */
static bool is_in_the_way(const struct kvm_pvi_list_gsi *listed, const struct policy_gsi *old, const struct policy_gsi *new)
{
	return !new || (new->bell != listed->bell && listed->bell != KVM_PVI_LISTED_NO_BELL) ||
		((old->rate != new->rate || old->burst != new->burst) && !is_limited_so(listed, new));
}

/* What is taken from a GSI may have gone meanwhile. */
static void undo(struct work *w, const char *verb, uint32_t gsi, int (*call)(int pvi, uint32_t gsi))
{
	int ret;

	say(w, verb, "gsi", gsi);
	if (w->pvi < 0)
		return;
	ret = call(w->pvi, gsi);
	note(w, ret == -ENOENT ? 0 : ret);
}

static void unexpose_old(struct work *w, const struct policy *p)
{
	const struct policy_vm *vm = policy_vm(p, w->uuid);
	const struct policy_gsi *old, *new;
	struct kvm_pvi_list_gsi *listed;
	size_t i;

	for (i = 0; vm && i < vm->nr_gsis && !slice_is_full(w); i++) {
		old = &vm->gsis[i];
		new = wanted_gsi(w->new, old->gsi);
		listed = listed_gsi(w, old->gsi);
		if (!listed || !is_in_the_way(listed, old, new))
			continue;
		listed->gsi = UINT32_MAX;
		undo(w, "unexpose", old->gsi, pvi_unexpose);
	}
}

static bool has_word(const struct kvm_pvi_list_gsi *listed)
{
	return listed->state & KVM_PVI_GSI_STATUS;
}

/* Of GSIs that stay; from the others it has gone with them. */
static void unstatus_old(struct work *w, const struct policy *p)
{
	const struct policy_vm *vm = policy_vm(p, w->uuid);
	const struct policy_gsi *old, *new;
	struct kvm_pvi_list_gsi *listed;
	size_t i;

	for (i = 0; vm && i < vm->nr_gsis && !slice_is_full(w); i++) {
		old = &vm->gsis[i];
		new = wanted_gsi(w->new, old->gsi);
		listed = listed_gsi(w, old->gsi);
		if (old->word == POLICY_NO_WORD || !listed || !has_word(listed) || (new && new->word == old->word))
			continue;
		listed->state &= ~KVM_PVI_GSI_STATUS;
		undo(w, "unstatus", old->gsi, pvi_unstatus);
	}
}

static int expose_one(int pvi, const struct policy_gsi *g)
{
	struct pvi_rate rate = { g->rate, g->burst };

	return pvi_expose(pvi, g->gsi, g->gsi >= KVM_PVI_GSI_VIRTUAL ? KVM_PVI_GSI_MSI : KVM_PVI_GSI_DIRECT, &rate);
}

static void expose_new(struct work *w)
{
	const struct policy_gsi *g;
	struct kvm_pvi_list_gsi *listed;
	size_t i;
	int ret;

	for (i = 0; w->new && i < w->new->nr_gsis && !slice_is_full(w); i++) {
		g = &w->new->gsis[i];
		listed = listed_gsi(w, g->gsi);
		ret = 0;
		/* One that somebody else has exposed without the limit is in the way. */
		if (!listed || (g->rate && !is_limited_so(listed, g))) {
			say(w, "expose", "gsi", g->gsi);
			ret = w->pvi < 0 ? 0 : expose_one(w->pvi, g);
			note(w, ret);
		}
		if (!ret && g->bell != POLICY_NO_BELL && (!listed || listed->bell != g->bell)) {
			say(w, "bell", "gsi", g->gsi);
			note(w, w->pvi < 0 ? 0 : pvi_bell_create(w->pvi, g->bell, g->gsi));
		}
		if (!ret && g->word != POLICY_NO_WORD && (!listed || !has_word(listed))) {
			say(w, "status", "gsi", g->gsi);
			note(w, w->pvi < 0 ? 0 : words_give(w->words, w->uuid, w->pvi, g->gsi, g->word));
		}
	}
}

static int allow_one(int pvi, const struct policy_allow *a)
{
	struct pvi_rate rate = { a->rate, a->burst };

	if (a->bell && a->has_owner)
		return pvi_allow_bell_owner(pvi, a->from, a->what, a->bits, a->owner, &rate);
	if (a->bell)
		return pvi_allow_bell(pvi, a->from, a->what, a->bits, &rate);
	if (a->has_owner)
		return pvi_allow_owner(pvi, a->from, a->what, a->owner, &rate);
	return pvi_allow(pvi, a->from, a->what, &rate);
}

static void allow_new(struct work *w)
{
	size_t nr, i;
	const struct policy_allow *a = policy_allows(w->new_policy, w->uuid, &nr);
	const struct kvm_pvi_list_edge *listed;

	for (i = 0; i < nr && !slice_is_full(w); i++) {
		listed = listed_edge(w, &a[i]);
		if (listed && edge_is_as_wanted(listed, &a[i]))
			continue;
		say_edge(w, "allow", &a[i]);
		note(w, w->pvi < 0 ? 0 : allow_one(w->pvi, &a[i]));
	}
}

/* What any of the older ones may have given */
static void take_back(struct work *w, const struct policy *old)
{
	const struct policy *p;

	for (p = old; p; p = p->older)
		revoke_old(w, p);
	for (p = old; p; p = p->older)
		unexpose_old(w, p);
	for (p = old; p; p = p->older)
		unstatus_old(w, p);
}

/* @w: what is known of the endpoint without asking for it */
static int work_on(struct work *w, int lister, uint64_t number, const struct policy *old, bool give)
{
	void *gsis = NULL, *edges = NULL;
	int nr_gsis, nr_edges;

	w->began = child_now();
	stpcpy(w->what, "list what it has");
	nr_gsis = list_all(lister, KVM_PVI_LIST_GSIS, number, &gsis, sizeof(*w->gsis));
	nr_edges = list_all(lister, KVM_PVI_LIST_EDGES, number, &edges, sizeof(*w->edges));
	w->ret = nr_gsis < 0 ? nr_gsis : nr_edges < 0 ? nr_edges : 0;
	if (!w->ret) {
		w->gsis = gsis;
		w->nr_gsis = nr_gsis;
		w->edges = edges;
		w->nr_edges = nr_edges;
		qsort(edges, nr_edges, sizeof(*w->edges), compare_edges);
		take_back(w, old);
		if (give) {
			expose_new(w);
			allow_new(w);
		}
	}
	free(gsis);
	free(edges);
	return slice_is_full(w) ? -EINPROGRESS : w->ret;
}

int reconcile(int lister, uint64_t number, int pvi, const uuid_t uuid, const struct policy *old,
	      const struct policy *new, const char *words, FILE *out, char what[static RECONCILE_WHAT])
{
	struct work w = {
		.pvi = pvi, .uuid = uuid, .new = policy_vm(new, uuid), .new_policy = new, .words = words, .out = out,
		.what = what,
	};

	return work_on(&w, lister, number, old, true);
}

int reconcile_take_back(int lister, uint64_t number, int pvi, const uuid_t uuid, const struct policy *old,
			const struct policy *new, char what[static RECONCILE_WHAT])
{
	struct work w = {
		.pvi = pvi, .uuid = uuid, .new = policy_vm(new, uuid), .new_policy = new, .what = what,
	};

	return work_on(&w, lister, number, old, false);
}
