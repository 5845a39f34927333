/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi attach - to kvm_emulate_hypercall(), and from it */
#ifndef _PVI_ATTACH_H
#define _PVI_ATTACH_H

#include <linux/types.h>

int pvi_attach_get(void);
void pvi_attach_put(void);
u32 pvi_attach_kind(void);
void pvi_attach_exit(void);

#endif /* _PVI_ATTACH_H */
