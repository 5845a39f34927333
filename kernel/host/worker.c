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

#include "../compat/kthread.h"
#include "worker.h"

/* With the groups and the nice value of the caller; an ERR_PTR() if there is no memory, or no thread, for it. */
struct kthread_worker *pvi_worker_create(void)
{
	struct kthread_worker *worker;

	worker = pvi_compat_run_worker("kvm_pvi-%d", task_tgid_nr(current));
	if (IS_ERR(worker))
		return worker;
	if (cgroup_attach_task_all(current, worker->task)) {
		kthread_destroy_worker(worker);
		return ERR_PTR(-ENOMEM);
	}
	set_user_nice(worker->task, task_nice(current));
	return worker;
}

/*
 * Back to the groups and the nice value of the kernel's threads, one of which calls this: who waits for what it
 * does then does not wait for its owner's quota.
 */
void pvi_worker_disown(struct kthread_worker *worker)
{
	/* Where it fails it takes longer. */
	cgroup_attach_task_all(current, worker->task);
	set_user_nice(worker->task, 0);
}
