// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/kcov.h>
#include <sys/mman.h>

#include "kcov.h"
#include "pvi_test.h"

#define ENTRIES	(1u << 18)	/* of the kernel's, all that a thread passes between reset and take */
#define EDGES	(1u << 20)	/* bits, by hash */

/*
 * @seen: what the kernel writes: how many entries follow, and these
 * @start, @size: the module's code
 * @places: a byte for each of its
 */
struct kcov {
	u64 *seen;
	u64 start, size;
	u8 *places;
	u8 edges[EDGES / 8];
	u32 nr_places, nr_edges;
};

/* From the first symbol to the end of the page of the last one: other modules are in others */
static void kcov_find_code(struct kcov *kcov)
{
	u64 address, first = ~0ULL, last = 0;
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], type, owner[64];

	ASSERT_TRUE(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%llx %c %*s [%63[^]]", &address, &type, owner) == 3 &&
		    (type == 't' || type == 'T') && !strcmp(owner, "kvm_pvi")) {
			first = address < first ? address : first;
			last = address > last ? address : last;
		}
	fclose(file);
	ASSERT_TRUE(first && last);
	kcov->start = first;
	kcov->size = (last | (PAGE_SIZE - 1)) + 1 - first;
	ASSERT_LT(kcov->size, 1 << 22);
	kcov->places = calloc(1, kcov->size);
}

struct kcov *kcov_open(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	struct kcov *kcov = calloc(1, sizeof(*kcov));

	ASSERT_GE(fd, 0);
	ASSERT_EQ(ioctl(fd, KCOV_INIT_TRACE, ENTRIES), 0);
	kcov->seen = map_shared(fd, ENTRIES * sizeof(u64));
	kcov_find_code(kcov);
	ASSERT_EQ(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC), 0);
	return kcov;
}

void kcov_reset(struct kcov *kcov)
{
	WRITE_ONCE(kcov->seen[0], 0);
}

static bool kcov_is_new_edge(struct kcov *kcov, u64 from, u64 to)
{
	u32 hash = (from * 0x9e3779b97f4a7c15 ^ to * 0xbf58476d1ce4e5b9) >> 20 & (EDGES - 1);
	u8 bit = 1 << hash % 8;

	if (kcov->edges[hash / 8] & bit)
		return false;
	kcov->edges[hash / 8] |= bit;
	return true;
}

u32 kcov_take(struct kcov *kcov)
{
	u64 nr = READ_ONCE(kcov->seen[0]), before = 0, i, at;
	u32 nr_new = 0;

	for (i = 1; i <= nr; i++) {
		at = READ_ONCE(kcov->seen[i]) - kcov->start;
		if (at >= kcov->size)
			continue;
		if (!kcov->places[at]) {
			kcov->places[at] = 1;
			kcov->nr_places++;
		}
		nr_new += kcov_is_new_edge(kcov, before, at);
		before = at;
	}
	kcov->nr_edges += nr_new;
	return nr_new;
}

u32 kcov_places(const struct kcov *kcov)
{
	return kcov->nr_places;
}

u32 kcov_edges(const struct kcov *kcov)
{
	return kcov->nr_edges;
}
