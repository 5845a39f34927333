// SPDX-License-Identifier: GPL-2.0
/*
 * What all ioctls have in common, for every one of them: pointers, sizes, flags, fields that must
 * be 0, endpoints not bound or dead, numbers that are none, callers of 32 bits.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>

#include "pvi_test.h"
#include "uapi_layout.h"
#include "status.h"

#define GSI		5	/* exposed, wired, with a status word */
#define FREE_GSI	6
#define PEER_GSI	7
#define BARE_GSI	8	/* exposed, without a status word */
#define PORT		3
#define GRANT_ID	2	/* after the one row */
#define RESERVED	255	/* a number in pvi_uuid */
#define FILL		0xa5

/**
 * struct op - one ioctl
 * @arg: makes it succeed on the endpoints of prepare(), together with
 * @uuid_at: offset of a UUID, or 0, to be filled with
 * @uuid: a number in pvi_uuid
 * @eventfd_at: offset of an eventfd, or 0; it is the one that rings signal, unless
 * @eventfd: is another
 * @memfd_at: offset of the memory of a status word, or 0, whose address goes with it
 * @flags: those the header defines
 * @zero: offsets of fields that must be 0 without a flag; ends with 0
 * @unbound: works before BIND
 * @dead: works after death
 * @out: writes the argument
 */
struct op {
	const char *name;
	u32 cmd, size;
	const void *arg;
	u32 uuid_at, uuid, eventfd_at, memfd_at;
	const int *eventfd;
	u32 flags;
	u32 zero[4];
	bool unbound, dead, out;
};

#define OP(_cmd, type, ...) \
	{ .name = #_cmd, .cmd = _cmd, .size = sizeof(struct kvm_pvi_##type), __VA_ARGS__ }
#define ARG(type, ...) .arg = &(const struct kvm_pvi_##type){ __VA_ARGS__ }
#define AT(type, field) offsetof(struct kvm_pvi_##type, field)

/* The endpoint under test, a peer, an eventfd, one that rings PORT, one for nothing yet, a grant */
static int fd, peer_fd, eventfd_fd, source_fd, free_fd, grant_fd = -1;
static struct status_mem status;

static const struct kvm_pvi_state_header no_state = {
	.magic = KVM_PVI_STATE_MAGIC,
	.version = KVM_PVI_STATE_VERSION,
	.length = sizeof(no_state),
};

static struct kvm_pvi_list_endpoint records;

static const struct op ops[] = {
	OP(KVM_PVI_GET_INFO, info, .unbound = true, .dead = true, .out = true),
	OP(KVM_PVI_BIND, bind, ARG(bind, .flags = KVM_PVI_BIND_HOST, .vm_fd = -1),
	   .uuid_at = AT(bind, uuid), .uuid = 2, .zero = { AT(bind, owner) },
	   .flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_OWNER | KVM_PVI_BIND_GRANTS_ONLY | KVM_PVI_BIND_VMM,
	   .unbound = true, .out = true),
	OP(KVM_PVI_EXPOSE, expose, ARG(expose, .gsi = FREE_GSI, .kind = KVM_PVI_GSI_EVENTFD),
	   .zero = { AT(expose, burst) }),
	OP(KVM_PVI_UNEXPOSE, gsi, ARG(gsi, .gsi = GSI), .zero = { AT(gsi, __reserved) }),
	OP(KVM_PVI_UNWIRE, gsi, ARG(gsi, .gsi = GSI), .zero = { AT(gsi, __reserved) }),
	OP(KVM_PVI_KICK, gsi, ARG(gsi, .gsi = GSI), .zero = { AT(gsi, __reserved) }),
	OP(KVM_PVI_WIRE, wire, ARG(wire, .gsi = GSI), .eventfd_at = AT(wire, fd)),
	OP(KVM_PVI_ALLOW, allow, ARG(allow, .gsi = GSI), .uuid_at = AT(allow, uuid), .uuid = 1,
	   .zero = { AT(allow, owner), AT(allow, bits), AT(allow, burst) },
	   .flags = KVM_PVI_ALLOW_OWNER | KVM_PVI_ALLOW_BELL),
	OP(KVM_PVI_REVOKE, revoke, ARG(revoke, .gsi = GSI),
	   .uuid_at = AT(revoke, uuid), .uuid = 1, .zero = { AT(revoke, __reserved) },
	   .flags = KVM_PVI_REVOKE_ALL | KVM_PVI_REVOKE_BELL),
	OP(KVM_PVI_SET_PORT, port, ARG(port, .port = KVM_PVI_PORT_ANY),
	   .eventfd_at = AT(port, fd), .out = true),
	OP(KVM_PVI_CLOSE_PORT, port, ARG(port, .port = PORT), .zero = { AT(port, fd) }),
	OP(KVM_PVI_CONNECT, connect, ARG(connect, .gsi = PEER_GSI, .port = KVM_PVI_PORT_ANY),
	   .uuid_at = AT(connect, uuid), .uuid = 1,
	   .zero = { AT(connect, grant_fd), AT(connect, owner) },
	   .flags = KVM_PVI_CONNECT_GRANT | KVM_PVI_CONNECT_OWNER, .out = true),
	OP(KVM_PVI_CALL, call, ARG(call, .nr = KVM_HC_PVI_FEATURES),
	   .zero = { AT(call, __reserved) }, .out = true),
	OP(KVM_PVI_GET_STATS, stats, .dead = true, .out = true),
	OP(KVM_PVI_GET_EDGE, edge, .dead = true, .out = true),
	OP(KVM_PVI_RESERVE, reserve, .uuid_at = AT(reserve, uuid), .uuid = RESERVED,
	   .zero = { AT(reserve, from) }, .flags = KVM_PVI_RESERVE_FROM, .unbound = true, .dead = true),
	OP(KVM_PVI_UNRESERVE, reserve, .uuid_at = AT(reserve, uuid), .uuid = RESERVED,
	   .zero = { AT(reserve, uid), AT(reserve, from) }, .flags = KVM_PVI_RESERVE_FROM,
	   .unbound = true, .dead = true),
	OP(KVM_PVI_BELL, bell, ARG(bell, .bell = 1, .gsi = BARE_GSI)),
	OP(KVM_PVI_WIRE_SOURCE, source, ARG(source, .port = PORT), .eventfd_at = AT(source, fd),
	   .eventfd = &free_fd),
	OP(KVM_PVI_UNWIRE_SOURCE, source, ARG(source, .port = PORT), .eventfd_at = AT(source, fd),
	   .eventfd = &source_fd),
	OP(KVM_PVI_STATUS, set_status, ARG(set_status, .gsi = BARE_GSI),
	   .memfd_at = AT(set_status, memfd), .flags = KVM_PVI_STATUS_UNSEALED),
	OP(KVM_PVI_UNSTATUS, gsi, ARG(gsi, .gsi = GSI), .zero = { AT(gsi, __reserved) }),
	OP(KVM_PVI_GRANT, grant, ARG(grant, .gsi = GSI), .out = true, .flags = KVM_PVI_GRANT_BELL,
	   .zero = { AT(grant, bits), AT(grant, burst), AT(grant, __reserved) }),
	OP(KVM_PVI_UNGRANT, ungrant, ARG(ungrant, .id = GRANT_ID)),
	OP(KVM_PVI_GET_STATE, state, .flags = KVM_PVI_STATE_FREEZE,
	   .zero = { AT(state, __reserved) }, .dead = true, .out = true),
	OP(KVM_PVI_SET_STATE, state,
	   ARG(state, .address = (u64)&no_state, .length = sizeof(no_state)),
	   .zero = { AT(state, __reserved) }),
	OP(KVM_PVI_THAW, thaw),
	OP(KVM_PVI_LIST, list,
	   ARG(list, .record = sizeof(records), .address = (u64)&records, .nr = 1),
	   .zero = { AT(list, __reserved) }, .unbound = true, .dead = true, .out = true),
};

/* Two pages and one that is not there, in the first 4 GiB */
static u8 *pages;

#define for_each_op(op) for ((op) = ops; (op) < ops + ARRAY_SIZE(ops); (op)++)

/* A name for root, who these tests run as */
static int reserve(unsigned long cmd)
{
	struct kvm_pvi_reserve arg = { .size = sizeof(arg) };

	memcpy(arg.uuid, pvi_uuid[RESERVED], sizeof(arg.uuid));
	return __pvi_ioctl(fd, cmd, &arg);
}

/* New endpoints on which every ioctl succeeds; the old ones close, which frees their names */
static void prepare(bool bound)
{
	struct kvm_pvi_port port = { .size = sizeof(port), .port = PORT };
	u64 id;

	if (pages) {
		close(fd);
		close(peer_fd);
		close(eventfd_fd);
		close(source_fd);
		close(free_fd);
	} else {
		pages = mmap(NULL, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		ASSERT_TRUE(pages != MAP_FAILED);
		ASSERT_EQ(munmap(pages + 2 * PAGE_SIZE, PAGE_SIZE), 0);
		status = status_make();
	}
	eventfd_fd = new_eventfd();
	source_fd = new_eventfd();
	free_fd = new_eventfd();
	peer_fd = pvi_bind(NULL, pvi_uuid[1]);
	pvi_expose(peer_fd, PEER_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(peer_fd, pvi_uuid[0], PEER_GSI);
	fd = bound ? pvi_bind(NULL, pvi_uuid[0]) : pvi_open();
	ASSERT_EQ(reserve(KVM_PVI_RESERVE), 0);
	if (!bound)
		return;
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_wire(fd, GSI, eventfd_fd);
	status_register(fd, GSI, &status);
	pvi_expose(fd, BARE_GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(fd, pvi_uuid[1], GSI);
	port.fd = eventfd_fd;
	pvi_ioctl(fd, KVM_PVI_SET_PORT, &port);
	pvi_wire_source(fd, source_fd, PORT);
	close(grant_fd);
	grant_fd = pvi_grant(fd, GSI, 0, &id);
	ASSERT_EQ(id, GRANT_ID);
}

static void prepare_for(const struct op *op)
{
	prepare(op->cmd != KVM_PVI_BIND);
}

/* A valid argument of @size bytes, all behind the struct 0 */
static void *fill(const struct op *op, u32 size)
{
	void *at = pages;

	memset(at, FILL, 2 * PAGE_SIZE);
	memset(at, 0, size > op->size ? size : op->size);
	if (op->arg)
		memcpy(at, op->arg, op->size);
	if (op->uuid_at)
		memcpy(at + op->uuid_at, pvi_uuid[op->uuid], KVM_PVI_UUID_SIZE);
	if (op->eventfd_at)
		*(int *)(at + op->eventfd_at) = op->eventfd ? *op->eventfd : eventfd_fd;
	if (op->memfd_at) {
		*(int *)(at + op->memfd_at) = status.fd;
		*(u64 *)(at + AT(set_status, address)) = (u64)status.word;
	}
	*(u32 *)at = size;
	return at;
}

#define EXPECT(op, arg, expected)						\
	do {									\
		int __ret = __pvi_ioctl(fd, (op)->cmd, arg);			\
										\
		if (__ret != (expected))					\
			TEST_FAIL("%s: %d, not %d", (op)->name, __ret, expected); \
	} while (0)

/* Each one that the header knows is in the table */
static void test_complete(void)
{
	ASSERT_EQ(ARRAY_SIZE(ops), ARRAY_SIZE(uapi_ioctls));
}

static void test_pointer(void)
{
	u8 *hole;
	const struct op *op;

	for_each_op(op) {
		prepare_for(op);
		hole = pages + 2 * PAGE_SIZE;
		EXPECT(op, NULL, -EFAULT);
		EXPECT(op, hole, -EFAULT);
		EXPECT(op, (void *)0x8000000000000000, -EFAULT);
		EXPECT(op, (void *)-8, -EFAULT);
		/* The size can be read, the rest cannot */
		if (op->size > 8) {
			*(u32 *)(hole - 8) = op->size;
			EXPECT(op, hole - 8, -EFAULT);
		}
		memmove(hole - op->size, fill(op, op->size), op->size);
		EXPECT(op, hole - op->size, 0);
	}
}

static void test_read_only(void)
{
	const struct op *op;

	for_each_op(op) {
		prepare_for(op);
		fill(op, op->size);
		ASSERT_EQ(mprotect(pages, PAGE_SIZE, PROT_READ), 0);
		EXPECT(op, pages, op->out ? -EFAULT : 0);
		ASSERT_EQ(mprotect(pages, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	}
}

/* What was not handed in is not written to */
static void check_behind(const struct op *op, u32 size)
{
	u32 i;

	for (i = op->size; i < 2 * PAGE_SIZE; i++)
		if (pages[i] != (i < size ? 0 : FILL))
			TEST_FAIL("%s of %u bytes: byte %u was written", op->name, size, i);
}

static void test_size(void)
{
	static const u32 too_long[] = { PAGE_SIZE + 1, 0x7fffffff, 0x80000000, 0xffffffff };
	const struct op *op;
	u32 i;

	for_each_op(op) {
		u32 fitting[] = { op->size, op->size + 1, op->size + 8, PAGE_SIZE };

		prepare_for(op);
		for (i = 0; i < op->size; i++)
			EXPECT(op, fill(op, i), -EINVAL);
		for (i = 0; i < ARRAY_SIZE(too_long); i++) {
			fill(op, op->size);
			*(u32 *)pages = too_long[i];
			EXPECT(op, pages, -E2BIG);
		}
		/* A byte behind the struct that is not 0: the first, then closer and closer to the end */
		for (i = op->size; i < PAGE_SIZE; i += 1 + (PAGE_SIZE - 1 - i) / 8) {
			fill(op, i + 1);
			pages[i] = 1;
			EXPECT(op, pages, -E2BIG);
		}
		for (i = 0; i < ARRAY_SIZE(fitting); i++) {
			prepare_for(op);
			EXPECT(op, fill(op, fitting[i]), 0);
			check_behind(op, fitting[i]);
			ASSERT_EQ(*(u32 *)pages, fitting[i]);
		}
	}
}

static void test_flags(void)
{
	const struct op *op;
	u32 bit;

	for_each_op(op) {
		prepare_for(op);
		for (bit = 0; bit < 32; bit++) {
			u32 *head = fill(op, op->size);

			if (op->flags & 1u << bit)
				continue;
			head[1] |= 1u << bit;
			EXPECT(op, head, -EINVAL);
		}
		EXPECT(op, fill(op, op->size), 0);
	}
}

static void test_zero_fields(void)
{
	const struct op *op;
	const u32 *at;
	u32 bit;

	for_each_op(op) {
		prepare_for(op);
		for (at = op->zero; *at; at++) {
			for (bit = 0; bit < 32; bit++) {
				fill(op, op->size);
				*(u32 *)(pages + *at) = 1u << bit;
				EXPECT(op, pages, -EINVAL);
			}
		}
		EXPECT(op, fill(op, op->size), 0);
	}
}

/* An argument whose fields to be answered hold something else */
static void *poisoned(u32 size)
{
	u32 *head = (u32 *)pages;

	memset(pages, FILL, size);
	head[0] = size;
	head[1] = 0;
	return pages;
}

static void check_zero_from(u32 at, u32 size)
{
	for (; at < size; at++)
		ASSERT_EQ(pages[at], 0);
}

/* What comes in where the answer goes does not come back */
static void test_answers_are_whole(void)
{
	struct kvm_pvi_info *info;
	struct kvm_pvi_list *list;
	struct kvm_pvi_edge *edge;

	prepare(true);
	info = poisoned(sizeof(*info));
	pvi_ioctl(fd, KVM_PVI_GET_INFO, info);
	ASSERT_EQ(info->abi_major, KVM_PVI_ABI_MAJOR);
	ASSERT_EQ(info->__reserved, 0);

	pvi_ioctl(fd, KVM_PVI_GET_STATS, poisoned(sizeof(struct kvm_pvi_stats)));
	check_zero_from(AT(stats, sent), sizeof(struct kvm_pvi_stats));

	list = poisoned(sizeof(*list));
	*list = (struct kvm_pvi_list){
		.size = sizeof(*list), .record = sizeof(records), .address = (u64)&records, .nr = 1,
	};
	memset(&records, FILL, sizeof(records));
	pvi_ioctl(fd, KVM_PVI_LIST, list);
	ASSERT_EQ(list->nr, 1);
	ASSERT_EQ(records.dropped, 0);

	edge = poisoned(sizeof(*edge));
	edge->cursor = 0;
	pvi_ioctl(fd, KVM_PVI_GET_EDGE, edge);
	ASSERT_EQ(edge->gsi, GSI);
	check_zero_from(AT(edge, kind), sizeof(*edge));
}

static void test_not_bound(void)
{
	const struct op *op;

	for_each_op(op) {
		prepare(false);
		EXPECT(op, fill(op, op->size), op->unbound ? 0 : -ENOTCONN);
	}
}

static void test_dead(void)
{
	struct kvm_pvi_bind bind = { .size = sizeof(bind) };
	const struct op *op;
	pid_t pid;

	prepare(false);
	bind.vm_fd = child_vm(&pid);
	memcpy(bind.uuid, pvi_uuid[0], sizeof(bind.uuid));
	pvi_ioctl(fd, KVM_PVI_BIND, &bind);
	pvi_expose(fd, GSI, KVM_PVI_GSI_EVENTFD);
	pvi_allow(fd, pvi_uuid[1], GSI);
	child_kill(pid);
	ASSERT_TRUE(wait_until(__pvi_gsi(fd, KVM_PVI_KICK, GSI) == -ENODEV, 5000));
	for_each_op(op)
		EXPECT(op, fill(op, op->size), op->dead ? 0 : -ENODEV);
}

/* A direction or a size in the number makes another number of it */
static void test_unknown(void)
{
	const struct op *op;
	u32 nr, dir;

	prepare(true);
	memset(pages, 0, PAGE_SIZE);
	*(u32 *)pages = 64;
	for (nr = 0; nr < 0x100; nr++)
		if (nr < 0x10 || nr >= 0x80)
			ASSERT_EQ(__pvi_ioctl(fd, _IO(KVM_PVI_IOC, nr), pages), -ENOTTY);
	for_each_op(op) {
		u32 size = op->size, number = _IOC_NR(op->cmd);

		fill(op, op->size);
		for (dir = _IOC_WRITE; dir <= (_IOC_READ | _IOC_WRITE); dir++)
			ASSERT_EQ(__pvi_ioctl(fd, _IOC(dir, KVM_PVI_IOC, number, size), pages),
				  -ENOTTY);
		ASSERT_EQ(__pvi_ioctl(fd, _IO(KVMIO, number), pages), -ENOTTY);
	}
}

#define NR32_GETPID	20
#define NR32_IOCTL	54

/* A system call as a program of 32 bits makes it */
static int call32(u32 nr, u32 a, u32 b, u32 c)
{
	int ret;

	asm volatile("int $0x80"
		     : "=a" (ret) : "0" (nr), "b" (a), "c" (b), "d" (c)
		     : "memory", "cc", "r8", "r9", "r10", "r11");
	return ret;
}

static sigjmp_buf no_32bit_calls;

static void on_fault(int signal)
{
	siglongjmp(no_32bit_calls, signal);
}

/* Not in every kernel: where it is missing the instruction is a fault */
static bool has_32bit_calls(void)
{
	signal(SIGSEGV, on_fault);
	if (sigsetjmp(no_32bit_calls, 1))
		return false;
	ASSERT_EQ(call32(NR32_GETPID, 0, 0, 0), getpid());
	signal(SIGSEGV, SIG_DFL);
	return true;
}

static void test_compat(void)
{
	const struct op *op;

	if (!has_32bit_calls()) {
		test_diag("this kernel has no callers of 32 bits");
		return;
	}
	for_each_op(op) {
		u32 arg;

		prepare_for(op);
		arg = (u64)fill(op, op->size);
		ASSERT_EQ(call32(NR32_IOCTL, fd, op->cmd, 0), -EFAULT);
		ASSERT_EQ(call32(NR32_IOCTL, fd, op->cmd, arg + 2 * PAGE_SIZE), -EFAULT);
		ASSERT_EQ(call32(NR32_IOCTL, fd, op->cmd + 0x80, arg), -ENOTTY);
		ASSERT_EQ(call32(NR32_IOCTL, fd, op->cmd, arg), 0);
		fill(op, op->size - 1);
		ASSERT_EQ(call32(NR32_IOCTL, fd, op->cmd, arg), -EINVAL);
	}
}

static const struct test_case cases[] = {
	{ "complete", test_complete },
	{ "pointer", test_pointer },
	{ "read_only", test_read_only },
	{ "size", test_size },
	{ "flags", test_flags },
	{ "zero_fields", test_zero_fields },
	{ "answers_are_whole", test_answers_are_whole },
	{ "not_bound", test_not_bound },
	{ "dead", test_dead },
	{ "unknown", test_unknown },
	{ "compat", test_compat },
};

int main(int argc, char **argv)
{
	int ret = test_main(argc, argv, cases, ARRAY_SIZE(cases),
			    TEST_REQUIRE_KVM | TEST_REQUIRE_PVI);

	/* Alone of all that was made it outlives its endpoint */
	fd = open("/dev/kvm_pvi", O_RDWR | O_CLOEXEC);
	reserve(KVM_PVI_UNRESERVE);
	return ret;
}
