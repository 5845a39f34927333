// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi source - eventfds that ring a port
 *
 * For senders that cannot issue our hypercalls. As KVM's irqfd does, a source
 * waits on its eventfd and takes the count under the wait queue's lock; all it
 * does there is to queue a work, which rings once however many signals came.
 * What finds no token is tried again when there is one, since nobody could be
 * told to.
 *
 * All works of an endpoint's sources are run by a thread of its own (worker.c),
 * one after the other.
 *
 * A source ends once, by UNWIRE_SOURCE, by the death of its endpoint, or when
 * its eventfd was closed and all that was signalled before has been rung. All
 * three go through the release work, which the first two wait for. No work here
 * waits for the endpoint's lock, which its owner can hold for as long as it
 * likes: sources leave by the lock of pvi_vm.sources.
 */
#include <linux/completion.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "bucket.h"
#include "eventfd.h"
#include "limit.h"
#include "port.h"
#include "ring.h"
#include "source.h"
#include "worker.h"

#define DELAY_MAX	NSEC_PER_SEC	/* see a changed rate after that long */
#define SIGNALS_MAX	U32_MAX		/* of one wake-up: the sum must not wrap to 0 */

static unsigned int max_sources = 4096;
PVI_LIMIT(max_sources, 65536, "sources of one endpoint");

static unsigned int source_rate = 100000;
PVI_LIMIT(source_rate, 1000000000, "rings a second that each source wired from now on may make");

/* Bits of pvi_source.flags */
enum { SOURCE_CLOSED, SOURCE_ENDS };

/**
 * struct pvi_source - an eventfd that rings a port
 * @vm: the endpoint (a reference)
 * @worker: its thread (a reference): who waits for the works here looks at it
 * @port: looked up anew for each ring
 * @eventfd: the source
 * @wait: in the eventfd's wait queue
 * @pt: puts it there
 * @flags: SOURCE_CLOSED: the eventfd's file has gone. SOURCE_ENDS: @release was queued
 * @signals: taken from the eventfd and not rung yet
 * @signalled: all signals that were rung or dropped; written by @ring alone, as are the next two
 * @rings: rings that were made of them
 * @dropped: signals for a port that is closed, revoked or dead
 * @budget: rings it may make
 * @ring: rings
 * @release: ends it
 * @ended: it has. SOURCE_ENDS may be seen before @release is queued, so kthread_flush_work() alone would not do
 * @id: its index in pvi_vm.sources
 * @ref: the table's, and that of who waits for @release or looks
 */
struct pvi_source {
	struct pvi_vm *vm;
	struct pvi_worker *worker;
	u32 port;
	struct eventfd_ctx *eventfd;
	wait_queue_entry_t wait;
	poll_table pt;
	unsigned long flags;
	atomic64_t signals;
	u64 signalled;
	u64 rings;
	u64 dropped;
	struct pvi_bucket budget;
	struct kthread_delayed_work ring;
	struct kthread_work release;
	struct completion ended;
	u32 id;
	struct kref ref;
};

static void source_free(struct kref *ref)
{
	struct pvi_source *s = container_of(ref, struct pvi_source, ref);

	if (s->worker)
		pvi_worker_put(s->worker);
	pvi_vm_put(s->vm);
	kfree(s);
}

static void source_put(struct pvi_source *s)
{
	kref_put(&s->ref, source_free);
}

/* Called with the wait queue's lock held and interrupts disabled. */
static void source_take_count(struct pvi_source *s)
{
	u64 count;

	eventfd_ctx_do_read(s->eventfd, &count);
	atomic64_add(min_t(u64, count, SIGNALS_MAX), &s->signals);
}

/* Called with the wait queue's lock held and interrupts disabled. */
static int source_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct pvi_source *s = container_of(wait, struct pvi_source, wait);
	__poll_t events = key_to_poll(key);

	if (!(events & (EPOLLIN | EPOLLHUP)))
		return 0;
	if (events & EPOLLIN)
		source_take_count(s);
	if (events & EPOLLHUP) {
		/* Pairs with source_ring_work(): whoever sees this sees what was signalled before. */
		smp_mb__before_atomic();
		set_bit(SOURCE_CLOSED, &s->flags);
	}
	kthread_queue_delayed_work(s->worker->thread, &s->ring, 0);
	return 0;
}

/* Hooks in; a count that is there already is a signal. A writer may wait for it to go. */
static void source_hook_in(struct file *file, wait_queue_head_t *wqh, poll_table *pt)
{
	struct pvi_source *s = container_of(pt, struct pvi_source, pt);

	spin_lock_irq(&wqh->lock);
	__add_wait_queue(wqh, &s->wait);
	source_take_count(s);
	if (atomic64_read(&s->signals)) {
		pvi_compat_eventfd_enter();
		wake_up_locked_poll(wqh, EPOLLOUT);
		pvi_compat_eventfd_leave();
	}
	spin_unlock_irq(&wqh->lock);
}

static void source_drop(struct pvi_source *s, u64 signals)
{
	s->dropped += signals;
	this_cpu_add(s->vm->stats->dropped, signals);
}

/* Rings once for all @signals; returns the ns to wait if there is no token for it, else 0. */
static u64 source_ring(struct pvi_source *s, u64 signals)
{
	u64 delay = 0;
	int ret;

	if (!pvi_bucket_take(&s->budget))
		return pvi_bucket_wait(&s->budget) ?: 1;
	rcu_read_lock();
	/* The dead ring nobody: their name may have a successor already. */
	ret = pvi_vm_bound(s->vm) ? pvi_ring_source(s->vm, s->port, signals) : -ENODEV;
	if (ret == -EAGAIN)
		delay = pvi_ring_wait(s->vm, s->port) ?: 1;
	rcu_read_unlock();
	if (delay)
		return delay;

	s->signalled += signals;
	if (ret < 0)
		source_drop(s, signals);
	else
		s->rings++;
	return 0;
}

static void source_end(struct pvi_source *s)
{
	if (!test_and_set_bit(SOURCE_ENDS, &s->flags))
		kthread_queue_work(s->worker->thread, &s->release);
}

static void source_ring_work(struct kthread_work *work)
{
	struct pvi_source *s = container_of(work, struct pvi_source, ring.work);
	bool closed = test_bit_acquire(SOURCE_CLOSED, &s->flags);
	u64 signals = atomic64_xchg(&s->signals, 0);
	u64 delay = signals ? source_ring(s, signals) : 0;

	if (delay) {
		atomic64_add(signals, &s->signals);
		kthread_queue_delayed_work(s->worker->thread, &s->ring,
					   nsecs_to_jiffies(min_t(u64, delay, DELAY_MAX)) + 1);
	} else if (closed) {
		source_end(s);
	}
}

/* Nothing is signalled any more: ring a last time, or drop what finds no token now. */
static void source_ring_last(struct pvi_source *s)
{
	u64 signals = atomic64_xchg(&s->signals, 0);

	if (signals && (!pvi_vm_bound(s->vm) || source_ring(s, signals)))
		source_drop(s, signals);
}

/* Unhook first; then what is queued is all there will be. */
static void source_release_work(struct kthread_work *work)
{
	struct pvi_source *s = container_of(work, struct pvi_source, release);
	u64 count;

	/* It wakes who waits for the count to go. */
	pvi_compat_eventfd_enter();
	eventfd_ctx_remove_wait_queue(s->eventfd, &s->wait, &count);
	pvi_compat_eventfd_leave();
	atomic64_add(min_t(u64, count, SIGNALS_MAX), &s->signals);
	kthread_cancel_delayed_work_sync(&s->ring);
	source_ring_last(s);
	pvi_eventfd_put_source(s->eventfd);

	xa_erase(&s->vm->sources, s->id);
	atomic_dec(&s->vm->nr_sources);
	complete_all(&s->ended);
	source_put(s);
}

static struct pvi_source *source_alloc(struct pvi_vm *vm, u32 port)
{
	struct pvi_source *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	u32 rate = READ_ONCE(source_rate);

	if (!s)
		return NULL;
	kref_get(&vm->ref);
	s->vm = vm;
	s->port = port;
	init_waitqueue_func_entry(&s->wait, source_wakeup);
	init_poll_funcptr(&s->pt, source_hook_in);
	/* What a tick of the clock brings in fits. */
	pvi_bucket_set(&s->budget, rate, max_t(u32, rate / 50, 1));
	kthread_init_delayed_work(&s->ring, source_ring_work);
	kthread_init_work(&s->release, source_release_work);
	init_completion(&s->ended);
	kref_init(&s->ref);
	return s;
}

/* There is a thread for the sources of @vm from now on. It is made without the lock: that waits for a grace period. */
static int source_need_worker(struct pvi_vm *vm)
{
	struct pvi_worker *worker;
	int ret;

	if (READ_ONCE(vm->worker))
		return 0;
	worker = pvi_worker_create();
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	ret = pvi_vm_lock(vm);
	if (!ret) {
		if (!vm->worker) {
			WRITE_ONCE(vm->worker, worker);
			worker = NULL;
		}
		pvi_vm_unlock(vm);
	}
	if (worker)
		pvi_worker_put(worker);
	return ret;
}

/* Whether one more may be wired to port @port. Called with vm->lock held. */
static int source_check(struct pvi_vm *vm, u32 port)
{
	lockdep_assert_held(&vm->lock);
	if (!pvi_port_find(vm, port))
		return -ENOENT;
	return atomic_read(&vm->nr_sources) < READ_ONCE(max_sources) ? 0 : -ENOSPC;
}

/* What is refused anyway makes no thread. */
static int source_prepare(struct pvi_vm *vm, u32 port)
{
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ret;
	ret = source_check(vm, port);
	pvi_vm_unlock(vm);
	return ret ?: source_need_worker(vm);
}

/* The file is the caller's, so nothing closes it meanwhile. */
static int source_add(struct pvi_vm *vm, struct pvi_source *s, struct file *file)
{
	int ret = pvi_vm_lock(vm);

	if (ret)
		return ret;
	/* Before anybody finds it there */
	s->worker = vm->worker;
	kref_get(&s->worker->ref);
	ret = source_check(vm, s->port) ?: xa_alloc(&vm->sources, &s->id, s, xa_limit_31b, GFP_KERNEL);
	if (ret)
		goto out;
	atomic_inc(&vm->nr_sources);
	vfs_poll(file, &s->pt);
	kthread_queue_delayed_work(s->worker->thread, &s->ring, 0);
out:
	pvi_vm_unlock(vm);
	return ret;
}

int pvi_source_wire(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_source *u = arg;
	struct pvi_source *s;
	struct file *file;
	int ret;

	file = eventfd_fget(u->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = -ENOMEM;
	s = source_alloc(vm, u->port);
	if (!s)
		goto out_file;
	s->eventfd = pvi_eventfd_get_source(file);
	if (IS_ERR(s->eventfd)) {
		ret = PTR_ERR(s->eventfd);
		goto err_source;
	}
	ret = source_prepare(vm, u->port) ?: source_add(vm, s, file);
	if (ret)
		goto err_eventfd;
	goto out_file;

err_eventfd:
	pvi_eventfd_put_source(s->eventfd);
err_source:
	source_put(s);
out_file:
	fput(file);
	return ret;
}

/* Ends @s, of which the caller has a reference, and waits for that; drops it. */
static void source_end_and_wait(struct pvi_source *s)
{
	source_end(s);
	wait_for_completion(&s->ended);
	/* It has been queued by then; when it has let go, what is left is the callers'. */
	kthread_flush_work(&s->release);
	source_put(s);
}

/* The source at index *@i or the next one behind it, with a reference, or NULL. */
static struct pvi_source *source_next(struct pvi_vm *vm, unsigned long *i)
{
	XA_STATE(xas, &vm->sources, *i);
	struct pvi_source *s;

	xas_lock(&xas);
	s = xas_find(&xas, ULONG_MAX);
	/* What is listed has its table's reference. */
	if (s)
		kref_get(&s->ref);
	xas_unlock(&xas);
	*i = xas.xa_index;
	return s;
}

/*
 * Returns one with a reference, or NULL. Those that are listed are hooked in while the lock is held. One whose file has
 * gone is none that the caller can mean: another eventfd may be where its own was.
 */
static struct pvi_source *source_find(struct pvi_vm *vm, const struct eventfd_ctx *eventfd, u32 port)
{
	struct pvi_source *s;
	unsigned long i;

	lockdep_assert_held(&vm->lock);
	for (i = 0; (s = source_next(vm, &i)); i++) {
		if (s->eventfd == eventfd && s->port == port && !test_bit(SOURCE_CLOSED, &s->flags))
			return s;
		source_put(s);
		cond_resched();
	}
	return NULL;
}

int pvi_source_unwire(struct pvi_vm *vm, void *arg)
{
	const struct kvm_pvi_source *u = arg;
	struct eventfd_ctx *eventfd;
	struct pvi_source *s;
	int ret;

	eventfd = eventfd_ctx_fdget(u->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	ret = pvi_vm_lock(vm);
	if (ret)
		goto out;
	s = source_find(vm, eventfd, u->port);
	pvi_vm_unlock(vm);
	if (s)
		source_end_and_wait(s);
	else
		ret = -ENOENT;
out:
	eventfd_ctx_put(eventfd);
	return ret;
}

/*
 * The endpoint has died, and its lock was taken since: no source is added any
 * more, and when this returns none rings, nor is there any that ended by itself.
 */
void pvi_source_free(struct pvi_vm *vm)
{
	struct pvi_source *s;
	unsigned long i;

	if (!vm->worker)
		return;
	pvi_worker_disown(vm->worker);
	for (i = 0; (s = source_next(vm, &i)); i++)
		source_end_and_wait(s);
	/* Those that have ended by themselves let go of it there. */
	pvi_worker_flush(vm->worker);
	pvi_worker_put(vm->worker);
	xa_destroy(&vm->sources);
}

void pvi_source_list(struct seq_file *m, struct pvi_vm *vm)
{
	struct pvi_source *s;
	unsigned long i;

	lockdep_assert_held(&vm->lock);
	for (i = 0; (s = source_next(vm, &i)); i++) {
		seq_printf(m, "pvi-source:\tport %u signals %llu rings %llu dropped %llu\n",
			   s->port, READ_ONCE(s->signalled), READ_ONCE(s->rings),
			   READ_ONCE(s->dropped));
		source_put(s);
		cond_resched();
	}
}

u32 pvi_source_max(void)
{
	return READ_ONCE(max_sources);
}
