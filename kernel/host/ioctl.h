/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi ioctl - the misc device */
#ifndef _PVI_IOCTL_H
#define _PVI_IOCTL_H

int pvi_ioctl_init(void);
void pvi_ioctl_exit(void);

#endif /* _PVI_IOCTL_H */
