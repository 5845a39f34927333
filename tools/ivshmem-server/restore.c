// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server restore - go on where the last server was killed
 *
 * With all that is there, or with nothing: a client that cannot be served as before is ended,
 * rather than half known.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"

/* One of a name that has one; -1: there is none */
static int find_one(struct server *server, enum stored what, struct stored_fd **s)
{
	unsigned int nr;

	*s = store_find(&server->store, what, 0, &nr);
	return nr == 1 ? 0 : -1;
}

static bool is_memory(int fd, uint64_t size)
{
	const int needed = F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	return seals >= 0 && (seals & needed) == needed && !fstat(fd, &st) && (uint64_t)st.st_size == size;
}

static unsigned int count_clients(const struct server *server)
{
	unsigned int i, nr = 0;

	for (i = 0; i < MAX_PEERS; i++)
		nr += record_state(server, i) == SLOT_LIVE;
	return nr;
}

/* Numbers that others are compared with. What is wrong with a single client is found later. */
static bool ids_make_sense(const struct server *server, struct record_id *ids)
{
	unsigned int i;

	if (record_read_ids(server, ids))
		return false;
	for (i = 0; i < NR_IDS; i++)
		if (ids[i].left > server->record->serial)
			return false;
	return true;
}

/* Why not, or NULL */
static const char *try_restore(struct server *server, struct stored_fd *memory, struct record_id *ids)
{
	if (!ids_make_sense(server, ids))
		return "the record of clients is damaged";
	if (!is_memory(memory->fd, server->settings.size))
		return "the memory is not what was stored";
	if (!virtuals_restore(server))
		return "not all of the virtual peers is there";
	server->memory = memory->fd;
	server->serial = server->record->serial;
	restore_clients(server, ids);
	return NULL;
}

/*
 * Those that the last server's allowed, as the record has it, may be others than ours. What it owed a client is owed to
 * all: the record does not say whom. The rest is not allowed again, as it may have been revoked since.
 */
static void allow_again(struct server *server)
{
	size_t nr, nr_held;
	struct allowed *old = record_read_allowed(server, &nr, &nr_held);
	struct peer *client;

	TAILQ_FOREACH(client, &server->clients, entry)
		endpoint_allow_again(client, old, nr, nr_held);
	free(old);
	record_allowed(server);
}

bool restore(struct server *server)
{
	struct stored_fd *record, *memory;
	struct record_id *ids;
	unsigned int nr;
	const char *why;

	if (!server->store.nr)
		return false;
	if (find_one(server, STORED_RECORD, &record) || find_one(server, STORED_MEMORY, &memory)) {
		warn("systemd has not kept all: clients are ended");
		return false;
	}
	why = record_open(server, record->fd);
	if (why) {
		warn("the record of clients cannot be used: %s; clients are ended", why);
		return false;
	}
	record->used = memory->used = true;
	nr = count_clients(server);
	why = record_differs(server);
	if (why && nr)
		warn("%s is not what it was: %u clients are ended", why, nr);
	if (!why) {
		ids = must_alloc(calloc(NR_IDS, sizeof(*ids)));
		why = try_restore(server, memory, ids);
		free(ids);
		if (why && nr)
			warn("%s: %u clients are ended", why, nr);
	}
	if (!why) {
		allow_again(server);
		return true;
	}
	for (nr = 0; nr < server->store.nr; nr++)
		server->store.fds[nr].used = false;
	server->record = NULL;
	return false;
}
