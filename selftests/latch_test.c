// SPDX-License-Identifier: GPL-2.0
/*
 * A ring that cannot be delivered is latched: verdict 2, then 1 for those that follow, and one
 * interrupt once it can be. Each way to pay the latch is shown to be the one that paid, and what
 * drops a latch leaves nothing owed.
 */
#include "pvi_test.h"

#define PIN	20
#define GSI	30
#define VECTOR	0x40

/* Retries come after so many ms, then twice as late each: as always, and not while a case lasts */
#define RETRY_USUAL	10
#define RETRY_NEVER	3600000

static __guest u64 guest_wait(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	return 0;
}

static __guest u64 guest_enable_and_wait(u64 count)
{
	guest_lapic_enable();
	guest_wait_irqs(VECTOR, count);
	return 0;
}

/* Takes what is pending, with a stock hypercall to have KVM look, and says how much it ever was */
static __guest u64 guest_take(u64 arg)
{
	guest_irq_enable();
	guest_hypercall(KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0);
	guest_irq_disable();
	return arg + guest_irq_count(VECTOR);
}

/* Unmasks its pin as a driver does, then says that its handler is live */
static __guest u64 guest_unmask_and_arm(u64 arg)
{
	guest_ioapic_set(PIN, VECTOR, 0, 0);
	GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_ARM, arg, 0, 0, 0), 0);
	return guest_take(0);
}

/* A receiver, and a host process that may ring @gsi of it through @port */
struct pair {
	struct vm *rx;
	int rx_fd, tx_fd;
	u32 gsi, port;
};

static struct pair prepare(struct vm *rx, u32 gsi, u32 kind)
{
	struct pair p = { .rx = rx, .gsi = gsi };

	write_param("kvm_pvi", "retry_ms", RETRY_USUAL);
	p.rx_fd = pvi_bind(rx, pvi_uuid[0]);
	p.tx_fd = pvi_bind(NULL, pvi_uuid[1]);
	pvi_expose(p.rx_fd, gsi, kind);
	pvi_allow(p.rx_fd, pvi_uuid[1], gsi);
	p.port = pvi_connect(p.tx_fd, pvi_uuid[0], gsi);
	return p;
}

static s64 ring(struct pair *p)
{
	return pvi_call(p->tx_fd, KVM_HC_NOTIFY, p->port, 0, 0, 0);
}

static bool is_latched(struct pair *p)
{
	s64 state = pvi_call(p->rx_fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_GSI, 0, KVM_PVI_Q_GSI_STATE, 0);

	ASSERT_GE(state, 0);
	return state & KVM_PVI_GSI_LATCHED;
}

static u64 retries(struct pair *p)
{
	return pvi_stats(p->rx_fd).retries;
}

static void wait_retries_for(struct pair *p, u64 count, unsigned int ms)
{
	if (!wait_until(retries(p) >= count, ms))
		TEST_FAIL("%llu retries, not %llu", retries(p), count);
}

static void wait_retries(struct pair *p, u64 count)
{
	wait_retries_for(p, count, 10000);
}

/* Three rings that find nobody */
static void latch(struct pair *p)
{
	ASSERT_EQ(ring(p), KVM_PVI_LATCHED);
	ASSERT_EQ(ring(p), KVM_PVI_COALESCED);
	ASSERT_EQ(ring(p), KVM_PVI_COALESCED);
	ASSERT_TRUE(is_latched(p));
}

/* No retry will come of it: whoever else pays is who paid */
static void latch_for_good(struct pair *p)
{
	write_param("kvm_pvi", "retry_ms", RETRY_NEVER);
	latch(p);
}

static void check_paid(struct pair *p)
{
	ASSERT_TRUE(!is_latched(p));
	ASSERT_EQ(retries(p), 0);
}

static void expect_irqs(struct pair *p, u64 count)
{
	ASSERT_EQ(vcpu_call(&p->rx->vcpus[0], guest_take, 0), count);
}

/* The receiver knows nothing of us: it only unmasks its pin some time */
static void test_retry_pays(void)
{
	struct pair p = prepare(vm_create(1, 0), PIN, KVM_PVI_GSI_DIRECT);
	struct vcpu *vcpu = &p.rx->vcpus[0];

	latch(&p);
	vcpu_run_thread(vcpu, guest_wait, 1);
	vcpu_wait_sync(vcpu, 1);
	wait_retries(&p, 3);
	ASSERT_EQ(vcpu_irq_count(vcpu, VECTOR), 0);
	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	vcpu_join(vcpu);
	ASSERT_TRUE(!is_latched(&p));
	ASSERT_EQ(ring(&p), KVM_PVI_RAISED);
	expect_irqs(&p, 2);
}

/*
 * However long it could not be delivered, it is tried each second: the first fifteen take ten of them. If each wait
 * went on being twice the one before they would take 330.
 */
static void test_retry_goes_on(void)
{
	struct pair p = prepare(vm_create(1, 0), PIN, KVM_PVI_GSI_DIRECT);

	latch(&p);
	wait_retries_for(&p, 15, 12000);
	ASSERT_TRUE(is_latched(&p));
	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	ASSERT_TRUE(wait_until(!is_latched(&p), 10000));
	expect_irqs(&p, 1);
}

/* Whoever has paid: a retry that comes later finds nothing */
static void test_retry_finds_nothing(void)
{
	struct pair p = prepare(vm_create(1, 0), PIN, KVM_PVI_GSI_DIRECT);

	latch(&p);
	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	pvi_gsi(p.rx_fd, KVM_PVI_KICK, PIN);
	ASSERT_TRUE(wait_until(!is_latched(&p), 5000));
	wait_retries(&p, 1);
	expect_irqs(&p, 1);
}

/* A latch that was paid leaves its retry behind, in an hour: the next one does not wait for that */
static void test_fresh_latch(void)
{
	struct pair p = prepare(vm_create(1, 0), PIN, KVM_PVI_GSI_DIRECT);

	latch_for_good(&p);
	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	pvi_gsi(p.rx_fd, KVM_PVI_KICK, PIN);
	check_paid(&p);
	expect_irqs(&p, 1);
	write_param("kvm_pvi", "retry_ms", RETRY_USUAL);
	vm_ioapic_set(p.rx, PIN, VECTOR, IOAPIC_MASKED, 0);
	latch(&p);
	wait_retries(&p, 1);
	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	ASSERT_TRUE(wait_until(!is_latched(&p), 10000));
	expect_irqs(&p, 2);
}

/* Nor does an event that waits for a token */
static void test_fresh_token(void)
{
	struct kvm_pvi_expose config = {
		.size = sizeof(config), .gsi = PIN, .kind = KVM_PVI_GSI_DIRECT, .rate = 1, .burst = 1,
	};
	struct pair p = { .rx = vm_create(1, 0), .gsi = PIN };
	struct kvm_pvi_peer peer;

	write_param("kvm_pvi", "retry_ms", RETRY_NEVER);
	p.rx_fd = pvi_bind(p.rx, pvi_uuid[0]);
	pvi_ioctl(p.rx_fd, KVM_PVI_EXPOSE, &config);
	p.tx_fd = pvi_bind(NULL, pvi_uuid[1]);
	pvi_expose(p.tx_fd, GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(pvi_call(p.rx_fd, KVM_HC_PVI_SET_CONFIG, PIN, 0, 0, 0), 0);
	/* A peer comes, to a masked pin */
	pvi_allow(p.tx_fd, pvi_uuid[0], GSI);
	ASSERT_TRUE(is_latched(&p));
	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	pvi_gsi(p.rx_fd, KVM_PVI_KICK, PIN);
	expect_irqs(&p, 1);
	/* and goes, where there is no token */
	ASSERT_EQ(pvi_peers(p.rx_fd, &peer, 1, 0), 1);
	pvi_revoke(p.tx_fd, pvi_uuid[0], GSI);
	ASSERT_TRUE(wait_until(!is_latched(&p), 10000));
	expect_irqs(&p, 2);
}

static void test_arm_pays(void)
{
	struct pair p = prepare(vm_create(1, 0), PIN, KVM_PVI_GSI_DIRECT);

	latch_for_good(&p);
	ASSERT_EQ(vcpu_call(&p.rx->vcpus[0], guest_unmask_and_arm, PIN), 1);
	check_paid(&p);
	expect_irqs(&p, 1);
}

static void test_kick_pays(void)
{
	struct pair p = prepare(vm_create(1, 0), PIN, KVM_PVI_GSI_DIRECT);

	latch_for_good(&p);
	pvi_gsi(p.rx_fd, KVM_PVI_KICK, PIN);
	ASSERT_TRUE(is_latched(&p));
	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	pvi_gsi(p.rx_fd, KVM_PVI_KICK, PIN);
	expect_irqs(&p, 1);
	pvi_gsi(p.rx_fd, KVM_PVI_KICK, PIN);
	check_paid(&p);
	expect_irqs(&p, 1);
}

static void test_next_ring_pays(void)
{
	struct pair p = prepare(vm_create(1, 0), PIN, KVM_PVI_GSI_DIRECT);

	latch_for_good(&p);
	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	ASSERT_EQ(ring(&p), KVM_PVI_RAISED);
	expect_irqs(&p, 1);
	check_paid(&p);
	expect_irqs(&p, 1);
}

static void test_before_first_vcpu(void)
{
	struct pair p = prepare(vm_create(0, 0), PIN, KVM_PVI_GSI_DIRECT);
	struct vcpu *vcpu;

	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	latch(&p);
	vcpu = vm_vcpu_add(p.rx, 0);
	vcpu_call(vcpu, guest_wait, 1);
	ASSERT_TRUE(!is_latched(&p));
	expect_irqs(&p, 1);
}

static void test_lapic_off(void)
{
	struct pair p = prepare(vm_create(1, VM_NO_LAPIC_ENABLE), PIN, KVM_PVI_GSI_DIRECT);

	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	latch(&p);
	vcpu_call(&p.rx->vcpus[0], guest_enable_and_wait, 1);
	ASSERT_TRUE(!is_latched(&p));
	expect_irqs(&p, 1);
}

static void test_msi_lapic_off(void)
{
	struct vm *rx = vm_create(1, VM_NO_LAPIC_ENABLE);
	struct pair p = prepare(rx, GSI, KVM_PVI_GSI_DIRECT);

	vm_route_msi(rx, GSI, 0, VECTOR);
	latch(&p);
	vcpu_call(&p.rx->vcpus[0], guest_enable_and_wait, 1);
	ASSERT_TRUE(!is_latched(&p));
	expect_irqs(&p, 1);
}

static void test_no_route(void)
{
	struct pair p = prepare(vm_create(1, 0), GSI, KVM_PVI_GSI_DIRECT);

	latch_for_good(&p);
	vm_route_msi(p.rx, GSI, 0, VECTOR);
	pvi_gsi(p.rx_fd, KVM_PVI_KICK, GSI);
	expect_irqs(&p, 1);
	vm_unroute(p.rx, GSI);
	ASSERT_EQ(ring(&p), KVM_PVI_LATCHED);
	vm_route_msi(p.rx, GSI, 0, VECTOR);
	pvi_gsi(p.rx_fd, KVM_PVI_KICK, GSI);
	expect_irqs(&p, 2);
}

static void test_no_such_destination(void)
{
	struct pair p = prepare(vm_create(1, 0), GSI, KVM_PVI_GSI_DIRECT);

	vm_route_msi(p.rx, GSI, 7, VECTOR);
	latch(&p);
	vm_route_msi(p.rx, GSI, 0, VECTOR);
	vcpu_call(&p.rx->vcpus[0], guest_wait, 1);
	expect_irqs(&p, 1);
}

/* An eventfd that is wired later: nobody tries again, the wiring itself pays */
static void test_wire_pays(void)
{
	struct pair p = prepare(vm_create(1, 0), GSI, KVM_PVI_GSI_EVENTFD);
	int eventfd = new_eventfd(), other = new_eventfd();

	latch(&p);
	pvi_gsi(p.rx_fd, KVM_PVI_KICK, GSI);
	ASSERT_TRUE(is_latched(&p));
	pvi_wire(p.rx_fd, GSI, eventfd);
	ASSERT_TRUE(!is_latched(&p));
	ASSERT_EQ(read_eventfd(eventfd), 1);
	pvi_wire(p.rx_fd, GSI, other);
	ASSERT_EQ(read_eventfd(other), 0);
	ASSERT_EQ(ring(&p), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(eventfd), 0);
	ASSERT_EQ(read_eventfd(other), 1);
	ASSERT_EQ(retries(&p), 0);
}

static void test_unwire_keeps(void)
{
	struct pair p = prepare(vm_create(1, 0), GSI, KVM_PVI_GSI_EVENTFD);
	int eventfd = new_eventfd();

	pvi_wire(p.rx_fd, GSI, eventfd);
	ASSERT_EQ(ring(&p), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(eventfd), 1);
	pvi_gsi(p.rx_fd, KVM_PVI_UNWIRE, GSI);
	latch(&p);
	pvi_gsi(p.rx_fd, KVM_PVI_UNWIRE, GSI);
	ASSERT_TRUE(is_latched(&p));
	ASSERT_EQ(read_eventfd(eventfd), 0);
	pvi_wire(p.rx_fd, GSI, eventfd);
	ASSERT_EQ(read_eventfd(eventfd), 1);
}

/* A latch outlives the permission it came by, and the sender */
static void test_revoke_keeps(void)
{
	struct pair p = prepare(vm_create(1, 0), GSI, KVM_PVI_GSI_EVENTFD);
	int eventfd = new_eventfd();

	latch(&p);
	pvi_revoke(p.rx_fd, pvi_uuid[1], GSI);
	ASSERT_EQ(ring(&p), -EPERM);
	close(p.tx_fd);
	pvi_wire(p.rx_fd, GSI, eventfd);
	ASSERT_EQ(read_eventfd(eventfd), 1);
}

/* The guest starts anew */
static void test_reset_drops(void)
{
	struct pair p = prepare(vm_create(1, 0), PIN, KVM_PVI_GSI_DIRECT);

	latch_for_good(&p);
	ASSERT_EQ(pvi_call(p.rx_fd, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	pvi_gsi(p.rx_fd, KVM_PVI_KICK, PIN);
	check_paid(&p);
	expect_irqs(&p, 0);
	ASSERT_EQ(ring(&p), KVM_PVI_RAISED);
	expect_irqs(&p, 1);
}

static void test_unexpose_drops(void)
{
	struct pair p = prepare(vm_create(1, 0), PIN, KVM_PVI_GSI_DIRECT);

	latch(&p);
	pvi_gsi(p.rx_fd, KVM_PVI_UNEXPOSE, PIN);
	ASSERT_EQ(ring(&p), -EPERM);
	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	pvi_expose(p.rx_fd, PIN, KVM_PVI_GSI_DIRECT);
	ASSERT_TRUE(!is_latched(&p));
	pvi_gsi(p.rx_fd, KVM_PVI_KICK, PIN);
	expect_irqs(&p, 0);
	ASSERT_EQ(ring(&p), KVM_PVI_RAISED);
	expect_irqs(&p, 1);
}

#define STORM_THREADS	3
#define STORM_RINGS	100000

static void *storm(void *arg)
{
	u64 i, latched = 0;

	for (i = 0; i < STORM_RINGS; i++)
		latched += ring(arg) != KVM_PVI_COALESCED;
	return (void *)latched;
}

/* Of many that ring at once none is told that it was the first, once one was */
static void check_storm(u32 gsi, u32 kind)
{
	struct pair p = prepare(vm_create(1, 0), gsi, kind);
	pthread_t threads[STORM_THREADS];
	void *latched;
	u32 i;

	latch_for_good(&p);
	for (i = 0; i < STORM_THREADS; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, storm, &p), 0);
	for (i = 0; i < STORM_THREADS; i++) {
		ASSERT_EQ(pthread_join(threads[i], &latched), 0);
		ASSERT_EQ((u64)latched, 0);
	}
	ASSERT_TRUE(is_latched(&p));
}

static void test_storm_unwired(void)
{
	check_storm(GSI, KVM_PVI_GSI_EVENTFD);
}

static void test_storm_no_route(void)
{
	check_storm(GSI, KVM_PVI_GSI_DIRECT);
}

/* A receiver that never takes anything is tried for as long as it lives, and then no more */
static void test_death_drops(void)
{
	struct pair p = prepare(vm_create(1, 0), PIN, KVM_PVI_GSI_DIRECT);

	latch(&p);
	wait_retries(&p, 3);
	close(p.rx_fd);
	ASSERT_TRUE(wait_until(ring(&p) == -ENXIO, 5000));
	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	expect_irqs(&p, 0);
}

static const struct test_case cases[] = {
	{ "retry_pays", test_retry_pays },
	{ "retry_goes_on", test_retry_goes_on, 60 },
	{ "retry_finds_nothing", test_retry_finds_nothing },
	{ "fresh_latch", test_fresh_latch },
	{ "fresh_token", test_fresh_token },
	{ "arm_pays", test_arm_pays },
	{ "kick_pays", test_kick_pays },
	{ "next_ring_pays", test_next_ring_pays },
	{ "before_first_vcpu", test_before_first_vcpu },
	{ "lapic_off", test_lapic_off },
	{ "msi_lapic_off", test_msi_lapic_off },
	{ "no_route", test_no_route },
	{ "no_such_destination", test_no_such_destination },
	{ "wire_pays", test_wire_pays },
	{ "unwire_keeps", test_unwire_keeps },
	{ "revoke_keeps", test_revoke_keeps },
	{ "reset_drops", test_reset_drops },
	{ "unexpose_drops", test_unexpose_drops },
	{ "death_drops", test_death_drops },
	{ "storm_unwired", test_storm_unwired },
	{ "storm_no_route", test_storm_no_route },
};

int main(int argc, char **argv)
{
	int ret = test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);

	/* As it is by default, for the tests behind this one */
	__write_param("kvm_pvi", "retry_ms", "10");
	return ret;
}
