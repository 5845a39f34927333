// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common metrics - counters of all endpoints, as Prometheus reads them
 *
 * What is printed of one family has to stand together, so all is listed first. Names are others'
 * text: made harmless, then escaped as labels are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "flows.h"
#include "metrics.h"

struct vm {
	struct kvm_pvi_list_endpoint r;
	char label[8 * NAME_LEN];
	struct kvm_pvi_list_edge *edges;
	size_t nr_edges;
};

struct snapshot {
	struct vm *vms;
	size_t nr;
	struct flows flows;
	bool open_metrics;
};

static void put_label(char *to, size_t size, const char *from)
{
	size_t at = 0;

	for (; *from && at + 3 < size; from++) {
		if (*from == '\\' || *from == '"')
			to[at++] = '\\';
		to[at++] = *from;
	}
	to[at] = '\0';
}

static int take_edges(int pvi, struct vm *vm)
{
	struct kvm_pvi_list_edge page[64], *more;
	uint64_t cursor = 0;
	int nr;

	while ((nr = pvi_list(pvi, KVM_PVI_LIST_EDGES, vm->r.number, &cursor, page, sizeof(page[0]),
			      ARRAY_SIZE(page))) > 0) {
		more = reallocarray(vm->edges, vm->nr_edges + nr, sizeof(*more));
		if (!more)
			return -ENOMEM;
		vm->edges = more;
		memcpy(more + vm->nr_edges, page, nr * sizeof(*more));
		vm->nr_edges += nr;
	}
	/* It has gone meanwhile */
	return nr == -ENOENT ? 0 : nr;
}

static int take_vms(struct snapshot *s, int pvi, metrics_name *name, void *arg)
{
	struct kvm_pvi_list_endpoint page[64];
	char text[NAME_LEN], harmless[4 * NAME_LEN];
	uint64_t cursor = 0;
	int nr, i, ret;
	struct vm *vm;

	while ((nr = pvi_list(pvi, KVM_PVI_LIST_ENDPOINTS, 0, &cursor, page, sizeof(page[0]),
			      ARRAY_SIZE(page))) > 0) {
		vm = reallocarray(s->vms, s->nr + nr, sizeof(*vm));
		if (!vm)
			return -ENOMEM;
		s->vms = vm;
		for (i = 0; i < nr; i++) {
			if (page[i].flags & KVM_PVI_LISTED_DEAD)
				continue;
			vm = &s->vms[s->nr++];
			*vm = (struct vm){ .r = page[i] };
			*text = '\0';
			name(&page[i], text, sizeof(text), arg);
			escape(harmless, sizeof(harmless), text);
			put_label(vm->label, sizeof(vm->label), harmless);
			ret = take_edges(pvi, vm);
			if (ret)
				return ret;
		}
	}
	return nr;
}

/* In the older format the type belongs to a name with "_total" */
static void family(FILE *out, const struct snapshot *s, const char *name, const char *type, const char *help)
{
	bool total = !strcmp(type, "counter") && !s->open_metrics;

	fprintf(out, "# HELP kvm_pvi_%s%s %s\n# TYPE kvm_pvi_%s%s %s\n", name, total ? "_total" : "",
		help, name, total ? "_total" : "", type);
}

static int compare_vms(const void *a, const void *b)
{
	const struct vm *x = a, *y = b;

	return uuid_compare(x->r.uuid, y->r.uuid);
}

static const char *vm_label(const struct snapshot *s, const unsigned char *uuid)
{
	const struct vm *found;
	struct vm key;

	uuid_copy(key.r.uuid, uuid);
	found = s->nr ? bsearch(&key, s->vms, s->nr, sizeof(key), compare_vms) : NULL;
	return found ? found->label : "";
}

struct counter {
	const char *name;
	size_t at;
};

static const struct counter results[] = {
	{ "raised", offsetof(struct kvm_pvi_counts, raised) },
	{ "coalesced", offsetof(struct kvm_pvi_counts, coalesced) },
	{ "latched", offsetof(struct kvm_pvi_counts, latched) },
	{ "denied", offsetof(struct kvm_pvi_counts, denied) },
	{ "throttled", offsetof(struct kvm_pvi_counts, throttled) },
};

static unsigned long long value_at(const void *counts, size_t at)
{
	return *(const __u64 *)((const char *)counts + at);
}

static void put_vm(FILE *out, const struct vm *vm)
{
	char uuid[UUID_STR_LEN];

	uuid_unparse_lower(vm->r.uuid, uuid);
	fprintf(out, "{uuid=\"%s\",vm=\"%s\"", uuid, vm->label);
}

static void print_counts(FILE *out, const struct snapshot *s, const char *name, size_t at, const char *help)
{
	size_t i, k;

	family(out, s, name, "counter", help);
	for (i = 0; i < s->nr; i++)
		for (k = 0; k < ARRAY_SIZE(results); k++) {
			fprintf(out, "kvm_pvi_%s_total", name);
			put_vm(out, &s->vms[i]);
			fprintf(out, ",result=\"%s\"} %llu\n", results[k].name,
				value_at((const char *)&s->vms[i].r + at, results[k].at));
		}
}

static void print_counter(FILE *out, const struct snapshot *s, const char *name, size_t at, const char *help)
{
	size_t i;

	family(out, s, name, "counter", help);
	for (i = 0; i < s->nr; i++) {
		fprintf(out, "kvm_pvi_%s_total", name);
		put_vm(out, &s->vms[i]);
		fprintf(out, "} %llu\n", value_at(&s->vms[i].r, at));
	}
}

static void print_gauge(FILE *out, const struct snapshot *s, const char *name, uint32_t (*value)(const struct vm *),
			const char *help)
{
	size_t i;

	family(out, s, name, "gauge", help);
	for (i = 0; i < s->nr; i++) {
		fprintf(out, "kvm_pvi_%s", name);
		put_vm(out, &s->vms[i]);
		fprintf(out, "} %u\n", value(&s->vms[i]));
	}
}

static uint32_t frozen(const struct vm *vm)
{
	return !!(vm->r.flags & KVM_PVI_LISTED_FROZEN);
}

static uint32_t gsis(const struct vm *vm)
{
	return vm->r.gsis;
}

static uint32_t senders(const struct vm *vm)
{
	return vm->r.senders;
}

static void print_edge(FILE *out, const struct snapshot *s, const struct vm *vm,
		       const struct kvm_pvi_list_edge *e)
{
	static const char * const kinds[] = { "gsi", "bell", "grant" };
	char receiver[UUID_STR_LEN], sender[UUID_STR_LEN] = "", gsi[16];
	size_t k;

	uuid_unparse_lower(vm->r.uuid, receiver);
	if (e->kind == KVM_PVI_EDGE_GRANT)
		snprintf(sender, sizeof(sender), "grant %llu", e->id);
	else
		uuid_unparse_lower(e->uuid, sender);
	snprintf(gsi, sizeof(gsi), e->gsi == KVM_PVI_GSI_ANY ? "any" : "%u", e->gsi);
	for (k = 0; k < ARRAY_SIZE(results); k++)
		fprintf(out, "kvm_pvi_edge_rings_total{uuid=\"%s\",vm=\"%s\",sender_uuid=\"%s\",sender_vm=\"%s\",kind=\"%s\",gsi=\"%s\",result=\"%s\"} %llu\n",
			receiver, vm->label, sender, vm_label(s, e->uuid),
			e->kind < ARRAY_SIZE(kinds) ? kinds[e->kind] : "?", gsi, results[k].name,
			value_at(&e->counts, results[k].at));
}

/* What there is of each side of each link: @value of what @from has sent to @to */
static void put_links(FILE *out, const struct snapshot *s, const char *name,
			void (*value)(FILE *out, const struct flow_side *from, const struct flow_side *to))
{
	char link[UUID_STR_LEN], from[UUID_STR_LEN], to[UUID_STR_LEN];
	const struct flow *f;
	size_t i, side;

	for (i = 0; i < 2 * s->flows.nr; i++) {
		f = &s->flows.all[i / 2];
		side = i % 2;
		if (!f->sides[side].seen)
			continue;
		uuid_unparse_lower(f->link, link);
		uuid_unparse_lower(f->sides[side].owner, from);
		uuid_unparse_lower(f->sides[!side].owner, to);
		fprintf(out, "kvm_pvi_link_%s{link=\"%s\",kind=\"%s\",uuid=\"%s\",vm=\"%s\",peer_uuid=\"%s\",peer_vm=\"%s\"} ",
			name, link, flow_kind(f->kind), from, vm_label(s, f->sides[side].owner), to,
			vm_label(s, f->sides[!side].owner));
		value(out, &f->sides[side], &f->sides[!side]);
	}
}

static void put_up(FILE *out, const struct flow_side *from, const struct flow_side *to)
{
	fprintf(out, "%d\n", from->state == PVI_RING_RUN && to->state == PVI_RING_RUN);
}

static void put_bytes(FILE *out, const struct flow_side *from, const struct flow_side *to)
{
	(void)to;
	fprintf(out, "%llu\n", (unsigned long long)from->bytes);
}

static void put_wakes(FILE *out, const struct flow_side *from, const struct flow_side *to)
{
	(void)from;
	fprintf(out, "%llu\n", (unsigned long long)to->wakes);
}

static void print_flows(FILE *out, const struct snapshot *s)
{
	family(out, s, "link_up", "gauge", "1 if both sides of the link talk.");
	put_links(out, s, "up", put_up);
	family(out, s, "link_sent_bytes", "counter", "What the VM has sent over the link, in this session.");
	put_links(out, s, "sent_bytes_total", put_bytes);
	family(out, s, "link_wakes", "counter", "How often the VM has woken its peer.");
	put_links(out, s, "wakes_total", put_wakes);
}

static void print_all(FILE *out, const struct snapshot *s)
{
	size_t i, k;

	family(out, s, "endpoints", "gauge", "Endpoints that are bound.");
	fprintf(out, "kvm_pvi_endpoints %zu\n", s->nr);
	print_gauge(out, s, "frozen", frozen, "1 if rings to it have to wait.");
	print_gauge(out, s, "gsis", gsis, "GSIs that it exposes.");
	print_gauge(out, s, "senders", senders, "Rows of its table of senders.");
	print_counts(out, s, "sent_rings", offsetof(struct kvm_pvi_list_endpoint, sent),
		     "Rings by it, by what became of them.");
	print_counts(out, s, "received_rings", offsetof(struct kvm_pvi_list_endpoint, received),
		     "Rings to it, by what became of them.");
	print_counter(out, s, "retries", offsetof(struct kvm_pvi_list_endpoint, retries),
		      "Injections that were tried again.");
	print_counter(out, s, "dropped_signals", offsetof(struct kvm_pvi_list_endpoint, dropped),
		      "Signals of its sources that rang nothing.");
	family(out, s, "edge_rings", "counter", "Rings by a row of its table, by what became of them.");
	for (i = 0; i < s->nr; i++)
		for (k = 0; k < s->vms[i].nr_edges; k++)
			print_edge(out, s, &s->vms[i], &s->vms[i].edges[k]);
	print_flows(out, s);
	if (s->open_metrics)
		fputs("# EOF\n", out);
}

static void count_wakes(struct snapshot *s)
{
	size_t i, k;

	for (i = 0; i < s->nr; i++)
		for (k = 0; k < s->vms[i].nr_edges; k++)
			flows_add(&s->flows, s->vms[i].r.uuid, &s->vms[i].edges[k]);
}

int metrics_print(FILE *out, int pvi, const char *links, bool open_metrics, metrics_name *name, void *arg)
{
	struct snapshot s = { .open_metrics = open_metrics };
	int ret = take_vms(&s, pvi, name, arg) ?: flows_read(&s.flows, links);
	size_t i;

	if (s.nr)
		qsort(s.vms, s.nr, sizeof(*s.vms), compare_vms);
	if (!ret) {
		count_wakes(&s);
		print_all(out, &s);
	}
	for (i = 0; i < s.nr; i++)
		free(s.vms[i].edges);
	free(s.vms);
	flows_free(&s.flows);
	return ret;
}
