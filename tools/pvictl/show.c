// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl show - one endpoint, all of it */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "pvictl.h"

static uint64_t query(int pvi, uint32_t kind, uint32_t index, uint32_t field, int *ret)
{
	uint64_t value = 0;

	*ret = pvi_query(pvi, kind, index, field, &value);
	return value;
}

const char *kind_text(uint32_t kind)
{
	static const char * const kinds[] = { "direct", "eventfd", "msi" };

	return kind < ARRAY_SIZE(kinds) ? kinds[kind] : "?";
}

static void add_number(struct report *report, uint32_t number, bool there)
{
	if (there)
		report_cell(report, "%u", number);
	else
		report_cell(report, "%s", "");
}

static void add_gsi(struct report *report, const struct kvm_pvi_list_gsi *g)
{
	report_row(report);
	report_cell(report, "%u", g->gsi);
	report_cell(report, "%s", kind_text(g->kind));
	report_cell(report, "%d", !!(g->state & KVM_PVI_GSI_WIRED));
	report_cell(report, "%d", !!(g->state & KVM_PVI_GSI_LATCHED));
	report_cell(report, "%d", !!(g->state & KVM_PVI_GSI_STATUS));
	if (g->bell == KVM_PVI_LISTED_NO_BELL)
		report_cell(report, "%s", "");
	else
		report_cell(report, "%u", g->bell);
	report_cell(report, "%llu", g->rings);
	add_number(report, g->rate, g->rate);
	add_number(report, g->burst, g->rate);
}

/* What the endpoint itself says of its GSI @index; false: there is none */
static bool query_gsi(int pvi, uint32_t index, struct kvm_pvi_list_gsi *g)
{
	uint64_t rings = 0;
	int ret;

	g->gsi = query(pvi, KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_NUMBER, &ret);
	if (ret)
		return false;
	g->kind = query(pvi, KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_KIND, &ret);
	g->state = query(pvi, KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_STATE, &ret);
	pvi_query_wide(pvi, KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_RINGS, &rings);
	g->rings = rings;
	g->bell = query(pvi, KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_BELL, &ret);
	if (ret)
		g->bell = KVM_PVI_LISTED_NO_BELL;
	return true;
}

static void add_gsis(struct report *report, const struct endpoint *e, int pvi)
{
	struct kvm_pvi_list_gsi g = { 0 };
	uint64_t cursor = 0;
	uint32_t i;

	report_table(report, "gsis", "GSIs", "#GSI KIND ?WIRED ?LATCHED ?STATUS #BELL #RINGS #RATE #BURST");
	if (e->listed)
		while (list_page(KVM_PVI_LIST_GSIS, e->number, &cursor, &g, sizeof(g), 1))
			add_gsi(report, &g);
	else
		for (i = 0; query_gsi(pvi, i, &g); i++)
			add_gsi(report, &g);
}

static void add_edges(struct report *report, const struct endpoint *e, int pvi)
{
	static const char * const kinds[] = { "gsi", "bell", "grant" };
	struct kvm_pvi_list_edge *edge;
	struct edge_list edges;
	struct uuid_text sender;
	char text[11];

	report_table(report, "senders", "Senders",
		     "SENDER SENDER_NAME KIND GSI #RATE #BURST #OWNER " COUNT_COLUMNS);
	list_edges(e, pvi, &edges);
	for (edge = edges.all; edge < edges.all + edges.nr; edge++) {
		report_row(report);
		report_cell(report, "%s", sender_text(edge, &sender));
		report_cell(report, "%s", edge->kind == KVM_PVI_EDGE_GRANT ? "" : name_of(edge->uuid).s);
		report_cell(report, "%s", edge->kind < ARRAY_SIZE(kinds) ? kinds[edge->kind] : "?");
		report_cell(report, "%s", gsi_text(edge->gsi, text));
		add_number(report, edge->rate, edge->rate);
		add_number(report, edge->burst, edge->rate);
		add_number(report, edge->owner, edge->flags & KVM_PVI_LISTED_PINNED);
		report_counts(report, &edge->counts);
	}
	free(edges.all);
}

static void add_port(struct report *report, const struct kvm_pvi_list_port *p)
{
	static const char * const states[] = { "eventfd", "live", "dead", "revoked" };
	bool peer = p->state != KVM_PVI_PORT_EVENTFD;

	report_row(report);
	report_cell(report, "%u", p->port);
	report_cell(report, "%s", p->state < ARRAY_SIZE(states) ? states[p->state] : "?");
	add_number(report, p->gsi, peer);
	peer &= !uuid_is_null(p->uuid);
	report_cell(report, "%s", peer ? uuid_text(p->uuid).s : "");
	report_cell(report, "%s", peer ? name_of(p->uuid).s : "");
}

/* Of ports that the guest made this finds none: their numbers are only listed */
static void query_ports(struct report *report, int pvi)
{
	struct kvm_pvi_list_port p = { 0 };
	uint64_t port, end;
	int ret;

	end = query(pvi, KVM_PVI_Q_LIMIT, 0, KVM_PVI_Q_LIMIT_PORTS, &ret);
	for (port = 0; port < end; port++) {
		p.port = port;
		p.state = query(pvi, KVM_PVI_Q_PORT, port, KVM_PVI_Q_PORT_STATE, &ret);
		if (ret)
			continue;
		p.gsi = query(pvi, KVM_PVI_Q_PORT, port, KVM_PVI_Q_PORT_GSI, &ret);
		add_port(report, &p);
	}
}

static void add_ports(struct report *report, const struct endpoint *e, int pvi)
{
	struct kvm_pvi_list_port p;
	uint64_t cursor = 0;

	report_table(report, "ports", "Ports", "#PORT STATE #GSI RECEIVER RECEIVER_NAME");
	if (e->listed)
		while (list_page(KVM_PVI_LIST_PORTS, e->number, &cursor, &p, sizeof(p), 1))
			add_port(report, &p);
	else
		query_ports(report, pvi);
}

void peers_table(struct report *report, bool named)
{
	report_table(report, "peers", "Peers", named ? "PEER PEER_NAME #POSITION #GSIS" : "PEER #POSITION #GSIS");
}

void peers_row(struct report *report, const struct kvm_pvi_peer *peer, bool named)
{
	report_row(report);
	report_cell(report, "%s", uuid_text(peer->uuid).s);
	if (named)
		report_cell(report, "%s", name_of(peer->uuid).s);
	report_cell(report, "%u", peer->position);
	report_cell(report, "%u", peer->gsis);
}

/* Whom it may ring, as it is told itself */
static void query_peers(struct report *report, int pvi)
{
	struct kvm_pvi_peer peers[KVM_PVI_PEERS_MAX];
	uint32_t first = 0;
	int nr, i;

	while ((nr = pvi_peers(pvi, peers, ARRAY_SIZE(peers), first)) > 0) {
		for (i = 0; i < nr; i++)
			peers_row(report, &peers[i], true);
		first = peers[nr - 1].position + 1;
	}
}

/* As the receivers' tables say; its own numbers of them are its own affair */
static void list_peers(struct report *report, const struct endpoint *e)
{
	struct kvm_pvi_list_edge *edge;
	struct edge_list edges;
	struct endpoint *all;
	size_t nr = find_endpoints(&all), i;
	uint32_t gsis;

	for (i = 0; i < nr; i++) {
		list_edges(&all[i], -1, &edges);
		gsis = 0;
		for (edge = edges.all; edge < edges.all + edges.nr && !all[i].dead; edge++)
			if (edge->kind != KVM_PVI_EDGE_GRANT && !uuid_compare(edge->uuid, e->uuid))
				gsis += edge->gsi == KVM_PVI_GSI_ANY ? all[i].gsis - all[i].bells : 1;
		free(edges.all);
		if (!gsis)
			continue;
		report_row(report);
		report_cell(report, "%s", uuid_text(all[i].uuid).s);
		report_cell(report, "%s", name_of(all[i].uuid).s);
		report_cell(report, "%s", "");
		report_cell(report, "%u", gsis);
	}
	free(all);
}

static void add_peers(struct report *report, const struct endpoint *e, int pvi)
{
	peers_table(report, true);
	if (pvi >= 0)
		query_peers(report, pvi);
	else
		list_peers(report, e);
}

static void add_counters(struct report *report, const struct endpoint *e)
{
	report_table(report, "counters", "Counters", "DIRECTION " COUNT_COLUMNS);
	report_row(report);
	report_cell(report, "sent");
	report_counts(report, &e->sent);
	report_row(report);
	report_cell(report, "received");
	report_counts(report, &e->received);
}

struct show_args {
	struct report *report;
	const char *links;
	uuid_t uuid;
};

static error_t parse_show(int key, char *arg, struct argp_state *state)
{
	struct show_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args->report;
		return 0;
	case 'd':
		args->links = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "too many arguments: '%s'", arg);
		parse_vm(state, arg, args->uuid);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which VM?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option show_options[] = {
	LINKS_OPTION,
	{ 0 }
};

static const struct argp show_argp = {
	.options = show_options,
	.parser = parse_show,
	.args_doc = "VM",
	.doc = "Print what one endpoint exposes, whom it allows, its ports, whom it may ring, its links and counters.",
	.children = report_child,
};

int cmd_show(int argc, char **argv)
{
	struct show_args args = { .report = report_new(), .links = PVI_LINK_DIR };
	struct endpoint e;
	int pvi;

	argp_parse(&show_argp, argc, argv, 0, NULL, &args);
	need_endpoint(args.uuid, &e);
	/* Root needs none to see most of it, where nobody may trace */
	pvi = e.listed ? take_endpoint(&e) : open_endpoint(args.uuid, &e);
	list_table(args.report, "endpoint");
	list_row(args.report, &e);
	add_gsis(args.report, &e, pvi);
	add_edges(args.report, &e, pvi);
	add_ports(args.report, &e, pvi);
	add_peers(args.report, &e, pvi);
	links_table(args.report, args.links, args.uuid);
	add_counters(args.report, &e);
	report_print(args.report);
	if (pvi >= 0)
		close(pvi);
	return 0;
}
