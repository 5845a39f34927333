// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server endpoint - the endpoint of kvm_pvi that a peer is
 *
 * Its GSIs are the vectors: a ring signals the eventfd that the QEMU has made an MSI-X vector of.
 */
#include <libpvi.h>
#include <string.h>
#include <unistd.h>

#include "server.h"

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
