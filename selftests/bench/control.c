// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: the VMMs' calls, among two VMs and among many, and the end of many at once */
#include "bench.h"

#define NR_CALLS	64
#define NR_ENDS		64

enum { BIND, EXPOSE, WIRE, ALLOW, CONNECT, UNBIND, NR_KINDS };

static const char *const kind_name[NR_KINDS] = {
	"bind", "expose", "wire", "allow", "connect", "unbind"
};

static u64 took[NR_KINDS][NR_CALLS];

#define TIME(kind, i, call)                                                   \
	do {                                                                  \
		u64 __start = bench_tsc();                                    \
									      \
		call;                                                         \
		took[kind][i] = bench_tsc() - __start;                        \
	} while (0)

/* The life of one VM, from bind to unbind, after all others */
static void live(u32 i, int peer)
{
	u64 nr_dirs = bench_nr_kvm_dirs();
	struct vm vm = { .fd = bench_new_kvm() };
	int fd = pvi_open(), eventfd = new_eventfd();
	u32 port;

	TIME(BIND, i, ASSERT_EQ(__pvi_bind(fd, &vm, pvi_uuid[2]), 0));
	TIME(EXPOSE, i, pvi_expose(fd, BENCH_GSI, KVM_PVI_GSI_EVENTFD));
	TIME(WIRE, i, pvi_wire(fd, BENCH_GSI, eventfd));
	TIME(ALLOW, i, pvi_allow(fd, bench_uuid[BENCH_NR_UUIDS - 1], BENCH_GSI));
	TIME(CONNECT, i, ASSERT_EQ(__pvi_connect(peer, pvi_uuid[2], BENCH_GSI, &port), 0));
	close(vm.fd);
	TIME(UNBIND, i, close(fd));
	pvi_close_port(peer, port);
	close(eventfd);
	ASSERT_TRUE(wait_until(bench_nr_kvm_dirs() == nr_dirs, 10000));
}

void bench_control(u32 nr_vms)
{
	int peer = pvi_bind(NULL, bench_uuid[BENCH_NR_UUIDS - 1]);
	char name[64];
	u32 i;

	for (i = 0; i < NR_CALLS; i++)
		live(i, peer);
	close(peer);
	for (i = 0; i < NR_KINDS; i++) {
		snprintf(name, sizeof(name), "control_%s_vms%u", kind_name[i], nr_vms);
		bench_print_least(name, took[i], NR_CALLS);
	}
}

/* The time of the last of @nr events of the end of a VM; 0 if that many have not come yet */
static u64 last_end(u32 nr)
{
	FILE *file = bench_trace_open();
	u64 time, last = 0;
	char line[256];
	u32 seen = 0;

	while (fgets(line, sizeof(line), file))
		if (strstr(line, "kvm_pvi_unbind") &&
		    sscanf(line, "%*[^]]] %*s %llu:", &time) == 1) {
			last = time;
			seen++;
		}
	fclose(file);
	return seen == nr ? last : 0;
}

static void hold(u64 unused)
{
	(void)unused;
	for (;;)
		pause();
}

/*
 * @nr endpoints, each with a GSI, a sender and a port, go with the process that holds them. (Whoever
 * closes one and lives on waits for its end.) Their VMs live on, since destroying those is KVM's work.
 */
static u64 end_together(u32 nr)
{
	int fds[NR_ENDS], vms[NR_ENDS];
	u64 start, end = 0;
	pid_t holder;
	u32 i;

	for (i = 0; i < nr; i++) {
		struct vm vm = { .fd = bench_new_kvm() };

		vms[i] = vm.fd;
		fds[i] = pvi_bind(&vm, bench_uuid[i]);
		pvi_expose(fds[i], BENCH_GSI, KVM_PVI_GSI_EVENTFD);
		pvi_allow(fds[i], bench_uuid[i], BENCH_GSI);
		pvi_connect(fds[i], bench_uuid[i], BENCH_GSI);
	}
	holder = child_run(hold, 0);
	for (i = 0; i < nr; i++)
		close(fds[i]);
	bench_trace_clear();
	start = bench_tsc();
	child_kill(holder);
	/* Reading the events would take time from those who make them */
	for (i = 0; i < 20 && !end; i++) {
		sleep(1);
		end = last_end(nr);
	}
	if (!end)
		TEST_FAIL("%u VMs were unbound, and not all have gone", nr);
	for (i = 0; i < nr; i++)
		close(vms[i]);
	return end - start;
}

/* In the TSC's ticks, since grace periods are time */
void row_teardown(void)
{
	static const u32 nrs[] = { 1, NR_ENDS };
	u64 times[15];
	char name[64];
	u32 i, k;

	bench_raise_limits();
	bench_settle();
	pvi_bind(NULL, pvi_uuid[0]);
	bench_trace_set("trace_clock", "x86-tsc");
	bench_trace_set("events/kvm_pvi/kvm_pvi_unbind/enable", "1");
	for (i = 0; i < ARRAY_SIZE(nrs); i++) {
		for (k = 0; k < ARRAY_SIZE(times); k++)
			times[k] = end_together(nrs[i]);
		snprintf(name, sizeof(name), "teardown_vms%u", nrs[i]);
		bench_print_median(name, times, ARRAY_SIZE(times));
	}
	bench_trace_set("events/kvm_pvi/kvm_pvi_unbind/enable", "0");
}
