// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-pvi midway: calls that sleep in their caller's memory
 *
 * RESET touches no memory but its own struct, none between pvi_vm_lock() and pvi_vm_unlock() of call_reset(), in
 * hypercall.c: so it is stopped before it has begun. So is STATUS. Its page is brought in with the lock of the caller's
 * memory held, by pvi_compat_pin_user_page() in status_pin(), where userfaultfd does not let it wait but fail; and
 * FUSE has no file that it takes.
 */
#include "../lib/state.h"
#include "midway.h"

/* Arguments outlive the call */
static struct kvm_pvi_call call_args;
static struct kvm_pvi_state state_args;
static struct kvm_pvi_list list_args;

static void see_nothing(struct text *t)
{
	(void)t;
}

static void sleep_in_call(struct ioctl_call *call, u32 nr, u64 arg1)
{
	call_args = (struct kvm_pvi_call){
		.size = sizeof(call_args), .nr = nr, .args = { (u64)room, arg1 },
	};
	call->cmd = KVM_PVI_CALL;
	call->arg = &call_args;
}

/* Its own argument is what it waits for */
static void sleep_in_own(struct ioctl_call *call, unsigned long cmd, const void *args, size_t size)
{
	memcpy(answer, args, size);
	call->cmd = cmd;
	call->arg = room;
}

static void sleep_in_peers(struct ioctl_call *call)
{
	sleep_in_call(call, KVM_HC_PVI_PEERS, PAGE_SIZE);
}

static void see_called_peers(struct text *t)
{
	see(t, "answers %lld\n", call_args.ret);
	see_peers(t, room, call_args.ret < 0 ? 0 : call_args.ret);
}

const struct sleeper sleeper_peers = {
	.name = "PEERS", .first = true, .prepare = sleep_in_peers, .see = see_called_peers,
};

static void sleep_in_connect(struct ioctl_call *call)
{
	memcpy(answer, PEER, KVM_PVI_UUID_SIZE);
	sleep_in_call(call, KVM_HC_PVI_CONNECT, GSI);
}

static void see_called_connect(struct text *t)
{
	see(t, "answers %lld\n", pvi_index(call_args.ret));
}

const struct sleeper sleeper_hc_connect = {
	.name = "HC CONNECT", .prepare = sleep_in_connect, .see = see_called_connect,
};

static void sleep_in_ring(struct ioctl_call *call)
{
	memcpy(answer, PEER, KVM_PVI_UUID_SIZE);
	sleep_in_call(call, KVM_HC_PVI, GSI);
}

static void see_called_ring(struct text *t)
{
	see(t, "answers %lld\n", call_args.ret);
}

const struct sleeper sleeper_hc_pvi = {
	.name = "HC PVI", .prepare = sleep_in_ring, .see = see_called_ring,
};

const struct sleeper sleeper_hc_pvi_of_fuse = {
	.name = "HC PVI, of FUSE", .fuse = true, .prepare = sleep_in_ring, .see = see_called_ring,
};

static void sleep_in_state(struct ioctl_call *call, unsigned long cmd, u32 flags, u32 length)
{
	state_args = (struct kvm_pvi_state){
		.size = sizeof(state_args), .flags = flags, .address = (u64)room, .length = length,
	};
	call->cmd = cmd;
	call->arg = &state_args;
}

static void sleep_in_get_state(struct ioctl_call *call)
{
	sleep_in_state(call, KVM_PVI_GET_STATE, 0, PAGE_SIZE);
}

static void see_state(struct text *t)
{
	see_blob(t, room, state_args.length);
}

const struct sleeper sleeper_get_state = {
	.name = "GET_STATE", .first = true, .prepare = sleep_in_get_state, .see = see_state,
};

static void sleep_in_freeze(struct ioctl_call *call)
{
	sleep_in_state(call, KVM_PVI_GET_STATE, KVM_PVI_STATE_FREEZE, PAGE_SIZE);
}

const struct sleeper sleeper_freeze = {
	.name = "GET_STATE with FREEZE", .first = true, .prepare = sleep_in_freeze, .see = see_state,
};

static void sleep_in_set_state(struct ioctl_call *call)
{
	struct kvm_pvi_state_latch latch = { .gsi = GSI };
	static struct blob blob;

	blob_start(&blob);
	blob_section(&blob, KVM_PVI_STATE_LATCH, &latch, sizeof(latch), 1);
	memcpy(answer, blob.bytes, blob.length);
	sleep_in_state(call, KVM_PVI_SET_STATE, 0, blob.length);
}

const struct sleeper sleeper_set_state = {
	.name = "SET_STATE", .prepare = sleep_in_set_state, .see = see_nothing,
};

/* With room for the two that there are: for what comes meanwhile it does not look. */
static void sleep_in_list(struct ioctl_call *call)
{
	list_args = (struct kvm_pvi_list){
		.size = sizeof(list_args), .kind = KVM_PVI_LIST_ENDPOINTS,
		.record = sizeof(struct kvm_pvi_list_endpoint), .address = (u64)room, .nr = 2,
	};
	call->cmd = KVM_PVI_LIST;
	call->arg = &list_args;
}

static void see_list(struct text *t)
{
	see_listed(t, room, list_args.nr);
}

const struct sleeper sleeper_list = {
	.name = "LIST", .first = true, .prepare = sleep_in_list, .see = see_list,
};

static void sleep_in_expose(struct ioctl_call *call)
{
	struct kvm_pvi_expose args = {
		.size = sizeof(args), .gsi = NEW, .kind = KVM_PVI_GSI_DIRECT,
	};

	sleep_in_own(call, KVM_PVI_EXPOSE, &args, sizeof(args));
}

const struct sleeper sleeper_expose = {
	.name = "EXPOSE", .prepare = sleep_in_expose, .see = see_nothing,
};

static void sleep_in_bind(struct ioctl_call *call)
{
	struct kvm_pvi_bind args = {
		.size = sizeof(args), .flags = KVM_PVI_BIND_HOST, .vm_fd = -1,
	};

	memcpy(args.uuid, THIRD, sizeof(args.uuid));
	sleep_in_own(call, KVM_PVI_BIND, &args, sizeof(args));
	call->fd = w.third;
}

static void see_bound(struct text *t)
{
	const struct kvm_pvi_bind *args = room;

	see(t, "epoch %s\n", args->epoch ? "there" : "0");
}

const struct sleeper sleeper_bind = {
	.name = "BIND", .prepare = sleep_in_bind, .see = see_bound,
};

static void sleep_in_status(struct ioctl_call *call)
{
	struct kvm_pvi_set_status args = {
		.size = sizeof(args), .gsi = FREE_GSI, .memfd = w.mem.fd,
		.offset = sizeof(*w.mem.word), .address = (u64)(w.mem.word + 1),
	};

	sleep_in_own(call, KVM_PVI_STATUS, &args, sizeof(args));
}

const struct sleeper sleeper_status = {
	.name = "STATUS", .prepare = sleep_in_status, .see = see_nothing,
};

static void sleep_in_reset(struct ioctl_call *call)
{
	struct kvm_pvi_call args = { .size = sizeof(args), .nr = KVM_HC_PVI_RESET };

	sleep_in_own(call, KVM_PVI_CALL, &args, sizeof(args));
}

static void see_reset(struct text *t)
{
	const struct kvm_pvi_call *args = room;

	see(t, "answers %lld\n", args->ret);
}

const struct sleeper sleeper_reset = {
	.name = "RESET", .prepare = sleep_in_reset, .see = see_reset,
};
