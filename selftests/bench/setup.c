// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: the VMs that ring and are rung */
#include <sys/resource.h>
#include <sys/stat.h>

#include "bench.h"

u8 bench_uuid[BENCH_NR_UUIDS][KVM_PVI_UUID_SIZE] __aligned(16);

/* Version 8: be4c0000-0000-8000-8000-00000000NNNN */
static __attribute__((constructor)) void fill_uuids(void)
{
	u32 i;

	for (i = 0; i < BENCH_NR_UUIDS; i++) {
		bench_uuid[i][0] = 0xbe;
		bench_uuid[i][1] = 0x4c;
		bench_uuid[i][6] = 0x80;
		bench_uuid[i][8] = 0x80;
		bench_uuid[i][14] = i >> 8;
		bench_uuid[i][15] = i;
	}
}

struct vm *bench_receiver(bool msi)
{
	struct vm *rx = vm_create(1, 0);

	if (msi)
		vm_route_msi(rx, BENCH_GSI, 0, BENCH_VECTOR);
	else
		vm_ioapic_set(rx, BENCH_GSI, BENCH_VECTOR, 0, 0);
	return rx;
}

static u32 *irr_word(struct kvm_lapic_state *lapic)
{
	return (u32 *)(lapic->regs + APIC_IRR + BENCH_VECTOR / 32 * 16);
}

bool bench_is_raised(struct vm *rx)
{
	struct kvm_lapic_state lapic;

	vcpu_ioctl(&rx->vcpus[0], KVM_GET_LAPIC, &lapic);
	return *irr_word(&lapic) & 1u << BENCH_VECTOR % 32;
}

void bench_clear_raised(struct vm *rx)
{
	struct kvm_lapic_state lapic;

	vcpu_ioctl(&rx->vcpus[0], KVM_GET_LAPIC, &lapic);
	*irr_word(&lapic) = 0;
	vcpu_ioctl(&rx->vcpus[0], KVM_SET_LAPIC, &lapic);
}

struct bench_pair bench_pair(bool msi)
{
	struct bench_pair p = { .rx = bench_receiver(msi), .tx = vm_create(1, 0) };

	p.rx_fd = pvi_bind(p.rx, pvi_uuid[0]);
	p.tx_fd = pvi_bind(p.tx, pvi_uuid[1]);
	pvi_expose(p.rx_fd, BENCH_GSI, KVM_PVI_GSI_DIRECT);
	pvi_allow(p.rx_fd, pvi_uuid[1], BENCH_GSI);
	return p;
}

void bench_by_port(struct bench_pair *p)
{
	bench_regs = (struct bench_regs){
		.rax = KVM_HC_NOTIFY,
		.rbx = pvi_connect(p->tx_fd, pvi_uuid[0], BENCH_GSI),
	};
}

void bench_by_uuid(void)
{
	bench_regs = (struct bench_regs){
		.rax = KVM_HC_PVI, .rbx = (u64)pvi_uuid[0], .rcx = BENCH_GSI,
	};
}

void bench_null(const char *name, struct vm *vm)
{
	bench_regs = (struct bench_regs){ .rax = KVM_HC_VAPIC_POLL_IRQ };
	ASSERT_EQ(bench_rings(name, &vm->vcpus[0], BENCH_HYPERCALL), 0);
}

/* One descriptor for each endpoint and each VM */
void bench_raise_limits(void)
{
	struct rlimit limit = { .rlim_cur = 65536, .rlim_max = 65536 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		TEST_FAIL("cannot have 65536 descriptors: %s", strerror(errno));
}

/* Directories of VMs that KVM has not destroyed yet, among others */
u64 bench_nr_kvm_dirs(void)
{
	struct stat stat_buf;

	if (stat("/sys/kernel/debug/kvm", &stat_buf))
		TEST_FAIL("/sys/kernel/debug/kvm: %s", strerror(errno));
	return stat_buf.st_nlink;
}

static u64 nr_dirs_idle;

void bench_begin(void)
{
	nr_dirs_idle = bench_nr_kvm_dirs();
}

/* The rows before this one have left nothing, neither VMs nor objects that wait to be freed */
void bench_settle(void)
{
	if (!wait_until(bench_nr_kvm_dirs() <= nr_dirs_idle, 60000))
		TEST_FAIL("VMs of an earlier row have not gone");
	sleep(1);
}

static void hold_vms(u32 first, u32 nr, int done)
{
	u32 i;

	for (i = first; i < first + nr; i++) {
		struct vm vm = { .fd = bench_new_kvm() };

		pvi_bind(&vm, bench_uuid[i]);
	}
	signal_eventfd(done);
	for (;;)
		pause();
}

void bench_populate(u32 first, u32 nr)
{
	int done = new_eventfd();
	pid_t pid;

	bench_raise_limits();
	pid = fork();
	if (!pid)
		hold_vms(first, nr, done);
	ASSERT_GT(pid, 0);
	ASSERT_TRUE(wait_readable(done, 120000));
}

int bench_new_kvm(void)
{
	return test_ioctl(__FILE__, __LINE__, "KVM_CREATE_VM", kvm_dev_fd(), KVM_CREATE_VM, NULL);
}
