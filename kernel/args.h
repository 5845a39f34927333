/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi args - the struct of an ioctl, copied in */
#ifndef _PVI_ARGS_H
#define _PVI_ARGS_H

#include <linux/mm.h>
#include <linux/uaccess.h>

/* What every struct begins with. */
struct pvi_args {
	u32 size;
	u32 flags;
};

/*
 * Copies the struct at @user to @to, which has room for the @known bytes it has
 * here; it had @min bytes in its first version, and knows @flags. Returns how
 * many of them the caller knows, or -errno.
 */
static inline int pvi_args_get(void *to, u32 known, u32 min, u32 flags, const void __user *user)
{
	struct pvi_args *args = to;
	u32 size;
	int ret;

	if (get_user(size, (const u32 __user *)user))
		return -EFAULT;
	if (size < min)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(to, known, user, size);
	if (ret)
		return ret;
	if (args->flags & ~flags)
		return -EINVAL;
	/* The size was read twice; what counts is what was checked. */
	args->size = size;
	return min(size, known);
}

#endif /* _PVI_ARGS_H */
