// SPDX-License-Identifier: GPL-2.0-or-later
/* pvi-ivshmem-server record - write down what the next server has to know */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm_pvi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"

/* Nobody can cut it off while it is mapped. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

_Static_assert(sizeof(struct allowed) == 20, "part of the record");
_Static_assert(sizeof(struct record_slot) == 32 + 4 * MAX_VECTORS + NR_PARTS * sizeof(struct mmsghdr),
	       "part of the record");

static void name_targets(const struct settings *s, uuid_t name)
{
	uuid_t bytes;
	size_t i;

	uuid_copy(name, *uuid_get_template("oid"));
	for (i = 0; i < s->nr_targets; i++) {
		uuid_copy(bytes, name);
		uuid_generate_sha1(name, bytes, (const char *)&s->targets[i], sizeof(s->targets[i]));
	}
}

static bool record_map(struct server *server, int fd)
{
	void *map = mmap(NULL, sizeof(struct record), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return false;
	server->record = map;
	server->record_fd = fd;
	return true;
}

void record_make(struct server *server)
{
	const struct settings *s = &server->settings;
	int fd = memfd_create("ivshmem-record", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct record *r;

	if (fd < 0 || ftruncate(fd, sizeof(*r)) || fcntl(fd, F_ADD_SEALS, SEALS) || !record_map(server, fd))
		die("cannot make the record of clients: %s", strerror(errno));
	r = server->record;
	memcpy(r->head.magic, RECORD_MAGIC, sizeof(r->head.magic));
	r->head.version = RECORD_VERSION;
	r->length = sizeof(*r);
	r->size = s->size;
	r->vectors = s->vectors;
	r->no_kvm_pvi = s->no_kvm_pvi;
	r->nr_targets = s->nr_targets;
	uuid_copy(r->uuid, s->uuid);
	name_targets(s, r->targets);
	record_allowed(server);
}

static const char *check_head(int fd)
{
	struct record_head head;
	static char why[96];
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) ||
	    pread(fd, &head, sizeof(head), 0) != sizeof(head) || memcmp(head.magic, RECORD_MAGIC, sizeof(head.magic)))
		return "it is something else";
	if (head.version != RECORD_VERSION) {
		snprintf(why, sizeof(why), "it is of version %u, and this server's are of version %u",
			 head.version, RECORD_VERSION);
		return why;
	}
	return st.st_size == sizeof(struct record) ? NULL : "it is damaged";
}

const char *record_open(struct server *server, int fd)
{
	const char *why = check_head(fd);
	const struct record *r;

	if (why)
		return why;
	if (!record_map(server, fd))
		return strerror(errno);
	r = server->record;
	if (r->length == sizeof(*r) && r->allowed_list <= 1 && r->nr_allowed[r->allowed_list] <= MAX_ALLOWED &&
	    r->serial <= INT64_MAX)
		return NULL;
	munmap(server->record, sizeof(*r));
	server->record = NULL;
	return "it is damaged";
}

const char *record_differs(const struct server *server)
{
	const struct settings *s = &server->settings;
	const struct record *r = server->record;
	uuid_t targets;

	name_targets(s, targets);
	if (r->size != s->size)
		return "--size";
	if (r->vectors != s->vectors)
		return "--vectors";
	if (r->no_kvm_pvi != s->no_kvm_pvi)
		return "--no-kvm-pvi";
	if (uuid_compare(r->uuid, s->uuid))
		return "--uuid";
	if (r->nr_targets != s->nr_targets || uuid_compare(r->targets, targets))
		return "--peer";
	return NULL;
}

static int read_record(const struct server *server, size_t offset, void *buffer, size_t size)
{
	return pread(server->record_fd, buffer, size, offset) == (ssize_t)size ? 0 : -EIO;
}

uint32_t record_state(const struct server *server, unsigned int slot)
{
	uint32_t state;

	return read_record(server, offsetof(struct record, slots[slot].state), &state, sizeof(state)) ?
	       (uint32_t)SLOT_FREE : state;
}

int record_read_ids(const struct server *server, struct record_id ids[NR_IDS])
{
	return read_record(server, offsetof(struct record, ids), ids, NR_IDS * sizeof(*ids));
}

int record_read_row(const struct server *server, unsigned int slot, uint8_t row[NR_IDS])
{
	return read_record(server, offsetof(struct record, told[slot]), row, NR_IDS);
}

void record_serial(struct server *server)
{
	RECORD(server->record->serial, server->serial);
}

static struct record_slot *slot_of(const struct peer *peer)
{
	return &peer->server->record->slots[peer->slot];
}

static void forget_told(struct server *server, unsigned int slot)
{
	off_t offset = offsetof(struct record, told[slot]);

	if (fallocate(server->record_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, NR_IDS))
		memset(server->record->told[slot], 0, NR_IDS);
}

void record_join(struct peer *peer)
{
	struct record_slot *slot = slot_of(peer);
	unsigned int i;

	if (peer->slot < MAX_PEERS)
		forget_told(peer->server, peer->slot);
	slot->id = peer->id;
	slot->joined = peer->joined;
	slot->pid = peer->payers[PROCESS] ? peer->pid : 0;
	slot->uid = peer->uid;
	slot->greeted = 0;
	slot->sending = TELL_NOTHING;
	for (i = 0; i < MAX_VECTORS; i++)
		slot->eventfds[i] = i < peer->server->settings.vectors ? eventfd_number(peer->vectors[i]) : -1;
	RECORD(slot->state, SLOT_LIVE);
}

void record_left(struct server *server, unsigned int slot, unsigned int id, uint64_t left)
{
	struct record_id *r = &server->record->ids[id];

	record_serial(server);
	r->pid = server->record->slots[slot].pid;
	r->uid = server->record->slots[slot].uid;
	RECORD(r->left, left);
}

void record_leave(struct peer *peer, uint64_t left)
{
	record_left(peer->server, peer->slot, peer->id, left);
	RECORD(slot_of(peer)->state, peer->parting ? SLOT_PARTING : SLOT_FREE);
}

void record_free(struct server *server, unsigned int slot)
{
	RECORD(server->record->slots[slot].state, SLOT_FREE);
}

void record_forget_id(struct server *server, unsigned int id)
{
	RECORD(server->record->ids[id].left, 0);
}

static bool is_owed(const struct allowed *a)
{
	uint32_t gsi = a->gsi ^ RECORD_OWED;

	return gsi < MAX_VECTORS || gsi == KVM_PVI_GSI_ANY;
}

/* What is owed stands in the order of the settings as well. */
static void mark_owed(const struct peer *client, struct allowed *marked)
{
	const struct settings *s = &client->server->settings;
	const struct allowed *owed = client->owed, *end = owed + client->nr_owed;
	size_t i;

	for (i = 0; i < s->nr_allowed && owed < end; i++) {
		if (owed->gsi != s->allowed[i].gsi || uuid_compare(owed->uuid, s->allowed[i].uuid))
			continue;
		marked[i].gsi = owed->gsi ^ RECORD_OWED;
		owed++;
	}
}

void record_allowed(struct server *server)
{
	const struct settings *s = &server->settings;
	struct record *r = server->record;
	uint32_t other = !r->allowed_list;
	const struct peer *client;

	if (s->nr_allowed)
		memcpy(r->allowed[other], s->allowed, s->nr_allowed * sizeof(*s->allowed));
	r->nr_allowed[other] = s->nr_allowed;
	TAILQ_FOREACH(client, &server->clients, entry)
		mark_owed(client, r->allowed[other]);
	RECORD(r->allowed_list, other);
}

struct allowed *record_read_allowed(const struct server *server, size_t *nr, size_t *nr_held)
{
	const struct record *r = server->record;
	const struct allowed *from = r->allowed[r->allowed_list];
	struct allowed *all, *owed;
	uint32_t i;

	*nr = r->nr_allowed[r->allowed_list];
	*nr_held = 0;
	all = must_alloc(calloc(*nr + 1, sizeof(*all)));
	owed = all + *nr;
	for (i = 0; i < *nr; i++) {
		if (!is_owed(&from[i])) {
			all[(*nr_held)++] = from[i];
			continue;
		}
		*--owed = from[i];
		owed->gsi ^= RECORD_OWED;
	}
	return all;
}

void record_sending(struct peer *client, uint32_t sending)
{
	struct record_slot *slot = slot_of(client);
	unsigned int i;

	for (i = 0; i < NR_PARTS; i++)
		slot->parts[i].msg_len = 0;
	RECORD(slot->sending, sending);
}

void record_not_sent(struct peer *client)
{
	RECORD(slot_of(client)->sending, TELL_NOTHING);
}

void record_sent(struct peer *client)
{
	struct record_slot *slot = slot_of(client);
	uint8_t *told = &client->server->record->told[client->slot][SENDING_ID(slot->sending)];

	switch (SENDING_TELL(slot->sending)) {
	case TELL_VECTOR:
		RECORD(*told, SENDING_VECTOR(slot->sending) + 1);
		break;
	case TELL_DEPARTURE:
		RECORD(*told, 0);
		break;
	default:
		RECORD(slot->greeted, SENDING_TELL(slot->sending));
	}
	RECORD(slot->sending, TELL_NOTHING);
}
