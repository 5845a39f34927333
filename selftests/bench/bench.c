// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: the rows
 */
#include <cpuid.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "bench.h"

#define BELL_PORT	0x300
#define CONN_ID		1
#define SINGLE		BENCH_WARMUP + BENCH_RINGS

static void null_hypercall(const char *row, struct vm *vm)
{
	bench_regs = (struct bench_regs){ .rax = KVM_HC_VAPIC_POLL_IRQ };
	ASSERT_EQ(bench_rings(row, &vm->vcpus[0], bench_guest_hypercall, NULL, NULL), 0);
}

static void row_null_not_loaded(void)
{
	ASSERT_NE(access("/dev/kvm_pvi", F_OK), 0);
	null_hypercall("null_not_loaded", vm_create(1, 0));
}

static void load(void)
{
	const char *path = getenv("PVI_MODULE");
	int fd = open(path ?: "", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		TEST_FAIL("PVI_MODULE='%s': %s", path ?: "", strerror(errno));
	if (syscall(SYS_finit_module, fd, "", 0))
		TEST_FAIL("%s: %s", path, strerror(errno));
}

static void row_null_loaded(void)
{
	null_hypercall("null_loaded", vm_create(1, 0));
}

static void row_null_unbound(void)
{
	pvi_bind(vm_create(1, 0), pvi_uuid[0]);
	null_hypercall("null_unbound", vm_create(1, 0));
}

static void row_null_bound(void)
{
	struct vm *vm = vm_create(1, 0);

	pvi_bind(vm, pvi_uuid[0]);
	null_hypercall("null_bound", vm);
}

static void row_unknown(void)
{
	struct vm *vm = vm_create(1, 0);

	pvi_bind(vm, pvi_uuid[0]);
	bench_regs = (struct bench_regs){ .rax = KVM_HC_PVI_FEATURES };
	bench_rings("pvi_features", &vm->vcpus[0], bench_guest_hypercall, NULL, NULL);
}

static void row_notify_eventfd(void)
{
	struct vm *vm = vm_create(1, 0);
	int fd = pvi_bind(vm, pvi_uuid[0]), eventfd = new_eventfd();

	bench_regs = (struct bench_regs){ .rax = KVM_HC_NOTIFY, .rbx = pvi_set_port(fd, eventfd) };
	ASSERT_EQ(bench_rings("pvi_notify_eventfd", &vm->vcpus[0], bench_guest_hypercall, NULL, NULL),
		  KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(eventfd), SINGLE);
}

struct pair {
	struct vm *rx, *tx;
	int rx_fd, tx_fd;
};

static struct pair new_pair(void)
{
	struct pair p = { .rx = vm_create(1, 0), .tx = vm_create(1, 0) };

	p.rx_fd = pvi_bind(p.rx, pvi_uuid[0]);
	p.tx_fd = pvi_bind(p.tx, pvi_uuid[1]);
	return p;
}

static void route(struct vm *rx, bool msi)
{
	if (msi)
		vm_route_msi(rx, BENCH_GSI, 0, BENCH_VECTOR);
	else
		vm_ioapic_set(rx, BENCH_GSI, BENCH_VECTOR, 0, 0);
}

static void ring(const char *row, bool msi, bool uuid)
{
	struct pair p = new_pair();

	route(p.rx, msi);
	pvi_expose(p.rx_fd, BENCH_GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(p.rx_fd, pvi_uuid[1], BENCH_GSI);
	if (uuid)
		bench_regs = (struct bench_regs){
			.rax = KVM_HC_PVI, .rbx = (u64)pvi_uuid[0], .rcx = BENCH_GSI,
		};
	else
		bench_regs = (struct bench_regs){
			.rax = KVM_HC_NOTIFY,
			.rbx = pvi_connect(p.tx_fd, pvi_uuid[0], BENCH_GSI),
		};
	ASSERT_EQ(bench_rings(row, &p.tx->vcpus[0], bench_guest_hypercall, NULL, NULL),
		  KVM_PVI_RAISED);
	bench_assert_raised(p.rx);
}

static void row_port_msi(void)
{
	ring("pvi_port_msi", true, false);
}

static void row_port_pin(void)
{
	ring("pvi_port_pin", false, false);
}

static void row_uuid_msi(void)
{
	ring("pvi_uuid_msi", true, true);
}

static void row_uuid_pin(void)
{
	ring("pvi_uuid_pin", false, true);
}

static void set_leaf(struct kvm_cpuid2 *cpuid, u32 leaf, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	u32 i;

	for (i = 0; i < cpuid->nent && cpuid->entries[i].function != leaf; i++)
		;
	if (i == cpuid->nent)
		cpuid->nent++;
	cpuid->entries[i] = (struct kvm_cpuid_entry2){
		.function = leaf, .eax = eax, .ebx = ebx, .ecx = ecx, .edx = edx,
	};
}

/* As KVM wants it to take hypercalls for Hyper-V's: its signature, and a guest that named itself */
static void be_hyperv(struct vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[128];
	} cpuid = { .head.nent = 126 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry os_id;
	} msrs = { .head.nmsrs = 1, .os_id = { .index = 0x40000000, .data = 0x8100000000000000 } };

	vcpu_ioctl(vcpu, KVM_GET_CPUID2, &cpuid);
	set_leaf(&cpuid.head, 0x40000000, 0x40000005, 0x7263694d, 0x666f736f, 0x76482074);
	set_leaf(&cpuid.head, 0x40000001, 0x31237648, 0, 0, 0);
	vcpu_ioctl(vcpu, KVM_SET_CPUID2, &cpuid);
	ASSERT_EQ(vcpu_ioctl(vcpu, KVM_SET_MSRS, &msrs), 1);
}

static void hyperv(const char *row, struct vm *rx)
{
	struct vm *tx = vm_create(1, 0);
	struct kvm_hyperv_eventfd arg = { .conn_id = CONN_ID, .fd = new_eventfd() };

	be_hyperv(&tx->vcpus[0]);
	vm_ioctl(tx, KVM_HYPERV_EVENTFD, &arg);
	if (rx)
		vm_irqfd(rx, BENCH_GSI, arg.fd);
	bench_regs = (struct bench_regs){ .rcx = 0x1005d, .rdx = CONN_ID };
	ASSERT_EQ(bench_rings(row, &tx->vcpus[0], bench_guest_hypercall, NULL, NULL), 0);
	if (rx)
		bench_assert_raised(rx);
	else
		ASSERT_EQ(read_eventfd(arg.fd), SINGLE);
}

static void row_hyperv_eventfd(void)
{
	hyperv("hyperv_eventfd", NULL);
}

static struct vm *receiver(bool msi)
{
	struct vm *rx = vm_create(1, 0);

	route(rx, msi);
	return rx;
}

static void row_hyperv_msi(void)
{
	hyperv("hyperv_irqfd_msi", receiver(true));
}

static void pio(const char *row, struct vm *rx)
{
	struct vm *tx = vm_create(1, 0);
	int eventfd = new_eventfd();

	vm_ioeventfd_port(tx, BELL_PORT, 4, eventfd);
	if (rx)
		vm_irqfd(rx, BENCH_GSI, eventfd);
	bench_regs = (struct bench_regs){ .rdx = BELL_PORT };
	bench_rings(row, &tx->vcpus[0], bench_guest_out, NULL, NULL);
	if (rx)
		bench_assert_raised(rx);
	else
		ASSERT_EQ(read_eventfd(eventfd), SINGLE);
}

static void row_pio_eventfd(void)
{
	pio("pio_eventfd", NULL);
}

static void row_pio_msi(void)
{
	pio("pio_irqfd_msi", receiver(true));
}

static void row_pio_pin(void)
{
	pio("pio_irqfd_pin", receiver(false));
}

static const struct test_case cases[] = {
	{ "null_not_loaded", row_null_not_loaded },
	{ "hyperv_eventfd", row_hyperv_eventfd },
	{ "hyperv_irqfd_msi", row_hyperv_msi },
	{ "pio_eventfd", row_pio_eventfd },
	{ "pio_irqfd_msi", row_pio_msi },
	{ "pio_irqfd_pin", row_pio_pin },
	{ "load", load },
	{ "null_loaded", row_null_loaded },
	{ "null_unbound", row_null_unbound },
	{ "null_bound", row_null_bound },
	{ "pvi_features", row_unknown },
	{ "pvi_notify_eventfd", row_notify_eventfd },
	{ "pvi_port_msi", row_port_msi },
	{ "pvi_port_pin", row_port_pin },
	{ "pvi_uuid_msi", row_uuid_msi },
	{ "pvi_uuid_pin", row_uuid_pin },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM);
}
