/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi - differences between kernels' eventfds */
#ifndef _PVI_COMPAT_EVENTFD_H
#define _PVI_COMPAT_EVENTFD_H

#include <linux/eventfd.h>
#include <linux/sched.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
static inline void pvi_compat_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}
#else
static inline void pvi_compat_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}
#endif

/*
 * Around a wake-up with an eventfd's lock held, as eventfd itself has it around its own: whom it wakes may signal that
 * eventfd, as aio does, and leaves it to a work then.
 */
static inline void pvi_compat_eventfd_enter(void)
{
	current->in_eventfd = 1;
}

static inline void pvi_compat_eventfd_leave(void)
{
	current->in_eventfd = 0;
}

#endif /* _PVI_COMPAT_EVENTFD_H */
