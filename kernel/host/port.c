// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi port - a sender's ports
 *
 * A port is an eventfd that the VMM wired, or a connection: a permission that
 * was looked up and checked once. The connection holds the edge, not the
 * receiver, so a port to a dead or revoked one is told from its state and never
 * reaches a successor with the same UUID.
 *
 * The number of a port that a guest made names its binding too, above the index:
 * a guest that was bound anew behind its back rings nothing by its old numbers.
 * What the VMM makes has the index alone: it makes the same ones for each binding.
 */
#include <linux/cred.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "limit.h"
#include "pvi.h"

static unsigned int max_ports = 4096;
PVI_LIMIT(max_ports, 65536, "ports of one endpoint");

/* Of endpoints without ports: the hot path need not ask whether there is a table. */
static struct pvi_port_table no_ports;

static struct pvi_port_table *table_of(struct pvi_vm *vm)
{
	return rcu_dereference_protected(vm->ports, true);
}

void pvi_port_init(struct pvi_vm *vm)
{
	RCU_INIT_POINTER(vm->ports, &no_ports);
}

/* The first index behind all ports. Called with vm->lock held. */
u32 pvi_port_end(struct pvi_vm *vm)
{
	lockdep_assert_held(&vm->lock);
	return table_of(vm)->size;
}

/* Makes room for @index. */
static int grow(struct pvi_vm *vm, u32 index)
{
	struct pvi_port_table *old = table_of(vm), *new;
	u32 size = max_t(u32, roundup_pow_of_two(index + 1), 8);

	if (index < old->size)
		return 0;
	new = kvzalloc(struct_size(new, port, size), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->size = size;
	memcpy(new->port, old->port, old->size * sizeof(old->port[0]));
	rcu_assign_pointer(vm->ports, new);
	if (old != &no_ports)
		kvfree_rcu(old, rcu);
	return 0;
}

/* What stands above the index of @p. */
static u32 generation_of(struct pvi_vm *vm, const struct pvi_port *p)
{
	lockdep_assert_held(&vm->lock);
	if (p->by_vmm)
		return 0;
	if (!vm->generation)
		vm->generation = pvi_generation_new();
	return vm->generation << KVM_PVI_PORT_INDEX_BITS;
}

/*
 * Puts @p at index *@port, or at the lowest free one if that is KVM_PVI_PORT_ANY; stores its
 * number there.
 */
static int insert(struct pvi_vm *vm, struct pvi_port *p, u32 *port)
{
	u32 max = READ_ONCE(max_ports);
	u32 at = *port;
	int ret;

	lockdep_assert_held(&vm->lock);
	if (at == KVM_PVI_PORT_ANY) {
		while (pvi_port_at(vm, vm->free_port))
			vm->free_port++;
		at = vm->free_port;
		if (at >= max)
			return -ENOSPC;
	}
	if (at >= max)
		return -EINVAL;
	if (pvi_port_at(vm, at))
		return -EEXIST;
	ret = grow(vm, at);
	if (ret)
		return ret;
	p->number = generation_of(vm, p) | at;
	rcu_assign_pointer(table_of(vm)->port[at], p);
	*port = p->number;
	return 0;
}

/* Nobody finds @port from here on; the caller waits for those who had found it. */
static struct pvi_port *erase(struct pvi_vm *vm, u32 port)
{
	struct pvi_port *p = pvi_port_find(vm, port);
	u32 index = KVM_PVI_PORT_INDEX(port);

	if (p) {
		RCU_INIT_POINTER(table_of(vm)->port[index], NULL);
		vm->free_port = min(vm->free_port, index);
	}
	return p;
}

int pvi_port_set(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_port *u = arg;
	struct pvi_port *p;
	int ret;

	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	p->by_vmm = true;
	p->eventfd = pvi_eventfd_get_sink(u->fd);
	if (IS_ERR(p->eventfd)) {
		ret = PTR_ERR(p->eventfd);
		goto err_free;
	}
	ret = pvi_vm_lock(vm);
	if (ret)
		goto err_eventfd;
	ret = insert(vm, p, &u->port);
	mutex_unlock(&vm->lock);
	if (ret)
		goto err_eventfd;
	return 0;

err_eventfd:
	pvi_eventfd_put_sink(p->eventfd);
err_free:
	kfree(p);
	return ret;
}

/* Whoever had found @p has left. */
static void port_free(struct pvi_port *p)
{
	if (p->eventfd)
		pvi_eventfd_put_sink(p->eventfd);
	else
		pvi_acl_put(p->edge);
	kfree(p);
}

/* Must not sleep, and need not: what a guest makes is no eventfd. */
static void port_free_rcu(struct rcu_head *rcu)
{
	port_free(container_of(rcu, struct pvi_port, rcu));
}

int pvi_port_close(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_port *u = arg;
	struct pvi_port *p;
	int ret;

	if (u->fd)
		return -EINVAL;
	ret = pvi_vm_lock(vm);
	if (ret)
		return ret;
	p = erase(vm, u->port);
	mutex_unlock(&vm->lock);
	if (!p)
		return -ENOENT;

	synchronize_rcu();
	port_free(p);
	return 0;
}

/* What a permission to ring @gsi of @to has to name. Called under RCU. */
static u32 what_of(const uuid_t *to, u32 gsi)
{
	struct pvi_vm *vm = pvi_vm_find_uuid(to);
	struct pvi_gsi *g = vm ? pvi_gsi_find(vm, gsi) : NULL;

	return g ? pvi_bell_what(g) : gsi;
}

/* Returns a new port by the permission to ring @gsi of @to, or an error. */
static struct pvi_port *port_by_uuid(struct pvi_vm *vm, const uuid_t *to, u32 gsi,
				     const kuid_t *owner)
{
	struct pvi_port *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	struct pvi_edge *edge;
	u32 what;

	if (!p)
		return ERR_PTR(-ENOMEM);
	p->gsi = gsi;
	rcu_read_lock();
	what = what_of(to, gsi);
	edge = pvi_acl_find(vm, pvi_uuid_words(to), what);
	if (edge && !pvi_vm_dying(edge->vm) && pvi_gsi_find(edge->vm, gsi) &&
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
static void connected(struct pvi_vm *vm, struct pvi_edge *edge)
{
	rcu_read_lock();
	if (READ_ONCE(edge->state) == PVI_EDGE_LIVE && READ_ONCE(edge->heard) != vm->epoch)
		pvi_peer_hear(vm, edge);
	rcu_read_unlock();
}

/* The same by what KVM_PVI_GRANT gave. */
static struct pvi_port *port_by_grant(struct pvi_vm *vm, int fd, const kuid_t *owner)
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

static int connect(struct pvi_vm *vm, struct pvi_port *p, bool by_vmm, u32 *port)
{
	int ret;

	if (IS_ERR(p))
		return PTR_ERR(p);
	p->by_vmm = by_vmm;
	ret = pvi_vm_lock(vm);
	if (ret)
		goto err_free;
	ret = insert(vm, p, port);
	if (!ret)
		connected(vm, p->edge);
	mutex_unlock(&vm->lock);
	if (ret)
		goto err_free;
	return 0;

err_free:
	if (pvi_edge_is_grant(p->edge))
		pvi_grant_unuse(p->edge);
	port_free(p);
	return ret;
}

int pvi_port_connect(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_connect *u = arg;
	kuid_t owner = INVALID_UID;
	bool grant = u->flags & KVM_PVI_CONNECT_GRANT;
	bool pin = u->flags & KVM_PVI_CONNECT_OWNER;
	uuid_t to;

	import_uuid(&to, u->uuid);
	if (grant ? !uuid_is_null(&to) || u->gsi :
		    !pvi_uuid_is_name(&to) || !pvi_gsi_valid(u->gsi) || u->grant_fd)
		return -EINVAL;
	if (pin)
		owner = make_kuid(current_user_ns(), u->owner);
	if (pin ? !uid_valid(owner) : u->owner)
		return -EINVAL;
	if (grant)
		return connect(vm, port_by_grant(vm, u->grant_fd, pin ? &owner : NULL), true,
			       &u->port);
	return connect(vm, port_by_uuid(vm, &to, u->gsi, pin ? &owner : NULL), true, &u->port);
}

s64 pvi_port_guest_connect(struct pvi_vm *vm, const uuid_t *to, u32 gsi)
{
	u32 port = KVM_PVI_PORT_ANY;
	int ret;

	if (!pvi_uuid_is_name(to))
		return -EINVAL;
	ret = connect(vm, port_by_uuid(vm, to, gsi, NULL), false, &port);
	if (ret == -ENODEV)
		return -KVM_PVI_ENOSYS;
	return ret ? ret : (s64)port;
}

static struct pvi_port *port_dead(struct pvi_vm *vm, const uuid_t *to, u32 gsi)
{
	struct pvi_port *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return ERR_PTR(-ENOMEM);
	p->gsi = gsi;
	p->edge = pvi_acl_dead(vm, to, gsi);
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
struct pvi_port *pvi_port_stage(struct pvi_vm *vm, u32 port, const uuid_t *to, u32 gsi, bool dead)
{
	struct pvi_port *p = ERR_PTR(-EPERM);
	u32 index = KVM_PVI_PORT_INDEX(port);
	int ret;

	if (port > S32_MAX || index >= READ_ONCE(max_ports))
		return ERR_PTR(-EINVAL);
	if (pvi_port_at(vm, index))
		return ERR_PTR(-EEXIST);
	ret = grow(vm, index);
	if (ret)
		return ERR_PTR(ret);
	if (!dead)
		p = port_by_uuid(vm, to, gsi, NULL);
	if (p == ERR_PTR(-EPERM))
		p = port_dead(vm, to, gsi);
	if (!IS_ERR(p))
		p->number = port;
	return p;
}

void pvi_port_commit(struct pvi_vm *vm, struct pvi_port *p)
{
	lockdep_assert_held(&vm->lock);
	rcu_assign_pointer(table_of(vm)->port[KVM_PVI_PORT_INDEX(p->number)], p);
}

void pvi_port_unstage(struct pvi_port *p)
{
	port_free(p);
}

/* Only what the guest made itself. */
int pvi_port_guest_disconnect(struct pvi_vm *vm, u64 port)
{
	struct pvi_port *p;
	int ret;

	if (port > U32_MAX)
		return -ENOENT;
	ret = pvi_vm_lock(vm);
	if (ret)
		return -KVM_PVI_ENOSYS;
	p = pvi_port_find(vm, port);
	if (!p) {
		ret = -ENOENT;
	} else if (p->by_vmm) {
		ret = -EPERM;
	} else {
		erase(vm, port);
		call_rcu(&p->rcu, port_free_rcu);
	}
	mutex_unlock(&vm->lock);
	return ret;
}

/* The guest starts anew: close what it made. */
void pvi_port_reset(struct pvi_vm *vm)
{
	struct pvi_port *p;
	u32 index;

	for (index = 0; index < pvi_port_end(vm); index++) {
		p = pvi_port_at(vm, index);
		if (!p || p->by_vmm)
			continue;
		erase(vm, p->number);
		call_rcu(&p->rcu, port_free_rcu);
	}
}

/* The last reference to the endpoint has gone, and the rings that found it alive have left. */
void pvi_port_free(struct pvi_vm *vm)
{
	struct pvi_port_table *t = table_of(vm);
	u32 index;

	for (index = 0; index < t->size; index++) {
		struct pvi_port *p = rcu_dereference_protected(t->port[index], true);

		if (p)
			port_free(p);
		cond_resched();
	}
	RCU_INIT_POINTER(vm->ports, &no_ports);
	if (t != &no_ports)
		kvfree_rcu(t, rcu);
}

/* KVM_PVI_PORT_EVENTFD... Called under RCU or vm->lock. */
u32 pvi_port_state(const struct pvi_port *p)
{
	if (p->eventfd)
		return KVM_PVI_PORT_EVENTFD;
	switch (READ_ONCE(p->edge->state)) {
	case PVI_EDGE_LIVE:
		return KVM_PVI_PORT_LIVE;
	case PVI_EDGE_DEAD:
		return KVM_PVI_PORT_DEAD;
	}
	return KVM_PVI_PORT_REVOKED;
}

u32 pvi_port_max(void)
{
	return READ_ONCE(max_ports);
}
