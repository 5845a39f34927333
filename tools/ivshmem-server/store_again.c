// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server store_again - what systemd could not be given
 *
 * Descriptors that are on their way are bounded, and so is memory. Either passes.
 */
#include <stdio.h>

#include "server.h"

/* systemd keeps nothing twice, so all of a name goes together. */
static void keep_of_peer(struct server *server, const struct peer *peer, uint8_t missing)
{
	if (missing & 1 << STORED_SOCKET)
		store_keep(server, STORED_SOCKET, peer->slot, &peer->socket, 1);
	if (!(missing & 1 << STORED_VECTORS))
		return;
	vectors_keep(peer);
	if (peer->pvi >= 0)
		store_keep(server, STORED_VECTORS, peer->slot, &peer->pvi, 1);
}

/* Whether it could be given */
static bool keep_again(struct server *server, unsigned int slot)
{
	uint8_t missing = server->unkept[slot];

	server->unkept[slot] = 0;
	if (missing & 1 << STORED_MEMORY)
		store_keep(server, STORED_MEMORY, slot, &server->memory, 1);
	if (missing & 1 << STORED_RECORD)
		store_keep(server, STORED_RECORD, slot, &server->record_fd, 1);
	if (server->slots[slot])
		keep_of_peer(server, server->slots[slot], missing);
	return !server->unkept[slot];
}

bool store_tick(struct server *server)
{
	unsigned int i;

	if (!server->unkept_told)
		return false;
	for (i = 0; i < NR_SLOTS; i++)
		if (server->unkept[i] && !keep_again(server, i))
			return true;
	server->unkept_told = false;
	puts("systemd has been given all that it is to keep");
	return false;
}
