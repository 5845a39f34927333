// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server client - QEMUs that come and go */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "record.h"

/* All that it has, but for the socket */
static void close_client(struct peer *client)
{
	sd_event_source_disable_unref(client->io);
	queue_drop(client);
	vectors_close(client);
	if (client->pvi >= 0)
		close(client->pvi);
	free(client->owed);
}

static void free_client(struct peer *client)
{
	if (client->slot < NR_SLOTS)
		client->server->slots[client->slot] = NULL;
	discard(client->socket);
	accounts_close(client);
	free(client);
}

static int count_unread(const struct peer *client)
{
	int bytes = 0;

	ioctl(client->socket, SIOCOUTQ, &bytes);
	return bytes;
}

/*
 * Descriptors that it was sent, and does not read, count for the server's user even when this end
 * is closed. So it keeps its place until it has read them, or has closed the other end.
 */
static void let_go(struct peer *client)
{
	struct server *server = client->server;

	close_client(client);
	store_forget(server, STORED_VECTORS, client->slot);
	if (client->parting) {
		TAILQ_INSERT_TAIL(&server->parting, client, entry);
		tick_soon(server);
		return;
	}
	server->nr_clients--;
	store_forget(server, STORED_SOCKET, client->slot);
	free_client(client);
}

/*
 * The connection is ended before it is written down that the client has left, so what is in the
 * store without a note in the record, and has not ended, is yet to join.
 */
void client_leave(struct peer *client, const char *why)
{
	struct server *server = client->server;
	struct peer *other;
	bool known = false;

	TAILQ_REMOVE(&server->clients, client, entry);
	TAILQ_FOREACH(other, &server->clients, entry)
		known |= queue_departure(other, client);
	shutdown(client->socket, SHUT_RDWR);
	client->parting = count_unread(client);
	give_up_id(server, client, known);
	printf("peer %u has gone: %s\n", client->id, why);
	if (client->nr_owed)
		record_allowed(server);
	let_go(client);
	tell_status(server, "");
}


static int on_client(UNUSED struct sd_event_source *source, UNUSED int fd, uint32_t events,
		     void *userdata)
{
	struct peer *client = userdata;
	const char *why = NULL;

	if (events & ~EPOLLOUT)
		why = client->out_of_memory ? "the server is out of memory" : "it has closed the connection";
	if (!why && events & EPOLLOUT)
		why = queue_send(client);
	if (why)
		client_leave(client, why);
	return 0;
}

/* The others first, as QEMU's own server does; its own vectors are the end of the greeting. */
static void announce(struct peer *client)
{
	struct server *server = client->server;
	struct peer *other;

	queue_greeting(client, 0);
	TAILQ_FOREACH(other, &server->virtuals, entry)
		queue_vectors(client, other, 0);
	TAILQ_FOREACH(other, &server->clients, entry) {
		if (other == client)
			continue;
		queue_vectors(client, other, 0);
		queue_vectors(other, client, 0);
	}
	queue_vectors(client, client, 0);
}

void client_open_endpoint(struct peer *client)
{
	int ret;

	if (client->server->settings.no_kvm_pvi)
		return;
	ret = endpoint_open(client);
	if (!ret)
		ret = endpoint_expose(client);
	/* When it is complete: one that the store does not have is made anew. */
	if (!ret)
		store_keep(client->server, STORED_VECTORS, client->slot, &client->pvi, 1);
	if (!ret)
		return;
	warn("peer %u cannot be rung through kvm_pvi: %s", client->id, explain(ret));
	if (client->pvi >= 0)
		close(client->pvi);
	client->pvi = -1;
}

static void print_client(const struct peer *client)
{
	char text[UUID_STR_LEN];
	uuid_t uuid;

	endpoint_uuid(client->server, client->id, uuid);
	uuid_unparse_lower(uuid, text);
	printf("peer %u is process %d of user %u%s%s\n", client->id, client->pid, client->uid,
	       client->pvi >= 0 ? ", " : "", client->pvi >= 0 ? text : "");
}

int client_watch(struct peer *client)
{
	/* Nothing can come from it: its end is all that there is to see. */
	return sd_event_add_io(client->server->event, &client->io, client->socket, EPOLLHUP, on_client, client);
}

static int take_slot(struct peer *client)
{
	struct server *server = client->server;
	unsigned int i;

	for (i = 0; i < MAX_PEERS && server->slots[i]; i++)
		;
	if (i == MAX_PEERS)
		return -1;
	server->slots[i] = client;
	client->slot = i;
	return 0;
}

/* It has read what it was sent, or has closed the other end: then its place is free. */
static void look_at_parting(struct peer *client)
{
	struct server *server = client->server;

	if (count_unread(client))
		return;
	TAILQ_REMOVE(&server->parting, client, entry);
	server->nr_clients--;
	record_free(server, client->slot);
	store_forget(server, STORED_SOCKET, client->slot);
	free_client(client);
	tell_status(server, "");
}

static const char *look_for_place(const struct server *server, const struct peer *newcomer)
{
	if (server->nr_clients >= server->settings.max_peers)
		return "there are as many as --max-peers allows";
	return accounts_refuse(newcomer);
}

/* One that is free by now is not to wait for the next tick when somebody wants it. NULL: there is one */
static const char *find_place(struct server *server, const struct peer *newcomer)
{
	struct peer *client = TAILQ_FIRST(&server->parting), *next;

	if (!look_for_place(server, newcomer))
		return NULL;
	for (; client; client = next) {
		next = TAILQ_NEXT(client, entry);
		if (client->uid == newcomer->uid)
			look_at_parting(client);
	}
	return look_for_place(server, newcomer);
}

/* Why it may not, or NULL */
static const char *check_newcomer(struct server *server, struct peer *client)
{
	int ret = accounts_open(client);

	if (ret)
		return strerror(-ret);
	/* It is not read: there may be descriptors with it. */
	if (has_input(client->socket))
		return "it sent something";
	return find_place(server, client);
}

/* Why it cannot be had, or NULL */
static const char *try_join(struct server *server, struct peer *client)
{
	int ret = vectors_open(client, server->settings.vectors);

	if (!ret)
		ret = client_watch(client);
	if (ret < 0)
		return strerror(-ret);
	vectors_keep(client);
	if (take_id(server, client))
		return "all ids may be known to others";
	return NULL;
}

static void refuse(struct peer *client, bool stored, const char *why)
{
	warn("process %d of user %u is refused: %s", client->pid, client->uid, why);
	shutdown(client->socket, SHUT_RDWR);
	if (stored) {
		store_forget(client->server, STORED_VECTORS, client->slot);
		store_forget(client->server, STORED_SOCKET, client->slot);
	}
	close_client(client);
	free_client(client);
}

struct peer *client_new(struct server *server, int socket)
{
	struct peer *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->server = server;
	client->socket = socket;
	client->slot = NR_SLOTS;
	client->pvi = -1;
	vectors_init(client);
	TAILQ_INIT(&client->queue);
	return client;
}

/*
 * There is nothing that a client may say, so nothing is let in: what systemd has of the connection
 * cannot be filled with descriptors either, at whose end systemd would have to wait.
 */
void client_join(struct server *server, int socket, int slot)
{
	struct peer *client = client_new(server, socket);
	const char *why;

	if (!client) {
		warn("a process is refused: out of memory");
		discard(socket);
		return;
	}
	shutdown(socket, SHUT_RD);
	if (slot >= 0) {
		server->slots[slot] = client;
		client->slot = slot;
	}
	why = check_newcomer(server, client);
	if (!why && slot < 0 && take_slot(client))
		why = "there is no place in the record";
	if (why) {
		refuse(client, slot >= 0, why);
		return;
	}
	if (slot < 0)
		store_keep(server, STORED_SOCKET, client->slot, &socket, 1);
	why = try_join(server, client);
	if (why) {
		refuse(client, true, why);
		return;
	}
	record_join(client);
	TAILQ_INSERT_TAIL(&server->clients, client, entry);
	server->nr_clients++;
	client_open_endpoint(client);
	print_client(client);
	announce(client);
	tell_status(server, "");
}

/* Not in the record, nor in the store: without one a connection ends with its last descriptor. */
void clients_end(struct server *server)
{
	struct peer *client;

	while ((client = TAILQ_FIRST(&server->clients))) {
		TAILQ_REMOVE(&server->clients, client, entry);
		close_client(client);
		free_client(client);
	}
	while ((client = TAILQ_FIRST(&server->parting))) {
		TAILQ_REMOVE(&server->parting, client, entry);
		free_client(client);
	}
}

static void look_at_reader(struct peer *client, uint64_t now)
{
	int unread = count_unread(client);

	if (!unread || unread < client->unread)
		client->progress = now;
	client->unread = unread;
}

/* Who has read everything waits for us, not we for it. */
static bool is_stuck(const struct peer *client, uint64_t now)
{
	return client->unread && !TAILQ_EMPTY(&client->queue) &&
	       now - client->progress > client->server->settings.timeout * USEC;
}

static bool retry(struct peer *client)
{
	if (!client->waiting)
		return false;
	client->waiting = false;
	sd_event_source_set_io_events(client->io, EPOLLHUP | EPOLLOUT);
	return true;
}

/* True if there still are some */
static bool tick_parting(struct server *server)
{
	struct peer *client = TAILQ_FIRST(&server->parting), *next;

	for (; client; client = next) {
		next = TAILQ_NEXT(client, entry);
		look_at_parting(client);
	}
	return !TAILQ_EMPTY(&server->parting);
}

bool clients_tick(struct server *server)
{
	struct peer *client = TAILQ_FIRST(&server->clients), *next;
	bool again = false, shortage = false;
	uint64_t now;

	sd_event_now(server->event, CLOCK_MONOTONIC, &now);
	for (; client; client = next) {
		next = TAILQ_NEXT(client, entry);
		look_at_reader(client, now);
		if (is_stuck(client, now)) {
			client_leave(client, "it does not read");
			continue;
		}
		shortage |= retry(client);
		again |= endpoint_allow_owed(client);
		again |= !TAILQ_EMPTY(&client->queue);
	}
	server->shortage = shortage;
	return tick_parting(server) || again;
}
