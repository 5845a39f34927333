// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server vectors - a peer's eventfds */
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "record.h"

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

	for (i = 0; i < MAX_VECTORS; i++) {
		if (peer->vectors[i] >= 0)
			close(peer->vectors[i]);
		peer->vectors[i] = -1;
	}
}

int eventfd_number(int fd)
{
	char path[40], line[128];
	int number = -1;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	in = fopen(path, "re");
	if (!in)
		return -1;
	while (fgets(line, sizeof(line), in))
		if (sscanf(line, "eventfd-id: %d", &number) == 1)
			break;
	fclose(in);
	return number;
}

void vectors_keep(const struct peer *peer)
{
	store_keep(peer->server, STORED_VECTORS, peer->slot, peer->vectors, peer->server->settings.vectors);
}

bool vectors_restore(struct peer *peer, struct stored_fd **pvi)
{
	const struct record_slot *slot = &peer->server->record->slots[peer->slot];
	unsigned int nr = peer->server->settings.vectors, nr_fds, i, n, found = 0;
	struct stored_fd *fds = store_find(&peer->server->store, STORED_VECTORS, peer->slot, &nr_fds);
	int number;

	*pvi = NULL;
	for (n = 0; n < nr_fds; n++) {
		number = eventfd_number(fds[n].fd);
		/* The kernel gives no two that are open the same number, and a store may have one twice. */
		for (i = 0; i < nr; i++)
			if (number >= 0 && slot->eventfds[i] == number && peer->vectors[i] < 0)
				break;
		if (i < nr) {
			peer->vectors[i] = fds[n].fd;
			fds[n].used = true;
			found++;
		} else if (number < 0 && !*pvi) {
			*pvi = &fds[n];
		}
	}
	return found == nr;
}
