// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server restore_client - the clients of the last server, as store and record have them */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "record.h"

/* A client that is to be ended when all are there, since others may know it */
struct doubt {
	struct peer *client;
	const char *why;
};

static struct stored_fd *find_socket(struct server *server, unsigned int slot)
{
	unsigned int nr, i;
	struct stored_fd *fds = store_find(&server->store, STORED_SOCKET, slot, &nr);

	for (i = 0; i < nr; i++)
		if (sd_is_socket_unix(fds[i].fd, SOCK_STREAM, 0, NULL, 0) > 0)
			return &fds[i];
	return NULL;
}

static bool has_ended(int socket)
{
	struct pollfd p = { .fd = socket };

	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR | POLLNVAL);
}

static bool slot_makes_sense(const struct server *server, const struct record_slot *slot)
{
	if (slot->state != SLOT_LIVE && slot->state != SLOT_PARTING)
		return false;
	if (slot->id >= NR_IDS || !slot->joined || slot->joined > server->record->serial ||
	    slot->greeted > TELL_MEMORY)
		return false;
	return slot->state == SLOT_PARTING || !server->ids[slot->id].taken;
}

static void insert_sorted(struct server *server, struct peer *client)
{
	struct peer *other;

	TAILQ_FOREACH_REVERSE(other, &server->clients, peers, entry)
		if (other->joined < client->joined)
			break;
	if (other)
		TAILQ_INSERT_AFTER(&server->clients, other, client, entry);
	else
		TAILQ_INSERT_HEAD(&server->clients, client, entry);
}

static struct peer *restore_socket(struct server *server, unsigned int slot, struct stored_fd *s)
{
	struct peer *client = must_alloc(client_new(server, s->fd));

	s->used = true;
	client->slot = slot;
	server->slots[slot] = client;
	server->nr_clients++;
	if (accounts_open(client))
		die("out of memory");
	return client;
}

static void restore_parting(struct server *server, unsigned int slot, struct stored_fd *s)
{
	struct peer *client = restore_socket(server, slot, s);

	shutdown(s->fd, SHUT_RDWR);
	client->parting = true;
	store_drop(&server->store, STORED_VECTORS, slot);
	TAILQ_INSERT_TAIL(&server->parting, client, entry);
}

/* Why it has to be ended, or NULL */
static const char *restore_live(struct peer *client)
{
	const struct record_slot *slot = &client->server->record->slots[client->slot];
	struct stored_fd *pvi;
	int ret;

	client->id = slot->id;
	client->joined = slot->joined;
	insert_sorted(client->server, client);
	if (retake_id(client->server, client))
		die("out of memory");
	ret = client_watch(client);
	if (ret < 0)
		die("cannot watch a client: %s", strerror(-ret));
	if (!vectors_restore(client, &pvi))
		return "its vectors were not kept: FileDescriptorStoreMax= may be too small";
	if (!client->server->settings.no_kvm_pvi && !endpoint_restore(client, pvi))
		client_open_endpoint(client);
	return NULL;
}

/* What is said of it can only be that it is ended. Who knows its id is, too: that is nobody's. */
static void drop_slot(struct server *server, unsigned int slot, struct stored_fd *s, const char *why)
{
	warn("a client is ended, slot %u of the record: %s", slot, why);
	if (s)
		shutdown(s->fd, SHUT_RDWR);
	record_free(server, slot);
}

/*
 * Without a socket there is no telling who it was, but for its id: the others are told that it has gone.
 */
static void restore_lost(struct server *server, unsigned int i)
{
	unsigned int id = server->record->slots[i].id;

	warn("peer %u has gone: its connection was not kept: FileDescriptorStoreMax= may be too small", id);
	record_left(server, i, id, ++server->serial);
	if (retake_left_id(server, id))
		die("out of memory");
}

static void restore_slot(struct server *server, unsigned int i, struct doubt *doubt)
{
	const struct record_slot *slot = &server->record->slots[i];
	struct stored_fd *s = find_socket(server, i);

	if (record_state(server, i) == SLOT_FREE)
		return;
	if (!slot_makes_sense(server, slot)) {
		drop_slot(server, i, s, "it is damaged");
	} else if (s && slot->state == SLOT_PARTING) {
		restore_parting(server, i, s);
	} else if (s) {
		doubt->client = restore_socket(server, i, s);
		doubt->why = restore_live(doubt->client);
	} else {
		if (slot->state == SLOT_LIVE)
			restore_lost(server, i);
		record_free(server, i);
	}
}

static void print_restored(const struct peer *client)
{
	printf("peer %u goes on, process %d of user %u\n", client->id, client->pid, client->uid);
}

/* Connections that the last server had no time to say anything to */
static void join_waiting(struct server *server)
{
	struct stored_fd *s;
	unsigned int i;

	for (i = 0; i < MAX_PEERS; i++) {
		if (server->slots[i])
			continue;
		s = find_socket(server, i);
		if (!s || has_ended(s->fd))
			continue;
		s->used = true;
		store_drop(&server->store, STORED_VECTORS, i);
		client_join(server, s->fd, i);
	}
}

static void restore_left_ids(struct server *server, const struct record_id *ids)
{
	unsigned int i;

	for (i = 0; i < NR_IDS; i++) {
		if (!ids[i].left || (server->ids[i].taken && !server->ids[i].holder))
			continue;
		/* One that somebody has was about to be left. */
		if (server->ids[i].holder)
			record_forget_id(server, i);
		else if (retake_left_id(server, i))
			die("out of memory");
	}
}

static void end_doubtful(struct doubt *doubts)
{
	unsigned int i;

	for (i = 0; i < MAX_PEERS; i++) {
		if (doubts[i].why) {
			warn("peer %u is ended: %s", doubts[i].client->id, doubts[i].why);
			client_leave(doubts[i].client, "it cannot be served as before");
		} else if (doubts[i].client) {
			print_restored(doubts[i].client);
		}
	}
}

void restore_clients(struct server *server, const struct record_id *ids)
{
	struct doubt *doubts = must_alloc(calloc(MAX_PEERS, sizeof(*doubts)));
	unsigned int i;

	for (i = 0; i < MAX_PEERS; i++)
		restore_slot(server, i, &doubts[i]);
	restore_left_ids(server, ids);
	for (i = 0; i < MAX_PEERS; i++)
		if (doubts[i].client && !doubts[i].why && !restore_queue(doubts[i].client))
			doubts[i].why = "what it was told is not known";
	end_doubtful(doubts);
	free(doubts);
	forget_old_ids(server);
	join_waiting(server);
}
