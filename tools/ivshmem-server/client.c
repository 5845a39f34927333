// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server client - QEMUs that come and go */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "server.h"

static void tell_status(const struct server *server)
{
	sd_notifyf(0, "STATUS=%u of %u peers", server->nr_clients, server->settings.max_peers);
}

static void free_client(struct peer *client)
{
	sd_event_source_disable_unref(client->io);
	queue_drop(client);
	vectors_close(client);
	if (client->pvi >= 0)
		close(client->pvi);
	close(client->socket);
	free(client);
}

static void client_leave(struct peer *client, const char *why)
{
	struct server *server = client->server;
	struct peer *other;

	TAILQ_REMOVE(&server->clients, client, entry);
	server->nr_clients--;
	give_up_id(server, client);
	TAILQ_FOREACH(other, &server->clients, entry)
		queue_departure(other, client);
	printf("peer %u has gone: %s\n", client->id, why);
	free_client(client);
	tell_status(server);
}

/* The protocol has nothing that a client may say. Descriptors it sent the kernel has closed. */
static const char *read_input(struct peer *client)
{
	char byte;
	ssize_t ret = recv(client->socket, &byte, 1, 0);

	if (ret > 0)
		return "it sent something";
	if (!ret)
		return "it has closed the connection";
	return errno == EAGAIN || errno == EINTR ? NULL : strerror(errno);
}

static int on_client(__always_unused struct sd_event_source *source, __always_unused int fd,
		     uint32_t events, void *userdata)
{
	struct peer *client = userdata;
	const char *why = NULL;

	if (events & ~EPOLLOUT)
		why = read_input(client);
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
	printf("peer %u is process %d%s%s\n", client->id, client->pid,
	       client->pvi >= 0 ? ", " : "", client->pvi >= 0 ? text : "");
}

static pid_t pid_of(int socket)
{
	struct ucred cred = { 0 };
	socklen_t size = sizeof(cred);

	getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &cred, &size);
	return cred.pid;
}

/* Why it cannot be had, or NULL */
static const char *try_join(struct server *server, struct peer *client)
{
	int ret;

	if (server->nr_clients >= server->settings.max_peers)
		return "there are as many as --max-peers allows";
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
		client->pid = pid_of(socket);
		client->pvi = -1;
		vectors_init(client);
		TAILQ_INIT(&client->queue);
		why = try_join(server, client);
	}
	if (why) {
		warn("process %d is refused: %s", pid_of(socket), why);
		if (client)
			free_client(client);
		else
			close(socket);
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
		free_client(client);
	}
}

static bool is_stuck(const struct peer *client, uint64_t now)
{
	return !TAILQ_EMPTY(&client->queue) &&
	       now - client->progress > client->server->settings.timeout * USEC;
}

bool clients_tick(struct server *server)
{
	struct peer *client = TAILQ_FIRST(&server->clients), *next;
	bool again = false;
	uint64_t now;

	sd_event_now(server->event, CLOCK_MONOTONIC, &now);
	for (; client; client = next) {
		next = TAILQ_NEXT(client, entry);
		if (is_stuck(client, now)) {
			client_leave(client, "it does not read");
			continue;
		}
		if (client->waiting) {
			client->waiting = false;
			sd_event_source_set_io_events(client->io, EPOLLIN | EPOLLOUT);
		}
		again |= !TAILQ_EMPTY(&client->queue);
	}
	return again;
}
