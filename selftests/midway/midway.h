/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi midway: calls that are stopped, what is done meanwhile, and what there is behind both */
#ifndef PVI_MIDWAY_H
#define PVI_MIDWAY_H

#include "../lib/delay.h"
#include "../lib/pvi_test.h"
#include "../lib/status.h"

#define SELF	pvi_uuid[0]
#define PEER	pvi_uuid[1]
#define THIRD	pvi_uuid[2]
#define GSI	20
#define NEW	21	/* not exposed */
#define BELL	3
#define BELL_GSI 22
#define WORD_GSI 23	/* has a status word */
#define FREE_GSI 19	/* exposed, nothing hangs on it */
#define MSI_GSI	KVM_PVI_GSI_VIRTUAL

/*
 * What there is
 *
 * @self: the endpoint, of @vm, whose call is stopped; -1: it was closed
 * @peer, @peer_epoch: another, of no VM, whose GSI signals @sink; which binding it began with
 * @third: not bound yet, for the BIND that is stopped
 * @source: rings @port, which leads to @peer's GSI
 * @spare: an eventfd that is nothing yet
 * @grant, @grant_id: of @self's GSI; @granted: one more, -1: none
 * @other: a process that has made an endpoint of its own; 0: none
 * @slot: of memory of @vm; 0: it was taken out
 */
struct world {
	struct vm *vm;
	struct status_mem mem;
	int self, peer, third, sink, source, spare, grant, granted;
	u64 peer_epoch, grant_id;
	pid_t other;
	u32 port, slot;
};

extern struct world w;

/* Where a call is stopped, and what it finds there at last, a page each */
extern void *room;
extern u8 answer[PAGE_SIZE];

/* A new one, with room of FUSE or of userfaultfd; VM and status words are those of the one before */
void world_begin(bool fuse);
void world_end(void);
/* Wait until somebody has come to room; whoever has goes on, and whoever comes does */
void room_await(void);
void room_answer(void);

/* Lines of what was seen */
struct text {
	u32 length;
	char bytes[1 << 14];
};

void __printf(2, 3) see(struct text *t, const char *fmt, ...);
void see_peers(struct text *t, const struct kvm_pvi_peer *records, u32 nr);
void see_listed(struct text *t, const struct kvm_pvi_list_endpoint *records, u32 nr);
void see_blob(struct text *t, const void *bytes, u32 length);
/* All that can be seen of the endpoints. It rings them, and takes events, counts and a reservation away. */
void look(struct text *t);
/* What an endpoint's fdinfo says */
void look_at_fd(struct text *t, int fd);

/**
 * struct sleeper - a call that is stopped
 * @name: of it
 * @fuse: room is a page of a file of FUSE
 * @first: it has done its work when it is stopped, and has its answers only to write: so it comes first
 * @prepare: fills what differs from an ioctl of @self, and what it will find in room
 * @see: what it has answered, if it has succeeded
 */
struct sleeper {
	const char *name;
	bool fuse;
	bool first;
	void (*prepare)(struct ioctl_call *call);
	void (*see)(struct text *t);
};

extern const struct sleeper sleeper_peers, sleeper_hc_connect, sleeper_hc_pvi, sleeper_hc_pvi_of_fuse,
	sleeper_get_state, sleeper_freeze, sleeper_set_state, sleeper_list, sleeper_expose, sleeper_bind,
	sleeper_status, sleeper_reset;

/**
 * struct deed - what is done meanwhile
 * @name: of it
 * @run: does it: 0 or -errno; what else it answers goes into the text
 * @want: what that is when nothing was done before
 * @before, @after: what it needs in a new world; what is to be undone when that has ended
 * @waits: it may wait for the one that is stopped
 * @kills: the process whose call is stopped, nothing else
 */
struct deed {
	const char *name;
	int (*run)(struct text *t);
	int want;
	void (*before)(void);
	void (*after)(void);
	bool waits;
	bool kills;
};

extern const struct deed deeds[];
extern const u32 nr_deeds;

/* Undo what a case that has failed may have left to all */
void deeds_undo(void);

#endif
