// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi hypercall - table of calls, checks of their arguments
 *
 * One table serves guests, by hook.c, and host processes, by KVM_PVI_CALL.
 * The calls on the way of a ring run under RCU and never sleep; the others
 * hold a reference to their endpoint. Addresses are read before and written
 * after either.
 */
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "bell_call.h"
#include "connect.h"
#include "deliver.h"
#include "event.h"
#include "expose.h"
#include "hypercall.h"
#include "inside.h"
#include "kvm_abi.h"
#include "many.h"
#include "port.h"
#include "query.h"
#include "reply.h"
#include "ring.h"
#include "walk.h"

/**
 * struct call_desc - one hypercall
 * @fn: serves it
 * @nargs: arguments from the first on it looks at; the rest must be 0
 * @uuid: the first argument is the address of a UUID
 * @sleeps: not under RCU, but with a reference to the caller
 * @locks: takes the endpoint's lock
 * @rbx: gives back a second value
 */
struct call_desc {
	s64 (*fn)(struct pvi_call *c);
	u8 nargs;
	bool uuid;
	bool sleeps;
	bool locks;
	bool rbx;
};

/* The caller's own GSI. Valid under RCU. */
static struct pvi_gsi *call_own_gsi(struct pvi_call *c)
{
	return pvi_gsi_valid(c->args[0]) ? pvi_gsi_find(c->vm, c->args[0]) : NULL;
}

u32 pvi_hypercall_features(void)
{
	return KVM_PVI_FEAT_PRESENT | KVM_PVI_FEAT_RING | KVM_PVI_FEAT_RBX |
	       KVM_PVI_FEAT_MANY | KVM_PVI_FEAT_MSI | KVM_PVI_FEAT_BELL |
	       KVM_PVI_FEAT_STATUS | KVM_PVI_FEAT_PEERS | KVM_PVI_ABI_MAJOR << 24;
}

static s64 call_features(struct pvi_call *c)
{
	u32 feat = pvi_hypercall_features();

	if (!c->rbx_returned)
		feat &= ~KVM_PVI_FEAT_RBX;
	return feat;
}

static s64 call_ring(struct pvi_call *c)
{
	s64 ret = -KVM_PVI_ENOSYS;

	if (!pvi_gsi_valid(c->args[1]))
		return -EINVAL;
	if (!memchr_inv(&c->uuid, 0xff, sizeof(c->uuid)))
		return pvi_walk_broadcast(c->vm, c->args[1], c->args[2]);
	if (c->args[2])
		return -EINVAL;
	rcu_read_lock();
	if (pvi_vm_bound(c->vm))
		ret = pvi_ring_uuid(c->vm, pvi_words_of(&c->uuid), c->args[1]);
	rcu_read_unlock();
	return ret;
}

static s64 call_notify(struct pvi_call *c)
{
	return pvi_ring_port(c->vm, c->args[0]);
}

static s64 call_notify_many(struct pvi_call *c)
{
	c->rbx = pvi_many_notify(c->vm, c->args[0], c->args[1]);
	return hweight64(c->rbx);
}

static s64 call_connect(struct pvi_call *c)
{
	if (!pvi_gsi_valid(c->args[1]))
		return -EINVAL;
	return pvi_connect_guest(c->vm, &c->uuid, c->args[1], c->user);
}

static s64 call_disconnect(struct pvi_call *c)
{
	return pvi_port_disconnect(c->vm, c->args[0]);
}

static s64 call_arm(struct pvi_call *c)
{
	struct pvi_gsi *g = call_own_gsi(c);

	if (!g)
		return -ENOENT;
	pvi_deliver_owed(g);
	return 0;
}

static s64 call_set_msi(struct pvi_call *c)
{
	struct pvi_gsi *g = call_own_gsi(c);

	if (!g)
		return -ENOENT;
	if (g->kind != KVM_PVI_GSI_MSI || !pvi_msi_valid(c->args[1], c->args[2]))
		return -EINVAL;
	pvi_msi_set(g, c->args[1], c->args[2]);
	if (c->args[1])
		pvi_deliver_owed(g);
	return 0;
}

static s64 call_reset(struct pvi_call *c)
{
	int ret = pvi_vm_lock(c->vm);

	if (ret)
		return -KVM_PVI_ENOSYS;
	pvi_port_reset(c->vm);
	pvi_expose_reset(c->vm);
	pvi_event_set_config(c->vm, KVM_PVI_GSI_ANY);
	pvi_vm_unlock(c->vm);
	return 0;
}

static s64 call_set_config(struct pvi_call *c)
{
	return pvi_event_set_config(c->vm, c->args[0]);
}

static s64 call_query(struct pvi_call *c)
{
	return pvi_query(c->vm, c->args[0], c->args[1], c->args[2]);
}

#define CALL(nr)[(nr) - KVM_HC_PVI_BASE]

static const struct call_desc calls[KVM_HC_PVI_NR] = {
	CALL(KVM_HC_PVI_FEATURES) =	{ .fn = call_features },
	CALL(KVM_HC_PVI) =		{ .fn = call_ring, .nargs = 3, .uuid = true, .sleeps = true },
	CALL(KVM_HC_NOTIFY) =		{ .fn = call_notify, .nargs = 1 },
	CALL(KVM_HC_NOTIFY_MANY) =	{ .fn = call_notify_many, .nargs = 2, .sleeps = true, .rbx = true },
	CALL(KVM_HC_PVI_CONNECT) =	{ .fn = call_connect, .nargs = 2, .uuid = true, .sleeps = true,
					  .locks = true },
	CALL(KVM_HC_PVI_DISCONNECT) =	{ .fn = call_disconnect, .nargs = 1, .sleeps = true, .locks = true },
	CALL(KVM_HC_PVI_SET_MSI) =	{ .fn = call_set_msi, .nargs = 3 },
	CALL(KVM_HC_BELL_SEND) =	{ .fn = pvi_bell_call_send, .nargs = 3, .rbx = true },
	CALL(KVM_HC_BELL_RECEIVE) =	{ .fn = pvi_bell_call_receive, .nargs = 3, .rbx = true },
	CALL(KVM_HC_BELL_MASK) =	{ .fn = pvi_bell_call_mask, .nargs = 4 },
	CALL(KVM_HC_BELL_RESET) =	{ .fn = pvi_bell_call_reset, .nargs = 1 },
	CALL(KVM_HC_PVI_PEERS) =	{ .fn = pvi_walk_list, .nargs = 3, .sleeps = true },
	CALL(KVM_HC_PVI_RESET) =	{ .fn = call_reset, .sleeps = true, .locks = true },
	CALL(KVM_HC_PVI_ARM) =		{ .fn = call_arm, .nargs = 1 },
	CALL(KVM_HC_PVI_SET_CONFIG) =	{ .fn = call_set_config, .nargs = 1 },
	CALL(KVM_HC_PVI_QUERY) =	{ .fn = call_query, .nargs = 3 },
};

bool pvi_hypercall_returns_rbx(u32 nr)
{
	return calls[array_index_nospec(nr, KVM_HC_PVI_NR)].rbx;
}

static bool call_unused_are_zero(const struct pvi_call *c, unsigned int nargs)
{
	u64 any = 0;

	for (; nargs < ARRAY_SIZE(c->args); nargs++)
		any |= c->args[nargs];
	return !any;
}

static int call_read_uuid(struct pvi_call *c, bool may_sleep)
{
	if (!IS_ALIGNED(c->args[0], UUID_SIZE))
		return -EINVAL;
	if (c->vcpu)
		return pvi_kvm_read(c->vcpu, c->args[0], &c->uuid, UUID_SIZE, may_sleep) ?
		       -EFAULT : 0;
	return copy_from_user(&c->uuid, u64_to_user_ptr(c->args[0]), UUID_SIZE) ? -EFAULT : 0;
}

/*
 * Called under RCU; false: not bound, nothing of ours is answered. The death of
 * an endpoint waits for read sections that found it alive, not for later ones.
 */
static bool call_find_caller(struct pvi_call *c)
{
	if (c->vcpu)
		c->vm = pvi_vm_find_kvm(c->kvm);
	return c->vm && (c->vcpu || pvi_vm_bound(c->vm));
}

static bool call_get_caller(struct pvi_call *c)
{
	bool found;

	rcu_read_lock();
	found = call_find_caller(c) && (!c->vcpu || kref_get_unless_zero(&c->vm->ref));
	rcu_read_unlock();
	return found;
}

static void call_put_caller(struct pvi_call *c)
{
	if (c->vcpu)
		pvi_vm_put(c->vm);
}

static bool call_is_bound(struct pvi_call *c)
{
	bool bound;

	rcu_read_lock();
	bound = call_find_caller(c);
	rcu_read_unlock();
	return bound;
}

/*
 * A guest has many vCPUs, and its control group may stop each where it stands: one at a time competes for the
 * endpoint's lock with who manages it.
 */
static s64 call_locking(struct pvi_call *c, const struct call_desc *call)
{
	s64 ret;

	/* Of one who is killed nobody looks at it. */
	if (wait_var_event_killable(&c->vm->guest_calls, !xchg(&c->vm->guest_calls, 1)))
		return -KVM_PVI_ENOSYS;
	ret = call->fn(c);
	pvi_vm_set_and_wake(&c->vm->guest_calls, 0);
	return ret;
}

/*
 * Returns false if the call is none of ours, or the caller is not bound: KVM's
 * ENOSYS stands. A call whose @vcpu is NULL comes with @vm and a reference.
 */
bool pvi_hypercall_serve(struct pvi_call *c, s64 *ret)
{
	const struct call_desc *call = &calls[array_index_nospec(c->nr, KVM_HC_PVI_NR)];
	int err = 0;
	bool found;

	if (!call->fn)
		return false;
	if (!call_unused_are_zero(c, call->nargs)) {
		*ret = -EINVAL;
		return call_is_bound(c);
	}
	if (call->uuid)
		err = call_read_uuid(c, false);
	if (err == -EFAULT && c->vcpu && call_is_bound(c) && !pvi_inside_sleep(c)) {
		err = call_read_uuid(c, true);
		pvi_inside_wake(c);
	}
	if (err) {
		*ret = err;
		return call_is_bound(c);
	}

	if (call->sleeps) {
		if (!call_get_caller(c))
			return false;
		*ret = call->locks && c->vcpu ? call_locking(c, call) : call->fn(c);
		call_put_caller(c);
		return *ret != -KVM_PVI_ENOSYS;
	}
	rcu_read_lock();
	found = call_find_caller(c);
	if (found)
		*ret = call->fn(c);
	rcu_read_unlock();
	return found;
}

/*
 * The caller hears nothing of what it did, so no flag may be lost that nobody
 * handles. A port was answered before it was made. All else holds; it was done,
 * and to do it again does no harm.
 */
static void call_undo(struct pvi_call *c)
{
	if (c->nr + KVM_HC_PVI_BASE != KVM_HC_BELL_RECEIVE)
		return;
	rcu_read_lock();
	if (pvi_vm_bound(c->vm))
		pvi_bell_call_unreceive(c);
	rcu_read_unlock();
}

int pvi_hypercall_ioctl(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_call *u = arg;
	struct pvi_call c = {
		.vm = vm,
		.user = u,
		.nr = u->nr - KVM_HC_PVI_BASE,
		.wide = true,
		.rbx_returned = true,
	};
	int ret;

	if (u->__reserved)
		return -EINVAL;
	memcpy(c.args, u->args, sizeof(c.args));
	u->ret2 = 0;
	if (c.nr >= KVM_HC_PVI_NR || !pvi_hypercall_serve(&c, &u->ret))
		u->ret = -KVM_PVI_ENOSYS;
	else if (u->ret >= 0)
		u->ret2 = c.rbx;
	if (u->ret >= 0 && c.nr + KVM_HC_PVI_BASE == KVM_HC_PVI_CONNECT)
		return 0;
	ret = pvi_reply(u);
	if (ret && u->ret >= 0)
		call_undo(&c);
	return ret;
}
