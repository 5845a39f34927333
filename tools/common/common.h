/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common: what programs share */
#ifndef COMMON_H
#define COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uuid/uuid.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#define PRINTF_LIKE(fmt, args) ATTRIBUTE(format(printf, fmt, args))

/* escape.c: text that others have written; cut to @room */
void escape(char *to, size_t room, const char *from);

/* proc.c: other processes */
#define COMM_LEN 64	/* 15 bytes, escaped */

int open_pidfd(pid_t pid);
/* A duplicate of descriptor @fd of the process, or -errno */
int take_fd(int pidfd, int fd);
void read_comm(pid_t pid, char comm[static COMM_LEN]);
/* Calls @fn with each descriptor of the process; -errno if they may not be seen */
int each_fd(pid_t pid, void (*fn)(pid_t pid, int fd, const char *target, void *arg), void *arg);
/* Calls @fn with each process; -errno */
int each_process(void (*fn)(pid_t pid, void *arg), void *arg);

/* vm_fd.c: the descriptors of VMs that a process has, duplicates being one */
struct vm_fds {
	int fd;
	int nr;
};

/* -errno if they may not be seen */
int find_vm_fds(pid_t pid, struct vm_fds *vms);

/* vmm.c: what a VMM was told on its command line */
#define NAME_LEN 128

struct vmm {
	pid_t pid;
	char name[NAME_LEN];	/* as it stands there: to be escaped; "": none */
	bool uuid_given;
	bool has_uuid;		/* and it is one */
	uuid_t uuid;
	char uuid_text[NAME_LEN];
};

int vmm_read(pid_t pid, struct vmm *vmm);

#endif
