// SPDX-License-Identifier: GPL-2.0-or-later
/* common links_join - what a link is to the endpoint at one of its ends */
#include <errno.h>
#include <stdlib.h>

#include "links.h"
#include "reconcile.h"

/* What an endpoint has, or @known is false */
struct has {
	bool known;
	struct kvm_pvi_list_gsi *gsis;
	size_t nr_gsis;
	struct kvm_pvi_list_edge *edges;
	size_t nr_edges;
};

static int compare_edges(const void *a, const void *b)
{
	const struct kvm_pvi_list_edge *x = a, *y = b;

	return uuid_compare(x->uuid, y->uuid) ?: (int)x->kind - (int)y->kind ?:
		(x->gsi < y->gsi ? -1 : x->gsi > y->gsi);
}

static int compare_gsis(const void *a, const void *b)
{
	const struct kvm_pvi_list_gsi *x = a, *y = b;

	return x->gsi < y->gsi ? -1 : x->gsi > y->gsi;
}

static int list(int lister, uint64_t number, struct has *has)
{
	void *gsis = NULL, *edges = NULL;
	int nr_gsis, nr_edges;

	*has = (struct has){ 0 };
	if (lister < 0)
		return 0;
	nr_gsis = list_all(lister, KVM_PVI_LIST_GSIS, number, &gsis, sizeof(*has->gsis));
	nr_edges = list_all(lister, KVM_PVI_LIST_EDGES, number, &edges, sizeof(*has->edges));
	*has = (struct has){ .known = true, .gsis = gsis, .edges = edges };
	if (nr_gsis < 0 || nr_edges < 0)
		return nr_gsis < 0 ? nr_gsis : nr_edges;
	has->nr_gsis = nr_gsis;
	has->nr_edges = nr_edges;
	qsort(gsis, nr_gsis, sizeof(*has->gsis), compare_gsis);
	qsort(edges, nr_edges, sizeof(*has->edges), compare_edges);
	return 0;
}

/* All of the side's GSIs are there, and the other side may ring them: what of it there is stays as it is. */
static bool has_joined(const struct has *has, const struct pvi_ring_shape *shape)
{
	struct kvm_pvi_list_edge edge = { .kind = KVM_PVI_EDGE_GSI };
	struct kvm_pvi_list_gsi gsi = { 0 };
	uint32_t i;

	if (!has->known || !has->nr_gsis || !has->nr_edges)
		return false;
	uuid_copy(edge.uuid, shape->peer);
	for (i = 0; i < shape->gsis; i++) {
		edge.gsi = gsi.gsi = shape->gsi + i;
		if (!bsearch(&gsi, has->gsis, has->nr_gsis, sizeof(gsi), compare_gsis) ||
		    !bsearch(&edge, has->edges, has->nr_edges, sizeof(edge), compare_edges))
			return false;
	}
	return true;
}

static void say(FILE *out, const uuid_t uuid, const uuid_t link)
{
	char text[UUID_STR_LEN], link_text[UUID_STR_LEN];

	uuid_unparse_lower(uuid, text);
	uuid_unparse_lower(link, link_text);
	fprintf(out, "join %s link %s\n", text, link_text);
}

int links_join(const struct links *links, const uuid_t uuid, int lister, uint64_t number, int pvi, FILE *out,
	       uuid_t failed)
{
	const struct pvi_ring_shape *shape;
	unsigned int changes = 0;
	struct has has = { 0 };
	bool listed = false;
	int ret = 0;
	size_t i;

	uuid_clear(failed);
	for (i = 0; !ret && i < 2 * links->nr; i++) {
		shape = &links->all[i / 2].shapes[i % 2];
		if (uuid_compare(shape->owner, uuid))
			continue;
		if (!listed)
			ret = list(lister, number, &has);
		listed = true;
		if (ret || has_joined(&has, shape))
			continue;
		if (has.known && changes >= RECONCILE_SLICE) {
			ret = -EINPROGRESS;
			continue;
		}
		if (out)
			say(out, uuid, shape->link);
		ret = pvi < 0 ? 0 : pvi_link_join(pvi, shape);
		changes += pvi < 0 ? 0 : shape->gsis;
		if (ret)
			uuid_copy(failed, shape->link);
	}
	free(has.gsis);
	free(has.edges);
	return ret;
}
