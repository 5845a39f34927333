// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl metrics - all counters, for a textfile collector of Prometheus */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "metrics.h"
#include "pvictl.h"

struct args {
	bool open_metrics;
	const char *links;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'o':
		args->open_metrics = true;
		return 0;
	case 'd':
		args->links = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	LINKS_OPTION,
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
	struct args args = { .links = PVI_LINK_DIR };
	int pvi, ret;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	pvi = open_listing();
	if (pvi < 0)
		die_doing(pvi == -EPERM ? DOING_RESERVE : DOING_OPEN, pvi, "there are no metrics");
	ret = metrics_print(stdout, pvi, args.links, METRICS_ROWS, args.open_metrics, name, NULL);
	if (ret)
		die_doing(DOING_OTHER, ret, "there are no metrics");
	if (fflush(stdout))
		die("cannot write: %s", strerror(errno));
	return 0;
}
