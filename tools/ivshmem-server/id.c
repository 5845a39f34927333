// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server id - who has which id
 *
 * An id is not given to another peer as long as a client is connected that may have known its
 * last holder. Its guest would ring a stranger; and QEMU frees what it has of a peer when it is
 * told that the peer has gone, and writes there when the id comes back. So whoever comes and goes
 * uses up ids while one old client stays: what is left is watched, and each pays for its own.
 */
#include <errno.h>
#include <string.h>

#include "record.h"

static bool may_be_known(const struct server *server, const struct id *id)
{
	const struct peer *oldest = TAILQ_FIRST(&server->clients);

	return oldest && oldest->joined < id->left;
}

static void forget(struct server *server, struct id *id)
{
	record_forget_id(server, id - server->ids);
	id->taken = false;
	id->left = 0;
	server->nr_taken--;
	accounts_return_id(server, id->payers);
}

/* There may be fewer now than were taken. */
static unsigned int ids_left(const struct server *server)
{
	return server->settings.ids > server->nr_taken ? server->settings.ids - server->nr_taken : 0;
}

/* Each time that half of what was left is used up */
static void watch_budget(struct server *server)
{
	const struct peer *oldest = TAILQ_FIRST(&server->clients);
	unsigned int left = ids_left(server);

	if (left > server->warn_at || !oldest)
		return;
	warn("%u of %u ids are left: those of peers that have gone stay taken as long as peer %u, process %d, is connected, which may know them",
	     left, server->settings.ids, oldest->id, oldest->pid);
	server->warn_at = left / 2;
}

static void claim(struct server *server, struct id *id, struct peer *peer)
{
	*id = (struct id){ .taken = true, .holder = peer };
	memcpy(id->payers, peer->payers, sizeof(id->payers));
	accounts_charge_id(server, id->payers);
	peer->id = id - server->ids;
	peer->joined = ++server->serial;
	record_serial(server);
	server->nr_taken++;
	watch_budget(server);
}

/* The lowest: QEMU has a table as long as the highest id it has seen. */
int take_id(struct server *server, struct peer *peer)
{
	unsigned int i;

	for (i = 0; i < server->settings.ids; i++) {
		if (server->ids[i].taken)
			continue;
		claim(server, &server->ids[i], peer);
		return 0;
	}
	return -1;
}

int retake_id(struct server *server, struct peer *peer)
{
	struct id *id = &server->ids[peer->id];

	id->taken = true;
	id->holder = peer;
	server->nr_taken++;
	return peer->target ? 0 : accounts_recharge_id(server, id->payers, peer->pid, peer->uid);
}

int retake_left_id(struct server *server, unsigned int number)
{
	const struct record_id *kept = &server->record->ids[number];
	struct id *id = &server->ids[number];

	id->taken = true;
	id->left = kept->left;
	server->nr_taken++;
	return accounts_recharge_id(server, id->payers, kept->pid, kept->uid);
}

/* What nobody knows any more now that the oldest has gone */
void forget_old_ids(struct server *server)
{
	struct id *id;

	for (id = server->ids; id < server->ids + NR_IDS; id++)
		if (id->taken && !id->holder && !may_be_known(server, id))
			forget(server, id);
	if (ids_left(server) > server->settings.ids / 2)
		server->warn_at = server->settings.ids / 2;
}

void ids_reload(struct server *server)
{
	server->warn_at = server->settings.ids / 2;
}

void give_up_id(struct server *server, struct peer *peer, bool known)
{
	const struct peer *oldest = TAILQ_FIRST(&server->clients);
	struct id *id = &server->ids[peer->id];

	id->holder = NULL;
	id->left = ++server->serial;
	/* Before anything is forgotten that it may have known. */
	record_leave(peer, known ? id->left : 0);
	if (!known)
		forget(server, id);
	if (!oldest || peer->joined < oldest->joined)
		forget_old_ids(server);
}
