/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi selftests: a bell between two host processes. Its GSI is an eventfd, whose count is the
 * number of times the bell raised it.
 */
#ifndef PVI_TEST_BELL_H
#define PVI_TEST_BELL_H

#include "types.h"

#define GSI 33
#define BELL 7
#define ALL (~0ULL)

#define RAISED KVM_PVI_RAISED
#define SILENT KVM_PVI_COALESCED

/* Receiver and sender, the GSI's eventfd, and the sender's port to the bell */
extern struct bell_pair {
	int rx, tx, efd;
	u32 port;
} bell;

struct state {
	u64 flags, enable, ack;
};

enum op { SEND, RECEIVE, MASK, RESET };

/* Bell BELL on GSI, of which the sender is granted @bits */
void bell_make(u64 bits);
/* A call on that bell; RAX, and RBX in @rbx */
s64 bell_op(enum op op, u64 a, u64 b, u64 *rbx);
/* bell_op() in short; what cannot fail fails the test */
s64 bell_send(u64 flags);
u64 bell_receive(u64 flags);
void bell_mask(u64 enable, u64 ack);
/* As fdinfo shows it */
struct state bell_state(void);
/* With the line up the ack mask clears flags, so not every state can be had */
void bell_set_state(struct state s);

#endif
