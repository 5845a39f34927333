// SPDX-License-Identifier: GPL-2.0-or-later
/* common applied - policies as they were carried out */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applied.h"
#include "policy_path.h"
#include "policy_reader.h"

/* Of the @nth, the newest being the first */
static char *applied_path(const char *run, unsigned int nth, const char *more)
{
	char number[16] = "", *path;

	if (nth)
		snprintf(number, sizeof(number), ".%u", nth);
	if (asprintf(&path, "%s/%s%s%s", run, PVID_APPLIED, number, more) < 0)
		abort();
	return path;
}

bool applied_read(struct policy *policy, const char *run)
{
	struct policy *p = policy;
	unsigned int nth;
	bool done = true;
	char *path;

	*policy = (struct policy){ 0 };
	for (nth = 0; done; nth++) {
		path = applied_path(run, nth, "");
		if (access(path, F_OK)) {
			free(path);
			break;
		}
		if (nth)
			p = p->older = policy_grow(NULL, 0, sizeof(*p));
		done = policy_read_file(p, path);
		free(path);
	}
	if (!done && p != policy)
		memcpy(policy->error, p->error, sizeof(policy->error));
	return done;
}

/* As a whole or not at all */
static int applied_write_one(const struct policy *p, const char *run, unsigned int nth)
{
	char *path = applied_path(run, nth, ""), *new = applied_path(run, nth, ".new");
	FILE *out = fopen(new, "we");
	int ret = out ? policy_write(p, out) : -errno;

	if (out)
		fclose(out);
	if (!ret && rename(new, path))
		ret = -errno;
	free(path);
	free(new);
	return ret;
}

/* The oldest first, then what takes its place in the row */
static int applied_write_older(const struct policy *p, const char *run, unsigned int nth)
{
	return (p->older ? applied_write_older(p->older, run, nth + 1) : 0) ?: applied_write_one(p, run, nth);
}

int applied_write(const struct policy *policy, const char *run)
{
	int ret = applied_write_older(policy, run, 0), gone;
	unsigned int nr = 1;
	char *path;

	for (; policy->older; policy = policy->older)
		nr++;
	do {
		path = applied_path(run, nr++, "");
		gone = ret ?: unlink(path);
		free(path);
	} while (!gone);
	return ret;
}
