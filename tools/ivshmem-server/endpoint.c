// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server endpoint - the endpoint of kvm_pvi that a peer is
 *
 * Its GSIs are the vectors: a ring signals the eventfd that the QEMU has made an MSI-X vector of.
 */
#include <errno.h>
#include <libpvi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "record.h"

#define BARRIER (5 * USEC)

void endpoint_check(void)
{
	int pvi = pvi_open();

	if (pvi < 0)
		die("cannot open /dev/kvm_pvi: %s", explain(pvi));
	close(pvi);
}

void endpoint_uuid(const struct server *server, uint16_t id, uuid_t uuid)
{
	uuid_copy(uuid, server->settings.uuid);
	uuid[14] = id >> 8;
	uuid[15] = id;
}

int endpoint_open(struct peer *peer)
{
	uuid_t uuid;

	endpoint_uuid(peer->server, peer->id, uuid);
	peer->pvi = pvi_enrol(-1, uuid);
	/* systemd may have one that was of that name, and has been told to close it. */
	if (peer->pvi == -EEXIST && !sd_notify_barrier(0, BARRIER))
		peer->pvi = pvi_enrol(-1, uuid);
	return peer->pvi < 0 ? peer->pvi : 0;
}

static int expose_vectors(struct peer *peer)
{
	unsigned int i;
	int ret;

	for (i = 0; i < peer->server->settings.vectors; i++) {
		ret = pvi_expose(peer->pvi, i, KVM_PVI_GSI_EVENTFD, NULL);
		if (!ret)
			ret = pvi_wire(peer->pvi, i, peer->vectors[i]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int endpoint_expose(struct peer *peer)
{
	const struct settings *settings = &peer->server->settings;
	const struct allowed *a;
	size_t i;
	int ret = expose_vectors(peer);

	for (i = 0; !ret && i < settings->nr_allowed; i++) {
		a = &settings->allowed[i];
		ret = pvi_allow(peer->pvi, a->uuid, a->gsi, NULL);
	}
	return ret;
}

bool endpoint_restore(struct peer *peer, struct stored_fd *pvi)
{
	uuid_t uuid, expected;

	endpoint_uuid(peer->server, peer->id, expected);
	if (!pvi || pvi_query_uuid(pvi->fd, uuid) || uuid_compare(uuid, expected))
		return false;
	peer->pvi = pvi->fd;
	pvi->used = true;
	return true;
}

static bool is_among(const struct allowed *a, const struct allowed *all, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (all[i].gsi == a->gsi && !uuid_compare(all[i].uuid, a->uuid))
			return true;
	return false;
}

/* What is new, and what is owed and still wanted */
static void owe(struct peer *peer, const struct allowed *held, size_t nr_held)
{
	const struct settings *s = &peer->server->settings;
	struct allowed *owed = must_alloc(calloc(s->nr_allowed + 1, sizeof(*owed))), *a;
	size_t nr = 0;

	for (a = s->allowed; a < s->allowed + s->nr_allowed; a++)
		if (!is_among(a, held, nr_held) || is_among(a, peer->owed, peer->nr_owed))
			owed[nr++] = *a;
	free(peer->owed);
	peer->owed = owed;
	peer->nr_owed = nr;
}

/* Why not all of it could be allowed, or 0. What never can be is not owed any more. */
static int allow_owed(struct peer *peer)
{
	const struct allowed *a;
	int err = 0, ret;
	size_t i;

	for (i = 0; i < peer->nr_owed; i++) {
		a = &peer->owed[i];
		ret = pvi_allow(peer->pvi, a->uuid, a->gsi, NULL);
		if (ret)
			err = ret;
		if (ret == -ENOSPC || ret == -ENOMEM)
			break;
	}
	peer->nr_owed -= i;
	memmove(peer->owed, peer->owed + i, peer->nr_owed * sizeof(*a));
	return err;
}

bool endpoint_allow_owed(struct peer *peer)
{
	if (!peer->nr_owed)
		return false;
	allow_owed(peer);
	if (peer->nr_owed)
		return true;
	record_allowed(peer->server);
	printf("peer %u: all that --allow says is allowed\n", peer->id);
	return false;
}

void endpoint_allow_again(struct peer *peer, const struct allowed *old, size_t nr_old, size_t nr_held)
{
	const struct settings *s = &peer->server->settings;
	size_t i;
	int ret;

	if (peer->pvi < 0)
		return;
	for (i = 0; i < nr_old; i++)
		if (!is_among(&old[i], s->allowed, s->nr_allowed))
			pvi_revoke(peer->pvi, old[i].uuid, old[i].gsi);
	owe(peer, old, nr_held);
	ret = allow_owed(peer);
	if (ret)
		warn("peer %u: not all that --allow says is allowed: %s%s", peer->id, explain(ret),
		     peer->nr_owed ? "; it is tried again every second" : "");
	if (peer->nr_owed)
		tick_soon(peer->server);
}
