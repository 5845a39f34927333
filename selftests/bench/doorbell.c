// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: doorbells by port and MMIO write, to KVM_IOEVENTFD and to userspace
 *
 * An ioeventfd of length 0 takes a write of any length; virtio's devices have those. KVM has it on its
 * fast MMIO bus as well, and looks there before it decodes the instruction, on Intel at least.
 */
#include "bench.h"

#define PORT		0x300
#define ADDRESS		0xd0000000
#define DATA		7

static void ring_with(enum bench_op op, u64 index)
{
	bench_regs = (struct bench_regs){ .rax = DATA };
	if (op == BENCH_OUT)
		bench_regs.rdx = PORT + index * 4;
	else
		bench_regs.rdi = ADDRESS + index * 8;
}

static void set_fast_doorbell(struct vm *tx, int eventfd)
{
	struct kvm_ioeventfd arg = { .fd = eventfd, .addr = ADDRESS, .len = 0 };

	vm_ioctl(tx, KVM_IOEVENTFD, &arg);
}

static void set_doorbell(struct vm *tx, enum bench_op op, u32 index, int eventfd, s64 data)
{
	struct kvm_ioeventfd arg = { .fd = eventfd };

	if (op == BENCH_OUT) {
		arg.addr = PORT + index * 4;
		arg.len = 4;
		arg.flags = KVM_IOEVENTFD_FLAG_PIO;
	} else {
		arg.addr = ADDRESS + index * 8;
		arg.len = 8;
	}
	if (data >= 0) {
		arg.datamatch = data;
		arg.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	}
	vm_ioctl(tx, KVM_IOEVENTFD, &arg);
}

static void ring(const char *who, const char *what, struct vm *tx, enum bench_op op)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", who, what);
	bench_rings(name, &tx->vcpus[0], op);
}

static void to_eventfd(const char *who, enum bench_op op)
{
	struct vm *tx = vm_create(1, 0);
	int eventfd = new_eventfd();

	set_doorbell(tx, op, 0, eventfd, -1);
	ring_with(op, 0);
	ring(who, "eventfd", tx, op);
	ASSERT_EQ(read_eventfd(eventfd), BENCH_SAMPLES);
}

static void by_data(const char *who, enum bench_op op)
{
	struct vm *tx = vm_create(1, 0);
	int eventfd = new_eventfd();

	set_doorbell(tx, op, 0, eventfd, DATA);
	ring_with(op, 0);
	ring(who, "match_eventfd", tx, op);
	ASSERT_EQ(read_eventfd(eventfd), BENCH_SAMPLES);
}

/* One doorbell in the middle of many, told apart by address */
static void among_many(const char *who, enum bench_op op)
{
	struct vm *tx = vm_create(1, 0);
	int eventfd = new_eventfd(), other = new_eventfd();
	u32 i;

	for (i = 0; i < BENCH_MANY; i++)
		set_doorbell(tx, op, i, i == BENCH_MANY / 2 ? eventfd : other, -1);
	ring_with(op, BENCH_MANY / 2);
	ring(who, "among_1024_eventfd", tx, op);
	ASSERT_EQ(read_eventfd(eventfd), BENCH_SAMPLES);
}

/* One doorbell in the middle of many at one address, told apart by data */
static void among_many_by_data(const char *who, enum bench_op op)
{
	struct vm *tx = vm_create(1, 0);
	int eventfd = new_eventfd(), other = new_eventfd();
	u32 i;

	for (i = 0; i < BENCH_MANY; i++)
		set_doorbell(tx, op, 0, i == BENCH_MANY / 2 ? eventfd : other, i);
	ring_with(op, 0);
	bench_regs.rax = BENCH_MANY / 2;
	ring(who, "match_among_1024_eventfd", tx, op);
	ASSERT_EQ(read_eventfd(eventfd), BENCH_SAMPLES);
}

static void to_irqfd(const char *who, enum bench_op op)
{
	struct vm *tx = vm_create(1, 0), *rx = bench_receiver(true);
	int eventfd = new_eventfd();

	set_doorbell(tx, op, 0, eventfd, -1);
	vm_irqfd(rx, BENCH_GSI, eventfd);
	ring_with(op, 0);
	ring(who, "irqfd_msi", tx, op);
	ASSERT_TRUE(bench_is_raised(rx));
}

static void to_pin(const char *who, enum bench_op op)
{
	struct vm *tx = vm_create(1, 0), *rx = bench_receiver(false);
	int eventfd = new_eventfd();
	char name[64];

	set_doorbell(tx, op, 0, eventfd, -1);
	vm_irqfd(rx, BENCH_GSI, eventfd);
	ring_with(op, 0);
	snprintf(name, sizeof(name), "%s_irqfd_pin", who);
	bench_rings_checked(name, &tx->vcpus[0], op, rx);
}

static void all(const char *who, enum bench_op op)
{
	to_eventfd(who, op);
	by_data(who, op);
	among_many(who, op);
	among_many_by_data(who, op);
	to_irqfd(who, op);
	to_pin(who, op);
}

void row_pio(void)
{
	all("pio", BENCH_OUT);
}

void row_mmio(void)
{
	all("mmio", BENCH_MMIO);
}

void row_mmio_fast(void)
{
	struct vm *tx = vm_create(1, 0), *rx = bench_receiver(true);
	int eventfd = new_eventfd();

	set_fast_doorbell(tx, eventfd);
	ring_with(BENCH_MMIO, 0);
	ring("mmio_fast", "eventfd", tx, BENCH_MMIO);
	ASSERT_EQ(read_eventfd(eventfd), BENCH_SAMPLES);
	vm_irqfd(rx, BENCH_GSI, eventfd);
	ring("mmio_fast", "irqfd_msi", tx, BENCH_MMIO);
	ASSERT_TRUE(bench_is_raised(rx));
}

/* What a VMM does for a device of its own: an edge, up and down */
static void pulse_line(void *rx)
{
	vm_irq_line(rx, BENCH_GSI, 1);
	vm_irq_line(rx, BENCH_GSI, 0);
}

static void signal_msi(void *rx)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = BENCH_VECTOR };

	ASSERT_EQ(vm_ioctl((struct vm *)rx, KVM_SIGNAL_MSI, &msi), 1);
}

static void by_userspace(const char *who, const char *what, enum bench_op op, bool msi,
			 bench_exit_fn on_exit)
{
	struct vm *tx = vm_create(1, 0), *rx = bench_receiver(msi);
	char name[64];

	ring_with(op, 0);
	snprintf(name, sizeof(name), "%s_user_%s", who, what);
	bench_rings_exit(name, &tx->vcpus[0], op, on_exit, rx);
	ASSERT_TRUE(bench_is_raised(rx));
}

void row_pio_user(void)
{
	by_userspace("pio", "msi", BENCH_OUT, true, signal_msi);
	by_userspace("pio", "pin", BENCH_OUT, false, pulse_line);
}

void row_mmio_user(void)
{
	by_userspace("mmio", "msi", BENCH_MMIO, true, signal_msi);
	by_userspace("mmio", "pin", BENCH_MMIO, false, pulse_line);
}
