// SPDX-License-Identifier: GPL-2.0-or-later
/* pvictl listing - what the module lists for root, in pages */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "pvictl.h"

static int listing = -1;

int open_listing(void)
{
	struct kvm_pvi_list_endpoint record;
	uint64_t cursor = UINT64_MAX;
	int fd, ret;

	if (listing >= 0)
		return listing;
	fd = open("/dev/kvm_pvi", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Neither by others than root, nor by a module that is older. */
	ret = pvi_list(fd, KVM_PVI_LIST_ENDPOINTS, 0, &cursor, &record, sizeof(record), 1);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	listing = fd;
	return fd;
}

unsigned int list_page(uint32_t kind, uint64_t number, uint64_t *cursor, void *records, size_t record,
		       unsigned int nr)
{
	int ret = pvi_list(open_listing(), kind, number, cursor, records, record, nr);

	if (ret < 0 && ret != -ENOENT)
		die_doing(DOING_OTHER, ret, "/dev/kvm_pvi");
	return ret < 0 ? 0 : ret;
}

static struct kvm_pvi_list_edge *room(struct edge_list *edges, size_t more)
{
	edges->all = must_alloc(reallocarray(edges->all, edges->nr + more, sizeof(*edges->all)));
	return edges->all + edges->nr;
}

#define PAGE 256

static int list_listed(const struct endpoint *e, struct edge_list *edges)
{
	uint64_t cursor = 0;
	size_t size = 0;
	unsigned int nr;

	do {
		if (size < edges->nr + PAGE) {
			size = 2 * edges->nr + PAGE;
			room(edges, size - edges->nr);
		}
		nr = list_page(KVM_PVI_LIST_EDGES, e->number, &cursor, edges->all + edges->nr,
			       sizeof(*edges->all), PAGE);
		edges->nr += nr;
	} while (nr);
	return 0;
}

static int list_one_by_one(int pvi, struct edge_list *edges)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	size_t size = 0;
	int ret;

	while ((ret = pvi_next_edge(pvi, &edge)) > 0) {
		if (size == edges->nr) {
			size = 2 * size + 16;
			room(edges, size - edges->nr);
		}
		edges->all[edges->nr++] = (struct kvm_pvi_list_edge){
			.id = edge.cursor, .gsi = edge.gsi, .kind = edge.kind, .counts = edge.counts,
		};
		uuid_copy(edges->all[edges->nr - 1].uuid, edge.uuid);
	}
	return ret;
}

int list_edges(const struct endpoint *e, int pvi, struct edge_list *edges)
{
	*edges = (struct edge_list){ 0 };
	return e->listed ? list_listed(e, edges) : list_one_by_one(pvi, edges);
}
