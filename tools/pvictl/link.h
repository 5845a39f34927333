/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvictl link: two sections of memory, and who may ring whom because of them */
#ifndef PVICTL_LINK_H
#define PVICTL_LINK_H

#include <libpvi.h>
#include <linux/pvi_link.h>
#include <linux/pvi_ring.h>
#include <stdbool.h>
#include <sys/types.h>
#include <uuid/uuid.h>

#include "pvictl.h"

#define LINK_TEXT 96	/* the path of what is in a link's directory, behind the directory */

/* What there is of a link */
struct link {
	uuid_t uuid;
	struct pvi_ring_shape shapes[2];
	struct pvi_link_vsock vsock[2];	/* of that kind, else 0 */
};

/* As told by the arguments */
struct link_side {
	uuid_t uuid;
	bool host;		/* a process, not a VM */
	uid_t uid;		/* who writes the section, with @owned */
	gid_t gid;
};

struct link_args {
	const char *dir;
	size_t nr;		/* 2: to be made, 1: it is there and @uuid */
	struct link_side sides[2];
	uuid_t uuid;
	uint32_t kind;
	uint32_t queues;	/* 0: as many as the kind is worth */
	uint64_t size;
	uint32_t cids[2];	/* 0: to be chosen */
	uint32_t nr_ports[2];	/* 0: all */
	struct pvi_link_ports ports[2][PVI_LINK_PORT_RANGES];
	bool owned;
	bool huge;
	const char *huge_dir;	/* NULL: to be looked for */
	bool hotplug;
	const char *buses[2];	/* for the devices of the own and of the peer's section, or NULL */
	struct filter only;	/* print this side's arguments alone */
};

/* link_args.c */
void link_parse(struct link_args *args, int argc, char **argv);

/* link_dir.c: the directory, which all that is known of links is in */

/* Nobody else changes it until this process ends; made if it is not there. Its real path */
char *link_dir_lock(const char *dir);
/* Nobody changes it meanwhile; if this user may not see to that, somebody may */
void link_dir_hold(const char *dir);
void link_dir_release(void);
/* All links, to be freed; without a directory there are none */
size_t link_dir_read(const char *dir, struct link **links);
/* Dies if there is none */
void link_dir_find(const char *dir, const uuid_t uuid, struct link *link);
/* Where the section of a side is, or any other file of the link's */
void link_dir_file(char *path, size_t size, const char *dir, const uuid_t uuid, const char *name);
void link_dir_remove(const char *dir, const uuid_t uuid);
/* Removes a link that may not be complete, in its own directory; -errno */
int link_dir_clear(const char *link);
uint64_t link_dir_size(const char *dir, const struct link *link);

extern const char * const link_sides[2];

/* link_make.c: dies if it cannot, and leaves nothing */
void link_make(const struct link_args *args, const char *dir, struct link *link);

/* link_ends.c: the endpoints, as far as there are any; -errno */
int link_join(const struct link *link, uint32_t side);
int link_leave(const struct link *link, uint32_t side);
/* Join all links that @uuid is a side of, whose endpoint @pvi is. Dies if it cannot */
void link_join_all(const char *dir, const uuid_t uuid, int pvi);

/* link_vsock.c: the addresses of sockets, in the file LINK_VSOCK beside the sections */
#define LINK_VSOCK "vsock"

void link_vsock_parse_cids(struct argp_state *state, struct link_args *args, char *text);
void link_vsock_parse_ports(struct argp_state *state, struct link_args *args, char *text);
/* Those of a new link, beside @nr others. Dies if they cannot be had */
void link_vsock_choose(const struct link_args *args, const struct link *links, size_t nr,
		       struct link *link);
/* Of a link of that kind, after its shapes; -errno */
int link_vsock_read(const char *dir, struct link *link);

/* link_show.c */
const char *link_kind(uint32_t kind);
void link_print(const struct link_args *args, const char *dir, const struct link *link);

#endif
