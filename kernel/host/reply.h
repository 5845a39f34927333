/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi reply - the struct of an ioctl on its way back to the caller */
#ifndef _PVI_REPLY_H
#define _PVI_REPLY_H

#include <linux/container_of.h>
#include <linux/uaccess.h>
#include <uapi/linux/kvm_pvi.h>

union pvi_arg {
	struct kvm_pvi_info info;
	struct kvm_pvi_bind bind;
	struct kvm_pvi_expose expose;
	struct kvm_pvi_gsi gsi;
	struct kvm_pvi_wire wire;
	struct kvm_pvi_allow allow;
	struct kvm_pvi_revoke revoke;
	struct kvm_pvi_port port;
	struct kvm_pvi_connect connect;
	struct kvm_pvi_call call;
	struct kvm_pvi_stats stats;
	struct kvm_pvi_edge edge;
	struct kvm_pvi_reserve reserve;
	struct kvm_pvi_bell bell;
	struct kvm_pvi_set_status status;
	struct kvm_pvi_source source;
	struct kvm_pvi_grant grant;
	struct kvm_pvi_ungrant ungrant;
	struct kvm_pvi_state state;
	struct kvm_pvi_thaw thaw;
	struct kvm_pvi_list list;
};

/**
 * struct pvi_reply - the struct of an ioctl, and where its caller has it
 * @user: there
 * @size: as much of it as the caller knows
 * @sent: it has been copied back
 * @arg: the struct
 */
struct pvi_reply {
	void __user *user;
	size_t size;
	bool sent;
	union pvi_arg arg;
};

/*
 * Copies the results in @arg, which came from pvi_ioctl(), back to the caller.
 * A call that makes something does so itself, before what it has made is there
 * for others, or takes it back if this fails: EFAULT is to mean that nothing
 * has happened. Called without locks.
 */
static inline int pvi_reply(void *arg)
{
	struct pvi_reply *r = container_of(arg, struct pvi_reply, arg);

	if (copy_to_user(r->user, &r->arg, r->size))
		return -EFAULT;
	r->sent = true;
	return 0;
}

#endif /* _PVI_REPLY_H */
