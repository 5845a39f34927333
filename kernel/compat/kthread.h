/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm-pvi - differences between kernels, of threads with works */
#ifndef _PVI_COMPAT_KTHREAD_H
#define _PVI_COMPAT_KTHREAD_H

#include <linux/kthread.h>
#include <linux/version.h>

/* Since 6.14 kthread_create_worker() does not start it. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define pvi_compat_run_worker(...) kthread_create_worker(0, __VA_ARGS__)
#else
#define pvi_compat_run_worker(...) kthread_run_worker(0, __VA_ARGS__)
#endif

#endif
