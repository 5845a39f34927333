// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi bench: what each VM, sender, GSI and port keeps in memory, by the allocator's own count
 *
 * The figure is what many of them added to all slabs, divided by their number.
 */
#include <glob.h>

#include "bench.h"

/* Objects that CPUs keep for their next allocations count as in use; make them give those back */
static void flush_slabs(void)
{
	glob_t files;
	size_t i;

	ASSERT_EQ(glob("/sys/kernel/slab/*/shrink", 0, NULL, &files), 0);
	for (i = 0; i < files.gl_pathc; i++)
		__write_line(files.gl_pathv[i], "1");
	globfree(&files);
}

/* Bytes in objects that are in use, of all slabs */
static u64 slab_bytes(void)
{
	u64 active, size, sum = 0;
	char line[512];
	FILE *file;

	flush_slabs();
	file = fopen("/proc/slabinfo", "r");
	if (!file)
		TEST_FAIL("/proc/slabinfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %llu %*u %llu", &active, &size) == 2)
			sum += active * size;
	fclose(file);
	return sum;
}

static u64 percpu_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[256];
	u64 kib = 0;

	ASSERT_TRUE(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "Percpu: %llu", &kib);
	fclose(file);
	return kib * 1024;
}

static void measure(const char *name, void (*add)(u32 i, int fd), int fd, u32 nr)
{
	u64 before = slab_bytes();
	u32 i;

	for (i = 0; i < nr; i++)
		add(i, fd);
	bench_print_value(name, (slab_bytes() - before) / nr);
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
	u64 percpu;
	u32 i;

	bench_raise_limits();
	/* What the rows before this one have freed goes within seconds */
	sleep(10);
	for (i = 0; i < BENCH_MANY; i++)
		vm_fds[i] = test_ioctl(__FILE__, __LINE__, "KVM_CREATE_VM", kvm_dev_fd(),
				       KVM_CREATE_VM, NULL);
	percpu = percpu_bytes();
	measure("memory_vm", add_vm, -1, BENCH_MANY);
	bench_print_value("memory_vm_percpu", (percpu_bytes() - percpu) / BENCH_MANY /
			  sysconf(_SC_NPROCESSORS_CONF));
	measure("memory_host", add_host, -1, BENCH_MANY);

	rx_fd = pvi_bind(NULL, pvi_uuid[0]);
	tx_fd = pvi_bind(NULL, pvi_uuid[1]);
	measure("memory_gsi", add_gsi, rx_fd, BENCH_MANY);
	measure("memory_sender", add_sender, rx_fd, BENCH_MANY);
	pvi_allow(rx_fd, pvi_uuid[1], 0);
	measure("memory_eventfd_port", add_eventfd_port, tx_fd, BENCH_MANY);
	measure("memory_connection", add_connection, tx_fd, BENCH_MANY);
}
