/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel exports to modules, and no header of theirs has */
#ifndef PVI_TEST_STALL_H
#define PVI_TEST_STALL_H

/* No grace period is reported to take long */
extern int rcu_cpu_stall_suppress;

#endif
