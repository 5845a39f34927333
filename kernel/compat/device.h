/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi - differences between kernels' devices, for the guest's modules: what a bus may not change */
#ifndef _PVI_COMPAT_DEVICE_H
#define _PVI_COMPAT_DEVICE_H

#include <linux/device.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define pvi_compat_uevent_device	struct device
#else
#define pvi_compat_uevent_device	const struct device
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define pvi_compat_match_driver	struct device_driver
#else
#define pvi_compat_match_driver	const struct device_driver
#endif

/* Constant where devices take it so, from 6.4 on */
#define pvi_compat_bus_type	typeof(*((struct device *)NULL)->bus)

#endif /* _PVI_COMPAT_DEVICE_H */
