/* SPDX-License-Identifier: GPL-2.0 */
/*
 * chan - senders that ring one GSI of a receiver, with or without a status word, and its guest
 *
 * A sender writes its data, then rings, unless the word says that it need not. The guest looks at all data when
 * an interrupt has come. What has been accepted it must have seen in the end, be it wired meanwhile or not.
 */
#ifndef CHAN_H
#define CHAN_H

#include "world.h"

#define CHAN_SENDERS	3

struct chan {
	struct pvi_vm *to, *from[CHAN_SENDERS];
	struct pvi_gsi *g;
	struct kvm_pvi_status *word;	/* or NULL */
	u32 kind, port[CHAN_SENDERS];
	u64 written[CHAN_SENDERS], accepted[CHAN_SENDERS], seen[CHAN_SENDERS];
	u64 interrupts, latched, skipped;
	bool irq;
};

extern struct chan chan;

void chan_make(u32 kind, bool word);
void chan_end(void);
bool chan_latched(void);
bool chan_deliverable(void);
int chan_ring(u32 sender);	/* a verdict or an error; KVM_PVI_COALESCED where the word said so */
void chan_spoil(u32 how);	/* unwires it, or has the irqchip take nothing */
void chan_mend(void);		/* and pays, as whoever makes delivery possible does */
void chan_kick(void);
bool chan_handle(void);		/* the guest's handler, if an interrupt has come */
void chan_status(bool on);
void chan_check(void);		/* nothing is lost */

#endif
