// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: the kernel's tracer, with the TSC as its clock */
#include "bench.h"

static const char *path_of(const char *file)
{
	static char path[128];
	const char *dir = "/sys/kernel/tracing";

	if (access("/sys/kernel/tracing/trace", F_OK))
		dir = "/sys/kernel/debug/tracing";
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return path;
}

void bench_trace_set(const char *file, const char *value)
{
	int ret = __write_line(path_of(file), value);

	if (ret)
		TEST_FAIL("%s: writing '%s': %s", path_of(file), value, strerror(-ret));
}

/* Opening it for writing empties it */
void bench_trace_clear(void)
{
	fclose(fopen(path_of("trace"), "w"));
}

FILE *bench_trace_open(void)
{
	FILE *file = fopen(path_of("trace"), "r");

	if (!file)
		TEST_FAIL("%s: %s", path_of("trace"), strerror(errno));
	return file;
}
