// SPDX-License-Identifier: GPL-2.0
#include "fuzzer.h"

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

_Static_assert(ARRAY_SIZE(ops) == FUZZ_KINDS, "each ioctl has its place");

const char *fuzz_kind(u32 i)
{
	return ops[i].name;
}

static int any_endpoint(struct fuzzer *f)
{
	return READ_ONCE(fuzz_world.fuzzers[rng_below(&f->rng, fuzz_world.nr)].fds[rng_below(&f->rng, FUZZ_ENDPOINTS)]);
}

u64 fuzzer_address(struct fuzzer *f)
{
	u8 *const addresses[] = {
		f->box, f->box, f->box, f->box + 16 * rng_below(&f->rng, FUZZ_NAMES), f->box + FUZZ_SANDBOX - 8,
		f->box + rng_below(&f->rng, FUZZ_SANDBOX), f->pages + 2 * PAGE_SIZE, NULL, (u8 *)~0ULL,
		(u8 *)0xffff888000000000, (u8 *)0x7ffffffff000,
	};

	return (u64)addresses[rng_below(&f->rng, ARRAY_SIZE(addresses))];
}

static u64 any_value(struct fuzzer *f)
{
	static const u64 likely[] = {
		0, 1, 2, 3, 7, 16, FUZZ_GSI, KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_MAX, KVM_PVI_GSI_ANY,
		1u << 31, 1ULL << 32, 1ULL << 63, ~0ULL,
	};

	u64 value = rng_any(&f->rng);

	if (rng_below(&f->rng, 2))
		return FUZZ_ANY(&f->rng, likely);
	/* It may be an address: what a call writes must not hit the test's own image, below */
	return value >= PAGE_SIZE ? value | 1u << 31 : value;
}

static u64 field_value(struct fuzzer *f, char field)
{
	static const u32 gsis[] = {
		FUZZ_GSI, FUZZ_GSI, FUZZ_GSI, 6, 20, KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_ANY,
	};
	static const u32 ports[] = { 0, 1, 2, KVM_PVI_PORT_ANY, KVM_PVI_PORT_ANY };
	static const u32 lengths[] = { 0, 16, 40, 64, 200, 4096, FUZZ_SANDBOX };
	static const u32 users[] = { 0, 0, 0, 0, 0, 0, 1, 1000, ~0u };
	static const u32 records[] = { 32, 40, 96, 160, 160 };

	switch (field) {
	case 'q': return rng_below(&f->rng, 2) ? FUZZ_ANY(&f->rng, gsis) : 0;
	case 'g': return FUZZ_ANY(&f->rng, gsis);
	case 'k': return rng_below(&f->rng, 4);
	case 'p': return FUZZ_ANY(&f->rng, ports);
	case 'B': return rng_below(&f->rng, 4) ? 0 : rng_below(&f->rng, 4);
	case 'r': return rng_below(&f->rng, 4) ? 0 : rng_below(&f->rng, 1000);
	case 'e': return FUZZ_ANY(&f->rng, fuzz_world.eventfds);
	case 'v': return rng_below(&f->rng, 2) ? (u64)-1 : (u64)FUZZ_ANY(&f->rng, fuzz_world.vms);
	case 'G': return rng_below(&f->rng, 4) ? 0 : (u64)FUZZ_ANY(&f->rng, f->grants);
	case 'm': return FUZZ_ANY(&f->rng, fuzz_world.memfds);
	case 'a': return fuzzer_address(f);
	case 'b': return rng_below(&f->rng, 4) ? (u64)(f->box + FUZZ_SANDBOX / 2) : fuzzer_address(f);
	case 'w': return rng_below(&f->rng, 2) ? (u64)fuzz_world.mem.word : fuzzer_address(f);
	case 'l': return FUZZ_ANY(&f->rng, lengths);
	case 'L': return FUZZ_ANY(&f->rng, records);
	case 'c': return rng_below(&f->rng, 12);
	case 'i': return rng_below(&f->rng, 2) ? 0 : any_value(f);
	case 'u': return FUZZ_ANY(&f->rng, users);
	case 'h': return KVM_HC_PVI_BASE + rng_below(&f->rng, KVM_HC_PVI_NR);
	case 'A': return rng_below(&f->rng, 2) ? fuzzer_address(f) : any_value(f);
	}
	return 0;
}

/* @arg has room for a page. Returns how many bytes of it the call is to see */
static u32 fill(struct fuzzer *f, const struct op *op, u8 *arg)
{
	static const u32 flags[] = { 0, 1, 2, 3, 8, 9 };
	u32 head[2] = { op->size, rng_below(&f->rng, 4) ? 0 : FUZZ_ANY(&f->rng, flags) & op->flags };
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
			memcpy(arg + 8 + 4 * i, FUZZ_NAME(rng_below(&f->rng, FUZZ_NAMES)), KVM_PVI_UUID_SIZE);
			continue;
		}
		value = rng_below(&f->rng, 16) ? field_value(f, op->fields[i]) : any_value(f);
		memcpy(arg + 8 + 4 * i, &value, op->fields[i + 1] == '-' ? 8 : 4);
	}
	return op->size;
}

bool fuzz_is_documented(int ret)
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
	memcpy(f->box, FUZZ_NAME(0), FUZZ_NAMES * KVM_PVI_UUID_SIZE);
}

static void keep_grant(struct fuzzer *f, const u8 *arg)
{
	u32 i = rng_below(&f->rng, FUZZ_GRANTS);
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

void fuzzer_call(struct fuzzer *f)
{
	const struct op *op = &FUZZ_ANY(&f->rng, ops);
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
		fd = rng_below(&f->rng, 2) ? FUZZ_ANY(&f->rng, f->grants) : FUZZ_ANY(&f->rng, fuzz_world.eventfds);
		break;
	}
	room = f->pages + 2 * PAGE_SIZE - at;
	memcpy(at, arg, room < PAGE_SIZE ? room : PAGE_SIZE);
	ret = __test_ioctl(fd, cmd, at);
	if (!fuzz_is_documented(ret))
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
