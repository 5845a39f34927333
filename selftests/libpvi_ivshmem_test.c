// SPDX-License-Identifier: GPL-2.0
/*
 * libpvi's ivshmem registers of 2010, driven from both sides: guests that read and write the BAR,
 * and the VMM that serves their exits.
 */
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "libpvi_lib.h"
#include "random.h"

#define BAR		0xe0000000ul
#define INTR_MASK	0
#define INTR_STATUS	2
#define DOORBELL	PVI_IVSHMEM_DOORBELL
#define IV_POSITION	6
#define IV_LIVE_LIST	8

#define PIN		20
#define VECTOR		0x40
#define BELL		3
#define ALL		PVI_IVSHMEM_BROADCAST
#define NR_MACHINES	3

/* One VM with the device; its id is its place in the array */
static struct machine {
	struct vm *vm;
	struct vcpu *vcpu;
	int pvi;
	struct pvi_ivshmem *dev;
	unsigned int exits;
	int result;		/* of the last write */
} machines[NR_MACHINES];

/* How many ports were closed; and whose other doorbells are not to wait for that */
static unsigned int closed;
static struct pvi_ivshmem *others_ring;

/*
 * A vCPU that rings while a port is being closed. That goes on as soon as this one was told that there is no other:
 * it does not come back to here from waiting for it.
 */
static struct rusher {
	struct pvi_ivshmem *dev;
	u16 doorbell;
	pthread_t thread;
	sem_t refused;
	int result;
} rusher;

static void *rush(void *arg)
{
	struct rusher *r = arg;

	r->result = pvi_ivshmem_write(r->dev, DOORBELL, &r->doorbell, sizeof(r->doorbell));
	return NULL;
}

static void start_rusher(void)
{
	ASSERT_EQ(pthread_create(&rusher.thread, NULL, rush, &rusher), 0);
	ASSERT_EQ(sem_wait(&rusher.refused), 0);
}

static void before_close(void)
{
	u16 value;

	closed++;
	if (others_ring)
		pvi_ivshmem_read(others_ring, IV_POSITION, &value, sizeof(value));
	if (rusher.dev && closed == 1)
		start_rusher();
}

/* In the place of libc's */
int ioctl(int fd, unsigned long cmd, ...)
{
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (cmd == KVM_PVI_CLOSE_PORT)
		before_close();
	ret = syscall(SYS_ioctl, fd, cmd, arg);
	if (cmd == KVM_PVI_CONNECT && ret && errno == ENOSPC && rusher.dev)
		sem_post(&rusher.refused);
	return ret;
}

static const u8 *uuid_of(u32 id)
{
	static u8 uuid[KVM_PVI_UUID_SIZE];

	memcpy(uuid, rx_uuid, sizeof(uuid));
	uuid[14] = 1;
	uuid[15] = id;
	return uuid;
}

static void serve(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 offset = run->mmio.phys_addr - BAR;
	struct machine *m = machines;

	while (m->vm != vcpu->vm)
		m++;
	__atomic_add_fetch(&m->exits, 1, __ATOMIC_RELAXED);
	if (run->mmio.is_write)
		m->result = pvi_ivshmem_write(m->dev, offset, run->mmio.data, run->mmio.len);
	else
		pvi_ivshmem_read(m->dev, offset, run->mmio.data, run->mmio.len);
}

/* @vm NULL: a new one */
static struct machine *start(u32 id, struct vm *vm)
{
	struct machine *m = &machines[id];

	m->vm = vm ? vm : vm_create(1, 0);
	m->vm->mmio = serve;
	m->vcpu = &m->vm->vcpus[0];
	vm_ioapic_set(m->vm, PIN, VECTOR, 0, 0);
	m->pvi = pvi_enrol(m->vm->fd, uuid_of(id));
	ASSERT_GE(m->pvi, 0);
	ASSERT_EQ(pvi_expose(m->pvi, PIN, KVM_PVI_GSI_DIRECT, NULL), 0);
	ASSERT_EQ(pvi_ivshmem_create(&m->dev, m->pvi, uuid_of(id), id, PIN, BELL), 0);
	ASSERT_EQ(pvi_ivshmem_reset(m->dev), 0);
	return m;
}

static void introduce(struct machine *m, u32 id)
{
	ASSERT_EQ(pvi_ivshmem_add_peer(m->dev, id, uuid_of(id), PIN), 0);
}

/* All of them, and all know each other */
static void start_all(void)
{
	u32 id, other;

	for (id = 0; id < NR_MACHINES; id++) {
		start(id, NULL);
		for (other = 0; other < NR_MACHINES; other++)
			if (other != id)
				introduce(&machines[id], other);
	}
}

/* The process of a VMM that is killed has no time to do more */
static void die(struct machine *m)
{
	close(m->pvi);
}

static __guest u64 read_bar(u64 offset)
{
	return READ_ONCE(*(u16 *)(BAR + offset));
}

static __guest void write_bar(u64 offset, u16 value)
{
	WRITE_ONCE(*(u16 *)(BAR + offset), value);
}

static __guest u64 write_packed(u64 arg)
{
	write_bar(arg >> 16, arg);
	return 0;
}

/* What is pending is taken at the entry after the sync. */
static __guest u64 count_irqs(u64 arg)
{
	(void)arg;
	guest_irq_enable();
	guest_sync(1);
	guest_irq_disable();
	return guest_irq_count(VECTOR);
}

static u16 get(struct machine *m, u64 offset)
{
	return vcpu_call(m->vcpu, read_bar, offset);
}

static void set(struct machine *m, u64 offset, u16 value)
{
	vcpu_call(m->vcpu, write_packed, offset << 16 | value);
}

/* Returns what the guest is not told */
static int ring(struct machine *m, u8 id, u8 message)
{
	set(m, DOORBELL, id << 8 | message);
	return m->result;
}

static u64 irqs(struct machine *m)
{
	return vcpu_call(m->vcpu, count_irqs, 0);
}

static void test_registers(void)
{
	struct machine *m = start(2, NULL);

	ASSERT_EQ(get(m, INTR_MASK), 0);
	ASSERT_EQ(get(m, INTR_STATUS), 0);
	ASSERT_EQ(get(m, DOORBELL), 0);
	ASSERT_EQ(get(m, IV_POSITION), 2);
	ASSERT_EQ(get(m, IV_LIVE_LIST), 1 << 2);
	ASSERT_EQ(get(m, 10), 0);
	ASSERT_EQ(get(m, PVI_IVSHMEM_BAR_SIZE - 2), 0);
	set(m, INTR_MASK, 0xabcd);
	ASSERT_EQ(get(m, INTR_MASK), 0xabcd);
	/* Those that are read-only stay as they are. */
	set(m, INTR_STATUS, 0xffff);
	set(m, IV_POSITION, 7);
	set(m, IV_LIVE_LIST, 0xffff);
	ASSERT_EQ(get(m, INTR_STATUS), 0);
	ASSERT_EQ(get(m, IV_POSITION), 2);
	ASSERT_EQ(get(m, IV_LIVE_LIST), 1 << 2);
	ASSERT_EQ(irqs(m), 0);
}

static void test_ring(void)
{
	struct machine *a = &machines[0], *b = &machines[1];

	start_all();
	set(b, INTR_MASK, 0xff);
	ASSERT_EQ(ring(a, 1, 0x42), 0);
	ASSERT_EQ(irqs(b), 1);
	ASSERT_EQ(get(b, INTR_STATUS), 0x42);
	/* Reading has cleared it. */
	ASSERT_EQ(get(b, INTR_STATUS), 0);
	/* Of messages that nobody has read yet none is lost. */
	ASSERT_EQ(ring(a, 1, 0x01), 0);
	ASSERT_EQ(ring(&machines[2], 1, 0x80), 0);
	ASSERT_EQ(irqs(b), 2);
	ASSERT_EQ(get(b, INTR_STATUS), 0x81);
	ASSERT_EQ(irqs(b), 2);

	ASSERT_EQ(get(a, INTR_STATUS), 0);
	ASSERT_EQ(get(&machines[2], INTR_STATUS), 0);
}

/* What is masked is recorded, and raises when it is not any more. */
static void test_mask(void)
{
	struct machine *a = &machines[0], *b = &machines[1];

	start_all();
	ASSERT_EQ(ring(a, 1, 0x06), 0);
	ASSERT_EQ(irqs(b), 0);
	set(b, INTR_MASK, 0x09);
	ASSERT_EQ(irqs(b), 0);
	set(b, INTR_MASK, 0x0d);
	ASSERT_EQ(irqs(b), 1);
	ASSERT_EQ(get(b, INTR_STATUS), 0x06);
	/* The upper half has nothing to mask. */
	set(b, INTR_MASK, 0xff00);
	ASSERT_EQ(ring(a, 1, 0xff), 0);
	ASSERT_EQ(irqs(b), 1);
	ASSERT_EQ(get(b, INTR_STATUS), 0xff);
}

static void test_broadcast(void)
{
	struct machine *m;

	start_all();
	for (m = machines; m < machines + NR_MACHINES; m++)
		set(m, INTR_MASK, 0xff);
	ASSERT_EQ(ring(&machines[1], ALL, 0x11), 0);
	ASSERT_EQ(irqs(&machines[0]), 1);
	ASSERT_EQ(irqs(&machines[1]), 0);
	ASSERT_EQ(irqs(&machines[2]), 1);
	ASSERT_EQ(get(&machines[0], INTR_STATUS), 0x11);
	ASSERT_EQ(get(&machines[1], INTR_STATUS), 0);
	ASSERT_EQ(get(&machines[2], INTR_STATUS), 0x11);
	/* One that is dead keeps nobody from hearing of it. */
	die(&machines[0]);
	ASSERT_EQ(ring(&machines[1], ALL, 0x22), -EPERM);
	ASSERT_EQ(get(&machines[2], INTR_STATUS), 0x22);
}

static void test_odd_doorbells(void)
{
	struct machine *a = &machines[0];

	start_all();
	set(a, INTR_MASK, 0xff);
	/* Oneself is a receiver like others. */
	ASSERT_EQ(ring(a, 0, 0x05), 0);
	ASSERT_EQ(irqs(a), 1);
	ASSERT_EQ(get(a, INTR_STATUS), 0x05);
	/* Nothing to tell */
	ASSERT_EQ(ring(a, 1, 0), 0);
	ASSERT_EQ(ring(a, ALL, 0), 0);
	ASSERT_EQ(ring(a, 200, 0), 0);
	/* Nobody to tell */
	ASSERT_EQ(ring(a, NR_MACHINES, 1), -ENOENT);
	ASSERT_EQ(ring(a, 254, 1), -ENOENT);
	ASSERT_EQ(get(&machines[1], INTR_STATUS), 0);
	ASSERT_EQ(get(&machines[2], INTR_STATUS), 0);
}

static void test_live_list(void)
{
	struct machine *a = start(0, NULL), *b;

	introduce(a, 1);
	introduce(a, 2);
	ASSERT_EQ(get(a, IV_LIVE_LIST), 1);
	b = start(1, NULL);
	/* It is there, but a may not ring it. */
	ASSERT_EQ(get(a, IV_LIVE_LIST), 1);
	introduce(b, 0);
	ASSERT_EQ(get(a, IV_LIVE_LIST), 3);
	ASSERT_EQ(get(b, IV_LIVE_LIST), 3);
	die(b);
	ASSERT_EQ(get(a, IV_LIVE_LIST), 1);
	ASSERT_EQ(ring(a, 1, 1), -EPERM);
	/* Its successor has its name, and hears what is rung from now on. */
	b = start(1, NULL);
	introduce(b, 0);
	ASSERT_EQ(ring(a, 1, 2), 0);
	ASSERT_EQ(get(b, INTR_STATUS), 2);
	ASSERT_EQ(get(a, IV_LIVE_LIST), 3);
	ASSERT_EQ(pvi_ivshmem_remove_peer(a->dev, 1), 0);
	ASSERT_EQ(get(a, IV_LIVE_LIST), 1);
	/* It has been told nothing, but may not ring any more. */
	ASSERT_EQ(get(b, IV_LIVE_LIST), 2);
	ASSERT_EQ(ring(b, 0, 1), -EPERM);
	ASSERT_EQ(get(a, INTR_STATUS), 0);
}

static void refuse(struct machine *m, u8 id, u8 message)
{
	u32 i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(ring(m, id, message), -EPERM);
}

/* For a port that is closed the kernel waits: once for who has died or taken back, and with no other doorbell */
static void test_refused(void)
{
	struct machine *a = &machines[0], *b = &machines[1];

	start_all();
	ASSERT_EQ(ring(a, 1, 0x01), 0);
	ASSERT_EQ(ring(a, 2, 0x01), 0);
	others_ring = a->dev;
	ASSERT_EQ(pvi_allow_bell(b->pvi, uuid_of(0), BELL, 0x01, NULL), 0);
	refuse(a, 1, 0x02);
	ASSERT_EQ(closed, 0);
	ASSERT_EQ(pvi_revoke_bell(b->pvi, uuid_of(0), BELL), 0);
	refuse(a, 1, 0x02);
	ASSERT_EQ(closed, 1);
	ASSERT_EQ(pvi_allow_bell(b->pvi, uuid_of(0), BELL, 0xff, NULL), 0);
	ASSERT_EQ(ring(a, 1, 0x04), 0);
	ASSERT_EQ(get(b, INTR_STATUS), 0x05);
	die(&machines[2]);
	refuse(a, 2, 0x01);
	ASSERT_EQ(closed, 2);
	ASSERT_EQ(get(a, IV_LIVE_LIST), 3);
	ASSERT_EQ(closed, 2);
}

/* Where the endpoint has no port left but that of who has died, the successor has it. */
static void test_last_port(void)
{
	u64 usual = read_param("kvm_pvi", "max_ports");
	struct machine *a = start(0, NULL), *b = start(1, NULL);

	introduce(a, 1);
	introduce(b, 0);
	ASSERT_EQ(ring(a, 1, 0x01), 0);
	die(b);
	b = start(1, NULL);
	introduce(b, 0);
	write_param("kvm_pvi", "max_ports", 1);
	ASSERT_EQ(ring(a, 1, 0x02), 0);
	write_param("kvm_pvi", "max_ports", usual);
	ASSERT_EQ(closed, 1);
	ASSERT_EQ(get(b, INTR_STATUS), 0x02);
}

/* The one port that is left is taken while that of who has died is being closed: who rings then waits for that. */
static void test_port_being_closed(void)
{
	u64 usual = read_param("kvm_pvi", "max_ports");
	struct machine *a = &machines[0], *b = &machines[1];

	start_all();
	ASSERT_EQ(ring(a, 1, 0x01), 0);
	die(b);
	b = start(1, NULL);
	introduce(b, 0);
	rusher.dev = a->dev;
	rusher.doorbell = 0x0204;
	ASSERT_EQ(sem_init(&rusher.refused, 0, 0), 0);
	write_param("kvm_pvi", "max_ports", 2);
	ASSERT_EQ(ring(a, 1, 0x02), 0);
	ASSERT_EQ(closed, 1);
	ASSERT_EQ(pthread_join(rusher.thread, NULL), 0);
	write_param("kvm_pvi", "max_ports", usual);
	ASSERT_EQ(rusher.result, 0);
	ASSERT_EQ(closed, 1);
	ASSERT_EQ(get(b, INTR_STATUS), 0x02);
	ASSERT_EQ(get(&machines[2], INTR_STATUS), 0x04);
}

/* Ids beyond the list are receivers nevertheless. */
static void test_high_ids(void)
{
	struct machine *a = start(0, NULL), *b = &machines[1];

	start(1, NULL);
	ASSERT_EQ(pvi_ivshmem_add_peer(a->dev, 254, uuid_of(1), PIN), 0);
	introduce(b, 0);
	ASSERT_EQ(ring(a, 254, 0x33), 0);
	ASSERT_EQ(get(b, INTR_STATUS), 0x33);
	ASSERT_EQ(get(a, IV_LIVE_LIST), 1);
	/* One peer by two ids, as when it comes back, is one until both have gone */
	ASSERT_EQ(pvi_ivshmem_add_peer(b->dev, 253, uuid_of(0), PIN), 0);
	ASSERT_EQ(pvi_ivshmem_remove_peer(b->dev, 0), 0);
	ASSERT_EQ(ring(a, 254, 0x44), 0);
	ASSERT_EQ(get(b, INTR_STATUS), 0x44);
	ASSERT_EQ(pvi_ivshmem_remove_peer(b->dev, 253), 0);
	ASSERT_EQ(ring(a, 254, 0x44), -EPERM);
	ASSERT_EQ(pvi_ivshmem_add_peer(a->dev, ALL, uuid_of(2), PIN), -EINVAL);
	ASSERT_EQ(pvi_ivshmem_remove_peer(a->dev, ALL), -EINVAL);
}

static void test_reset(void)
{
	struct machine *a = &machines[0], *b = &machines[1];

	start_all();
	set(b, INTR_MASK, 0xf0);
	ASSERT_EQ(ring(a, 1, 0x0f), 0);
	ASSERT_EQ(pvi_ivshmem_reset(b->dev), 0);
	ASSERT_EQ(get(b, INTR_MASK), 0);
	ASSERT_EQ(get(b, INTR_STATUS), 0);
	ASSERT_EQ(ring(a, 1, 0xf0), 0);
	ASSERT_EQ(irqs(b), 0);
}

#define ROUNDS 200

/* Reads nothing before the interrupt, and leaves nothing unread behind it */
static __guest u16 next_message(void)
{
	u16 status;

	while (!(status = read_bar(INTR_STATUS)))
		guest_irq_wait();
	return status;
}

static __guest u64 serve_first(u64 peer)
{
	u64 i;

	write_bar(INTR_MASK, 0xff);
	for (i = 1; i <= ROUNDS; i++) {
		write_bar(DOORBELL, peer << 8 | i);
		GUEST_ASSERT_EQ(next_message(), 256 - i);
	}
	return guest_irq_count(VECTOR);
}

static __guest u64 serve_second(u64 peer)
{
	u64 i;

	write_bar(INTR_MASK, 0xff);
	for (i = 1; i <= ROUNDS; i++) {
		GUEST_ASSERT_EQ(next_message(), i);
		write_bar(DOORBELL, peer << 8 | (256 - i));
	}
	return guest_irq_count(VECTOR);
}

/* Both run, each sleeping until the other one has rung. */
static void test_ping_pong(void)
{
	start_all();
	vcpu_run_thread(machines[1].vcpu, serve_second, 0);
	vcpu_run_thread(machines[0].vcpu, serve_first, 1);
	ASSERT_GE(vcpu_join(machines[0].vcpu), 1);
	ASSERT_GE(vcpu_join(machines[1].vcpu), 1);
}

static void wait_and_dispatch(struct machine *m)
{
	ASSERT_TRUE(wait_readable(pvi_ivshmem_fd(m->dev), 5000));
	ASSERT_EQ(pvi_ivshmem_dispatch(m->dev), 0);
}

/* KVM takes the value: the guest makes no exit to its VMM, and the receiver sees the same. */
static void test_armed(void)
{
	struct machine *a = &machines[0], *b = &machines[1];
	unsigned int exits;
	void *state;

	start_all();
	set(b, INTR_MASK, 0xff);
	ASSERT_EQ(pvi_ivshmem_arm(a->dev, a->vm->fd, BAR, 0x0140), -EPERM);
	ASSERT_EQ(pvi_ivshmem_accept(b->dev, 0x40), 0);
	ASSERT_EQ(pvi_ivshmem_arm(a->dev, a->vm->fd, BAR, 0x0140), 0);
	ASSERT_EQ(pvi_ivshmem_dispatch(b->dev), 0);
	ASSERT_EQ(get(b, INTR_STATUS), 0);

	exits = a->exits;
	set(a, DOORBELL, 0x0140);
	ASSERT_EQ(a->exits, exits);
	wait_and_dispatch(b);
	ASSERT_EQ(irqs(b), 1);
	ASSERT_EQ(get(b, INTR_STATUS), 0x40);
	/* What cannot be put there comes when it can. */
	set(a, DOORBELL, 0x0140);
	ASSERT_TRUE(wait_readable(pvi_ivshmem_fd(b->dev), 5000));
	ASSERT_GE(pvi_save_state(b->pvi, &state), 0);
	free(state);
	ASSERT_EQ(pvi_ivshmem_dispatch(b->dev), -EAGAIN);
	ASSERT_EQ(pvi_thaw(b->pvi), 0);
	wait_and_dispatch(b);
	ASSERT_EQ(get(b, INTR_STATUS), 0x40);
	/* Other values, and other receivers, come out as before. */
	ASSERT_EQ(ring(a, 1, 0x41), 0);
	ASSERT_EQ(ring(a, 2, 0x40), 0);
	ASSERT_EQ(a->exits, exits + 2);
	ASSERT_EQ(get(b, INTR_STATUS), 0x41);
	ASSERT_EQ(get(&machines[2], INTR_STATUS), 0x40);

	ASSERT_EQ(pvi_ivshmem_disarm(a->dev, 0x0140), 0);
	ASSERT_EQ(pvi_ivshmem_disarm(a->dev, 0x0140), -ENOENT);
	ASSERT_EQ(ring(a, 1, 0x40), 0);
	ASSERT_EQ(a->exits, exits + 3);
	ASSERT_EQ(get(b, INTR_STATUS), 0x40);
}

static void test_armed_errors(void)
{
	struct machine *a = &machines[0], *b = &machines[1];
	int fds;

	start_all();
	fds = count_fds();
	ASSERT_EQ(pvi_ivshmem_accept(b->dev, 0), -EINVAL);
	ASSERT_EQ(pvi_ivshmem_arm(a->dev, a->vm->fd, BAR, 0xff40), -EOPNOTSUPP);
	ASSERT_EQ(pvi_ivshmem_arm(a->dev, a->vm->fd, BAR, 0x0100), -EINVAL);
	ASSERT_EQ(pvi_ivshmem_arm(a->dev, a->vm->fd, BAR, 0x0540), -ENOENT);
	ASSERT_EQ(pvi_ivshmem_accept(b->dev, 0x40), 0);
	ASSERT_EQ(pvi_ivshmem_accept(b->dev, 0x40), -EEXIST);
	ASSERT_EQ(count_fds(), fds + 1);
	ASSERT_EQ(pvi_ivshmem_arm(a->dev, NO_SUCH, BAR, 0x0140), -EBADF);
	ASSERT_EQ(count_fds(), fds + 1);
	ASSERT_EQ(pvi_ivshmem_arm(a->dev, a->vm->fd, BAR, 0x0140), 0);
	ASSERT_EQ(pvi_ivshmem_arm(a->dev, a->vm->fd, BAR, 0x0140), -EEXIST);
	ASSERT_EQ(count_fds(), fds + 2);
	/* The peer goes, and what was armed for it. */
	ASSERT_EQ(pvi_ivshmem_remove_peer(a->dev, 1), 0);
	ASSERT_EQ(pvi_ivshmem_disarm(a->dev, 0x0140), -ENOENT);
	ASSERT_EQ(ring(a, 1, 0x40), -ENOENT);
	ASSERT_EQ(count_fds(), fds + 1);
	/* A peer that is added later may ring what was accepted before. */
	ASSERT_EQ(pvi_ivshmem_remove_peer(b->dev, 2), 0);
	introduce(b, 2);
	ASSERT_EQ(pvi_ivshmem_arm(machines[2].dev, machines[2].vm->fd, BAR, 0x0140), 0);
	set(&machines[2], DOORBELL, 0x0140);
	wait_and_dispatch(b);
	ASSERT_EQ(get(b, INTR_STATUS), 0x40);
}

static void test_errors(void)
{
	struct machine *m = &machines[0];
	struct pvi_ivshmem *dev;
	int fds;

	start_all();
	fds = count_fds();
	ASSERT_EQ(pvi_ivshmem_create(&dev, m->pvi, uuid_of(0), ALL, PIN, BELL), -EINVAL);
	ASSERT_EQ(pvi_ivshmem_create(&dev, m->pvi, uuid_of(0), 0, PIN, BELL), -EEXIST);
	ASSERT_EQ(pvi_ivshmem_create(&dev, m->pvi, uuid_of(0), 0, PIN + 1, BELL + 1), -ENOENT);
	ASSERT_EQ(pvi_ivshmem_create(&dev, NO_SUCH, uuid_of(0), 0, PIN, BELL), -EBADF);
	ASSERT_EQ(count_fds(), fds);
	ASSERT_EQ(pvi_ivshmem_add_peer(m->dev, 1, uuid_of(1), PIN), -EEXIST);
	ASSERT_EQ(pvi_ivshmem_add_peer(m->dev, 0, uuid_of(1), PIN), -EEXIST);
	ASSERT_EQ(pvi_ivshmem_remove_peer(m->dev, 9), -ENOENT);
}

/* Nothing of it stays, and all of it can be had again. */
static void test_destroy(void)
{
	struct machine *a = &machines[0], *b = &machines[1];
	int fds;

	start_all();
	ASSERT_EQ(pvi_ivshmem_accept(a->dev, 1), 0);
	ASSERT_EQ(pvi_ivshmem_accept(b->dev, 1), 0);
	ASSERT_EQ(pvi_ivshmem_arm(b->dev, b->vm->fd, BAR, 0x0001), 0);
	fds = count_fds();
	pvi_ivshmem_destroy(b->dev);
	ASSERT_EQ(count_fds(), fds - 3);
	ASSERT_EQ(ring(a, 1, 1), -EPERM);
	ASSERT_EQ(pvi_unexpose(b->pvi, PIN), 0);
	ASSERT_EQ(pvi_expose(b->pvi, PIN, KVM_PVI_GSI_DIRECT, NULL), 0);
	ASSERT_EQ(pvi_ivshmem_create(&b->dev, b->pvi, uuid_of(1), 1, PIN, BELL), 0);
	introduce(b, 0);
	ASSERT_EQ(ring(a, 1, 1), 0);
	ASSERT_EQ(get(b, INTR_STATUS), 1);
}

/* Each register by any access that has it whole, and by no other */
static void test_sizes(void)
{
	struct pvi_ivshmem *dev;
	u8 data[300];

	start_all();
	dev = machines[1].dev;
	ASSERT_EQ(pvi_ivshmem_write(dev, INTR_MASK, "\x34\x12", 2), 0);
	ASSERT_EQ(pvi_ivshmem_write(dev, DOORBELL, "\x0f\x01", 2), 0);
	/* Half of it, or a part of two, is nothing. */
	pvi_ivshmem_read(dev, INTR_STATUS, data, 1);
	ASSERT_EQ(data[0], 0);
	pvi_ivshmem_read(dev, INTR_MASK + 1, data, 2);
	ASSERT_EQ(data[0] | data[1], 0);
	ASSERT_EQ(pvi_ivshmem_write(dev, INTR_MASK, "\xff", 1), 0);
	ASSERT_EQ(pvi_ivshmem_write(dev, DOORBELL + 1, "\x02\xff", 2), 0);
	/* An odd start, and the next one whole */
	pvi_ivshmem_read(dev, INTR_STATUS - 1, data, 3);
	ASSERT_EQ(memcmp(data, "\0\x0f\0", 3), 0);
	/* All at once, and what is behind them */
	ASSERT_EQ(pvi_ivshmem_write(dev, DOORBELL, "\x01\x01\xff\xff\xff\xff", 6), 0);
	memset(data, 0xee, sizeof(data));
	pvi_ivshmem_read(dev, 0, data, sizeof(data));
	ASSERT_EQ(memcmp(data, "\x34\x12\x01\0\0\0\x01\0\x07\0\0", 11), 0);
	ASSERT_EQ(data[299], 0);
	pvi_ivshmem_read(dev, ~0ull, data, 8);
	pvi_ivshmem_read(dev, IV_LIVE_LIST, data, 0);
	pvi_ivshmem_read(dev, IV_LIVE_LIST + 1, data, 8);
	ASSERT_EQ(data[0] | data[7], 0);
	ASSERT_EQ(pvi_ivshmem_write(dev, ~0ull, data, 8), 0);
	ASSERT_EQ(pvi_ivshmem_write(dev, DOORBELL, data, 0), 0);
}

static __guest u64 write_anything(u64 count)
{
	struct rng rng = { count };

	while (count--) {
		u64 offset = rng_below(&rng, PVI_IVSHMEM_BAR_SIZE), what = rng_next(&rng);
		void *where = (void *)(BAR + offset);

		switch (rng_below(&rng, 8)) {
		case 0:
			WRITE_ONCE(*(u8 *)where, what);
			break;
		case 1:
			WRITE_ONCE(*(u32 *)where, what);
			break;
		case 2:
			WRITE_ONCE(*(u64 *)where, what);
			break;
		case 3:
			GUEST_ASSERT(!READ_ONCE(*(u64 *)where) || offset <= IV_LIVE_LIST);
			break;
		case 4:
			GUEST_ASSERT(!READ_ONCE(*(u32 *)where) || offset <= IV_LIVE_LIST);
			break;
		default:
			write_bar(rng_below(&rng, 10), what);
		}
	}
	return 0;
}

/* A guest that writes whatever wherever harms nobody but itself. */
static void test_hostile_guest(void)
{
	struct machine *a = &machines[0], *b = &machines[1];

	start_all();
	set(b, INTR_MASK, 0xff);
	ASSERT_EQ(vcpu_call(a->vcpu, write_anything, 3000), 0);
	get(b, INTR_STATUS);
	ASSERT_EQ(get(a, IV_POSITION), 0);
	ASSERT_EQ(get(a, IV_LIVE_LIST), 7);
	ASSERT_EQ(ring(&machines[2], 1, 0x21), 0);
	ASSERT_EQ(get(b, INTR_STATUS), 0x21);
	set(a, INTR_MASK, 0xff);
	get(a, INTR_STATUS);
	ASSERT_EQ(ring(b, 0, 0x12), 0);
	ASSERT_EQ(get(a, INTR_STATUS), 0x12);
}

static const struct test_case cases[] = {
	{ "registers", test_registers },
	{ "ring", test_ring },
	{ "mask", test_mask },
	{ "broadcast", test_broadcast },
	{ "odd_doorbells", test_odd_doorbells },
	{ "live_list", test_live_list },
	{ "refused", test_refused },
	{ "last_port", test_last_port },
	{ "port_being_closed", test_port_being_closed },
	{ "high_ids", test_high_ids },
	{ "reset", test_reset },
	{ "ping_pong", test_ping_pong },
	{ "armed", test_armed },
	{ "armed_errors", test_armed_errors },
	{ "errors", test_errors },
	{ "destroy", test_destroy },
	{ "sizes", test_sizes },
	{ "hostile_guest", test_hostile_guest },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
