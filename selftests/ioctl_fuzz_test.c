// SPDX-License-Identifier: GPL-2.0
/*
 * Any ioctl, with anything in its struct, by pointers to anywhere, on descriptors in any state, by one
 * thread and by several: nothing comes back but what the header lists, and in the end the host serves
 * as well as before. Half of what is in the fields is what may belong there, so that each call also works
 * now and then.
 */
#include <fcntl.h>

#include "pvi_test.h"
#include "random.h"
#include "status.h"

#define SEED		7
#define MAX_THREADS	3
#define CALLS		(test_long() ? 300000 : 20000)
#define ENDPOINTS	4	/* of each thread */
#define GRANTS		3
#define NAMES		6
#define SANDBOX		0x10000	/* bytes that calls may write to */
#define GSI		5
#define NAME(n)		pvi_uuid[240 + (n)]	/* no other test's: they may be reserved */
#define RX		NAME(0)
#define TX		NAME(1)

/*
 * What stands behind size and flags, a letter for each 32 bits, "-" for the second half of 64: a GSI, one or 0, a
 * kind, a number of a port or bell, bits of a bell, a rate, an eventfd, a VM's descriptor, a grant's, a memfd,
 * an address, that of a blob, where the word of a status is, a length, a cursor, an id or 0, a user, a hypercall and its arguments, a name (16 bytes), or 0.
 */
static const struct op {
	const char *name;
	u32 cmd, size, flags;
	const char *fields;
} ops[] = {
#define OP(_cmd, type, _flags, _fields) \
	{ #_cmd, KVM_PVI_##_cmd, sizeof(struct kvm_pvi_##type), _flags, _fields }
	OP(GET_INFO, info, 0, "000000000000"),
	OP(BIND, bind, 15, "vuN---0-"),
	OP(EXPOSE, expose, 0, "gkr0"),
	OP(UNEXPOSE, gsi, 0, "g0"),
	OP(UNWIRE, gsi, 0, "g0"),
	OP(KICK, gsi, 0, "g0"),
	OP(WIRE, wire, 0, "ge"),
	OP(ALLOW, allow, 3, "N---guB-r0"),
	OP(REVOKE, revoke, 3, "N---q0"),
	OP(SET_PORT, port, 0, "pe"),
	OP(CLOSE_PORT, port, 0, "p0"),
	OP(CONNECT, connect, 3, "N---gpGu"),
	OP(CALL, call, 0, "h0A-A-A-A-0-0-"),
	OP(GET_STATS, stats, 0, "0-0-0-0-0-0-0-0-0-0-0-0-"),
	OP(RESERVE, reserve, 1, "N---uu"),
	OP(UNRESERVE, reserve, 1, "N---0u"),
	OP(GET_EDGE, edge, 0, "c-0---000-0-0-0-0-"),
	OP(BELL, bell, 0, "pg"),
	OP(STATUS, set_status, 1, "gm0-w-"),
	OP(UNSTATUS, gsi, 0, "g0"),
	OP(WIRE_SOURCE, source, 0, "ep"),
	OP(UNWIRE_SOURCE, source, 0, "ep"),
	OP(GRANT, grant, 1, "gkB-r00-00"),
	OP(UNGRANT, ungrant, 0, "c-"),
	OP(GET_STATE, state, 1, "b-l0"),
	OP(SET_STATE, state, 0, "b-l0"),
	OP(THAW, thaw, 0, ""),
	OP(LIST, list, 0, "kLi-c-a-k0"),
};

/**
 * struct fuzzer - one thread
 * @fds: its endpoints; others call them, and it alone opens and closes them
 * @grants: what GRANT gave it
 * @pages: where structs are: two pages, one that is not there behind them
 * @box: where calls may write; names at its beginning
 * @worked: how often each ioctl did
 */
struct fuzzer {
	pthread_t thread;
	struct rng rng;
	int fds[ENDPOINTS], grants[GRANTS];
	u8 *pages, *box;
	u32 worked[ARRAY_SIZE(ops)], calls;
};

static struct fuzzer fuzzers[MAX_THREADS];
static u32 nr_fuzzers;
static int eventfds[4], memfds[3], vms[3];
static struct status_mem mem;

static int any_endpoint(struct fuzzer *f)
{
	return READ_ONCE(fuzzers[rng_below(&f->rng, nr_fuzzers)].fds[rng_below(&f->rng, ENDPOINTS)]);
}

#define ANY_OF(f, array) (array)[rng_below(&(f)->rng, ARRAY_SIZE(array))]

static u64 any_address(struct fuzzer *f)
{
	u8 *const addresses[] = {
		f->box, f->box, f->box, f->box + 16 * rng_below(&f->rng, NAMES), f->box + SANDBOX - 8,
		f->box + rng_below(&f->rng, SANDBOX), f->pages + 2 * PAGE_SIZE, NULL, (u8 *)~0ULL,
		(u8 *)0xffff888000000000, (u8 *)0x7ffffffff000,
	};

	return (u64)addresses[rng_below(&f->rng, ARRAY_SIZE(addresses))];
}

static u64 any_value(struct fuzzer *f)
{
	static const u64 likely[] = {
		0, 1, 2, 3, 7, 16, GSI, KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_MAX, KVM_PVI_GSI_ANY,
		1u << 31, 1ULL << 32, 1ULL << 63, ~0ULL,
	};

	u64 value = rng_any(&f->rng);

	if (rng_below(&f->rng, 2))
		return ANY_OF(f, likely);
	/* It may be an address: what a call writes must not hit the test's own image, below */
	return value >= PAGE_SIZE ? value | 1u << 31 : value;
}

static u64 field_value(struct fuzzer *f, char field)
{
	static const u32 gsis[] = {
		GSI, GSI, GSI, 6, 20, KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_ANY,
	};
	static const u32 ports[] = { 0, 1, 2, KVM_PVI_PORT_ANY, KVM_PVI_PORT_ANY };
	static const u32 lengths[] = { 0, 16, 40, 64, 200, 4096, SANDBOX };
	static const u32 users[] = { 0, 0, 0, 0, 0, 0, 1, 1000, ~0u };
	static const u32 records[] = { 32, 40, 96, 160, 160 };

	switch (field) {
	case 'q': return rng_below(&f->rng, 2) ? ANY_OF(f, gsis) : 0;
	case 'g': return ANY_OF(f, gsis);
	case 'k': return rng_below(&f->rng, 4);
	case 'p': return ANY_OF(f, ports);
	case 'B': return rng_below(&f->rng, 4) ? 0 : rng_below(&f->rng, 4);
	case 'r': return rng_below(&f->rng, 4) ? 0 : rng_below(&f->rng, 1000);
	case 'e': return ANY_OF(f, eventfds);
	case 'v': return rng_below(&f->rng, 2) ? (u64)-1 : (u64)ANY_OF(f, vms);
	case 'G': return rng_below(&f->rng, 4) ? 0 : (u64)ANY_OF(f, f->grants);
	case 'm': return ANY_OF(f, memfds);
	case 'a': return any_address(f);
	case 'b': return rng_below(&f->rng, 4) ? (u64)(f->box + SANDBOX / 2) : any_address(f);
	case 'w': return rng_below(&f->rng, 2) ? (u64)mem.word : any_address(f);
	case 'l': return ANY_OF(f, lengths);
	case 'L': return ANY_OF(f, records);
	case 'c': return rng_below(&f->rng, 12);
	case 'i': return rng_below(&f->rng, 2) ? 0 : any_value(f);
	case 'u': return ANY_OF(f, users);
	case 'h': return KVM_HC_PVI_BASE + rng_below(&f->rng, KVM_HC_PVI_NR);
	case 'A': return rng_below(&f->rng, 2) ? any_address(f) : any_value(f);
	}
	return 0;
}

/* @arg has room for a page. Returns how many bytes of it the call is to see */
static u32 fill(struct fuzzer *f, const struct op *op, u8 *arg)
{
	static const u32 flags[] = { 0, 1, 2, 3, 8, 9 };
	u32 head[2] = { op->size, rng_below(&f->rng, 4) ? 0 : ANY_OF(f, flags) & op->flags };
	u32 len = strlen(op->fields), i;
	u64 value;

	memset(arg, 0, PAGE_SIZE);
	if (!rng_below(&f->rng, 16))
		head[0] = rng_below(&f->rng, 2) ? rng_below(&f->rng, PAGE_SIZE + 8) : any_value(f);
	if (!rng_below(&f->rng, 16))
		head[1] = any_value(f);
	memcpy(arg, head, sizeof(head));
	for (i = 0; i < len; i++) {
		if (op->fields[i] == '-')
			continue;
		if (op->fields[i] == 'N') {
			memcpy(arg + 8 + 4 * i, NAME(rng_below(&f->rng, NAMES)), KVM_PVI_UUID_SIZE);
			continue;
		}
		value = rng_below(&f->rng, 16) ? field_value(f, op->fields[i]) : any_value(f);
		memcpy(arg + 8 + 4 * i, &value, op->fields[i + 1] == '-' ? 8 : 4);
	}
	return op->size;
}

static bool is_documented(int ret)
{
	switch (-ret) {
	case 0: case EPERM: case ENOENT: case EINTR: case ESRCH: case E2BIG: case EBADF: case EAGAIN:
	case EACCES: case EFAULT: case EBUSY: case EEXIST: case ENODEV: case EINVAL: case ENOTTY:
	case ENOSPC: case EOPNOTSUPP: case ENOTCONN: case ELOOP: case EOVERFLOW:
		return true;
	}
	return false;
}

/* Names may be written over by what a call gives back */
static void name_them(struct fuzzer *f)
{
	memcpy(f->box, NAME(0), NAMES * KVM_PVI_UUID_SIZE);
}

static void keep_grant(struct fuzzer *f, const u8 *arg)
{
	u32 i = rng_below(&f->rng, GRANTS);
	struct kvm_pvi_grant grant;

	memcpy(&grant, arg, sizeof(grant));
	close(f->grants[i]);
	f->grants[i] = grant.fd;
}

static void worked(struct fuzzer *f, u32 cmd)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		f->worked[i] += ops[i].cmd == cmd;
}

/* What is rarely hit by chance: all of the struct has to be as it was */
static void take_back(struct fuzzer *f, int fd, u32 cmd, const u8 *arg)
{
	struct kvm_pvi_source source;
	struct kvm_pvi_gsi gsi;
	int ret = -1;

	switch (cmd) {
	case KVM_PVI_WIRE_SOURCE:
		memcpy(&source, arg, sizeof(source));
		source.size = sizeof(source);
		cmd = KVM_PVI_UNWIRE_SOURCE;
		ret = __pvi_ioctl(fd, cmd, &source);
		break;
	case KVM_PVI_STATUS:
		memcpy(&gsi, arg, sizeof(gsi));
		gsi = (struct kvm_pvi_gsi){ .size = sizeof(gsi), .gsi = gsi.gsi };
		cmd = KVM_PVI_UNSTATUS;
		ret = __pvi_ioctl(fd, cmd, &gsi);
		break;
	}
	if (!ret)
		worked(f, cmd);
}

static void call_any(struct fuzzer *f)
{
	const struct op *op = &ANY_OF(f, ops);
	u8 arg[PAGE_SIZE], *at = f->pages;
	int fd = any_endpoint(f), ret;
	u32 cmd = op->cmd, end;
	u64 room;

	name_them(f);
	end = fill(f, op, arg);
	switch (rng_below(&f->rng, 40)) {
	case 0:	/* Some of it is not there, or none */
		at = f->pages + 2 * PAGE_SIZE - rng_below(&f->rng, end + 1);
		break;
	case 1:	/* It lies across a border */
		at = f->pages + PAGE_SIZE - rng_below(&f->rng, end + 1);
		break;
	case 2:
		cmd = KVM_PVI_GET_INFO - 0x10 + rng_below(&f->rng, 0x40);
		/* What is a name in no other struct would stay reserved for whoever comes next */
		if (cmd == KVM_PVI_RESERVE)
			cmd = op->cmd;
		break;
	case 3:
		fd = rng_below(&f->rng, 2) ? ANY_OF(f, f->grants) : ANY_OF(f, eventfds);
		break;
	}
	room = f->pages + 2 * PAGE_SIZE - at;
	memcpy(at, arg, room < PAGE_SIZE ? room : PAGE_SIZE);
	ret = __test_ioctl(fd, cmd, at);
	if (!is_documented(ret))
		TEST_FAIL("%s: %d (%s)", op->name, ret, strerror(-ret));
	f->calls++;
	if (ret || cmd != op->cmd)
		return;
	worked(f, cmd);
	if (cmd == KVM_PVI_GRANT)
		keep_grant(f, at);
	if (!rng_below(&f->rng, 4))
		take_back(f, fd, cmd, at);
}

static int open_endpoint(struct fuzzer *f)
{
	int fd = open("/dev/kvm_pvi", (rng_below(&f->rng, 8) ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);

	ASSERT_GE(fd, 0);
	return fd;
}

/* If it may be: the name, or the VM, may be another's, or it is open for reading. Then somebody may ring it */
static void bind_any(struct fuzzer *f, int fd)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind), .vm_fd = ANY_OF(f, vms) };
	u32 i;

	if (rng_below(&f->rng, 2)) {
		bind.flags = KVM_PVI_BIND_HOST;
		bind.vm_fd = -1;
	}
	memcpy(bind.uuid, NAME(rng_below(&f->rng, NAMES)), sizeof(bind.uuid));
	ASSERT_TRUE(is_documented(__pvi_ioctl(fd, KVM_PVI_BIND, &bind)));
	ASSERT_TRUE(is_documented(__pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD)));
	for (i = 0; i < NAMES / 2; i++)
		ASSERT_TRUE(is_documented(__pvi_allow(fd, NAME(rng_below(&f->rng, NAMES)), KVM_PVI_GSI_ANY)));
}

/* What else there is to do with descriptors */
static void do_other(struct fuzzer *f)
{
	u32 i = rng_below(&f->rng, ENDPOINTS);
	struct kvm_pvi_event events[2];
	int old = f->fds[i], new;

	switch (rng_below(&f->rng, 16)) {
	case 0:
		new = open_endpoint(f);
		if (rng_below(&f->rng, 4))
			bind_any(f, new);
		WRITE_ONCE(f->fds[i], new);
		close(old);
		break;
	case 1:
		read(old, events, sizeof(events));
		break;
	case 2:
		read(old, (void *)any_address(f), rng_below(&f->rng, 100));
		break;
	default:
		signal_eventfd(ANY_OF(f, eventfds));
		break;
	}
}

static void *fuzz(void *arg)
{
	struct fuzzer *f = arg;
	u32 i;

	for (i = 0; i < CALLS; i++) {
		call_any(f);
		if (!rng_below(&f->rng, 16))
			do_other(f);
	}
	return NULL;
}

static void prepare(struct fuzzer *f, u32 number)
{
	u32 i;

	f->rng.state = SEED + number;
	f->pages = mmap(NULL, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	f->box = mmap(NULL, SANDBOX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(f->pages != MAP_FAILED && f->box != MAP_FAILED);
	ASSERT_EQ(munmap(f->pages + 2 * PAGE_SIZE, PAGE_SIZE), 0);
	for (i = 0; i < ENDPOINTS; i++) {
		f->fds[i] = open_endpoint(f);
		bind_any(f, f->fds[i]);
	}
	for (i = 0; i < GRANTS; i++)
		f->grants[i] = new_eventfd();
}

static void prepare_files(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(eventfds); i++)
		eventfds[i] = new_eventfd();
	vms[0] = vm_create(1, 0)->fd;
	vms[1] = vm_create(0, VM_NO_IRQCHIP)->fd;
	vms[2] = eventfds[0];
	mem = status_make();
	memfds[0] = mem.fd;
	memfds[1] = memfd_create_sized(PAGE_SIZE);
	memfds[2] = eventfds[1];
}

/* Which of them are is chance */
static void unreserve_all(void)
{
	struct kvm_pvi_reserve arg = { .size = sizeof(arg) };
	int fd = open("/dev/kvm_pvi", O_RDWR | O_CLOEXEC);
	u32 i;

	for (i = 0; i < NAMES; i++) {
		memcpy(arg.uuid, NAME(i), sizeof(arg.uuid));
		__pvi_ioctl(fd, KVM_PVI_UNRESERVE, &arg);
	}
	close(fd);
}

static u32 count_lines(const char *path)
{
	char *text = read_file(path), *at = text;
	u32 nr = 0;

	while ((at = strchr(at, '\n'))) {
		at++;
		nr++;
	}
	free(text);
	return nr;
}

/* With all descriptors closed nothing is left, and all that there is works */
static void check_health(void)
{
	u32 i, j;
	int rx, tx, sink;

	for (i = 0; i < nr_fuzzers; i++) {
		for (j = 0; j < ENDPOINTS; j++)
			close(fuzzers[i].fds[j]);
		for (j = 0; j < GRANTS; j++)
			close(fuzzers[i].grants[j]);
	}
	unreserve_all();
	tx = pvi_open();
	ASSERT_EQ(count_lines("/sys/kernel/debug/kvm_pvi/vms"), 1);
	ASSERT_EQ(count_lines("/sys/kernel/debug/kvm_pvi/edges"), 1);
	ASSERT_EQ(count_lines("/sys/kernel/debug/kvm_pvi/reserved"), 1);
	rx = pvi_receiver(RX, GSI, TX, &sink);
	ASSERT_EQ(__pvi_bind(tx, NULL, TX), 0);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(pvi_call(tx, KVM_HC_NOTIFY, pvi_connect(tx, RX, GSI), 0, 0, 0), KVM_PVI_RAISED);
	ASSERT_EQ(read_eventfd(sink), 2);
	pvi_revoke(rx, TX, GSI);
	ASSERT_EQ(pvi_call(tx, KVM_HC_PVI, (u64)RX, GSI, 0, 0), -EPERM);
	/* Each eventfd is free for both of its uses */
	for (i = 0; i < ARRAY_SIZE(eventfds); i++) {
		pvi_wire_source(tx, eventfds[i], 0);
		pvi_unwire_source(tx, eventfds[i], 0);
		pvi_set_port(tx, eventfds[i]);
	}
}

/* What they did. Which kinds worked is chance, but few never do */
static void report(void)
{
	u32 i, j, kinds = 0, calls = 0, done = 0;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		u32 sum = 0;

		for (j = 0; j < nr_fuzzers; j++)
			sum += fuzzers[j].worked[i];
		if (!sum)
			test_diag("no %s has worked", ops[i].name);
		kinds += sum > 0;
		done += sum;
	}
	for (j = 0; j < nr_fuzzers; j++)
		calls += fuzzers[j].calls;
	test_diag("%u ioctls of %zu kinds by %u threads: %u worked, of %u kinds", calls, ARRAY_SIZE(ops),
		  nr_fuzzers, done, kinds);
	ASSERT_GE(kinds, ARRAY_SIZE(ops) - 4);
}

static void fuzz_by(u32 nr)
{
	u32 i;

	nr_fuzzers = nr;
	prepare_files();
	for (i = 0; i < nr; i++)
		prepare(&fuzzers[i], i);
	for (i = 0; i < nr; i++)
		ASSERT_EQ(pthread_create(&fuzzers[i].thread, NULL, fuzz, &fuzzers[i]), 0);
	for (i = 0; i < nr; i++)
		ASSERT_EQ(pthread_join(fuzzers[i].thread, NULL), 0);
	check_health();
	report();
}

static void test_one(void)
{
	fuzz_by(1);
}

/* On each other's endpoints */
static void test_several(void)
{
	fuzz_by(MAX_THREADS);
}

static const struct test_case cases[] = {
	{ "one", test_one, 300 },
	{ "several", test_several, 600 },
};

int main(int argc, char **argv)
{
	int ret = test_main(argc, argv, cases, ARRAY_SIZE(cases), TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);

	/* Also where a case has not come to that */
	unreserve_all();
	return ret;
}
