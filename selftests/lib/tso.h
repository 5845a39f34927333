/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm-pvi selftests: every order in which a few small programs can run on the CPUs of x86
 *
 * A CPU's stores wait in its store buffer and become visible to the others in order but late; its
 * own loads see them at once; barriers and locked operations wait until it is empty (Owens, Sarkar,
 * Sewell: x86-TSO, 2009).
 */
#ifndef PVI_TEST_TSO_H
#define PVI_TEST_TSO_H

#include "types.h"

#define TSO_VARS	10
#define TSO_CPUS	4
#define TSO_CODE	128
#define TSO_BUFFER	2
#define TSO_SENDERS	2

enum tso_reg { R0, R1, R2, NR_REGS };

/*
 * SIGNAL: an interrupt, if the register and the variable are what they have to be; WAIT_IRQ takes
 * it. AWAIT: the variable is not 0. ENTER, LEAVE, AWAIT_LEFT: an RCU read section, and a grace
 * period. SEEN, ACCEPTED: ghosts, the number of a sender's that the receiver has in its register,
 * that the sender need not send again
 */
enum tso_op {
	LOAD, STORE, FENCE, XCHG, JZ, JNZ, JMP, AWAIT, SIGNAL, WAIT_IRQ, ENTER, LEAVE, AWAIT_LEFT,
	SEEN, ACCEPTED
};

/* @where: a variable, or a sender; jumps go to @value */
struct instr {
	enum tso_op op;
	u8 reg, where, value;
};

struct program {
	struct instr code[TSO_CODE];
	u8 len;
};

/* @nr, @var, @val: its store buffer, oldest first */
struct cpu {
	u8 pc, reg[NR_REGS];
	u8 nr, var[TSO_BUFFER], val[TSO_BUFFER];
};

/* @rings: in a read section. @seen, @accepted: the last number of each sender */
struct state {
	u8 mem[TSO_VARS];
	u8 irq, rings;
	u8 seen[TSO_SENDERS], accepted[TSO_SENDERS];
	struct cpu cpu[TSO_CPUS];
};

/* Where all begins; to be filled in */
extern struct state tso_start;

struct program *tso_cpu(void);
void tso_emit(struct program *p, enum tso_op op, u8 reg, u8 where, u8 value);
void tso_load(struct program *p, enum tso_reg reg, u8 var);
void tso_store(struct program *p, u8 var, u8 value);
void tso_xchg(struct program *p, enum tso_reg reg, u8 var, u8 value);

/* Jumps to a place that comes later */
struct jumps {
	u8 nr, at[8];
};

void tso_jump(struct program *p, struct jumps *j, enum tso_op op, enum tso_reg reg);
void tso_land(struct program *p, const struct jumps *j);

/*
 * Go through all orders. True if there is one at whose end a number was accepted and not seen;
 * then the shortest such way is printed, with @names for the variables.
 */
bool tso_loses(const char *const *names);
/* States there are, as far as was looked */
u32 tso_states(void);

#endif
