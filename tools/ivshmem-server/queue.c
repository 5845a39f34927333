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

#include "record.h"

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
	sd_event_source_set_io_events(client->io, want ? EPOLLHUP | EPOLLOUT : EPOLLHUP);
}

static struct message *queue(struct peer *client, uint32_t sending, int64_t id, int fd, const struct peer *about)
{
	struct message *m = malloc(sizeof(*m));

	if (!m) {
		/* It must not miss one. Its callback will end it. */
		client->out_of_memory = true;
		shutdown(client->socket, SHUT_RDWR);
		return NULL;
	}
	*m = (struct message){ .id = id, .fd = fd, .about = about, .sending = sending };
	if (TAILQ_EMPTY(&client->queue)) {
		client->progress = now(client);
		want_output(client, true);
		tick_soon(client->server);
	}
	TAILQ_INSERT_TAIL(&client->queue, m, entry);
	return m;
}

static void unqueue(struct peer *client, struct message *m)
{
	TAILQ_REMOVE(&client->queue, m, entry);
	free(m);
}

void queue_greeting(struct peer *client, unsigned int from)
{
	if (from < TELL_VERSION)
		queue(client, TELL_VERSION, PROTOCOL_VERSION, -1, NULL);
	if (from < TELL_ID)
		queue(client, TELL_ID, client->id, -1, NULL);
	if (from < TELL_MEMORY)
		queue(client, TELL_MEMORY, ID_MEMORY, client->server->memory, NULL);
}

void queue_vectors(struct peer *client, const struct peer *about, unsigned int from)
{
	unsigned int i;

	for (i = from; i < client->server->settings.vectors; i++)
		queue(client, SENDING(TELL_VECTOR, about->id, i), about->id, about->vectors[i], about);
}

void queue_gone(struct peer *client, uint16_t id)
{
	queue(client, SENDING(TELL_DEPARTURE, id, 0), id, -1, NULL);
}

/* The descriptor went with the first byte. */
void queue_part(struct peer *client, uint32_t sending, const struct peer *about, size_t sent, unsigned int parts)
{
	static const int64_t greeting[] = { [TELL_VERSION] = PROTOCOL_VERSION, [TELL_MEMORY] = ID_MEMORY };
	enum tell tell = SENDING_TELL(sending);
	int64_t id = SENDING_ID(sending);
	struct message *m;

	if (tell == TELL_VERSION || tell == TELL_MEMORY)
		id = greeting[tell];
	else if (tell == TELL_ID)
		id = client->id;
	m = queue(client, sending, id, -1, about);
	if (!m)
		return;
	m->sent = sent;
	m->parts = parts;
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
	queue_gone(client, about->id);
	return true;
}

void queue_drop(struct peer *client)
{
	struct message *m;

	while ((m = TAILQ_FIRST(&client->queue)))
		unqueue(client, m);
}

/* The number of bytes, which are in the record then, or -1 */
static int send_message(struct peer *client, struct message *m)
{
	struct mmsghdr *part = &client->server->record->slots[client->slot].parts[m->parts];
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
	int err;

	if (!m->sent)
		record_sending(client, m->sending);
	part->msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	if (m->fd >= 0 && !m->sent) {
		memcpy(CMSG_DATA(&control.header), &m->fd, sizeof(m->fd));
		part->msg_hdr.msg_control = &control;
		part->msg_hdr.msg_controllen = sizeof(control);
	}
	if (sendmmsg(client->socket, part, 1, MSG_NOSIGNAL) == 1) {
		m->parts++;
		m->sent += part->msg_len;
		return part->msg_len;
	}
	err = errno;
	if (!m->sent)
		record_not_sent(client);
	errno = err;
	return -1;
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
	int sent;

	while ((m = TAILQ_FIRST(&client->queue))) {
		sent = send_message(client, m);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return NULL;
		if (sent < 0 && is_shortage(errno)) {
			wait_for_kernel(client, errno);
			return NULL;
		}
		if (sent < 0)
			return errno == EPIPE ? "it has closed the connection" : strerror(errno);
		client->progress = now(client);
		if (m->sent < sizeof(uint64_t))
			continue;
		record_sent(client);
		unqueue(client, m);
	}
	want_output(client, false);
	return NULL;
}
