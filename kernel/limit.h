/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi limit - a module parameter that is a limit, with a cap of its own */
#ifndef _PVI_LIMIT_H
#define _PVI_LIMIT_H

#include <linux/moduleparam.h>
#include <linux/stringify.h>

#define PVI_LIMIT(name, cap, what)						\
static int name##_set(const char *val, const struct kernel_param *kp)		\
{										\
	return param_set_uint_minmax(val, kp, 1, cap);				\
}										\
static const struct kernel_param_ops name##_ops = {				\
	.set = name##_set,							\
	.get = param_get_uint,							\
};										\
module_param_cb(name, &name##_ops, &name, 0644);				\
MODULE_PARM_DESC(name, what ", 1 to " __stringify(cap))

#endif /* _PVI_LIMIT_H */
