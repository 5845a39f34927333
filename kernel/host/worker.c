// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi worker - a thread for what an endpoint's owner has done for it
 *
 * The threads of a workqueue are in no control group: by them whoever has 1 % of
 * a processor could use all of it, since a signal is cheap and what it rings may
 * wake thousands. So the thread is in the groups of who asks for it, as KVM's own
 * and vhost's are, and its time is theirs.
 */
#include <linux/cgroup.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../compat/kthread.h"
#include "worker.h"

/*
 * With the groups and the nice value of the caller; an ERR_PTR(), ENOMEM, if there is no memory, or no thread, for it,
 * or EINTR.
 */
struct pvi_worker *pvi_worker_create(void)
{
	struct pvi_worker *worker = kzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!worker)
		return ERR_PTR(-ENOMEM);
	kref_init(&worker->ref);
	worker->thread = pvi_compat_run_worker("kvm_pvi-%d", task_tgid_nr(current));
	if (IS_ERR(worker->thread)) {
		/* Where there are too many threads that is EAGAIN, as fork() says it. */
		ret = PTR_ERR(worker->thread) == -EINTR ? -EINTR : -ENOMEM;
		kfree(worker);
		return ERR_PTR(ret);
	}
	/* Since 6.14 a thread lets itself run on all processors when it begins: behind that a group says where it may. */
	kthread_flush_worker(worker->thread);
	if (cgroup_attach_task_all(current, worker->thread->task)) {
		pvi_worker_put(worker);
		return ERR_PTR(-ENOMEM);
	}
	set_user_nice(worker->thread->task, task_nice(current));
	return worker;
}

/*
 * Back to the groups and the nice value of the kernel's threads, one of which calls this: who waits for what it
 * does then does not wait for its owner's quota.
 */
void pvi_worker_disown(struct pvi_worker *worker)
{
	/* Where it fails it takes longer. */
	cgroup_attach_task_all(current, worker->thread->task);
	set_user_nice(worker->thread->task, 0);
}

/* What was queued has been done, to its end: none of it holds a reference any more. */
void pvi_worker_flush(struct pvi_worker *worker)
{
	kthread_flush_worker(worker->thread);
}

static void worker_free(struct kref *ref)
{
	struct pvi_worker *worker = container_of(ref, struct pvi_worker, ref);

	kthread_destroy_worker(worker->thread);
	kfree(worker);
}

/* The last reference is never a work's, which would wait for itself. May sleep. */
void pvi_worker_put(struct pvi_worker *worker)
{
	kref_put(&worker->ref, worker_free);
}
