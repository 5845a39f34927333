// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server id - who has which id
 *
 * An id is not given to another peer as long as a client is connected that may have known its
 * last holder. Its guest would ring a stranger; and QEMU frees what it has of a peer when it is
 * told that the peer has gone, and writes there when the id comes back.
 */
#include "server.h"

static bool may_be_known(const struct server *server, unsigned int id)
{
	const struct peer *oldest = TAILQ_FIRST(&server->clients);

	return oldest && oldest->joined < server->left[id];
}

/* The lowest: QEMU has a table as long as the highest id it has seen. */
int take_id(struct server *server, struct peer *peer)
{
	unsigned int id;

	for (id = 0; id < NR_IDS; id++) {
		if (server->by_id[id] || may_be_known(server, id))
			continue;
		server->by_id[id] = peer;
		peer->id = id;
		peer->joined = ++server->serial;
		return 0;
	}
	return -1;
}

void give_up_id(struct server *server, const struct peer *peer)
{
	server->by_id[peer->id] = NULL;
	server->left[peer->id] = ++server->serial;
}
