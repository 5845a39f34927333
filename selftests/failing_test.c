// SPDX-License-Identifier: GPL-2.0
/*
 * A call that fails has done nothing: what was there is as it was, nobody is told, and nothing is
 * used up, whichever of its steps it was that failed.
 */
#include <sys/resource.h>

#include "pvi_test.h"
#include "state.h"
#include "status.h"

#define GSI	20
#define OTHER	21
#define BELL	3
#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]

static int rx, tx, sink;
static u64 rx_epoch, tx_epoch;

static void make(void)
{
	rx = pvi_bind_epoch(RX, &rx_epoch);
	tx = pvi_bind_epoch(TX, &tx_epoch);
	sink = new_eventfd();
	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(rx, GSI, sink);
	pvi_allow(rx, TX, GSI);
	pvi_drop_events(tx);
}

static s64 ring(void)
{
	return pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0);
}

static u32 edges(void)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	u32 nr = 0;

	while (!__pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge))
		nr++;
	return nr;
}

/* A signal is taken out of an eventfd by a source that is one, not by one that was refused */
static void test_wire_source(void)
{
	int source = new_eventfd(), taken = new_eventfd();
	u32 port;

	make();
	port = pvi_connect(tx, RX, GSI);
	pvi_wire_source(tx, taken, port);
	pvi_drop_events(rx);
	signal_eventfd(source);
	signal_eventfd(source);
	ASSERT_EQ(__pvi_wire_source(tx, source, port + 1), -ENOENT);
	ASSERT_EQ(__pvi_wire_source(tx, source, KVM_PVI_PORT_ANY), -ENOENT);
	write_param("kvm_pvi", "max_sources", 1);
	ASSERT_EQ(__pvi_wire_source(tx, source, port), -ENOSPC);
	write_param("kvm_pvi", "max_sources", 4096);
	ASSERT_EQ(read_eventfd(source), 2);
	ASSERT_EQ(__pvi_wire_source(tx, taken, port), -EEXIST);
	signal_eventfd(sink);
	ASSERT_EQ(__pvi_wire_source(tx, sink, port), -ELOOP);
	ASSERT_EQ(read_eventfd(sink), 1);
	/* It may be a sink now, since it is no source */
	pvi_set_port(tx, source);
	pvi_expect_no_event(rx);
}

/* One that could not become a sink can be a source */
static void test_sinks(void)
{
	int efd = new_eventfd();
	struct kvm_pvi_port arg = { .size = sizeof(arg), .fd = efd };
	u32 port;

	make();
	port = pvi_connect(tx, RX, GSI);
	arg.port = port;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_SET_PORT, &arg), -EEXIST);
	arg.port = 1 << 20;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_SET_PORT, &arg), -EINVAL);
	ASSERT_EQ(__pvi_wire(rx, OTHER, efd), -ENOENT);
	pvi_wire_source(tx, efd, port);
	/* And what was wired stays so */
	ASSERT_EQ(__pvi_wire(rx, GSI, efd), -ELOOP);
	ASSERT_EQ(__pvi_wire(rx, GSI, -1), -EBADF);
	ASSERT_EQ(__pvi_wire(rx, GSI, rx), -EINVAL);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sink), 1);
}

/* What hangs on a GSI that is exposed already is kept */
static void test_expose(void)
{
	struct status_mem mem = status_make();

	make();
	status_register(rx, GSI, &mem);
	pvi_gsi(rx, KVM_PVI_UNWIRE, GSI);
	ASSERT_EQ(ring(), KVM_PVI_LATCHED);
	ASSERT_EQ(__pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD), -EEXIST);
	ASSERT_EQ(mem.word->pending, 1);
	ASSERT_EQ(ring(), KVM_PVI_COALESCED);
	pvi_wire(rx, GSI, sink);
	ASSERT_EQ(read_eventfd(sink), 1);
	pvi_expose(rx, OTHER, KVM_PVI_GSI_EVENTFD);
	pvi_bell(rx, BELL, OTHER);
	pvi_allow_bell(rx, TX, BELL, 1);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, pvi_connect(tx, RX, OTHER), 1, 0, 0),
		  KVM_PVI_LATCHED);
	ASSERT_EQ(__pvi_bell(rx, BELL, OTHER), -EEXIST);
	ASSERT_EQ(__pvi_bell(rx, BELL + 1, OTHER), -EEXIST);
	pvi_wire(rx, OTHER, sink);
	ASSERT_EQ(read_eventfd(sink), 1);
}

/* Neither the receiver hears of it nor is a use of the grant gone */
static void test_connect(void)
{
	struct kvm_pvi_connect arg = {
		.size = sizeof(arg), .gsi = GSI, .port = 0,
	};
	int grant;

	make();
	memcpy(arg.uuid, RX, sizeof(arg.uuid));
	pvi_set_port(tx, new_eventfd());
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &arg), -EEXIST);
	arg.port = 1 << 20;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &arg), -EINVAL);
	arg.port = 1;
	arg.flags = KVM_PVI_CONNECT_OWNER;
	arg.owner = 4711;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &arg), -EPERM);
	grant = pvi_grant(rx, GSI, 1, NULL);
	arg = (struct kvm_pvi_connect){
		.size = sizeof(arg), .flags = KVM_PVI_CONNECT_GRANT, .grant_fd = grant,
	};
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &arg), -EEXIST);
	arg.port = 1 << 20;
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &arg), -EINVAL);
	pvi_expect_no_event(rx);
	ASSERT_EQ(pvi_connect_grant(tx, grant), 1);
}

static void test_grant(void)
{
	struct rlimit limit, few = { 0, 0 };
	int fd;

	make();
	ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few.rlim_max = limit.rlim_max;
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	ASSERT_EQ(__pvi_grant(rx, GSI, 1, &fd, NULL), -EMFILE);
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ASSERT_EQ(edges(), 1);
	write_param("kvm_pvi", "max_grants", 1);
	fd = pvi_grant(rx, GSI, 1, NULL);
	ASSERT_EQ(__pvi_grant(rx, GSI, 1, &fd, NULL), -ENOSPC);
	write_param("kvm_pvi", "max_grants", 1024);
	ASSERT_EQ(edges(), 2);
}

/* A row that found no room lets nobody see anything */
static void test_allow(void)
{
	static struct kvm_pvi_peer peer;
	u64 epoch;
	int third;

	make();
	third = pvi_bind_epoch(pvi_uuid[2], &epoch);
	write_param("kvm_pvi", "max_senders", 1);
	ASSERT_EQ(__pvi_allow(rx, pvi_uuid[2], GSI), -ENOSPC);
	ASSERT_EQ(__pvi_allow(rx, TX, OTHER), -ENOSPC);
	pvi_expect_no_event(third);
	pvi_expect_no_event(tx);
	ASSERT_EQ(pvi_peers(third, &peer, 1, 0), 0);
	ASSERT_EQ(edges(), 1);
	ASSERT_EQ(__pvi_revoke(rx, pvi_uuid[2], GSI), -ENOENT);
	ASSERT_EQ(__pvi_revoke(rx, TX, OTHER), -ENOENT);
	pvi_expect_no_event(tx);
	pvi_allow(rx, TX, GSI);
	write_param("kvm_pvi", "max_senders", 4096);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
}

/* Each kind of record, and behind all of them one that is wrong */
static void test_set_state(void)
{
	struct kvm_pvi_state_port ports[2] = { port_record(3, RX, GSI), port_record(7, RX, GSI) };
	struct kvm_pvi_state_latch latch = { .gsi = GSI };
	struct kvm_pvi_state_bell bell = { .bell = BELL, .flags = 1, .enable = 2 };
	struct kvm_pvi_state_config config = { .gsi = OTHER };
	int efd = new_eventfd();
	struct blob blob, now;

	make();
	pvi_expose(tx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(tx, GSI, efd);
	pvi_expose(tx, OTHER + 1, KVM_PVI_GSI_EVENTFD);
	pvi_bell(tx, BELL, OTHER + 1);
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_PORT, ports, sizeof(ports[0]), 2);
	blob_section(&blob, KVM_PVI_STATE_LATCH, &latch, sizeof(latch), 1);
	blob_section(&blob, KVM_PVI_STATE_BELL, &bell, sizeof(bell), 1);
	blob_section(&blob, KVM_PVI_STATE_CONFIG, &config, sizeof(config), 1);
	ASSERT_EQ(__state_set(tx, &blob), -ENOENT);
	ASSERT_EQ(__state_get(tx, 0, &now), 0);
	ASSERT_EQ(now.header.sections, 0);
	ASSERT_EQ(read_eventfd(efd), 0);
	pvi_expect_no_event(rx);
	ASSERT_EQ(pvi_connect(tx, RX, GSI), 0);
	pvi_drop_events(rx);
	/* It would have worked */
	pvi_expose(tx, OTHER, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(__state_set(tx, &blob), 0);
	ASSERT_EQ(read_eventfd(efd), 1);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, 7, 0, 0, 0), KVM_PVI_RAISED);
}

/* An endpoint that could not be bound can be, and neither the VM nor the name is taken */
static void test_bind(void)
{
	struct vm *vm = vm_create(1, 0), *other = vm_create(1, 0);
	int first, second = pvi_open(), third = pvi_open();

	first = pvi_bind(vm, RX);
	ASSERT_EQ(__pvi_bind(second, vm, TX), -EEXIST);
	ASSERT_EQ(__pvi_bind(second, other, RX), -EEXIST);
	ASSERT_EQ(__pvi_gsi(second, KVM_PVI_KICK, GSI), -ENOTCONN);
	ASSERT_EQ(__pvi_bind(first, other, TX), -EBUSY);
	write_param("kvm_pvi", "max_vms", 1);
	ASSERT_EQ(__pvi_bind(second, other, TX), -ENOSPC);
	write_param("kvm_pvi", "max_vms", 16384);
	ASSERT_EQ(__pvi_bind(third, other, TX), 0);
	close(first);
	ASSERT_TRUE(wait_until(!__pvi_bind(second, vm, RX), 5000));
}

/* Nor does one that failed count as an endpoint */
static void test_bind_count(void)
{
	int second = pvi_open(), third = pvi_open(), ret;

	pvi_bind(NULL, RX);
	ASSERT_EQ(__pvi_bind(second, NULL, RX), -EEXIST);
	write_param("kvm_pvi", "max_vms", 2);
	ret = __pvi_bind(third, NULL, TX);
	write_param("kvm_pvi", "max_vms", 16384);
	ASSERT_EQ(ret, 0);
}

/* Whose it was to be is forgotten */
static void test_bind_owner(void)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind), .vm_fd = -1, .owner = 12345,
				     .flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_OWNER };
	struct kvm_pvi_allow allow = { .size = sizeof(allow), .gsi = GSI,
				       .flags = KVM_PVI_ALLOW_OWNER, .owner = geteuid() };

	make();
	close(tx);
	memcpy(allow.uuid, TX, sizeof(allow.uuid));
	pvi_ioctl(rx, KVM_PVI_ALLOW, &allow);
	tx = pvi_open();
	memcpy(bind.uuid, RX, sizeof(bind.uuid));
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_BIND, &bind), -EEXIST);
	ASSERT_TRUE(wait_until(!__pvi_bind(tx, NULL, TX), 5000));
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
}

static const struct test_case cases[] = {
	{ "wire_source", test_wire_source },
	{ "sinks", test_sinks },
	{ "expose", test_expose },
	{ "connect", test_connect },
	{ "grant", test_grant },
	{ "allow", test_allow },
	{ "set_state", test_set_state },
	{ "bind", test_bind },
	{ "bind_count", test_bind_count },
	{ "bind_owner", test_bind_owner },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases),
			 TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
