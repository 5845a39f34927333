/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi - differences between kernels' interfaces that take hypercalls for themselves */
#ifndef _PVI_COMPAT_HYPERCALL_H
#define _PVI_COMPAT_HYPERCALL_H

#include <linux/kvm_host.h>
#include <linux/version.h>

/* Hyper-V's was always built until 6.8. The guest may have it, whether it uses it or not. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0) || IS_ENABLED(CONFIG_KVM_HYPERV)
static __always_inline bool pvi_compat_has_hyperv(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.hyperv_enabled;
}
#else
static __always_inline bool pvi_compat_has_hyperv(const struct kvm_vcpu *vcpu)
{
	return false;
}
#endif

/* Xen's has moved within struct kvm_arch in 6.15. */
#if !IS_ENABLED(CONFIG_KVM_XEN)
static __always_inline bool pvi_compat_has_xen(const struct kvm *kvm)
{
	return false;
}
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
static __always_inline bool pvi_compat_has_xen(const struct kvm *kvm)
{
	return kvm->arch.xen_hvm_config.flags & KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL;
}
#else
static __always_inline bool pvi_compat_has_xen(const struct kvm *kvm)
{
	return kvm->arch.xen.hvm_config.flags & KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL;
}
#endif

#endif /* _PVI_COMPAT_HYPERCALL_H */
