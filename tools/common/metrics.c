// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common metrics - counters of all endpoints, as Prometheus reads them
 *
 * What is printed of one family has to stand together, so all is listed first. Names are others'
 * text: made harmless, then escaped as labels are. Whoever may open the device may have endpoints with
 * tables as large as they like, so there is a limit to the rows of all that are printed, and kept, one by one.
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
	size_t share;		/* of the rows, that each VM has */
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

/* As it was listed: its table may grow meanwhile */
static size_t rows_of(const struct vm *vm, size_t most)
{
	size_t rows = (size_t)vm->r.senders + vm->r.grants;

	return rows < most ? rows : most;
}

/* How many each may have, all being @most: whoever has few has all of them, and the larger tables what is left. */
static size_t share_rows(const struct snapshot *s, size_t most)
{
	size_t low = 0, high = most, middle, sum, i;

	while (low < high) {
		middle = high - (high - low) / 2;
		for (sum = i = 0; i < s->nr; i++)
			sum += rows_of(&s->vms[i], middle);
		if (sum <= most)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/*
 * The first of them; @vm->edges has room for as many. The others are in what the VM has received, and in no sum: which
 * these are depends on others' tables, so that would go up and down.
 */
static void take_edge(struct snapshot *s, struct vm *vm, size_t room, const struct kvm_pvi_list_edge *e)
{
	flows_add(&s->flows, vm->r.uuid, e);
	if (vm->nr_edges < room)
		vm->edges[vm->nr_edges++] = *e;
}

static int take_edges(struct snapshot *s, int pvi, struct vm *vm)
{
	size_t room = rows_of(vm, s->share);
	struct kvm_pvi_list_edge page[64];
	uint64_t cursor = 0;
	int nr, i;

	vm->edges = calloc(room + 1, sizeof(*vm->edges));
	if (!vm->edges)
		return -ENOMEM;
	while ((nr = pvi_list(pvi, KVM_PVI_LIST_EDGES, vm->r.number, &cursor, page, sizeof(page[0]),
			      ARRAY_SIZE(page))) > 0)
		for (i = 0; i < nr; i++)
			take_edge(s, vm, room, &page[i]);
	/* It has gone meanwhile */
	return nr == -ENOENT ? 0 : nr;
}

static int take_all_edges(struct snapshot *s, int pvi, size_t rows)
{
	int ret = 0;
	size_t i;

	s->share = share_rows(s, rows);
	for (i = 0; i < s->nr && !ret; i++)
		ret = take_edges(s, pvi, &s->vms[i]);
	return ret;
}

static int take_vms(struct snapshot *s, int pvi, metrics_name *name, void *arg)
{
	struct kvm_pvi_list_endpoint page[64];
	char text[NAME_LEN], harmless[4 * NAME_LEN];
	uint64_t cursor = 0;
	int nr, i;
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

/* What the labels of a row say */
struct row {
	const char *sender_uuid;
	const char *sender_vm;
	const char *kind;
	const char *gsi;
};

static void print_row(FILE *out, const struct vm *vm, const struct row *row, const struct kvm_pvi_counts *counts)
{
	char receiver[UUID_STR_LEN];
	size_t k;

	uuid_unparse_lower(vm->r.uuid, receiver);
	for (k = 0; k < ARRAY_SIZE(results); k++)
		fprintf(out, "kvm_pvi_edge_rings_total{uuid=\"%s\",vm=\"%s\",sender_uuid=\"%s\",sender_vm=\"%s\",kind=\"%s\",gsi=\"%s\",result=\"%s\"} %llu\n",
			receiver, vm->label, row->sender_uuid, row->sender_vm, row->kind, row->gsi, results[k].name,
			value_at(counts, results[k].at));
}

static void print_edge(FILE *out, const struct snapshot *s, const struct vm *vm,
		       const struct kvm_pvi_list_edge *e)
{
	static const char * const kinds[] = { "gsi", "bell", "grant" };
	char sender[UUID_STR_LEN] = "", gsi[16];
	struct row row = {
		.sender_uuid = sender,
		.sender_vm = vm_label(s, e->uuid),
		.kind = e->kind < ARRAY_SIZE(kinds) ? kinds[e->kind] : "?",
		.gsi = gsi,
	};

	if (e->kind == KVM_PVI_EDGE_GRANT)
		snprintf(sender, sizeof(sender), "grant %llu", e->id);
	else
		uuid_unparse_lower(e->uuid, sender);
	snprintf(gsi, sizeof(gsi), e->gsi == KVM_PVI_GSI_ANY ? "any" : "%u", e->gsi);
	print_row(out, vm, &row, &e->counts);
}

static void print_rows(FILE *out, const struct snapshot *s, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < vm->nr_edges; i++)
		print_edge(out, s, vm, &vm->edges[i]);
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
	size_t i;

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
		print_rows(out, s, &s->vms[i]);
	print_flows(out, s);
	if (s->open_metrics)
		fputs("# EOF\n", out);
}

int metrics_print(FILE *out, int pvi, const char *links, size_t rows, bool open_metrics, metrics_name *name,
		  void *arg)
{
	struct snapshot s = { .open_metrics = open_metrics };
	int ret = take_vms(&s, pvi, name, arg) ?: flows_read(&s.flows, links) ?: take_all_edges(&s, pvi, rows);
	size_t i;

	if (s.nr)
		qsort(s.vms, s.nr, sizeof(*s.vms), compare_vms);
	if (!ret)
		print_all(out, &s);
	for (i = 0; i < s.nr; i++)
		free(s.vms[i].edges);
	free(s.vms);
	flows_free(&s.flows);
	return ret;
}
