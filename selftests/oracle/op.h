/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi oracle: what can be done, by whom, and what came of it */
#ifndef PVI_ORACLE_OP_H
#define PVI_ORACLE_OP_H

#include <linux/kvm_pvi.h>

#include "../lib/random.h"

#define NR_EPS		5	/* endpoints, of host processes or of VMs */
#define NR_VMS		2
#define NR_NAMES	4
#define NR_GSIS		8	/* numbers of gsi_number[]; the last two are none */
#define NR_PORTS	12	/* numbers that ops name; the lowest free one may be more */
#define NR_EFDS		6
#define NR_SOURCES	4	/* eventfds that ring */
#define NR_WORDS	6
#define NR_BELLS	3
#define NR_GRANTS	6	/* places for descriptors */
#define NR_BLOBS	3
#define NR_EXECUTORS	3	/* the test's thread, a second one, another process */
#define STORM_RINGS	24	/* of each executor */

#define ANY_GSI		NR_GSIS
#define NONE		(-1)
#define FIRST_MSI	0x90	/* 16 vectors that guests name; 0x80 is the library's */

/*
 * Fields of an op are small numbers that mean something in any world, so an op can be left out of
 * a sequence and the others still be made. What each field is stands in ops.c.
 */
enum op_kind {
	OP_BIND, OP_CLOSE, OP_EXPOSE, OP_UNEXPOSE, OP_WIRE, OP_UNWIRE, OP_KICK, OP_ALLOW,
	OP_REVOKE, OP_REVOKE_ALL, OP_BELL, OP_STATUS, OP_UNSTATUS, OP_SET_PORT, OP_CLOSE_PORT,
	OP_CONNECT, OP_GRANT, OP_UNGRANT, OP_CLOSE_GRANT, OP_CONNECT_GRANT, OP_WIRE_SOURCE, OP_UNWIRE_SOURCE,
	OP_SAVE, OP_RESTORE, OP_THAW, OP_READ, OP_STATS, OP_TAKE, OP_RING, OP_BROADCAST, OP_NOTIFY,
	OP_MANY, OP_GUEST_CONNECT, OP_DISCONNECT, OP_SET_MSI, OP_SEND, OP_RECEIVE, OP_MASK,
	OP_RESET_BELL, OP_PEERS, OP_RESET, OP_ARM, OP_SET_CONFIG, OP_QUERY_GSI, OP_QUERY_PORT,
	OP_QUERY_CONFIG, OP_STORM,
	NR_OPS
};

/*
 * @ep: the endpoint that does it
 * @by: executor; for a hypercall of a VM's endpoint 0 stands for the guest itself
 */
struct op {
	enum op_kind kind;
	u8 ep;
	u8 by;
	s64 a, b, c, d;
};

#define BLOB_SIZE	2048
#define MAX_EVENTS	(KVM_PVI_EVENTS_KEPT + 1)

/*
 * What an op answered, as the model says and as the module does. @ret: 0, what a hypercall has in
 * RAX, or -errno. All else is 0 where there is nothing to say.
 *
 * @rbx: the second value; of UNWIRE_SOURCE what was signalled behind it
 * @nr: of records in @peers
 * @verdicts: of a storm: by receiver and GSI, how many answered so
 */
struct answer {
	s64 ret;
	u64 rbx;
	u32 nr;
	struct kvm_pvi_peer peers[NR_NAMES + 1];
	u64 counts[6];
	u32 length;
	u8 blob[BLOB_SIZE];
	u16 verdicts[NR_NAMES][NR_GSIS][4];
};

/* The model does not say what happens: the op is left out */
#define SKIP 1000000

extern const u32 gsi_number[NR_GSIS + 1];
const char *op_name(enum op_kind kind);

/* Number @number of a sequence */
struct op op_random(struct rng *rng, u32 number);
void op_describe(const struct op *op, char *text, u32 size);
/* What one executor rings in a storm: number @i */
struct op op_of_storm(const struct op *storm, u32 executor, u32 i);
/* Signals just before UNWIRE_SOURCE */
static inline u32 op_signals(const struct op *op)
{
	return op->c & 3;
}

static inline bool op_is_hypercall(enum op_kind kind)
{
	return kind >= OP_RING && kind <= OP_QUERY_CONFIG;
}

#endif
