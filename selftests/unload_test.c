// SPDX-License-Identifier: GPL-2.0
/*
 * Removing the module: refused while anybody needs it, clean when nobody does, and never a wait
 * for somebody else's memory. A guest whose UUID lies in memory that its VMM never fills is
 * nobody's trouble but its own.
 */
#include <sys/mman.h>

#include "pvi_test.h"

#define PIN		20
#define VECTOR		0x40
#define UFFD_GPA	0x50000000UL
#define MODULE		"kvm_pvi"
#define HVCALL_SIGNAL_EVENT 0x5d

static u64 stop;

static __guest u64 guest_wait(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	return 0;
}

static __guest u64 guest_ring(u64 uuid)
{
	return guest_hypercall(KVM_HC_PVI, uuid, PIN, 0, 0);
}

/* Never bound: nothing of ours is answered, whoever comes and goes */
static __guest u64 guest_ask(u64 count)
{
	while (!READ_ONCE(stop)) {
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_PVI_FEATURES, 0, 0, 0, 0), -KVM_ENOSYS);
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_NOTIFY, 0, 0, 0, 0), -KVM_ENOSYS);
		GUEST_ASSERT_EQ(guest_hypercall(KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), 0);
		count++;
	}
	return count;
}

struct pair {
	struct vm *rx, *tx;
	int rx_fd, tx_fd;
};

static struct pair prepare(void)
{
	struct pair p = { .rx = vm_create(1, 0), .tx = vm_create(1, 0) };

	vm_ioapic_set(p.rx, PIN, VECTOR, 0, 0);
	return p;
}

static void bind_pair(struct pair *p)
{
	p->rx_fd = pvi_bind(p->rx, pvi_uuid[0]);
	p->tx_fd = pvi_bind(p->tx, pvi_uuid[1]);
	pvi_expose(p->rx_fd, PIN, KVM_PVI_GSI_DIRECT);
	pvi_allow(p->rx_fd, pvi_uuid[1], PIN);
}

static void check_ring(struct pair *p)
{
	u64 before = vcpu_irq_count(&p->rx->vcpus[0], VECTOR);

	vcpu_run_thread(&p->rx->vcpus[0], guest_wait, before + 1);
	vcpu_wait_sync(&p->rx->vcpus[0], 1);
	ASSERT_EQ(vcpu_call(&p->tx->vcpus[0], guest_ring, (u64)pvi_uuid[0]), KVM_PVI_RAISED);
	vcpu_join(&p->rx->vcpus[0]);
}

static void test_refused_while_open(void)
{
	int fd = pvi_open();

	ASSERT_EQ(__unload_module(MODULE), -EWOULDBLOCK);
	ASSERT_EQ(__pvi_bind(fd, NULL, pvi_uuid[0]), 0);
	ASSERT_EQ(__unload_module(MODULE), -EWOULDBLOCK);
	close(fd);
	unload_module(MODULE);
	ASSERT_TRUE(!is_loaded(MODULE));
	load_pvi();
}

/* At once after close(), with all that was set up still there */
static void test_clean_after_close(void)
{
	struct pair p = prepare();

	bind_pair(&p);
	check_ring(&p);
	close(p.rx_fd);
	close(p.tx_fd);
	unload_module(MODULE);
	ASSERT_EQ(vcpu_call(&p.tx->vcpus[0], guest_ring, (u64)pvi_uuid[0]), -KVM_ENOSYS);
	load_pvi();
	bind_pair(&p);
	check_ring(&p);
}

/* Guests go on calling while the module goes from under them and comes back */
static void test_cycles(void)
{
	u32 cycles = test_long() ? 50 : 3, i;
	struct vm *other = vm_create(1, 0);
	struct pair p = prepare();

	vcpu_run_thread(&other->vcpus[0], guest_ask, 0);
	for (i = 0; i < cycles; i++) {
		bind_pair(&p);
		check_ring(&p);
		close(p.rx_fd);
		close(p.tx_fd);
		unload_module(MODULE);
		load_pvi();
	}
	WRITE_ONCE(stop, 1);
	ASSERT_GT(vcpu_join(&other->vcpus[0]), cycles);
}

/* Bound as @uuid; its guest rings by a UUID that nobody will ever bring in */
struct stuck {
	struct vm *vm;
	int fd;
	int uffd;
};

static struct stuck start_stuck(const u8 *uuid)
{
	struct stuck s = { .vm = vm_create(1, 0) };

	vm_map_mem(s.vm, UFFD_GPA, uffd_memory(PAGE_SIZE, &s.uffd), PAGE_SIZE, 0);
	s.fd = pvi_bind(s.vm, uuid);
	vcpu_run_thread(&s.vm->vcpus[0], guest_ring, UFFD_GPA);
	ASSERT_TRUE(wait_readable(s.uffd, 10000));
	return s;
}

/* It reads zeroes, which name nobody */
static void end_stuck(struct stuck *s, s64 expected)
{
	close(s->uffd);
	ASSERT_EQ(vcpu_join(&s->vm->vcpus[0]), expected);
}

static void test_unanswered_fault(void)
{
	struct stuck s = start_stuck(pvi_uuid[2]);
	struct pair p = prepare();
	int eventfd = new_eventfd();
	u32 port;

	bind_pair(&p);
	pvi_allow(p.rx_fd, pvi_uuid[2], PIN);
	check_ring(&p);
	port = pvi_set_port(p.tx_fd, eventfd);
	pvi_close_port(p.tx_fd, port);
	pvi_revoke(p.rx_fd, pvi_uuid[2], PIN);
	pvi_revoke(p.rx_fd, pvi_uuid[1], PIN);
	pvi_gsi(p.rx_fd, KVM_PVI_UNEXPOSE, PIN);
	close(p.rx_fd);
	close(pvi_bind(p.rx, pvi_uuid[0]));
	ASSERT_EQ(__unload_module(MODULE), -EWOULDBLOCK);
	end_stuck(&s, -EINVAL);
}

/* The hook is given back, and taken again, with a guest in the middle of a call */
static void test_detach_under_fault(void)
{
	struct stuck s = start_stuck(pvi_uuid[2]);
	struct pair p = prepare();

	ASSERT_EQ(__write_param(MODULE, "attach", "0"), 0);
	ASSERT_EQ(__write_param(MODULE, "attach", "1"), 0);
	bind_pair(&p);
	check_ring(&p);
	end_stuck(&s, -EINVAL);
}

/* Has KVM take @vcpu's hypercalls for Hyper-V's, whatever their number */
static void enter_hyperv_mode(struct vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[2];
	} cpuid = {
		.head.nent = 2,
		.entries = {
			{ .function = 0x40000000, .eax = 0x40000001 },
			{ .function = 0x40000001, .eax = 0x31237648 /* Hv#1 */ },
		},
	};
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry os_id;
	} msrs = { .head.nmsrs = 1, .os_id = { .index = 0x40000000, .data = 1 } };

	vcpu_ioctl(vcpu, KVM_SET_CPUID2, &cpuid);
	ASSERT_EQ(vcpu_ioctl(vcpu, KVM_SET_MSRS, &msrs), 1);
}

static __guest u64 guest_signal_event(u64 gpa)
{
	return guest_hypercall(KVM_HC_NOTIFY, 0, HVCALL_SIGNAL_EVENT, gpa, 0);
}

/* A guest we have nothing to do with sleeps in KVM's own function, with our number in RAX */
static void test_detach_beside_hyperv(void)
{
	struct vm *other = vm_create(1, 0);
	struct pair p = prepare();
	int uffd;

	bind_pair(&p);
	vm_map_mem(other, UFFD_GPA, uffd_memory(PAGE_SIZE, &uffd), PAGE_SIZE, 0);
	enter_hyperv_mode(&other->vcpus[0]);
	vcpu_run_thread(&other->vcpus[0], guest_signal_event, UFFD_GPA);
	ASSERT_TRUE(wait_readable(uffd, 10000));
	ASSERT_EQ(__write_param(MODULE, "attach", "0"), 0);
	ASSERT_EQ(vcpu_call(&p.tx->vcpus[0], guest_ring, (u64)pvi_uuid[0]), -KVM_ENOSYS);
	ASSERT_EQ(__write_param(MODULE, "attach", "1"), 0);
	check_ring(&p);
	close(uffd);
	vcpu_join(&other->vcpus[0]);
}

/* Its endpoint has gone, and the module is needed for the way back alone */
static void test_unload_under_fault(void)
{
	struct stuck s = start_stuck(pvi_uuid[2]);

	close(s.fd);
	close(pvi_bind(s.vm, pvi_uuid[2]));
	ASSERT_EQ(__unload_module(MODULE), -EWOULDBLOCK);
	ASSERT_TRUE(is_loaded(MODULE));
	end_stuck(&s, -KVM_ENOSYS);
	unload_module(MODULE);
	load_pvi();
}

static const struct test_case cases[] = {
	{ "refused_while_open", test_refused_while_open },
	{ "clean_after_close", test_clean_after_close },
	{ "cycles", test_cycles, 400 },
	{ "unanswered_fault", test_unanswered_fault },
	{ "detach_under_fault", test_detach_under_fault },
	{ "detach_beside_hyperv", test_detach_beside_hyperv },
	{ "unload_under_fault", test_unload_under_fault },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
