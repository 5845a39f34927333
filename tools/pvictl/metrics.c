// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl metrics - all counters, for a textfile collector of Prometheus */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "metrics.h"
#include "pvictl.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	bool *open_metrics = state->input;

	(void)arg;
	if (key != 'o')
		return ARGP_ERR_UNKNOWN;
	*open_metrics = true;
	return 0;
}

static const struct argp_option options[] = {
	{ "openmetrics", 'o', NULL, 0, "In the format of OpenMetrics 1.0", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Print all counters as Prometheus reads them; needs root.",
};

static void name(const struct kvm_pvi_list_endpoint *r, char *to, size_t size, void *arg)
{
	struct endpoint e = {
		.pid = r->opener, .vmm = r->vmm, .host = r->flags & KVM_PVI_LISTED_HOST,
	};

	(void)arg;
	uuid_copy(e.uuid, r->uuid);
	name_endpoint(&e);
	snprintf(to, size, "%s", e.name);
}

int cmd_metrics(int argc, char **argv)
{
	bool open_metrics = false;
	int pvi, ret;

	argp_parse(&argp, argc, argv, 0, NULL, &open_metrics);
	pvi = open_listing();
	if (pvi < 0)
		die_doing(pvi == -EPERM ? DOING_RESERVE : DOING_OPEN, pvi, "there are no metrics");
	ret = metrics_print(stdout, pvi, open_metrics, name, NULL);
	if (ret)
		die_doing(DOING_OTHER, ret, "there are no metrics");
	if (fflush(stdout))
		die("cannot write: %s", strerror(errno));
	return 0;
}
