// SPDX-License-Identifier: GPL-2.0
/*
 * The longest calls: each ioctl and each hypercall where the tables that it goes over are as full as the limits
 * of admin.rst let them be, with what has it go over most of them; and what else walks these tables, close()
 * for one. Of each how many instructions it takes, by the TSC, which counts them in the rig, and for how many
 * in a row a thread that goes before all others had to wait: no read section is longer, nor is any stretch
 * without preemption or with interrupts off. Each bound is one that a page has.
 *
 * That is the long form. The short one has the same calls on small tables. rig/limits.sh makes
 * Documentation/limits.txt of the lines "limit:".
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child.h"
#include "cost.h"
#include "pvi_test.h"
#include "status.h"

#define RX	pvi_uuid[0]
#define TX	pvi_uuid[1]
#define STRANGER pvi_uuid[2]	/* of whom there are rows, none of which permits */
#define GSI	5
#define OTHER_GSI 6
#define NOBODY	4711		/* the user of no endpoint */
#define GENERATION 1		/* of the ports that a state brings */
#define MSI_ADDRESS 0xfee00000
#define MSI_DATA 0x40
#define ROWS	65536

/* Instructions that a call may take beside those for each entry that it goes over: admin.rst */
#define CALL_MOST 500000
#define WAIT_MOST 100000000	/* more, where it waits for some ticks in which nothing is done */
#define STRETCH_MOST 4000000	/* in a row: locking.rst */
#define WATCH	500000		/* more: the nap of whoever looks, and what any kernel does in a row */

/* And for each entry, by what is done with it */
#define PER_LOOK 33		/* a row, or a grant, that is looked at: locking.rst */
#define PER_BELL_ROW 150	/* one that names a bell, which is looked up: locking.rst */
#define PER_GSI	45		/* passed over: locking.rst */
#define PER_STEP 50		/* in which a list or an array is gone along */
#define PER_FIND 500		/* found in a table, and compared */
#define PER_WAITER 300		/* of an eventfd: delivery.rst */
#define PER_RECORD 5000		/* made, restored, listed or told */
#define PER_EDGE 5000		/* that goes: api.rst */
#define PER_SAVED 1000		/* saved, or taken back by a reset */
#define PER_PAID 10000		/* GSI to which something is owed */
#define PER_LINE 20000		/* of text, printed again for each buffer twice as large */
#define PER_SUM 40000		/* likewise, of an endpoint, whose counters are added up for it */
#define PER_SOURCE 50000	/* that ends, each by turns with the thread that rings it */

/* How full the tables are */
static const struct numbers {
	u32 rows, gsis, ports, endpoints, peers, reserved, sources, grants, waiters;
} full = {
	.rows = ROWS, .gsis = 8192, .ports = 65536, .endpoints = 10000, .peers = 4096, .reserved = 65536,
	.sources = 65536, .grants = 65536, .waiters = 10000,
}, few = {
	.rows = 655, .gsis = 82, .ports = 655, .endpoints = 160, .peers = 128, .reserved = 655,
	.sources = 256, .grants = 256, .waiters = 100,
};
static struct numbers nr;

static int rx, tx, stranger, sink;
static u8 names[ROWS][KVM_PVI_UUID_SIZE] __aligned(16);
static struct kvm_pvi_peer peers[KVM_PVI_PEERS_MAX];

/**
 * struct bound - what a call may take
 * @nr: entries that it goes over
 * @each: instructions for each of them, beside CALL_MOST
 * @in_a_row: instructions, unless that is STRETCH_MOST
 * @waits: not for a grace period alone, which is expedited here
 */
struct bound {
	u32 nr;
	u32 each;
	u64 in_a_row;
	bool waits;
};

/* Hash tables that grow do so beside us, and free the old ones later. */
static void settle(void)
{
	usleep(200000);
}

static void measure(const char *call, const char *what, void (*op)(u32 n), u32 n, struct bound bound)
{
	u64 most = CALL_MOST + (u64)bound.nr * bound.each + (bound.waits ? WAIT_MOST : 0);
	u64 in_a_row = (bound.in_a_row ?: STRETCH_MOST) + WATCH;
	struct cost cost;

	settle();
	cost = cost_of(op, n);
	test_diag("limit: %s; %s; %u; %llu; %llu; %llu; %llu", call, what, bound.nr, cost.took, most, cost.in_a_row,
		  in_a_row);
	ASSERT_LE(cost.took, most);
	ASSERT_LE(cost.in_a_row, in_a_row);
}

static struct {
	const char *call;
	int fd;
	unsigned long cmd;
	void *arg;
} asked;

static void issue(u32 n)
{
	(void)n;
	test_ioctl(__FILE__, __LINE__, asked.call, asked.fd, asked.cmd, asked.arg);
}

static void measure_ioctl(const char *call, int fd, unsigned long cmd, void *arg, const char *what, struct bound bound)
{
	asked.call = call;
	asked.fd = fd;
	asked.cmd = cmd;
	asked.arg = arg;
	measure(call, what, issue, 0, bound);
}

/* Behind @what stand members of struct bound */
#define IOCTL(fd, cmd, arg, what, ...) measure_ioctl(#cmd, fd, cmd, arg, what, (struct bound){ __VA_ARGS__ })

/* As the endpoint's guest makes it; RAX */
static s64 measure_hypercall(const char *name, int fd, u32 number, u64 rbx, u64 rcx, u64 rdx, const char *what,
			     struct bound bound)
{
	struct kvm_pvi_call call = { .size = sizeof(call), .nr = number, .args = { rbx, rcx, rdx } };

	measure_ioctl(name, fd, KVM_PVI_CALL, &call, what, bound);
	return call.ret;
}

#define HYPERCALL(fd, number, rbx, rcx, rdx, what, ...) \
	measure_hypercall(#number, fd, number, rbx, rcx, rdx, what, (struct bound){ __VA_ARGS__ })

static void close_fd(u32 fd)
{
	ASSERT_EQ(close(fd), 0);
}

static void read_text(const char *path)
{
	static char text[1 << 16];
	int fd = open(path, O_RDONLY);

	ASSERT_GE(fd, 0);
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

static void read_fdinfo(u32 fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%u", fd);
	read_text(path);
}

static void read_edges(u32 n)
{
	(void)n;
	read_text("/sys/kernel/debug/kvm_pvi/edges");
}

static void read_vms(u32 n)
{
	(void)n;
	read_text("/sys/kernel/debug/kvm_pvi/vms");
}

static void read_reserved(u32 n)
{
	(void)n;
	read_text("/sys/kernel/debug/kvm_pvi/reserved");
}

static void need_files(u32 files)
{
	struct rlimit limit = { files + 200, files + 200 };

	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void begin(void)
{
	u32 i;

	nr = test_long() ? full : few;
	write_param("kvm_pvi", "max_senders", nr.rows);
	write_param("kvm_pvi", "max_gsis", nr.gsis);
	write_param("kvm_pvi", "max_bells", nr.gsis);
	write_param("kvm_pvi", "max_ports", nr.ports);
	write_param("kvm_pvi", "max_reserved", nr.reserved);
	write_param("kvm_pvi", "max_sources", nr.sources);
	write_param("kvm_pvi", "max_grants", nr.grants);
	for (i = 0; i < ROWS; i++) {
		memcpy(names[i], RX, sizeof(names[i]));
		names[i][0] = 0xee;
		memcpy(&names[i][12], &i, sizeof(i));
	}
	sink = new_eventfd();
}

static void expose_wired(int fd, u32 gsi)
{
	pvi_expose(fd, gsi, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, gsi, sink);
}

/* Virtual GSIs, each with a bell */
static void expose_bells(int fd, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		pvi_expose(fd, KVM_PVI_GSI_VIRTUAL + i, KVM_PVI_GSI_MSI);
		pvi_bell(fd, i, KVM_PVI_GSI_VIRTUAL + i);
	}
}

/* As KVM_PVI_LIST has it */
static u64 number_of(const u8 *uuid)
{
	static struct kvm_pvi_list_endpoint found[KVM_PVI_LIST_MAX];
	struct kvm_pvi_list list = {
		.size = sizeof(list),
		.kind = KVM_PVI_LIST_ENDPOINTS,
		.record = sizeof(found[0]),
		.address = (u64)found,
	};
	u32 i;

	do {
		list.nr = KVM_PVI_LIST_MAX;
		pvi_ioctl(rx, KVM_PVI_LIST, &list);
		for (i = 0; i < list.nr; i++)
			if (!memcmp(found[i].uuid, uuid, sizeof(found[i].uuid)))
				return found[i].number;
	} while (list.nr);
	TEST_FAIL("no such endpoint");
}

/* As many records as a call writes; how many there were */
static u32 measure_list(u32 kind, size_t record, u64 endpoint, const char *what, struct bound bound)
{
	static u8 records[KVM_PVI_LIST_MAX * sizeof(struct kvm_pvi_list_endpoint)];
	struct kvm_pvi_list list = {
		.size = sizeof(list),
		.kind = kind,
		.record = record,
		.endpoint = endpoint,
		.address = (u64)records,
		.nr = KVM_PVI_LIST_MAX,
	};

	ASSERT_LE(record, sizeof(struct kvm_pvi_list_endpoint));
	measure_ioctl("KVM_PVI_LIST", rx, KVM_PVI_LIST, &list, what, bound);
	return list.nr;
}

static u32 listed(u32 of)
{
	return of < KVM_PVI_LIST_MAX ? of : KVM_PVI_LIST_MAX;
}

/* Row @i of those about one sender: of each bell of the receiver's, of its plain GSI, of GSIs that are not exposed */
static struct kvm_pvi_allow row(u32 i)
{
	struct kvm_pvi_allow allow = { .size = sizeof(allow) };
	u32 bells = nr.gsis - 1;

	memcpy(allow.uuid, TX, sizeof(allow.uuid));
	if (i < bells) {
		allow.flags = KVM_PVI_ALLOW_BELL;
		allow.gsi = i;
		allow.bits = 1;
	} else {
		allow.gsi = i == bells ? GSI : KVM_PVI_GSI_VIRTUAL + i;
	}
	return allow;
}

/* For a user who is not the sender's */
static struct kvm_pvi_allow pinned_row(u32 i)
{
	struct kvm_pvi_allow allow = row(i);

	allow.flags |= KVM_PVI_ALLOW_OWNER;
	allow.owner = NOBODY;
	return allow;
}

static void fill_rows(struct kvm_pvi_allow (*row_of)(u32 i))
{
	struct kvm_pvi_allow allow;
	u32 i;

	for (i = 0; i < nr.rows; i++) {
		allow = row_of(i);
		pvi_ioctl(rx, KVM_PVI_ALLOW, &allow);
	}
}

/*
 * Where none permits, each change looks at all of them. While they are made there is nobody who could see the
 * difference, so they are not looked at.
 */
static void measure_pinned(void)
{
	struct kvm_pvi_allow last = pinned_row(nr.rows - 1);
	struct kvm_pvi_revoke revoke = { .size = sizeof(revoke), .gsi = last.gsi };
	struct kvm_pvi_revoke all = { .size = sizeof(all), .flags = KVM_PVI_REVOKE_ALL };
	u64 looks = (u64)nr.rows * PER_LOOK;

	memcpy(revoke.uuid, TX, sizeof(revoke.uuid));
	memcpy(all.uuid, TX, sizeof(all.uuid));
	fill_rows(pinned_row);
	tx = pvi_bind(NULL, TX);
	IOCTL(rx, KVM_PVI_ALLOW, &last, "the last of one sender's rows, none permits",
	      .nr = nr.rows, .each = PER_LOOK, .in_a_row = looks);
	IOCTL(rx, KVM_PVI_REVOKE, &revoke, "the last of one sender's rows, none permits",
	      .nr = nr.rows, .each = PER_LOOK, .in_a_row = looks);
	pvi_ioctl(rx, KVM_PVI_ALLOW, &last);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI_PEERS, (u64)peers, sizeof(peers), 0, "one with these rows, none permits",
			    .nr = nr.rows, .each = PER_LOOK, .in_a_row = looks), 0);
	IOCTL(rx, KVM_PVI_REVOKE, &all, "all rows, one sender's, none permits", .nr = nr.rows, .each = PER_EDGE);
}

static void test_rows_of_one(void)
{
	struct kvm_pvi_edge edge = { .size = sizeof(edge) };
	u32 bells;

	begin();
	bells = nr.gsis - 1;
	rx = pvi_bind(vm_create(0, 0), RX);
	expose_bells(rx, bells);
	expose_wired(rx, GSI);
	measure_pinned();

	fill_rows(row);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI_PEERS, (u64)peers, sizeof(peers), 0, "one with rows that permit, and bells",
			    .nr = nr.rows, .each = PER_STEP,
			    .in_a_row = (u64)bells * PER_BELL_ROW + (u64)(nr.rows - bells) * PER_LOOK), 1);
	ASSERT_EQ(peers[0].gsis, nr.gsis);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI, (u64)RX, GSI, 0, "by UUID"), KVM_PVI_RAISED);
	IOCTL(rx, KVM_PVI_GET_EDGE, &edge, "the first of these rows");
	ASSERT_EQ(measure_list(KVM_PVI_LIST_EDGES, sizeof(struct kvm_pvi_list_edge), number_of(RX), "rows",
			       (struct bound){ .nr = listed(nr.rows), .each = PER_RECORD }), listed(nr.rows));
	measure("fdinfo", "a receiver with these rows", read_fdinfo, rx,
		(struct bound){ .nr = nr.rows, .each = PER_LINE });
	measure("debugfs", "edges", read_edges, 0, (struct bound){ .nr = nr.rows, .each = PER_LINE });
	measure("close()", "a receiver with these rows", close_fd, rx,
		(struct bound){ .nr = nr.rows, .each = PER_EDGE, .waits = true });
}

static struct kvm_pvi_allow row_of_many(u32 i)
{
	struct kvm_pvi_allow allow = { .size = sizeof(allow), .gsi = GSI };

	memcpy(allow.uuid, i ? names[i] : TX, sizeof(allow.uuid));
	return allow;
}

static void measure_status(void)
{
	struct status_mem mem = status_make();
	struct kvm_pvi_set_status set = {
		.size = sizeof(set), .gsi = GSI, .memfd = mem.fd, .address = (u64)mem.word,
	};
	struct kvm_pvi_gsi gsi = { .size = sizeof(gsi), .gsi = GSI };

	IOCTL(rx, KVM_PVI_STATUS, &set, "a GSI that all rows name");
	IOCTL(rx, KVM_PVI_UNSTATUS, &gsi, "a GSI that all rows name");
}

/* All of them name the same GSI */
static void test_rows_of_many(void)
{
	struct kvm_pvi_expose expose = { .size = sizeof(expose), .gsi = GSI, .kind = KVM_PVI_GSI_EVENTFD };
	struct kvm_pvi_gsi gsi = { .size = sizeof(gsi), .gsi = GSI };
	struct kvm_pvi_wire wire = { .size = sizeof(wire), .gsi = GSI };
	struct kvm_pvi_revoke revoke = { .size = sizeof(revoke), .gsi = GSI };
	struct kvm_pvi_allow last;

	begin();
	last = row_of_many(nr.rows - 1);
	memcpy(revoke.uuid, last.uuid, sizeof(revoke.uuid));
	wire.fd = sink;
	rx = pvi_bind(NULL, RX);
	tx = pvi_bind(NULL, TX);
	fill_rows(row_of_many);
	IOCTL(rx, KVM_PVI_EXPOSE, &expose, "a GSI that all rows name", .nr = nr.rows, .each = PER_STEP);
	IOCTL(rx, KVM_PVI_WIRE, &wire, "a GSI that all rows name");
	IOCTL(rx, KVM_PVI_KICK, &gsi, "a GSI that all rows name");
	IOCTL(rx, KVM_PVI_UNWIRE, &gsi, "a GSI that all rows name");
	measure_status();
	pvi_ioctl(rx, KVM_PVI_WIRE, &wire);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI, (u64)RX, GSI, 0, "by UUID, one of these senders"), KVM_PVI_RAISED);
	IOCTL(rx, KVM_PVI_UNEXPOSE, &gsi, "a GSI that all rows name", .nr = nr.rows, .each = PER_STEP);
	IOCTL(rx, KVM_PVI_REVOKE, &revoke, "the last of many senders'");
	IOCTL(rx, KVM_PVI_ALLOW, &last, "the last of many senders'");
	revoke.flags = KVM_PVI_REVOKE_ALL;
	revoke.gsi = 0;
	IOCTL(rx, KVM_PVI_REVOKE, &revoke, "all rows of one of many senders", .nr = nr.rows, .each = PER_FIND);
	measure("close()", "a receiver with rows of as many senders", close_fd, rx,
		(struct bound){ .nr = nr.rows, .each = PER_EDGE, .waits = true });
}

static u8 made[KVM_PVI_STATE_MAX] __aligned(16), saved[KVM_PVI_STATE_MAX] __aligned(16);

/* The records of a section more, behind what there is */
static void *add_section(u32 type, u32 size, u32 n)
{
	struct kvm_pvi_state_header *header = (void *)made;
	struct kvm_pvi_state_section *section = (void *)(made + header->length);

	*section = (struct kvm_pvi_state_section){ .type = type, .size = size, .nr = n };
	header->length += sizeof(*section) + size * n;
	header->sections++;
	ASSERT_LE(header->length, sizeof(made));
	return section + 1;
}

static void make_ports(u32 n)
{
	struct kvm_pvi_state_port *r = add_section(KVM_PVI_STATE_PORT, sizeof(*r), n);
	u32 i;

	for (i = 0; i < n; i++, r++) {
		*r = (struct kvm_pvi_state_port){ .port = GENERATION << KVM_PVI_PORT_INDEX_BITS | i, .gsi = GSI };
		memcpy(r->uuid, RX, sizeof(r->uuid));
	}
}

/* All that a guest can have made, and what is owed to it */
static void make_state(u32 ports)
{
	struct kvm_pvi_state_latch *latch;
	struct kvm_pvi_state_bell *bell;
	struct kvm_pvi_state_msi *msi;
	u32 i;

	*(struct kvm_pvi_state_header *)made = (struct kvm_pvi_state_header){
		.magic = KVM_PVI_STATE_MAGIC,
		.version = KVM_PVI_STATE_VERSION,
		.length = sizeof(struct kvm_pvi_state_header),
	};
	make_ports(ports);
	latch = add_section(KVM_PVI_STATE_LATCH, sizeof(*latch), nr.gsis);
	for (i = 0; i < nr.gsis; i++)
		latch[i] = (struct kvm_pvi_state_latch){ .gsi = KVM_PVI_GSI_VIRTUAL + i };
	bell = add_section(KVM_PVI_STATE_BELL, sizeof(*bell), nr.gsis);
	for (i = 0; i < nr.gsis; i++)
		bell[i] = (struct kvm_pvi_state_bell){ .bell = i, .flags = 1, .enable = ~0ULL };
	msi = add_section(KVM_PVI_STATE_MSI, sizeof(*msi), nr.gsis);
	for (i = 0; i < nr.gsis; i++)
		msi[i] = (struct kvm_pvi_state_msi){
			.gsi = KVM_PVI_GSI_VIRTUAL + i, .data = MSI_DATA, .address = MSI_ADDRESS,
		};
}

static u32 made_length(void)
{
	return ((struct kvm_pvi_state_header *)made)->length;
}

static struct kvm_pvi_state state_arg(u32 flags, u8 *blob, u32 length)
{
	return (struct kvm_pvi_state){
		.size = sizeof(struct kvm_pvi_state), .flags = flags, .address = (u64)blob, .length = length,
	};
}

static void freeze(int fd)
{
	struct kvm_pvi_state arg = state_arg(KVM_PVI_STATE_FREEZE, saved, sizeof(saved));

	pvi_ioctl(fd, KVM_PVI_GET_STATE, &arg);
}

static void measure_state(u32 ports)
{
	struct kvm_pvi_state set = state_arg(0, made, made_length());
	struct kvm_pvi_state get = state_arg(0, saved, sizeof(saved));
	struct kvm_pvi_state get_frozen = state_arg(KVM_PVI_STATE_FREEZE, saved, sizeof(saved));

	IOCTL(tx, KVM_PVI_SET_STATE, &set, "ports, and what GSIs can have", .nr = ports, .each = PER_RECORD);
	IOCTL(tx, KVM_PVI_GET_STATE, &get, "the same", .nr = ports, .each = PER_SAVED);
	ASSERT_EQ(get.length, set.length);
	ASSERT_EQ(memcmp(made, saved, set.length), 0);
	IOCTL(tx, KVM_PVI_GET_STATE, &get_frozen, "the same, and freezes", .nr = ports, .each = PER_SAVED);
}

/* The number of the guest's port 0 */
static s64 first_port;

/* The next port is looked for from the first on. */
static void search_anew(void)
{
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI_DISCONNECT, first_port, 0, 0, 0), 0);
	first_port = pvi_call(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0, 0);
	ASSERT_EQ(pvi_index(first_port), 0);
}

/* Number @at is free alone */
static void measure_ports(u32 at)
{
	struct kvm_pvi_connect connect = { .size = sizeof(connect), .gsi = GSI, .port = KVM_PVI_PORT_ANY };
	struct kvm_pvi_port port = { .size = sizeof(port), .port = KVM_PVI_PORT_ANY, .fd = sink };
	struct kvm_pvi_port close_port = { .size = sizeof(close_port), .port = at };
	u32 many = GENERATION << KVM_PVI_PORT_INDEX_BITS | (at - KVM_PVI_MANY_MAX);
	s64 guest_port;

	memcpy(connect.uuid, RX, sizeof(connect.uuid));
	guest_port = HYPERCALL(tx, KVM_HC_PVI_CONNECT, (u64)RX, GSI, 0, "the last free port",
			       .nr = at, .each = PER_STEP);
	ASSERT_EQ(pvi_index(guest_port), at);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI_DISCONNECT, guest_port, 0, 0, "the last port"), 0);
	search_anew();
	IOCTL(tx, KVM_PVI_CONNECT, &connect, "the last free port", .nr = at, .each = PER_STEP);
	ASSERT_EQ(connect.port, at);
	IOCTL(tx, KVM_PVI_CLOSE_PORT, &close_port, "the last port");
	search_anew();
	IOCTL(tx, KVM_PVI_SET_PORT, &port, "the last free port", .nr = at, .each = PER_STEP);
	ASSERT_EQ(port.port, at);
	pvi_close_port(tx, at);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_NOTIFY, many, 0, 0, "a port of the last"), KVM_PVI_RAISED);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_NOTIFY_MANY, many, ~0ULL, 0, "the last ports"), KVM_PVI_MANY_MAX);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI_QUERY, KVM_PVI_Q_PORT, many, KVM_PVI_Q_PORT_STATE, "a port of the last"),
		  KVM_PVI_PORT_LIVE);
}

/* Of the guest's own, the last of each; it is frozen, so what is owed stays so */
static void measure_last_gsi(void)
{
	u32 last = KVM_PVI_GSI_VIRTUAL + nr.gsis - 1, bell = nr.gsis - 1;

	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI_QUERY, KVM_PVI_Q_GSI, nr.gsis - 1, KVM_PVI_Q_GSI_NUMBER, "the last GSI",
			    .nr = nr.gsis, .each = PER_GSI, .in_a_row = (u64)nr.gsis * PER_GSI), last);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI_SET_MSI, last, MSI_ADDRESS, MSI_DATA, "the last GSI"), 0);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI_ARM, last, 0, 0, "the last GSI"), 0);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI_SET_CONFIG, last, 0, 0, "the last GSI"), 0);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_BELL_RECEIVE, bell, 1, 0, "the last bell"), 0);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_BELL_MASK, bell, ~0ULL, 0, "the last bell"), 0);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_BELL_RESET, bell, 0, 0, "the last bell"), 0);
}

/* With the port of the VMM's */
static void measure_lists(u32 ports)
{
	u64 number = number_of(TX);

	ASSERT_EQ(measure_list(KVM_PVI_LIST_PORTS, sizeof(struct kvm_pvi_list_port), number, "ports",
			       (struct bound){ .nr = listed(ports + 1), .each = PER_RECORD }), listed(ports + 1));
	ASSERT_EQ(measure_list(KVM_PVI_LIST_GSIS, sizeof(struct kvm_pvi_list_gsi), number, "GSIs",
			       (struct bound){ .nr = listed(nr.gsis), .each = PER_RECORD }), listed(nr.gsis));
	measure("fdinfo", "a sender with these ports and GSIs", read_fdinfo, tx,
		(struct bound){ .nr = ports + nr.gsis, .each = PER_LINE });
}

/* The last GSI and the last bell, and a port by the VMM to a bell of the receiver's: the last one */
static void measure_setup(void)
{
	struct kvm_pvi_expose expose = {
		.size = sizeof(expose), .gsi = KVM_PVI_GSI_VIRTUAL + nr.gsis - 1, .kind = KVM_PVI_GSI_MSI,
	};
	struct kvm_pvi_bell bell = { .size = sizeof(bell), .bell = nr.gsis - 1, .gsi = expose.gsi };
	struct kvm_pvi_connect connect = { .size = sizeof(connect), .gsi = OTHER_GSI, .port = nr.ports - 1 };

	memcpy(connect.uuid, RX, sizeof(connect.uuid));
	expose_bells(tx, nr.gsis - 1);
	IOCTL(tx, KVM_PVI_EXPOSE, &expose, "the last GSI");
	IOCTL(tx, KVM_PVI_BELL, &bell, "the last bell");
	pvi_ioctl(tx, KVM_PVI_CONNECT, &connect);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_BELL_SEND, connect.port, 1, 0, "the last port"), KVM_PVI_RAISED);
}

/* A guest with all ports, GSIs, bells, MSIs and rings owed that can be, but for a port of the VMM's and a free one */
static void test_made(void)
{
	struct kvm_pvi_thaw thaw = { .size = sizeof(thaw) };
	struct kvm_pvi_state set;
	u32 ports;

	begin();
	ports = nr.ports - 2;
	rx = pvi_bind(NULL, RX);
	expose_wired(rx, GSI);
	expose_wired(rx, OTHER_GSI);
	pvi_bell(rx, 0, OTHER_GSI);
	pvi_allow(rx, TX, GSI);
	pvi_allow_bell(rx, TX, 0, ~0ULL);
	tx = pvi_bind(vm_create(0, 0), TX);
	freeze(tx);
	measure_setup();

	make_state(ports);
	first_port = GENERATION << KVM_PVI_PORT_INDEX_BITS;
	measure_state(ports);
	measure_ports(ports);
	measure_last_gsi();
	measure_lists(ports);
	IOCTL(tx, KVM_PVI_THAW, &thaw, "GSIs to which rings are owed", .nr = nr.gsis, .each = PER_PAID);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI_RESET, 0, 0, 0, "ports and GSIs",
			    .nr = ports + nr.gsis, .each = PER_SAVED), 0);

	freeze(tx);
	set = state_arg(0, made, made_length());
	pvi_ioctl(tx, KVM_PVI_SET_STATE, &set);
	measure("close()", "a sender with these ports and GSIs", close_fd, tx,
		(struct bound){ .nr = ports + nr.gsis, .each = PER_EDGE, .waits = true });
}

/* One port, behind numbers that are all free */
static void test_lone_port(void)
{
	struct kvm_pvi_port port = { .size = sizeof(port) };

	begin();
	rx = pvi_bind(NULL, RX);
	port.fd = sink;
	port.port = nr.ports - 1;
	pvi_ioctl(rx, KVM_PVI_SET_PORT, &port);
	ASSERT_EQ(measure_list(KVM_PVI_LIST_PORTS, sizeof(struct kvm_pvi_list_port), number_of(RX),
			       "a port behind free numbers", (struct bound){ .nr = nr.ports, .each = PER_FIND }), 1);
}

static struct kvm_pvi_reserve reservation(u32 i)
{
	struct kvm_pvi_reserve reserve = { .size = sizeof(reserve) };

	memcpy(reserve.uuid, names[i], sizeof(reserve.uuid));
	reserve.uuid[0] = 0xdd;
	return reserve;
}

static void each_reservation(unsigned long cmd, u32 n)
{
	struct kvm_pvi_reserve reserve;
	u32 i;

	for (i = 0; i < n; i++) {
		reserve = reservation(i);
		pvi_ioctl(rx, cmd, &reserve);
	}
}

/* Names that are kept stay when the endpoint goes */
static void test_reserved(void)
{
	struct kvm_pvi_reserve last;
	struct kvm_pvi_bind bind = { .size = sizeof(bind), .flags = KVM_PVI_BIND_HOST, .vm_fd = -1 };

	begin();
	rx = pvi_open();
	last = reservation(nr.reserved - 1);
	memcpy(bind.uuid, last.uuid, sizeof(bind.uuid));
	each_reservation(KVM_PVI_RESERVE, nr.reserved - 1);
	IOCTL(rx, KVM_PVI_RESERVE, &last, "the last name");
	measure("debugfs", "reserved", read_reserved, 0, (struct bound){ .nr = nr.reserved, .each = PER_LINE });
	IOCTL(rx, KVM_PVI_BIND, &bind, "the last name that is reserved");
	IOCTL(rx, KVM_PVI_UNRESERVE, &last, "the last name");
	each_reservation(KVM_PVI_UNRESERVE, nr.reserved - 1);
}

/* As many endpoints as there are to be but one, of which some are peers of TX, and may ring RX */
static void bind_many(void)
{
	u32 i, bound = 3;

	rx = pvi_bind(NULL, RX);
	expose_wired(rx, GSI);
	tx = pvi_bind(NULL, TX);
	stranger = pvi_bind(NULL, STRANGER);
	for (i = 0; bound < nr.endpoints - 1; i++, bound++) {
		int fd = pvi_bind(NULL, names[i]);

		if (i >= nr.peers)
			continue;
		expose_wired(fd, GSI);
		pvi_allow(fd, TX, GSI);
		ASSERT_EQ(__pvi_allow_owner(fd, STRANGER, GSI, NOBODY), 0);
		pvi_allow(rx, names[i], GSI);
	}
}

static const u8 everybody[KVM_PVI_UUID_SIZE] __aligned(16) = { [0 ... 15] = 0xff };

/* So that each of its peers hears of TX */
static void ring_all_peers(void)
{
	u32 i;

	for (i = 0; i < nr.peers; i += KVM_PVI_BROADCAST_MAX)
		ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)everybody, GSI, i, 0), KVM_PVI_BROADCAST_MAX);
}

static void read_events(u32 fd)
{
	static struct kvm_pvi_event events[KVM_PVI_EVENTS_KEPT];

	ASSERT_GT(read(fd, events, sizeof(events)), 0);
}

static void measure_among_many(void)
{
	struct kvm_pvi_info info = { .size = sizeof(info) };
	struct kvm_pvi_stats stats = { .size = sizeof(stats) };
	struct kvm_pvi_call call = { .size = sizeof(call), .nr = ~0u };

	IOCTL(tx, KVM_PVI_GET_INFO, &info, "among all endpoints");
	IOCTL(tx, KVM_PVI_GET_STATS, &stats, "among all endpoints");
	IOCTL(tx, KVM_PVI_CALL, &call, "a number that is no call's");
	ASSERT_GT(HYPERCALL(tx, KVM_HC_PVI_FEATURES, 0, 0, 0, "among all endpoints"), 0);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI_PEERS, (u64)peers, sizeof(peers), nr.peers / 2, "as many as a call writes"),
		  KVM_PVI_PEERS_MAX);
	ASSERT_EQ(HYPERCALL(stranger, KVM_HC_PVI_PEERS, (u64)peers, sizeof(peers), 0, "all are passed over",
			    .nr = nr.peers, .each = PER_FIND), 0);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_PVI, (u64)everybody, GSI, nr.peers / 2, "to as many as a call rings"),
		  KVM_PVI_BROADCAST_MAX);
	measure("read()", "the events that are kept", read_events, tx, (struct bound){ });
	ASSERT_EQ(measure_list(KVM_PVI_LIST_ENDPOINTS, sizeof(struct kvm_pvi_list_endpoint), 0, "endpoints",
			       (struct bound){ .nr = listed(nr.endpoints), .each = PER_RECORD }), listed(nr.endpoints));
	measure("debugfs", "vms", read_vms, 0, (struct bound){ .nr = nr.endpoints, .each = PER_SUM });
}

static void test_endpoints(void)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind), .flags = KVM_PVI_BIND_HOST, .vm_fd = -1 };

	begin();
	need_files(nr.endpoints);
	bind_many();
	memcpy(bind.uuid, names[nr.endpoints], sizeof(bind.uuid));
	IOCTL(pvi_open(), KVM_PVI_BIND, &bind, "the last of all endpoints");
	ring_all_peers();
	measure_among_many();
	measure("close()", "a receiver whose senders are bound", close_fd, rx,
		(struct bound){ .nr = nr.peers, .each = PER_EDGE, .waits = true });
	measure("close()", "a sender that its peers have heard of", close_fd, tx,
		(struct bound){ .nr = nr.peers, .each = PER_RECORD, .waits = true });
}

static void test_sources(void)
{
	struct kvm_pvi_source last = { .size = sizeof(last) };
	u32 i;

	begin();
	need_files(nr.sources);
	tx = pvi_bind(NULL, TX);
	last.port = pvi_set_port(tx, sink);
	for (i = 0; i < nr.sources - 1; i++)
		pvi_wire_source(tx, new_eventfd(), last.port);
	last.fd = new_eventfd();
	IOCTL(tx, KVM_PVI_WIRE_SOURCE, &last, "the last source");
	measure("fdinfo", "a sender with these sources", read_fdinfo, tx,
		(struct bound){ .nr = nr.sources, .each = PER_LINE });
	IOCTL(tx, KVM_PVI_UNWIRE_SOURCE, &last, "the last source", .nr = nr.sources, .each = PER_FIND);
	measure("close()", "a sender with these sources", close_fd, tx,
		(struct bound){ .nr = nr.sources, .each = PER_SOURCE, .waits = true });
}

/* Who ends with them waits for no lock: they leave the table with whoever takes that next. */
static void hold_grants(u64 n)
{
	u64 i;

	need_files(n);
	for (i = 0; i < n; i++)
		pvi_grant(rx, GSI, 1, NULL);
}

static void test_grants(void)
{
	struct kvm_pvi_gsi gsi = { .size = sizeof(gsi), .gsi = GSI };
	struct kvm_pvi_grant grant = { .size = sizeof(grant), .gsi = GSI };
	struct kvm_pvi_connect connect = {
		.size = sizeof(connect), .flags = KVM_PVI_CONNECT_GRANT, .port = KVM_PVI_PORT_ANY,
	};
	struct kvm_pvi_ungrant ungrant = { .size = sizeof(ungrant) };

	begin();
	need_files(nr.grants);
	rx = pvi_bind(NULL, RX);
	tx = pvi_bind(NULL, TX);
	expose_wired(rx, GSI);
	child_join(child_run(hold_grants, nr.grants));
	IOCTL(rx, KVM_PVI_KICK, &gsi, "behind grants whose descriptors have gone", .nr = nr.grants, .each = PER_EDGE);
	hold_grants(nr.grants - 1);
	IOCTL(rx, KVM_PVI_GRANT, &grant, "the last grant");
	connect.grant_fd = grant.fd;
	IOCTL(tx, KVM_PVI_CONNECT, &connect, "by the last grant");
	ungrant.id = grant.id;
	IOCTL(rx, KVM_PVI_UNGRANT, &ungrant, "the last grant");
	measure("fdinfo", "a receiver with these grants", read_fdinfo, rx,
		(struct bound){ .nr = nr.grants, .each = PER_LINE });
	measure("close()", "a receiver with these grants", close_fd, rx,
		(struct bound){ .nr = nr.grants, .each = PER_EDGE, .waits = true });
}

/* Which the module does not limit: who has made them are its owner's epoll sets. They are woken with interrupts off. */
static void test_waiters(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	u32 i, port;

	begin();
	need_files(nr.waiters);
	for (i = 0; i < nr.waiters; i++)
		ASSERT_EQ(epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, sink, &event), 0);
	tx = pvi_bind(NULL, TX);
	port = pvi_set_port(tx, sink);
	ASSERT_EQ(HYPERCALL(tx, KVM_HC_NOTIFY, port, 0, 0, "an eventfd for which many wait", .nr = nr.waiters,
			    .each = PER_WAITER, .in_a_row = (u64)nr.waiters * PER_WAITER), KVM_PVI_RAISED);
}

static const struct test_case cases[] = {
	{ "rows_of_one", test_rows_of_one, 100 },
	{ "rows_of_many", test_rows_of_many, 100 },
	{ "made", test_made, 100 },
	{ "lone_port", test_lone_port, 100 },
	{ "reserved", test_reserved, 100 },
	{ "endpoints", test_endpoints, 100 },
	{ "sources", test_sources, 100 },
	{ "grants", test_grants, 100 },
	{ "waiters", test_waiters, 100 },
};

int main(int argc, char **argv)
{
	return cost_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);
}
