// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest wait - processes that wait for a GSI, for peers, for the host: by a descriptor, by
 * an eventfd
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "../compat/eventfd.h"
#include "guest.h"

/**
 * struct pvi_wait - what KVM_PVI_GUEST_WAIT gives out
 * @handler: counts interrupts
 * @watcher: counts changes of peers, or of the host
 * @seat: among those who wait for the same: a GSI, PVI_SEAT_PEERS, PVI_SEAT_HOST
 * @wq: who waits; its lock protects @count
 * @count: interrupts or changes since the last read()
 * @rcu: frees it
 */
struct pvi_wait {
	struct kvm_pvi_guest_handler handler;
	struct notifier_block watcher;
	struct pvi_seat seat;
	wait_queue_head_t wq;
	u64 count;
	struct rcu_head rcu;
};

/**
 * struct pvi_wire - an eventfd that a GSI signals
 * @handler: signals it
 * @seat: among those who wait for the same GSI
 * @eventfd: a reference
 * @node: in the list of its open file
 */
struct pvi_wire {
	struct kvm_pvi_guest_handler handler;
	struct pvi_seat seat;
	struct eventfd_ctx *eventfd;
	struct list_head node;
};

static void wait_count(struct pvi_wait *w, u64 more)
{
	unsigned long flags;

	spin_lock_irqsave(&w->wq.lock, flags);
	w->count += more;
	wake_up_locked_poll(&w->wq, EPOLLIN | EPOLLRDNORM);
	spin_unlock_irqrestore(&w->wq.lock, flags);
}

static void wait_ring(struct kvm_pvi_guest_handler *handler)
{
	wait_count(container_of(handler, struct pvi_wait, handler), 1);
}

static int wait_change(struct notifier_block *nb, unsigned long action, void *data)
{
	wait_count(container_of(nb, struct pvi_wait, watcher), 1);
	return NOTIFY_OK;
}

/* Waits for a count, unless @nonblock, and takes it. */
static int wait_take(struct pvi_wait *w, bool nonblock, u64 *taken)
{
	int ret = 0;

	spin_lock_irq(&w->wq.lock);
	if (!w->count)
		ret = nonblock ? -EAGAIN :
		      wait_event_interruptible_locked_irq(w->wq, w->count);
	if (!ret) {
		*taken = w->count;
		w->count = 0;
	}
	spin_unlock_irq(&w->wq.lock);
	return ret;
}

static ssize_t wait_read(struct file *file, char __user *buf, size_t size, loff_t *ppos)
{
	struct pvi_wait *w = file->private_data;
	u64 taken;
	int ret;

	if (size < sizeof(taken))
		return -EINVAL;
	ret = wait_take(w, file->f_flags & O_NONBLOCK, &taken);
	if (ret)
		return ret;
	if (copy_to_user(buf, &taken, sizeof(taken))) {
		wait_count(w, taken);
		return -EFAULT;
	}
	return sizeof(taken);
}

static __poll_t wait_poll(struct file *file, poll_table *table)
{
	struct pvi_wait *w = file->private_data;

	poll_wait(file, &w->wq, table);
	return READ_ONCE(w->count) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void wait_fdinfo(struct seq_file *m, struct file *file)
{
	struct pvi_wait *w = file->private_data;

	if (w->seat.what == PVI_SEAT_PEERS)
		seq_puts(m, "pvi-peers:\t1\n");
	else if (w->seat.what == PVI_SEAT_HOST)
		seq_puts(m, "pvi-host:\t1\n");
	else
		seq_printf(m, "pvi-gsi:\t%u\n", w->seat.what);
	seq_printf(m, "pvi-count:\t%llu\n", READ_ONCE(w->count));
}

/* Ends what it waits for. It may still be counted, under RCU. */
static void wait_end(struct pvi_wait *w)
{
	if (w->seat.what == PVI_SEAT_PEERS)
		kvm_pvi_guest_unwatch(&w->watcher);
	else if (w->seat.what == PVI_SEAT_HOST)
		kvm_pvi_guest_unwatch_host(&w->watcher);
	else
		pvi_irq_remove(&w->handler);
	pvi_seat_leave(&w->seat);
	kfree_rcu(w, rcu);
}

static int wait_release(struct inode *inode, struct file *file)
{
	wait_end(file->private_data);
	return 0;
}

static const struct file_operations wait_fops = {
	.owner = THIS_MODULE,
	.llseek = noop_llseek,
	.read = wait_read,
	.poll = wait_poll,
	.release = wait_release,
	.show_fdinfo = wait_fdinfo,
};

static int wait_begin(struct pvi_wait *w)
{
	if (w->seat.what == PVI_SEAT_PEERS)
		return kvm_pvi_guest_watch(&w->watcher);
	if (w->seat.what == PVI_SEAT_HOST)
		return kvm_pvi_guest_watch_host(&w->watcher);
	return pvi_irq_add(&w->handler, w->seat.what, false);
}

/* A descriptor, or -errno. */
int pvi_wait_open(u64 file, u32 what, bool nonblock)
{
	struct pvi_wait *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!w)
		return -ENOMEM;
	w->handler.ring = wait_ring;
	w->watcher.notifier_call = wait_change;
	init_waitqueue_head(&w->wq);
	ret = pvi_seat_take(&w->seat, file, what);
	if (ret)
		goto err_free;
	ret = wait_begin(w);
	if (ret)
		goto err_seat;
	ret = anon_inode_getfd("[kvm_pvi_guest]", &wait_fops, w,
			       O_RDONLY | O_CLOEXEC | (nonblock ? O_NONBLOCK : 0));
	if (ret < 0)
		wait_end(w);
	return ret;

err_seat:
	pvi_seat_leave(&w->seat);
err_free:
	kfree(w);
	return ret;
}

static void wait_wire_ring(struct kvm_pvi_guest_handler *handler)
{
	pvi_compat_eventfd_signal(container_of(handler, struct pvi_wire, handler)->eventfd);
}

static struct pvi_wire *wait_find_wire(struct list_head *wires, u32 gsi,
				       struct eventfd_ctx *eventfd)
{
	struct pvi_wire *w;

	list_for_each_entry(w, wires, node)
		if (w->seat.what == gsi && w->eventfd == eventfd)
			return w;
	return NULL;
}

static void wait_wire_free(struct pvi_wire *w)
{
	pvi_seat_leave(&w->seat);
	eventfd_ctx_put(w->eventfd);
	kfree(w);
}

/* @wires is the caller's to lock. */
int pvi_wait_wire(struct list_head *wires, u64 file, u32 gsi, int fd)
{
	struct pvi_wire *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!w)
		return -ENOMEM;
	w->handler.ring = wait_wire_ring;
	w->eventfd = eventfd_ctx_fdget(fd);
	if (IS_ERR(w->eventfd)) {
		ret = PTR_ERR(w->eventfd);
		goto err_free;
	}
	ret = -EEXIST;
	if (wait_find_wire(wires, gsi, w->eventfd))
		goto err_eventfd;
	ret = pvi_seat_take(&w->seat, file, gsi);
	if (ret)
		goto err_eventfd;
	ret = pvi_irq_add(&w->handler, gsi, false);
	if (ret)
		goto err_seat;
	list_add(&w->node, wires);
	return 0;

err_seat:
	pvi_seat_leave(&w->seat);
err_eventfd:
	eventfd_ctx_put(w->eventfd);
err_free:
	kfree(w);
	return ret;
}

int pvi_wait_unwire(struct list_head *wires, u32 gsi, int fd)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(fd);
	struct pvi_wire *w;

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	w = wait_find_wire(wires, gsi, eventfd);
	eventfd_ctx_put(eventfd);
	if (!w)
		return -ENOENT;
	list_del(&w->node);
	kvm_pvi_guest_release(&w->handler);
	wait_wire_free(w);
	return 0;
}

/* One wait for all of them. */
void pvi_wait_unwire_all(struct list_head *wires)
{
	struct pvi_wire *w, *next;

	if (list_empty(wires))
		return;
	list_for_each_entry(w, wires, node)
		pvi_irq_remove(&w->handler);
	synchronize_rcu();
	list_for_each_entry_safe(w, next, wires, node)
		wait_wire_free(w);
}
