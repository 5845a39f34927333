/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvi-ivshmem-server: what a server leaves to the one that goes on after it
 *
 * Descriptors do not tell who has which id, nor how far each client has been told of whom. That
 * stands in this record, a memfd that is mapped while the server runs and changes with everything
 * that happens, so that a server may be killed between any two instructions:
 *
 * - Each change takes effect by one store, to @state, @sending, an element of @told or @left. What
 *   it needs is written before, what follows from it after. What was not reached is done again.
 * - A message and the note of how much of it was sent are one call: the kernel writes the number
 *   of bytes into @parts before sendmmsg() returns, and nobody is killed within.
 *
 * It is sparse: what nobody has used takes no memory. Whoever reads it believes nothing.
 */
#ifndef IVSHMEM_RECORD_H
#define IVSHMEM_RECORD_H

#include <stdint.h>
#include <sys/socket.h>

#include "server.h"

#define RECORD_MAGIC	"pvi-ivsh"
#define RECORD_VERSION	1	/* of all that is below */
#define NR_PARTS	8	/* a message has so many bytes */
#define ROW_ALIGN	4096
#define RECORD_OWED	0x40000000u	/* turned over in a GSI: a client's table had no room for that yet */

/* What is, or was last, being sent to a client; 0: nothing */
enum tell { TELL_NOTHING, TELL_VERSION, TELL_ID, TELL_MEMORY, TELL_VECTOR, TELL_DEPARTURE, NR_TELL };

#define SENDING(tell, id, vector)	((tell) | (vector) << 8 | (uint32_t)(id) << 16)
#define SENDING_TELL(sending)		((sending) & 0xff)
#define SENDING_VECTOR(sending)		((sending) >> 8 & 0xff)
#define SENDING_ID(sending)		((sending) >> 16)

/* Of a slot. The descriptors of one that is free, if there are any, have yet to join or have left. */
enum { SLOT_FREE, SLOT_LIVE, SLOT_PARTING };

struct record_slot {
	uint32_t state;
	uint32_t id;
	uint64_t joined;
	uint32_t pid;
	uint32_t uid;
	uint32_t greeted;		/* messages of the greeting, without vectors */
	uint32_t sending;
	int32_t eventfds[MAX_VECTORS];	/* the kernel's numbers of them */
	struct mmsghdr parts[NR_PARTS];	/* of what is being sent; only msg_len means anything later */
};

struct record_id {
	uint64_t left;			/* see struct id; 0: nobody has left it behind */
	uint32_t pid;			/* who pays for it; 0: only the user */
	uint32_t uid;
};

/* The same in all versions */
struct record_head {
	char magic[8];
	uint32_t version;
	uint32_t pad;
};

struct record {
	struct record_head head;
	uint64_t length;		/* of this struct */
	uint64_t serial;		/* at least the last one used */
	/* What clients were told, and can only be served with */
	uint64_t size;
	uint32_t vectors;
	uint32_t no_kvm_pvi;
	uint32_t nr_targets;
	uint32_t pad;
	uuid_t uuid;
	uuid_t targets;			/* made of them */
	/* What the endpoints allow: two lists, of which one holds */
	uint32_t allowed_list;
	uint32_t nr_allowed[2];
	struct allowed allowed[2][MAX_ALLOWED];

	struct record_slot slots[NR_SLOTS];
	struct record_id ids[NR_IDS];
	/* How many vectors of each id a client was told of. An id that nobody has is a departure owed. */
	uint8_t told[MAX_PEERS][NR_IDS] ATTRIBUTE(aligned(ROW_ALIGN));
};

/* In the order of the source */
#define RECORD(var, value) do {						\
	__atomic_signal_fence(__ATOMIC_SEQ_CST);			\
	__atomic_store_n(&(var), (value), __ATOMIC_RELAXED);		\
	__atomic_signal_fence(__ATOMIC_SEQ_CST);			\
} while (0)

/* A new one, which is server->record; dies if there is no memory */
void record_make(struct server *server);
/* The one that a descriptor is of becomes server->record, or why not */
const char *record_open(struct server *server, int fd);
/* What differs from the settings that clients were told of, or NULL */
const char *record_differs(const struct server *server);
/*
 * Copies of what may never have been written. To read the mapping would take memory for that.
 * record_state() returns SLOT_FREE if it cannot be read.
 */
uint32_t record_state(const struct server *server, unsigned int slot);
int record_read_ids(const struct server *server, struct record_id ids[NR_IDS]);
int record_read_row(const struct server *server, unsigned int slot, uint8_t row[NR_IDS]);

void record_serial(struct server *server);
void record_join(struct peer *peer);
/* @left: 0: nobody knows that it was there */
void record_left(struct server *server, unsigned int slot, unsigned int id, uint64_t left);
void record_leave(struct peer *peer, uint64_t left);
void record_free(struct server *server, unsigned int slot);
void record_forget_id(struct server *server, unsigned int id);
/* Whenever what --allow says, or what of it clients are owed, is something else */
void record_allowed(struct server *server);
/* What the last server's allowed, to be freed: the first @nr_held all clients, the rest not all of them yet */
struct allowed *record_read_allowed(const struct server *server, size_t *nr, size_t *nr_held);

/* From when the first byte of a message may be sent, to when the last one was */
void record_sending(struct peer *client, uint32_t sending);
void record_not_sent(struct peer *client);
void record_sent(struct peer *client);

#endif
