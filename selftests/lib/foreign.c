// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi selftests: guests whose hypercalls are another hypervisor's */
#include "foreign.h"

#define MSR_GUEST_OS_ID		0x40000000	/* Hyper-V's */
#define HYPERCALL_MSR		0x40000000	/* Xen's */

static void set_leaf(struct kvm_cpuid2 *cpuid, struct kvm_cpuid_entry2 leaf)
{
	u32 i;

	for (i = 0; i < cpuid->nent && cpuid->entries[i].function != leaf.function; i++)
		;
	if (i == cpuid->nent)
		cpuid->nent++;
	cpuid->entries[i] = leaf;
}

void vcpu_sign_hyperv(struct vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[128];
	} cpuid = { .head.nent = 126 };

	vcpu_ioctl(vcpu, KVM_GET_CPUID2, &cpuid);
	set_leaf(&cpuid.head, (struct kvm_cpuid_entry2){
		.function = 0x40000000,
		.eax = 0x40000001,
		.ebx = 0x7263694d, .ecx = 0x666f736f, .edx = 0x76482074, /* "Microsoft Hv" */
	});
	set_leaf(&cpuid.head, (struct kvm_cpuid_entry2){
		.function = 0x40000001,
		.eax = 0x31237648, /* "Hv#1" */
	});
	vcpu_ioctl(vcpu, KVM_SET_CPUID2, &cpuid);
}

void vcpu_be_hyperv(struct vcpu *vcpu)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry os_id;
	} msrs = {
		.head.nmsrs = 1,
		.os_id = { .index = MSR_GUEST_OS_ID, .data = 0x8100000000000000 },
	};

	vcpu_sign_hyperv(vcpu);
	ASSERT_EQ(vcpu_ioctl(vcpu, KVM_SET_MSRS, &msrs), 1);
}

int __vm_be_xen(struct vm *vm, u32 flags)
{
	struct kvm_xen_hvm_config config = {
		.flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL | flags,
		.msr = HYPERCALL_MSR,
	};
	struct kvm_xen_hvm_attr attr = {
		.type = KVM_XEN_ATTR_TYPE_LONG_MODE, .u.long_mode = 1,
	};
	int ret = __vm_ioctl(vm, KVM_XEN_HVM_CONFIG, &config);

	return ret ? ret : __vm_ioctl(vm, KVM_XEN_HVM_SET_ATTR, &attr);
}
