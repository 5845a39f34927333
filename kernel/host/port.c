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
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "eventfd.h"
#include "generation.h"
#include "limit.h"
#include "port.h"
#include "reply.h"

static unsigned int max_ports = 4096;
PVI_LIMIT(max_ports, 65536, "ports of one endpoint");

/* Of endpoints without ports: the hot path need not ask whether there is a table. */
static struct pvi_port_table no_ports;

static struct pvi_port_table *port_table(struct pvi_vm *vm)
{
	return rcu_dereference_protected(vm->ports, true);
}

void pvi_port_init(struct pvi_vm *vm)
{
	RCU_INIT_POINTER(vm->ports, &no_ports);
}

/* The first index behind all ports. Called under RCU or vm->lock. */
u32 pvi_port_end(struct pvi_vm *vm)
{
	return rcu_dereference_check(vm->ports, lockdep_is_held(&vm->lock))->size;
}

/* Makes room for @index. */
static int port_table_grow(struct pvi_vm *vm, u32 index)
{
	struct pvi_port_table *old = port_table(vm), *new;
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
static u32 port_generation(struct pvi_vm *vm, const struct pvi_port *p)
{
	lockdep_assert_held(&vm->lock);
	if (p->by_vmm)
		return 0;
	if (!vm->generation)
		vm->generation = pvi_generation_new();
	return vm->generation << KVM_PVI_PORT_INDEX_BITS;
}

/*
 * Makes room at index *@port, or at the lowest free one if that is KVM_PVI_PORT_ANY; stores
 * it there.
 */
static int port_make_room(struct pvi_vm *vm, u32 *port)
{
	u32 max = READ_ONCE(max_ports);
	u32 at = *port;

	lockdep_assert_held(&vm->lock);
	if (at == KVM_PVI_PORT_ANY) {
		while (pvi_port_at(vm, vm->free_port)) {
			vm->free_port++;
			cond_resched();
		}
		at = vm->free_port;
		if (at >= max)
			return -ENOSPC;
	}
	if (at >= max)
		return -EINVAL;
	if (pvi_port_at(vm, at))
		return -EEXIST;
	*port = at;
	return port_table_grow(vm, at);
}

/*
 * Keeps index *@port, or the lowest free one, for @p, and stores there what its number will be. Nobody finds it until
 * port_show(). What the VMM makes goes with the endpoint from here on: who lets go of vm->lock finds it as it
 * was if the endpoint is still bound, and must not look at it otherwise.
 */
static int port_hold(struct pvi_vm *vm, struct pvi_port *p, u32 *port)
{
	int ret = port_make_room(vm, port);
	u32 at = *port;

	if (ret)
		return ret;
	p->number = at ^ 1;
	rcu_assign_pointer(port_table(vm)->port[at], p);
	*port = port_generation(vm, p) | at;
	return 0;
}

/* @port is what port_hold() has stored. Called with vm->lock held. */
static void port_show(struct pvi_port *p, u32 port)
{
	/* All else of it was there before it was held. */
	WRITE_ONCE(p->number, port);
}

/* Nobody finds @port from here on; the caller waits for those who had found it. */
static struct pvi_port *port_erase(struct pvi_vm *vm, u32 port)
{
	struct pvi_port *p = pvi_port_find(vm, port);
	u32 index = KVM_PVI_PORT_INDEX(port);

	if (p) {
		RCU_INIT_POINTER(port_table(vm)->port[index], NULL);
		vm->free_port = min(vm->free_port, index);
	}
	return p;
}

/* Lets go of the index that is held for @p; who looked there has not found it, and may still read its number. */
static void port_unhold(struct pvi_vm *vm, struct pvi_port *p)
{
	u32 index = KVM_PVI_PORT_INDEX(p->number) ^ 1;

	lockdep_assert_held(&vm->lock);
	RCU_INIT_POINTER(port_table(vm)->port[index], NULL);
	vm->free_port = min(vm->free_port, index);
}

/* Whoever had found @p has left. */
void pvi_port_free(struct pvi_port *p)
{
	if (p->eventfd)
		pvi_eventfd_put_sink(p->eventfd);
	else
		pvi_edge_put(p->edge);
	kfree(p);
}

/* Lets vm->lock go, and waits for those who had found the port. ENOENT. */
static int port_close(struct pvi_vm *vm, u32 port)
	PVI_RELEASES(&vm->lock)
{
	struct pvi_port *p = port_erase(vm, port);

	pvi_vm_unlock(vm);
	if (!p)
		return -ENOENT;
	synchronize_rcu();
	pvi_port_free(p);
	return 0;
}

int pvi_port_close(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_port *u = arg;

	return u->fd ? -EINVAL : pvi_vm_lock(vm) ?: port_close(vm, u->port);
}

/*
 * Makes @p a port at index @asked, or at the lowest free one. Who issued ioctl @arg is told of it by @tell, before
 * anybody can find it; of a failure that comes later it is told @asked again, so that it finds its struct as it was.
 * A guest's @arg is NULL. What @last does comes then, may fail, and is called with vm->lock held.
 * Returns the number of the port, or an error: then @p is freed.
 */
s64 pvi_port_add(struct pvi_vm *vm, struct pvi_port *p, u32 asked, void *arg, int (*tell)(void *arg, u32 port),
		 int (*last)(struct pvi_vm *vm, struct pvi_port *p))
{
	int ret = pvi_vm_lock(vm);
	u32 port = asked;

	if (ret)
		goto err_free;
	ret = port_hold(vm, p, &port);
	if (ret)
		goto err_unlock;
	if (arg) {
		pvi_vm_unlock(vm);
		ret = tell(arg, port);
		/* If it has died @p goes with it. */
		if (pvi_vm_lock_again(vm)) {
			tell(arg, asked);
			return -ENODEV;
		}
	}
	if (!ret && last)
		ret = last(vm, p);
	if (ret)
		port_unhold(vm, p);
	else
		port_show(p, port);
	pvi_vm_unlock(vm);
	if (!ret)
		return port;
	synchronize_rcu();
	if (arg)
		tell(arg, asked);
	goto err_free;

err_unlock:
	pvi_vm_unlock(vm);
err_free:
	pvi_port_free(p);
	return ret;
}

static int port_tell(void *arg, u32 port)
{
	struct kvm_pvi_port *u = arg;

	u->port = port;
	return pvi_reply(u);
}

int pvi_port_set(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_port *u = arg;
	struct pvi_port *p;
	s64 ret;

	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	p->by_vmm = true;
	p->eventfd = pvi_eventfd_get_sink(u->fd);
	if (IS_ERR(p->eventfd)) {
		ret = PTR_ERR(p->eventfd);
		kfree(p);
		return ret;
	}
	ret = pvi_port_add(vm, p, u->port, u, port_tell, NULL);
	return ret < 0 ? ret : 0;
}

/* Must not sleep, and need not: what a guest makes is no eventfd. */
static void port_free_rcu(struct rcu_head *rcu)
{
	pvi_port_free(container_of(rcu, struct pvi_port, rcu));
}

/* Makes room for a port that pvi_port_commit() puts there, which then cannot fail. */
int pvi_port_reserve(struct pvi_vm *vm, u32 port)
{
	u32 index = KVM_PVI_PORT_INDEX(port);

	if (port > S32_MAX || index >= READ_ONCE(max_ports))
		return -EINVAL;
	if (pvi_port_at(vm, index))
		return -EEXIST;
	return port_table_grow(vm, index);
}

void pvi_port_commit(struct pvi_vm *vm, struct pvi_port *p)
{
	lockdep_assert_held(&vm->lock);
	rcu_assign_pointer(port_table(vm)->port[KVM_PVI_PORT_INDEX(p->number)], p);
}

/* Only what the guest made itself. */
int pvi_port_disconnect(struct pvi_vm *vm, u64 port)
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
		port_erase(vm, port);
		call_rcu(&p->rcu, port_free_rcu);
	}
	pvi_vm_unlock(vm);
	return ret;
}

/* The guest starts anew: close what it made. */
void pvi_port_reset(struct pvi_vm *vm)
{
	struct pvi_port *p;
	u32 index;

	for (index = 0; index < pvi_port_end(vm); index++) {
		cond_resched();
		p = pvi_port_at(vm, index);
		/* One that is held comes behind the reset. */
		if (!p || p->by_vmm || !pvi_port_shown(p, index))
			continue;
		port_erase(vm, p->number);
		call_rcu(&p->rcu, port_free_rcu);
	}
}

/*
 * The endpoint has died, and the rings that found it alive have left. What its guest has made stays for
 * KVM_PVI_GET_STATE.
 */
void pvi_port_end_all(struct pvi_vm *vm)
{
	struct pvi_port_table *t = port_table(vm);
	u32 index;

	for (index = 0; index < t->size; index++) {
		struct pvi_port *p = rcu_dereference_protected(t->port[index], true);

		if (p && p->by_vmm) {
			RCU_INIT_POINTER(t->port[index], NULL);
			pvi_port_free(p);
		}
		cond_resched();
	}
}

/* Frees the table and what is left in it, when nobody looks a port up any more. */
void pvi_port_free_all(struct pvi_vm *vm)
{
	struct pvi_port_table *t = port_table(vm);
	u32 index;

	for (index = 0; index < t->size; index++) {
		struct pvi_port *p = rcu_dereference_protected(t->port[index], true);

		if (p)
			pvi_port_free(p);
		cond_resched();
	}
	RCU_INIT_POINTER(vm->ports, &no_ports);
	if (t != &no_ports)
		kvfree_rcu(t, rcu);
}

/* Of one whose receiver dies the rows go behind the event that says so: who has read that finds it dead. */
static u32 port_edge_state(const struct pvi_edge *edge)
{
	u32 state = KVM_PVI_PORT_REVOKED;

	rcu_read_lock();
	switch (READ_ONCE(edge->state)) {
	case PVI_EDGE_LIVE:
		state = pvi_vm_bound(edge->vm) ? KVM_PVI_PORT_LIVE : KVM_PVI_PORT_DEAD;
		break;
	case PVI_EDGE_DEAD:
		state = KVM_PVI_PORT_DEAD;
		break;
	}
	rcu_read_unlock();
	return state;
}

/* KVM_PVI_PORT_EVENTFD... Called under RCU or vm->lock. */
u32 pvi_port_state(const struct pvi_port *p)
{
	return p->eventfd ? KVM_PVI_PORT_EVENTFD : port_edge_state(p->edge);
}

u32 pvi_port_max(void)
{
	return READ_ONCE(max_ports);
}
