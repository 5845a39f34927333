// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-ivshmem-server restore_queue - what a client has yet to be told
 *
 * What it was told of each id is in the record, and what there is to be told follows from who is
 * there. It comes in the order in which it happened: each has a serial number.
 */
#include <stdlib.h>

#include "record.h"

/* To be told: that a peer is there, from a vector on, or that an id is nobody's any more */
struct news {
	uint64_t serial;
	const struct peer *peer;	/* or NULL */
	unsigned int id;
	unsigned int from;
};

/* A message that was sent in part, or may have been sent */
struct part {
	uint32_t sending;
	size_t sent;
	unsigned int parts;
};

static int compare(const void *left, const void *right)
{
	const struct news *a = left, *b = right;

	return a->serial < b->serial ? -1 : a->serial > b->serial;
}

static bool read_part(const struct record_slot *slot, struct part *part)
{
	unsigned int i, n;

	*part = (struct part){ .sending = slot->sending };
	if (!slot->sending)
		return true;
	for (i = 0; i < NR_PARTS && slot->parts[i].msg_len; i++) {
		n = slot->parts[i].msg_len;
		if (n > sizeof(uint64_t) - part->sent)
			return false;
		part->sent += n;
		part->parts = i + 1;
	}
	return true;
}

/* Whether it is what comes next, or, as a whole, what came last and was noted already */
static bool part_makes_sense(const struct server *server, const struct record_slot *slot, const uint8_t *row,
			     const struct part *part)
{
	unsigned int vector = SENDING_VECTOR(part->sending), id = SENDING_ID(part->sending);
	bool whole = part->sent == sizeof(uint64_t);
	enum tell tell = SENDING_TELL(part->sending);

	switch (tell) {
	case TELL_NOTHING:
		return !part->sending;
	case TELL_VERSION:
	case TELL_ID:
	case TELL_MEMORY:
		return part->sending == tell && (slot->greeted == tell - 1 || (whole && slot->greeted == tell));
	case TELL_VECTOR:
		return slot->greeted == TELL_MEMORY && vector < server->settings.vectors && server->ids[id].taken &&
		       (row[id] == vector || (whole && row[id] == vector + 1));
	case TELL_DEPARTURE:
		return !vector && !server->ids[id].holder && (row[id] || whole);
	default:
		return false;
	}
}

/* Nobody is known before the greeting, nor anybody who is not, and was not when it came. */
static bool row_makes_sense(const struct peer *client, const struct record_slot *slot, const uint8_t *row)
{
	const struct server *server = client->server;
	const struct id *id;
	unsigned int i;

	for (i = 0; i < NR_IDS; i++) {
		id = &server->ids[i];
		if (!row[i])
			continue;
		if (row[i] > server->settings.vectors || slot->greeted != TELL_MEMORY)
			return false;
		if (!id->holder && (!id->taken || id->left < client->joined))
			return false;
	}
	return true;
}

/* What was sent is noted. Who has been sent the first byte of something is told of it. */
static void settle(struct peer *client, const struct record_slot *slot, uint8_t *row, struct part *part)
{
	unsigned int id = SENDING_ID(part->sending);

	if (part->sent && SENDING_TELL(part->sending) == TELL_VECTOR)
		row[id] = SENDING_VECTOR(part->sending) + 1;
	if (part->sent && SENDING_TELL(part->sending) == TELL_DEPARTURE)
		row[id] = 0;
	if (part->sent == sizeof(uint64_t)) {
		record_sent(client);
		part->sent = 0;
	} else if (slot->sending && !part->sent) {
		record_not_sent(client);
	}
}

static size_t collect(const struct peer *client, const uint8_t *row, struct news *news)
{
	const struct server *server = client->server;
	const struct id *id;
	unsigned int i;
	size_t nr = 0;

	for (i = 0; i < NR_IDS; i++) {
		id = &server->ids[i];
		if (id->holder && row[i] < server->settings.vectors)
			news[nr++] = (struct news){ id->holder->joined, id->holder, i, row[i] };
		else if (!id->holder && row[i])
			news[nr++] = (struct news){ id->left, NULL, i, 0 };
	}
	qsort(news, nr, sizeof(*news), compare);
	return nr;
}

static void queue_all(struct peer *client, const struct part *part, const struct news *news, size_t nr)
{
	unsigned int greeted = client->server->record->slots[client->slot].greeted;
	const struct peer *about = NULL;
	size_t i;

	if (part->sent && SENDING_TELL(part->sending) == TELL_VECTOR)
		about = client->server->ids[SENDING_ID(part->sending)].holder;
	if (part->sent) {
		queue_part(client, part->sending, about, part->sent, part->parts);
		greeted += greeted < TELL_MEMORY;
	}
	queue_greeting(client, greeted);
	for (i = 0; i < nr; i++) {
		if (news[i].peer)
			queue_vectors(client, news[i].peer, news[i].from);
		else
			queue_gone(client, news[i].id);
	}
}

bool restore_queue(struct peer *client)
{
	const struct record_slot *slot = &client->server->record->slots[client->slot];
	uint8_t *row = must_alloc(malloc(NR_IDS));
	struct news *news = must_alloc(calloc(NR_IDS, sizeof(*news)));
	struct part part;
	bool known;

	known = !record_read_row(client->server, client->slot, row) && row_makes_sense(client, slot, row) &&
		read_part(slot, &part) && part_makes_sense(client->server, slot, row, &part);
	if (known) {
		settle(client, slot, row, &part);
		queue_all(client, &part, news, collect(client, row, news));
	}
	free(news);
	free(row);
	return known;
}
