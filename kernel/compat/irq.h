/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi - differences between kernels' interrupts, for the guest's module */
#ifndef _PVI_COMPAT_IRQ_H
#define _PVI_COMPAT_IRQ_H

#include <linux/irq.h>
#include <linux/version.h>

/* An interrupt may be moved at any time, not only while it is handled: from 6.14 on, that is so. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
static inline void pvi_compat_irq_moves_anytime(unsigned int irq, bool anytime)
{
	if (anytime)
		irq_set_status_flags(irq, IRQ_MOVE_PCNTXT);
	else
		irq_clear_status_flags(irq, IRQ_MOVE_PCNTXT);
}
#else
static inline void pvi_compat_irq_moves_anytime(unsigned int irq, bool anytime)
{
}
#endif

#endif /* _PVI_COMPAT_IRQ_H */
