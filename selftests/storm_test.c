// SPDX-License-Identifier: GPL-2.0
/*
 * No ring is lost between running guests, on each way that a ring can take. A sender writes the
 * number of a ring into memory before it rings. Now and then, and after the last one, it stops:
 * then the receiver's handler must have seen that number, or come to see it with nobody ringing
 * any more, however many rings became one interrupt.
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
	senders[0].rings = MANY;
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

#define STORM(fn) { #fn, test_##fn, 240 }

static const struct test_case cases[] = {
	STORM(uuid),
	STORM(port_pin),
	STORM(port_msi_route),
	STORM(port_irqfd),
	STORM(notify_irqfd),
	STORM(two_senders_pin),
	STORM(two_senders_irqfd),
	STORM(two_senders_masking),
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
