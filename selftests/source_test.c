// SPDX-License-Identifier: GPL-2.0
/*
 * Sources: an eventfd that rings a port. From every mode of the CPU, from a guest in Hyper-V mode
 * and from ring 3 through a stock KVM_IOEVENTFD; bursts, throttling, what is dropped, the order
 * in which things are closed, and eventfds that would ring themselves.
 */
#include <signal.h>
#include <sys/wait.h>

#include "pvi_test.h"

#define GSI		20
#define VECTOR		0x40
#define DOORBELL	0x510
#define DOORBELL_MMIO	0xd0000000

static char source_rate[32];

/* A receiver and a sender without VMs: @sink is what a ring of @port signals */
struct pair {
	int rx;
	int tx;
	int sink;
	u32 port;
};

static void allow_at_rate(int fd, const u8 *uuid, u32 rate, u32 burst)
{
	struct kvm_pvi_allow allow = {
		.size = sizeof(allow), .gsi = GSI, .rate = rate, .burst = burst
	};

	memcpy(allow.uuid, uuid, sizeof(allow.uuid));
	pvi_ioctl(fd, KVM_PVI_ALLOW, &allow);
}

static struct pair pair_create(void)
{
	struct pair p = {
		.rx = pvi_bind(NULL, pvi_uuid[0]),
		.tx = pvi_bind(NULL, pvi_uuid[1]),
		.sink = new_eventfd(),
	};

	pvi_expose(p.rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(p.rx, GSI, p.sink);
	pvi_allow(p.rx, pvi_uuid[1], GSI);
	p.port = pvi_connect(p.tx, pvi_uuid[0], GSI);
	return p;
}

static u64 accepted(int fd)
{
	struct kvm_pvi_stats stats = pvi_stats(fd);

	return stats.sent.raised + stats.sent.coalesced + stats.sent.latched;
}

static u64 dropped(int fd)
{
	return pvi_stats(fd).dropped;
}

/* Lines of the endpoint's fdinfo that begin with @key */
static int fdinfo_lines(int fd, const char *key)
{
	char path[64], line[256];
	int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	ASSERT_TRUE(file);
	while (fgets(line, sizeof(line), file))
		count += !strncmp(line, key, strlen(key));
	fclose(file);
	return count;
}

static __guest u64 take_irqs(u64 count)
{
	guest_sync(1);
	guest_wait_irqs(VECTOR, count);
	return guest_irq_count(VECTOR);
}

/* A guest that counts what comes in on pin @gsi */
static struct vcpu *receiver_create(u32 gsi, u64 count)
{
	struct vm *rx = vm_create(1, 0);
	int fd = pvi_bind(rx, pvi_uuid[0]);

	vm_ioapic_set(rx, gsi, VECTOR, 0, 0);
	pvi_expose(fd, gsi, KVM_PVI_GSI_DIRECT);
	pvi_allow(fd, pvi_uuid[1], gsi);
	vcpu_run_thread(&rx->vcpus[0], take_irqs, count);
	vcpu_wait_sync(&rx->vcpus[0], 1);
	return &rx->vcpus[0];
}

static void ioeventfd(struct vm *vm, int fd, u64 addr, u32 len, u32 flags, u64 match)
{
	struct kvm_ioeventfd arg = {
		.addr = addr, .len = len, .fd = fd, .flags = flags, .datamatch = match,
	};

	vm_ioctl(vm, KVM_IOEVENTFD, &arg);
}

/* In real mode and in ring 3, where no hypercall can be issued, and in all the others */
static void test_modes(void)
{
	struct vcpu *rx = receiver_create(GSI, NR_GUEST_MODES);
	struct vm *tx = vm_create(1, 0);
	int fd = pvi_bind(tx, pvi_uuid[1]), source = new_eventfd();
	enum guest_mode mode;

	pvi_wire_source(fd, source, pvi_connect(fd, pvi_uuid[0], GSI));
	ioeventfd(tx, source, DOORBELL, 1, KVM_IOEVENTFD_FLAG_PIO, 0);
	for (mode = 0; mode < NR_GUEST_MODES; mode++) {
		test_diag("%s", guest_mode_name[mode]);
		vcpu_outb_in_mode(&tx->vcpus[0], mode, DOORBELL, 1);
		vcpu_wait_irqs(rx, VECTOR, mode + 1);
	}
	ASSERT_EQ(vcpu_join(rx), NR_GUEST_MODES);
	ASSERT_EQ(accepted(fd), NR_GUEST_MODES);
}

static __guest u64 write_mmio(u64 value)
{
	*(volatile u32 *)DOORBELL_MMIO = value;
	return 0;
}

/* A write of any value to one doorbell page, and from ring 3 */
static __guest u64 write_mmio_in_ring3(u64 value)
{
	guest_user_call(write_mmio, value);
	return guest_this_cpu()->fault_vector;
}

static void test_mmio(void)
{
	struct vcpu *rx = receiver_create(GSI, 2);
	struct vm *tx = vm_create(1, 0);
	int fd = pvi_bind(tx, pvi_uuid[1]), source = new_eventfd();

	pvi_wire_source(fd, source, pvi_connect(fd, pvi_uuid[0], GSI));
	ioeventfd(tx, source, DOORBELL_MMIO, 4, 0, 0);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], write_mmio, 5), 0);
	vcpu_wait_irqs(rx, VECTOR, 1);
	ASSERT_EQ(vcpu_call(&tx->vcpus[0], write_mmio_in_ring3, 6), 0);
	ASSERT_EQ(vcpu_join(rx), 2);
}

/* One doorbell register, the value written selects the peer's GSI, as ivshmem has it */
static void test_datamatch(void)
{
	struct pair p = pair_create();
	struct vm *tx = vm_create(1, 0);
	int fd = pvi_bind(tx, pvi_uuid[2]), sinks[3], sources[3];
	u64 value, other;

	for (value = 0; value < 3; value++) {
		sinks[value] = new_eventfd();
		sources[value] = new_eventfd();
		pvi_expose(p.rx, value, KVM_PVI_GSI_EVENTFD);
		pvi_wire(p.rx, value, sinks[value]);
		pvi_allow(p.rx, pvi_uuid[2], value);
		pvi_wire_source(fd, sources[value], pvi_connect(fd, pvi_uuid[0], value));
		ioeventfd(tx, sources[value], DOORBELL_MMIO, 4, KVM_IOEVENTFD_FLAG_DATAMATCH,
			  value);
	}
	for (value = 0; value < 3; value++) {
		ASSERT_EQ(vcpu_call(&tx->vcpus[0], write_mmio, value), 0);
		ASSERT_TRUE(wait_readable(sinks[value], 5000));
		for (other = 0; other < 3; other++)
			ASSERT_EQ(read_eventfd(sinks[other]), other == value);
	}
}

/* As a Windows guest: KVM then takes all hypercalls for Hyper-V's */
static void enable_hyperv(struct vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid = { .head.nent = 256 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry os_id;
	} msrs = { .head.nmsrs = 1, .os_id = { .index = 0x40000000, .data = 1ULL << 48 } };
	u32 i, kept = 0;

	vcpu_ioctl(vcpu, KVM_GET_CPUID2, &cpuid);
	/* 6.1 does not say how many there are */
	for (i = 0; i < ARRAY_SIZE(cpuid.entries) - 3; i++)
		if ((cpuid.entries[i].function || cpuid.entries[i].eax) &&
		    cpuid.entries[i].function >> 8 != 0x400000)
			cpuid.entries[kept++] = cpuid.entries[i];
	cpuid.entries[kept++] = (struct kvm_cpuid_entry2){
		.function = 0x40000000, .eax = 0x40000003,
		.ebx = 0x7263694d, .ecx = 0x666f736f, .edx = 0x76482074,
	};
	cpuid.entries[kept++] = (struct kvm_cpuid_entry2){
		.function = 0x40000001, .eax = 0x31237648,
	};
	cpuid.entries[kept++] = (struct kvm_cpuid_entry2){
		.function = 0x40000003, .eax = 1 << 5,
	};
	cpuid.head.nent = kept;
	vcpu_ioctl(vcpu, KVM_SET_CPUID2, &cpuid);
	ASSERT_EQ(vcpu_ioctl(vcpu, KVM_SET_MSRS, &msrs), 1);
}

static __guest u64 features_then_out(u64 port)
{
	u64 ret = guest_hypercall(KVM_HC_PVI_FEATURES, 0, 0, 0, 0);

	asm volatile("outb %%al, %%dx" : : "a" (1), "d" (port));
	return ret;
}

static void test_hyperv(void)
{
	struct vcpu *rx = receiver_create(GSI, 2);
	struct vm *tx = vm_create(1, 0);
	struct vcpu *vcpu = &tx->vcpus[0];
	int fd = pvi_bind(tx, pvi_uuid[1]), source = new_eventfd();

	pvi_wire_source(fd, source, pvi_connect(fd, pvi_uuid[0], GSI));
	ioeventfd(tx, source, DOORBELL, 1, KVM_IOEVENTFD_FLAG_PIO, 0);
	enable_hyperv(vcpu);
	/* HV_STATUS_INVALID_HYPERCALL_CODE: the hypercall did not reach us */
	ASSERT_EQ(vcpu_call(vcpu, features_then_out, DOORBELL), 2);
	vcpu_wait_irqs(rx, VECTOR, 1);
	ASSERT_EQ(vcpu_call(vcpu, features_then_out, DOORBELL), 2);
	ASSERT_EQ(vcpu_join(rx), 2);
}

static void wait_accepted(int fd, u64 count)
{
	if (!wait_until(accepted(fd) + dropped(fd) >= count, 10000))
		TEST_FAIL("%llu signals of %llu were rung", accepted(fd), count);
	ASSERT_EQ(accepted(fd), count);
	ASSERT_EQ(dropped(fd), 0);
}

static void test_count_before(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	ASSERT_EQ(eventfd_write(source, 5), 0);
	pvi_wire_source(p.tx, source, p.port);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
	wait_accepted(p.tx, 5);
	ASSERT_EQ(pvi_stats(p.tx).sent.raised, 1);
	ASSERT_EQ(read_eventfd(p.sink), 1);
	ASSERT_EQ(read_eventfd(source), 0);
}

/* At least one ring after the last signal, at most one per signal, none lost from the counts */
static void test_burst(void)
{
	struct pair p = pair_create();
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	int source = new_eventfd();
	u64 i, rings;

	pvi_wire_source(p.tx, source, p.port);
	for (i = 0; i < 2000; i++)
		signal_eventfd(source);
	ASSERT_EQ(eventfd_write(source, 500), 0);
	wait_accepted(p.tx, 2500);
	rings = read_eventfd(p.sink);
	ASSERT_GE(rings, 1);
	ASSERT_LE(rings, 2001);
	ASSERT_EQ(pvi_stats(p.tx).sent.raised, rings);
	ASSERT_EQ(pvi_stats(p.rx).received.raised, rings);
	ASSERT_EQ(pvi_stats(p.rx).received.coalesced, 2500 - rings);
	pvi_ioctl(p.rx, KVM_PVI_GET_EDGE, &edge);
	ASSERT_EQ(edge.counts.raised + edge.counts.coalesced, 2500);

	signal_eventfd(source);
	wait_accepted(p.tx, 2501);
	ASSERT_EQ(read_eventfd(p.sink), 1);
}

/* A port that is an eventfd is no permission: only the sender's counters grow */
static void test_eventfd_port(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[1]), sink = new_eventfd(), source = new_eventfd();

	pvi_wire_source(fd, source, pvi_set_port(fd, sink));
	ASSERT_EQ(eventfd_write(source, 3), 0);
	wait_accepted(fd, 3);
	ASSERT_EQ(read_eventfd(sink), 1);
}

static void test_semaphore(void)
{
	struct pair p = pair_create();
	int source = eventfd(3, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);

	ASSERT_GE(source, 0);
	pvi_wire_source(p.tx, source, p.port);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
	read_eventfd(p.sink);
	signal_eventfd(source);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
}

static void *write_blocking(void *arg)
{
	eventfd_t max = -2;
	int fd = *(int *)arg;

	ASSERT_EQ(eventfd_write(fd, max), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	return NULL;
}

/* A writer that waits for the count to go is woken when the source takes it */
static void test_full_eventfd(void)
{
	struct pair p = pair_create();
	int source = eventfd(0, EFD_CLOEXEC);
	pthread_t thread;

	ASSERT_GE(source, 0);
	ASSERT_EQ(pthread_create(&thread, NULL, write_blocking, &source), 0);
	ASSERT_TRUE(wait_readable(source, 5000));
	pvi_wire_source(p.tx, source, p.port);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
}

/* Nobody could be told: what finds no token waits for one */
static void test_throttled(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();
	u64 start, i;

	allow_at_rate(p.rx, pvi_uuid[1], 4, 1);
	pvi_wire_source(p.tx, source, p.port);
	start = now_ms();
	for (i = 1; i <= 4; i++) {
		signal_eventfd(source);
		ASSERT_TRUE(wait_readable(p.sink, 5000));
		ASSERT_EQ(read_eventfd(p.sink), 1);
		/* Clocks of both sides are the same; a millisecond for rounding */
		ASSERT_GE(now_ms() - start + 1, (i - 1) * 250);
	}
	wait_accepted(p.tx, 4);
	ASSERT_GT(pvi_stats(p.tx).sent.throttled, 0);
}

/* The limit of a GSI, all its senders together; what the edge allowed is not spent by it */
static void test_throttled_gsi(void)
{
	struct kvm_pvi_expose expose = { .size = sizeof(expose), .gsi = GSI + 1,
					 .kind = KVM_PVI_GSI_EVENTFD, .rate = 4, .burst = 1 };
	struct pair p = pair_create();
	int source = new_eventfd(), sink = new_eventfd();

	pvi_ioctl(p.rx, KVM_PVI_EXPOSE, &expose);
	pvi_wire(p.rx, GSI + 1, sink);
	pvi_allow(p.rx, pvi_uuid[1], GSI + 1);
	pvi_wire_source(p.tx, source, pvi_connect(p.tx, pvi_uuid[0], GSI + 1));
	signal_eventfd(source);
	wait_accepted(p.tx, 1);
	signal_eventfd(source);
	wait_accepted(p.tx, 2);
	ASSERT_EQ(read_eventfd(sink), 2);
}

/* A rate that is raised, or lifted, is seen by a source that waits */
static void test_rate_lifted(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	allow_at_rate(p.rx, pvi_uuid[1], 1, 1000);
	while (pvi_call(p.tx, KVM_HC_NOTIFY, p.port, 0, 0, 0) != -EAGAIN)
		;
	read_eventfd(p.sink);
	pvi_wire_source(p.tx, source, p.port);
	allow_at_rate(p.rx, pvi_uuid[1], 1, 1);
	ASSERT_EQ(pvi_call(p.tx, KVM_HC_NOTIFY, p.port, 0, 0, 0), -EAGAIN);
	signal_eventfd(source);
	allow_at_rate(p.rx, pvi_uuid[1], 0, 0);
	ASSERT_TRUE(wait_readable(p.sink, 10000));
}

static void expect_dropped(struct pair *p, int source, u64 count)
{
	ASSERT_EQ(eventfd_write(source, 2), 0);
	ASSERT_TRUE(wait_until(dropped(p->tx) == count, 10000));
	ASSERT_EQ(read_eventfd(p->sink), 0);
	ASSERT_EQ(fdinfo_lines(p->tx, "pvi-source:"), 1);
}

static void test_revoked(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	pvi_wire_source(p.tx, source, p.port);
	pvi_revoke(p.rx, pvi_uuid[1], GSI);
	expect_dropped(&p, source, 2);
	ASSERT_EQ(accepted(p.tx), 0);
}

static void test_dead(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	pvi_wire_source(p.tx, source, p.port);
	close(p.rx);
	expect_dropped(&p, source, 2);
}

/* The source stays and rings what comes to stand at its port */
static void test_port_closed(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	pvi_wire_source(p.tx, source, p.port);
	pvi_close_port(p.tx, p.port);
	expect_dropped(&p, source, 2);
	ASSERT_EQ(pvi_connect(p.tx, pvi_uuid[0], GSI), p.port);
	signal_eventfd(source);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
	ASSERT_EQ(dropped(p.tx), 2);
}

static void test_unwire(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();
	u64 i;

	for (i = 1; i <= 50; i++) {
		pvi_wire_source(p.tx, source, p.port);
		signal_eventfd(source);
		pvi_unwire_source(p.tx, source, p.port);
		/* What came before was rung, what comes later stays in the eventfd */
		ASSERT_EQ(read_eventfd(p.sink), 1);
		ASSERT_EQ(accepted(p.tx), i);
		signal_eventfd(source);
		ASSERT_EQ(read_eventfd(source), 1);
		ASSERT_EQ(read_eventfd(p.sink), 0);
	}
}

/* One that waits for a token when it is unwired is dropped, and counted */
static void test_unwire_throttled(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	allow_at_rate(p.rx, pvi_uuid[1], 1, 1);
	allow_at_rate(p.rx, pvi_uuid[1], 1, 1000);
	while (pvi_call(p.tx, KVM_HC_NOTIFY, p.port, 0, 0, 0) != -EAGAIN)
		;
	allow_at_rate(p.rx, pvi_uuid[1], 1, 1);
	pvi_wire_source(p.tx, source, p.port);
	signal_eventfd(source);
	ASSERT_EQ(eventfd_write(source, 2), 0);
	pvi_unwire_source(p.tx, source, p.port);
	ASSERT_EQ(dropped(p.tx), 3);
	ASSERT_EQ(__pvi_unwire_source(p.tx, source, p.port), -ENOENT);
}

/* Signalled and closed at once: rung, then gone from the endpoint */
static void test_close_eventfd(void)
{
	struct pair p = pair_create();
	int source, i;

	for (i = 1; i <= 50; i++) {
		source = new_eventfd();
		pvi_wire_source(p.tx, source, p.port);
		ASSERT_EQ(eventfd_write(source, 1), 0);
		close(source);
		wait_accepted(p.tx, i);
		ASSERT_EQ(read_eventfd(p.sink), 1);
	}
	ASSERT_TRUE(wait_until(!fdinfo_lines(p.tx, "pvi-source:"), 5000));
}

static void test_close_throttled(void)
{
	struct pair p = pair_create();
	int source = new_eventfd();

	allow_at_rate(p.rx, pvi_uuid[1], 2, 1);
	pvi_wire_source(p.tx, source, p.port);
	signal_eventfd(source);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
	read_eventfd(p.sink);
	signal_eventfd(source);
	close(source);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
	ASSERT_TRUE(wait_until(!fdinfo_lines(p.tx, "pvi-source:"), 5000));
	ASSERT_EQ(dropped(p.tx), 0);
}

/* Sender's VM, endpoint and eventfd, receiver's endpoint: closed in each order of the four */
static void close_in_order(unsigned int order)
{
	struct pair p = pair_create();
	struct vm *tx = vm_create(1, 0);
	int fd = pvi_bind(tx, pvi_uuid[2]), source = new_eventfd(), copy = dup(source);
	int fds[4] = { tx->fd, fd, source, p.rx }, left = 4, i;

	pvi_allow(p.rx, pvi_uuid[2], GSI);
	pvi_wire_source(fd, source, pvi_connect(fd, pvi_uuid[0], GSI));
	vm_ioeventfd_port(tx, DOORBELL, 1, source);
	close(copy);
	for (; left; left--) {
		vcpu_outb_in_mode(&tx->vcpus[0], GUEST_LONG64, DOORBELL, 1);
		i = order % left;
		order /= left;
		close(fds[i]);
		memmove(&fds[i], &fds[i + 1], (3 - i) * sizeof(int));
	}
	vcpu_outb_in_mode(&tx->vcpus[0], GUEST_LONG64, DOORBELL, 1);
	munmap(tx->vcpus[0].run, ioctl(kvm_dev_fd(), KVM_GET_VCPU_MMAP_SIZE, 0));
	close(tx->vcpus[0].fd);
	close(p.tx);
	close(p.sink);
}

static void test_close_orders(void)
{
	unsigned int order;

	for (order = 0; order < 24; order++) {
		close_in_order(order);
		/* The names are free at once, the sources soon */
		close(pvi_bind(NULL, pvi_uuid[2]));
	}
}

/* When the endpoint has gone its eventfds are anybody's again */
static void test_free_after_death(void)
{
	struct pair p = pair_create();
	int fd = pvi_bind(NULL, pvi_uuid[2]), source = new_eventfd();
	u32 port;

	pvi_wire_source(p.tx, source, p.port);
	ASSERT_EQ(__pvi_set_port(fd, source, &port), -ELOOP);
	close(p.tx);
	ASSERT_TRUE(wait_until(__pvi_set_port(fd, source, &port) == 0, 5000));
}

static void test_killed(void)
{
	struct pair p = pair_create();
	int source = new_eventfd(), ready[2], fd = pvi_bind(NULL, pvi_uuid[2]), status;
	u32 port;
	char byte;
	pid_t pid;

	ASSERT_EQ(pipe(ready), 0);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		struct vm *vm = vm_create(1, 0);
		int mine = pvi_bind(vm, pvi_uuid[3]);

		pvi_wire_source(mine, source, pvi_set_port(mine, new_eventfd()));
		ASSERT_EQ(write(ready[1], "", 1), 1);
		for (;;)
			signal_eventfd(source);
	}
	ASSERT_EQ(read(ready[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_TRUE(wait_until(__pvi_set_port(fd, source, &port) == 0, 5000));
	pvi_close_port(fd, port);
	read_eventfd(source);
	pvi_wire_source(p.tx, source, p.port);
	signal_eventfd(source);
	ASSERT_TRUE(wait_readable(p.sink, 5000));
}

/* A source or a sink, on this host, never both */
static void test_loop(void)
{
	struct pair p = pair_create();
	int other = pvi_bind(NULL, pvi_uuid[2]), source = new_eventfd(), sink = new_eventfd();
	u32 port;

	pvi_wire_source(p.tx, source, p.port);
	ASSERT_EQ(__pvi_wire_source(p.tx, source, p.port), -EEXIST);
	ASSERT_EQ(__pvi_wire_source(other, source, pvi_set_port(other, sink)), -EEXIST);
	ASSERT_EQ(__pvi_set_port(p.tx, source, &port), -ELOOP);
	ASSERT_EQ(__pvi_set_port(other, source, &port), -ELOOP);
	pvi_expose(other, GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(__pvi_wire(other, GSI, source), -ELOOP);
	pvi_unwire_source(p.tx, source, p.port);
	pvi_wire(other, GSI, source);
	ASSERT_EQ(__pvi_wire_source(p.tx, source, p.port), -ELOOP);

	/* A sink may be one many times, and is free when none of them is left */
	pvi_wire(other, GSI, sink);
	ASSERT_EQ(__pvi_wire_source(p.tx, sink, p.port), -ELOOP);
	pvi_close_port(other, 0);
	ASSERT_EQ(__pvi_wire_source(p.tx, sink, p.port), -ELOOP);
	pvi_gsi(other, KVM_PVI_UNWIRE, GSI);
	pvi_wire_source(p.tx, sink, p.port);
	pvi_unwire_source(p.tx, sink, p.port);
	pvi_wire(other, GSI, sink);
	pvi_gsi(other, KVM_PVI_UNEXPOSE, GSI);
	pvi_wire_source(p.tx, sink, p.port);
	/* Replaced as the eventfd of a GSI */
	pvi_wire(p.rx, GSI, source);
	pvi_wire_source(other, p.sink, pvi_set_port(other, new_eventfd()));
}

struct loop {
	int source;
	int sink;
	u64 rounds;
	bool stop;
};

/* What KVM or another subsystem might do: each signal of the sink signals the source */
static void *close_the_loop(void *arg)
{
	struct loop *loop = arg;

	while (!__atomic_load_n(&loop->stop, __ATOMIC_RELAXED)) {
		if (!wait_readable(loop->sink, 10))
			continue;
		read_eventfd(loop->sink);
		__atomic_add_fetch(&loop->rounds, 1, __ATOMIC_RELAXED);
		signal_eventfd(loop->source);
	}
	return NULL;
}

/* A loop that closes elsewhere turns as often as the budget says, and does not die */
static void test_budget(void)
{
	struct loop loop = { .source = new_eventfd(), .sink = new_eventfd() };
	int fd = pvi_bind(NULL, pvi_uuid[1]);
	const u64 rate = 200, burst = rate / 50;
	pthread_t thread;
	u64 start;

	ASSERT_EQ(__write_param("kvm_pvi", "source_rate", "200"), 0);
	start = now_ms();
	pvi_wire_source(fd, loop.source, pvi_set_port(fd, loop.sink));
	ASSERT_EQ(__write_param("kvm_pvi", "source_rate", source_rate), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, close_the_loop, &loop), 0);
	signal_eventfd(loop.source);
	ASSERT_TRUE(wait_until(__atomic_load_n(&loop.rounds, __ATOMIC_RELAXED) > 100, 20000));
	loop.stop = true;
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ASSERT_LE(loop.rounds, burst + rate * (now_ms() - start + 1) / 1000 + 1);
	ASSERT_EQ(dropped(fd), 0);
}

struct flood {
	int source;
	u64 signals;
};

static void *signal_often(void *arg)
{
	struct flood *flood = arg;
	u64 i;

	for (i = 0; i < flood->signals; i++)
		signal_eventfd(flood->source);
	return NULL;
}

/* Wired and unwired while it is signalled: each signal is rung, dropped or left, none twice */
static void test_conservation(void)
{
	struct pair p = pair_create();
	struct flood flood = { .source = new_eventfd(), .signals = 3000 };
	pthread_t threads[2];
	u64 i, left = 0;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, signal_often, &flood), 0);
	for (i = 0; i < 200; i++) {
		pvi_wire_source(p.tx, flood.source, p.port);
		sched_yield();
		pvi_unwire_source(p.tx, flood.source, p.port);
		left += read_eventfd(flood.source);
	}
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);
	left += read_eventfd(flood.source);
	ASSERT_EQ(accepted(p.tx) + left, 2 * flood.signals);
	ASSERT_EQ(dropped(p.tx), 0);
}

static void test_errors(void)
{
	struct pair p = pair_create();
	struct kvm_pvi_source arg = { .size = sizeof(arg), .fd = new_eventfd(), .port = p.port };
	int source = arg.fd, unbound = pvi_open();

	ASSERT_EQ(__pvi_wire_source(p.tx, -1, p.port), -EBADF);
	ASSERT_EQ(__pvi_wire_source(p.tx, p.tx, p.port), -EINVAL);
	ASSERT_EQ(__pvi_wire_source(p.tx, source, p.port + 1), -ENOENT);
	ASSERT_EQ(__pvi_wire_source(p.tx, source, KVM_PVI_PORT_ANY), -ENOENT);
	ASSERT_EQ(__pvi_wire_source(unbound, source, p.port), -ENOTCONN);
	arg.flags = 1;
	ASSERT_EQ(__pvi_ioctl(p.tx, KVM_PVI_WIRE_SOURCE, &arg), -EINVAL);
	arg.flags = 0;
	arg.size--;
	ASSERT_EQ(__pvi_ioctl(p.tx, KVM_PVI_WIRE_SOURCE, &arg), -EINVAL);

	/* None of them has left anything behind */
	ASSERT_EQ(__pvi_unwire_source(p.tx, source, p.port), -ENOENT);
	pvi_wire_source(p.tx, source, p.port);
	ASSERT_EQ(__pvi_unwire_source(p.tx, -1, p.port), -EBADF);
	ASSERT_EQ(__pvi_unwire_source(p.tx, p.tx, p.port), -EINVAL);
	ASSERT_EQ(__pvi_unwire_source(p.tx, source, p.port + 1), -ENOENT);
	ASSERT_EQ(__pvi_unwire_source(p.tx, p.sink, p.port), -ENOENT);
	ASSERT_EQ(__pvi_unwire_source(p.rx, source, p.port), -ENOENT);
	ASSERT_EQ(__pvi_unwire_source(unbound, source, p.port), -ENOTCONN);
}

static const struct test_case cases[] = {
	{ "modes", test_modes },
	{ "mmio", test_mmio },
	{ "datamatch", test_datamatch },
	{ "hyperv", test_hyperv },
	{ "count_before", test_count_before },
	{ "burst", test_burst },
	{ "eventfd_port", test_eventfd_port },
	{ "semaphore", test_semaphore },
	{ "full_eventfd", test_full_eventfd },
	{ "throttled", test_throttled },
	{ "throttled_gsi", test_throttled_gsi },
	{ "rate_lifted", test_rate_lifted },
	{ "revoked", test_revoked },
	{ "dead", test_dead },
	{ "port_closed", test_port_closed },
	{ "unwire", test_unwire },
	{ "unwire_throttled", test_unwire_throttled },
	{ "close_eventfd", test_close_eventfd },
	{ "close_throttled", test_close_throttled },
	{ "close_orders", test_close_orders },
	{ "free_after_death", test_free_after_death },
	{ "killed", test_killed },
	{ "loop", test_loop },
	{ "budget", test_budget },
	{ "conservation", test_conservation },
	{ "errors", test_errors },
};

/* Whatever became of the case that changed it */
static void restore_rate(void)
{
	__write_param("kvm_pvi", "source_rate", source_rate);
}

int main(int argc, char **argv)
{
	if (!__read_line("/sys/module/kvm_pvi/parameters/source_rate", source_rate,
			 sizeof(source_rate)))
		atexit(restore_rate);
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
