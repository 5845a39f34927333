// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common links_policy - which links a policy and a directory differ in
 *
 * A link that is made by a policy says so in its directory: the section, as policy_write_link() writes it. One of
 * which nothing is said there has been made by hand, and is nobody's but theirs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "links_policy.h"

/* To be freed; NULL: no memory */
static char *text_of(const struct policy_link *link)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	policy_write_link(out, link);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

/* What follows the name of the section, by which a link is no other one */
static bool says(const char *dir, const struct link *link, const char *text)
{
	char path[PATH_MAX], said[4096];
	const char *a, *b;
	size_t len;
	FILE *file;

	links_file(path, sizeof(path), dir, link->uuid, LINKS_POLICY);
	file = fopen(path, "re");
	if (!file)
		return false;
	len = fread(said, 1, sizeof(said) - 1, file);
	fclose(file);
	said[len] = '\0';
	a = strchr(said, '\n');
	b = strchr(text, '\n');
	return a && b && !strcmp(a, b);
}

int links_rename(const char *dir, struct link *link, const struct policy *policy, struct links_why *why)
{
	const struct policy_link *wanted = policy_link(policy, link->uuid);
	char path[PATH_MAX], new[PATH_MAX], *text;
	int ret;

	if (!*link->label || !wanted || !strcmp(link->label, wanted->label))
		return 0;
	links_file(path, sizeof(path), dir, link->uuid, LINKS_POLICY);
	links_file(new, sizeof(new), dir, link->uuid, LINKS_POLICY_NEW);
	/* Of one who was killed meanwhile */
	unlink(new);
	text = text_of(wanted);
	ret = text ? links_write(new, text, strlen(text)) : -ENOMEM;
	free(text);
	if (!ret && rename(new, path))
		ret = -errno;
	if (ret) {
		unlink(new);
		return links_fail(why, ret, "%s", path);
	}
	snprintf(link->label, sizeof(link->label), "%s", wanted->label);
	return 0;
}

bool links_is_old(const char *dir, const struct link *link, const struct policy *policy)
{
	const struct policy_link *wanted = policy_link(policy, link->uuid);
	char *text;
	bool same;

	if (!*link->label)
		return false;
	text = wanted ? text_of(wanted) : NULL;
	/* Where there is no memory it is not known. */
	same = text ? says(dir, link, text) : wanted != NULL;
	free(text);
	return !same;
}

int links_is_there(const char *dir, const struct links *links, const struct policy *policy,
		   const struct policy_link *wanted, struct links_why *why)
{
	char text[UUID_STR_LEN];
	const struct link *link;
	size_t i;

	for (i = 0; i < links->nr; i++) {
		link = &links->all[i];
		if (uuid_compare(link->uuid, wanted->spec.uuid) || links_is_old(dir, link, policy))
			continue;
		if (*link->label || links_is(dir, link, &wanted->spec))
			return 1;
		uuid_unparse_lower(link->uuid, text);
		return links_refuse(why, EEXIST,
				    LINKS_OF_POLICY "%s' is there, made by hand and another one; 'pvictl unlink %s', or write another 'uuid'",
				    wanted->label, text);
	}
	return 0;
}

int links_make_by_policy(const char *dir, const struct policy_link *wanted, struct links *links,
			 struct links_why *why)
{
	char *text = text_of(wanted);
	struct link_spec spec = policy_link_spec(wanted, text);
	struct links_why cause;
	int ret = text ? links_make(dir, &spec, links, &cause) : links_fail(&cause, ENOMEM, "%s", dir);

	free(text);
	if (ret)
		links_refuse(why, ret, LINKS_OF_POLICY "%s': %.2000s", wanted->label, cause.text);
	return ret;
}
