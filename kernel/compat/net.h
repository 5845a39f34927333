/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi - differences between kernels' networks, for kvm_pvi_net */
#ifndef _PVI_COMPAT_NET_H
#define _PVI_COMPAT_NET_H

#include <linux/skbuff.h>
#include <linux/version.h>

/* From 6.10 on, napi_alloc_skb() does not complain where there is no memory. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
static inline struct sk_buff *pvi_compat_napi_alloc_skb(struct napi_struct *napi, unsigned int len)
{
	return __napi_alloc_skb(napi, len, GFP_ATOMIC | __GFP_NOWARN);
}
#else
static inline struct sk_buff *pvi_compat_napi_alloc_skb(struct napi_struct *napi, unsigned int len)
{
	return napi_alloc_skb(napi, len);
}
#endif

#endif /* _PVI_COMPAT_NET_H */
