/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: child processes of a test case. Those it leaves behind die with it */
#ifndef PVI_TEST_CHILD_H
#define PVI_TEST_CHILD_H

#include <sys/types.h>

#include "types.h"

/* Run @fn in a child; an assertion that fails there fails the test, at child_join() at the latest */
pid_t child_run(void (*fn)(u64 arg), u64 arg);
void child_join(pid_t pid);
/* SIGKILL, and wait until it has gone */
void child_kill(pid_t pid);
/* The descriptor of a VM that belongs to a new child, which does nothing until it is killed */
int child_vm(pid_t *pid);

/* Another effective uid for this process, which keeps all its capabilities */
void set_euid(u32 uid);
/* This process, of one thread, is root in a user namespace of its own, where @uid is its only user: as 0 */
void enter_user_namespace(u32 uid);
/* Lose a capability, CAP_*, for good */
void drop_capability(u32 cap);

#endif
