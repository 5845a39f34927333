// SPDX-License-Identifier: GPL-2.0
/*
 * The protocol of status words and latches, step by step, in every order that the store buffers of
 * x86 allow. No ring is lost in any of them; and with any one barrier or rule left out one is, as
 * the shortest way to it shows. Needs neither KVM nor kvm_pvi.
 */
#include "tap.h"
#include "tso.h"

enum rule {
	NO_RULE,
	SENDER_BARRIER,		/* between the sender's data and its look at pending */
	HOST_BARRIER,		/* between a blind sender's data and the host's look */
	MARK_ATOMIC,		/* pending is tested and set as one, with a barrier */
	MARK_BEFORE_RAISE,
	TAKE_BEFORE_DRAIN,	/* the receiver clears pending, then looks for data */
	TAKE_BARRIER,		/* and between the two is a barrier */
	LATCH_BARRIER,		/* between setting the latch and looking at the wiring */
	LOOK_AGAIN,		/* a ring that has latched looks at the wiring once more */
	LOOK_BEFORE_TAKING,	/* and does not take the latch back to do so */
	PAYER_BARRIER,		/* between wiring and looking at the latch */
	PAY_PENDING,		/* wiring pays what is pending, not the latch alone */
	COUNT_PAYERS,		/* and tells whether one came while it had taken the latch */
	LATCH_IS_NOT_OWED,	/* pending with the latch set is tried again */
	RATE_BEFORE_MARK,	/* a throttled ring does not set pending */
	REGISTER_CLEAR,
	WAIT_FOR_RINGS,		/* before the word is cleared for the last time */
	LAST_CLEAR,
	PASS_UNASKED,		/* by a receiver that has just started */
	LAST_PASS,		/* by a receiver that has polled */
};

static enum rule left_out;

static bool holds(enum rule rule)
{
	return rule != left_out;
}

/* Memory. WIRED is 0, 1 for a place where signals get lost, 2 for the receiver */
enum var { DATA_A, DATA_B, PENDING, LATCH, WIRED, TOKEN, STATUS, LIVE, USED, PAYERS };

static const char *const var_names[] = {
	"data-a", "data-b", "pending", "latch", "wired", "token", "status", "live", "used", "payers"
};

static bool limited;

static void fence_if(struct program *p, enum rule rule)
{
	if (holds(rule))
		tso_emit(p, FENCE, 0, 0, 0);
}

/* The host has failed to deliver: latch(), and to @signal if there is a place now */
static void host_latch(struct program *p, struct jumps *signal)
{
	struct jumps out = {};

	if (holds(LATCH_BARRIER))
		tso_xchg(p, R1, LATCH, 1);
	else
		tso_store(p, LATCH, 1);
	if (!holds(LOOK_AGAIN))
		return;
	if (!holds(LOOK_BEFORE_TAKING)) {
		tso_xchg(p, R1, LATCH, 0);
		tso_load(p, R2, WIRED);
		tso_jump(p, signal, JNZ, R2);
		tso_xchg(p, R1, LATCH, 1);
		return;
	}
	tso_load(p, R2, WIRED);
	tso_jump(p, &out, JZ, R2);
	tso_xchg(p, R1, LATCH, 0);
	tso_jump(p, signal, JNZ, R1);
	tso_land(p, &out);
}

/* raise_or_latch() */
static void host_raise(struct program *p)
{
	struct jumps signal = {}, out = {};

	tso_xchg(p, R1, LATCH, 0);
	tso_load(p, R2, WIRED);
	tso_jump(p, &signal, JNZ, R2);
	host_latch(p, &signal);
	tso_jump(p, &out, JMP, R0);
	tso_land(p, &signal);
	tso_emit(p, SIGNAL, R2, LIVE, 2);
	tso_land(p, &out);
}

/* To @owed if pending, as R0 says, and not latched */
static void jump_if_owed(struct program *p, struct jumps *owed)
{
	struct jumps no = {};

	tso_jump(p, &no, JZ, R0);
	if (holds(LATCH_IS_NOT_OWED)) {
		tso_load(p, R1, LATCH);
		tso_jump(p, &no, JNZ, R1);
	}
	tso_jump(p, owed, JMP, R0);
	tso_land(p, &no);
}

/* pvi_status_mark() */
static void host_mark(struct program *p)
{
	if (holds(MARK_ATOMIC)) {
		tso_xchg(p, R0, PENDING, 1);
	} else {
		tso_load(p, R0, PENDING);
		tso_store(p, PENDING, 1);
	}
}

static void host_rate(struct program *p, struct jumps *throttled)
{
	if (!limited)
		return;
	tso_xchg(p, R1, TOKEN, 0);
	tso_jump(p, throttled, JZ, R1);
}

/* ring_edge(), on the CPU of the sender @who, for its ring @number */
static void host_ring(struct program *p, u8 who, u8 number)
{
	struct jumps plain = {}, accepted = {}, throttled = {};

	tso_emit(p, ENTER, 0, 0, 0);
	tso_load(p, R0, STATUS);
	tso_jump(p, &plain, JZ, R0);
	fence_if(p, HOST_BARRIER);
	tso_load(p, R0, PENDING);
	jump_if_owed(p, &accepted);
	if (holds(RATE_BEFORE_MARK))
		host_rate(p, &throttled);
	if (holds(MARK_BEFORE_RAISE)) {
		host_mark(p);
		jump_if_owed(p, &accepted);
	}
	if (!holds(RATE_BEFORE_MARK))
		host_rate(p, &throttled);
	host_raise(p);
	if (!holds(MARK_BEFORE_RAISE))
		host_mark(p);
	tso_jump(p, &accepted, JMP, R0);
	tso_land(p, &plain);
	host_raise(p);
	tso_land(p, &accepted);
	tso_emit(p, ACCEPTED, 0, who, number);
	tso_land(p, &throttled);
	tso_emit(p, LEAVE, 0, 0, 0);
}

/* A sender that looks at the word first */
static void send(struct program *p, u8 who, u8 number)
{
	struct jumps owed = {}, done = {};

	tso_store(p, who, number);
	fence_if(p, SENDER_BARRIER);
	tso_load(p, R0, PENDING);
	tso_jump(p, &owed, JNZ, R0);
	host_ring(p, who, number);
	tso_jump(p, &done, JMP, R0);
	tso_land(p, &owed);
	tso_emit(p, ACCEPTED, 0, who, number);
	tso_land(p, &done);
}

/* One that does not */
static void send_blindly(struct program *p, u8 who, u8 number)
{
	tso_store(p, who, number);
	host_ring(p, who, number);
}

static void drain(struct program *p)
{
	u8 who;

	for (who = DATA_A; who <= DATA_B; who++) {
		tso_load(p, R0, who);
		tso_emit(p, SEEN, R0, who, 0);
	}
}

/* A receiver's pass; one that has been told that its word is gone only drains */
static void pass(struct program *p)
{
	struct jumps unused = {};

	if (!holds(TAKE_BEFORE_DRAIN))
		drain(p);
	tso_load(p, R0, USED);
	tso_jump(p, &unused, JZ, R0);
	if (holds(TAKE_BARRIER))
		tso_xchg(p, R0, PENDING, 0);
	else
		tso_store(p, PENDING, 0);
	tso_land(p, &unused);
	if (holds(TAKE_BEFORE_DRAIN))
		drain(p);
}

/* The handler of a receiver, for ever */
static void receive(struct program *p)
{
	u8 loop = p->len;

	tso_emit(p, WAIT_IRQ, 0, 0, 0);
	pass(p);
	tso_emit(p, JMP, R0, 0, loop);
}

/* pvi_gsi_pay() */
static void host_pay(struct program *p)
{
	struct jumps pay = {}, out = {};

	if (holds(PAYER_BARRIER)) {
		tso_emit(p, FENCE, 0, 0, 0);
		tso_xchg(p, R0, LATCH, 0);
	} else {
		tso_load(p, R0, LATCH);
	}
	tso_jump(p, &pay, JNZ, R0);
	if (holds(PAY_PENDING)) {
		tso_load(p, R0, PENDING);
		tso_jump(p, &pay, JNZ, R0);
	}
	tso_jump(p, &out, JMP, R0);
	tso_land(p, &pay);
	host_raise(p);
	tso_land(p, &out);
}

/* deliver_or_latch() of a pin: WIRED tells whether it is unmasked, R0 is what it counted before */
static void host_raise_pin(struct program *p)
{
	struct jumps signal = {}, out = {};

	tso_xchg(p, R1, LATCH, 0);
	tso_load(p, R2, WIRED);
	tso_jump(p, &signal, JNZ, R2);
	tso_xchg(p, R1, LATCH, 1);
	tso_load(p, R0, PAYERS);
	tso_xchg(p, R1, LATCH, 0);
	tso_jump(p, &out, JZ, R1);
	tso_load(p, R2, WIRED);
	tso_jump(p, &signal, JNZ, R2);
	tso_xchg(p, R1, LATCH, 1);
	if (holds(COUNT_PAYERS)) {
		tso_jump(p, &out, JNZ, R0);
		tso_load(p, R0, PAYERS);
		tso_jump(p, &out, JZ, R0);
		/* The work */
		tso_xchg(p, R1, LATCH, 0);
		tso_jump(p, &out, JZ, R1);
		tso_load(p, R2, WIRED);
		tso_jump(p, &signal, JNZ, R2);
	}
	tso_jump(p, &out, JMP, R0);
	tso_land(p, &signal);
	tso_emit(p, SIGNAL, R2, LIVE, 2);
	tso_land(p, &out);
}

/* The state in which most begin: a word, wired to a receiver that is live */
static void begin(void)
{
	tso_start.mem[WIRED] = 2;
	tso_start.mem[STATUS] = 1;
	tso_start.mem[LIVE] = 1;
	tso_start.mem[USED] = 1;
}

static void two_senders(void)
{
	struct program *p;

	begin();
	p = tso_cpu();
	send(p, DATA_A, 1);
	send(p, DATA_A, 2);
	send_blindly(tso_cpu(), DATA_B, 1);
	receive(tso_cpu());
}

/* No word; wired while it is rung */
static void wire_plain(void)
{
	struct program *p;

	begin();
	tso_start.mem[STATUS] = 0;
	tso_start.mem[WIRED] = 0;
	p = tso_cpu();
	send_blindly(p, DATA_A, 1);
	send_blindly(p, DATA_A, 2);
	send_blindly(tso_cpu(), DATA_B, 1);
	receive(tso_cpu());
	p = tso_cpu();
	tso_store(p, WIRED, 2);
	host_pay(p);
}

/* What was signalled to the old place is lost with it */
static void rewire(void)
{
	struct program *p;

	begin();
	tso_start.mem[WIRED] = 1;
	send(tso_cpu(), DATA_A, 1);
	send_blindly(tso_cpu(), DATA_B, 1);
	receive(tso_cpu());
	p = tso_cpu();
	tso_store(p, WIRED, 2);
	host_pay(p);
}

/* A pin is unmasked, nobody says so, and the next ring must get through */
static void unmask(void)
{
	struct program *p;

	begin();
	tso_start.mem[WIRED] = 0;
	send_blindly(tso_cpu(), DATA_A, 1);
	p = tso_cpu();
	tso_emit(p, AWAIT, 0, WIRED, 0);
	send_blindly(p, DATA_B, 1);
	receive(tso_cpu());
	tso_store(tso_cpu(), WIRED, 2);
}

/* A pin is unmasked, and the guest says so */
static void arm(void)
{
	struct program *p;
	struct jumps out = {};

	begin();
	tso_start.mem[WIRED] = 0;
	p = tso_cpu();
	tso_store(p, DATA_A, 1);
	host_raise_pin(p);
	tso_emit(p, ACCEPTED, 0, DATA_A, 1);
	receive(tso_cpu());
	p = tso_cpu();
	tso_store(p, WIRED, 2);
	tso_xchg(p, R0, PAYERS, 1);
	tso_xchg(p, R0, LATCH, 0);
	tso_jump(p, &out, JZ, R0);
	host_raise_pin(p);
	tso_land(p, &out);
}

static void rate(void)
{
	struct program *p;

	begin();
	limited = true;
	tso_start.mem[TOKEN] = 1;
	p = tso_cpu();
	send(p, DATA_A, 1);
	send(p, DATA_A, 2);
	send_blindly(tso_cpu(), DATA_B, 1);
	receive(tso_cpu());
}

/* A word is made of memory in which anything was */
static void enlist(void)
{
	struct program *p;

	begin();
	tso_start.mem[STATUS] = 0;
	tso_start.mem[PENDING] = 1;
	p = tso_cpu();
	tso_emit(p, AWAIT, 0, STATUS, 0);
	send(p, DATA_A, 1);
	receive(tso_cpu());
	p = tso_cpu();
	if (holds(REGISTER_CLEAR))
		tso_store(p, PENDING, 0);
	tso_store(p, STATUS, 1);
}

/* UNSTATUS, after which the receiver is told */
static void delist(void)
{
	struct program *p;

	begin();
	p = tso_cpu();
	send(p, DATA_A, 1);
	send(p, DATA_A, 2);
	send_blindly(tso_cpu(), DATA_B, 1);
	receive(tso_cpu());
	p = tso_cpu();
	tso_store(p, STATUS, 0);
	tso_emit(p, FENCE, 0, 0, 0);
	if (holds(WAIT_FOR_RINGS))
		tso_emit(p, AWAIT_LEFT, 0, 0, 0);
	if (holds(LAST_CLEAR))
		tso_store(p, PENDING, 0);
	tso_store(p, USED, 0);
}

/* RESET, handler live, ARM, a pass unasked; interrupts before that reach nobody */
static void restart(void)
{
	struct program *p;

	begin();
	tso_start.mem[LIVE] = 0;
	p = tso_cpu();
	send(p, DATA_A, 1);
	send(p, DATA_A, 2);
	send_blindly(tso_cpu(), DATA_B, 1);
	p = tso_cpu();
	tso_store(p, PENDING, 0);
	tso_xchg(p, R0, LATCH, 0);
	tso_store(p, LIVE, 1);
	host_pay(p);
	if (holds(PASS_UNASKED))
		pass(p);
	receive(p);
}

/* A receiver that drains twice, leaving the word alone, before it waits again */
static void poll_twice(void)
{
	struct program *p;

	begin();
	p = tso_cpu();
	send(p, DATA_A, 1);
	send(p, DATA_A, 2);
	send_blindly(tso_cpu(), DATA_B, 1);
	p = tso_cpu();
	tso_emit(p, WAIT_IRQ, 0, 0, 0);
	drain(p);
	drain(p);
	if (holds(LAST_PASS))
		pass(p);
	tso_emit(p, JMP, R0, 0, 0);
}

static void check_kept(void (*scene)(void))
{
	scene();
	if (tso_loses(var_names))
		TEST_FAIL("a ring is lost, though no rule was left out");
	test_diag("%u states", tso_states());
}

static void check_lost(void (*scene)(void), enum rule rule)
{
	left_out = rule;
	scene();
	if (!tso_loses(var_names))
		TEST_FAIL("no ring is lost in %u states: the rule is not needed", tso_states());
}

#define KEPT(scene) static void kept_##scene(void) { check_kept(scene); }
#define LOST(scene, rule) static void lost_##rule(void) { check_lost(scene, rule); }

KEPT(two_senders)
LOST(two_senders, SENDER_BARRIER)
LOST(two_senders, HOST_BARRIER)
LOST(two_senders, MARK_ATOMIC)
LOST(two_senders, MARK_BEFORE_RAISE)
LOST(two_senders, TAKE_BEFORE_DRAIN)
LOST(two_senders, TAKE_BARRIER)
KEPT(wire_plain)
LOST(wire_plain, LATCH_BARRIER)
LOST(wire_plain, LOOK_AGAIN)
LOST(wire_plain, LOOK_BEFORE_TAKING)
LOST(wire_plain, PAYER_BARRIER)
KEPT(rewire)
LOST(rewire, PAY_PENDING)
KEPT(unmask)
LOST(unmask, LATCH_IS_NOT_OWED)
KEPT(arm)
LOST(arm, COUNT_PAYERS)
KEPT(rate)
LOST(rate, RATE_BEFORE_MARK)
KEPT(enlist)
LOST(enlist, REGISTER_CLEAR)
KEPT(delist)
LOST(delist, WAIT_FOR_RINGS)
LOST(delist, LAST_CLEAR)
KEPT(restart)
LOST(restart, PASS_UNASKED)
KEPT(poll_twice)
LOST(poll_twice, LAST_PASS)

#define KEPT_CASE(scene) { "kept_" #scene, kept_##scene }
#define LOST_CASE(rule) { "lost_without_" #rule, lost_##rule }

static const struct test_case cases[] = {
	KEPT_CASE(two_senders),
	LOST_CASE(SENDER_BARRIER),
	LOST_CASE(HOST_BARRIER),
	LOST_CASE(MARK_ATOMIC),
	LOST_CASE(MARK_BEFORE_RAISE),
	LOST_CASE(TAKE_BEFORE_DRAIN),
	LOST_CASE(TAKE_BARRIER),
	KEPT_CASE(wire_plain),
	LOST_CASE(LATCH_BARRIER),
	LOST_CASE(LOOK_AGAIN),
	LOST_CASE(LOOK_BEFORE_TAKING),
	LOST_CASE(PAYER_BARRIER),
	KEPT_CASE(rewire),
	LOST_CASE(PAY_PENDING),
	KEPT_CASE(unmask),
	LOST_CASE(LATCH_IS_NOT_OWED),
	KEPT_CASE(arm),
	LOST_CASE(COUNT_PAYERS),
	KEPT_CASE(rate),
	LOST_CASE(RATE_BEFORE_MARK),
	KEPT_CASE(enlist),
	LOST_CASE(REGISTER_CLEAR),
	KEPT_CASE(delist),
	LOST_CASE(WAIT_FOR_RINGS),
	LOST_CASE(LAST_CLEAR),
	KEPT_CASE(restart),
	LOST_CASE(PASS_UNASKED),
	KEPT_CASE(poll_twice),
	LOST_CASE(LAST_PASS),
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), 0);
}
