// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi connect - ports that lead to a peer
 *
 * A permission is looked up and checked once, by UUID or by a grant's
 * descriptor, and the port holds it.
 */
#include <linux/cred.h>
#include <linux/slab.h>

#include "acl.h"
#include "bell.h"
#include "connect.h"
#include "grant.h"
#include "peer.h"
#include "reply.h"
#include "ring.h"

/* What a permission to ring @gsi of @to has to name. Called under RCU. */
static u32 connect_what(const uuid_t *to, u32 gsi)
{
	struct pvi_vm *vm = pvi_vm_find_uuid(to);
	struct pvi_gsi *g = vm ? pvi_gsi_find(vm, gsi) : NULL;

	return g ? pvi_bell_what(g) : gsi;
}

/* Returns a new port by the permission to ring @gsi of @to, or an error. */
static struct pvi_port *connect_by_uuid(struct pvi_vm *vm, const uuid_t *to, u32 gsi,
					const kuid_t *owner)
{
	struct pvi_port *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	struct pvi_edge *edge;
	u32 what;

	if (!p)
		return ERR_PTR(-ENOMEM);
	p->gsi = gsi;
	rcu_read_lock();
	what = connect_what(to, gsi);
	edge = pvi_acl_find(vm, pvi_words_of(to), what);
	if (edge && pvi_vm_bound(edge->vm) && pvi_gsi_find(edge->vm, gsi) &&
	    (!owner || uid_eq(*owner, edge->vm->owner)) && kref_get_unless_zero(&edge->ref))
		p->edge = edge;
	rcu_read_unlock();
	if (p->edge)
		return p;
	kfree(p);
	pvi_ring_denied(vm, to, gsi);
	return ERR_PTR(-EPERM);
}

/* The receiver hears of @vm, unless it has died or revoked meanwhile. */
static void connect_tell(struct pvi_vm *vm, struct pvi_edge *edge)
{
	rcu_read_lock();
	if (READ_ONCE(edge->state) == PVI_EDGE_LIVE && READ_ONCE(edge->heard) != vm->epoch)
		pvi_peer_hear(vm, edge);
	rcu_read_unlock();
}

/* Returns a new port by what KVM_PVI_GRANT gave, or an error. */
static struct pvi_port *connect_by_grant(struct pvi_vm *vm, int fd, const kuid_t *owner)
{
	struct pvi_port *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	struct pvi_edge *edge;

	if (!p)
		return ERR_PTR(-ENOMEM);
	edge = pvi_grant_get(vm, fd, owner, &p->gsi);
	if (IS_ERR(edge)) {
		kfree(p);
		return ERR_CAST(edge);
	}
	p->edge = edge;
	return p;
}

/* What comes last: of a grant a use, and the receiver hears of it. */
static int connect_last(struct pvi_vm *vm, struct pvi_port *p)
{
	int ret = pvi_edge_is_grant(p->edge) ? pvi_grant_use(vm, p->edge) : 0;

	if (!ret)
		connect_tell(vm, p->edge);
	return ret;
}

static int connect_reply(void *arg, u32 port)
{
	struct kvm_pvi_connect *u = arg;

	u->port = port;
	return pvi_reply(u);
}

int pvi_connect(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_connect *u = arg;
	kuid_t owner = INVALID_UID;
	bool grant = u->flags & KVM_PVI_CONNECT_GRANT;
	bool pin = u->flags & KVM_PVI_CONNECT_OWNER;
	struct pvi_port *p;
	uuid_t to;
	s64 ret;

	import_uuid(&to, u->uuid);
	if (grant ? !uuid_is_null(&to) || u->gsi :
		    !pvi_words_uuid_is_name(&to) || !pvi_gsi_valid(u->gsi) || u->grant_fd)
		return -EINVAL;
	if (pin)
		owner = make_kuid(current_user_ns(), u->owner);
	if (pin ? !uid_valid(owner) : u->owner)
		return -EINVAL;
	p = grant ? connect_by_grant(vm, u->grant_fd, pin ? &owner : NULL) :
		    connect_by_uuid(vm, &to, u->gsi, pin ? &owner : NULL);
	if (IS_ERR(p))
		return PTR_ERR(p);
	p->by_vmm = true;
	ret = pvi_port_add(vm, p, u->port, u, connect_reply, connect_last);
	return ret < 0 ? ret : 0;
}

static int connect_reply_call(void *arg, u32 port)
{
	struct kvm_pvi_call *u = arg;

	u->ret = port;
	return pvi_reply(u);
}

/* @call: of a KVM_PVI_CALL; it has been answered if this succeeds. NULL for a vCPU. */
s64 pvi_connect_guest(struct pvi_vm *vm, const uuid_t *to, u32 gsi, struct kvm_pvi_call *call)
{
	struct pvi_port *p;
	s64 ret;

	if (!pvi_words_uuid_is_name(to))
		return -EINVAL;
	p = connect_by_uuid(vm, to, gsi, NULL);
	if (IS_ERR(p))
		return PTR_ERR(p);
	ret = pvi_port_add(vm, p, KVM_PVI_PORT_ANY, call, connect_reply_call, connect_last);
	/* Of one who is killed nobody looks at it. */
	return ret == -ENODEV || ret == -EINTR ? -KVM_PVI_ENOSYS : ret;
}

static struct pvi_port *connect_dead(struct pvi_vm *vm, const uuid_t *to, u32 gsi)
{
	struct pvi_port *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return ERR_PTR(-ENOMEM);
	p->gsi = gsi;
	p->edge = pvi_edge_dead(vm, to, gsi);
	if (p->edge)
		return p;
	kfree(p);
	return ERR_PTR(-ENOMEM);
}

/*
 * Returns a port to be put where its number @port says later, which then cannot
 * fail, or an error. It is connected anew; where that is not permitted, or was
 * @dead before, it is one to a dead receiver. The generation in its number is that
 * of the binding it was made in, on whatever host.
 */
struct pvi_port *pvi_connect_stage(struct pvi_vm *vm, u32 port, const uuid_t *to, u32 gsi,
				   bool dead)
{
	struct pvi_port *p = ERR_PTR(-EPERM);
	int ret;

	ret = pvi_port_reserve(vm, port);
	if (ret)
		return ERR_PTR(ret);
	if (!dead)
		p = connect_by_uuid(vm, to, gsi, NULL);
	if (p == ERR_PTR(-EPERM))
		p = connect_dead(vm, to, gsi);
	if (!IS_ERR(p))
		p->number = port;
	return p;
}

/* Of what is staged, after all that could fail. */
void pvi_connect_commit(struct pvi_vm *vm, struct pvi_port *p)
{
	pvi_port_commit(vm, p);
	connect_tell(vm, p->edge);
}
