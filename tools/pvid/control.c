// SPDX-License-Identifier: GPL-2.0-or-later
/* pvid control - "pvictl apply": whoever connects has the policy applied, and is told how that went */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pvid.h"

void control_answer(struct pvid *d, const char *error)
{
	struct client *client;

	while ((client = LIST_FIRST(&d->clients))) {
		LIST_REMOVE(client, entry);
		/* Who does not read it misses it. */
		if (send(client->fd, error, strlen(error), MSG_NOSIGNAL) < 0 ||
		    send(client->fd, "\n", 1, MSG_NOSIGNAL) < 0)
			LOG(SD_NOTICE, "nobody waits for the answer: %s", strerror(errno));
		close(client->fd);
		free(client);
	}
}

static int connected(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client = accepted < 0 ? NULL : calloc(1, sizeof(*client));
	struct pvid *d = arg;

	(void)source;
	(void)events;
	if (!client) {
		if (accepted >= 0)
			close(accepted);
		return 0;
	}
	client->fd = accepted;
	LIST_INSERT_HEAD(&d->clients, client, entry);
	reload(d);
	return 0;
}

int control_listen(struct pvid *d, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	stpcpy(address.sun_path, path);
	/* One that was killed has left it, for no other one runs. */
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8))
		return -errno;
	return sd_event_add_io(d->event, NULL, fd, EPOLLIN, connected, d);
}
