// SPDX-License-Identifier: GPL-2.0
/*
 * State of guests: saved with the VM, restored under the same name after that one was killed;
 * rings go on all the while and none is lost.
 */
#include "pvi_test.h"
#include "state.h"

#define GSI		20
#define VECTOR		0x40
#define NOTIFY(fd, port) pvi_call(fd, KVM_HC_NOTIFY, port, 0, 0, 0)
#define QUERY(fd, kind, index, field) \
	pvi_call(fd, KVM_HC_PVI_QUERY, KVM_PVI_Q_##kind, index, KVM_PVI_Q_##field, 0)

/* The receiver that is killed and restored: its handler says what it has seen */
static u64 sent, seen;

static __guest void on_irq(u8 vector)
{
	(void)vector;
	__atomic_store_n(&seen, __atomic_load_n(&sent, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
}

static __guest u64 receive(u64 arg)
{
	guest_on_irq(VECTOR, on_irq);
	for (;;)
		guest_irq_wait();
	return arg;
}

/* All of a VM with one vCPU and an irqchip */
struct snapshot {
	struct blob blob;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	struct kvm_lapic_state lapic;
	struct kvm_mp_state mp_state;
	struct kvm_irqchip ioapic;
	u8 low[LOW_SIZE];
};

static struct snapshot snapshot;
static struct vm *vm;
static int vm_fd;

static void vm_save(void)
{
	struct vcpu *vcpu = &vm->vcpus[0];

	vcpu_stop(vcpu);
	state_freeze(vm_fd, &snapshot.blob);
	vcpu_ioctl(vcpu, KVM_GET_MP_STATE, &snapshot.mp_state);
	vcpu_ioctl(vcpu, KVM_GET_REGS, &snapshot.regs);
	vcpu_ioctl(vcpu, KVM_GET_SREGS, &snapshot.sregs);
	vcpu_ioctl(vcpu, KVM_GET_VCPU_EVENTS, &snapshot.events);
	vcpu_ioctl(vcpu, KVM_GET_LAPIC, &snapshot.lapic);
	snapshot.ioapic.chip_id = KVM_IRQCHIP_IOAPIC;
	vm_ioctl(vm, KVM_GET_IRQCHIP, &snapshot.ioapic);
	memcpy(snapshot.low, vm->low, LOW_SIZE);
}

static void *run_restored(void *arg)
{
	vcpu_run(arg);
	return NULL;
}

/* In the order that the header gives */
static void vm_restore(void)
{
	struct blob blob;
	struct vcpu *vcpu;

	vm = vm_create(1, 0);
	vcpu = &vm->vcpus[0];
	vm_fd = pvi_bind(vm, pvi_uuid[0]);
	state_freeze(vm_fd, &blob);
	pvi_expose(vm_fd, GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(vm_fd, pvi_uuid[1], GSI);

	memcpy(vm->low, snapshot.low, LOW_SIZE);
	vm_ioctl(vm, KVM_SET_IRQCHIP, &snapshot.ioapic);
	vcpu_ioctl(vcpu, KVM_SET_SREGS, &snapshot.sregs);
	vcpu_ioctl(vcpu, KVM_SET_REGS, &snapshot.regs);
	vcpu_ioctl(vcpu, KVM_SET_LAPIC, &snapshot.lapic);
	vcpu_ioctl(vcpu, KVM_SET_VCPU_EVENTS, &snapshot.events);
	vcpu_ioctl(vcpu, KVM_SET_MP_STATE, &snapshot.mp_state);
	ASSERT_EQ(__state_set(vm_fd, &snapshot.blob), 0);
	state_thaw(vm_fd);

	ASSERT_EQ(pthread_create(&vcpu->thread, NULL, run_restored, vcpu), 0);
	vcpu->running = true;
}

static void vm_kill(void)
{
	close(vm_fd);
	vm_free(vm);
}

static void vm_start(u32 pin_flags)
{
	vm = vm_create(1, 0);
	vm_fd = pvi_bind(vm, pvi_uuid[0]);
	vm_ioapic_set(vm, GSI, VECTOR, pin_flags, 0);
	pvi_expose(vm_fd, GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(vm_fd, pvi_uuid[1], GSI);
	vcpu_run_thread(&vm->vcpus[0], receive, 0);
}

#define ROUNDS 400

static bool sender_done;

/* Each ring is waited for, so that no later one makes good for it */
static void *ring_and_wait(void *arg)
{
	int fd = *(int *)arg;
	u32 port = pvi_connect(fd, pvi_uuid[0], GSI);
	s64 ret;

	while (sent < ROUNDS) {
		__atomic_add_fetch(&sent, 1, __ATOMIC_SEQ_CST);
		while ((ret = NOTIFY(fd, port)) < 0) {
			if (ret == -ENXIO) {
				pvi_close_port(fd, port);
				while (__pvi_connect(fd, pvi_uuid[0], GSI, &port))
					sched_yield();
				continue;
			}
			ASSERT_EQ(ret, -EAGAIN);
			sched_yield();
		}
		ASSERT_TRUE(wait_until(__atomic_load_n(&seen, __ATOMIC_SEQ_CST) == sent, 10000));
	}
	__atomic_store_n(&sender_done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Snapshot, kill, restore, again and again while a peer rings */
static void test_none_lost(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[1]);
	pthread_t sender;
	u32 restored = 0;
	u64 next = 0;

	vm_start(0);
	ASSERT_EQ(pthread_create(&sender, NULL, ring_and_wait, &fd), 0);
	while (!__atomic_load_n(&sender_done, __ATOMIC_SEQ_CST)) {
		if (__atomic_load_n(&seen, __ATOMIC_SEQ_CST) < next) {
			sched_yield();
			continue;
		}
		next += ROUNDS / 10;
		vm_save();
		vm_kill();
		vm_restore();
		restored++;
	}
	ASSERT_EQ(pthread_join(sender, NULL), 0);
	ASSERT_EQ(seen, ROUNDS);
	ASSERT_GE(restored, 10);
}

/* A ring that found the pin masked comes when the restored guest unmasks it */
static void test_owed_across(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[1]);

	vm_start(IOAPIC_MASKED);
	sent = 7;
	ASSERT_EQ(NOTIFY(fd, pvi_connect(fd, pvi_uuid[0], GSI)), KVM_PVI_LATCHED);
	vm_save();
	vm_kill();
	vm_restore();
	ASSERT_EQ(QUERY(vm_fd, GSI, 0, GSI_STATE), KVM_PVI_GSI_WIRED | KVM_PVI_GSI_LATCHED);
	vm_ioapic_set(vm, GSI, VECTOR, 0, 0);
	ASSERT_TRUE(wait_until(__atomic_load_n(&seen, __ATOMIC_SEQ_CST) == 7, 10000));
	ASSERT_EQ(QUERY(vm_fd, GSI, 0, GSI_STATE), KVM_PVI_GSI_WIRED);
}

static const struct test_case cases[] = {
	{ "none_lost", test_none_lost },
	{ "owed_across", test_owed_across },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
