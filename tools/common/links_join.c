// SPDX-License-Identifier: GPL-2.0-or-later
/* common links_join - what a link is to the endpoint at one of its ends */
#include <errno.h>
#include <stdlib.h>

#include "links.h"
#include "policy.h"
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

/* The other side of a link of the policy, if that is one of its VMs, or NULL: whose endpoint that is, is not said. */
static const struct policy_vm *peer_vm(const struct policy *policy, const struct link *link,
				       const struct pvi_ring_shape *shape)
{
	return policy && *link->label ? policy_vm(policy, shape->peer) : NULL;
}

/* Where it is not said, any is as wanted, which somebody may have pinned by hand. */
static bool is_pinned_so(const struct kvm_pvi_list_edge *edge, const struct policy_vm *peer)
{
	return !peer || (!!(edge->flags & KVM_PVI_LISTED_PINNED) == peer->has_user &&
			 (!peer->has_user || edge->owner == peer->user));
}

/* NULL: there is none */
static const struct kvm_pvi_list_edge *has_edge(const struct has *has, const struct pvi_ring_shape *shape, uint32_t gsi)
{
	struct kvm_pvi_list_edge edge = { .kind = KVM_PVI_EDGE_GSI, .gsi = gsi };

	uuid_copy(edge.uuid, shape->peer);
	return has->nr_edges ? bsearch(&edge, has->edges, has->nr_edges, sizeof(edge), compare_edges) : NULL;
}

/* All of the side's GSIs are there, and the other side may ring them: what of it there is stays as it is. */
static bool has_joined(const struct has *has, const struct pvi_ring_shape *shape, const struct policy_vm *peer)
{
	const struct kvm_pvi_list_edge *edge;
	struct kvm_pvi_list_gsi gsi = { 0 };
	uint32_t i;

	if (!has->known || !has->nr_gsis)
		return false;
	for (i = 0; i < shape->gsis; i++) {
		gsi.gsi = shape->gsi + i;
		edge = has_edge(has, shape, gsi.gsi);
		if (!bsearch(&gsi, has->gsis, has->nr_gsis, sizeof(gsi), compare_gsis) || !edge ||
		    !is_pinned_so(edge, peer))
			return false;
	}
	return true;
}

/* A VM that is one user's may be named by another's endpoint, while it does not run. A row that is there keeps its rate. */
static int allow(const struct has *has, int pvi, const struct pvi_ring_shape *shape, uint32_t gsi,
		 const struct policy_vm *peer)
{
	const struct kvm_pvi_list_edge *edge = has_edge(has, shape, gsi);
	struct pvi_rate rate = { 0 };

	if (edge && is_pinned_so(edge, peer))
		return 0;
	if (edge)
		rate = (struct pvi_rate){ edge->rate, edge->burst };
	return peer && peer->has_user ? pvi_allow_owner(pvi, shape->peer, gsi, peer->user, &rate) :
		pvi_allow(pvi, shape->peer, gsi, &rate);
}

static int join(const struct has *has, int pvi, const struct pvi_ring_shape *shape, const struct policy_vm *peer)
{
	uint32_t i, gsi, kind;
	int ret;

	for (i = 0; i < shape->gsis; i++) {
		gsi = shape->gsi + i;
		kind = gsi < KVM_PVI_GSI_VIRTUAL ? KVM_PVI_GSI_EVENTFD : KVM_PVI_GSI_MSI;
		ret = pvi_expose(pvi, gsi, kind, NULL);
		ret = ret == -EEXIST ? 0 : ret;
		ret = ret ?: allow(has, pvi, shape, gsi, peer);
		if (ret)
			return ret;
	}
	return 0;
}

bool links_has_joined(const struct link *link, const struct pvi_ring_shape *shape, const struct policy *policy,
		      int lister, uint64_t number)
{
	struct has has;
	bool joined = !list(lister, number, &has) && has_joined(&has, shape, peer_vm(policy, link, shape));

	free(has.gsis);
	free(has.edges);
	return joined;
}

static void say(FILE *out, const uuid_t uuid, const uuid_t link)
{
	char text[UUID_STR_LEN], link_text[UUID_STR_LEN];

	uuid_unparse_lower(uuid, text);
	uuid_unparse_lower(link, link_text);
	fprintf(out, "join %s link %s\n", text, link_text);
}

int links_join(const struct links *links, const struct policy *policy, const uuid_t uuid, int lister, uint64_t number,
	       int pvi, FILE *out, uuid_t failed)
{
	const struct pvi_ring_shape *shape;
	const struct policy_vm *peer;
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
		peer = peer_vm(policy, &links->all[i / 2], shape);
		if (ret || has_joined(&has, shape, peer))
			continue;
		if (has.known && changes >= RECONCILE_SLICE) {
			ret = -EINPROGRESS;
			continue;
		}
		if (out)
			say(out, uuid, shape->link);
		ret = pvi < 0 ? 0 : join(&has, pvi, shape, peer);
		changes += pvi < 0 ? 0 : shape->gsis;
		if (ret)
			uuid_copy(failed, shape->link);
	}
	free(has.gsis);
	free(has.edges);
	return ret;
}
