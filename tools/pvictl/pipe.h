/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvictl pipe: which side of a link it is, and how far it is */
#ifndef PVICTL_PIPE_H
#define PVICTL_PIPE_H

#include <libpvi.h>
#include <linux/pvi_ring.h>
#include <stdbool.h>

#include "pvictl.h"

struct pipe_args {
	const char *dir;
	const char *name;	/* of the link, as it was given, or NULL */
	struct filter link;	/* not set: the only one of kind raw */
	struct filter self;	/* not set: this guest */
};

/*
 * @msg: the link
 * @bell: readable when the peer has rung
 * @peers: readable when somebody has come or gone
 * @guest, @pvi: what makes it one side, or -1
 * @has_come: the peer was seen among those whom this side may ring
 */
struct pipe_end {
	struct pvi_msg *msg;
	struct pvi_ring_shape shape;
	int bell, peers, guest, pvi;
	bool has_come;
};

/* pipe_end.c: dies if it cannot be that side. @msg is the caller's to close, first */
void pipe_end_open(struct pipe_end *end, const struct pipe_args *args);
void pipe_end_close(struct pipe_end *end);
void pipe_end_ring(struct pipe_end *end);
/* @peers is readable: take what it says. What comes from here on makes it readable again. */
void pipe_end_hear(struct pipe_end *end);
/* The peer has gone, as things stand now */
bool pipe_end_is_left(struct pipe_end *end);

#endif
