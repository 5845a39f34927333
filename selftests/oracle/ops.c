// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle: ops at random, and in words */
#include <stdio.h>

#include "op.h"

/* Pins without and with a route of their own, one beyond them; virtual ones; and no GSIs */
const u32 gsi_number[NR_GSIS + 1] = {
	5, 6, 20, 4095, KVM_PVI_GSI_VIRTUAL, KVM_PVI_GSI_VIRTUAL_END - 1,
	KVM_PVI_GSI_MAX, KVM_PVI_GSI_VIRTUAL_END, KVM_PVI_GSI_ANY
};

/* How often each comes; rings are what all else is for */
static const struct {
	const char *name;
	u8 weight;
} info[NR_OPS] = {
	[OP_BIND] = { "BIND", 14 },
	[OP_CLOSE] = { "CLOSE", 3 },
	[OP_EXPOSE] = { "EXPOSE", 24 },
	[OP_UNEXPOSE] = { "UNEXPOSE", 4 },
	[OP_WIRE] = { "WIRE", 14 },
	[OP_UNWIRE] = { "UNWIRE", 4 },
	[OP_KICK] = { "KICK", 4 },
	[OP_ALLOW] = { "ALLOW", 30 },
	[OP_REVOKE] = { "REVOKE", 6 },
	[OP_REVOKE_ALL] = { "REVOKE_ALL", 2 },
	[OP_BELL] = { "BELL", 8 },
	[OP_STATUS] = { "STATUS", 8 },
	[OP_UNSTATUS] = { "UNSTATUS", 2 },
	[OP_SET_PORT] = { "SET_PORT", 5 },
	[OP_CLOSE_PORT] = { "CLOSE_PORT", 4 },
	[OP_CONNECT] = { "CONNECT", 16 },
	[OP_GRANT] = { "GRANT", 5 },
	[OP_UNGRANT] = { "UNGRANT", 2 },
	[OP_CLOSE_GRANT] = { "CLOSE_GRANT", 2 },
	[OP_CONNECT_GRANT] = { "CONNECT_GRANT", 6 },
	[OP_WIRE_SOURCE] = { "WIRE_SOURCE", 8 },
	[OP_UNWIRE_SOURCE] = { "UNWIRE_SOURCE", 8 },
	[OP_SAVE] = { "SAVE", 5 },
	[OP_RESTORE] = { "RESTORE", 5 },
	[OP_THAW] = { "THAW", 6 },
	[OP_READ] = { "READ", 12 },
	[OP_STATS] = { "STATS", 4 },
	[OP_TAKE] = { "TAKE", 6 },
	[OP_RING] = { "RING", 40 },
	[OP_BROADCAST] = { "BROADCAST", 5 },
	[OP_NOTIFY] = { "NOTIFY", 40 },
	[OP_MANY] = { "MANY", 6 },
	[OP_GUEST_CONNECT] = { "GUEST_CONNECT", 16 },
	[OP_DISCONNECT] = { "DISCONNECT", 5 },
	[OP_SET_MSI] = { "SET_MSI", 8 },
	[OP_SEND] = { "SEND", 24 },
	[OP_RECEIVE] = { "RECEIVE", 6 },
	[OP_MASK] = { "MASK", 5 },
	[OP_RESET_BELL] = { "RESET_BELL", 1 },
	[OP_PEERS] = { "PEERS", 6 },
	[OP_RESET] = { "RESET", 1 },
	[OP_ARM] = { "ARM", 5 },
	[OP_SET_CONFIG] = { "SET_CONFIG", 4 },
	[OP_QUERY_GSI] = { "QUERY_GSI", 5 },
	[OP_QUERY_PORT] = { "QUERY_PORT", 5 },
	[OP_QUERY_CONFIG] = { "QUERY_CONFIG", 1 },
	[OP_STORM] = { "STORM", 4 },
};

const char *op_name(enum op_kind kind)
{
	return info[kind].name;
}

static enum op_kind random_kind(struct rng *rng, u32 number)
{
	static u32 total;
	u32 i, at;

	if (number < NR_NAMES)
		return OP_BIND;
	if (!total)
		for (i = 0; i < NR_OPS; i++)
			total += info[i].weight;
	at = rng_below(rng, total);
	for (i = 0; at >= info[i].weight; i++)
		at -= info[i].weight;
	return i;
}

/* Mostly one of the first, where things meet */
static s64 low(struct rng *rng, u32 end)
{
	u32 x = rng_below(rng, end), y = rng_below(rng, end);

	return x < y ? x : y;
}

static s64 flags(struct rng *rng)
{
	static const u64 some[] = { 1, 2, 3, 0xf0, 0x10, 1ULL << 63, ~0ULL };

	return rng_below(rng, 12) ? (s64)some[rng_below(rng, 7)] : 0;
}

/* A name, a GSI or ANY, and what else may be said of either */
struct op op_random(struct rng *rng, u32 number)
{
	struct op op = {
		.kind = random_kind(rng, number),
		.ep = low(rng, NR_EPS),
		.by = rng_below(rng, 2) ? 0 : rng_below(rng, NR_EXECUTORS),
	};

	op.a = low(rng, NR_GSIS);
	op.b = rng_below(rng, NR_NAMES);
	op.c = rng_next(rng) & 0xffff;
	op.d = rng_below(rng, 8);
	switch (op.kind) {
	case OP_BIND:
		op.a = (s64)rng_below(rng, NR_VMS + 2) - 2;
		op.d = !rng_below(rng, 8);
		if (number < NR_NAMES)
			op.ep = op.b = number;
		break;
	case OP_ALLOW:
	case OP_REVOKE:
		op.a = op.d < 3 ? low(rng, NR_BELLS) : op.d < 4 ? ANY_GSI : op.a;
		op.c = op.d < 3 ? flags(rng) : 0;
		/* Of a bell, pinned to another user, with a rate */
		op.d = (op.d < 3 ? 1 : 0) | (rng_below(rng, 6) ? 0 : 2) | (rng_below(rng, 9) ? 0 : 4);
		break;
	case OP_GRANT:
		op.c = op.d < 3 ? flags(rng) | 1 : 0;
		op.a = op.d < 3 ? low(rng, NR_BELLS) : op.a;
		op.b = rng_below(rng, NR_GRANTS);
		op.d = rng_below(rng, 3);
		break;
	case OP_SEND:
	case OP_RECEIVE:
	case OP_MASK:
		op.a = op.kind == OP_SEND ? low(rng, NR_PORTS) : low(rng, NR_BELLS + 1);
		op.b = flags(rng);
		op.c = flags(rng);
		break;
	case OP_NOTIFY:
	case OP_MANY:
	case OP_DISCONNECT:
	case OP_CLOSE_PORT:
	case OP_QUERY_PORT:
	case OP_WIRE_SOURCE:
	case OP_UNWIRE_SOURCE:
		op.a = low(rng, NR_PORTS);
		break;
	case OP_RESET_BELL:
		op.a = low(rng, NR_BELLS + 1);
		break;
	case OP_SET_PORT:
	case OP_CONNECT_GRANT:
		op.a = op.d < 5 ? NONE : low(rng, NR_PORTS);
		op.b = rng_below(rng, NR_GRANTS);
		break;
	case OP_CONNECT:
		op.c = op.d < 5 ? NONE : low(rng, NR_PORTS);
		op.d = rng_below(rng, 8) ? 0 : 1 + rng_below(rng, 2);
		break;
	case OP_UNGRANT:
	case OP_CLOSE_GRANT:
		op.a = rng_below(rng, NR_GRANTS);
		break;
	case OP_SAVE:
	case OP_RESTORE:
		op.a = rng_below(rng, NR_BLOBS);
		op.d = rng_below(rng, 3) == 0;
		break;
	case OP_TAKE:
	case OP_STATUS:
		op.b = low(rng, NR_WORDS);
		break;
	case OP_SET_CONFIG:
		op.a = op.d < 2 ? ANY_GSI : op.a;
		break;
	default:
		break;
	}
	return op;
}

struct op op_of_storm(const struct op *storm, u32 executor, u32 i)
{
	struct rng rng = { storm->c * 1000003 + executor * 1009 + i };
	struct op op = { .ep = low(&rng, NR_EPS), .by = executor };

	op.kind = rng_below(&rng, 2) ? OP_RING : OP_NOTIFY;
	op.a = op.kind == OP_RING ? low(&rng, NR_GSIS) : low(&rng, NR_PORTS);
	op.b = rng_below(&rng, NR_NAMES);
	return op;
}

void op_describe(const struct op *op, char *text, u32 size)
{
	static const char *const by[NR_EXECUTORS] = { "", " (2nd thread)", " (other process)" };

	snprintf(text, size, "%s: endpoint %u, %lld, %lld, %#llx, %lld%s", op_name(op->kind),
		 op->ep, op->a, op->b, op->c, op->d, by[op->by]);
}
