// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_PVI_LIST: root sees all endpoints of the host and what hangs on them, in pages, while others
 * come and go between these.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "delay.h"
#include "pvi_test.h"
#include "state.h"

#define GSI	5
#define LAST_GSI	(KVM_PVI_GSI_MAX - 1)
#define MANY	100


static int list(int fd, struct kvm_pvi_list *u, u32 kind, u64 endpoint, void *records, u32 record,
		u32 nr)
{
	u64 cursor = u->cursor;

	*u = (struct kvm_pvi_list){
		.size = sizeof(*u), .kind = kind, .record = record, .endpoint = endpoint,
		.cursor = cursor, .address = (u64)records, .nr = nr,
	};
	return __pvi_ioctl(fd, KVM_PVI_LIST, u);
}

#define LIST(fd, u, kind, endpoint, records) \
	list(fd, u, kind, endpoint, records, sizeof((records)[0]), ARRAY_SIZE(records))

/* The record of the endpoint bound to @uuid that lives, or false */
static bool find(int fd, const u8 *uuid, struct kvm_pvi_list_endpoint *found)
{
	struct kvm_pvi_list_endpoint r[3];
	struct kvm_pvi_list u = { 0 };
	u32 i;

	do {
		ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r), 0);
		for (i = 0; i < u.nr; i++) {
			if (memcmp(r[i].uuid, uuid, KVM_PVI_UUID_SIZE) ||
			    r[i].flags & KVM_PVI_LISTED_DEAD)
				continue;
			*found = r[i];
			return true;
		}
	} while (u.nr);
	return false;
}

static u64 number_of(int fd, const u8 *uuid)
{
	struct kvm_pvi_list_endpoint r;

	ASSERT_TRUE(find(fd, uuid, &r));
	return r.number;
}

static void test_endpoint(void)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind),
		.flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_OWNER | KVM_PVI_BIND_GRANTS_ONLY,
		.vm_fd = -1,
		.owner = 1234,
	};
	struct kvm_pvi_state state = { .size = sizeof(state), .flags = KVM_PVI_STATE_FREEZE };
	int look = pvi_open(), fd = pvi_open(), tx = pvi_bind(NULL, pvi_uuid[1]);
	struct kvm_pvi_list_endpoint r;
	u64 number;

	ASSERT_TRUE(!find(look, pvi_uuid[0], &r));
	memcpy(bind.uuid, pvi_uuid[0], sizeof(bind.uuid));
	pvi_ioctl(fd, KVM_PVI_BIND, &bind);
	ASSERT_TRUE(find(look, pvi_uuid[0], &r));
	number = r.number;
	ASSERT_EQ(r.epoch, bind.epoch);
	ASSERT_EQ(r.flags, KVM_PVI_LISTED_HOST | KVM_PVI_LISTED_GRANTS_ONLY);
	ASSERT_EQ(r.owner, 1234);
	ASSERT_EQ(r.opener, getpid());
	ASSERT_EQ(r.vmm, 0);
	ASSERT_EQ(r.senders + r.grants + r.gsis + r.bells, 0);

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_expose(fd, GSI + 1, KVM_PVI_GSI_EVENTFD);
	pvi_bell(fd, 0, GSI + 1);
	pvi_allow(fd, pvi_uuid[1], GSI);
	pvi_grant(fd, GSI, 0, NULL);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), -KVM_PVI_EPERM);
	pvi_ioctl(fd, KVM_PVI_GET_STATE, &state);
	ASSERT_TRUE(find(look, pvi_uuid[0], &r));
	ASSERT_EQ(r.number, number);
	ASSERT_EQ(r.flags, KVM_PVI_LISTED_HOST | KVM_PVI_LISTED_GRANTS_ONLY | KVM_PVI_LISTED_FROZEN);
	ASSERT_EQ(r.senders, 1);
	ASSERT_EQ(r.grants, 1);
	ASSERT_EQ(r.gsis, 2);
	ASSERT_EQ(r.bells, 1);
	ASSERT_EQ(r.received.denied, 1);
	ASSERT_TRUE(find(look, pvi_uuid[1], &r));
	ASSERT_EQ(r.sent.denied, 1);

	/* Another life is another endpoint */
	close(fd);
	ASSERT_TRUE(!find(look, pvi_uuid[0], &r));
	fd = pvi_bind(NULL, pvi_uuid[0]);
	ASSERT_TRUE(find(look, pvi_uuid[0], &r));
	ASSERT_GT(r.number, number);
	ASSERT_EQ(r.flags, KVM_PVI_LISTED_HOST);
}

/* A binding that failed is none, and one after it is listed once */
static void test_failed_bind(void)
{
	int fd = pvi_open(), other = pvi_bind(NULL, pvi_uuid[1]);
	struct kvm_pvi_list_endpoint r[4];
	struct kvm_pvi_list u = { 0 };

	ASSERT_EQ(__pvi_bind(fd, NULL, pvi_uuid[1]), -EEXIST);
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r), 0);
	ASSERT_EQ(u.nr, 1);
	ASSERT_EQ(__pvi_bind(fd, NULL, pvi_uuid[0]), 0);
	u.cursor = 0;
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r), 0);
	ASSERT_EQ(u.nr, 2);
	ASSERT_EQ(memcmp(r[1].uuid, pvi_uuid[0], sizeof(r[1].uuid)), 0);
	close(other);
}

/* A VM's process is told, also when another has bound it; and who is dead, until it is closed */
static void test_vmm(void)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind) };
	struct kvm_pvi_list_endpoint r;
	struct kvm_pvi_list_edge edge[2];
	struct kvm_pvi_list_gsi gsi[2];
	struct kvm_pvi_list u = { 0 };
	struct pollfd dead;
	pid_t child;
	u64 number;
	int fd;

	bind.vm_fd = child_vm(&child);
	memcpy(bind.uuid, pvi_uuid[0], sizeof(bind.uuid));
	fd = pvi_open();
	pvi_ioctl(fd, KVM_PVI_BIND, &bind);
	close(bind.vm_fd);
	pvi_allow(fd, pvi_uuid[1], GSI);
	pvi_expose(fd, LAST_GSI, KVM_PVI_GSI_EVENTFD);
	ASSERT_TRUE(find(fd, pvi_uuid[0], &r));
	ASSERT_EQ(r.vmm, child);
	ASSERT_EQ(r.opener, getpid());
	ASSERT_EQ(r.flags, 0);
	number = r.number;

	child_kill(child);
	dead = (struct pollfd){ .fd = fd };
	ASSERT_EQ(poll(&dead, 1, -1), 1);
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_EDGES, number, edge), 0);
	ASSERT_EQ(u.nr, 1);
	u.cursor = 0;
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_GSIS, number, gsi), 0);
	ASSERT_EQ(u.nr, 0);
	u.cursor = number - 1;
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, &r, sizeof(r), 1), 0);
	ASSERT_EQ(u.nr, 1);
	ASSERT_EQ(r.number, number);
	ASSERT_EQ(r.flags, KVM_PVI_LISTED_DEAD);
	ASSERT_EQ(r.vmm, 0);
	close(fd);
	fd = pvi_open();
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_EDGES, number, edge), -ENOENT);
}

static void bind_vmm(int fd, int vm_fd, const u8 *uuid, pid_t vmm)
{
	struct kvm_pvi_bind bind = {
		.size = sizeof(bind), .flags = KVM_PVI_BIND_VMM, .vm_fd = vm_fd, .owner = vmm,
	};

	memcpy(bind.uuid, uuid, sizeof(bind.uuid));
	pvi_ioctl(fd, KVM_PVI_BIND, &bind);
}

/* Process 1 there, which numbers itself so and nobody else */
static void be_the_first(u64 unused)
{
	int look = pvi_open(), fd = pvi_open();
	struct kvm_pvi_list_endpoint r;

	(void)unused;
	ASSERT_EQ(getpid(), 1);
	ASSERT_TRUE(find(look, pvi_uuid[0], &r));
	ASSERT_EQ(r.opener, 0);
	ASSERT_EQ(r.vmm, 0);
	bind_vmm(fd, vm_create(0, 0)->fd, pvi_uuid[1], 1);
	ASSERT_TRUE(find(look, pvi_uuid[1], &r));
	ASSERT_EQ(r.opener, 1);
	ASSERT_EQ(r.vmm, 1);
}

static void enter_pid_namespace(u64 unused)
{
	(void)unused;
	ASSERT_EQ(unshare(CLONE_NEWPID), 0);
	child_join(child_run(be_the_first, 0));
}

/* Processes have the numbers of the caller's namespace, whether they are named or listed */
static void test_pid_namespace(void)
{
	struct kvm_pvi_list_endpoint r;
	int fd = pvi_open();

	bind_vmm(fd, vm_create(0, 0)->fd, pvi_uuid[0], getpid());
	ASSERT_TRUE(find(fd, pvi_uuid[0], &r));
	ASSERT_EQ(r.opener, getpid());
	ASSERT_EQ(r.vmm, getpid());
	child_join(child_run(enter_pid_namespace, 0));
}

static void test_edges(void)
{
	struct kvm_pvi_allow allow = {
		.size = sizeof(allow), .flags = KVM_PVI_ALLOW_OWNER, .gsi = GSI, .owner = 77,
		.rate = 3000000001u, .burst = 7,
	};
	int fd = pvi_bind(NULL, pvi_uuid[0]), tx = pvi_bind(NULL, pvi_uuid[1]);
	struct kvm_pvi_list_edge e[2], all[5];
	struct kvm_pvi_list u = { 0 };
	u64 number = number_of(fd, pvi_uuid[0]), id;
	u32 i, total = 0;

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(fd, pvi_uuid[1], GSI);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI, 0, 0), KVM_PVI_LATCHED);
	memcpy(allow.uuid, pvi_uuid[2], sizeof(allow.uuid));
	pvi_ioctl(fd, KVM_PVI_ALLOW, &allow);
	pvi_allow(fd, pvi_uuid[3], KVM_PVI_GSI_ANY);
	pvi_allow_bell(fd, pvi_uuid[4], 3, 0x8000000000000001);
	pvi_grant(fd, GSI, 0, &id);
	pvi_revoke(fd, pvi_uuid[3], KVM_PVI_GSI_ANY);
	pvi_allow(fd, pvi_uuid[3], KVM_PVI_GSI_ANY);

	do {
		ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_EDGES, number, e), 0);
		for (i = 0; i < u.nr; i++) {
			ASSERT_LT(total, ARRAY_SIZE(all));
			all[total++] = e[i];
		}
	} while (u.nr);
	ASSERT_EQ(total, 5);
	ASSERT_EQ(all[0].gsi, GSI);
	ASSERT_EQ(all[0].kind, KVM_PVI_EDGE_GSI);
	ASSERT_EQ(all[0].flags | all[0].owner | all[0].rate | all[0].burst | all[0].bits, 0);
	ASSERT_EQ(all[0].counts.latched, 1);
	ASSERT_EQ(all[1].flags, KVM_PVI_LISTED_PINNED);
	ASSERT_EQ(all[1].owner, 77);
	ASSERT_EQ(all[1].rate, 3000000001u);
	ASSERT_EQ(all[1].burst, 7);
	ASSERT_EQ(all[2].kind, KVM_PVI_EDGE_BELL);
	ASSERT_EQ(all[2].gsi, 3);
	ASSERT_EQ(all[2].bits, 0x8000000000000001);
	ASSERT_EQ(all[2].flags, KVM_PVI_LISTED_BELL);
	ASSERT_EQ(all[3].kind, KVM_PVI_EDGE_GRANT);
	ASSERT_EQ(all[3].id, id);
	ASSERT_EQ(all[4].gsi, KVM_PVI_GSI_ANY);
	for (i = 1; i < total; i++)
		ASSERT_GT(all[i].id, all[i - 1].id);
}

static void ring_times(int tx, u32 port, u32 times, s64 ret)
{
	while (times--)
		ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, port, 0, 0, 0), ret);
}

/* Each number of a row is another one: 1, 2, 3, 5, 6 */
static void count_row(int fd, int tx)
{
	struct kvm_pvi_allow pin = { .size = sizeof(pin), .flags = KVM_PVI_ALLOW_OWNER, .gsi = GSI, .owner = 77 };
	int sink = new_eventfd();
	struct blob blob;
	u32 port, i;

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(fd, pvi_uuid[1], GSI);
	port = pvi_connect(tx, pvi_uuid[0], GSI);
	for (i = 0; i < 3; i++) {
		ring_times(tx, port, 1, KVM_PVI_LATCHED);
		ring_times(tx, port, i ? 0 : 2, KVM_PVI_COALESCED);
		pvi_wire(fd, GSI, sink);
		ring_times(tx, port, i ? 0 : 1, KVM_PVI_RAISED);
		pvi_gsi(fd, KVM_PVI_UNWIRE, GSI);
	}
	state_freeze(fd, &blob);
	ring_times(tx, port, 6, -EAGAIN);
	state_thaw(fd);
	memcpy(pin.uuid, pvi_uuid[1], sizeof(pin.uuid));
	pvi_ioctl(fd, KVM_PVI_ALLOW, &pin);
	ring_times(tx, port, 5, -EPERM);
}

/* Tries again to interrupt for a masked pin, and has lost 1000 signals of a source */
static void count_retries_and_dropped(int fd, int tx)
{
	int dead = pvi_bind(NULL, pvi_uuid[2]), source = new_eventfd();

	pvi_expose(fd, GSI + 1, KVM_PVI_GSI_DIRECT);
	pvi_allow(fd, pvi_uuid[1], GSI + 1);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)pvi_uuid[0], GSI + 1, 0, 0), KVM_PVI_LATCHED);
	ASSERT_TRUE(wait_until(pvi_stats(fd).retries, 10000));
	pvi_expose(dead, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(dead, pvi_uuid[0], GSI);
	pvi_wire_source(fd, source, pvi_connect(fd, pvi_uuid[2], GSI));
	close(dead);
	ASSERT_EQ(eventfd_write(source, 1000), 0);
	ASSERT_TRUE(wait_until(pvi_stats(fd).dropped == 1000, 10000));
}

static void expect_counters(int look, int fd, const u8 *uuid)
{
	struct kvm_pvi_list_endpoint r;
	struct kvm_pvi_stats stats;

	/* No retry between both */
	do {
		stats = pvi_stats(fd);
		ASSERT_TRUE(find(look, uuid, &r));
	} while (stats.retries != pvi_stats(fd).retries);
	ASSERT_EQ(memcmp(&r.sent, &stats.sent, sizeof(r.sent)), 0);
	ASSERT_EQ(memcmp(&r.received, &stats.received, sizeof(r.received)), 0);
	ASSERT_EQ(r.retries, stats.retries);
	ASSERT_EQ(r.dropped, stats.dropped);
}

/* They are those of KVM_PVI_GET_EDGE and KVM_PVI_GET_STATS, each in its place */
static void test_counters(void)
{
	int fd = pvi_bind(vm_create(1, 0), pvi_uuid[0]), tx = pvi_bind(NULL, pvi_uuid[1]), look = pvi_open();
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	struct kvm_pvi_list_edge rows[1];
	struct kvm_pvi_list u = { 0 };

	count_row(fd, tx);
	pvi_ioctl(fd, KVM_PVI_GET_EDGE, &edge);
	ASSERT_EQ(LIST(look, &u, KVM_PVI_LIST_EDGES, number_of(look, pvi_uuid[0]), rows), 0);
	ASSERT_EQ(u.nr, 1);
	ASSERT_EQ(rows[0].counts.raised, 1);
	ASSERT_EQ(rows[0].counts.coalesced, 2);
	ASSERT_EQ(rows[0].counts.latched, 3);
	ASSERT_EQ(rows[0].counts.denied, 5);
	ASSERT_EQ(rows[0].counts.throttled, 6);
	ASSERT_EQ(memcmp(&rows[0].counts, &edge.counts, sizeof(edge.counts)), 0);
	expect_counters(look, tx, pvi_uuid[1]);
	count_retries_and_dropped(fd, tx);
	expect_counters(look, fd, pvi_uuid[0]);
}

static void test_gsis_and_ports(void)
{
	struct kvm_pvi_expose expose = {
		.size = sizeof(expose), .gsi = GSI, .kind = KVM_PVI_GSI_EVENTFD,
		.rate = 999999999, .burst = 3,
	};
	int fd = pvi_bind(NULL, pvi_uuid[0]), rx = pvi_bind(NULL, pvi_uuid[1]);
	struct kvm_pvi_list_port p[4];
	struct kvm_pvi_list_gsi g[4];
	struct kvm_pvi_list u = { 0 };
	u64 number = number_of(fd, pvi_uuid[0]);
	int sink = new_eventfd();
	s64 port;

	pvi_ioctl(fd, KVM_PVI_EXPOSE, &expose);
	pvi_wire(fd, GSI, sink);
	pvi_expose(fd, LAST_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_bell(fd, 9, LAST_GSI);
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_GSIS, number, g), 0);
	ASSERT_EQ(u.nr, 2);
	ASSERT_EQ(g[0].gsi, GSI);
	ASSERT_EQ(g[0].kind, KVM_PVI_GSI_EVENTFD);
	ASSERT_EQ(g[0].state, KVM_PVI_GSI_WIRED);
	ASSERT_EQ(g[0].bell, KVM_PVI_LISTED_NO_BELL);
	ASSERT_EQ(g[0].rate, 999999999);
	ASSERT_EQ(g[0].burst, 3);
	ASSERT_EQ(g[1].gsi, LAST_GSI);
	ASSERT_EQ(g[1].bell, 9);
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_GSIS, number, g), 0);
	ASSERT_EQ(u.nr, 0);

	pvi_expose(rx, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(rx, pvi_uuid[0], GSI);
	pvi_set_port(fd, new_eventfd());
	port = pvi_call(fd, KVM_HC_PVI_CONNECT, (u64)pvi_uuid[1], GSI, 0, 0);
	ASSERT_EQ(pvi_index(port), 1);
	u.cursor = 0;
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_PORTS, number, p), 0);
	ASSERT_EQ(u.nr, 2);
	ASSERT_EQ(p[0].port, 0);
	ASSERT_EQ(p[0].state, KVM_PVI_PORT_EVENTFD);
	ASSERT_EQ(p[0].flags, KVM_PVI_LISTED_BY_VMM);
	ASSERT_EQ(p[1].port, port);
	ASSERT_EQ(p[1].state, KVM_PVI_PORT_LIVE);
	ASSERT_EQ(p[1].flags, 0);
	ASSERT_EQ(p[1].gsi, GSI);
	ASSERT_EQ(memcmp(p[1].uuid, pvi_uuid[1], sizeof(p[1].uuid)), 0);
	close(rx);
	u.cursor = 1;
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_PORTS, number, p), 0);
	ASSERT_EQ(u.nr, 1);
	ASSERT_EQ(p[0].state, KVM_PVI_PORT_DEAD);
}

static void test_privilege(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[0]), ro = open("/dev/kvm_pvi", O_RDONLY | O_CLOEXEC);
	struct kvm_pvi_list_endpoint r[1];
	struct kvm_pvi_list u = { 0 };

	ASSERT_GE(ro, 0);
	ASSERT_EQ(LIST(ro, &u, KVM_PVI_LIST_ENDPOINTS, 0, r), 0);
	ASSERT_EQ(u.nr, 1);
	u.cursor = 0;
	set_euid(1000);
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r), 0);
	drop_capability(CAP_SYS_ADMIN);
	set_euid(0);
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r), -EPERM);
	/* Its own ones neither, and nobody learns which numbers there are */
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_EDGES, r[0].number, r), -EPERM);
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_EDGES, 1ull << 40, r), -EPERM);
}

static void test_arguments(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[0]);
	struct kvm_pvi_list_endpoint r[2];
	struct kvm_pvi_list u = { 0 };
	u64 number = number_of(fd, pvi_uuid[0]);
	u32 kind;

	for (kind = KVM_PVI_LIST_PORTS + 1; kind; kind <<= 1)
		ASSERT_EQ(LIST(fd, &u, kind, number, r), -EINVAL);
	ASSERT_EQ(LIST(fd, &u, 0xffffffff, number, r), -EINVAL);
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_ENDPOINTS, number, r), -EINVAL);
	for (kind = KVM_PVI_LIST_EDGES; kind <= KVM_PVI_LIST_PORTS; kind++) {
		ASSERT_EQ(LIST(fd, &u, kind, 0, r), -EINVAL);
		ASSERT_EQ(LIST(fd, &u, kind, number + 1, r), -ENOENT);
		ASSERT_EQ(LIST(fd, &u, kind, ~0ull, r), -ENOENT);
		/* A cursor is a position, whatever it is */
		for (u.cursor = 0; u.cursor != ~0ull; u.cursor = u.cursor << 1 | 1) {
			ASSERT_EQ(LIST(fd, &u, kind, number, r), 0);
			ASSERT_EQ(u.nr, 0);
		}
		ASSERT_EQ(LIST(fd, &u, kind, number, r), 0);
		ASSERT_EQ(u.nr, 0);
	}
	ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r), 0);
	ASSERT_EQ(u.nr, 0);
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r, sizeof(r[0]), 0), -EINVAL);
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r, sizeof(r[0]) - 1, 1), -EINVAL);
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r, PAGE_SIZE + 1, 1), -EINVAL);
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r, 0xffffffff, 1), -EINVAL);
}

/* Records of a caller that knows more of them, and of one that has not all the memory it says */
static void test_memory(void)
{
	const u32 size = sizeof(struct kvm_pvi_list_endpoint), longer = size + 24;
	int fd = pvi_bind(NULL, pvi_uuid[0]), other = pvi_bind(NULL, pvi_uuid[1]);
	u8 *pages = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_pvi_list_endpoint one;
	struct kvm_pvi_list u = { 0 };
	u8 *hole = pages + PAGE_SIZE;
	u32 i, back;

	ASSERT_TRUE(pages != MAP_FAILED);
	ASSERT_EQ(munmap(hole, PAGE_SIZE), 0);
	memset(pages, 0xa5, PAGE_SIZE);
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, pages, longer, 10), 0);
	ASSERT_EQ(u.nr, 2);
	for (i = 0; i < PAGE_SIZE; i++)
		if (i >= 2 * longer ? pages[i] != 0xa5 : i % longer >= size && pages[i])
			TEST_FAIL("byte %u is 0x%x", i, pages[i]);
	ASSERT_EQ(memcmp(pages + longer + offsetof(struct kvm_pvi_list_endpoint, uuid), pvi_uuid[1],
			 KVM_PVI_UUID_SIZE), 0);

	/* Nothing moves where a byte is missing, be it of what is filled up with 0 */
	for (back = 1; back < 2 * longer; back++) {
		u.cursor = 0;
		ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, hole - back, longer, 10), -EFAULT);
		ASSERT_EQ(u.cursor, 0);
		ASSERT_EQ(u.nr, 10);
	}
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, hole - 2 * longer, longer, 10), 0);
	ASSERT_EQ(u.nr, 2);
	u.cursor = 0;
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, NULL, size, 1), -EFAULT);
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, (void *)-64, size, 1), -EFAULT);
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, (void *)0x8000000000000000, size, 1),
		  -EFAULT);
	/* Room is not looked at where there is nothing to write */
	u.cursor = ~0ull;
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, NULL, size, 1), 0);
	ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, &one, size, 0xffffffff), 0);
	close(other);
}

/* The buffer's first access waits for an answer that never comes: nobody else does */
static void *listing_into_nowhere(void *arg)
{
	struct kvm_pvi_list u = { 0 };
	int fd = pvi_open();

	list(fd, &u, KVM_PVI_LIST_EDGES, number_of(fd, pvi_uuid[0]), arg,
	     sizeof(struct kvm_pvi_list_edge), 1);
	return NULL;
}

static void test_stuck_reader(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[0]), uffd;
	void *memory = uffd_memory(PAGE_SIZE, &uffd);
	pthread_t thread;

	pvi_allow(fd, pvi_uuid[1], GSI);
	ASSERT_EQ(pthread_create(&thread, NULL, listing_into_nowhere, memory), 0);
	ASSERT_TRUE(wait_readable(uffd, 30000));
	pvi_revoke(fd, pvi_uuid[1], GSI);
	pvi_allow(fd, pvi_uuid[2], GSI);
	close(fd);
	fd = pvi_bind(NULL, pvi_uuid[0]);
	close(uffd);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
}

/* Whoever is there during all of a walk is listed once, whatever the others do meanwhile */
static void walk(int fd, u32 page, u32 seen[MANY], void (*between)(u32 page))
{
	struct kvm_pvi_list_endpoint r[MANY];
	struct kvm_pvi_list u = { 0 };
	u64 last = 0;
	u32 i, n, pages = 0;

	memset(seen, 0, MANY * sizeof(*seen));
	do {
		ASSERT_EQ(list(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r, sizeof(r[0]), page), 0);
		ASSERT_LE(u.nr, page);
		for (i = 0; i < u.nr; i++) {
			ASSERT_GT(r[i].number, last);
			last = r[i].number;
			for (n = 0; n < MANY; n++)
				if (!memcmp(r[i].uuid, pvi_uuid[n], KVM_PVI_UUID_SIZE))
					seen[n]++;
		}
		/* Beyond the last, if it has passed over one that is about to be bound */
		ASSERT_GE(u.cursor, last);
		if (between)
			between(pages++);
	} while (u.nr);
}

static int fds[MANY];

/* Every third one closes, odd ones of these are bound anew: behind the walk, or in front of it */
static void come_and_go(u32 page)
{
	u32 n = page * 3 % MANY;

	if (n % 3)
		return;
	close(fds[n]);
	if (n % 2)
		fds[n] = pvi_bind(NULL, pvi_uuid[n]);
	else
		fds[n] = -1;
}

static void test_pages(void)
{
	static const u32 sizes[] = { 1, 2, 7, 16, 17, MANY };
	int fd = pvi_open();
	u32 seen[MANY], i, n;

	for (n = 0; n < MANY; n++)
		fds[n] = pvi_bind(NULL, pvi_uuid[n]);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		walk(fd, sizes[i], seen, NULL);
		for (n = 0; n < MANY; n++)
			ASSERT_EQ(seen[n], 1);
	}
	walk(fd, 2, seen, come_and_go);
	for (n = 0; n < MANY; n++)
		if (n % 3)
			ASSERT_EQ(seen[n], 1);
}

static bool stop;

static void *binder(void *arg)
{
	u64 n = (u64)arg;
	int fd;

	while (!READ_ONCE(stop)) {
		fd = pvi_bind(NULL, pvi_uuid[n]);
		pvi_allow(fd, pvi_uuid[0], GSI);
		pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
		close(fd);
	}
	return NULL;
}

static void list_all(int fd)
{
	struct kvm_pvi_list_endpoint r[4];
	struct kvm_pvi_list u = { 0 }, v;
	u8 records[4096];
	u32 i, kind;
	int ret;

	do {
		ASSERT_EQ(LIST(fd, &u, KVM_PVI_LIST_ENDPOINTS, 0, r), 0);
		for (i = 0; i < u.nr; i++) {
			for (kind = KVM_PVI_LIST_EDGES; kind <= KVM_PVI_LIST_PORTS; kind++) {
				v.cursor = 0;
				ret = list(fd, &v, kind, r[i].number, records, 128, 4);
				ASSERT_TRUE(ret == 0 || ret == -ENOENT);
				ASSERT_LE(v.nr, ret ? 4 : 1);
			}
		}
	} while (u.nr);
}

static void test_storm(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[0]);
	pthread_t threads[4];
	u32 seen[MANY], i;
	u64 n;

	for (n = 0; n < ARRAY_SIZE(threads); n++)
		ASSERT_EQ(pthread_create(&threads[n], NULL, binder, (void *)(n + 1)), 0);
	for (i = 0; i < (test_long() ? 2000 : 100); i++) {
		walk(fd, 1 + i % 5, seen, NULL);
		ASSERT_EQ(seen[0], 1);
		list_all(fd);
	}
	WRITE_ONCE(stop, true);
	for (n = 0; n < ARRAY_SIZE(threads); n++)
		ASSERT_EQ(pthread_join(threads[n], NULL), 0);
	walk(fd, 1, seen, NULL);
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(seen[i], !i);
}

static void check_listed(int fd, u32 kind, u64 number, u32 nr)
{
	struct kvm_pvi_list u = { 0 };
	u8 records[4][128];

	ASSERT_EQ(LIST(fd, &u, kind, number, records), 0);
	ASSERT_EQ(u.nr, nr);
}

/*
 * Nobody has the administrator wait: what hangs on an endpoint is listed while its owner is in a call that takes long;
 * but for a grant that has gone meanwhile.
 */
static void test_owner_is_busy(void)
{
	int fd = pvi_bind(NULL, pvi_uuid[0]), look = pvi_open(), grant;
	u64 number = number_of(look, pvi_uuid[0]);

	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(fd, pvi_uuid[1], GSI);
	pvi_grant(fd, GSI, 0, NULL);
	grant = pvi_grant(fd, GSI, 0, NULL);
	pvi_set_port(fd, new_eventfd());
	delay_load();
	delay_begin(DELAY_LOCKS, fd + 1);
	check_listed(look, KVM_PVI_LIST_EDGES, number, 3);
	check_listed(look, KVM_PVI_LIST_GSIS, number, 1);
	check_listed(look, KVM_PVI_LIST_PORTS, number, 1);
	close(grant);
	check_listed(look, KVM_PVI_LIST_EDGES, number, 2);
	delay_end(DELAY_LOCKS);
	check_listed(look, KVM_PVI_LIST_EDGES, number, 2);
}

/* As it was when the test began; a case that has changed it may have failed */
static u64 max_vms;

/* What a child asks of somebody's endpoint */
static struct {
	int fd;
	char path[64];
} asked;

static void ask_fdinfo(u64 arg)
{
	(void)arg;
	free(read_file(asked.path));
}

static void ask_allow(u64 arg)
{
	(void)arg;
	__pvi_allow(asked.fd, pvi_uuid[1], GSI);
}

static void check_killed(void (*fn)(u64 arg), unsigned long call)
{
	pid_t pid = child_run(fn, 0);

	ASSERT_TRUE(wait_until(sleeps_in_call(pid, call), 10000));
	child_kill(pid);
}

/* Of an endpoint whose owner is in a call that takes long, whoever waits for it can be killed, and is at once */
static void test_killed(void)
{
	asked.fd = pvi_bind(NULL, pvi_uuid[0]);
	snprintf(asked.path, sizeof(asked.path), "/proc/%d/fdinfo/%d", getpid(), asked.fd);
	delay_load();
	delay_begin(DELAY_LOCKS, asked.fd + 1);
	check_killed(ask_fdinfo, SYS_read);
	check_killed(ask_allow, SYS_ioctl);
	delay_end(DELAY_LOCKS);
	ask_allow(0);
}

static int ask_for_state(void)
{
	struct kvm_pvi_state state = { .size = sizeof(state) };

	return __pvi_ioctl(asked.fd, KVM_PVI_GET_STATE, &state);
}

static void ask_state(u64 arg)
{
	(void)arg;
	ask_for_state();
}

static void ask_name(u64 arg)
{
	(void)arg;
	__pvi_bind(pvi_open(), NULL, pvi_uuid[0]);
}

static void ask_other_name(u64 arg)
{
	(void)arg;
	__pvi_bind(pvi_open(), NULL, pvi_uuid[1]);
}

/* That of a VM whose process is the child returned */
static pid_t bind_of_child(void)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind) };
	pid_t vmm;

	bind.vm_fd = child_vm(&vmm);
	memcpy(bind.uuid, pvi_uuid[0], sizeof(bind.uuid));
	asked.fd = pvi_open();
	pvi_ioctl(asked.fd, KVM_PVI_BIND, &bind);
	return vmm;
}

static void expect_dead(pid_t vmm)
{
	struct pollfd dead = { .fd = asked.fd };

	child_kill(vmm);
	ASSERT_TRUE(wait_until(poll(&dead, 1, 0) == 1, 10000));
}

/* Of an endpoint whose owner is in a call that takes long, it may be long until it has died */
static void begin_to_die(void)
{
	pid_t vmm = bind_of_child();

	delay_load();
	delay_begin(DELAY_LOCKS, asked.fd + 1);
	expect_dead(vmm);
}

/* Whoever wants its name can be killed meanwhile */
static void test_name_killed(void)
{
	begin_to_die();
	check_killed(ask_name, SYS_ioctl);
	delay_end(DELAY_LOCKS);
	pvi_bind(NULL, pvi_uuid[0]);
}

/* Or the place that it has among max_vms */
static void test_place_killed(void)
{
	begin_to_die();
	write_param("kvm_pvi", "max_vms", 1);
	check_killed(ask_other_name, SYS_ioctl);
	write_param("kvm_pvi", "max_vms", max_vms);
	delay_end(DELAY_LOCKS);
	pvi_bind(NULL, pvi_uuid[1]);
}

/* Or who waits until what its guest had made changes no more: rings may be under way for long */
static void test_state_killed(void)
{
	pid_t vmm = bind_of_child();

	delay_load();
	delay_begin(DELAY_RCU, 1);
	expect_dead(vmm);
	check_killed(ask_state, SYS_ioctl);
	delay_end(DELAY_RCU);
	ASSERT_EQ(ask_for_state(), 0);
}

static const struct test_case cases[] = {
	{ "endpoint", test_endpoint },
	{ "failed_bind", test_failed_bind },
	{ "vmm", test_vmm },
	{ "pid_namespace", test_pid_namespace },
	{ "edges", test_edges },
	{ "counters", test_counters },
	{ "gsis_and_ports", test_gsis_and_ports },
	{ "privilege", test_privilege },
	{ "arguments", test_arguments },
	{ "memory", test_memory },
	{ "stuck_reader", test_stuck_reader },
	{ "pages", test_pages },
	{ "storm", test_storm },
	{ "owner_is_busy", test_owner_is_busy, 60 },
	{ "killed", test_killed, 60 },
	{ "name_killed", test_name_killed, 60 },
	{ "place_killed", test_place_killed, 60 },
	{ "state_killed", test_state_killed, 120 },
};

int main(int argc, char **argv)
{
	bool loaded = is_loaded("kvm_pvi");
	int ret;

	if (loaded)
		max_vms = read_param("kvm_pvi", "max_vms");
	ret = test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
	if (loaded)
		write_param("kvm_pvi", "max_vms", max_vms);
	delay_unload();
	return ret;
}
