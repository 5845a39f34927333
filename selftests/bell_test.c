// SPDX-License-Identifier: GPL-2.0
/*
 * The state machine of a doorbell with bits: every transition by name, then all that can be done
 * in all states that two flags can be in, and what is owed when it cannot be delivered. Between
 * host processes, but where the guest wires; guests ring and are rung in bell_guest_test.c.
 */
#include "pvi_test.h"
#include "bell.h"

/*
 * @ret, @rbx:	what the call gives back
 * @raised:	how often it raised the GSI
 * @flags:	what they are behind it
 */
struct transition {
	const char *name;
	struct state from;
	enum op op;
	u64 a, b;
	s64 ret;
	u64 rbx;
	u64 raised;
	u64 flags;
};

#define TOP (1ULL << 63)

static const struct transition transitions[] = {
	{ "send: the first flag", { 0, ALL, 0 }, SEND, 1, 0, RAISED, 0, 1, 1 },
	{ "send: the last flag", { 0, ALL, 0 }, SEND, TOP, 0, RAISED, 0, 1, TOP },
	{ "send: all flags", { 0, ALL, 0 }, SEND, ALL, 0, RAISED, 0, 1, ALL },
	{ "send: a flag that is set", { 1, ALL, 0 }, SEND, 1, 0, SILENT, 1, 0, 1 },
	{ "send: one more flag, line up", { 1, ALL, 0 }, SEND, 2, 0, RAISED, 1, 1, 3 },
	{ "send: one set, one more", { 1, ALL, 0 }, SEND, 3, 0, RAISED, 1, 1, 3 },
	{ "send: not enabled, line down", { 0, 2, 0 }, SEND, 1, 0, SILENT, 0, 0, 1 },
	{ "send: not enabled, line up", { 2, 2, 0 }, SEND, 1, 0, SILENT, 2, 0, 3 },
	{ "send: one enabled, one not", { 0, 2, 0 }, SEND, 3, 0, RAISED, 0, 1, 3 },
	{ "send: enable mask clear", { 0, 0, 0 }, SEND, ALL, 0, SILENT, 0, 0, ALL },
	{ "send: clears by itself", { 0, ALL, 1 }, SEND, 1, 0, RAISED, 0, 1, 0 },
	{ "send: one clears by itself", { 0, ALL, 1 }, SEND, 3, 0, RAISED, 0, 1, 2 },
	{ "send: all clear by themselves", { 0, ALL, ALL }, SEND, 5, 0, RAISED, 0, 1, 0 },
	{ "send: ack without enable, line down", { 0, 2, 1 }, SEND, 1, 0, SILENT, 0, 0, 1 },
	{ "send: ack with another's line", { 0, 2, 1 }, SEND, 3, 0, RAISED, 0, 1, 2 },
	{ "send: recorded ack, line rises", { 1, 2, 1 }, SEND, 2, 0, RAISED, 1, 1, 2 },
	{ "send: ack, line up already", { 2, 2, 1 }, SEND, 1, 0, SILENT, 2, 0, 2 },
	{ "receive: all", { 3, ALL, 0 }, RECEIVE, ALL, 0, 0, 3, 0, 0 },
	{ "receive: exactly what is set", { 3, ALL, 0 }, RECEIVE, 3, 0, 0, 3, 0, 0 },
	{ "receive: a part, line stays up", { 3, ALL, 0 }, RECEIVE, 1, 0, 0, 3, 1, 2 },
	{ "receive: not set, line stays up", { 2, ALL, 0 }, RECEIVE, 1, 0, 0, 2, 1, 2 },
	{ "receive: nothing is set", { 0, ALL, 0 }, RECEIVE, 1, 0, 0, 0, 0, 0 },
	{ "receive: leaves what is not enabled", { 3, 1, 0 }, RECEIVE, 1, 0, 0, 3, 0, 2 },
	{ "receive: what was recorded", { 3, 0, 0 }, RECEIVE, 1, 0, 0, 3, 0, 2 },
	{ "receive: an ack flag", { 1, 2, 1 }, RECEIVE, 1, 0, 0, 1, 0, 0 },
	{ "receive: acknowledges nothing", { 3, 0, 3 }, RECEIVE, 1, 0, 0, 3, 0, 2 },
	{ "mask: line rises", { 1, 0, 0 }, MASK, 1, 0, 0, 0, 1, 1 },
	{ "mask: line rises, flag clears", { 1, 0, 0 }, MASK, 1, 1, 0, 0, 1, 0 },
	{ "mask: line rises, another clears", { 3, 0, 0 }, MASK, 1, 2, 0, 0, 1, 1 },
	{ "mask: line stays up", { 1, 1, 0 }, MASK, ALL, 0, 0, 0, 0, 1 },
	{ "mask: line stays up by another", { 3, 1, 0 }, MASK, 2, 0, 0, 0, 0, 3 },
	{ "mask: line stays up, flag clears", { 3, 1, 0 }, MASK, 3, 1, 0, 0, 0, 2 },
	{ "mask: line falls", { 1, 1, 0 }, MASK, 2, 0, 0, 0, 0, 1 },
	{ "mask: line falls, none clears", { 1, 1, 0 }, MASK, 0, 1, 0, 0, 0, 1 },
	{ "mask: line stays down", { 1, 0, 0 }, MASK, 2, 1, 0, 0, 0, 1 },
	{ "reset: line up", { 3, 1, 0 }, RESET, 0, 0, 0, 0, 0, 0 },
	{ "reset: line down", { 3, 0, 3 }, RESET, 0, 0, 0, 0, 0, 0 },
};

static void check_transition(const struct transition *t, struct state to)
{
	struct state now;
	u64 rbx, raised;
	s64 ret;

	bell_set_state(t->from);
	ret = bell_op(t->op, t->a, t->b, &rbx);
	raised = read_eventfd(bell.efd);
	now = bell_state();
	if (ret != t->ret || rbx != t->rbx || raised != t->raised)
		TEST_FAIL("%s: RAX %lld RBX 0x%llx raised %llu, not %lld 0x%llx %llu", t->name,
			  ret, rbx, raised, t->ret, t->rbx, t->raised);
	if (now.flags != to.flags || now.enable != to.enable || now.ack != to.ack)
		TEST_FAIL("%s: then flags 0x%llx enable 0x%llx ack 0x%llx, not 0x%llx 0x%llx 0x%llx",
			  t->name, now.flags, now.enable, now.ack, to.flags, to.enable, to.ack);
}

static struct state masks_behind(const struct transition *t)
{
	struct state to = t->from;

	to.flags = t->flags;
	if (t->op == MASK || t->op == RESET) {
		to.enable = t->op == MASK ? t->a : ALL;
		to.ack = t->op == MASK ? t->b : 0;
	}
	return to;
}

static void test_transitions(void)
{
	size_t i;

	bell_make(ALL);
	for (i = 0; i < ARRAY_SIZE(transitions); i++)
		check_transition(&transitions[i], masks_behind(&transitions[i]));
}

/* The rules, in the words of the documentation: fills in what @t leads to */
static void predict(struct transition *t)
{
	struct state from = t->from, to;
	bool was = from.flags & from.enable, up;

	t->flags = from.flags;
	if (t->op == SEND)
		t->flags |= t->a;
	if (t->op == RECEIVE)
		t->flags &= ~t->a;
	if (t->op == RESET)
		t->flags = 0;
	to = masks_behind(t);
	up = to.flags & to.enable;
	switch (t->op) {
	case SEND:
		t->raised = up && (!was || (t->a & ~from.flags & from.enable));
		t->ret = t->raised ? RAISED : SILENT;
		break;
	case RECEIVE:
		t->raised = up;
		break;
	case MASK:
		t->raised = up && !was;
		break;
	case RESET:
		break;
	}
	if (up && (t->op == SEND || t->op == MASK))
		t->flags &= ~to.ack;
	if (t->op == SEND || t->op == RECEIVE)
		t->rbx = from.flags;
}

static void check_op(struct state from, enum op op, u64 a, u64 b)
{
	struct transition t = { "two flags", from, op, a, b };

	predict(&t);
	check_transition(&t, masks_behind(&t));
}

/* All states that two flags can be in, and all that can be done to them */
static void test_two_flags(void)
{
	u32 bits, a;

	bell_make(ALL);
	for (bits = 0; bits < 64; bits++) {
		struct state from = { bits & 3, bits >> 2 & 3, bits >> 4 };

		if ((from.flags & from.enable) && (from.flags & from.ack))
			continue;
		for (a = 1; a < 4; a++) {
			check_op(from, SEND, a, 0);
			check_op(from, RECEIVE, a, 0);
		}
		for (a = 0; a < 16; a++)
			check_op(from, MASK, a & 3, a >> 2);
		check_op(from, RESET, 0, 0);
	}
}

/* As it was made: what the documentation of KVM_PVI_BELL says */
static void test_start(void)
{
	struct state s;

	bell_make(ALL);
	s = bell_state();
	ASSERT_EQ(s.flags, 0);
	ASSERT_EQ(s.enable, ALL);
	ASSERT_EQ(s.ack, 0);
	ASSERT_EQ(read_eventfd(bell.efd), 0);
}

/* Whoever makes delivery possible raises a line that is up */
static void test_owed(void)
{
	bell_make(ALL);
	pvi_gsi(bell.rx, KVM_PVI_UNWIRE, GSI);
	ASSERT_EQ(bell_send(1), KVM_PVI_LATCHED);
	ASSERT_EQ(bell_send(1), KVM_PVI_COALESCED);
	ASSERT_EQ(bell_send(2), KVM_PVI_COALESCED);
	ASSERT_EQ(read_eventfd(bell.efd), 0);
	pvi_wire(bell.rx, GSI, bell.efd);
	ASSERT_EQ(read_eventfd(bell.efd), 1);
	pvi_wire(bell.rx, GSI, bell.efd);
	ASSERT_EQ(read_eventfd(bell.efd), 1);
	pvi_gsi(bell.rx, KVM_PVI_KICK, GSI);
	ASSERT_EQ(read_eventfd(bell.efd), 1);
	ASSERT_EQ(pvi_call(bell.rx, KVM_HC_PVI_ARM, GSI, 0, 0, 0), 0);
	ASSERT_EQ(read_eventfd(bell.efd), 1);
	ASSERT_EQ(bell_receive(ALL), 3);
	pvi_gsi(bell.rx, KVM_PVI_KICK, GSI);
	ASSERT_EQ(read_eventfd(bell.efd), 0);

	pvi_gsi(bell.rx, KVM_PVI_UNWIRE, GSI);
	ASSERT_EQ(bell_send(1), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_call(bell.rx, KVM_HC_BELL_RESET, BELL, 0, 0, 0), 0);
	pvi_wire(bell.rx, GSI, bell.efd);
	ASSERT_EQ(read_eventfd(bell.efd), 0);
}

/* That a wiring goes is no ring: it latches nothing, and the next wiring raises a line that is up, no other */
static void test_unwired(void)
{
	bell_make(ALL);
	ASSERT_EQ(bell_send(1), RAISED);
	ASSERT_EQ(read_eventfd(bell.efd), 1);
	pvi_gsi(bell.rx, KVM_PVI_UNWIRE, GSI);
	pvi_wire(bell.rx, GSI, bell.efd);
	ASSERT_EQ(read_eventfd(bell.efd), 1);
	pvi_gsi(bell.rx, KVM_PVI_UNWIRE, GSI);
	ASSERT_EQ(bell_send(2), KVM_PVI_LATCHED);
	pvi_wire(bell.rx, GSI, bell.efd);
	ASSERT_EQ(read_eventfd(bell.efd), 1);
	pvi_gsi(bell.rx, KVM_PVI_UNWIRE, GSI);
	bell_mask(4, 0);
	pvi_wire(bell.rx, GSI, bell.efd);
	ASSERT_EQ(read_eventfd(bell.efd), 0);
}

#define VIRTUAL	KVM_PVI_GSI_VIRTUAL
#define VECTOR	0x30

/* Takes the first vector's interrupt; that of the next one would have come before. */
static __guest u64 take_first(u64 unused)
{
	(void)unused;
	guest_wait_irqs(VECTOR, 1);
	return guest_irq_count(VECTOR + 1);
}

static __guest u64 take_next(u64 unused)
{
	(void)unused;
	guest_wait_irqs(VECTOR + 1, 1);
	return guest_irq_count(VECTOR);
}

static void set_msi(u64 address, u64 data)
{
	ASSERT_EQ(pvi_call(bell.rx, KVM_HC_PVI_SET_MSI, VIRTUAL, address, data, 0), 0);
}

/* The same of a wiring that the guest takes away itself */
static void test_unwired_msi(void)
{
	struct vm *vm = vm_create(1, 0);

	bell.rx = pvi_bind(vm, pvi_uuid[0]);
	bell.tx = pvi_bind(NULL, pvi_uuid[1]);
	pvi_expose(bell.rx, VIRTUAL, KVM_PVI_GSI_MSI);
	pvi_bell(bell.rx, BELL, VIRTUAL);
	pvi_allow_bell(bell.rx, pvi_uuid[1], BELL, ALL);
	bell.port = pvi_connect(bell.tx, pvi_uuid[0], VIRTUAL);
	set_msi(0xfee00000, VECTOR);
	ASSERT_EQ(bell_send(1), RAISED);
	set_msi(0, 0);
	ASSERT_EQ(pvi_call(bell.rx, KVM_HC_PVI_QUERY, KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_STATE, 0), 0);
	bell_mask(4, 0);
	set_msi(0xfee00000, VECTOR + 1);
	ASSERT_EQ(vcpu_call(&vm->vcpus[0], take_first, 0), 0);
	bell_mask(ALL, 0);
	ASSERT_EQ(vcpu_call(&vm->vcpus[0], take_next, 0), 1);
}

/* A guest that starts anew finds its bell as it was made */
static void test_guest_reset(void)
{
	struct state s;

	bell_make(ALL);
	pvi_gsi(bell.rx, KVM_PVI_UNWIRE, GSI);
	bell_mask(0xff, 0xf0);
	ASSERT_EQ(bell_send(1), KVM_PVI_LATCHED);
	ASSERT_EQ(pvi_call(bell.rx, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	s = bell_state();
	ASSERT_EQ(s.flags, 0);
	ASSERT_EQ(s.enable, ALL);
	ASSERT_EQ(s.ack, 0);
	pvi_wire(bell.rx, GSI, bell.efd);
	ASSERT_EQ(read_eventfd(bell.efd), 0);
	ASSERT_EQ(bell_send(1), RAISED);
}

static const struct test_case cases[] = {
	{ "start", test_start },
	{ "transitions", test_transitions },
	{ "two_flags", test_two_flags },
	{ "owed", test_owed },
	{ "unwired", test_unwired },
	{ "unwired_msi", test_unwired_msi },
	{ "guest_reset", test_guest_reset },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_PVI);
}
