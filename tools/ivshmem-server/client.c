// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server client - QEMUs that come and go */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "server.h"

static void tell_status(const struct server *server)
{
	sd_notifyf(0, "STATUS=%u of %u peers", server->nr_clients, server->settings.max_peers);
}

/* All that it has, but for the socket */
static void close_client(struct peer *client)
{
	sd_event_source_disable_unref(client->io);
	queue_drop(client);
	vectors_close(client);
	if (client->pvi >= 0)
		close(client->pvi);
}

static void free_client(struct peer *client)
{
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
	if (count_unread(client)) {
		shutdown(client->socket, SHUT_RDWR);
		TAILQ_INSERT_TAIL(&server->parting, client, entry);
		tick_soon(server);
		return;
	}
	server->nr_clients--;
	free_client(client);
}

static void client_leave(struct peer *client, const char *why)
{
	struct server *server = client->server;
	struct peer *other;
	bool known = false;

	TAILQ_REMOVE(&server->clients, client, entry);
	TAILQ_FOREACH(other, &server->clients, entry)
		known |= queue_departure(other, client);
	give_up_id(server, client, known);
	printf("peer %u has gone: %s\n", client->id, why);
	let_go(client);
	tell_status(server);
}

/* There is nothing that a client may say. It is not read: there may be descriptors with it. */
static const char *why_input(const struct peer *client)
{
	if (client->out_of_memory)
		return "the server is out of memory";
	if (has_input(client->socket))
		return "it sent something";
	return "it has closed the connection";
}

static int on_client(UNUSED struct sd_event_source *source, UNUSED int fd, uint32_t events,
		     void *userdata)
{
	struct peer *client = userdata;
	const char *why = NULL;

	if (events & ~EPOLLOUT)
		why = why_input(client);
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

	queue_greeting(client);
	TAILQ_FOREACH(other, &server->virtuals, entry)
		queue_vectors(client, other);
	TAILQ_FOREACH(other, &server->clients, entry) {
		if (other == client)
			continue;
		queue_vectors(client, other);
		queue_vectors(other, client);
	}
	queue_vectors(client, client);
}

static void open_endpoint(struct peer *client)
{
	int ret;

	if (client->server->settings.no_kvm_pvi)
		return;
	ret = endpoint_open(client);
	if (!ret)
		ret = endpoint_expose(client);
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

/* Why it cannot be had, or NULL */
static const char *try_join(struct server *server, struct peer *client)
{
	const char *why;
	int ret = accounts_open(client);

	if (ret)
		return strerror(-ret);
	if (server->nr_clients >= server->settings.max_peers)
		return "there are as many as --max-peers allows";
	why = accounts_refuse(client);
	if (why)
		return why;
	ret = vectors_open(client, server->settings.vectors);
	if (ret)
		return strerror(-ret);
	ret = sd_event_add_io(server->event, &client->io, client->socket, EPOLLIN, on_client,
			      client);
	if (ret < 0)
		return strerror(-ret);
	if (take_id(server, client))
		return "all ids may be known to others";
	return NULL;
}

void client_join(struct server *server, int socket)
{
	struct peer *client = calloc(1, sizeof(*client));
	const char *why = "out of memory";

	if (client) {
		client->server = server;
		client->socket = socket;
		client->pvi = -1;
		vectors_init(client);
		TAILQ_INIT(&client->queue);
		why = try_join(server, client);
	}
	if (why) {
		warn("process %d of user %u is refused: %s", client ? client->pid : 0,
		     client ? client->uid : 0, why);
		if (client) {
			close_client(client);
			free_client(client);
		} else {
			discard(socket);
		}
		return;
	}
	TAILQ_INSERT_TAIL(&server->clients, client, entry);
	server->nr_clients++;
	open_endpoint(client);
	print_client(client);
	announce(client);
	tell_status(server);
}

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
	sd_event_source_set_io_events(client->io, EPOLLIN | EPOLLOUT);
	return true;
}

/* True if there still are some */
static bool tick_parting(struct server *server)
{
	struct peer *client = TAILQ_FIRST(&server->parting), *next;

	for (; client; client = next) {
		next = TAILQ_NEXT(client, entry);
		if (count_unread(client))
			continue;
		TAILQ_REMOVE(&server->parting, client, entry);
		server->nr_clients--;
		free_client(client);
		tell_status(server);
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
		again |= !TAILQ_EMPTY(&client->queue);
	}
	server->shortage = shortage;
	return tick_parting(server) || again;
}
