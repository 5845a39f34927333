// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server store - descriptors that systemd keeps while no server runs
 *
 * Each has the name of a slot, a client's socket one and its eventfds and endpoint another. Names
 * are short: all of them must fit into one variable of the environment. systemd is not to look at
 * what it keeps: a client that has gone, or an endpoint that has died, is for the next server to see.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "server.h"

#define NAME_MAX_LENGTH 16

static const char letters[] = { [STORED_MEMORY] = 'm', [STORED_RECORD] = 'r', [STORED_SOCKET] = 'c',
				[STORED_VECTORS] = 'v' };

static void store_name(char name[NAME_MAX_LENGTH], enum stored what, unsigned int slot)
{
	snprintf(name, NAME_MAX_LENGTH, "%c%x", letters[what], slot);
}

static bool read_name(const char *name, struct stored_fd *s)
{
	char again[NAME_MAX_LENGTH];
	unsigned int i;

	if (!*name || sscanf(name + 1, "%x", &s->slot) != 1 || s->slot >= NR_SLOTS)
		return false;
	for (i = 0; i < sizeof(letters); i++) {
		store_name(again, i, s->slot);
		if (strcmp(name, again))
			continue;
		s->what = i;
		return true;
	}
	return false;
}

void store_keep(struct server *server, enum stored what, unsigned int slot, const int *fds, unsigned int nr)
{
	char name[NAME_MAX_LENGTH], message[64];
	int ret;

	store_name(name, what, slot);
	snprintf(message, sizeof(message), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	ret = sd_pid_notify_with_fds(0, 0, message, fds, nr);
	if (ret >= 0)
		return;
	server->unkept[slot] |= 1 << what;
	tick_soon(server);
	if (!server->unkept_told)
		warn("systemd cannot be given what it is to keep: %s; a restart ends clients, until it can", strerror(-ret));
	server->unkept_told = true;
}

static void tell_to_forget(enum stored what, unsigned int slot)
{
	char name[NAME_MAX_LENGTH];

	store_name(name, what, slot);
	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void store_forget(struct server *server, enum stored what, unsigned int slot)
{
	server->unkept[slot] &= ~(1 << what);
	tell_to_forget(what, slot);
}

static int compare(const void *left, const void *right)
{
	const struct stored_fd *a = left, *b = right;

	if (a->what != b->what)
		return a->what < b->what ? -1 : 1;
	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	return a->fd - b->fd;
}

/* A socket unit's, which systemd gives the unit's name, and others no name. Nothing else is ours. */
static void take_other(struct store *store, const char *name, int fd)
{
	if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0) {
		store->strange = true;
		sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
		discard(fd);
	} else if (!store->nr_listeners++) {
		store->listener = fd;
	}
}

static ino_t socket_number(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISSOCK(st.st_mode) ? st.st_ino : 0;
}

/* One connection is one client. systemd does not keep anything twice. */
static void drop_doubles(struct store *store)
{
	unsigned int i, n;

	for (i = 0; i < store->nr; i++) {
		for (n = 0; store->fds[i].socket && n < i; n++)
			if (store->fds[n].socket == store->fds[i].socket)
				break;
		if (!store->fds[i].socket || n == i)
			continue;
		store->fds[i].used = true;
		store->fds[i].socket = 0;
		close(store->fds[i].fd);
		store->fds[i].fd = -1;
	}
}

void store_take(struct store *store)
{
	char **names = NULL;
	int nr = sd_listen_fds_with_names(1, &names), i;
	struct stored_fd s;

	*store = (struct store){ .listener = -1 };
	if (nr > 0)
		store->fds = must_alloc(calloc(nr, sizeof(*store->fds)));
	for (i = 0; i < nr; i++) {
		s = (struct stored_fd){ .fd = SD_LISTEN_FDS_START + i };
		s.socket = socket_number(s.fd);
		if (read_name(names[i], &s))
			store->fds[store->nr++] = s;
		else
			take_other(store, names[i], s.fd);
		free(names[i]);
	}
	free(names);
	if (store->nr)
		qsort(store->fds, store->nr, sizeof(*store->fds), compare);
	drop_doubles(store);
}

struct stored_fd *store_find(const struct store *store, enum stored what, unsigned int slot, unsigned int *nr)
{
	const struct stored_fd key = { .what = what, .slot = slot, .fd = -1 };
	unsigned int low = 0, high = store->nr, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (compare(&store->fds[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (*nr = 0; low + *nr < store->nr; (*nr)++)
		if (store->fds[low + *nr].what != what || store->fds[low + *nr].slot != slot)
			break;
	return &store->fds[low];
}

/* systemd forgets all of a name at once, so none of which one is in use. */
void store_drop(struct store *store, enum stored what, unsigned int slot)
{
	unsigned int nr, i;
	struct stored_fd *s = store_find(store, what, slot, &nr);
	bool used = false;

	for (i = 0; i < nr; i++)
		used |= s[i].used;
	if (nr && !used)
		tell_to_forget(what, slot);
	for (i = 0; i < nr; i++) {
		if (s[i].used)
			continue;
		s[i].used = true;
		/* A connection that the record does not have has ended with this. */
		shutdown(s[i].fd, SHUT_RDWR);
		discard(s[i].fd);
	}
}

static bool is_new_name(const struct store *store, unsigned int i)
{
	return !i || store->fds[i].what != store->fds[i - 1].what || store->fds[i].slot != store->fds[i - 1].slot;
}

void store_drop_rest(struct store *store)
{
	unsigned int i;

	for (i = 0; i < store->nr; i++)
		if (is_new_name(store, i))
			store_drop(store, store->fds[i].what, store->fds[i].slot);
	free(store->fds);
	*store = (struct store){ .listener = store->listener };
}
