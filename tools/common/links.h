/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common links - memory between two VMs, and who may ring whom because of it: what pvictl and pvid make of it */
#ifndef LINKS_H
#define LINKS_H

#include <libpvi.h>
#include <limits.h>
#include <linux/pvi_link.h>
#include <linux/pvi_ring.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <uuid/uuid.h>

#include "common.h"

#define LINKS_TEXT 96		/* the path of what is in a link's directory, behind the directory */
#define LINKS_LABEL 50		/* of a section of the policy: POLICY_LABEL */
#define LINKS_SIZE (16ull << 20)	/* of a section, if nothing else is said */
#define LINKS_SHORT 8		/* letters of a UUID by which the links of one directory differ */

struct policy;

/* What there is of a link */
struct link {
	uuid_t uuid;
	struct pvi_ring_shape shapes[2];
	struct pvi_link_vsock vsock[2];	/* of that kind, else 0 */
	char label[LINKS_LABEL];	/* of the section of the policy that it is made by, or "" */
	uint32_t gone;		/* it has been taken back, as so manieth of its UUID; 0: it is there */
};

struct links {
	struct link *all;
	size_t nr;
};

/* What is to be made */
struct link_side {
	uuid_t uuid;
	bool host;		/* a process, not a VM */
	uid_t uid;		/* who writes the section, with @owned */
	bool grouped;		/* @gid is said: who is in it reads what is sent to this side, not @uid alone */
	gid_t gid;
};

struct link_spec {
	struct link_side sides[2];
	uuid_t uuid;		/* 0: to be chosen */
	uint32_t kind;
	uint32_t queues;
	uint64_t size;
	uint32_t cids[2];	/* 0: to be chosen */
	uint32_t nr_ports[2];	/* 0: all */
	struct pvi_link_ports ports[2][PVI_LINK_PORT_RANGES];
	bool owned;
	bool huge;
	const char *huge_dir;	/* NULL: to be looked for */
	const char *label;	/* of the section of the policy, with @policy; or NULL */
	const char *policy;	/* what that says */
};

/* What could not be done, and why, to be shown */
struct links_why {
	char text[PATH_MAX + 512];
};

/* "@fmt: " and what @err means here; returns -errno, whatever the sign of @err */
int links_fail(struct links_why *why, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* @fmt says it all */
int links_refuse(struct links_why *why, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);
const char *links_explain(int err);

/*
 * links.c: the directory, which all that is known of links is in. All of them give 0 or more, or -errno and @why.
 */
extern const char * const links_sides[2];

/* Nobody else changes it until the descriptor is closed, which is given; made if it is not there. Stores its real path */
int links_lock(const char *dir, char real[static PATH_MAX], struct links_why *why);
/* Whoever could rename what is in a directory would say who may ring whom, and by what memory: -EPERM if others can */
int links_check_dir(int fd, const char *dir, struct links_why *why);
/*
 * Nobody changes it until *@held is closed, if that is none of -1; where there is nothing to hold, or this user may not,
 * somebody may. Without @wait -EAGAIN: somebody does just now.
 */
int links_hold(const char *dir, bool wait, int *held, struct links_why *why);
/* All links; without a directory there are none. @complain of those that cannot be read, if it is not NULL */
int links_read(const char *dir, struct links *links, void (*complain)(const char *text), struct links_why *why);
/* Makes room for one more, and adds it; none is kept. -ENOMEM */
int links_append(struct links *links, const struct link *link);
void links_free(struct links *links);
int links_read_one(const char *dir, const uuid_t uuid, struct link *link, struct links_why *why);
/* Makes a file that all can read, whatever the umask is: others' VMMs look there. -EEXIST, -errno */
int links_write(const char *path, const void *data, size_t len);
/* Where the section of a side is, or any other file of the link's */
void links_file(char *path, size_t size, const char *dir, const uuid_t uuid, const char *name);
/*
 * Nobody joins it any more, and its memory is nobody's; but how it was is there still, as an end may not have been told:
 * until links_forget(), and nobody is given its GSIs. -errno, and @link->gone is 0: it is there as it was.
 */
int links_take_back(const char *dir, struct link *link, struct links_why *why);
/* Those */
int links_read_gone(const char *dir, struct links *gone, struct links_why *why);
int links_forget(const char *dir, const struct link *gone, struct links_why *why);
/* Removes what there is of a link that may not be complete, in its own directory */
int links_clear(const char *link);
/* As it was made, however long its owners have made their sections since; 0: it has gone */
uint64_t links_size(const char *dir, const struct link *link);

/* links_make.c: one beside @others, which have it then; nothing is left of what cannot be made */
int links_make(const char *dir, const struct link_spec *spec, struct links *others, struct links_why *why);
/* Whether @link is what links_make() would make, as far as that is not chosen */
bool links_is(const char *dir, const struct link *link, const struct link_spec *spec);
/* The file in which it is said what section of the policy a link was made by */
#define LINKS_POLICY "policy"
#define LINKS_POLICY_NEW "policy.new"	/* while that is written anew */

/* The file in which it is said how many bytes a section has; without it, by an older version, the first one is asked */
#define LINKS_BYTES "size"

/* links_vsock.c: the addresses of sockets, in the file LINKS_VSOCK beside the sections */
#define LINKS_VSOCK "vsock"

/* Those of a new link beside @others */
int links_choose_vsock(const struct link_spec *spec, const struct links *others, struct link *link,
		       struct links_why *why);
/* Of a link of that kind, after its shapes; -errno */
int links_read_vsock(const char *dir, struct link *link);

/* How many queues a link of that kind has, if nothing else is said */
uint32_t links_queues(uint32_t kind);

/* links_text.c: as people write it. What they should write instead, or NULL: it is right */
const char *links_parse_kind(const char *text, uint32_t *kind);
const char *links_parse_size(const char *text, uint64_t *size);
/* @text is cut into pieces */
const char *links_parse_cids(char *text, uint32_t cids[static 2]);
const char *links_parse_ports(char *text, uint32_t nr[static 2],
			      struct pvi_link_ports ports[static 2][PVI_LINK_PORT_RANGES]);

/*
 * links_join.c: what a link is to the endpoints at its ends
 *
 * The link is there first, then the endpoint is looked for; who binds a VM does that first, then looks for links,
 * which do not change meanwhile. So one of the two sees the other, and both may; and nobody joins a link that has been
 * taken back.
 */

/*
 * Join all of @links that @uuid is a side of, and that it has not joined: endpoint @number as @lister lists it, or -1: it
 * is not known what it has. @pvi is the endpoint, or -1: nothing is changed. A line of each to @out, if there is one.
 * @policy: by which links of the policy let endpoints of a VM's user alone ring, if that has one; NULL: it is not known.
 * -errno, with @failed; -EINPROGRESS: some are joined, and there are more; call it again.
 */
int links_join(const struct links *links, const struct policy *policy, const uuid_t uuid, int lister, uint64_t number,
	       int pvi, FILE *out, uuid_t failed);
/* That endpoint, which is at the side that @shape is of, has nothing more to join */
bool links_has_joined(const struct link *link, const struct pvi_ring_shape *shape, const struct policy *policy,
		      int lister, uint64_t number);

#endif
