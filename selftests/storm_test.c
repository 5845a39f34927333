// SPDX-License-Identifier: GPL-2.0
/*
 * No ring is lost between running guests, on each way that a ring can take. A sender writes the
 * number of a ring into memory before it rings. Now and then, and after the last one, it stops:
 * then the receiver's handler must have seen that number, or come to see it with nobody ringing
 * any more, however many rings became one interrupt.
 *
 * And a sender that never stops keeps nobody from anything: whoever does not want to hear it any
 * more does not, and the receiver, other guests and the host go on, whether it is heard or not.
 */
#include "pvi_test.h"

#define PIN		20
#define GSI		24
#define VECTOR		0x40
#define MAX_SENDERS	2
#define MAX_BATCH	64
#define LOST_MS		10000
#define MANY		100000
#define FEW		2000

/* What sender @i calls, how often, and what came of it; @seen is the handler's */
static struct {
	u64 nr, a0, a1;
	u64 rings;
	u64 written;
	u64 seen;
	u64 verdicts[3];
} senders[MAX_SENDERS];

static __guest void on_ring(u8 vector)
{
	u64 i;

	(void)vector;
	for (i = 0; i < MAX_SENDERS; i++)
		WRITE_ONCE(senders[i].seen, READ_ONCE(senders[i].written));
}

static __guest u64 guest_receive(u64 arg)
{
	guest_on_irq(VECTOR, on_ring);
	guest_sync(1);
	while (arg)
		guest_irq_wait();
	return 0;
}

/* As one whose driver masks its line in the middle of everything, and says when it is back */
static __guest u64 guest_receive_masking(u64 arg)
{
	guest_on_irq(VECTOR, on_ring);
	guest_sync(1);
	while (arg) {
		guest_irq_wait();
		guest_ioapic_set(PIN, VECTOR, IOAPIC_MASKED, 0);
		guest_hypercall(KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0);
		guest_ioapic_set(PIN, VECTOR, 0, 0);
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_ARM, PIN, 0, 0, 0), 0);
	}
	return 0;
}

/* Batches of 1 to MAX_BATCH rings, a quarter of them of 1 */
static __guest u64 next_batch(u64 *random)
{
	*random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
	return *random >> 62 ? 1 + (*random >> 33) % MAX_BATCH : 1;
}

static __guest u64 guest_send(u64 me)
{
	u64 random = me, left = 1, seq, verdict;

	for (seq = 1; seq <= senders[me].rings; seq++) {
		WRITE_ONCE(senders[me].written, seq);
		verdict = guest_hypercall(senders[me].nr, senders[me].a0, senders[me].a1, 0, 0);
		GUEST_ASSERT(verdict <= KVM_PVI_LATCHED);
		senders[me].verdicts[verdict]++;
		if (--left && seq < senders[me].rings)
			continue;
		guest_sync(seq);
		left = next_batch(&random);
	}
	return 0;
}

static void check_seen(u64 me, u64 seq)
{
	if (!wait_until(READ_ONCE(senders[me].seen) >= seq, LOST_MS))
		TEST_FAIL("sender %llu: ring %llu is lost, the handler has seen %llu", me, seq,
			  senders[me].seen);
}

/* Runs a sender to its end; whenever it stops, all that it has rung must be seen */
static void *drive(void *arg)
{
	struct vcpu *vcpu = &((struct vm *)arg)->vcpus[0];
	u64 me = vcpu->id;
	struct ucall call;

	vcpu_start(vcpu, guest_send, me);
	for (;;) {
		call = vcpu_run(vcpu);
		if (call.cmd == UCALL_EXIT)
			return NULL;
		ASSERT_EQ(call.cmd, UCALL_SYNC);
		check_seen(me, call.args[0]);
	}
}

/* A receiver and @nr senders, bound; sender i has vCPU id i and may ring @gsi */
struct storm {
	struct vm *rx, *tx[MAX_SENDERS];
	int rx_fd, tx_fd[MAX_SENDERS];
	u32 nr;
};

static struct storm prepare(u32 nr, u32 gsi, u32 kind)
{
	u64 rings = test_long() ? MANY : FEW;
	struct storm s = { .rx = vm_create(1, 0), .nr = nr };
	u32 i;

	s.rx_fd = pvi_bind(s.rx, pvi_uuid[0]);
	vm_ioapic_set(s.rx, PIN, VECTOR, 0, 0);
	vm_route_msi(s.rx, GSI, 0, VECTOR);
	pvi_expose(s.rx_fd, gsi, kind);
	for (i = 0; i < nr; i++) {
		s.tx[i] = vm_create(0, 0);
		vm_vcpu_add(s.tx[i], i);
		s.tx_fd[i] = pvi_bind(s.tx[i], pvi_uuid[1 + i]);
		pvi_allow(s.rx_fd, pvi_uuid[1 + i], gsi);
		senders[i].nr = KVM_HC_NOTIFY;
		senders[i].rings = rings / nr;
	}
	return s;
}

static void connect_all(struct storm *s, u32 gsi)
{
	u32 i;

	for (i = 0; i < s->nr; i++)
		senders[i].a0 = pvi_connect(s->tx_fd[i], pvi_uuid[0], gsi);
}

static void run(struct storm *s, guest_fn receive)
{
	pthread_t threads[MAX_SENDERS];
	u32 i;

	vcpu_run_thread(&s->rx->vcpus[0], receive, 1);
	vcpu_wait_sync(&s->rx->vcpus[0], 1);
	for (i = 0; i < s->nr; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, drive, s->tx[i]), 0);
	for (i = 0; i < s->nr; i++) {
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);
		ASSERT_EQ(senders[i].seen, senders[i].rings);
		test_diag("%llu rings: %llu raised, %llu coalesced, %llu latched",
			  senders[i].rings, senders[i].verdicts[0], senders[i].verdicts[1],
			  senders[i].verdicts[2]);
	}
	test_diag("%llu interrupts", vcpu_irq_count(&s->rx->vcpus[0], VECTOR));
	vcpu_stop(&s->rx->vcpus[0]);
}

static u64 accepted(const struct kvm_pvi_counts *counts)
{
	return counts->raised + counts->coalesced + counts->latched;
}

/* Both ends have counted every ring */
static void check_counts(struct storm *s)
{
	struct kvm_pvi_stats rx = pvi_stats(s->rx_fd), tx;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < s->nr; i++) {
		tx = pvi_stats(s->tx_fd[i]);
		ASSERT_EQ(accepted(&tx.sent), senders[i].rings);
		ASSERT_EQ(tx.sent.raised, senders[i].verdicts[KVM_PVI_RAISED]);
		sum += senders[i].rings;
	}
	ASSERT_EQ(accepted(&rx.received), sum);
}

static void test_uuid(void)
{
	struct storm s = prepare(1, PIN, KVM_PVI_GSI_DIRECT);

	senders[0].nr = KVM_HC_PVI;
	senders[0].a0 = (u64)pvi_uuid[0];
	senders[0].a1 = PIN;
	run(&s, guest_receive);
	check_counts(&s);
	ASSERT_EQ(senders[0].verdicts[KVM_PVI_RAISED], senders[0].rings);
}

static void test_port_pin(void)
{
	struct storm s = prepare(1, PIN, KVM_PVI_GSI_DIRECT);

	connect_all(&s, PIN);
	senders[0].rings = test_long() ? MANY : MANY / 5;
	run(&s, guest_receive);
	check_counts(&s);
	ASSERT_EQ(senders[0].verdicts[KVM_PVI_RAISED], senders[0].rings);
}

static void test_port_msi_route(void)
{
	struct storm s = prepare(1, GSI, KVM_PVI_GSI_DIRECT);

	connect_all(&s, GSI);
	run(&s, guest_receive);
	check_counts(&s);
	ASSERT_EQ(senders[0].verdicts[KVM_PVI_RAISED], senders[0].rings);
}

static void test_port_irqfd(void)
{
	struct storm s = prepare(1, GSI, KVM_PVI_GSI_EVENTFD);
	int eventfd = new_eventfd();

	vm_irqfd(s.rx, GSI, eventfd);
	pvi_wire(s.rx_fd, GSI, eventfd);
	connect_all(&s, GSI);
	run(&s, guest_receive);
	check_counts(&s);
	ASSERT_EQ(senders[0].verdicts[KVM_PVI_RAISED], senders[0].rings);
}

/* The sender's VMM has wired an eventfd, which is the receiver's irqfd */
static void test_notify_irqfd(void)
{
	struct storm s = prepare(1, PIN, KVM_PVI_GSI_DIRECT);
	int eventfd = new_eventfd();

	vm_irqfd(s.rx, GSI, eventfd);
	senders[0].a0 = pvi_set_port(s.tx_fd[0], eventfd);
	run(&s, guest_receive);
	ASSERT_EQ(pvi_stats(s.tx_fd[0]).sent.raised, senders[0].rings);
}

static void test_two_senders_pin(void)
{
	struct storm s = prepare(2, PIN, KVM_PVI_GSI_DIRECT);

	connect_all(&s, PIN);
	run(&s, guest_receive);
	check_counts(&s);
}

static void test_two_senders_irqfd(void)
{
	struct storm s = prepare(2, GSI, KVM_PVI_GSI_EVENTFD);
	int eventfd = new_eventfd();

	vm_irqfd(s.rx, GSI, eventfd);
	pvi_wire(s.rx_fd, GSI, eventfd);
	connect_all(&s, GSI);
	run(&s, guest_receive);
	check_counts(&s);
}

/* What meets a masked pin is latched, and paid when the receiver arms it */
static void test_two_senders_masking(void)
{
	struct storm s = prepare(2, PIN, KVM_PVI_GSI_DIRECT);

	connect_all(&s, PIN);
	run(&s, guest_receive_masking);
	check_counts(&s);
}


#define BELL		7
#define VIRTUAL		KVM_PVI_GSI_VIRTUAL
#define LAPIC_0		0xfee00000
#define FLOOD_STEPS	300	/* that each who is to go on goes on */
#define FLOOD_CALLS	5	/* of the host, each of which waits for a grace period */
#define FLOOD_ROUNDS	(test_long() ? 200 : 3)
#define FLOOD_MS	(test_long() ? 10000 : 0)

/* What a receiver is told to do, once; then it goes back to COMMAND_NONE */
enum command { COMMAND_NONE, COMMAND_MASK, COMMAND_UNMASK };

/* Shared by host and guests: who is how far; @heard are the interrupts taken when the mask was set */
static struct {
	bool ends;
	u64 command, heard;
	u64 port, rings, work, others_port, others_rings;
} flood;

/* How the receiver is rung, and how it stops that itself */
enum way { BY_PIN, BY_MSI, BY_BELL };

static __guest u64 guest_flood(u64 by_bell)
{
	while (!READ_ONCE(flood.ends)) {
		if (by_bell)
			guest_hypercall(KVM_HC_BELL_SEND, READ_ONCE(flood.port), 1, 0, 0);
		else
			guest_hypercall(KVM_HC_NOTIFY, READ_ONCE(flood.port), 0, 0, 0);
		WRITE_ONCE(flood.rings, flood.rings + 1);
	}
	return 0;
}

/* Rings as well, but nobody whom the flood concerns */
static __guest u64 guest_bystand(u64 arg)
{
	while (!READ_ONCE(flood.ends)) {
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_NOTIFY, flood.others_port, 0, 0, 0),
				KVM_PVI_RAISED);
		WRITE_ONCE(flood.others_rings, flood.others_rings + 1);
	}
	return arg;
}

static __guest void on_bell(u8 vector)
{
	(void)vector;
	guest_hypercall(KVM_HC_BELL_RECEIVE, BELL, ~0ULL, 0, 0);
}

static __guest void on_any(u8 vector)
{
	(void)vector;
}

static __guest void set_mask(enum way way, bool masked)
{
	switch (way) {
	case BY_PIN:
		guest_ioapic_set(PIN, VECTOR, masked ? IOAPIC_MASKED : 0, 0);
		if (!masked)
			GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_ARM, PIN, 0, 0, 0), 0);
		break;
	case BY_MSI:
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_SET_MSI, VIRTUAL, masked ? 0 : LAPIC_0,
						masked ? 0 : VECTOR, 0), 0);
		break;
	case BY_BELL:
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_BELL_MASK, BELL, masked ? 0 : ~0ULL, 0, 0), 0);
		break;
	}
}

/* Has other work than to be rung */
static __guest u64 guest_work(u64 way)
{
	u64 command;

	guest_on_irq(VECTOR, way == BY_BELL ? on_bell : on_any);
	set_mask(way, false);
	guest_irq_enable();
	while (!READ_ONCE(flood.ends)) {
		WRITE_ONCE(flood.work, flood.work + 1);
		command = READ_ONCE(flood.command);
		if (command == COMMAND_NONE)
			continue;
		guest_irq_disable();
		set_mask(way, command == COMMAND_MASK);
		flood.heard = guest_irq_count(VECTOR);
		WRITE_ONCE(flood.command, COMMAND_NONE);
		guest_irq_enable();
	}
	guest_irq_disable();
	return 0;
}

static u64 interrupts(struct storm *s)
{
	return vcpu_irq_count(&s->rx->vcpus[0], VECTOR);
}

static bool moves(u64 *count, u64 steps)
{
	u64 before = READ_ONCE(*count);

	return wait_until(READ_ONCE(*count) >= before + steps, LOST_MS);
}

/* The flood is there, and so are the receiver, another guest and the host */
static void expect_progress(struct storm *s)
{
	u32 i;

	for (i = 0; i < FLOOD_CALLS; i++) {
		pvi_allow(s->rx_fd, pvi_uuid[9], 1);
		pvi_revoke(s->rx_fd, pvi_uuid[9], 1);
	}
	ASSERT_TRUE(moves(&flood.rings, FLOOD_STEPS));
	ASSERT_TRUE(moves(&flood.work, FLOOD_STEPS));
	ASSERT_TRUE(moves(&flood.others_rings, FLOOD_STEPS));
}

/* @heard interrupts were taken, and as many as @on_way may have been on their way to the handler */
static void expect_unheard(struct storm *s, u64 heard, u64 on_way)
{
	expect_progress(s);
	ASSERT_LE(interrupts(s), heard + on_way);
}

static void expect_heard(struct storm *s)
{
	u64 before = interrupts(s);

	ASSERT_TRUE(wait_until(interrupts(s) >= before + 3, LOST_MS));
	expect_progress(s);
}

static void order(enum command command)
{
	WRITE_ONCE(flood.command, command);
	ASSERT_TRUE(wait_until(READ_ONCE(flood.command) == COMMAND_NONE, LOST_MS));
}

static u32 flood_gsi(enum way way)
{
	return way == BY_MSI ? VIRTUAL : PIN;
}

static void flood_allow(struct storm *s, enum way way)
{
	if (way == BY_BELL)
		pvi_allow_bell(s->rx_fd, pvi_uuid[1], BELL, 1);
	else
		pvi_allow(s->rx_fd, pvi_uuid[1], flood_gsi(way));
	WRITE_ONCE(flood.port, pvi_connect(s->tx_fd[0], pvi_uuid[0], flood_gsi(way)));
}

static struct storm flood_begin(enum way way)
{
	struct storm s = prepare(1, flood_gsi(way), way == BY_MSI ? KVM_PVI_GSI_MSI : KVM_PVI_GSI_DIRECT);

	s.tx[1] = vm_create(1, 0);
	s.tx_fd[1] = pvi_bind(s.tx[1], pvi_uuid[2]);
	flood.others_port = pvi_set_port(s.tx_fd[1], new_eventfd());
	if (way == BY_BELL)
		pvi_bell(s.rx_fd, BELL, PIN);
	flood_allow(&s, way);
	vcpu_run_thread(&s.rx->vcpus[0], guest_work, way);
	vcpu_run_thread(&s.tx[1]->vcpus[0], guest_bystand, 0);
	vcpu_run_thread(&s.tx[0]->vcpus[0], guest_flood, way == BY_BELL);
	return s;
}

/* A case ends with every guest at its own end: none was stuck */
static void flood_end(struct storm *s)
{
	WRITE_ONCE(flood.ends, true);
	vcpu_join(&s->tx[0]->vcpus[0]);
	vcpu_join(&s->tx[1]->vcpus[0]);
	vcpu_join(&s->rx->vcpus[0]);
	test_diag("%llu rings, %llu interrupts; beside them %llu steps, and %llu rings of others",
		  flood.rings, interrupts(s), flood.work, flood.others_rings);
}

static void flood_masked(enum way way)
{
	struct storm s = flood_begin(way);
	u64 until = now_ms() + FLOOD_MS;
	u32 round;

	for (round = 0; round < FLOOD_ROUNDS || now_ms() < until; round++) {
		expect_heard(&s);
		order(COMMAND_MASK);
		/* One may have been pending in its LAPIC */
		expect_unheard(&s, flood.heard, 1);
		order(COMMAND_UNMASK);
	}
	flood_end(&s);
}

static void test_mask_pin(void)
{
	flood_masked(BY_PIN);
}

static void test_mask_msi(void)
{
	flood_masked(BY_MSI);
}

static void test_mask_bell(void)
{
	flood_masked(BY_BELL);
}

static void flood_revoked(enum way way)
{
	struct storm s = flood_begin(way);
	u64 until = now_ms() + FLOOD_MS;
	struct kvm_pvi_stats stats;
	u64 before;
	u32 round;

	for (round = 0; round < FLOOD_ROUNDS || now_ms() < until; round++) {
		expect_heard(&s);
		if (way == BY_BELL)
			pvi_revoke_bell(s.rx_fd, pvi_uuid[1], BELL);
		else
			pvi_revoke(s.rx_fd, pvi_uuid[1], flood_gsi(way));
		stats = pvi_stats(s.rx_fd);
		before = accepted(&stats.received);
		/* One may be pending, and another taken and not counted yet */
		expect_unheard(&s, interrupts(&s), 2);
		stats = pvi_stats(s.rx_fd);
		ASSERT_EQ(accepted(&stats.received), before);
		pvi_close_port(s.tx_fd[0], flood.port);
		flood_allow(&s, way);
	}
	flood_end(&s);
}

static void test_revoke_pin(void)
{
	flood_revoked(BY_PIN);
}

static void test_revoke_bell(void)
{
	flood_revoked(BY_BELL);
}

#define DEADLINE_S	240

static const struct test_case cases[] = {
	{ "uuid", test_uuid, DEADLINE_S },
	{ "port_pin", test_port_pin, DEADLINE_S },
	{ "port_msi_route", test_port_msi_route, DEADLINE_S },
	{ "port_irqfd", test_port_irqfd, DEADLINE_S },
	{ "notify_irqfd", test_notify_irqfd, DEADLINE_S },
	{ "two_senders_pin", test_two_senders_pin, DEADLINE_S },
	{ "two_senders_irqfd", test_two_senders_irqfd, DEADLINE_S },
	{ "two_senders_masking", test_two_senders_masking, DEADLINE_S },
	{ "mask_pin", test_mask_pin, DEADLINE_S },
	{ "mask_msi", test_mask_msi, DEADLINE_S },
	{ "mask_bell", test_mask_bell, DEADLINE_S },
	{ "revoke_pin", test_revoke_pin, DEADLINE_S },
	{ "revoke_bell", test_revoke_bell, DEADLINE_S },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
