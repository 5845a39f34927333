// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest irq - being rung: GSIs and their handlers
 *
 * A GSI that has handlers is one Linux interrupt, that of an IOAPIC pin or of
 * a virtual GSI (msi.c). Its handlers share it, so that any number of drivers
 * and processes see each of its interrupts, unless one has asked for it alone.
 */
#include <linux/acpi.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "guest.h"
#include "limit.h"

#define NR_PINS		24	/* of the IOAPIC that KVM emulates */

static unsigned int max_waiters = 256;
PVI_LIMIT(max_waiters, 65536, "handlers, descriptors and eventfds that wait for one GSI");

static LIST_HEAD(irqs);		/* struct kvm_pvi_guest_irq; readers use RCU */
static DEFINE_MUTEX(irqs_lock);	/* protects changes of it and of the lists of handlers */

/*
 * The host knows its GSIs by index, ascending. The index of the first whose
 * number is at least @gsi, or that of the end; -ENODEV.
 */
static long irq_lower_bound(u32 gsi)
{
	u32 low = 0, high = KVM_PVI_GSI_VIRTUAL_END;

	while (low < high) {
		u32 middle = low + (high - low) / 2;
		long number = pvi_query(KVM_PVI_Q_GSI, middle, KVM_PVI_Q_GSI_NUMBER);

		if (number >= 0 && number < gsi)
			low = middle + 1;
		else if (number >= 0 || number == -ENOENT)
			high = middle;
		else
			return number;
	}
	return low;
}

/* How many GSIs are exposed, or -ENODEV. */
long pvi_irq_exposed(void)
{
	return irq_lower_bound(KVM_PVI_GSI_VIRTUAL_END);
}

/* KVM_PVI_GSI_DIRECT..., -ENOENT: not exposed, -ENODEV. */
static int irq_kind_of(u32 gsi)
{
	long index = irq_lower_bound(gsi), number;

	if (index < 0)
		return index;
	number = pvi_query(KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_NUMBER);
	if (number < 0)
		return number;
	return number == gsi ? pvi_query(KVM_PVI_Q_GSI, index, KVM_PVI_Q_GSI_KIND) : -ENOENT;
}

/* Called under RCU or with irqs_lock held. */
static struct kvm_pvi_guest_irq *irq_find(u32 gsi)
{
	struct kvm_pvi_guest_irq *i;

	list_for_each_entry_rcu(i, &irqs, node, lockdep_is_held(&irqs_lock))
		if (i->gsi == gsi)
			return i;
	return NULL;
}

/* Linux's number of the interrupt of a GSI, 0 if it has no handlers. */
int pvi_irq_number(u32 gsi)
{
	struct kvm_pvi_guest_irq *i;
	int irq;

	rcu_read_lock();
	i = irq_find(gsi);
	irq = i ? i->irq : 0;
	rcu_read_unlock();
	return irq;
}

static void irq_handle(struct kvm_pvi_guest_irq *i)
{
	struct kvm_pvi_guest_handler *h;

	rcu_read_lock();
	list_for_each_entry_rcu(h, &i->handlers, node)
		h->ring(h);
	rcu_read_unlock();
}

static irqreturn_t irq_taken(int irq, void *data)
{
	irq_handle(data);
	return IRQ_HANDLED;
}

/* As an interrupt would: with interrupts off, and on PREEMPT_RT in a thread. */
static void irq_look(struct irq_work *look)
{
	irq_handle(container_of(look, struct kvm_pvi_guest_irq, look));
}

/* Of the errors there may be, callers are told those that mean the same to them. */
static int irq_map_pin(u32 gsi)
{
	int irq;

	if (gsi >= NR_PINS)
		return -EOPNOTSUPP;
	irq = acpi_register_gsi(NULL, gsi, ACPI_EDGE_SENSITIVE, ACPI_ACTIVE_HIGH);
	if (irq > 0 || irq == -EBUSY || irq == -ENOSPC || irq == -ENOMEM)
		return irq;
	/* Interrupt 0 is the timer's. */
	if (!irq)
		acpi_unregister_gsi(gsi);
	return -EOPNOTSUPP;
}

/* Linux's number, or -errno. */
static int irq_map(struct kvm_pvi_guest_irq *i)
{
	int kind = irq_kind_of(i->gsi);

	if (kind < 0)
		return kind;
	/* What it is unmapped as goes by its number. */
	if ((kind == KVM_PVI_GSI_MSI) != (i->gsi >= KVM_PVI_GSI_VIRTUAL))
		return -EOPNOTSUPP;
	return kind == KVM_PVI_GSI_MSI ? pvi_msi_map(i) : irq_map_pin(i->gsi);
}

static void irq_unmap(struct kvm_pvi_guest_irq *i)
{
	if (i->gsi >= KVM_PVI_GSI_VIRTUAL)
		pvi_msi_unmap(i);
	else
		acpi_unregister_gsi(i->gsi);
}

/*
 * Map the interrupt and take it. From then on what was recorded comes, so the
 * first handler must be there.
 */
static int irq_start(struct kvm_pvi_guest_irq *i)
{
	int irq, ret;

	irq = irq_map(i);
	if (irq < 0)
		return irq;
	i->irq = irq;
	ret = request_irq(irq, irq_taken, 0, i->name, i);
	if (ret)
		goto err_unmap;
	ret = pvi_call(KVM_HC_PVI_ARM, i->gsi, 0, 0);
	if (ret < 0)
		goto err_irq;
	return 0;

err_irq:
	free_irq(irq, i);
err_unmap:
	irq_unmap(i);
	return ret;
}

static void irq_stop(struct kvm_pvi_guest_irq *i)
{
	free_irq(i->irq, i);
	irq_work_sync(&i->look);
	irq_unmap(i);
}

static int irq_create(struct kvm_pvi_guest_handler *h, u32 gsi, bool exclusive)
{
	struct kvm_pvi_guest_irq *i = kzalloc(sizeof(*i), GFP_KERNEL_ACCOUNT);
	int ret;

	lockdep_assert_held(&irqs_lock);
	if (!i)
		return -ENOMEM;
	i->gsi = gsi;
	i->nr_handlers = 1;
	i->exclusive = exclusive;
	i->told = true;
	init_irq_work(&i->look, irq_look);
	INIT_LIST_HEAD(&i->handlers);
	raw_spin_lock_init(&i->msi.lock);
	snprintf(i->name, sizeof(i->name), gsi < KVM_PVI_GSI_VIRTUAL ? "kvm_pvi:%u" : "kvm_pvi:%#x",
		 gsi);
	h->irq = i;
	list_add(&h->node, &i->handlers);
	ret = irq_start(i);
	if (ret)
		kfree(i);
	else
		list_add_rcu(&i->node, &irqs);
	return ret;
}

static int irq_join(struct kvm_pvi_guest_handler *h, struct kvm_pvi_guest_irq *i, bool exclusive)
{
	lockdep_assert_held(&irqs_lock);
	if (exclusive || i->exclusive)
		return -EBUSY;
	if (i->nr_handlers >= READ_ONCE(max_waiters))
		return -ENOSPC;
	i->nr_handlers++;
	h->irq = i;
	list_add_tail_rcu(&h->node, &i->handlers);
	return 0;
}

int pvi_irq_add(struct kvm_pvi_guest_handler *h, u32 gsi, bool exclusive)
{
	struct kvm_pvi_guest_irq *i;
	int ret;

	/* It would be said to another host than the one that was met. */
	if (pvi_detect_check())
		return -ENODEV;
	mutex_lock(&irqs_lock);
	i = irq_find(gsi);
	if (i)
		ret = irq_join(h, i, exclusive);
	else
		ret = irq_create(h, gsi, exclusive);
	mutex_unlock(&irqs_lock);
	if (!ret)
		pvi_life_begin();
	return ret;
}

/* The handler may still run, under RCU, and is to be freed after a grace period. */
void pvi_irq_remove(struct kvm_pvi_guest_handler *h)
{
	struct kvm_pvi_guest_irq *i = h->irq;

	mutex_lock(&irqs_lock);
	list_del_rcu(&h->node);
	if (!--i->nr_handlers) {
		list_del_rcu(&i->node);
		irq_stop(i);
		kfree_rcu(i, rcu);
	}
	mutex_unlock(&irqs_lock);
}

/*
 * Says to the host where a GSI goes, and that its handlers are there; false: it is
 * not exposed. A VMM that has bound this guest anew may be about to do so.
 */
static bool irq_tell(struct kvm_pvi_guest_irq *i)
{
	if (i->gsi >= KVM_PVI_GSI_VIRTUAL && pvi_msi_tell(i))
		return false;
	return !pvi_call(KVM_HC_PVI_ARM, i->gsi, 0, 0);
}

/*
 * A host has forgotten, or never known, what is wired. Rings may have been
 * dropped too: let the handlers look.
 */
void pvi_irq_rewire(void)
{
	struct kvm_pvi_guest_irq *i;

	mutex_lock(&irqs_lock);
	list_for_each_entry(i, &irqs, node) {
		i->told = irq_tell(i);
		irq_work_queue(&i->look);
	}
	mutex_unlock(&irqs_lock);
}

/*
 * A GSI may have been taken away, and exposed again; a virtual one then has lost its
 * MSI. To be told what it knows changes nothing for a host.
 */
static void irq_check(struct kvm_pvi_guest_irq *i)
{
	bool was_told = i->told;

	if (!was_told)
		i->told = irq_tell(i);
	else if (i->gsi >= KVM_PVI_GSI_VIRTUAL)
		i->told = !pvi_msi_tell(i);
	if (i->told && !was_told)
		irq_work_queue(&i->look);
}

/* Each GSI in use goes to its handlers, at the host that there is. */
void pvi_irq_check(void)
{
	struct kvm_pvi_guest_irq *i;

	mutex_lock(&irqs_lock);
	list_for_each_entry(i, &irqs, node) {
		irq_check(i);
		cond_resched();
	}
	mutex_unlock(&irqs_lock);
}

/* There is no host any more: let all handlers look. */
void pvi_irq_look(void)
{
	struct kvm_pvi_guest_irq *i;

	mutex_lock(&irqs_lock);
	list_for_each_entry(i, &irqs, node)
		irq_work_queue(&i->look);
	mutex_unlock(&irqs_lock);
}

bool pvi_irq_used(void)
{
	return !list_empty(&irqs);
}

u32 pvi_irq_max_waiters(void)
{
	return READ_ONCE(max_waiters);
}

/**
 * kvm_pvi_guest_request() - have a handler called when a GSI is rung
 * @handler: its @ring is set
 * @gsi: an exposed GSI of this guest, a pin of the IOAPIC or a virtual one
 *
 * What was rung before comes now, if nobody had requested that GSI yet. When this has returned,
 * look once at what is shared with those who ring, as the handler does. May sleep.
 *
 * Return: 0; -ENOENT: not exposed; -EBUSY: another driver has that interrupt, or it alone; -ENOSPC: the limit
 * of handlers, or no vector is free; -EOPNOTSUPP: neither a pin nor virtual, or no APIC; -ENOMEM;
 * -ENODEV.
 */
int kvm_pvi_guest_request(struct kvm_pvi_guest_handler *handler, u32 gsi)
{
	return pvi_irq_add(handler, gsi, false);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_request);

/**
 * kvm_pvi_guest_request_exclusive() - be the only one who is told when a GSI is rung
 * @handler: its @ring is set
 * @gsi: an exposed GSI of this guest, a pin of the IOAPIC or a virtual one
 *
 * Until kvm_pvi_guest_release() nobody else can request that GSI, nor a program wait for it, nor
 * is it taken to tell of peers.
 *
 * Return: as kvm_pvi_guest_request(); -EBUSY too: somebody has requested it already.
 */
int kvm_pvi_guest_request_exclusive(struct kvm_pvi_guest_handler *handler, u32 gsi)
{
	return pvi_irq_add(handler, gsi, true);
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_request_exclusive);

/**
 * kvm_pvi_guest_release() - have a handler not called any more
 * @handler: one that was requested
 *
 * When this has returned, it does not run. May sleep.
 */
void kvm_pvi_guest_release(struct kvm_pvi_guest_handler *handler)
{
	pvi_irq_remove(handler);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_release);

/**
 * kvm_pvi_guest_handler_irq() - Linux's number of a handler's interrupt
 * @handler: one that was requested
 *
 * For irq_set_affinity_hint() and the like.
 *
 * Return: the number.
 */
int kvm_pvi_guest_handler_irq(const struct kvm_pvi_guest_handler *handler)
{
	return handler->irq->irq;
}
EXPORT_SYMBOL_GPL(kvm_pvi_guest_handler_irq);
