/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi eventfd - sources and sinks */
#ifndef _PVI_EVENTFD_H
#define _PVI_EVENTFD_H

struct eventfd_ctx;
struct file;

int pvi_eventfd_init(void);
void pvi_eventfd_exit(void);
struct eventfd_ctx *pvi_eventfd_get_sink(int fd);
void pvi_eventfd_put_sink(struct eventfd_ctx *eventfd);
struct eventfd_ctx *pvi_eventfd_get_source(struct file *file);
void pvi_eventfd_put_source(struct eventfd_ctx *eventfd);

#endif /* _PVI_EVENTFD_H */
