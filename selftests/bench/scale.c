// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi bench: the same rings among many VMs, receivers, senders and ports */
#include "bench.h"

/* Rings of a pair among @nr VMs, and a VM that is not bound */
static void ring_among(u32 nr, struct bench_pair *p)
{
	u32 port = pvi_set_port(p->tx_fd, new_eventfd());
	char name[64];

	snprintf(name, sizeof(name), "null_unbound_vms%u", nr);
	bench_null(name, vm_create(1, 0));
	snprintf(name, sizeof(name), "null_bound_vms%u", nr);
	bench_null(name, p->tx);
	bench_by_port(p);
	snprintf(name, sizeof(name), "pvi_port_msi_vms%u", nr);
	bench_rings(name, &p->tx->vcpus[0], BENCH_HYPERCALL);
	bench_by_uuid();
	snprintf(name, sizeof(name), "pvi_uuid_msi_vms%u", nr);
	bench_rings(name, &p->tx->vcpus[0], BENCH_HYPERCALL);
	ASSERT_TRUE(bench_is_raised(p->rx));
	bench_regs = (struct bench_regs){ .rax = KVM_HC_NOTIFY, .rbx = port };
	snprintf(name, sizeof(name), "pvi_eventfd_vms%u", nr);
	bench_rings(name, &p->tx->vcpus[0], BENCH_HYPERCALL);
}

/* The pair is there first: whatever chains there are, it is at their ends */
void row_scale_vms(void)
{
	struct bench_pair p;

	bench_settle();
	p = bench_pair(true);
	bench_control(2);
	bench_populate(0, BENCH_NR_VMS - 2);
	bench_control(BENCH_NR_VMS);
	ring_among(BENCH_NR_VMS, &p);
	bench_populate(BENCH_NR_VMS - 2, BENCH_NR_UUIDS - BENCH_NR_VMS);
	ring_among(BENCH_NR_UUIDS, &p);
}

/* A process that takes rings to a GSI of its own by an eventfd */
static void add_host_receiver(u32 i, int eventfd)
{
	int fd = pvi_bind(NULL, bench_uuid[i]);

	pvi_expose(fd, BENCH_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, BENCH_GSI, eventfd);
	pvi_allow(fd, pvi_uuid[1], BENCH_GSI);
}

/* A receiver takes note of the first ring of each sender: one pass is not counted */
static void ring_receivers(const char *name, struct vm *tx, u32 nr)
{
	bench_regs = (struct bench_regs){
		.rax = KVM_HC_PVI, .rbx = (u64)bench_uuid[0], .rcx = BENCH_GSI,
		.nr_swept = nr, .step = KVM_PVI_UUID_SIZE,
	};
	bench_rings(NULL, &tx->vcpus[0], BENCH_HYPERCALL);
	ASSERT_EQ(bench_rings(name, &tx->vcpus[0], BENCH_HYPERCALL), KVM_PVI_RAISED);
}

/* Each ring goes to another receiver */
void row_scale_uuids(void)
{
	struct vm *tx = vm_create(1, 0);
	int eventfd = new_eventfd();
	u32 i;

	bench_raise_limits();
	pvi_bind(tx, pvi_uuid[1]);
	for (i = 0; i < 2; i++)
		add_host_receiver(i, eventfd);
	ring_receivers("pvi_uuid_eventfd_receivers2", tx, 2);
	for (; i < BENCH_NR_VMS; i++)
		add_host_receiver(i, eventfd);
	ring_receivers("pvi_uuid_eventfd_receivers4096", tx, BENCH_NR_VMS);
	for (; i < BENCH_NR_UUIDS; i++)
		add_host_receiver(i, eventfd);
	ring_receivers("pvi_uuid_eventfd_receivers10000", tx, BENCH_NR_UUIDS);
	ASSERT_EQ(read_eventfd(eventfd), 3 * 2 * BENCH_SAMPLES);
}

/* The sender is in the middle of many whom the receiver allows */
void row_scale_senders(void)
{
	struct bench_pair p = bench_pair(true);
	u32 i;

	pvi_revoke(p.rx_fd, pvi_uuid[1], BENCH_GSI);
	for (i = 0; i < BENCH_MANY; i++)
		pvi_allow(p.rx_fd, i == BENCH_MANY / 2 ? pvi_uuid[1] : bench_uuid[i], BENCH_GSI);
	bench_by_port(&p);
	bench_rings("pvi_port_msi_senders1024", &p.tx->vcpus[0], BENCH_HYPERCALL);
	bench_by_uuid();
	bench_rings("pvi_uuid_msi_senders1024", &p.tx->vcpus[0], BENCH_HYPERCALL);
	ASSERT_TRUE(bench_is_raised(p.rx));
}

/* Each ring goes through another port */
void row_scale_ports(void)
{
	struct bench_pair p = bench_pair(true);
	u32 i;

	for (i = 0; i < BENCH_MANY; i++)
		ASSERT_EQ(pvi_connect(p.tx_fd, pvi_uuid[0], BENCH_GSI), i);
	bench_regs = (struct bench_regs){
		.rax = KVM_HC_NOTIFY, .nr_swept = BENCH_MANY, .step = 1,
	};
	ASSERT_EQ(bench_rings("pvi_port_msi_ports1024", &p.tx->vcpus[0], BENCH_HYPERCALL),
		  KVM_PVI_RAISED);
	ASSERT_TRUE(bench_is_raised(p.rx));
}
