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

/*
 * number.c: the number that @text begins with, and where it ends. 0x10 is 16, but nobody means 8 by 010, which is none,
 * as -1 is none. False: there is none
 */
bool number_read(const char *text, char **end, uint64_t *value);

/*
 * output.c: where standard output cannot take all that was printed @program, which would end well, says so and ends with
 * status 1. Called before anything is printed.
 */
void output_check(const char *program);
/* From here on it is a log, which may have gaps. */
void output_is_log(void);

static inline int larger(int a, int b)
{
	return a > b ? a : b;
}

/* proc.c: other processes */
#define COMM_LEN 64	/* 15 bytes, escaped */

int open_pidfd(pid_t pid);
/* A duplicate of descriptor @fd of the process, or -errno */
int take_fd(int pidfd, int fd);
void read_comm(pid_t pid, char comm[static COMM_LEN]);
/* Calls @fn with each descriptor of the process, until it says false; -errno if they may not be seen */
int each_fd(pid_t pid, bool (*fn)(pid_t pid, int fd, const char *target, void *arg), void *arg);
/* Calls @fn with each process; -errno */
int each_process(void (*fn)(pid_t pid, void *arg), void *arg);
/*
 * Where the first descriptor is of which @is_it: at process @first, if that is not 0, or at whoever it was handed to. -EBADF:
 * nobody has it who can be seen; -EACCES, -EPERM: @first cannot be
 */
int find_fd(pid_t first, bool (*is_it)(pid_t pid, int fd, const char *target, void *arg), void *arg, pid_t *pid, int *fd);

/*
 * child.c: what another process may keep waiting is a child's, for as long as CHILD_PATIENCE. Many that are begun together
 * may be waited for one after the other, until the same time.
 */
#define CHILD_PATIENCE 5000	/* milliseconds */

/* Milliseconds since the system has started */
int64_t child_now(void);
int64_t child_until(void);
/* What it has exited with; -ETIMEDOUT: it is late, and killed; -EIO: somebody else has ended it */
int child_wait(pid_t pid, int64_t until);

/*
 * endpoint_fd.c: whether @fd of the process, which leads to @target, may be an endpoint. Another file of that name is
 * not to be taken: a file system in user space may have who closes it wait, whatever signal it gets
 */
bool is_of_kvm_pvi(pid_t pid, int fd, const char *target);
/* Whether @fd of the process, which leads to @target, is an endpoint that is bound; stores its name */
bool is_endpoint(pid_t pid, int fd, const char *target, uuid_t uuid);
/* Whether that is one that lives, of the process of @pidfd; stores its name, and waits for nobody who has its lock */
bool ask_endpoint(int pidfd, int fd, uuid_t uuid);
/* The same of process @pid */
bool ask_endpoint_of(pid_t pid, int fd, uuid_t uuid);

/* status.c: who a process is. Read without waiting for it, and nothing it could choose */
struct process {
	pid_t pid;
	uid_t uid;
	bool one_user;		/* real, effective, saved and file system's uid are the same */
};

/* Of the process that @tid is a thread of; -errno */
int process_read(pid_t tid, struct process *p);
/* When it began, which no other one of its number did; 0: it is not there */
uint64_t process_began(pid_t pid);
/* Whether it is in @cgroup of the unified hierarchy, or below; -errno */
int process_in_cgroup(pid_t pid, const char *cgroup);

/* vm_fd.c: the descriptors of VMs that a process has, duplicates being one */
struct vm_fds {
	int fd;
	int nr;
};

#define VM_FD_TARGET "anon_inode:kvm-vm"	/* where /proc/PID/fd/N leads */

/* -errno if they may not be seen */
int find_vm_fds(pid_t pid, struct vm_fds *vms);

/*
 * run.c: whether a vCPU of it runs, or has halted; if not it may have stopped them, or have them a moment for itself.
 * -errno: it is not there. Never waits. Adds to @looked how many threads it has looked at.
 */
int vmm_runs(pid_t pid, unsigned int *looked);

/* vmm.c: what a VMM was told on its command line */
#define NAME_LEN 128

struct vmm {
	pid_t pid;
	char name[NAME_LEN];	/* as it stands there: to be escaped; "": none */
	bool uuid_given;
	bool has_uuid;		/* and it is one */
	uuid_t uuid;
	char uuid_text[NAME_LEN];
	bool incoming;		/* its guest is in the middle of its life, and comes from elsewhere */
};

int vmm_read(pid_t pid, struct vmm *vmm);

#endif
