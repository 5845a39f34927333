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

#include "links.h"
#include "pvictl.h"

#define LINK_ID "pvi-"	/* what is behind it is the beginning of the link's UUID, and the section */

/* As told by the arguments */
struct link_args {
	struct link_spec spec;	/* of one that is to be made; else its UUID alone */
	const char *dir;
	size_t nr;		/* 2: to be made, 1: it is there, 0: what the domain of @only has is to be what there is */
	const char *texts[2];
	bool hotplug;
	bool libvirt;
	bool apply;
	const char *buses[2];	/* for the devices of the own and of the peer's section, or NULL */
	struct filter only;	/* print this side's arguments alone */
};

/* link_args.c */
void link_parse(struct link_args *args, int argc, char **argv);

/* link_dir.c: links.c, for a program that ends when something fails */

/* With what is in @why, and the status of @err */
void link_die(int err, const struct links_why *why) NORETURN;
/* Nobody else changes it until link_dir_unlock(), or this process ends; made if it is not there. Its real path */
char *link_dir_lock(const char *dir);
/* Others may read it from now on, but nobody changes it */
void link_dir_share(void);
/* So from the beginning, of one that is there */
void link_dir_hold(const char *dir);
void link_dir_unlock(void);
/* All links, to be freed; without a directory there are none */
size_t link_dir_read(const char *dir, struct link **links);
/* Dies if there is none */
void link_dir_find(const char *dir, const uuid_t uuid, struct link *link);
/* A UUID, what the policy calls it, or as much of a UUID as only one has. Dies if there is no such link */
void link_dir_parse(const char *dir, const char *text, uuid_t uuid);

/* link_ends.c: the endpoints, as far as there are any, whose processes may keep us waiting; -errno */
int link_join(const struct link *link, uint32_t side);
int link_leave(const struct link *link, uint32_t side);
/* Join all links that @uuid is a side of, whose endpoint @pvi is. Dies if it cannot */
void link_join_all(const char *dir, const uuid_t uuid, int pvi);

/* link_show.c */
void link_print(const struct link_args *args, const char *dir, const struct link *link);

/* link_libvirt.c: as elements of a domain's XML */
void link_libvirt_print(const char *dir, const struct link *link, uint32_t side);
/* Dies if libvirt knows no such domain */
void link_libvirt_check(const uuid_t uuid);
/* The domain gets the links there are, and no others; it has them from its next start on. Dies if it cannot */
void link_libvirt_apply(const char *dir, const uuid_t uuid);

#endif
