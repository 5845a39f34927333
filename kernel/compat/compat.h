/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_pvi - differences between kernels, for the host's module; version tests stand in this directory alone
 */
#ifndef _PVI_COMPAT_H
#define _PVI_COMPAT_H

#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/version.h>

#include "eventfd.h"

/* Since 7.2 the older name is said to be deprecated, once, in the log. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define pvi_compat_unbound_wq	system_unbound_wq
#else
#define pvi_compat_unbound_wq	system_dfl_wq
#endif

#if !IS_ENABLED(CONFIG_KVM) || !defined(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS) || \
	!defined(CONFIG_KPROBES) || !defined(CONFIG_MMU_NOTIFIER) || !defined(CONFIG_X86_64)
#error kvm_pvi needs X86_64, KVM, DYNAMIC_FTRACE_WITH_DIRECT_CALLS, KPROBES and MMU_NOTIFIER in the kernel
#endif

/*
 * Until 6.5 a direct caller is registered by address, with ftrace's own ops,
 * which are permanent. Since then it has ops of its own, whose flags
 * registering overwrites: make them permanent afterwards, or setting
 * kernel.ftrace_enabled to 0 would silently unpatch.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
static inline int pvi_compat_register_direct(struct ftrace_ops *ops, unsigned long ip,
					     unsigned long addr)
{
	return register_ftrace_direct(ip, addr);
}

static inline int pvi_compat_unregister_direct(struct ftrace_ops *ops, unsigned long ip,
					       unsigned long addr)
{
	return unregister_ftrace_direct(ip, addr);
}
#else
static inline int pvi_compat_register_direct(struct ftrace_ops *ops, unsigned long ip,
					     unsigned long addr)
{
	int ret = ftrace_set_filter_ip(ops, ip, 0, 1);

	if (ret)
		return ret;
	ret = register_ftrace_direct(ops, addr);
	if (!ret)
		ops->flags |= FTRACE_OPS_FL_PERMANENT;
	return ret;
}

static inline int pvi_compat_unregister_direct(struct ftrace_ops *ops, unsigned long ip,
					       unsigned long addr)
{
	return unregister_ftrace_direct(ops, addr, false);
}
#endif

/*
 * The callback wants one argument and the instruction pointer, not all
 * registers. 6.13 hid them, and stable kernels took that over.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0) && !defined(arch_ftrace_regs)
static __always_inline struct pt_regs *pvi_compat_ftrace_regs(struct ftrace_regs *fregs)
{
	return &fregs->regs;
}
#else
static __always_inline struct pt_regs *pvi_compat_ftrace_regs(struct ftrace_regs *fregs)
{
	return &arch_ftrace_regs(fregs)->regs;
}
#endif

/* 6.5 dropped the list of VMAs. The caller holds mmap_lock. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
static inline long pvi_compat_pin_user_page(unsigned long addr, unsigned int flags,
					    struct page **page)
{
	return pin_user_pages(addr, 1, flags, page, NULL);
}
#else
static inline long pvi_compat_pin_user_page(unsigned long addr, unsigned int flags,
					    struct page **page)
{
	return pin_user_pages(addr, 1, flags, page);
}
#endif

#endif /* _PVI_COMPAT_H */
