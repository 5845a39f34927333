// SPDX-License-Identifier: GPL-2.0
/*
 * A call that cannot say what it has done has not done it: its struct is taken away between the
 * look whether it can be written and the results. Nothing stays that nobody knows of. Of hypercalls
 * by KVM_PVI_CALL that holds where something would stay, or be lost; the others are done.
 */
#include <dirent.h>

#include "pvi_test.h"
#include "state.h"
#include "taken.h"

#define GSI	20
#define BELL	3
#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]

#define taken_ioctl(fd, cmd, arg) __taken_ioctl(fd, cmd, arg, sizeof(*(arg)))

static int rx, tx, sink;

static void make(void)
{
	rx = pvi_receiver(RX, GSI, TX, &sink);
	tx = pvi_bind(NULL, TX);
}

static u32 open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	u32 nr = 0;

	ASSERT_TRUE(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static struct kvm_pvi_bind bind_of(struct vm *vm, const u8 *uuid)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind),
		.flags = vm ? 0 : KVM_PVI_BIND_HOST,
		.vm_fd = vm ? vm->fd : -1,
	};

	memcpy(bind.uuid, uuid, sizeof(bind.uuid));
	return bind;
}

static void test_bind(void)
{
	struct kvm_pvi_bind bind = bind_of(NULL, RX);
	int fd = pvi_open(), other = pvi_open();

	ASSERT_EQ(taken_ioctl(fd, KVM_PVI_BIND, &bind), -EFAULT);
	ASSERT_EQ(__pvi_gsi(fd, KVM_PVI_KICK, GSI), -ENOTCONN);
	ASSERT_EQ(__pvi_bind(other, NULL, RX), 0);
	ASSERT_EQ(__pvi_bind(fd, NULL, TX), 0);
}

static void test_bind_vm(void)
{
	struct vm *vm = vm_create(1, 0);
	struct kvm_pvi_bind bind = bind_of(vm, RX);
	int fd = pvi_open(), other = pvi_open();

	ASSERT_EQ(taken_ioctl(fd, KVM_PVI_BIND, &bind), -EFAULT);
	ASSERT_EQ(__pvi_gsi(fd, KVM_PVI_KICK, GSI), -ENOTCONN);
	ASSERT_EQ(__pvi_bind(other, vm, RX), 0);
}

/* Those who might have seen it for a moment have not, or see that it went */
static void test_bind_seen(void)
{
	static struct kvm_pvi_peer peer;
	struct kvm_pvi_bind bind = bind_of(NULL, TX);
	int fd = pvi_open();

	rx = pvi_receiver(RX, GSI, TX, &sink);
	pvi_allow(rx, RX, GSI);
	/* That it may ring itself */
	ASSERT_EQ(pvi_drop_events(rx), 1);
	ASSERT_EQ(taken_ioctl(fd, KVM_PVI_BIND, &bind), -EFAULT);
	pvi_expect_no_event(rx);
	ASSERT_EQ(pvi_peers(rx, &peer, 1, 0), 1);
	ASSERT_EQ(memcmp(peer.uuid, RX, sizeof(peer.uuid)), 0);
	tx = pvi_bind(NULL, TX);
	ASSERT_GE(pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0), 0);
}

/* @port is free, and so are all others */
static void expect_no_port(u32 port)
{
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0), -ENOENT);
	ASSERT_EQ(__pvi_close_port(tx, port), -ENOENT);
	ASSERT_EQ(pvi_connect(tx, RX, GSI), 0);
	pvi_close_port(tx, 0);
	ASSERT_EQ(read_eventfd(sink), 0);
}

static void test_set_port(void)
{
	struct kvm_pvi_port any = { .size = sizeof(any), .port = KVM_PVI_PORT_ANY };
	struct kvm_pvi_port named = { .size = sizeof(named), .port = 9 };
	int ring = new_eventfd();

	make();
	any.fd = ring;
	named.fd = ring;
	ASSERT_EQ(taken_ioctl(tx, KVM_PVI_SET_PORT, &any), -EFAULT);
	expect_no_port(0);
	ASSERT_EQ(taken_ioctl(tx, KVM_PVI_SET_PORT, &named), -EFAULT);
	expect_no_port(9);
	/* It is nobody's sink any more */
	ASSERT_EQ(pvi_connect(tx, RX, GSI), 0);
	pvi_wire_source(tx, ring, 0);
	ASSERT_EQ(read_eventfd(ring), 0);
}

static void test_connect(void)
{
	struct kvm_pvi_connect any = {
		.size = sizeof(any), .gsi = GSI, .port = KVM_PVI_PORT_ANY,
	};
	struct kvm_pvi_connect named = { .size = sizeof(named), .gsi = GSI, .port = 9 };

	make();
	memcpy(any.uuid, RX, sizeof(any.uuid));
	memcpy(named.uuid, RX, sizeof(named.uuid));
	ASSERT_EQ(taken_ioctl(tx, KVM_PVI_CONNECT, &any), -EFAULT);
	expect_no_port(0);
	ASSERT_EQ(taken_ioctl(tx, KVM_PVI_CONNECT, &named), -EFAULT);
	expect_no_port(9);
}

/* No use of the grant is gone either */
static void test_connect_grant(void)
{
	struct kvm_pvi_connect arg = {
		.size = sizeof(arg), .flags = KVM_PVI_CONNECT_GRANT, .port = KVM_PVI_PORT_ANY,
	};

	make();
	arg.grant_fd = pvi_grant(rx, GSI, 1, NULL);
	ASSERT_EQ(taken_ioctl(tx, KVM_PVI_CONNECT, &arg), -EFAULT);
	expect_no_port(0);
	ASSERT_EQ(pvi_connect_grant(tx, arg.grant_fd), 0);
}

/* As KVM_PVI_LIST has them, of the second endpoint that there is */
static u32 listed_ports(void)
{
	struct kvm_pvi_list_endpoint endpoints[2];
	struct kvm_pvi_list_port ports[4];
	struct kvm_pvi_list list = {
		.size = sizeof(list), .kind = KVM_PVI_LIST_ENDPOINTS, .record = sizeof(endpoints[0]),
		.address = (u64)endpoints, .nr = 2,
	};

	pvi_ioctl(tx, KVM_PVI_LIST, &list);
	ASSERT_EQ(list.nr, 2);
	ASSERT_EQ(memcmp(endpoints[1].uuid, TX, sizeof(endpoints[1].uuid)), 0);
	list = (struct kvm_pvi_list){
		.size = sizeof(list), .kind = KVM_PVI_LIST_PORTS, .record = sizeof(ports[0]),
		.endpoint = endpoints[1].number, .address = (u64)ports, .nr = 4,
	};
	pvi_ioctl(tx, KVM_PVI_LIST, &list);
	return list.nr;
}

/* Port 9 is neither there nor free, and whoever is quick cannot put another one in its place */
static void expect_held(void)
{
	struct kvm_pvi_port set = { .size = sizeof(set), .port = 9, .fd = sink };

	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, 9, 0, 0, 0), -ENOENT);
	ASSERT_EQ(__pvi_close_port(tx, 9), -ENOENT);
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_SET_PORT, &set), -EEXIST);
	ASSERT_EQ(listed_ports(), 0);
}

static void test_held(void)
{
	struct kvm_pvi_connect arg = { .size = sizeof(arg), .gsi = GSI, .port = 9 };
	struct kvm_pvi_port set = { .size = sizeof(set), .port = 9, .fd = new_eventfd() };

	make();
	memcpy(arg.uuid, RX, sizeof(arg.uuid));
	taken_meanwhile = expect_held;
	ASSERT_EQ(taken_ioctl(tx, KVM_PVI_CONNECT, &arg), -EFAULT);
	expect_no_port(9);
	ASSERT_EQ(taken_ioctl(tx, KVM_PVI_SET_PORT, &set), -EFAULT);
	expect_no_port(9);
}

static struct kvm_pvi_connect by_grant = {
	.size = sizeof(by_grant), .flags = KVM_PVI_CONNECT_GRANT, .port = 9,
};

/* The last use is another's, and served once */
static void use_up(void)
{
	expect_held();
	ASSERT_EQ(pvi_connect_grant(tx, by_grant.grant_fd), 0);
}

static void test_held_grant(void)
{
	make();
	by_grant.grant_fd = pvi_grant(rx, GSI, 1, NULL);
	taken_meanwhile = use_up;
	ASSERT_EQ(taken_ioctl(tx, KVM_PVI_CONNECT, &by_grant), -EFAULT);
	ASSERT_EQ(__pvi_ioctl(tx, KVM_PVI_CONNECT, &by_grant), -EPERM);
	pvi_close_port(tx, 0);
	expect_no_port(9);
}

static pid_t vmm;

static void end_vmm(void)
{
	child_kill(vmm);
	ASSERT_TRUE(wait_until(__pvi_gsi(tx, KVM_PVI_KICK, GSI) == -ENODEV, 10000));
}

/* The endpoint dies while the answer is on its way, and what was to be a port with it */
static void test_held_by_the_dead(void)
{
	struct kvm_pvi_connect arg = { .size = sizeof(arg), .gsi = GSI, .port = 9 };
	struct kvm_pvi_bind bind = bind_of(NULL, TX);

	rx = pvi_receiver(RX, GSI, TX, &sink);
	tx = pvi_open();
	bind.flags = 0;
	bind.vm_fd = child_vm(&vmm);
	pvi_ioctl(tx, KVM_PVI_BIND, &bind);
	close(bind.vm_fd);
	memcpy(arg.uuid, RX, sizeof(arg.uuid));
	taken_meanwhile = end_vmm;
	ASSERT_EQ(taken_ioctl(tx, KVM_PVI_CONNECT, &arg), -ENODEV);
	close(tx);
}

static u32 edges(void)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	u32 nr = 0;

	while (!__pvi_ioctl(rx, KVM_PVI_GET_EDGE, &edge))
		nr++;
	return nr;
}

/* A descriptor whose number nobody was told would stay until the process ends */
static void test_grant(void)
{
	struct kvm_pvi_grant arg = { .size = sizeof(arg), .gsi = GSI };
	u32 files, i;

	make();
	files = open_files();
	ASSERT_EQ(edges(), 1);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(taken_ioctl(rx, KVM_PVI_GRANT, &arg), -EFAULT);
		ASSERT_EQ(open_files(), files);
		ASSERT_EQ(edges(), 1);
	}
}

static int get_state(u32 length)
{
	static u8 blob[PAGE_SIZE];
	struct kvm_pvi_state arg = {
		.size = sizeof(arg), .flags = KVM_PVI_STATE_FREEZE,
		.address = (u64)blob, .length = length,
	};

	return taken_ioctl(rx, KVM_PVI_GET_STATE, &arg);
}

static s64 ring(void)
{
	return pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0);
}

static void test_freeze(void)
{
	struct blob blob;

	make();
	ASSERT_EQ(get_state(PAGE_SIZE), -EFAULT);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	ASSERT_EQ(get_state(0), -EFAULT);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
	/* What was frozen before stays so */
	state_freeze(rx, &blob);
	ASSERT_EQ(get_state(PAGE_SIZE), -EFAULT);
	ASSERT_EQ(ring(), -EAGAIN);
	state_thaw(rx);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
}

static int taken_call(int fd, u32 nr, u64 a0, u64 a1, u64 a2)
{
	struct kvm_pvi_call call = { .size = sizeof(call), .nr = nr, .args = { a0, a1, a2 } };

	return taken_ioctl(fd, KVM_PVI_CALL, &call);
}

/* A hypercall that made a port, of which the guest would hear nothing either */
static void test_call_connect(void)
{
	u32 i;

	make();
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(taken_call(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0), -EFAULT);
		expect_no_port(0);
	}
	/* One that fails anyway says so in its struct, which cannot be written */
	ASSERT_EQ(taken_call(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI + 1, 0), -EFAULT);
	expect_no_port(0);
}

static u32 held_port;
static int beside;

static u32 saved_ports(void)
{
	struct blob blob;
	u32 nr;

	ASSERT_EQ(__state_get(tx, 0, &blob), 0);
	blob_records(&blob, KVM_PVI_STATE_PORT, &nr);
	return nr;
}

/* Nobody can ring, take away or save what is not there yet, and a reset takes what the guest made, and no more */
static void expect_call_held(void)
{
	s64 port = pvi_call(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0, 0);

	ASSERT_GE(port, 0);
	ASSERT_EQ(KVM_PVI_PORT_INDEX(port), 2);
	/* The same binding, whose other indices are the VMM's and this one */
	held_port = port - 2;
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, held_port, 0, 0, 0), -ENOENT);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_DISCONNECT, held_port, 0, 0, 0), -ENOENT);
	ASSERT_EQ(saved_ports(), 1);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_RESET, 0, 0, 0, 0), 0);
	ASSERT_EQ(saved_ports(), 0);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, 1, 0, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(beside), 1);
}

/* It is the guest's, so it has a number that others of it can guess */
static void test_call_held(void)
{
	struct kvm_pvi_port set = { .size = sizeof(set), .port = 1, .fd = new_eventfd() };

	make();
	beside = set.fd;
	pvi_ioctl(tx, KVM_PVI_SET_PORT, &set);
	taken_meanwhile = expect_call_held;
	ASSERT_EQ(taken_call(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0), -EFAULT);
	expect_no_port(held_port);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, 1, 0, 0, 0), KVM_PVI_RAISED);
}

/* The flags that were cleared are there for who looks next, and have rung again */
static void test_call_receive(void)
{
	u64 flags;
	u32 port;

	make();
	pvi_bell(rx, BELL, GSI);
	pvi_allow_bell(rx, TX, BELL, 0xff);
	port = pvi_connect(tx, RX, GSI);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, port, 0x0f, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_EQ(taken_call(rx, KVM_HC_BELL_RECEIVE, BELL, 0x03, 0), -EFAULT);
	ASSERT_GE(read_eventfd(sink), 1);
	ASSERT_EQ(pvi_call_rbx(rx, KVM_HC_BELL_RECEIVE, BELL, ~0ULL, 0, 0, &flags), 0);
	ASSERT_EQ(flags, 0x0f);
	/* None that were not set, nor any that were not asked for */
	ASSERT_EQ(taken_call(rx, KVM_HC_BELL_RECEIVE, BELL, ~0ULL, 0), -EFAULT);
	ASSERT_EQ(pvi_call_rbx(rx, KVM_HC_BELL_RECEIVE, BELL, ~0ULL, 0, 0, &flags), 0);
	ASSERT_EQ(flags, 0);
	ASSERT_EQ(read_eventfd(sink), 0);
	/* A flag that was masked says nothing, as when it was sent */
	ASSERT_EQ(pvi_call(rx, KVM_HC_BELL_MASK, BELL, 0, 0, 0), 0);
	ASSERT_EQ(pvi_call(tx, KVM_HC_BELL_SEND, port, 0x10, 0, 0), KVM_PVI_COALESCED);
	ASSERT_EQ(taken_call(rx, KVM_HC_BELL_RECEIVE, BELL, ~0ULL, 0), -EFAULT);
	ASSERT_EQ(read_eventfd(sink), 0);
	ASSERT_EQ(pvi_call_rbx(rx, KVM_HC_BELL_RECEIVE, BELL, ~0ULL, 0, 0, &flags), 0);
	ASSERT_EQ(flags, 0x10);
}

/* Other hypercalls are done, and can be issued again */
static void test_call_done(void)
{
	s64 port;

	make();
	ASSERT_EQ(taken_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0), -EFAULT);
	ASSERT_EQ(read_eventfd(sink), 1);
	port = pvi_call(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0, 0);
	ASSERT_GE(port, 0);
	ASSERT_EQ(taken_call(tx, KVM_HC_NOTIFY, port, 0, 0), -EFAULT);
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_EQ(taken_call(tx, KVM_HC_NOTIFY_MANY, port, 1, 0), -EFAULT);
	ASSERT_EQ(read_eventfd(sink), 1);
	ASSERT_EQ(taken_call(tx, KVM_HC_PVI_DISCONNECT, port, 0, 0), -EFAULT);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0), -ENOENT);
	port = pvi_call(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0, 0);
	ASSERT_EQ(taken_call(tx, KVM_HC_PVI_RESET, 0, 0, 0), -EFAULT);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0), -ENOENT);
}

/* Calls that change nothing */
static void test_reads(void)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };
	struct kvm_pvi_stats stats = { .size = sizeof(stats) };
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };

	make();
	ASSERT_EQ(taken_ioctl(rx, KVM_PVI_GET_INFO, &info), -EFAULT);
	ASSERT_EQ(taken_ioctl(rx, KVM_PVI_GET_STATS, &stats), -EFAULT);
	ASSERT_EQ(taken_ioctl(rx, KVM_PVI_GET_EDGE, &edge), -EFAULT);
	ASSERT_EQ(edges(), 1);
	ASSERT_EQ(ring(), KVM_PVI_RAISED);
}

/* A call that fails anyway says why, and needs no place for results */
static void test_other_errors(void)
{
	struct kvm_pvi_bind bind = bind_of(NULL, RX);
	struct kvm_pvi_connect connect = { .size = sizeof(connect), .gsi = GSI + 1, .port = 0 };

	make();
	memcpy(connect.uuid, RX, sizeof(connect.uuid));
	ASSERT_EQ(taken_ioctl(rx, KVM_PVI_BIND, &bind), -EBUSY);
	ASSERT_EQ(taken_ioctl(tx, KVM_PVI_CONNECT, &connect), -EPERM);
	ASSERT_EQ(taken_ioctl(pvi_open(), KVM_PVI_BIND, &bind), -EEXIST);
}

static const struct test_case cases[] = {
	{ "bind", test_bind },
	{ "bind_vm", test_bind_vm },
	{ "bind_seen", test_bind_seen },
	{ "set_port", test_set_port },
	{ "connect", test_connect },
	{ "connect_grant", test_connect_grant },
	{ "held", test_held },
	{ "held_grant", test_held_grant },
	{ "held_by_the_dead", test_held_by_the_dead },
	{ "grant", test_grant },
	{ "freeze", test_freeze },
	{ "call_connect", test_call_connect },
	{ "call_held", test_call_held },
	{ "call_receive", test_call_receive },
	{ "call_done", test_call_done },
	{ "reads", test_reads },
	{ "other_errors", test_other_errors },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases),
			 TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
