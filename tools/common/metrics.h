/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common metrics - counters of all endpoints, as Prometheus reads them */
#ifndef METRICS_H
#define METRICS_H

#include <libpvi.h>
#include <stdbool.h>
#include <stdio.h>

#define METRICS_ROWS 16384	/* if nothing else is said */

/* Writes what an endpoint is called, or nothing, to @to */
typedef void metrics_name(const struct kvm_pvi_list_endpoint *r, char *to, size_t size, void *arg);

/*
 * @pvi: any endpoint; @links: the directory of links; @rows: so many of all tables at most, and what is left of each as
 * one. The text format 0.0.4, or OpenMetrics 1.0; -errno
 */
int metrics_print(FILE *out, int pvi, const char *links, size_t rows, bool open_metrics, metrics_name *name,
		  void *arg);

#endif
