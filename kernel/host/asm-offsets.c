// SPDX-License-Identifier: GPL-2.0-only
/* kvm_pvi asm-offsets - what hook_entry.S needs of C's structures */
#define COMPILE_OFFSETS

#include <linux/kbuild.h>
#include <linux/kvm_host.h>
#include <uapi/linux/kvm_pvi.h>

static void __used common(void)
{
	OFFSET(PVI_VCPU_RAX, kvm_vcpu, arch.regs[VCPU_REGS_RAX]);
	DEFINE(PVI_HC_BASE, KVM_HC_PVI_BASE);
	DEFINE(PVI_HC_NR, KVM_HC_PVI_NR);
}
