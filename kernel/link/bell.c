// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_link bell - ringing the peer, and being rung
 *
 * Queue n is rung by the n-th GSI of its side, or where there are fewer GSIs than queues by
 * that of another queue too. Whom to ring is what the own section says.
 */
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "link.h"

#define BELL_PAY	1	/* jiffies until the next try, where the host has throttled this guest */
#define BELL_TRIES	20	/* where none can come later */
#define BELL_TRY	HZ	/* from one try to connect to the next */

static void bell_pay(struct work_struct *work);

int pvi_bell_init(struct pvi_core *core)
{
	unsigned int queues = core->link.max_queues, n;

	INIT_DELAYED_WORK(&core->pay, bell_pay);
	core->tried = jiffies - BELL_TRY;
	core->nr_bells = min(core->ring.mine.gsis, queues);
	core->nr_ports = min(core->ring.mine.peer_gsis, queues);
	core->bells = kcalloc(core->nr_bells, sizeof(*core->bells), GFP_KERNEL);
	core->ports = kcalloc(core->nr_ports, sizeof(*core->ports), GFP_KERNEL);
	if (!core->bells || !core->ports)
		return -ENOMEM;
	for (n = 0; n < core->nr_bells; n++) {
		core->bells[n].core = core;
		core->bells[n].index = n;
	}
	return 0;
}

void pvi_bell_free(struct pvi_core *core)
{
	kfree(core->ports);
	kfree(core->bells);
}

/* The queues of a bell. Called under RCU, with the driver to be woken. */
static void bell_wake(struct pvi_core *core, unsigned int bell)
{
	unsigned int n;

	for (n = bell; n < core->ring.queues; n += core->nr_bells)
		core->driver->wake(&core->link.queue[n]);
}

static void bell_count(struct pvi_core *core, unsigned int bell)
{
	unsigned int n;

	for (n = bell; n < core->link.max_queues; n += core->nr_bells)
		atomic_long_inc(&core->link.queue[n].rung);
}

/* The peer is in the session still. */
static bool bell_is_followed(const struct pvi_core *core)
{
	return READ_ONCE(core->ring.peer->life) >> 2 == core->ring.want;
}

static void bell_rung(struct kvm_pvi_guest_handler *handler)
{
	struct pvi_bell *bell = container_of(handler, struct pvi_bell, handler);
	struct pvi_core *core = bell->core;

	bell_count(core, bell->index);
	rcu_read_lock();
	/* What the session is, behind it: pairs with session_wake() */
	if (smp_load_acquire(&core->up) && bell_is_followed(core))
		bell_wake(core, bell->index);
	else
		pvi_session_look(core);
	rcu_read_unlock();
}

/* Wake all queues, as if each had been rung; softirqs that are raised run when all are. */
void pvi_bell_wake(struct pvi_core *core)
{
	unsigned long flags = 0;
	unsigned int n;

	lockdep_assert_held(&core->lock);
	local_bh_disable();
	rcu_read_lock();
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_irq_save(flags);
	for (n = 0; n < core->nr_bells; n++)
		bell_wake(core, n);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_irq_restore(flags);
	rcu_read_unlock();
	local_bh_enable();
}

/* Those of one link to different CPUs, until somebody moves them. */
static void bell_spread(struct pvi_bell *bell)
{
	int irq = kvm_pvi_guest_handler_irq(&bell->handler);

	if (bell->core->nr_bells > 1)
		irq_set_affinity(irq, cpumask_of(cpumask_local_spread(bell->index, NUMA_NO_NODE)));
}

/* Not yet is no reason to say anything: no host, or the VMM has not exposed the GSI. */
static void bell_complain(struct pvi_core *core, u32 gsi, int error)
{
	if (error == -ENODEV || error == -ENOENT || core->complained)
		return;
	core->complained = true;
	dev_notice(&core->link.dev, "GSI %#x cannot be had yet: %d\n", gsi, error);
}

static int bell_take(struct pvi_bell *bell)
{
	struct pvi_core *core = bell->core;
	u32 gsi = core->ring.mine.gsi + bell->index;
	int ret;

	bell->handler.ring = bell_rung;
	ret = kvm_pvi_guest_request(&bell->handler, gsi);
	if (ret) {
		bell_complain(core, gsi, ret);
		return ret;
	}
	bell->taken = true;
	bell_spread(bell);
	return 0;
}

/* Be rung from now on; false: it cannot be yet. */
bool pvi_bell_take(struct pvi_core *core)
{
	unsigned int n;

	lockdep_assert_held(&core->lock);
	for (n = 0; n < core->nr_bells; n++)
		if (!core->bells[n].taken && bell_take(&core->bells[n]))
			return false;
	return true;
}

static struct kvm_pvi_guest_link *bell_port(const struct pvi_core *core, unsigned int n)
{
	return rcu_dereference_protected(core->ports[n], lockdep_is_held(&core->lock));
}

static void bell_disconnect(struct pvi_core *core, unsigned int n)
{
	struct kvm_pvi_guest_link *port = bell_port(core, n);

	if (!port)
		return;
	rcu_assign_pointer(core->ports[n], NULL);
	kvm_pvi_guest_disconnect(port);
}

/* What has no connection is rung by name. */
void pvi_bell_connect(struct pvi_core *core)
{
	struct kvm_pvi_guest_link *port;
	unsigned int n;

	lockdep_assert_held(&core->lock);
	core->tried = jiffies;
	for (n = 0; n < core->nr_ports; n++) {
		if (test_and_clear_bit(n, core->gone))
			bell_disconnect(core, n);
		if (bell_port(core, n))
			continue;
		port = kvm_pvi_guest_connect(&core->link.peer, core->ring.mine.peer_gsi + n);
		if (!IS_ERR(port))
			rcu_assign_pointer(core->ports[n], port);
	}
}

/* The peer may have another life, or be here only now. How often that is looked at is not for it to say. */
void pvi_bell_reconnect(struct pvi_core *core)
{
	if (!bitmap_empty(core->gone, PVI_RING_MAX_QUEUES) ||
	    time_after_eq(jiffies, core->tried + BELL_TRY)) {
		pvi_bell_connect(core);
		pvi_bell_ring_again(core);
	}
}

/* Through a connection, or by name if there is none that lives. Any context but NMI. */
static int bell_call(struct pvi_core *core, unsigned int n)
{
	struct kvm_pvi_guest_link *port;
	int ret;

	rcu_read_lock();
	port = rcu_dereference(core->ports[n]);
	ret = port ? kvm_pvi_guest_link_ring(port) : -ENXIO;
	rcu_read_unlock();
	/* A connection that was revoked stays so, whatever is allowed since. */
	if (likely(ret != -ENXIO && ret != -EPERM))
		return ret;
	if (port && !test_and_set_bit(n, core->gone))
		pvi_session_look(core);
	return kvm_pvi_guest_ring(&core->link.peer, core->ring.mine.peer_gsi + n);
}

/*
 * Ring the peer for a queue. That it is not there is no error: it looks when it comes, and what was in vain is rung
 * again. Where this guest is throttled the ring is owed. Any context but NMI.
 */
void pvi_bell_ring(struct pvi_core *core, unsigned int queue)
{
	unsigned int n = queue % core->nr_ports;
	int ret = bell_call(core, n);

	if (likely(ret >= 0))
		return;
	if (ret != -EAGAIN) {
		set_bit(n, core->vain);
		return;
	}
	set_bit(n, core->owed);
	queue_delayed_work(pvi_link_wq, &core->pay, BELL_PAY);
}

/*
 * The peer may be one that can be rung only now: for what it was rung in vain no index has it rung again. For nothing
 * else: two guests would ring each other at each ring, where one GSI tells of peers too.
 */
void pvi_bell_ring_again(struct pvi_core *core)
{
	unsigned int n;

	for (n = 0; n < core->nr_ports; n++)
		if (test_and_clear_bit(n, core->vain))
			pvi_bell_ring(core, n);
}

static void bell_pay(struct work_struct *work)
{
	struct pvi_core *core = container_of(to_delayed_work(work), struct pvi_core, pay);
	unsigned int n;

	for (n = 0; n < core->nr_ports; n++)
		if (test_and_clear_bit(n, core->owed))
			pvi_bell_ring(core, n);
}

/* Ring for what is owed now, since @pay will not: within some milliseconds, or it is lost. */
void pvi_bell_settle(struct pvi_core *core)
{
	unsigned int tries, n;

	lockdep_assert_held(&core->lock);
	cancel_delayed_work_sync(&core->pay);
	for (tries = 0; tries < BELL_TRIES && !bitmap_empty(core->owed, PVI_RING_MAX_QUEUES); tries++) {
		if (tries)
			usleep_range(1000, 2000);
		for_each_set_bit(n, core->owed, core->nr_ports)
			if (bell_call(core, n) != -EAGAIN)
				clear_bit(n, core->owed);
	}
	bitmap_zero(core->owed, PVI_RING_MAX_QUEUES);
}

/* Nobody is rung, nor rings, any more. */
void pvi_bell_release(struct pvi_core *core)
{
	unsigned int n;

	lockdep_assert_held(&core->lock);
	pvi_bell_settle(core);
	for (n = 0; n < core->nr_bells; n++) {
		if (core->bells[n].taken)
			kvm_pvi_guest_release(&core->bells[n].handler);
		core->bells[n].taken = false;
	}
	for (n = 0; n < core->nr_ports; n++)
		bell_disconnect(core, n);
	bitmap_zero(core->vain, PVI_RING_MAX_QUEUES);
}

/**
 * pvi_link_ring() - ring the peer for a queue
 * @queue: the queue
 *
 * For the functions of pvi_link.h, which know whether it sleeps. Any context but NMI.
 */
void pvi_link_ring(struct pvi_link_queue *queue)
{
	atomic_long_inc(&queue->rings);
	pvi_bell_ring(pvi_core(queue->link), queue->index);
}
EXPORT_SYMBOL_GPL(pvi_link_ring);
