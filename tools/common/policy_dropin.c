// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common policy_dropin - what the files of NAME.conf.d say of sections of NAME.conf
 *
 * They are read first, and kept as lines. When NAME.conf is read each of its keys has the last of them that is for it in
 * its place, and a section gets those that it has not at its end. So all that is checked of a section is
 * checked of what it is in the end, and what is wrong is said where it stands.
 */
#include <stdlib.h>
#include <string.h>

#include "policy_reader.h"

void dropins_add(struct dropins *d, const struct reader *r, const char *section, const char *key, const char *value)
{
	struct dropin *one;

	d->all = policy_grow(d->all, d->nr, sizeof(*d->all));
	one = &d->all[d->nr];
	*one = (struct dropin){
		.section = strdup(section), .key = strdup(key), .value = strdup(value),
		.file = r->file, .line = r->line, .section_line = r->section_line, .number = d->nr,
	};
	if (!one->section || !one->key || !one->value)
		abort();
	d->nr++;
}

static int compare_dropins(const void *a, const void *b)
{
	const struct dropin *x = a, *y = b;

	return strcmp(x->section, y->section) ?: (x->number > y->number) - (x->number < y->number);
}

void dropins_sort(struct dropins *d)
{
	if (d->nr)
		qsort(d->all, d->nr, sizeof(*d->all), compare_dropins);
}

struct dropin *dropins_of(const struct dropins *d, const char *section, size_t *nr)
{
	size_t low = 0, high = d->nr, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(d->all[middle].section, section) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (high < d->nr && !strcmp(d->all[high].section, section))
		high++;
	*nr = high - low;
	return d->all + low;
}

struct dropin *dropins_take(const struct dropins *d, const char *section, const char *key)
{
	struct dropin *all, *last = NULL;
	size_t nr, i;

	all = dropins_of(d, section, &nr);
	for (i = 0; i < nr; i++) {
		if (all[i].taken || strcmp(all[i].key, key))
			continue;
		all[i].taken = true;
		last = &all[i];
	}
	return last;
}

void dropins_free(struct dropins *d)
{
	size_t i;

	for (i = 0; i < d->nr; i++) {
		free(d->all[i].section);
		free(d->all[i].key);
		free(d->all[i].value);
	}
	free(d->all);
	*d = (struct dropins){ 0 };
}
