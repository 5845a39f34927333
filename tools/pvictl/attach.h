/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvictl attach: what is to be done, and with which VM */
#ifndef PVICTL_ATTACH_H
#define PVICTL_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uuid/uuid.h>

#include "pvictl.h"

struct attach_status {
	uint32_t gsi;
	char *path;
	uint64_t offset;
	uint32_t flags;
};

struct attach {
	pid_t pid;
	int vm_fd;		/* in that process, -1: to be found */
	bool has_uuid;
	uuid_t uuid;
	uint32_t *gsis;
	size_t nr_gsis;
	uint32_t *bells;	/* n is the GSI of bell n */
	size_t nr_bells;
	uint32_t status_flags;	/* of those that follow */
	struct attach_status *words;
	size_t nr_words;
	struct row *rows;
	size_t nr_rows;
	const char *word;	/* of the last of them, that waits for its value, or NULL */
	const char *links;	/* the directory of those that the VM may be a side of */
};

/* attach_args.c */
void attach_parse(struct attach *a, int argc, char **argv);

/* attach_vmm.c: these die if there is nothing to be found */
int attach_take_vm(const struct attach *a, int pidfd);
/* Dies if it is not: what was read of that PID since may be another process's */
void attach_check_alive(const struct attach *a, int pidfd);
void attach_read_uuid(struct attach *a);

/* attach_status.c: dies if it cannot */
void attach_set_status(const struct attach_status *s, int pvi);

#endif
