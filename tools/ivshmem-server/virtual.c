// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server virtual - peers that stand for endpoints of kvm_pvi
 *
 * To clients such a peer is one like the others. Its eventfds are sources: what a doorbell signals
 * rings a GSI of the receiver. The receiver may come, go and come again; signals for one that is
 * not there stay in the eventfd, and are one ring when it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <libpvi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record.h"

static void print_vector(const struct peer *peer, unsigned int i)
{
	char text[UUID_STR_LEN];

	uuid_unparse_lower(peer->target->uuid, text);
	printf("peer %u: vector %u %s GSI %u of %s\n", peer->id, i,
	       peer->ports[i] >= 0 ? "rings" : "waits for", peer->target->gsis[i], text);
}

static void disconnect_vector(struct peer *peer, unsigned int i)
{
	pvi_unwire_source(peer->pvi, peer->ports[i], peer->vectors[i]);
	pvi_close_port(peer->pvi, peer->ports[i]);
	peer->ports[i] = -1;
	print_vector(peer, i);
}

static bool is_alive(const struct peer *peer, unsigned int i)
{
	uint64_t state;

	return !pvi_query(peer->pvi, KVM_PVI_Q_PORT, peer->ports[i], KVM_PVI_Q_PORT_STATE, &state) &&
	       state == KVM_PVI_PORT_LIVE;
}

static bool connect_vector(struct peer *peer, unsigned int i)
{
	int port, ret;

	/* A port of the same number, so that who goes on knows it without having been told. */
	port = pvi_connect(peer->pvi, i, peer->target->uuid, peer->target->gsis[i]);
	if (port < 0)
		return false;
	ret = pvi_wire_source(peer->pvi, port, peer->vectors[i]);
	if (ret < 0) {
		/* The port is there: what is missing is not the module. */
		warn("peer %u: vector %u cannot ring: %s", peer->id, i,
		     ret == -ENOSPC ? explain(ret) : strerror(-ret));
		pvi_close_port(peer->pvi, port);
		return false;
	}
	peer->ports[i] = port;
	print_vector(peer, i);
	return true;
}

/* How many GSIs of the receiver it may ring; -ESRCH: the receiver is not there, or does not let it */
static int count_ringable(const struct peer *peer)
{
	struct kvm_pvi_peer all[KVM_PVI_PEERS_MAX];
	uint32_t first = 0;
	int nr, i;

	while ((nr = pvi_peers(peer->pvi, all, ARRAY_SIZE(all), first)) > 0) {
		for (i = 0; i < nr; i++)
			if (!uuid_compare(all[i].uuid, peer->target->uuid))
				return all[i].gsis;
		first = all[nr - 1].position + 1;
	}
	return nr < 0 ? nr : -ESRCH;
}

/* True if one is missing now. */
static bool disconnect_dead(struct peer *peer)
{
	bool missing = false;
	unsigned int i;

	for (i = 0; i < peer->target->nr_gsis; i++) {
		if (peer->ports[i] >= 0 && !is_alive(peer, i))
			disconnect_vector(peer, i);
		missing |= peer->ports[i] < 0;
	}
	return missing;
}

/*
 * True if it has to be called again: an event tells that a receiver is there, but not that it has exposed one
 * GSI more, nor that one of several was revoked alone. Who tries to connect to one that is not there is denied,
 * which is counted, and told to who watches for such.
 */
static bool refresh(struct peer *peer)
{
	bool again = peer->target->nr_gsis > 1;
	unsigned int i;
	int ringable;

	if (!disconnect_dead(peer))
		return again;
	ringable = count_ringable(peer);
	if (ringable <= 0)
		return ringable != -ESRCH;
	for (i = 0; i < peer->target->nr_gsis; i++)
		if (peer->ports[i] < 0)
			again |= !connect_vector(peer, i);
	return again;
}

/* What the events say in detail does not matter: some may have been lost. */
static int on_event(UNUSED struct sd_event_source *source, int fd, UNUSED uint32_t events,
		    void *userdata)
{
	struct kvm_pvi_event kept[KVM_PVI_EVENTS_KEPT];
	struct peer *peer = userdata;

	while (read(fd, kept, sizeof(kept)) > 0)
		;
	if (refresh(peer))
		tick_soon(peer->server);
	return 0;
}

static struct peer *virtual_new(struct server *server, size_t n)
{
	struct peer *peer = must_alloc(calloc(1, sizeof(*peer)));
	unsigned int i;

	peer->server = server;
	peer->target = &server->settings.targets[n];
	peer->slot = MAX_PEERS + n;
	peer->socket = -1;
	peer->pvi = -1;
	vectors_init(peer);
	for (i = 0; i < MAX_VECTORS; i++)
		peer->ports[i] = -1;
	return peer;
}

static void virtual_add(struct peer *peer)
{
	char text[UUID_STR_LEN];
	uuid_t uuid;
	int ret;

	endpoint_uuid(peer->server, peer->id, uuid);
	uuid_unparse_lower(uuid, text);
	fcntl(peer->pvi, F_SETFL, O_NONBLOCK);
	ret = sd_event_add_io(peer->server->event, &peer->io, peer->pvi, EPOLLIN, on_event, peer);
	if (ret < 0)
		die("cannot watch an endpoint: %s", strerror(-ret));
	printf("peer %u is virtual, %s\n", peer->id, text);
	peer->server->slots[peer->slot] = peer;
	TAILQ_INSERT_TAIL(&peer->server->virtuals, peer, entry);
}

static void open_endpoint(struct peer *peer)
{
	char text[UUID_STR_LEN];
	uuid_t uuid;
	int ret = endpoint_open(peer);

	endpoint_uuid(peer->server, peer->id, uuid);
	uuid_unparse_lower(uuid, text);
	if (ret)
		die("cannot be %s: %s", text, explain(ret));
	store_keep(peer->server, STORED_VECTORS, peer->slot, &peer->pvi, 1);
}

static void start_one(struct server *server, size_t n)
{
	struct peer *peer = virtual_new(server, n);
	unsigned int i;
	int ret = vectors_open(peer, server->settings.vectors);

	if (ret)
		die("eventfd: %s", strerror(-ret));
	vectors_keep(peer);
	take_id(server, peer);
	record_join(peer);
	open_endpoint(peer);
	virtual_add(peer);
	for (i = 0; i < peer->target->nr_gsis; i++)
		print_vector(peer, i);
}

void virtuals_start(struct server *server)
{
	size_t i;

	for (i = 0; i < server->settings.nr_targets; i++)
		start_one(server, i);
}

/* What the last server has connected, and perhaps not wired any more */
static void restore_ports(struct peer *peer)
{
	uint64_t state;
	unsigned int i;
	int ret;

	for (i = 0; i < peer->target->nr_gsis; i++) {
		if (pvi_query(peer->pvi, KVM_PVI_Q_PORT, i, KVM_PVI_Q_PORT_STATE, &state))
			continue;
		ret = pvi_wire_source(peer->pvi, i, peer->vectors[i]);
		if (ret < 0 && ret != -EEXIST)
			pvi_close_port(peer->pvi, i);
		else
			peer->ports[i] = i;
	}
}

static bool find_one(struct peer *peer, size_t n, struct stored_fd **pvi)
{
	const struct record_slot *slot = &peer->server->record->slots[peer->slot];

	peer->id = slot->id;
	peer->joined = slot->joined;
	return slot->state == SLOT_LIVE && slot->id == n && slot->joined &&
	       slot->joined <= peer->server->record->serial && vectors_restore(peer, pvi);
}

static void restore_one(struct peer *peer, struct stored_fd *pvi)
{
	retake_id(peer->server, peer);
	if (endpoint_restore(peer, pvi))
		restore_ports(peer);
	else
		open_endpoint(peer);
	virtual_add(peer);
}

bool virtuals_restore(struct server *server)
{
	size_t nr = server->settings.nr_targets, n, i;
	struct peer **peers = must_alloc(calloc(nr + 1, sizeof(*peers)));
	struct stored_fd **pvi = must_alloc(calloc(nr + 1, sizeof(*pvi)));
	bool all = true;

	for (n = 0; n < nr && all; n++) {
		peers[n] = virtual_new(server, n);
		all = find_one(peers[n], n, &pvi[n]);
	}
	for (i = 0; i < n; i++) {
		if (all)
			restore_one(peers[i], pvi[i]);
		else
			free(peers[i]);
	}
	free(peers);
	free(pvi);
	return all;
}

bool virtuals_tick(struct server *server)
{
	struct peer *peer;
	bool again = false;

	TAILQ_FOREACH(peer, &server->virtuals, entry)
		again |= refresh(peer);
	return again;
}
