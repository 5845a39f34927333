// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: what each VM, sender, GSI and port keeps in memory, by the slabs' own counts
 *
 * Many of a kind are made, and of each slab counts what each of them added to it: so many whole
 * objects. What other processes do meanwhile is less, and so are the pointers in our tables.
 */
#include "bench.h"

#define MAX_SLABS 512

struct slab {
	char name[64];
	u64 active, size;
};

static struct slab before[MAX_SLABS], after[MAX_SLABS];

static void read_slabs(struct slab *slabs)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	char line[512];
	u32 nr = 0;

	if (!file)
		TEST_FAIL("/proc/slabinfo: %s", strerror(errno));
	memset(slabs, 0, sizeof(before));
	while (fgets(line, sizeof(line), file) && nr < MAX_SLABS)
		nr += sscanf(line, "%63s %llu %*u %llu", slabs[nr].name, &slabs[nr].active,
			     &slabs[nr].size) == 3;
	fclose(file);
}

/* Caches are neither made nor removed while a row runs, so both lists are in the same order */
static u64 bytes_added(u32 nr)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < MAX_SLABS && after[i].name[0]; i++) {
		ASSERT_EQ(strcmp(before[i].name, after[i].name), 0);
		if (after[i].active > before[i].active)
			sum += (after[i].active - before[i].active + nr / 2) / nr * after[i].size;
	}
	return sum;
}

static void measure(const char *name, void (*add)(u32 i, int fd), int fd, u32 nr)
{
	u32 i;

	read_slabs(before);
	for (i = 0; i < nr; i++)
		add(i, fd);
	read_slabs(after);
	bench_print(name, bytes_added(nr));
}

static int vm_fds[BENCH_MANY];

static void add_vm(u32 i, int fd)
{
	struct vm vm = { .fd = vm_fds[i] };

	(void)fd;
	pvi_bind(&vm, bench_uuid[i]);
}

static void add_host(u32 i, int fd)
{
	(void)fd;
	pvi_bind(NULL, bench_uuid[BENCH_MANY + i]);
}

static void add_sender(u32 i, int fd)
{
	pvi_allow(fd, bench_uuid[i], BENCH_GSI);
}

static void add_gsi(u32 i, int fd)
{
	pvi_expose(fd, i, KVM_PVI_GSI_EVENTFD);
}

static void add_eventfd_port(u32 i, int fd)
{
	static int eventfd = -1;

	(void)i;
	if (eventfd < 0)
		eventfd = new_eventfd();
	pvi_set_port(fd, eventfd);
}

static void add_connection(u32 i, int fd)
{
	(void)i;
	pvi_connect(fd, pvi_uuid[0], 0);
}

void row_memory(void)
{
	int rx_fd, tx_fd;
	u32 i;

	bench_raise_limits();
	bench_settle();
	for (i = 0; i < BENCH_MANY; i++)
		vm_fds[i] = bench_new_kvm();
	measure("memory_vm", add_vm, -1, BENCH_MANY);
	measure("memory_host", add_host, -1, BENCH_MANY);

	rx_fd = pvi_bind(NULL, pvi_uuid[0]);
	tx_fd = pvi_bind(NULL, pvi_uuid[1]);
	measure("memory_gsi", add_gsi, rx_fd, BENCH_MANY);
	measure("memory_sender", add_sender, rx_fd, BENCH_MANY);
	pvi_allow(rx_fd, pvi_uuid[1], 0);
	measure("memory_eventfd_port", add_eventfd_port, tx_fd, BENCH_MANY);
	measure("memory_connection", add_connection, tx_fd, BENCH_MANY);
}
