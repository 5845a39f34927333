// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle: ops that are hypercalls, by a guest or by KVM_PVI_CALL */
#include <errno.h>
#include <string.h>

#include "../lib/pvi_test.h"
#include "model.h"
#include "world.h"

#define BAD_VECTOR	5

struct regs {
	u32 nr;
	u64 args[4];
};

/* Guests see these at the same addresses */
static struct kvm_pvi_peer peer_buffer[NR_NAMES + 1];
static u8 everybody[KVM_PVI_UUID_SIZE] __aligned(16) = { [0 ... 15] = 0xff };

static struct regs query(u64 kind, u64 index, u64 field)
{
	return (struct regs){ KVM_HC_PVI_QUERY, { kind, index, field } };
}

static struct regs regs_of(const struct op *op)
{
	u64 gsi = gsi_number[op->a >= 0 && op->a <= ANY_GSI ? op->a : 0];
	u64 port = op->a >= 0 && op->a < NR_PORTS ? world_port(op->ep, op->a) : 0;
	u64 uuid = (u64)world_uuid(op->b >= 0 && op->b < NR_NAMES ? op->b : 0);

	switch (op->kind) {
	case OP_RING:
		return (struct regs){ KVM_HC_PVI, { uuid, gsi } };
	case OP_BROADCAST:
		return (struct regs){ KVM_HC_PVI, { (u64)everybody, gsi } };
	case OP_NOTIFY:
		return (struct regs){ KVM_HC_NOTIFY, { port } };
	case OP_MANY:
		return (struct regs){ KVM_HC_NOTIFY_MANY, { port, op->c } };
	case OP_GUEST_CONNECT:
		return (struct regs){ KVM_HC_PVI_CONNECT, { uuid, gsi } };
	case OP_DISCONNECT:
		return (struct regs){ KVM_HC_PVI_DISCONNECT, { port } };
	case OP_SET_MSI:
		return (struct regs){ KVM_HC_PVI_SET_MSI, {
			gsi, op->d ? 0xfee00000 : 0,
			op->d == 1 ? BAD_VECTOR : op->d ? FIRST_MSI + (op->c & 15) : 0,
		} };
	case OP_SEND:
		return (struct regs){ KVM_HC_BELL_SEND, { port, op->b } };
	case OP_RECEIVE:
		return (struct regs){ KVM_HC_BELL_RECEIVE, { op->a, op->b } };
	case OP_MASK:
		return (struct regs){ KVM_HC_BELL_MASK, { op->a, op->b, op->c } };
	case OP_RESET_BELL:
		return (struct regs){ KVM_HC_BELL_RESET, { op->a } };
	case OP_PEERS:
		return (struct regs){ KVM_HC_PVI_PEERS,
				      { (u64)peer_buffer, sizeof(peer_buffer) } };
	case OP_RESET:
		return (struct regs){ KVM_HC_PVI_RESET };
	case OP_ARM:
		return (struct regs){ KVM_HC_PVI_ARM, { gsi } };
	case OP_SET_CONFIG:
		return (struct regs){ KVM_HC_PVI_SET_CONFIG, { gsi } };
	case OP_QUERY_GSI:
		return query(KVM_PVI_Q_GSI, op->a, op->d % 5);
	case OP_QUERY_PORT:
		return query(KVM_PVI_Q_PORT, port, op->d & 1);
	default:
		return query(KVM_PVI_Q_SELF, 0, KVM_PVI_Q_SELF_CONFIG);
	}
}

static bool returns_rbx(u32 nr)
{
	return nr == KVM_HC_NOTIFY_MANY || nr == KVM_HC_BELL_SEND || nr == KVM_HC_BELL_RECEIVE;
}

/* By name, as the model has them; positions have to ascend */
static void sort_peers(struct answer *answer)
{
	u32 name, i;

	for (i = 1; i < answer->ret; i++)
		if (peer_buffer[i].position <= peer_buffer[i - 1].position)
			answer->ret = -EINVAL;
	for (name = 0; name <= WATCHER; name++)
		for (i = 0; (s64)i < answer->ret; i++) {
			if (world_name(peer_buffer[i].uuid) != name)
				continue;
			answer->peers[answer->nr] = peer_buffer[i];
			answer->peers[answer->nr++].position = 0;
		}
}

void hypercall_do(int fd, const struct op *op, bool by_guest, struct answer *answer)
{
	struct regs regs = regs_of(op);
	struct kvm_pvi_call call = { .size = sizeof(call), .nr = regs.nr };
	int ret;

	memset(peer_buffer, 0, sizeof(peer_buffer));
	if (by_guest) {
		answer->ret = world_guest_call(m.eps[op->ep].vm, regs.nr, regs.args,
					       &answer->rbx);
		if (answer->ret < 0 || !returns_rbx(regs.nr)) {
			/* RBX of all others is as it was */
			answer->rbx -= regs.args[0];
		}
	} else {
		memcpy(call.args, regs.args, sizeof(call.args));
		ret = __pvi_ioctl(fd, KVM_PVI_CALL, &call);
		answer->ret = ret ?: call.ret;
		answer->rbx = call.ret2;
	}
	if (op->kind == OP_GUEST_CONNECT && answer->ret >= 0) {
		answer->counts[1] = answer->ret >> 16;
		answer->ret &= 0xffff;
	}
	if (op->kind == OP_PEERS && answer->ret > 0)
		sort_peers(answer);
}
