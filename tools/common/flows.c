// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * common flows - what has gone over links
 *
 * Bytes are what the sender's section counts. Whoever is woken has a row for it in the module: the wakes
 * are counted there, by nobody who could lie.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "flows.h"

const char *flow_kind(uint32_t kind)
{
	static const char * const kinds[] = { "net", "vsock", "raw" };

	return kind - PVI_RING_NET < ARRAY_SIZE(kinds) ? kinds[kind - PVI_RING_NET] : "?";
}

const char *flow_state(uint32_t state)
{
	static const char * const states[] = { "reset", "init", "ready", "run" };

	return states[state & 3];
}

static bool read_at(int fd, void *to, size_t size, off_t at)
{
	return pread(fd, to, size, at) == (ssize_t)size;
}

void flow_side_read(const char *path, const struct pvi_ring_shape *shape, struct flow_side *side)
{
	struct pvi_ring_header header;
	struct pvi_ring_queue queue;
	uint32_t n;
	int fd;

	*side = (struct flow_side){ .gsi = shape->gsi, .gsis = shape->gsis };
	uuid_copy(side->owner, shape->owner);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	side->seen = read_at(fd, &header, sizeof(header), 0);
	side->state = side->seen ? PVI_RING_STATE(header.life) : PVI_RING_RESET;
	for (n = 0; side->state == PVI_RING_RUN && n < shape->queues; n++)
		if (read_at(fd, &queue, sizeof(queue), PVI_RING_QUEUES + n * sizeof(queue)))
			side->bytes += (uint64_t)queue.prod[1] << 32 | queue.prod[0];
	close(fd);
}

static bool read_flow(const char *dir, const char *name, struct flow *flow)
{
	struct pvi_ring_shape shapes[2];
	char path[PATH_MAX];
	uint32_t i;

	if (uuid_parse(name, flow->link) || pvi_link_read(dir, flow->link, shapes))
		return false;
	flow->kind = shapes[0].kind;
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s/%u", dir, name, i);
		flow_side_read(path, &shapes[i], &flow->sides[i]);
	}
	return true;
}

int flow_compare(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;

	return uuid_compare(x->link, y->link);
}

static int compare_sides(const void *a, const void *b)
{
	const struct flow_side *x = *(struct flow_side *const *)a, *y = *(struct flow_side *const *)b;

	return uuid_compare(x->owner, y->owner) ?: (x->gsi > y->gsi) - (x->gsi < y->gsi);
}

/* A side's GSIs are its own, so that a GSI is in one range at most. */
static int compare_gsi(const void *key, const void *of)
{
	const struct flow_side *x = key, *y = *(struct flow_side *const *)of;

	return uuid_compare(x->owner, y->owner) ?: x->gsi < y->gsi ? -1 : x->gsi - y->gsi >= y->gsis;
}

static int sort_flows(struct flows *flows)
{
	size_t i;

	if (!flows->nr)
		return 0;
	flows->by_gsi = calloc(2 * flows->nr, sizeof(*flows->by_gsi));
	if (!flows->by_gsi)
		return -ENOMEM;
	qsort(flows->all, flows->nr, sizeof(*flows->all), flow_compare);
	for (i = 0; i < 2 * flows->nr; i++)
		flows->by_gsi[i] = &flows->all[i / 2].sides[i % 2];
	qsort(flows->by_gsi, 2 * flows->nr, sizeof(*flows->by_gsi), compare_sides);
	return 0;
}

int flows_read(struct flows *flows, const char *dir)
{
	struct dirent *entry;
	struct flow flow, *more;
	int ret = 0;
	DIR *d;

	*flows = (struct flows){ 0 };
	d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (!ret && (entry = readdir(d))) {
		if (!read_flow(dir, entry->d_name, &flow))
			continue;
		more = reallocarray(flows->all, flows->nr + 1, sizeof(*more));
		if (more) {
			more[flows->nr++] = flow;
			flows->all = more;
		} else {
			ret = -ENOMEM;
		}
	}
	closedir(d);
	ret = ret ?: sort_flows(flows);
	if (ret)
		flows_free(flows);
	return ret;
}

void flows_add(struct flows *flows, const uuid_t receiver, const struct kvm_pvi_list_edge *edge)
{
	struct flow_side key = { .gsi = edge->gsi }, **found;

	if (!flows->nr || edge->kind != KVM_PVI_EDGE_GSI)
		return;
	uuid_copy(key.owner, receiver);
	found = bsearch(&key, flows->by_gsi, 2 * flows->nr, sizeof(*flows->by_gsi), compare_gsi);
	if (found)
		(*found)->wakes += edge->counts.raised + edge->counts.coalesced + edge->counts.latched;
}

void flows_free(struct flows *flows)
{
	free(flows->by_gsi);
	free(flows->all);
	*flows = (struct flows){ 0 };
}
