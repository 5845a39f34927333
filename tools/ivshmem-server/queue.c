// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server queue - messages of the protocol to one client
 *
 * A message is an id, as 8 bytes of little endian, with or without a descriptor. Sending never
 * blocks. What a client does not read waits here, and needs no bound of its own: about a peer that
 * has gone before the client was told that it came there is nothing to say.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server.h"

#define PROTOCOL_VERSION	0
#define ID_MEMORY		(-1)

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static uint64_t now(const struct peer *client)
{
	uint64_t usec;

	sd_event_now(client->server->event, CLOCK_MONOTONIC, &usec);
	return usec;
}

static void want_output(struct peer *client, bool want)
{
	sd_event_source_set_io_events(client->io, want ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void queue(struct peer *client, int64_t id, int fd, const struct peer *about)
{
	struct message *m = malloc(sizeof(*m));

	if (!m) {
		/* It must not miss one. Its callback will end it. */
		client->out_of_memory = true;
		shutdown(client->socket, SHUT_RDWR);
		return;
	}
	*m = (struct message){ .id = id, .fd = fd, .about = about };
	if (TAILQ_EMPTY(&client->queue)) {
		client->progress = now(client);
		want_output(client, true);
		tick_soon(client->server);
	}
	TAILQ_INSERT_TAIL(&client->queue, m, entry);
}

static void unqueue(struct peer *client, struct message *m)
{
	TAILQ_REMOVE(&client->queue, m, entry);
	free(m);
}

void queue_greeting(struct peer *client)
{
	queue(client, PROTOCOL_VERSION, -1, NULL);
	queue(client, client->id, -1, NULL);
	queue(client, ID_MEMORY, client->server->memory, NULL);
}

void queue_vectors(struct peer *client, const struct peer *about)
{
	unsigned int i;

	for (i = 0; i < client->server->settings.vectors; i++)
		queue(client, about->id, about->vectors[i], about);
}

bool queue_departure(struct peer *client, const struct peer *about)
{
	struct message *m = TAILQ_FIRST(&client->queue), *next;
	unsigned int unsent = 0;

	for (; m; m = next) {
		next = TAILQ_NEXT(m, entry);
		if (m->about != about)
			continue;
		/* The descriptor went with the first byte. */
		m->about = NULL;
		m->fd = -1;
		if (m->sent)
			continue;
		unqueue(client, m);
		unsent++;
	}
	if (unsent == client->server->settings.vectors)
		return false;
	queue(client, about->id, -1, NULL);
	return true;
}

void queue_drop(struct peer *client)
{
	struct message *m;

	while ((m = TAILQ_FIRST(&client->queue)))
		unqueue(client, m);
}

static ssize_t send_message(int socket, const struct message *m)
{
	uint64_t bytes = htole64(m->id);
	struct iovec iov = {
		.iov_base = (char *)&bytes + m->sent,
		.iov_len = sizeof(bytes) - m->sent,
	};
	union control control = {
		.header.cmsg_len = CMSG_LEN(sizeof(int)),
		.header.cmsg_level = SOL_SOCKET,
		.header.cmsg_type = SCM_RIGHTS,
	};
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (m->fd >= 0 && !m->sent) {
		memcpy(CMSG_DATA(&control.header), &m->fd, sizeof(m->fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	return sendmsg(socket, &msg, MSG_NOSIGNAL);
}

/* Nothing that the client could change: the poll would say at once that there is room. */
static bool is_shortage(int err)
{
	return err == ETOOMANYREFS || err == ENOBUFS || err == ENOMEM;
}

/* Until the next tick */
static void wait_for_kernel(struct peer *client, int err)
{
	client->waiting = true;
	want_output(client, false);
	if (client->server->shortage)
		return;
	client->server->shortage = true;
	if (err == ETOOMANYREFS)
		warn("peer %u has to wait: as many descriptors as the server may have open are sent, and not read by whom they were sent to",
		     client->id);
	else
		warn("peer %u has to wait: %s", client->id, strerror(err));
}

const char *queue_send(struct peer *client)
{
	struct message *m;
	ssize_t sent;

	while ((m = TAILQ_FIRST(&client->queue))) {
		sent = send_message(client->socket, m);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return NULL;
		if (sent < 0 && is_shortage(errno)) {
			wait_for_kernel(client, errno);
			return NULL;
		}
		if (sent < 0)
			return errno == EPIPE ? "it has closed the connection" : strerror(errno);
		client->progress = now(client);
		m->sent += sent;
		if (m->sent == sizeof(uint64_t))
			unqueue(client, m);
	}
	want_output(client, false);
	return NULL;
}
