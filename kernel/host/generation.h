/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi generation - what tells the ports of one binding from those of another */
#ifndef _PVI_GENERATION_H
#define _PVI_GENERATION_H

#include <linux/types.h>

void pvi_generation_init(void);
u32 pvi_generation_new(void);

#endif /* _PVI_GENERATION_H */
