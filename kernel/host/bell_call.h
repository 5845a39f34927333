/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi bell_call - the hypercalls of doorbells */
#ifndef _PVI_BELL_CALL_H
#define _PVI_BELL_CALL_H

#include "call.h"

s64 pvi_bell_call_send(struct pvi_call *c);
s64 pvi_bell_call_receive(struct pvi_call *c);
void pvi_bell_call_unreceive(struct pvi_call *c);
s64 pvi_bell_call_mask(struct pvi_call *c);
s64 pvi_bell_call_reset(struct pvi_call *c);

#endif /* _PVI_BELL_CALL_H */
