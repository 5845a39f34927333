// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: Xen's EVTCHNOP_send, to an eventfd and to a port */
#include "bench.h"
#include "foreign.h"
#include "xen.h"

#define HYPERVISOR_EVENT_CHANNEL_OP 32
#define EVTCHNOP_SEND		4
#define EVTCHNSTAT_INTERDOMAIN	2
#define SEND_PORT		1
#define PORT			5	/* of the same VM; KVM delivers to no other */

struct xen_shared_info xen_shared_info __aligned(PAGE_SIZE);
struct xen_vcpu_info xen_vcpu_info __aligned(64);
static u32 send_port = SEND_PORT;

static void set_attr(struct vm *vm, struct kvm_xen_hvm_attr attr)
{
	vm_ioctl(vm, KVM_XEN_HVM_SET_ATTR, &attr);
}

static void set_vcpu_attr(struct vcpu *vcpu, struct kvm_xen_vcpu_attr attr)
{
	vcpu_ioctl(vcpu, KVM_XEN_VCPU_SET_ATTR, &attr);
}

static struct vm *new_sender(u32 nr_vcpus)
{
	struct vm *vm = vm_create(nr_vcpus, 0);

	ASSERT_EQ(__vm_be_xen(vm, KVM_XEN_HVM_CONFIG_EVTCHN_SEND), 0);
	bench_regs = (struct bench_regs){
		.rax = HYPERVISOR_EVENT_CHANNEL_OP, .rdi = EVTCHNOP_SEND, .rsi = (u64)&send_port,
	};
	return vm;
}

static void send_to_eventfd(struct vm *vm, int eventfd)
{
	set_attr(vm, (struct kvm_xen_hvm_attr){
		.type = KVM_XEN_ATTR_TYPE_EVTCHN,
		.u.evtchn = {
			.send_port = SEND_PORT,
			.type = EVTCHNSTAT_INTERDOMAIN,
			.deliver.eventfd.fd = eventfd,
		},
	});
}

void row_xen_eventfd(void)
{
	struct vm *tx = new_sender(1);
	int eventfd = new_eventfd();

	send_to_eventfd(tx, eventfd);
	ASSERT_EQ(bench_rings("xen_eventfd", &tx->vcpus[0], BENCH_HYPERCALL), 0);
	ASSERT_EQ(read_eventfd(eventfd), BENCH_SAMPLES);
}

void row_xen_irqfd_msi(void)
{
	struct vm *tx = new_sender(1), *rx = bench_receiver(true);
	int eventfd = new_eventfd();

	vm_irqfd(rx, BENCH_GSI, eventfd);
	send_to_eventfd(tx, eventfd);
	ASSERT_EQ(bench_rings("xen_irqfd_msi", &tx->vcpus[0], BENCH_HYPERCALL), 0);
	ASSERT_TRUE(bench_is_raised(rx));
}

/* To the other vCPU of the same VM, by the vector it takes upcalls on */
void row_xen_port(void)
{
	struct vm *vm = new_sender(2);
	struct vcpu *rx = &vm->vcpus[1];

	set_attr(vm, (struct kvm_xen_hvm_attr){
		.type = KVM_XEN_ATTR_TYPE_SHARED_INFO,
		.u.shared_info.gfn = (u64)&xen_shared_info / PAGE_SIZE,
	});
	set_vcpu_attr(rx, (struct kvm_xen_vcpu_attr){
		.type = KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO, .u.gpa = (u64)&xen_vcpu_info,
	});
	set_vcpu_attr(rx, (struct kvm_xen_vcpu_attr){
		.type = KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR, .u.vector = BENCH_VECTOR,
	});
	set_attr(vm, (struct kvm_xen_hvm_attr){
		.type = KVM_XEN_ATTR_TYPE_EVTCHN,
		.u.evtchn = {
			.send_port = SEND_PORT,
			.type = EVTCHNSTAT_INTERDOMAIN,
			.deliver.port = {
				.port = PORT,
				.vcpu = rx->id,
				.priority = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL,
			},
		},
	});
	ASSERT_EQ(bench_rings("xen_port", &vm->vcpus[0], BENCH_XEN_PORT), 0);
	ASSERT_EQ(xen_shared_info.pending[0], 1ULL << PORT);
	ASSERT_EQ(xen_vcpu_info.upcall_pending, 1);
}
