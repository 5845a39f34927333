// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server vectors - a peer's eventfds */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server.h"

void vectors_init(struct peer *peer)
{
	unsigned int i;

	for (i = 0; i < MAX_VECTORS; i++)
		peer->vectors[i] = -1;
}

int vectors_open(struct peer *peer, unsigned int nr)
{
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		peer->vectors[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (peer->vectors[i] >= 0)
			continue;
		err = -errno;
		vectors_close(peer);
		return err;
	}
	return 0;
}

void vectors_close(struct peer *peer)
{
	unsigned int i;

	for (i = 0; i < MAX_VECTORS && peer->vectors[i] >= 0; i++) {
		close(peer->vectors[i]);
		peer->vectors[i] = -1;
	}
}
