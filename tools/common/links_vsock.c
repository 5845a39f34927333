// SPDX-License-Identifier: GPL-2.0-or-later
/* common links_vsock - addresses of sockets, and the ports that a side may be connected to */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "links.h"

#define FIRST_CID	3u

static struct pvi_link_vsock *nth(const struct links *links, size_t i)
{
	return &links->all[i / 2].vsock[i % 2];
}

static const unsigned char *nth_owner(const struct links *links, size_t i)
{
	return links->all[i / 2].shapes[i % 2].owner;
}

/* Whom it belongs to, or NULL */
static const unsigned char *cid_owner(const struct links *links, uint32_t cid)
{
	size_t i;

	for (i = 0; i < 2 * links->nr; i++)
		if (nth(links, i)->cid == cid)
			return nth_owner(links, i);
	return NULL;
}

/* What a side has already by another link, or 0 */
static uint32_t cid_of(const struct links *links, const unsigned char *uuid)
{
	size_t i;

	for (i = 0; i < 2 * links->nr; i++)
		if (nth(links, i)->cid && !uuid_compare(nth_owner(links, i), uuid))
			return nth(links, i)->cid;
	return 0;
}

static int choose(const struct links *links, const unsigned char *uuid, uint32_t wanted, uint32_t other,
		  uint32_t *chosen, struct links_why *why)
{
	uint32_t cid = cid_of(links, uuid);
	const unsigned char *owner = cid || !wanted ? NULL : cid_owner(links, wanted);
	char text[UUID_STR_LEN];

	uuid_unparse_lower(owner ?: uuid, text);
	if (cid && wanted && wanted != cid)
		return links_refuse(why, EEXIST, "%s has CID %u already", text, cid);
	if (owner)
		return links_refuse(why, EEXIST, "CID %u is that of %s", wanted, text);
	*chosen = cid ?: wanted;
	for (cid = FIRST_CID; !*chosen; cid++)
		if (cid != other && !cid_owner(links, cid))
			*chosen = cid;
	return 0;
}

static bool is_between(const struct link *link, const unsigned char *a, const unsigned char *b)
{
	return !uuid_compare(link->shapes[0].owner, a) && !uuid_compare(link->shapes[1].owner, b);
}

/* A second one would lead to an address that is taken */
static int check_alone(const struct link_spec *spec, const struct links *links, struct links_why *why)
{
	const unsigned char *a = spec->sides[0].uuid, *b = spec->sides[1].uuid;
	const struct link *link;
	char text[UUID_STR_LEN];
	size_t i;

	for (i = 0; i < links->nr; i++) {
		link = &links->all[i];
		if (!link->vsock[0].cid || !(is_between(link, a, b) || is_between(link, b, a)))
			continue;
		uuid_unparse_lower(link->uuid, text);
		return links_refuse(why, EEXIST, "the two have a link of kind vsock: %s", text);
	}
	return 0;
}

int links_choose_vsock(const struct link_spec *spec, const struct links *others, struct link *link,
		       struct links_why *why)
{
	struct pvi_link_vsock *vsock = link->vsock;
	size_t i;
	int ret;

	memset(link->vsock, 0, sizeof(link->vsock));
	if (spec->kind != PVI_RING_VSOCK)
		return 0;
	/* Neither is chosen to be what the other one has */
	vsock[1].cid = cid_of(others, spec->sides[1].uuid);
	ret = check_alone(spec, others, why) ?:
		choose(others, spec->sides[0].uuid, spec->cids[0], vsock[1].cid ?: spec->cids[1], &vsock[0].cid, why) ?:
		choose(others, spec->sides[1].uuid, spec->cids[1], vsock[0].cid, &vsock[1].cid, why);
	for (i = 0; !ret && i < 2; i++) {
		vsock[i].peer_cid = vsock[1 - i].cid;
		vsock[i].nr_ports = spec->nr_ports[i];
		memcpy(vsock[i].ports, spec->ports[i], sizeof(vsock[i].ports));
	}
	return ret;
}

int links_read_vsock(const char *dir, struct link *link)
{
	char path[PATH_MAX];
	ssize_t got;
	int fd;

	memset(link->vsock, 0, sizeof(link->vsock));
	if (link->shapes[0].kind != PVI_RING_VSOCK)
		return 0;
	links_file(path, sizeof(path), dir, link->uuid, LINKS_VSOCK);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, link->vsock, sizeof(link->vsock));
	close(fd);
	return got == sizeof(link->vsock) ? 0 : -EBADMSG;
}
