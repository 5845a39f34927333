// SPDX-License-Identifier: GPL-2.0
/*
 * The ten steps of 2009: a virtio-like network device with two queues, and a server that is a
 * peer of the VM. First the VMM emulates the device in user space: interrupts through a level
 * pin, kicks as exits. Then the driver asks for more, and the VMM plumbs the same eventfds into
 * the kernel and lets go: no hands, not one return from KVM_RUN until the guest is done. With
 * doorbells by hypercall and by port, with MSIs and with a level pin that is resampled.
 */
#include "pvi_test.h"

#define PIN		10
#define GSI		40	/* and the next one */
#define VECTOR		0x40	/* and the next one */
#define REG_STATUS	0x300	/* device registers, one byte each */
#define REG_ISR		0x301
#define REG_KICK	0x302	/* and the next one */
#define PLUMB		4	/* to REG_STATUS: the driver is through with setting up */
#define REQUESTS	50	/* of each queue, before and after */

enum { TX, RX, NR_QUEUES };

/**
 * struct queue - a ring of requests, in memory that guest and server share
 * @asked: requests made
 * @done: requests served
 * @seen: what the guest's interrupt handler saw of them
 */
static struct queue {
	u64 asked;
	u64 done;
	u64 seen;
} queues[NR_QUEUES];

static u64 isr;				/* level interrupts: there is something to see */
static bool by_hypercall, by_pin;	/* how the device is plumbed */
static bool plumbed;

static struct vm *vm;
static int vm_fd, server_fd;
static u32 vm_ports[NR_QUEUES];		/* kick the server */
static u32 server_ports[NR_QUEUES];	/* interrupt the VM */
static int irq[NR_QUEUES], stop_irq[NR_QUEUES], kick[NR_QUEUES], resample;
static bool stop_server;

static __guest void write_reg(u16 reg, u8 value)
{
	asm volatile("outb %b0, %w1" : : "a" (value), "d" (reg) : "memory");
}

static __guest void kick_queue(int queue)
{
	if (plumbed && by_hypercall)
		GUEST_ASSERT_GE(guest_hypercall(KVM_HC_NOTIFY, vm_ports[queue], 0, 0, 0), 0);
	else
		write_reg(REG_KICK + queue, 1);
}

/* The interrupt is acknowledged before the queues are looked at */
static __guest void on_irq(u8 vector)
{
	int queue;

	(void)vector;
	__atomic_store_n(&isr, 0, __ATOMIC_SEQ_CST);
	if (!plumbed)
		write_reg(REG_ISR, 0);
	for (queue = 0; queue < NR_QUEUES; queue++)
		queues[queue].seen = __atomic_load_n(&queues[queue].done, __ATOMIC_SEQ_CST);
}

/* Only an interrupt says that a request was served */
static __guest void wait_until_seen(struct queue *q)
{
	while (__atomic_load_n(&q->seen, __ATOMIC_SEQ_CST) != q->asked)
		guest_pause();
}

static __guest void transfer(void)
{
	int i, queue;

	for (i = 0; i < REQUESTS; i++) {
		for (queue = 0; queue < NR_QUEUES; queue++) {
			__atomic_add_fetch(&queues[queue].asked, 1, __ATOMIC_SEQ_CST);
			kick_queue(queue);
		}
		for (queue = 0; queue < NR_QUEUES; queue++)
			wait_until_seen(&queues[queue]);
	}
}

/* Step 5: in pin mode. Step 7: the driver loads and works. Step 8: it asks for more. Step 10 */
static __guest u64 run_driver(u64 arg)
{
	guest_on_irq(VECTOR, on_irq);
	guest_on_irq(VECTOR + 1, on_irq);
	guest_ioapic_set(PIN, VECTOR, IOAPIC_LEVEL, 0);
	guest_irq_enable();
	transfer();
	write_reg(REG_STATUS, PLUMB);
	transfer();
	return arg;
}

static void interrupt_vm(int queue)
{
	ASSERT_EQ(pvi_call(server_fd, KVM_HC_NOTIFY, server_ports[queue], 0, 0, 0),
		  KVM_PVI_RAISED);
}

/* Woken by a kick, the server does all there is to do */
static void serve(int queue)
{
	struct queue *q = &queues[queue];

	__atomic_store_n(&q->done, __atomic_load_n(&q->asked, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
	__atomic_store_n(&isr, 1, __ATOMIC_SEQ_CST);
	interrupt_vm(queue);
}

static void *run_server(void *arg)
{
	struct pollfd fds[] = {
		{ .fd = kick[TX], .events = POLLIN },
		{ .fd = kick[RX], .events = POLLIN },
		{ .fd = resample, .events = POLLIN },
	};
	int queue;

	while (!__atomic_load_n(&stop_server, __ATOMIC_SEQ_CST)) {
		poll(fds, ARRAY_SIZE(fds), 20);
		for (queue = 0; queue < NR_QUEUES; queue++)
			if (read_eventfd(kick[queue]))
				serve(queue);
		/* The line fell at the EOI: raise it again if there is still something to see */
		if (read_eventfd(resample) && __atomic_load_n(&isr, __ATOMIC_SEQ_CST))
			interrupt_vm(TX);
	}
	return arg;
}

/* The VMM rings GSIs of the server's, the server those of the VM: eventfds on both sides */
static void connect_queue(int queue)
{
	pvi_expose(server_fd, queue, KVM_PVI_GSI_EVENTFD);
	pvi_wire(server_fd, queue, kick[queue]);
	pvi_allow(server_fd, pvi_uuid[0], queue);
	vm_ports[queue] = pvi_connect(vm_fd, pvi_uuid[1], queue);

	pvi_expose(vm_fd, GSI + queue, KVM_PVI_GSI_EVENTFD);
	pvi_wire(vm_fd, GSI + queue, irq[queue]);
	pvi_allow(vm_fd, pvi_uuid[1], GSI + queue);
	server_ports[queue] = pvi_connect(server_fd, pvi_uuid[0], GSI + queue);
}

/* Step 1: the VM. Step 2: the server. Step 3: six eventfds. Step 4: connect them */
static void set_up(void)
{
	int queue;

	vm = vm_create(1, 0);
	vm_fd = pvi_bind(vm, pvi_uuid[0]);
	server_fd = pvi_bind(NULL, pvi_uuid[1]);
	resample = new_eventfd();
	for (queue = 0; queue < NR_QUEUES; queue++) {
		irq[queue] = new_eventfd();
		stop_irq[queue] = new_eventfd();
		kick[queue] = new_eventfd();
		connect_queue(queue);
	}
}

static void carry_interrupts(void)
{
	u64 events = 0;
	int queue;

	for (queue = 0; queue < NR_QUEUES; queue++)
		events |= read_eventfd(irq[queue]) | read_eventfd(stop_irq[queue]);
	if (events)
		vm_irq_line(vm, PIN, __atomic_load_n(&isr, __ATOMIC_SEQ_CST));
}

/* Step 6: level triggered interrupts are complicated, the VMM manages them in user space */
static void *run_vmm(void *arg)
{
	struct pollfd fds[] = {
		{ .fd = irq[TX], .events = POLLIN },
		{ .fd = irq[RX], .events = POLLIN },
		{ .fd = stop_irq[TX], .events = POLLIN },
		{ .fd = stop_irq[RX], .events = POLLIN },
	};

	while (!__atomic_load_n(&plumbed, __ATOMIC_SEQ_CST)) {
		poll(fds, ARRAY_SIZE(fds), 20);
		carry_interrupts();
	}
	return arg;
}

/* Step 9, interrupts: the eventfds that the VMM has read so far become irqfds */
static void plumb_interrupts(void)
{
	int queue;

	vm_irq_line(vm, PIN, 0);
	if (by_pin)
		vm_route_pin(vm, GSI, PIN);
	else
		vm_ioapic_set(vm, PIN, VECTOR, IOAPIC_MASKED, 0);
	for (queue = 0; queue < NR_QUEUES; queue++) {
		if (by_pin) {
			vm_irqfd_resample(vm, GSI, irq[queue], resample);
			continue;
		}
		vm_route_msi(vm, GSI + queue, 0, VECTOR + queue);
		vm_irqfd(vm, GSI + queue, irq[queue]);
	}
}

/* Step 9, kicks: the register becomes a doorbell. For hypercalls all is there already */
static void plumb_kicks(void)
{
	int queue, fd;

	for (queue = 0; !by_hypercall && queue < NR_QUEUES; queue++) {
		fd = new_eventfd();
		pvi_wire_source(vm_fd, fd, vm_ports[queue]);
		vm_ioeventfd_port(vm, REG_KICK + queue, 1, fd);
	}
}

static void on_register(u16 reg, u8 value)
{
	if (reg == REG_KICK || reg == REG_KICK + 1)
		signal_eventfd(kick[reg - REG_KICK]);
	else if (reg == REG_ISR)
		signal_eventfd(stop_irq[TX]);
	else if (reg != REG_STATUS || value != PLUMB)
		TEST_FAIL("the guest wrote %u to register 0x%x", value, reg);
}

/* One exit: the register that was written */
static u16 run_to_register(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u16 reg = 0;

	ASSERT_EQ(__vcpu_run(vcpu), 0);
	if (run->exit_reason != KVM_EXIT_IO)
		vcpu_fail(vcpu, "an exit that is no register");
	reg = run->io.port;
	if (reg == UCALL_PORT)
		vcpu_fail(vcpu, "the guest gave up");
	on_register(reg, *((u8 *)run + run->io.data_offset));
	return reg;
}

static void ten_steps(void)
{
	pthread_t vmm, server;
	struct vcpu *vcpu;
	u64 hypercalls;

	set_up();
	vcpu = &vm->vcpus[0];
	ASSERT_EQ(pthread_create(&server, NULL, run_server, NULL), 0);
	ASSERT_EQ(pthread_create(&vmm, NULL, run_vmm, NULL), 0);
	vcpu_start(vcpu, run_driver, 7);
	while (run_to_register(vcpu) != REG_STATUS)
		;
	ASSERT_EQ(vcpu_stat(vcpu, "hypercalls"), 0);

	__atomic_store_n(&plumbed, true, __ATOMIC_SEQ_CST);
	ASSERT_EQ(pthread_join(vmm, NULL), 0);
	plumb_interrupts();
	plumb_kicks();

	/* Look ma, no hands: the next return is the guest's end */
	ASSERT_EQ(__vcpu_run(vcpu), 0);
	ASSERT_EQ(vcpu->run->exit_reason, KVM_EXIT_IO);
	ASSERT_EQ(vcpu->run->io.port, UCALL_PORT);
	hypercalls = vcpu_stat(vcpu, "hypercalls");
	ASSERT_EQ(hypercalls, by_hypercall ? NR_QUEUES * REQUESTS : 0);
	ASSERT_EQ(queues[TX].seen, 2 * REQUESTS);
	ASSERT_EQ(queues[RX].seen, 2 * REQUESTS);

	__atomic_store_n(&stop_server, true, __ATOMIC_SEQ_CST);
	ASSERT_EQ(pthread_join(server, NULL), 0);
}

static void test_hypercall_msi(void)
{
	by_hypercall = true;
	ten_steps();
}

static void test_hypercall_pin(void)
{
	by_hypercall = true;
	by_pin = true;
	ten_steps();
}

static void test_port_msi(void)
{
	ten_steps();
}

static void test_port_pin(void)
{
	by_pin = true;
	ten_steps();
}

static const struct test_case cases[] = {
	{ "hypercall_msi", test_hypercall_msi },
	{ "hypercall_pin", test_hypercall_pin },
	{ "port_msi", test_port_msi },
	{ "port_pin", test_port_pin },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
