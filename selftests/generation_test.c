// SPDX-License-Identifier: GPL-2.0
/*
 * The generation in the numbers of ports that guests make: what a guest had made before its VMM
 * bound it anew rings nothing, closes nothing and tells nothing, whatever stands at its index now.
 */
#include "bell.h"
#include "pvi_test.h"
#include "state.h"

#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]
#define OTHER	pvi_uuid[2]
#define CALL(fd, nr, a0, a1, a2) pvi_call(fd, KVM_HC_##nr, a0, a1, a2, 0)
#define PORT_STATE(fd, port) CALL(fd, PVI_QUERY, KVM_PVI_Q_PORT, port, KVM_PVI_Q_PORT_STATE)
#define NUMBER(generation, index) ((generation) << KVM_PVI_PORT_INDEX_BITS | (index))

/* Nothing that takes a port takes @port for any of @fd's */
static void expect_none(int fd, s64 port)
{
	u64 mask;

	ASSERT_EQ(CALL(fd, NOTIFY, port, 0, 0), -ENOENT);
	ASSERT_EQ(CALL(fd, BELL_SEND, port, 1, 0), -ENOENT);
	ASSERT_EQ(pvi_call_rbx(fd, KVM_HC_NOTIFY_MANY, port, 1, 0, 0, &mask), 0);
	ASSERT_EQ(mask, 0);
	ASSERT_EQ(PORT_STATE(fd, port), -ENOENT);
	ASSERT_EQ(CALL(fd, PVI_DISCONNECT, port, 0, 0), -ENOENT);
	ASSERT_EQ(__pvi_close_port(fd, port), -ENOENT);
	ASSERT_EQ(__pvi_wire_source(fd, new_eventfd(), port), -ENOENT);
}

/* Bound anew it has a port to another at that index */
static void test_stale(void)
{
	int efd = new_eventfd(), fd = pvi_bind(NULL, TX);
	s64 stale, port;

	state_receiver(RX, TX, efd);
	stale = state_connect(fd, RX);
	ASSERT_EQ(CALL(fd, NOTIFY, stale, 0, 0), KVM_PVI_RAISED);
	close(fd);
	ASSERT_EQ(read_eventfd(efd), 1);

	fd = pvi_bind(NULL, TX);
	expect_none(fd, stale);
	port = state_connect(fd, RX);
	ASSERT_GE(port, 0);
	expect_none(fd, stale);
	ASSERT_EQ(read_eventfd(efd), 0);
	ASSERT_EQ(CALL(fd, NOTIFY, port, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(efd), 1);
	ASSERT_EQ(CALL(fd, PVI_DISCONNECT, port, 0, 0), 0);
}

/* What the VMM makes has the same number each time, and no other stands for it */
static void test_stale_for_vmm(void)
{
	int efd = new_eventfd(), fd = pvi_bind(NULL, TX);
	s64 stale;

	state_receiver(RX, TX, efd);
	stale = state_connect(fd, RX);
	close(fd);
	fd = pvi_bind(NULL, TX);
	ASSERT_EQ(pvi_connect(fd, RX, STATE_GSI), 0);
	expect_none(fd, stale);
	expect_none(fd, NUMBER(1, 0));
	expect_none(fd, NUMBER(0x7fff, 0));
	ASSERT_EQ(CALL(fd, NOTIFY, NUMBER(1ULL, 0) << 16, 0, 0), -ENOENT);
	ASSERT_EQ(CALL(fd, NOTIFY, ~0xffffULL, 0, 0), -ENOENT);
	ASSERT_EQ(read_eventfd(efd), 0);
	ASSERT_EQ(CALL(fd, NOTIFY, 0, 0, 0), KVM_PVI_RAISED);
}

static void test_stale_bell(void)
{
	s64 stale, port;
	u64 old;

	bell_make(ALL);
	stale = CALL(bell.tx, PVI_CONNECT, (u64)RX, GSI, 0);
	ASSERT_EQ(CALL(bell.tx, BELL_SEND, stale, 2, 0), KVM_PVI_RAISED);
	close(bell.tx);
	bell.tx = pvi_bind(NULL, pvi_uuid[1]);
	ASSERT_EQ(pvi_connect(bell.tx, RX, GSI), 0);
	port = CALL(bell.tx, PVI_CONNECT, (u64)RX, GSI, 0);
	ASSERT_EQ(pvi_index(port), KVM_PVI_PORT_INDEX(stale));
	expect_none(bell.tx, stale);
	ASSERT_EQ(CALL(bell.tx, BELL_SEND, port, 4, 0), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_call_rbx(bell.rx, KVM_HC_BELL_RECEIVE, BELL, ALL, 0, 0, &old), 0);
	ASSERT_EQ(old, 6);
}

static s64 guest_call(struct vm *vm, u32 nr, u64 a0, u64 a1)
{
	struct hcall regs = { .rax = nr, .rbx = a0, .rcx = a1 };

	return vcpu_hypercall_in_mode(&vm->vcpus[0], GUEST_LONG64, &regs);
}

/* A guest that runs on while its VM is bound anew */
static void test_guest(void)
{
	struct vm *vm = vm_create(1, 0);
	int efd = new_eventfd(), fd = pvi_bind(vm, TX);
	s64 stale, port;

	state_receiver(RX, TX, efd);
	memcpy(vm->low + 0x2000, RX, KVM_PVI_UUID_SIZE);
	stale = guest_call(vm, KVM_HC_PVI_CONNECT, 0x2000, STATE_GSI);
	ASSERT_EQ(guest_call(vm, KVM_HC_NOTIFY, stale, 0), KVM_PVI_RAISED);
	close(fd);
	ASSERT_EQ(guest_call(vm, KVM_HC_NOTIFY, stale, 0), -KVM_PVI_ENOSYS);
	fd = pvi_bind(vm, TX);
	port = guest_call(vm, KVM_HC_PVI_CONNECT, 0x2000, STATE_GSI);
	ASSERT_EQ(pvi_index(port), KVM_PVI_PORT_INDEX(stale));
	ASSERT_EQ(read_eventfd(efd), 1);
	ASSERT_EQ(guest_call(vm, KVM_HC_NOTIFY, stale, 0), -ENOENT);
	ASSERT_EQ(guest_call(vm, KVM_HC_PVI_DISCONNECT, stale, 0), -ENOENT);
	ASSERT_EQ(read_eventfd(efd), 0);
	ASSERT_EQ(guest_call(vm, KVM_HC_NOTIFY, port, 0), KVM_PVI_RAISED);
}

/* By chance two of them would have the same with 99.6 percent. In a binding there is one */
static void test_distinct(void)
{
	static u8 seen[0x8000];
	int i, fd;
	s64 port;

	state_receiver(RX, TX, -1);
	for (i = 0; i < 600; i++) {
		fd = pvi_bind(NULL, TX);
		port = state_connect(fd, RX);
		ASSERT_GT(KVM_PVI_PORT_GENERATION(port), 0);
		ASSERT_EQ(seen[KVM_PVI_PORT_GENERATION(port)]++, 0);
		ASSERT_EQ(state_connect(fd, RX), port + 1);
		ASSERT_EQ(CALL(fd, PVI_RESET, 0, 0, 0), 0);
		ASSERT_EQ(state_connect(fd, RX), port);
		close(fd);
	}
}

/* Sets @nr ports to RX that came from elsewhere */
static int restore(int fd, const u32 *numbers, u32 nr)
{
	struct kvm_pvi_state_port ports[4];
	struct blob blob;
	u32 i;

	ASSERT_LE(nr, ARRAY_SIZE(ports));
	for (i = 0; i < nr; i++)
		ports[i] = port_record(numbers[i], RX, STATE_GSI);
	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_PORT, ports, sizeof(ports[0]), nr);
	return __state_set(fd, &blob);
}

/* They keep their numbers, whatever the generation, and are saved with those of another again */
static void test_restored(void)
{
	static const u32 numbers[] = { NUMBER(7, 0), 2, NUMBER(5, 3), NUMBER(0x7fff, 4) };
	int fd = pvi_bind(NULL, TX), efd = new_eventfd();
	struct blob before, after;
	size_t i;
	s64 port;

	state_receiver(RX, TX, efd);
	ASSERT_EQ(restore(fd, numbers, ARRAY_SIZE(numbers)), 0);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		ASSERT_EQ(CALL(fd, NOTIFY, numbers[i], 0, 0), KVM_PVI_RAISED);
	expect_none(fd, NUMBER(7, 2));
	expect_none(fd, NUMBER(7, 3));
	expect_none(fd, 3);
	port = state_connect(fd, RX);
	ASSERT_EQ(pvi_index(port), 1);
	state_freeze(fd, &before);
	close(fd);

	fd = pvi_bind(NULL, TX);
	ASSERT_EQ(__state_set(fd, &before), 0);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		ASSERT_EQ(CALL(fd, NOTIFY, numbers[i], 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(CALL(fd, NOTIFY, port, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(__state_get(fd, 0, &after), 0);
	blob_expect_same(&before, &after);
}

/* One index, one port: in a blob, and with what the VMM has put there */
static void test_index_twice(void)
{
	static const u32 twice[] = { NUMBER(1, 3), NUMBER(2, 3) };
	static const u32 descending[] = { NUMBER(1, 3), NUMBER(2, 2) };
	static const u32 ascending[] = { NUMBER(2, 2), NUMBER(1, 3) };
	static const u32 beyond[] = { NUMBER(0x8000u, 1) };
	static const u32 taken[] = { NUMBER(9, 0) };
	int fd = pvi_bind(NULL, TX);

	state_receiver(RX, TX, -1);
	ASSERT_EQ(pvi_set_port(fd, new_eventfd()), 0);
	ASSERT_EQ(restore(fd, twice, 2), -EINVAL);
	ASSERT_EQ(restore(fd, descending, 2), -EINVAL);
	ASSERT_EQ(restore(fd, beyond, 1), -EINVAL);
	ASSERT_EQ(restore(fd, taken, 1), -EEXIST);
	ASSERT_EQ(restore(fd, ascending, 2), 0);
	ASSERT_EQ(CALL(fd, NOTIFY, NUMBER(2, 2), 0, 0), KVM_PVI_LATCHED);
	ASSERT_EQ(CALL(fd, NOTIFY, NUMBER(1, 3), 0, 0), KVM_PVI_COALESCED);
}

/* Ports beyond the last index are none of the next generation */
static void test_many(void)
{
	static const u32 numbers[] = { NUMBER(6, 0), NUMBER(5, 0xfffe), NUMBER(5, 0xffff) };
	u64 usual = read_param("kvm_pvi", "max_ports"), mask;
	int fd = pvi_bind(NULL, TX), efd = new_eventfd(), ret;

	state_receiver(RX, TX, efd);
	write_param("kvm_pvi", "max_ports", 65536);
	ret = restore(fd, numbers, 3);
	write_param("kvm_pvi", "max_ports", usual);
	ASSERT_EQ(ret, 0);
	ASSERT_EQ(pvi_call_rbx(fd, KVM_HC_NOTIFY_MANY, NUMBER(5, 0xfffe), ~0ULL, 0, 0, &mask), 2);
	ASSERT_EQ(mask, 3);
	ASSERT_EQ(pvi_call_rbx(fd, KVM_HC_NOTIFY_MANY, NUMBER(5, 0xffff), 3, 0, 0, &mask), 1);
	ASSERT_EQ(mask, 1);
	ASSERT_EQ(pvi_call_rbx(fd, KVM_HC_NOTIFY_MANY, NUMBER(5, 0xffc1), ~0ULL, 0, 0, &mask), 2);
	ASSERT_EQ(mask, 1ULL << 61 | 1ULL << 62);
	ASSERT_EQ(read_eventfd(efd), 5);
}

/* A source rings the port it was wired to, not what comes to its index */
static void test_source(void)
{
	int efd = new_eventfd(), source = new_eventfd(), fd = pvi_bind(NULL, TX);
	s64 port;

	state_receiver(RX, TX, efd);
	port = state_connect(fd, RX);
	pvi_wire_source(fd, source, port);
	signal_eventfd(source);
	ASSERT_TRUE(wait_readable(efd, 5000));
	ASSERT_EQ(read_eventfd(efd), 1);
	ASSERT_EQ(CALL(fd, PVI_DISCONNECT, port, 0, 0), 0);
	ASSERT_EQ(pvi_connect(fd, RX, STATE_GSI), pvi_index(port));
	signal_eventfd(source);
	ASSERT_TRUE(wait_until(pvi_stats(fd).dropped == 1, 5000));
	ASSERT_EQ(read_eventfd(efd), 0);
}

static const struct test_case cases[] = {
	{ "stale", test_stale },
	{ "stale_for_vmm", test_stale_for_vmm },
	{ "stale_bell", test_stale_bell },
	{ "guest", test_guest },
	{ "distinct", test_distinct },
	{ "restored", test_restored },
	{ "index_twice", test_index_twice },
	{ "many", test_many },
	{ "source", test_source },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
