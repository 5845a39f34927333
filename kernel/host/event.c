// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi event - what an endpoint is told: read(), poll(), the config GSI
 *
 * Events are produced on the way of rings and of other endpoints' deaths, so
 * producing one neither allocates nor waits: there is room for some, and what
 * comes when it is full is counted in the next that is kept. Who wants to know
 * how things stand asks KVM_HC_PVI_PEERS. That tells of peers alone, which may be
 * strangers: whoever lets this endpoint ring makes events of it as fast as it
 * likes. So those leave half of the room to senders, whom the endpoint allows.
 */
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "deliver.h"
#include "event.h"

#define PEERS_KEPT	(KVM_PVI_EVENTS_KEPT / 2)

int pvi_event_alloc(struct pvi_vm *vm)
{
	struct pvi_events *ev = kzalloc(sizeof(*ev), GFP_KERNEL_ACCOUNT);

	if (!ev)
		return -ENOMEM;
	spin_lock_init(&ev->lock);
	mutex_init(&ev->reading);
	init_waitqueue_head(&ev->wait);
	ev->config_gsi = KVM_PVI_GSI_ANY;
	vm->events = ev;
	return 0;
}

void pvi_event_free(struct pvi_vm *vm)
{
	kfree(vm->events);
}

static bool event_is_of_peer(u32 type)
{
	return type <= KVM_PVI_EVENT_PEER_REVOKED;
}

static bool event_has_room(const struct pvi_events *ev, u32 type)
{
	return ev->nr < KVM_PVI_EVENTS_KEPT && (!event_is_of_peer(type) || ev->nr_peers < PEERS_KEPT);
}

/*
 * Keeps one, for pvi_event_kept() to announce. Called with @ev's lock held: what the
 * event is about changes in the same hold, so that events stand in its order.
 */
void pvi_event_keep(struct pvi_events *ev, u32 type, u64 epoch, const uuid_t *uuid)
{
	struct pvi_event_record *e;

	lockdep_assert_held(&ev->lock);
	if (event_has_room(ev, type)) {
		e = &ev->kept[(ev->first + ev->nr) % KVM_PVI_EVENTS_KEPT];
		e->type = type;
		e->lost = ev->lost;
		e->epoch = epoch;
		export_uuid(e->uuid, uuid);
		ev->lost = 0;
		ev->nr_peers += event_is_of_peer(type);
		/* Pairs with event_take(). */
		smp_store_release(&ev->nr, ev->nr + 1);
	} else if (ev->lost < PVI_EVENT_LOST_MAX) {
		ev->lost++;
	}
}

/*
 * Rung once, until the guest calls PEERS: a guest that is slow to look is not
 * interrupted again by each peer that comes or goes. Nor is one that looks at once,
 * faster than its GSI may be rung: without a token it is rung when there is one.
 */
static void event_ring_config(struct pvi_vm *vm)
{
	struct pvi_events *ev = vm->events;
	struct pvi_gsi *g;

	if (READ_ONCE(ev->config_gsi) == KVM_PVI_GSI_ANY || pvi_vm_frozen(vm))
		return;
	/* Implies a full barrier; pairs with pvi_event_looked(). */
	if (test_and_set_bit(0, &ev->config_rung))
		return;
	/* Only now: of one that SET_CONFIG has named since, the bit would say that it was rung. */
	g = pvi_gsi_find(vm, READ_ONCE(ev->config_gsi));
	if (!g) {
		clear_bit(0, &ev->config_rung);
		return;
	}
	if (pvi_bucket_take(&g->bucket))
		pvi_deliver_ring(g);
	else
		pvi_deliver_ring_later(g);
}

/* The guest of @vm was restored or thawed: it may have missed something. */
void pvi_event_missed(struct pvi_vm *vm)
{
	rcu_read_lock();
	event_ring_config(vm);
	rcu_read_unlock();
}

/* Something is kept for @vm, and the lock is released. Called under RCU. */
void pvi_event_kept(struct pvi_vm *vm)
{
	wake_up_interruptible_poll(&vm->events->wait, EPOLLIN | EPOLLRDNORM);
	event_ring_config(vm);
}

/* Tells @vm something of the binding @epoch of @uuid. Called under RCU. */
void pvi_event_tell(struct pvi_vm *vm, u32 type, u64 epoch, const uuid_t *uuid)
{
	spin_lock(&vm->events->lock);
	pvi_event_keep(vm->events, type, epoch, uuid);
	spin_unlock(&vm->events->lock);
	pvi_event_kept(vm);
}

/* The endpoint has died: there is nothing to wait for any more. */
void pvi_event_hangup(struct pvi_vm *vm)
{
	wake_up_interruptible_poll(&vm->events->wait, EPOLLHUP);
}

/* The guest looks: what changes from here on rings again. */
void pvi_event_looked(struct pvi_vm *vm)
{
	clear_bit(0, &vm->events->config_rung);
	/* Pairs with event_ring_config(). */
	smp_mb__after_atomic();
}

/* @gsi is not exposed any more. */
void pvi_event_forget_config(struct pvi_vm *vm, u32 gsi)
{
	/* It is not found any more before this looks; pairs with pvi_event_set_config(). */
	smp_mb();
	cmpxchg(&vm->events->config_gsi, gsi, KVM_PVI_GSI_ANY);
}

/* Called under RCU. */
int pvi_event_set_config(struct pvi_vm *vm, u64 gsi)
{
	if (gsi != KVM_PVI_GSI_ANY && (!pvi_gsi_valid(gsi) || !pvi_gsi_find(vm, gsi)))
		return -ENOENT;
	WRITE_ONCE(vm->events->config_gsi, gsi);
	/* Whoever sets the bit behind this finds it; pairs with event_ring_config(). */
	smp_mb__before_atomic();
	pvi_event_looked(vm);
	/* It may have gone meanwhile, before or after this store: pvi_event_looked() has the barrier between. */
	if (gsi != KVM_PVI_GSI_ANY && !pvi_gsi_find(vm, gsi))
		pvi_event_forget_config(vm, gsi);
	return 0;
}

/* The oldest, for its reader. Called with @reading held: nobody else moves @first. */
static struct kvm_pvi_event event_oldest(const struct pvi_events *ev)
{
	const struct pvi_event_record *e = &ev->kept[ev->first];
	struct kvm_pvi_event event = { .type = e->type, .lost = e->lost, .epoch = e->epoch };

	memcpy(event.uuid, e->uuid, sizeof(event.uuid));
	return event;
}

/* Copies out what is kept, as far as it fits. Bytes, 0 if nothing is kept, or an error. */
static ssize_t event_take(struct pvi_events *ev, char __user *buf, size_t size)
{
	struct kvm_pvi_event event;
	ssize_t done = 0;

	if (mutex_lock_interruptible(&ev->reading))
		return -ERESTARTSYS;
	/* Pairs with pvi_event_keep(). */
	while (size - done >= sizeof(event) && smp_load_acquire(&ev->nr)) {
		event = event_oldest(ev);
		if (copy_to_user(buf + done, &event, sizeof(event))) {
			done = done ? done : -EFAULT;
			break;
		}
		spin_lock(&ev->lock);
		ev->nr_peers -= event_is_of_peer(event.type);
		ev->first = (ev->first + 1) % KVM_PVI_EVENTS_KEPT;
		WRITE_ONCE(ev->nr, ev->nr - 1);
		spin_unlock(&ev->lock);
		done += sizeof(event);
	}
	mutex_unlock(&ev->reading);
	return done;
}

ssize_t pvi_event_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	struct pvi_vm *vm = file->private_data;
	struct pvi_events *ev = vm->events;
	ssize_t ret = pvi_vm_usable(vm, false, true);
	bool dead;

	if (ret)
		return ret;
	if (size < sizeof(struct kvm_pvi_event))
		return -EINVAL;
	do {
		dead = !pvi_vm_bound(vm);
		ret = event_take(ev, buf, size);
		if (ret || dead)
			return ret;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(ev->wait, READ_ONCE(ev->nr) || !pvi_vm_bound(vm));
	} while (!ret);
	return ret;
}

__poll_t pvi_event_poll(struct file *file, struct poll_table_struct *table)
{
	struct pvi_vm *vm = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &vm->events->wait, table);
	if (READ_ONCE(vm->events->nr))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(vm->life) >= PVI_LIFE_DYING)
		mask |= EPOLLHUP;
	return mask;
}
