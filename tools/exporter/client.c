// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-exporter client - who is connected: not too many, not too many of one user, and not for long */
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporter.h"

static struct client clients[MAX_CLIENTS];

static struct client *client_with(int fd)
{
	unsigned int i;

	for (i = 0; i < MAX_CLIENTS; i++)
		if (clients[i].fd == fd)
			return &clients[i];
	return NULL;
}

void client_init(void)
{
	unsigned int i;

	for (i = 0; i < MAX_CLIENTS; i++)
		clients[i].fd = -1;
}

bool client_room(void)
{
	return client_with(-1);
}

struct client *client_find(int fd)
{
	return client_with(fd);
}

/* Who has connected by a socket of the file system; other sockets do not say. */
static uid_t user_of(int fd)
{
	struct ucred peer = { .uid = -1 };
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || !peer.pid ? (uid_t)-1 : peer.uid;
}

static unsigned int clients_of(uid_t uid)
{
	unsigned int i, nr = 0;

	for (i = 0; i < MAX_CLIENTS; i++)
		nr += clients[i].fd >= 0 && clients[i].uid == uid;
	return nr;
}

struct client *client_add(int fd, uint64_t now)
{
	struct client *c = client_with(-1);
	uid_t uid = user_of(fd);

	if (!c || (uid != (uid_t)-1 && clients_of(uid) >= MAX_OF_USER)) {
		close(fd);
		return NULL;
	}
	*c = (struct client){ .fd = fd, .uid = uid, .deadline = now + CLIENT_SECONDS * 1000 };
	return c;
}

void client_free(struct client *c)
{
	snapshot_put(c->snapshot);
	*c = (struct client){ .fd = -1 };
}

int client_end_late(uint64_t now)
{
	uint64_t next = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < MAX_CLIENTS; i++) {
		if (clients[i].fd < 0)
			continue;
		/* It is closed when that is noticed. */
		if (clients[i].deadline <= now) {
			shutdown(clients[i].fd, SHUT_RDWR);
			clients[i].deadline = UINT64_MAX;
		} else if (clients[i].deadline < next) {
			next = clients[i].deadline;
		}
	}
	return next == UINT64_MAX ? -1 : (int)(next - now);
}
