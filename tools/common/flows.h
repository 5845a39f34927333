/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common flows - what has gone over links, and how often they woke whom */
#ifndef FLOWS_H
#define FLOWS_H

#include <libpvi.h>
#include <linux/pvi_ring.h>
#include <stdbool.h>
#include <sys/types.h>
#include <uuid/uuid.h>

/* What its owner says of a section. He may write there what he likes: text and numbers to print, no more */
struct flow_side {
	uuid_t owner;
	uint32_t gsi;		/* by which the owner is woken */
	uint32_t gsis;
	bool seen;		/* this user may read the section */
	uint32_t state;		/* PVI_RING_RESET... */
	uint64_t bytes;		/* sent in this session, with what stands before and behind messages */
	uint64_t wakes;		/* of the owner, by the other side, since it was allowed */
};

struct flow {
	uuid_t link;
	uint32_t kind;
	struct flow_side sides[2];
};

struct flows {
	struct flow *all;	/* by @link */
	size_t nr;
	struct flow_side **by_gsi;
};

/* What the section at @path, which began with @shape, says now */
void flow_side_read(const char *path, const struct pvi_ring_shape *shape, struct flow_side *side);
/* All links of @dir; what cannot be read is left out. -errno */
int flows_read(struct flows *flows, const char *dir);
/* A row of the table of @receiver: whether it is a link's, by which it was woken */
void flows_add(struct flows *flows, const uuid_t receiver, const struct kvm_pvi_list_edge *edge);
void flows_free(struct flows *flows);

/* For bsearch() in @all */
int flow_compare(const void *a, const void *b);

/* "net", "vsock", "raw", or "?"; "reset", "init", "ready", "run" */
const char *flow_kind(uint32_t kind);
const char *flow_state(uint32_t state);

#endif
