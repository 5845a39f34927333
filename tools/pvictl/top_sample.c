// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl top - what was counted, and what it was the last time */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "top.h"

static void append_edge(struct top_sample *sample, const struct top_edge *edge)
{
	if (sample->nr == sample->room) {
		sample->room = sample->room ? 2 * sample->room : 64;
		sample->edges = must_alloc(reallocarray(sample->edges, sample->room,
							sizeof(*sample->edges)));
	}
	sample->edges[sample->nr++] = *edge;
}

static void add_edges(struct top_sample *sample, const struct endpoint *e, size_t receiver, int pvi)
{
	struct top_edge edge = { .number = e->number, .receiver = receiver };
	struct edge_list edges;
	size_t i;

	if (!e->listed)
		pvi_query_wide(pvi, KVM_PVI_Q_SELF, 0, KVM_PVI_Q_SELF_EPOCH, &edge.number);
	list_edges(e, pvi, &edges);
	for (i = 0; i < edges.nr; i++) {
		edge.e = edges.all[i];
		append_edge(sample, &edge);
		flows_add(&sample->flows, e->uuid, &edge.e);
	}
	free(edges.all);
}

/* A row's number is never used again in its endpoint's life, nor is an endpoint's number or an epoch. */
static int compare_edges(const void *a, const void *b)
{
	const struct top_edge *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->e.id < y->e.id ? -1 : x->e.id > y->e.id;
}

static int compare_vms(const void *a, const void *b)
{
	const struct top_vm *x = a, *y = b;

	return uuid_compare(x->uuid, y->uuid);
}

static int compare_names(const void *a, const void *b)
{
	const struct top_vm *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Whoever runs a VMM chooses its name, and could take another's: then it is nobody's. */
static void drop_shared_names(struct top_sample *sample)
{
	struct top_vm **vms = must_alloc(calloc(sample->nr_vms + 1, sizeof(*vms)));
	size_t i, first, end;

	for (i = 0; i < sample->nr_vms; i++)
		vms[i] = &sample->vms[i];
	qsort(vms, sample->nr_vms, sizeof(*vms), compare_names);
	for (first = 0; first < sample->nr_vms; first = end) {
		for (end = first + 1; end < sample->nr_vms && !compare_names(&vms[first], &vms[end]); end++)
			;
		for (i = first; end - first > 1 && i < end; i++)
			*vms[i]->name = '\0';
	}
	free(vms);
}

static void take_vms(struct top_sample *sample, struct endpoint *all, size_t nr)
{
	size_t i;

	sample->vms = must_alloc(calloc(nr + 1, sizeof(*sample->vms)));
	for (i = 0; i < nr; i++) {
		if (all[i].dead)
			continue;
		uuid_copy(sample->vms[sample->nr_vms].uuid, all[i].uuid);
		sample->vms[sample->nr_vms++].endpoint = &all[i];
	}
	qsort(sample->vms, sample->nr_vms, sizeof(*sample->vms), compare_vms);
}

static struct top_vm *find_vm(const struct top_sample *sample, const uuid_t uuid)
{
	struct top_vm key;

	uuid_copy(key.uuid, uuid);
	return bsearch(&key, sample->vms, sample->nr_vms, sizeof(key), compare_vms);
}

static void name_vm(struct top_vm *vm)
{
	if (!vm)
		return;
	name_endpoint(vm->endpoint);
	strcpy(vm->name, vm->endpoint->name);
}

/* Who is printed: a VMM may have whoever reads its name wait, and who asks for one VM waits for no other one's. */
static void name_vms(struct top_sample *sample, const struct filter *filter)
{
	const struct flow_side *sides;
	size_t i;

	for (i = 0; !filter->set && i < sample->nr_vms; i++)
		name_vm(&sample->vms[i]);
	for (i = 0; filter->set && i < sample->nr; i++)
		name_vm(find_vm(sample, sample->edges[i].e.uuid));
	for (i = 0; filter->set && i < sample->flows.nr; i++) {
		sides = sample->flows.all[i].sides;
		if (uuid_compare(sides[0].owner, filter->uuid) && uuid_compare(sides[1].owner, filter->uuid))
			continue;
		name_vm(find_vm(sample, sides[0].owner));
		name_vm(find_vm(sample, sides[1].owner));
	}
	if (filter->set)
		name_vm(find_vm(sample, filter->uuid));
	drop_shared_names(sample);
}

struct top_sample top_sample_take(const struct filter *filter, const char *links)
{
	struct top_sample sample = { 0 };
	struct endpoint *all;
	size_t nr = find_endpoints(&all), i;
	int pvi = -1, ret;

	clock_gettime(CLOCK_MONOTONIC, &sample.time);
	ret = flows_read(&sample.flows, links);
	if (ret)
		die_doing(DOING_LINK, ret, "%s", links);
	take_vms(&sample, all, nr);
	for (i = 0; i < nr; i++) {
		if (all[i].dead || (filter->set && uuid_compare(all[i].uuid, filter->uuid)))
			continue;
		if (!all[i].listed) {
			pvi = take_endpoint(&all[i]);
			sample.unseen += pvi == -EPERM;
			if (pvi < 0)
				continue;
		}
		add_edges(&sample, &all[i], find_vm(&sample, all[i].uuid) - sample.vms, pvi);
		if (pvi >= 0)
			close(pvi);
	}
	name_vms(&sample, filter);
	free(all);
	if (sample.nr)
		qsort(sample.edges, sample.nr, sizeof(*sample.edges), compare_edges);
	return sample;
}

static uint64_t accepted(const struct kvm_pvi_counts *c)
{
	return c->raised + c->coalesced + c->latched;
}

static void follow_edge(struct top_edge *edge, const struct top_sample *before, bool shift)
{
	const struct top_edge *old = NULL;

	if (before->nr)
		old = bsearch(edge, before->edges, before->nr, sizeof(*edge), compare_edges);
	if (old) {
		edge->before = old->e.counts;
		memcpy(edge->spark, old->spark + shift, sizeof(edge->spark) - shift * sizeof(*edge->spark));
	}
	edge->spark[SPARK_CELLS - 1] += accepted(&edge->e.counts) - accepted(&edge->before);
}

double top_sample_follow(struct top_sample *now, struct top_sample *before)
{
	double seconds = now->time.tv_sec - before->time.tv_sec +
			 (now->time.tv_nsec - before->time.tv_nsec) * 1e-9;
	bool shift = before->spark_age >= SPARK_SECONDS;
	size_t i;

	now->spark_age = shift ? seconds : before->spark_age + seconds;
	for (i = 0; i < now->nr; i++)
		follow_edge(&now->edges[i], before, shift);
	now->before = before->flows;
	before->flows = (struct flows){ 0 };
	top_sample_free(before);
	return seconds;
}

void top_sample_free(struct top_sample *sample)
{
	free(sample->vms);
	free(sample->edges);
	flows_free(&sample->flows);
	flows_free(&sample->before);
}

const char *top_sample_name(const struct top_sample *sample, const uuid_t uuid, struct name_text *text)
{
	const struct top_vm *vm = find_vm(sample, uuid);

	*text = name_text(vm ? vm->name : "");
	return text->s;
}

const char *top_sample_called(const struct top_sample *sample, const uuid_t uuid, struct name_text *text)
{
	if (!*top_sample_name(sample, uuid, text))
		strcpy(text->s, uuid_text(uuid).s);
	return text->s;
}
