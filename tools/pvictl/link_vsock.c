// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl link - addresses of sockets, and the ports that a side may be connected to */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "link.h"

#define FIRST_CID	3u
#define CID_ANY		0xffffffffu

void link_vsock_parse_cids(struct argp_state *state, struct link_args *args, char *text)
{
	char *comma = strchr(text, ',');
	size_t i;

	if (!comma)
		argp_error(state, "--cid wants two addresses, as 3,4");
	else
		*comma++ = '\0';
	args->cids[0] = parse_number(state, text, CID_ANY - 1, "the CID");
	args->cids[1] = parse_number(state, comma, CID_ANY - 1, "the CID");
	for (i = 0; i < 2; i++)
		if (args->cids[i] < FIRST_CID)
			argp_error(state, "CIDs of guests begin with %u", FIRST_CID);
	if (args->cids[0] == args->cids[1])
		argp_error(state, "the two sides must not have one CID");
}

static void parse_range(struct argp_state *state, char *text, struct pvi_link_ports *range)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash++ = '\0';
	range->first = parse_number(state, text, UINT_MAX, "the port");
	range->last = dash ? parse_number(state, dash, UINT_MAX, "the port") : range->first;
	if (range->last < range->first)
		argp_error(state, "port %u is behind %u", range->first, range->last);
}

static void parse_side(struct argp_state *state, struct link_args *args, size_t side, char *text)
{
	char *range;

	args->nr_ports[side] = 0;
	if (!strcmp(text, "all"))
		return;
	if (!strcmp(text, "none")) {
		args->ports[side][args->nr_ports[side]++] = (struct pvi_link_ports){ 1, 0 };
		return;
	}
	while ((range = strsep(&text, ","))) {
		if (args->nr_ports[side] == PVI_LINK_PORT_RANGES)
			argp_error(state, "more than %u ranges of ports", PVI_LINK_PORT_RANGES);
		parse_range(state, range, &args->ports[side][args->nr_ports[side]++]);
	}
}

void link_vsock_parse_ports(struct argp_state *state, struct link_args *args, char *text)
{
	char *slash = strchr(text, '/');

	if (slash)
		*slash++ = '\0';
	if (slash) {
		parse_side(state, args, 1, slash);
		parse_side(state, args, 0, text);
		return;
	}
	parse_side(state, args, 0, text);
	args->nr_ports[1] = args->nr_ports[0];
	memcpy(args->ports[1], args->ports[0], sizeof(args->ports[1]));
}

/* Whom it belongs to, or NULL */
static const unsigned char *cid_owner(const struct link *links, size_t nr, uint32_t cid)
{
	size_t i;

	for (i = 0; i < 2 * nr; i++)
		if (links[i / 2].vsock[i % 2].cid == cid)
			return links[i / 2].shapes[i % 2].owner;
	return NULL;
}

/* What a side has already by another link, or 0 */
static uint32_t cid_of(const struct link *links, size_t nr, const unsigned char *uuid)
{
	size_t i;

	for (i = 0; i < 2 * nr; i++)
		if (links[i / 2].vsock[i % 2].cid && !uuid_compare(links[i / 2].shapes[i % 2].owner, uuid))
			return links[i / 2].vsock[i % 2].cid;
	return 0;
}

static uint32_t choose(const struct link *links, size_t nr, const unsigned char *uuid,
		       uint32_t wanted, uint32_t other)
{
	uint32_t cid = cid_of(links, nr, uuid);
	const unsigned char *owner;

	if (cid && wanted && wanted != cid)
		die("%s has CID %u already", uuid_text(uuid).s, cid);
	if (cid)
		return cid;
	owner = wanted ? cid_owner(links, nr, wanted) : NULL;
	if (owner)
		die("CID %u is that of %s", wanted, uuid_text(owner).s);
	if (wanted)
		return wanted;
	for (cid = FIRST_CID; cid == other || cid_owner(links, nr, cid); cid++)
		;
	return cid;
}

static bool is_between(const struct link *link, const unsigned char *a, const unsigned char *b)
{
	return !uuid_compare(link->shapes[0].owner, a) && !uuid_compare(link->shapes[1].owner, b);
}

/* A second one would lead to an address that is taken */
static void check_alone(const struct link_args *args, const struct link *links, size_t nr)
{
	const unsigned char *a = args->sides[0].uuid, *b = args->sides[1].uuid;
	size_t i;

	for (i = 0; i < nr; i++)
		if (links[i].vsock[0].cid && (is_between(&links[i], a, b) || is_between(&links[i], b, a)))
			die("the two have a link of kind vsock: %s", uuid_text(links[i].uuid).s);
}

void link_vsock_choose(const struct link_args *args, const struct link *links, size_t nr,
		       struct link *link)
{
	struct pvi_link_vsock *vsock = link->vsock;
	size_t i;

	memset(link->vsock, 0, sizeof(link->vsock));
	if (args->kind != PVI_RING_VSOCK)
		return;
	check_alone(args, links, nr);
	/* Neither is chosen to be what the other one has */
	vsock[1].cid = cid_of(links, nr, args->sides[1].uuid);
	vsock[0].cid = choose(links, nr, args->sides[0].uuid, args->cids[0],
			      vsock[1].cid ? vsock[1].cid : args->cids[1]);
	vsock[1].cid = choose(links, nr, args->sides[1].uuid, args->cids[1], vsock[0].cid);
	for (i = 0; i < 2; i++) {
		vsock[i].peer_cid = vsock[1 - i].cid;
		vsock[i].nr_ports = args->nr_ports[i];
		memcpy(vsock[i].ports, args->ports[i], sizeof(vsock[i].ports));
	}
}

int link_vsock_read(const char *dir, struct link *link)
{
	char path[PATH_MAX];
	ssize_t got;
	int fd;

	memset(link->vsock, 0, sizeof(link->vsock));
	if (link->shapes[0].kind != PVI_RING_VSOCK)
		return 0;
	link_dir_file(path, sizeof(path), dir, link->uuid, LINK_VSOCK);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, link->vsock, sizeof(link->vsock));
	close(fd);
	return got == sizeof(link->vsock) ? 0 : -EBADMSG;
}
