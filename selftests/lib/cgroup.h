/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: a control group of the test's own */
#ifndef PVI_TEST_CGROUP_H
#define PVI_TEST_CGROUP_H

#include "types.h"

/* This process, and those that it makes, are alone in a new group of the unified hierarchy with these @controllers ("+memory") */
void cgroup_enter(const char *controllers);
/* Back to where all are; the others stay */
void cgroup_leave(void);
void cgroup_write(const char *file, const char *value);
/* What follows @name in a file of the group */
u64 cgroup_read(const char *file, const char *name);
/* The number behind @name in any file */
u64 read_field(const char *path, const char *name);

#endif
