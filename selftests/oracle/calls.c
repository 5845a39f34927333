// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle: ops as ioctls and hypercalls */
#include <fcntl.h>
#include <string.h>

#include "../lib/pvi_test.h"
#include "../lib/status.h"
#include "model.h"
#include "world.h"

#define WATCHED_GSI	100
#define NEW(type)	{ .size = sizeof(struct type) }

/* The watcher is told last of all */
static void wait_for_end(u64 epoch)
{
	struct kvm_pvi_event e;

	do {
		if (!wait_readable(world->watcher, 10000))
			TEST_FAIL("the end of an endpoint was not told");
		ASSERT_EQ(read(world->watcher, &e, sizeof(e)), sizeof(e));
	} while (e.type != KVM_PVI_EVENT_SENDER_DOWN || e.epoch != epoch);
}

static int do_bind(const struct op *op, struct answer *answer)
{
	struct kvm_pvi_bind bind = NEW(kvm_pvi_bind);
	int *fd = &world->eps[op->ep], ret;

	if (*fd < 0) {
		*fd = pvi_open();
		ASSERT_EQ(fcntl(*fd, F_SETFL, O_NONBLOCK), 0);
	}
	bind.flags = (op->a < 0 ? KVM_PVI_BIND_HOST : 0) |
		     (op->d ? KVM_PVI_BIND_GRANTS_ONLY : 0);
	bind.vm_fd = op->a < 0 ? -1 : world->vms[op->a];
	memcpy(bind.uuid, world_uuid(op->b), sizeof(bind.uuid));
	ret = __pvi_ioctl(*fd, KVM_PVI_BIND, &bind);
	if (ret)
		return ret;
	answer->counts[0] = bind.epoch;
	pvi_allow(*fd, world_uuid(WATCHER), WATCHED_GSI);
	ASSERT_EQ(pvi_call(*fd, KVM_HC_PVI, (u64)world_uuid(WATCHER), WATCHED_GSI, 0, 0),
		  KVM_PVI_RAISED);
	return 0;
}

static int do_close(const struct op *op)
{
	struct kvm_pvi_stats stats = NEW(kvm_pvi_stats);
	int fd = world->eps[op->ep];
	struct kvm_pvi_call call = NEW(kvm_pvi_call);
	u64 epoch = 0;
	u32 i;

	if (fd < 0)
		return 0;
	call.nr = KVM_HC_PVI_QUERY;
	call.args[0] = KVM_PVI_Q_SELF;
	for (i = 0; i < 4; i++) {
		call.args[2] = KVM_PVI_Q_PIECE(KVM_PVI_Q_SELF_EPOCH, i);
		if (!__pvi_ioctl(fd, KVM_PVI_CALL, &call))
			epoch |= (u64)call.ret << 16 * i;
	}
	world->eps[op->ep] = -1;
	if (__pvi_ioctl(fd, KVM_PVI_GET_STATS, &stats))
		epoch = 0;
	close(fd);
	if (epoch)
		wait_for_end(epoch);
	return 0;
}

static int do_allow(int fd, const struct op *op)
{
	struct kvm_pvi_allow a = NEW(kvm_pvi_allow);

	a.flags = (op->d & 1 ? KVM_PVI_ALLOW_BELL : 0) | (op->d & 2 ? KVM_PVI_ALLOW_OWNER : 0);
	a.gsi = op->d & 1 ? (u32)op->a : gsi_number[op->a];
	a.owner = op->d & 2 ? 4711 : 0;
	a.bits = op->c;
	a.rate = op->d & 4 ? 1 : 0;
	a.burst = op->d & 4 ? BURST : 0;
	memcpy(a.uuid, world_uuid(op->b), sizeof(a.uuid));
	return __pvi_ioctl(fd, KVM_PVI_ALLOW, &a);
}

static int do_revoke(int fd, const struct op *op)
{
	struct kvm_pvi_revoke r = NEW(kvm_pvi_revoke);

	memcpy(r.uuid, world_uuid(op->b), sizeof(r.uuid));
	if (op->kind == OP_REVOKE_ALL) {
		r.flags = KVM_PVI_REVOKE_ALL;
	} else {
		r.flags = op->d & 1 ? KVM_PVI_REVOKE_BELL : 0;
		r.gsi = op->d & 1 ? (u32)op->a : gsi_number[op->a];
	}
	return __pvi_ioctl(fd, KVM_PVI_REVOKE, &r);
}

static int do_grant(int fd, const struct op *op, struct answer *answer)
{
	struct kvm_pvi_grant g = NEW(kvm_pvi_grant);
	int ret;

	g.flags = op->c ? KVM_PVI_GRANT_BELL : 0;
	g.gsi = op->c ? (u32)op->a : gsi_number[op->a];
	g.bits = op->c;
	g.uses = op->d;
	ret = __pvi_ioctl(fd, KVM_PVI_GRANT, &g);
	if (ret)
		return ret;
	answer->counts[0] = g.id;
	world->grants[op->b] = g.fd;
	world->grant_ids[op->b] = g.id;
	return 0;
}

/* The port that was made, or an error */
static s64 do_connect(int fd, const struct op *op)
{
	struct kvm_pvi_connect c = NEW(kvm_pvi_connect);
	s64 at = op->kind == OP_CONNECT ? op->c : op->a;
	int ret;

	c.port = at == NONE ? KVM_PVI_PORT_ANY : at;
	if (op->kind == OP_CONNECT) {
		memcpy(c.uuid, world_uuid(op->b), sizeof(c.uuid));
		c.gsi = gsi_number[op->a];
		c.flags = op->d ? KVM_PVI_CONNECT_OWNER : 0;
		c.owner = op->d == 2 ? 4711 : 0;
	} else {
		c.flags = KVM_PVI_CONNECT_GRANT;
		c.grant_fd = world->grants[op->b];
	}
	ret = __pvi_ioctl(fd, KVM_PVI_CONNECT, &c);
	return ret ?: (s64)c.port;
}

static s64 do_port(int fd, const struct op *op)
{
	struct kvm_pvi_port p = NEW(kvm_pvi_port);
	bool set = op->kind == OP_SET_PORT;
	int ret;

	if (set)
		p.port = op->a == NONE ? KVM_PVI_PORT_ANY : op->a;
	else
		p.port = world_port(op->ep, op->a);
	p.fd = set ? world->efds[op->c % NR_EFDS] : 0;
	ret = __pvi_ioctl(fd, set ? KVM_PVI_SET_PORT : KVM_PVI_CLOSE_PORT, &p);
	return ret || !set ? ret : (s64)p.port;
}

/* What is signalled before it is unwired is rung, what is behind it is not */
static int do_source(int fd, const struct op *op, struct answer *answer)
{
	int source = world->sources[op->b], ret;
	u32 port = world_port(op->ep, op->a);

	if (op->kind == OP_WIRE_SOURCE)
		return __pvi_wire_source(fd, source, port);
	if (op_signals(op) && world->wired[op->b])
		ASSERT_EQ(eventfd_write(source, op_signals(op)), 0);
	ret = __pvi_unwire_source(fd, source, port);
	if (ret)
		return ret;
	signal_eventfd(source);
	answer->rbx = read_eventfd(source);
	return 0;
}

static int do_state(int fd, const struct op *op, struct answer *answer)
{
	static u8 bytes[BLOB_SIZE];
	struct kvm_pvi_state s = NEW(kvm_pvi_state);
	struct kvm_pvi_thaw thaw = NEW(kvm_pvi_thaw);
	int ret;

	if (op->kind == OP_THAW)
		return __pvi_ioctl(fd, KVM_PVI_THAW, &thaw);
	s.address = (u64)bytes;
	s.length = sizeof(bytes);
	if (op->kind == OP_RESTORE) {
		s.length = world->blobs[op->a].length;
		memcpy(bytes, world->blobs[op->a].bytes, sizeof(bytes));
		return __pvi_ioctl(fd, KVM_PVI_SET_STATE, &s);
	}
	memset(bytes, 0, sizeof(bytes));
	s.flags = op->d ? KVM_PVI_STATE_FREEZE : 0;
	ret = __pvi_ioctl(fd, KVM_PVI_GET_STATE, &s);
	if (ret)
		return ret;
	ASSERT_LE(s.length, sizeof(bytes));
	answer->length = s.length;
	memcpy(answer->blob, bytes, sizeof(bytes));
	world->blobs[op->a].length = s.length;
	memcpy(world->blobs[op->a].bytes, bytes, sizeof(bytes));
	return 0;
}

static s64 do_read(int fd, struct answer *answer)
{
	struct kvm_pvi_event e;

	if (read(fd, &e, sizeof(e)) < 0)
		return -errno;
	answer->counts[0] = e.type;
	answer->counts[1] = e.lost;
	answer->counts[2] = e.epoch;
	answer->counts[3] = world_name(e.uuid);
	return 0;
}

static s64 do_stats(int fd, struct answer *answer)
{
	struct kvm_pvi_stats s = NEW(kvm_pvi_stats);
	int ret = __pvi_ioctl(fd, KVM_PVI_GET_STATS, &s);

	if (ret)
		return ret;
	memcpy(&answer->counts[0], &s.sent, 3 * sizeof(u64));
	memcpy(&answer->counts[3], &s.received, 3 * sizeof(u64));
	return 0;
}

static s64 do_ioctl(int fd, const struct op *op, struct answer *answer)
{
	struct kvm_pvi_ungrant ungrant = NEW(kvm_pvi_ungrant);
	struct kvm_pvi_expose expose = NEW(kvm_pvi_expose);
	u32 gsi = gsi_number[op->a >= 0 && op->a <= ANY_GSI ? op->a : 0];

	switch (op->kind) {
	case OP_EXPOSE:
		expose.gsi = gsi;
		expose.kind = op->c % 3;
		return __pvi_ioctl(fd, KVM_PVI_EXPOSE, &expose);
	case OP_UNEXPOSE:
		return __pvi_gsi(fd, KVM_PVI_UNEXPOSE, gsi);
	case OP_WIRE:
		return __pvi_wire(fd, gsi, world->efds[op->c % NR_EFDS]);
	case OP_UNWIRE:
		return __pvi_gsi(fd, KVM_PVI_UNWIRE, gsi);
	case OP_KICK:
		return __pvi_gsi(fd, KVM_PVI_KICK, gsi);
	case OP_ALLOW:
		return do_allow(fd, op);
	case OP_REVOKE:
	case OP_REVOKE_ALL:
		return do_revoke(fd, op);
	case OP_BELL:
		return __pvi_bell(fd, op->b % NR_BELLS, gsi);
	case OP_STATUS:
		return __pvi_status(fd, gsi, world->memfd, op->b * sizeof(*world->words),
				    &world->words[op->b], 0);
	case OP_UNSTATUS:
		return __pvi_gsi(fd, KVM_PVI_UNSTATUS, gsi);
	case OP_SET_PORT:
	case OP_CLOSE_PORT:
		return do_port(fd, op);
	case OP_CONNECT:
	case OP_CONNECT_GRANT:
		return do_connect(fd, op);
	case OP_WIRE_SOURCE:
	case OP_UNWIRE_SOURCE:
		return do_source(fd, op, answer);
	case OP_GRANT:
		return do_grant(fd, op, answer);
	case OP_UNGRANT:
		ungrant.id = world->grant_ids[op->a];
		answer->counts[0] = ungrant.id;
		return __pvi_ioctl(fd, KVM_PVI_UNGRANT, &ungrant);
	case OP_READ:
		return do_read(fd, answer);
	case OP_STATS:
		return do_stats(fd, answer);
	default:
		return do_state(fd, op, answer);
	}
}

void call_do(const struct op *op, bool by_guest, struct answer *answer)
{
	int fd = world->eps[op->ep];

	memset(answer, 0, sizeof(*answer));
	if (op->kind == OP_BIND) {
		answer->ret = do_bind(op, answer);
	} else if (op->kind == OP_CLOSE) {
		answer->ret = do_close(op);
	} else if (op->kind == OP_TAKE) {
		answer->ret = kvm_pvi_status_take(&world->words[op->b]);
	} else if (op->kind == OP_CLOSE_GRANT) {
		if (world->grants[op->a] >= 0)
			close(world->grants[op->a]);
		world->grants[op->a] = -1;
	} else if (fd < 0) {
		answer->ret = -EBADF;
	} else if (op_is_hypercall(op->kind)) {
		hypercall_do(fd, op, by_guest, answer);
	} else {
		answer->ret = do_ioctl(fd, op, answer);
	}
}
