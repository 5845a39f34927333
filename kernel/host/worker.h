/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi worker - a thread for what an endpoint's owner has done for it */
#ifndef _PVI_WORKER_H
#define _PVI_WORKER_H

#include <linux/kref.h>

struct kthread_worker;

/**
 * struct pvi_worker - the thread
 * @thread: it
 * @ref: the endpoint's, and one of each source, whose works name it
 */
struct pvi_worker {
	struct kthread_worker *thread;
	struct kref ref;
};

struct pvi_worker *pvi_worker_create(void);
void pvi_worker_disown(struct pvi_worker *worker);
void pvi_worker_flush(struct pvi_worker *worker);
void pvi_worker_put(struct pvi_worker *worker);

#endif
