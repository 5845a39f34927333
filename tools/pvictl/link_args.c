// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl link - its arguments */
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "flows.h"
#include "link.h"

#define MAX_SIZE (1ull << 40)

enum { OPTION_HUGETLB = 0x100, OPTION_HOTPLUG, OPTION_FOR, OPTION_CID, OPTION_PORTS };

static const struct argp_option options[] = {
	{ "kind", 'k', "net|vsock|raw", 0, "What goes over it (default: net)", 0 },
	{ "cid", OPTION_CID, "A,B", 0, "Of vsock: the addresses of the two (default: chosen)", 0 },
	{ "ports", OPTION_PORTS, "PORTS[/PORTS]", 0,
	  "Of vsock: where A may be connected to, and B, as 22,5000-5999, all or none (default: all)", 0 },
	{ "size", 's', "SIZE", 0, "Of each side's section, with K, M or G (default: 16M)", 0 },
	{ "queues", 'q', "N", 0, "Of each side (default: 4 for net, else 1)", 0 },
	{ "hugetlb", OPTION_HUGETLB, "MOUNT", OPTION_ARG_OPTIONAL,
	  "In huge pages, of the hugetlbfs that is mounted there or anywhere", 0 },
	{ "owner", 'o', "USER[,USER]", 0,
	  "Who runs the VMM of A, and that of B (default: who runs pvictl)", 0 },
	LINKS_OPTION,
	{ "for", OPTION_FOR, "UUID", 0, "Print this side's arguments alone", 0 },
	{ "bus", 'b', "BUS[,BUS]", 0, "Where the devices of the own and of the other section are", 0 },
	{ "hotplug", OPTION_HOTPLUG, NULL, 0, "Print what is said to the monitor of a QEMU that runs", 0 },
	{ 0 }
};

static uint32_t parse_kind(struct argp_state *state, const char *text)
{
	uint32_t kind;

	for (kind = PVI_RING_NET; kind <= PVI_RING_RAW; kind++)
		if (!strcmp(text, flow_kind(kind)))
			return kind;
	argp_error(state, "the kind must be net, vsock or raw, not '%s'", text);
	return 0;
}

static uint64_t parse_size(struct argp_state *state, const char *text)
{
	static const char units[] = "KMG";
	const char *unit;
	uint64_t size;
	char *end;

	errno = 0;
	size = strtoull(text, &end, 0);
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (errno || !isdigit((unsigned char)*text) || size > MAX_SIZE || (*end && (!unit || end[1])))
		argp_error(state, "the size must be a number with K, M or G behind it, not '%s'", text);
	if (unit)
		size <<= 10 * (unit - units + 1);
	/* PCI knows no others */
	if (size < 8192 || size > MAX_SIZE || size & (size - 1))
		argp_error(state, "the size must be a power of two from 8K on, not '%s'", text);
	return size;
}

static void parse_owner(struct argp_state *state, const char *text, struct link_side *side)
{
	bool number = isdigit((unsigned char)*text);
	struct passwd *user;

	if (number)
		side->uid = side->gid = parse_number(state, text, 0xfffffffeu, "the uid");
	user = number ? getpwuid(side->uid) : getpwnam(text);
	if (!user && !number)
		argp_error(state, "there is no user '%s'", text);
	if (!user)
		return;
	side->uid = user->pw_uid;
	side->gid = user->pw_gid;
}

static void parse_owners(struct argp_state *state, struct link_args *args, char *text)
{
	char *comma = strchr(text, ',');

	if (comma)
		*comma++ = '\0';
	parse_owner(state, text, &args->sides[0]);
	parse_owner(state, comma ? comma : text, &args->sides[1]);
	args->owned = true;
}

static void parse_buses(struct link_args *args, char *buses)
{
	args->buses[0] = strsep(&buses, ",");
	args->buses[1] = buses ? buses : args->buses[0];
}

static void parse_side(struct argp_state *state, struct link_args *args, const char *text)
{
	struct link_side *side = &args->sides[args->nr];

	if (args->nr == 2)
		argp_error(state, "too many arguments: '%s'", text);
	args->nr++;
	side->host = !strncmp(text, "host:", 5);
	parse_vm(state, side->host ? text + 5 : text, side->uuid);
}

static void check(struct argp_state *state, struct link_args *args)
{
	if (!args->nr)
		argp_error(state, "which two sides?");
	if (args->nr == 2 && !uuid_compare(args->sides[0].uuid, args->sides[1].uuid))
		argp_error(state, "the two sides must not have one UUID");
	if (args->nr == 1 && args->sides[0].host)
		argp_error(state, "which other side?");
	if (args->kind != PVI_RING_VSOCK && (args->cids[0] || args->nr_ports[0] || args->nr_ports[1]))
		argp_error(state, "--cid and --ports are for --kind vsock");
	uuid_copy(args->uuid, args->sides[0].uuid);
	if (!args->queues)
		args->queues = args->kind == PVI_RING_NET ? 4 : 1;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct link_args *args = state->input;

	switch (key) {
	case 'k':
		args->kind = parse_kind(state, arg);
		return 0;
	case OPTION_CID:
		link_vsock_parse_cids(state, args, arg);
		return 0;
	case OPTION_PORTS:
		link_vsock_parse_ports(state, args, arg);
		return 0;
	case 's':
		args->size = parse_size(state, arg);
		return 0;
	case 'q':
		args->queues = parse_number(state, arg, PVI_RING_MAX_QUEUES, "the number of queues");
		if (!args->queues)
			argp_error(state, "there must be a queue");
		return 0;
	case 'o':
		parse_owners(state, args, arg);
		return 0;
	case OPTION_HUGETLB:
		args->huge = true;
		args->huge_dir = arg;
		return 0;
	case 'd':
		args->dir = arg;
		return 0;
	case OPTION_FOR:
		parse_vm(state, arg, args->only.uuid);
		args->only.set = true;
		return 0;
	case 'b':
		parse_buses(args, arg);
		return 0;
	case OPTION_HOTPLUG:
		args->hotplug = true;
		return 0;
	case ARGP_KEY_ARG:
		parse_side(state, args, arg);
		return 0;
	case ARGP_KEY_END:
		check(state, args);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[host:]A [host:]B\nLINK",
	.doc = "Make a link between two VMs or processes, and print what their QEMUs are told; or print it again.",
};

void link_parse(struct link_args *args, int argc, char **argv)
{
	args->dir = PVI_LINK_DIR;
	args->kind = PVI_RING_NET;
	args->size = 16 << 20;
	argp_parse(&argp, argc, argv, 0, NULL, args);
}
