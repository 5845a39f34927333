// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvi_test_delay - lets others wait, for as long as a test needs to look at them, and for a number
 * of seconds at most. By module parameters; 0 lets go, and fails if that time was over:
 *
 * mmap_lock	the number of a process, of whose memory nothing can be mapped or unmapped
 * rcu		1: no grace period ends; takes the last CPU for itself
 * tasks_rcu	1: no grace period of tasks-RCU ends
 * locks	a number of descriptors of who writes it: of the endpoints of kvm_pvi among them nobody else gets the lock,
 *		as if their owner were in a call. They may end meanwhile
 * close	who writes it gets a descriptor that is called as a VM's is, or by 2 as an endpoint's is, but whoever
 *		closes a duplicate waits, whatever signal it gets, as where a file system in user space says nothing
 */
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/nmi.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/wait.h>

#include "stall.h"
#include "vm.h"

struct delay {
	int (*fn)(void *arg);
	unsigned int seconds;
	unsigned long end;
	struct task_struct *task;
	struct mm_struct *mm;
	struct completion begun;
};

static bool goes_on(const struct delay *d)
{
	return !kthread_should_stop() && time_before(jiffies, d->end);
}

static int delay_result(void)
{
	return kthread_should_stop() ? 0 : -ETIMEDOUT;
}

static int delay_mmap(void *arg)
{
	struct delay *d = arg;
	int ret;

	mmap_read_lock(d->mm);
	complete(&d->begun);
	while (goes_on(d))
		schedule_timeout_interruptible(1);
	ret = delay_result();
	mmap_read_unlock(d->mm);
	return ret;
}

static int delay_rcu(void *arg)
{
	struct delay *d = arg;
	int ret;

	WRITE_ONCE(rcu_cpu_stall_suppress, 1);
	rcu_read_lock();
	complete(&d->begun);
	while (goes_on(d)) {
		touch_softlockup_watchdog();
		cpu_relax();
	}
	ret = delay_result();
	rcu_read_unlock();
	WRITE_ONCE(rcu_cpu_stall_suppress, 0);
	return ret;
}

/* Whoever is preempted has not left what it was running. */
static int delay_tasks(void *arg)
{
	struct delay *d = arg;

	complete(&d->begun);
	while (goes_on(d))
		cond_resched();
	return delay_result();
}

#define ENDPOINTS_MAX 512

/* More than lockdep follows. */
static struct pvi_vm *endpoints[ENDPOINTS_MAX];
static unsigned int nr_endpoints;

/* As pvi_vm_unlock(), of kvm_pvi. */
static void unlock_endpoint(struct pvi_vm *vm)
{
	do {
		vm->ops->settle(vm, xchg(&vm->owed, 0));
		mutex_unlock(&vm->lock);
		/* Pairs with pvi_vm_owe(). */
		smp_mb();
	} while (READ_ONCE(vm->owed) && mutex_trylock(&vm->lock));
	kref_put(&vm->ref, vm->ops->release);
}

static int delay_locks(void *arg)
{
	struct delay *d = arg;
	int ret;

	lockdep_off();
	for (unsigned int i = 0; i < nr_endpoints; i++)
		mutex_lock(&endpoints[i]->lock);
	complete(&d->begun);
	while (goes_on(d))
		schedule_timeout_interruptible(1);
	ret = delay_result();
	while (nr_endpoints)
		unlock_endpoint(endpoints[--nr_endpoints]);
	lockdep_on();
	return ret;
}

static struct delay mmap_lock = { .fn = delay_mmap, .seconds = 25 };
/* Others may get little done meanwhile, where its CPU is one of those that they wait for. */
static struct delay rcu = { .fn = delay_rcu, .seconds = 90 };
/* Less than what the kernel takes for a hung task: on a busy host all that is to go on meanwhile takes its time. */
static struct delay locks = { .fn = delay_locks, .seconds = 100 };
static struct delay tasks_rcu = { .fn = delay_tasks, .seconds = 25 };

static int delay_end(struct delay *d)
{
	int ret = 0;

	if (d->task) {
		ret = kthread_stop(d->task);
		put_task_struct(d->task);
	}
	if (d->mm)
		mmdrop(d->mm);
	d->task = NULL;
	d->mm = NULL;
	return ret;
}

static int delay_find_mm(struct delay *d, unsigned int nr)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);
	struct mm_struct *mm = task ? get_task_mm(task) : NULL;

	put_pid(pid);
	if (task)
		put_task_struct(task);
	if (!mm)
		return -ESRCH;
	mmgrab(mm);
	mmput(mm);
	d->mm = mm;
	return 0;
}

static bool is_endpoint(const struct file *file)
{
	const struct module *owner = file->f_op->owner;

	return owner && !strcmp(owner->name, "kvm_pvi") && S_ISCHR(file_inode(file)->i_mode);
}

static int delay_find_endpoints(unsigned int nr)
{
	struct file *file;

	for (unsigned int fd = 0; fd < nr && nr_endpoints < ENDPOINTS_MAX; fd++) {
		file = fget(fd);
		if (!file)
			continue;
		if (is_endpoint(file)) {
			endpoints[nr_endpoints] = file->private_data;
			kref_get(&endpoints[nr_endpoints++]->ref);
		}
		fput(file);
	}
	return nr_endpoints ? 0 : -ENOENT;
}

static int delay_find(struct delay *d, unsigned int value)
{
	if (d == &mmap_lock)
		return delay_find_mm(d, value);
	return d == &locks ? delay_find_endpoints(value) : 0;
}

static int delay_begin(struct delay *d)
{
	struct task_struct *task = kthread_create(d->fn, d, "pvi_test_delay");

	if (IS_ERR(task))
		return PTR_ERR(task);
	if (d == &rcu)
		kthread_bind(task, cpumask_last(cpu_online_mask));
	d->task = get_task_struct(task);
	d->end = jiffies + d->seconds * HZ;
	init_completion(&d->begun);
	wake_up_process(task);
	wait_for_completion(&d->begun);
	return 0;
}

static int delay_set(const char *val, const struct kernel_param *kp)
{
	struct delay *d = kp->arg;
	unsigned int value;
	int ret = kstrtouint(val, 0, &value);

	if (ret)
		return ret;
	ret = delay_end(d);
	if (!value)
		return ret;
	ret = delay_find(d, value);
	return ret ? ret : delay_begin(d);
}

static const struct kernel_param_ops delay_ops = {
	.set = delay_set,
};

module_param_cb(mmap_lock, &delay_ops, &mmap_lock, 0200);
module_param_cb(rcu, &delay_ops, &rcu, 0200);
module_param_cb(tasks_rcu, &delay_ops, &tasks_rcu, 0200);
module_param_cb(locks, &delay_ops, &locks, 0200);

/* Less than what the kernel takes for a hung task */
#define CLOSE_SECONDS 100

static bool close_waits;
static unsigned long close_end;
static DECLARE_WAIT_QUEUE_HEAD(close_queue);

static int close_flush(struct file *file, fl_owner_t id)
{
	wait_event_timeout(close_queue, !READ_ONCE(close_waits), CLOSE_SECONDS * HZ);
	return 0;
}

static const struct file_operations close_fops = {
	.owner = THIS_MODULE,
	.flush = close_flush,
};

static int close_set(const char *val, const struct kernel_param *kp)
{
	unsigned int value;
	int ret = kstrtouint(val, 0, &value);

	if (ret)
		return ret;
	if (!value) {
		WRITE_ONCE(close_waits, false);
		wake_up_all(&close_queue);
		return time_before(jiffies, close_end) ? 0 : -ETIMEDOUT;
	}
	close_end = jiffies + CLOSE_SECONDS * HZ;
	WRITE_ONCE(close_waits, true);
	ret = anon_inode_getfd(value == 2 ? "/kvm_pvi" : "kvm-vm", &close_fops, NULL, O_CLOEXEC);
	return ret < 0 ? ret : 0;
}

static const struct kernel_param_ops close_ops = {
	.set = close_set,
};

module_param_cb(close, &close_ops, NULL, 0200);

static int __init delay_init(void)
{
	return 0;
}

static void __exit delay_exit(void)
{
	delay_end(&mmap_lock);
	delay_end(&rcu);
	delay_end(&tasks_rcu);
	delay_end(&locks);
}

module_init(delay_init);
module_exit(delay_exit);

MODULE_DESCRIPTION("Test of kvm_pvi: lets others wait");
MODULE_LICENSE("GPL");
