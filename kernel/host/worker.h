/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PVI_WORKER_H
#define _PVI_WORKER_H

struct kthread_worker;

struct kthread_worker *pvi_worker_create(void);
void pvi_worker_disown(struct kthread_worker *worker);

#endif
