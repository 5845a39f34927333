/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi inside - who is in an intercepted hypercall: the lifetime of code */
#ifndef _PVI_INSIDE_H
#define _PVI_INSIDE_H

#include <linux/percpu.h>

#include "call.h"

DECLARE_PER_CPU(long, pvi_inside);

static __always_inline void pvi_inside_enter(void)
{
	this_cpu_inc(pvi_inside);
}

static __always_inline void pvi_inside_leave(void)
{
	this_cpu_dec(pvi_inside);
}

int pvi_inside_sleep(struct pvi_call *c);
void pvi_inside_wake(struct pvi_call *c);
void pvi_inside_wait(void);

#endif /* _PVI_INSIDE_H */
