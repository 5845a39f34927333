// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvi-exporter snapshot - what was listed a moment ago serves all who ask
 *
 * A client that reads slowly keeps the one that it reads. Where several are kept the newest has to do, so
 * that clients have no say in how many there are.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "exporter.h"

#define FRESH 1000		/* ms */
#define MAX_KEPT 4		/* of each format, with the newest */

static struct snapshot *newest[NR_FORMATS];
static unsigned int kept[NR_FORMATS];

static void snapshot_free(struct snapshot *s)
{
	close(s->fd);
	kept[s->format]--;
	free(s);
}

void snapshot_put(struct snapshot *s)
{
	if (s && !--s->users)
		snapshot_free(s);
}

static struct snapshot *snapshot_make(int requests, enum format format, uint64_t now)
{
	struct snapshot *s = malloc(sizeof(*s));
	struct stat st;

	if (!s)
		return NULL;
	*s = (struct snapshot){ .users = 1, .format = format, .time = now, .fd = lister_ask(requests, format) };
	if (s->fd < 0 || fstat(s->fd, &st)) {
		LOG(SD_ERR, "there are no metrics");
		if (s->fd >= 0)
			close(s->fd);
		free(s);
		return NULL;
	}
	s->size = st.st_size;
	kept[format]++;
	return s;
}

struct snapshot *snapshot_get(int requests, enum format format, uint64_t now)
{
	struct snapshot *s = newest[format];

	if (!s || (now - s->time >= FRESH && kept[format] < MAX_KEPT)) {
		s = snapshot_make(requests, format, now);
		if (!s)
			return NULL;
		snapshot_put(newest[format]);
		newest[format] = s;
	}
	s->users++;
	return s;
}
