/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi oracle: the model, what the header and Documentation/ say of endpoints, kept as simply as
 * it can be
 */
#ifndef PVI_ORACLE_MODEL_H
#define PVI_ORACLE_MODEL_H

#include "op.h"

#define MAX_EDGES	1024
#define MAX_PORTS	256
#define WATCHER		NR_NAMES	/* the name of who waits for deaths, see world.c */
#define BURST		2		/* of rows with a rate, which is 1 a second */

enum yes_no { NO, YES, MAYBE };

enum edge_state { LIVE, REVOKED, DEAD };

/*
 * A permission: a row of a table, or a grant
 *
 * @rx, @life: the receiver, and which of its lives
 * @sender: name; of a grant NONE
 * @target: index of a GSI, ANY_GSI, or a bell's number
 * @spent: tokens, since when
 */
struct edge {
	enum edge_state state;
	u8 rx;
	u64 life;
	s8 sender;
	u8 target;
	bool bell, pinned_out, limited;
	u64 bits;
	u32 spent;
	u64 since;
	u32 uses;
	u64 id;
};

/* @wired: index of an eventfd. @word, @bell: NONE or a number. @config_rang: rings are unknown */
struct gsi {
	bool exposed;
	u32 kind;
	s8 wired;
	s8 word;
	s8 bell;
	enum yes_no latch;
	u64 rings;
	bool config_rang;
	u64 address;
	u32 data;
};

struct bell {
	s8 gsi;
	u64 flags, enable, ack;
};

/*
 * @edge: NONE: one that SET_STATE could not connect
 * @generation: the upper half of its number; stays when it is closed, so that a stale one is tried
 */
struct port {
	bool used, by_vmm;
	u16 generation;
	s8 eventfd;
	s16 edge;
	u8 gsi, name;
};

/* @ep: NONE: it is none. @port, @generation: the number it was wired to */
struct source {
	s8 ep;
	u8 port;
	u16 generation;
};

/* Events of one @group may come in any order */
struct event {
	u32 type, lost, group;
	u8 name;
	u64 epoch;
};

/* @mixed: by a storm: how many it has sent is known, not which verdict they had */
struct endpoint {
	bool open, bound, grants_only, frozen, config_rung, mixed;
	s8 vm;
	u8 name;
	u64 epoch;
	u8 config;
	struct gsi gsis[NR_GSIS];
	struct bell bells[NR_BELLS];
	struct port ports[MAX_PORTS];
	struct event events[KVM_PVI_EVENTS_KEPT];
	u32 nr_events, lost;
	u64 heard[NR_NAMES];
	u64 sent[3], received[3];
};

/*
 * @alt: an answer of the present op that is as good; 0 if there is none
 * @pending: of each VM, vectors that were raised; @taken: interrupts since
 */
struct model {
	s64 alt;
	struct endpoint eps[NR_EPS];
	struct edge edges[MAX_EDGES];
	u32 nr_edges, group;
	s16 grants[NR_GRANTS];
	struct source sources[NR_SOURCES];
	u64 eventfds[NR_EFDS];
	struct kvm_pvi_status words[NR_WORDS];
	bool pending[NR_VMS][256];
	u64 taken[NR_VMS][256];
	u64 watcher_epoch;
	struct {
		u32 length;
		u8 bytes[BLOB_SIZE];
	} blobs[NR_BLOBS];
};

extern struct model m;

void model_reset(void);
/* Whether the model says what @op does */
bool model_knows(const struct op *op);
/* Does @op; @real is what the module answered, for what is left open */
void model_do(const struct op *op, const struct answer *real, struct answer *want);
/* An interrupt of each pending vector of @vm is taken */
void model_run_guest(u32 vm);

/* guide.c: @op as it finds something, where the model has it */
void op_guide(struct rng *rng, struct op *op);

/* model_who.c: who is who */
void ep_clear(struct endpoint *ep);
s64 ep_bind(struct endpoint *ep, const struct op *op, const struct answer *real);
s64 ep_close(struct endpoint *ep);
struct endpoint *model_alive(u8 name);
bool model_sees(const struct endpoint *rx, u8 sender);
void model_tell(struct endpoint *ep, u32 type, u8 about, u64 epoch);
void model_hear(struct endpoint *rx, const struct endpoint *from);
struct edge *model_edge(u32 i);
bool edge_is_row_of(const struct edge *e, const struct endpoint *rx, u8 sender);
s32 model_find_row(const struct endpoint *rx, u8 sender, u8 target, bool bell);
s32 model_new_edge(const struct endpoint *rx);
u32 model_index(const struct endpoint *ep);
u64 model_seconds(void);

/* model_gsi.c: what is owed */
u32 model_vector(const struct gsi *g, u32 i);
bool gsi_usable(u32 i);
void gsi_pay(struct endpoint *ep, u32 i);
void gsi_drop(struct endpoint *ep, u32 i);
s64 gsi_ring(struct endpoint *ep, u32 i);
s64 gsi_raise(struct endpoint *ep, u32 i);
bool gsi_owed(const struct endpoint *ep, u32 i);
void ep_ring_config(struct endpoint *ep);
void ep_pay_all(struct endpoint *ep);
void ep_reset(struct endpoint *ep);
s64 model_gsi_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		 struct answer *want);

/* model_ring.c, model_port.c, model_peer.c, model_state.c: ops of one kind */
s64 model_ring_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		  struct answer *want);
s64 model_ring_port(struct endpoint *from, u32 port, bool refused);
s64 model_storm(const struct op *op, struct answer *want);
s64 model_bell_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		  struct answer *want);
s64 model_port_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		  struct answer *want);
s64 model_row_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		 struct answer *want);
s64 model_peer_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		  struct answer *want);
s64 model_state_op(struct endpoint *ep, const struct op *op, const struct answer *real,
		   struct answer *want);
/* model_source.c: what rings when it is signalled; whether source @i rings that port; the endpoint has died */
s64 model_source_op(struct endpoint *ep, const struct op *op, struct answer *want);
bool model_is_wired(u32 i, u32 ep, u32 port);
bool model_source_is_limited(const struct op *op);
void sources_end(const struct endpoint *ep);
/* The state of a port of a connection, LIVE...; and one made as the guest connects, or -errno */
enum edge_state port_state(const struct port *p);
s64 port_connect(struct endpoint *ep, u8 name, u8 gsi, s32 *edge);
u32 port_free(const struct endpoint *ep);

#endif
