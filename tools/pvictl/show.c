// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl show - one endpoint, all of it */
#include <errno.h>
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

static void add_gsi(struct report *report, int pvi, uint32_t index, uint32_t gsi)
{
	uint64_t kind, state, rings = 0, bell;
	int ret;

	kind = query(pvi, KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_KIND, &ret);
	state = query(pvi, KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_STATE, &ret);
	pvi_query_wide(pvi, KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_RINGS, &rings);
	bell = query(pvi, KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_BELL, &ret);

	report_row(report);
	report_cell(report, "%u", gsi);
	report_cell(report, "%s", kind_text(kind));
	report_cell(report, "%d", !!(state & KVM_PVI_GSI_WIRED));
	report_cell(report, "%d", !!(state & KVM_PVI_GSI_LATCHED));
	report_cell(report, "%d", !!(state & KVM_PVI_GSI_STATUS));
	if (ret)
		report_cell(report, "%s", "");
	else
		report_cell(report, "%llu", (unsigned long long)bell);
	report_cell(report, "%llu", (unsigned long long)rings);
}

static void add_gsis(struct report *report, int pvi)
{
	uint32_t i, gsi;
	int ret;

	report_table(report, "gsis", "GSIs", "#GSI KIND ?WIRED ?LATCHED ?STATUS #BELL #RINGS");
	for (i = 0; ; i++) {
		gsi = query(pvi, KVM_PVI_Q_GSI, i, KVM_PVI_Q_GSI_NUMBER, &ret);
		if (ret)
			return;
		add_gsi(report, pvi, i, gsi);
	}
}

static void add_edges(struct report *report, int pvi)
{
	static const char * const kinds[] = { "gsi", "bell", "grant" };
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	struct uuid_text sender;
	char text[11];

	report_table(report, "senders", "Senders", "SENDER KIND GSI " COUNT_COLUMNS);
	while (pvi_next_edge(pvi, &edge) > 0) {
		report_row(report);
		report_cell(report, "%s", sender_text(&edge, &sender));
		report_cell(report, "%s", edge.kind < ARRAY_SIZE(kinds) ? kinds[edge.kind] : "?");
		report_cell(report, "%s", gsi_text(edge.gsi, text));
		report_counts(report, &edge.counts);
	}
}

static void add_ports(struct report *report, int pvi)
{
	static const char * const states[] = { "eventfd", "live", "dead", "revoked" };
	uint64_t state, gsi, port, end;
	int ret;

	end = query(pvi, KVM_PVI_Q_LIMIT, 0, KVM_PVI_Q_LIMIT_PORTS, &ret);
	report_table(report, "ports", "Ports", "#PORT STATE #GSI");
	for (port = 0; port < end; port++) {
		state = query(pvi, KVM_PVI_Q_PORT, port, KVM_PVI_Q_PORT_STATE, &ret);
		if (ret)
			continue;
		gsi = query(pvi, KVM_PVI_Q_PORT, port, KVM_PVI_Q_PORT_GSI, &ret);
		report_row(report);
		report_cell(report, "%llu", (unsigned long long)port);
		report_cell(report, "%s", state < ARRAY_SIZE(states) ? states[state] : "?");
		if (ret)
			report_cell(report, "%s", "");
		else
			report_cell(report, "%llu", (unsigned long long)gsi);
	}
}

void peers_table(struct report *report)
{
	report_table(report, "peers", "Peers", "PEER #POSITION #GSIS");
}

void peers_row(struct report *report, const struct kvm_pvi_peer *peer)
{
	report_row(report);
	report_cell(report, "%s", uuid_text(peer->uuid).s);
	report_cell(report, "%u", peer->position);
	report_cell(report, "%u", peer->gsis);
}

/* Whom it may ring. */
static void add_peers(struct report *report, int pvi)
{
	struct kvm_pvi_peer peers[KVM_PVI_PEERS_MAX];
	uint32_t first = 0;
	int nr, i;

	peers_table(report);
	while ((nr = pvi_peers(pvi, peers, ARRAY_SIZE(peers), first)) > 0) {
		for (i = 0; i < nr; i++)
			peers_row(report, &peers[i]);
		first = peers[nr - 1].position + 1;
	}
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
		parse_uuid(state, arg, args->uuid);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which UUID?");
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
	.args_doc = "UUID",
	.doc = "Print what one endpoint exposes, whom it allows, its ports, whom it may ring, its links and counters.",
	.children = report_child,
};

int cmd_show(int argc, char **argv)
{
	struct show_args args = { .report = report_new(), .links = PVI_LINK_DIR };
	struct endpoint e;
	int pvi;

	argp_parse(&show_argp, argc, argv, 0, NULL, &args);
	pvi = open_endpoint(args.uuid, &e);
	list_table(args.report, "endpoint");
	list_row(args.report, &e);
	add_gsis(args.report, pvi);
	add_edges(args.report, pvi);
	add_ports(args.report, pvi);
	add_peers(args.report, pvi);
	links_table(args.report, args.links, args.uuid);
	add_counters(args.report, &e);
	report_print(args.report);
	close(pvi);
	return 0;
}
