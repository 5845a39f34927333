// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl link - its arguments */
#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"

enum { OPTION_HUGETLB = 0x100, OPTION_HOTPLUG, OPTION_FOR, OPTION_CID, OPTION_PORTS, OPTION_UUID, OPTION_LIBVIRT,
       OPTION_APPLY };

static const struct argp_option options[] = {
	{ "kind", 'k', "net|vsock|raw", 0, "What goes over it (default: net)", 0 },
	{ "cid", OPTION_CID, "A,B", 0, "Of vsock: the addresses of the two (default: chosen)", 0 },
	{ "ports", OPTION_PORTS, "PORTS[/PORTS]", 0,
	  "Of vsock: where A may be connected to, and B, as 22,5000-5999, all or none (default: all)", 0 },
	{ "size", 's', "SIZE", 0, "Of each side's section, with K, M or G (default: 16M)", 0 },
	{ "queues", 'q', "N", 0, "Of each side (default: 4 for net, else 1)", 0 },
	{ "hugetlb", OPTION_HUGETLB, "MOUNT", OPTION_ARG_OPTIONAL,
	  "In huge pages, of the hugetlbfs that is mounted there or anywhere", 0 },
	{ "owner", 'o', "OWNER[,OWNER]", 0,
	  "Who runs the VMM of A, and that of B: USER or USER:GROUP (default: who runs pvictl)", 0 },
	{ "uuid", OPTION_UUID, "UUID", 0, "Of the link; if it is there, nothing is made (default: chosen)", 0 },
	LINKS_OPTION,
	{ "for", OPTION_FOR, "UUID", 0, "Print this side's arguments alone", 0 },
	{ "bus", 'b', "BUS[,BUS]", 0, "Where the devices of the own and of the other section are", 0 },
	{ "hotplug", OPTION_HOTPLUG, NULL, 0, "Print what is said to the monitor of a QEMU that runs", 0 },
	{ "libvirt", OPTION_LIBVIRT, NULL, 0, "Print what goes into the XML of domains of libvirt", 0 },
	{ "apply", OPTION_APPLY, NULL, 0, "With --libvirt: put it there, for when the domains start next", 0 },
	{ 0 }
};

/* @wanted: what they should have written, or NULL */
static void complain(struct argp_state *state, const char *what, const char *wanted, const char *text)
{
	if (wanted)
		argp_error(state, "%s must be %s, not '%s'", what, wanted, text);
}

static gid_t parse_group(struct argp_state *state, const char *text)
{
	struct group *group;

	if (isdigit((unsigned char)*text))
		return parse_number(state, text, 0xfffffffeu, "the gid");
	group = getgrnam(text);
	if (!group)
		argp_error(state, "there is no group '%s'", text);
	return group->gr_gid;
}

/* USER or USER:GROUP */
static void parse_owner(struct argp_state *state, char *text, struct link_side *side)
{
	char *group = strchr(text, ':');

	if (group)
		*group++ = '\0';
	side->uid = parse_user(state, text);
	side->grouped = group;
	if (group)
		side->gid = parse_group(state, group);
}

static void parse_owners(struct argp_state *state, struct link_args *args, char *text)
{
	struct link_side *sides = args->spec.sides;
	char *comma = strchr(text, ',');

	if (comma)
		*comma++ = '\0';
	parse_owner(state, text, &sides[0]);
	sides[1].uid = sides[0].uid;
	sides[1].grouped = sides[0].grouped;
	sides[1].gid = sides[0].gid;
	if (comma)
		parse_owner(state, comma, &sides[1]);
	args->spec.owned = true;
}

static void parse_buses(struct link_args *args, char *buses)
{
	args->buses[0] = strsep(&buses, ",");
	args->buses[1] = buses ? buses : args->buses[0];
}

static void parse_side(struct argp_state *state, struct link_args *args, const char *text)
{
	struct link_side *side = &args->spec.sides[args->nr];

	if (args->nr == 2)
		argp_error(state, "too many arguments: '%s'", text);
	side->host = !strncmp(text, "host:", 5);
	args->texts[args->nr++] = side->host ? text + 5 : text;
}

static void name_sides(struct argp_state *state, struct link_args *args)
{
	size_t i;

	if (args->nr == 1 && args->spec.sides[0].host)
		argp_error(state, "which other side?");
	if (args->nr == 1 && !uuid_is_null(args->spec.uuid))
		argp_error(state, "--uuid is for a link that is made: say which two sides");
	if (args->nr == 1)
		link_dir_parse(args->dir, args->texts[0], args->spec.uuid);
	for (i = 0; args->nr == 2 && i < 2; i++)
		parse_vm(state, args->texts[i], args->spec.sides[i].uuid);
}

/* Who runs its QEMUs, as Debian and as others call them */
static void own_by_libvirt(struct link_args *args)
{
	const struct passwd *user = getpwnam("libvirt-qemu");
	int i;

	user = user ?: getpwnam("qemu");
	for (i = 0; user && i < 2; i++)
		args->spec.sides[i].uid = user->pw_uid;
	args->spec.owned = user;
}

static void check(struct argp_state *state, struct link_args *args)
{
	if (!args->nr && !(args->apply && args->only.set))
		argp_error(state, "which two sides?");
	name_sides(state, args);
	if (args->nr == 2 && !uuid_compare(args->spec.sides[0].uuid, args->spec.sides[1].uuid))
		argp_error(state, "the two sides must not have one UUID");
	if (args->nr == 2 && args->only.set && uuid_compare(args->only.uuid, args->spec.sides[0].uuid) &&
	    uuid_compare(args->only.uuid, args->spec.sides[1].uuid))
		argp_error(state, "%s is none of the two sides", uuid_text(args->only.uuid).s);
	if (args->spec.kind != PVI_RING_VSOCK && (args->spec.cids[0] || args->spec.nr_ports[0] || args->spec.nr_ports[1]))
		argp_error(state, "--cid and --ports are for --kind vsock");
	if (args->apply && !args->libvirt)
		argp_error(state, "--apply is for --libvirt");
	if (args->libvirt && (args->hotplug || args->buses[0]))
		argp_error(state, "--libvirt goes with neither --hotplug nor --bus");
	if (args->libvirt && !args->spec.owned)
		own_by_libvirt(args);
	if (!args->spec.queues)
		args->spec.queues = links_queues(args->spec.kind);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct link_args *args = state->input;

	switch (key) {
	case 'k':
		complain(state, "the kind", links_parse_kind(arg, &args->spec.kind), arg);
		return 0;
	case OPTION_CID:
		complain(state, "--cid", links_parse_cids(strdupa(arg), args->spec.cids), arg);
		return 0;
	case OPTION_PORTS:
		complain(state, "--ports", links_parse_ports(strdupa(arg), args->spec.nr_ports, args->spec.ports), arg);
		return 0;
	case 's':
		complain(state, "the size", links_parse_size(arg, &args->spec.size), arg);
		return 0;
	case OPTION_UUID:
		parse_uuid(state, arg, args->spec.uuid);
		if (uuid_is_null(args->spec.uuid))
			argp_error(state, "the link's UUID must not be all zeroes");
		return 0;
	case 'q':
		args->spec.queues = parse_number(state, arg, PVI_RING_MAX_QUEUES, "the number of queues");
		if (!args->spec.queues)
			argp_error(state, "there must be a queue");
		return 0;
	case 'o':
		parse_owners(state, args, arg);
		return 0;
	case OPTION_HUGETLB:
		args->spec.huge = true;
		args->spec.huge_dir = arg;
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
	case OPTION_LIBVIRT:
		args->libvirt = true;
		return 0;
	case OPTION_APPLY:
		args->apply = true;
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
	.args_doc = "[host:]A [host:]B\nLINK\n--libvirt --apply --for UUID",
	.doc = "Make a link between two VMs or processes, and print what their QEMUs are told; or print it again; or put into "
	       "a domain of libvirt the links that there are, and take out those that have gone.",
};

void link_parse(struct link_args *args, int argc, char **argv)
{
	args->dir = PVI_LINK_DIR;
	args->spec.kind = PVI_RING_NET;
	args->spec.size = LINKS_SIZE;
	argp_parse(&argp, argc, argv, 0, NULL, args);
}
