// SPDX-License-Identifier: GPL-2.0
/*
 * Any request with any struct: ioctl.c, with a call of ours behind each. What the header of the UAPI says of
 * sizes, tails and flags holds whatever the caller's memory is and becomes, and what comes back is as much as
 * the caller knows.
 */
#include "acl.h"
#include "attach.h"
#include "bell.h"
#include "connect.h"
#include "event.h"
#include "expose.h"
#include "grant.h"
#include "hypercall.h"
#include "ioctl.h"
#include "life.h"
#include "listing.h"
#include "port.h"
#include "reply.h"
#include "reserve.h"
#include "source.h"
#include "state.h"
#include "stats.h"
#include "status.h"

/* Of each ioctl: its struct and the end of its first version; flags; comes back, works unbound, dead, read-only */
static const struct {
	unsigned int cmd;
	size_t size, min;
	u32 flags;
	bool out, unbound, dead, reads;
} ops[] = {
#define OP(name, type, last, ...)	\
	{ KVM_PVI_##name, sizeof(struct kvm_pvi_##type), offsetofend(struct kvm_pvi_##type, last), __VA_ARGS__ }
	OP(GET_INFO, info, __reserved, 0, 1, 1, 1, 1),
	OP(BIND, bind, epoch, 15, 1, 1, 0, 0),
	OP(EXPOSE, expose, burst, 0, 0, 0, 0, 0),
	OP(UNEXPOSE, gsi, __reserved, 0, 0, 0, 0, 0),
	OP(UNWIRE, gsi, __reserved, 0, 0, 0, 0, 0),
	OP(KICK, gsi, __reserved, 0, 0, 0, 0, 0),
	OP(WIRE, wire, fd, 0, 0, 0, 0, 0),
	OP(ALLOW, allow, burst, 3, 0, 0, 0, 0),
	OP(REVOKE, revoke, __reserved, 3, 0, 0, 0, 0),
	OP(SET_PORT, port, fd, 0, 1, 0, 0, 0),
	OP(CLOSE_PORT, port, fd, 0, 0, 0, 0, 0),
	OP(CONNECT, connect, owner, 3, 1, 0, 0, 0),
	OP(CALL, call, ret2, 0, 1, 0, 0, 0),
	OP(GET_STATS, stats, dropped, 0, 1, 0, 1, 1),
	OP(RESERVE, reserve, from, 1, 0, 1, 1, 0),
	OP(UNRESERVE, reserve, from, 1, 0, 1, 1, 0),
	OP(GET_EDGE, edge, counts, 0, 1, 0, 1, 1),
	OP(BELL, bell, gsi, 0, 0, 0, 0, 0),
	OP(STATUS, set_status, address, 1, 0, 0, 0, 0),
	OP(UNSTATUS, gsi, __reserved, 0, 0, 0, 0, 0),
	OP(WIRE_SOURCE, source, port, 0, 0, 0, 0, 0),
	OP(UNWIRE_SOURCE, source, port, 0, 0, 0, 0, 0),
	OP(GRANT, grant, __reserved, 1, 1, 0, 0, 0),
	OP(UNGRANT, ungrant, id, 0, 0, 0, 0, 0),
	OP(GET_STATE, state, __reserved, 1, 1, 0, 1, 0),
	OP(SET_STATE, state, __reserved, 0, 0, 0, 0, 0),
	OP(THAW, thaw, flags, 0, 0, 0, 0, 0),
	OP(LIST, list, __reserved, 0, 1, 1, 1, 1),
};

static union {
	u8 bytes[PAGE_SIZE + 64];
	u32 words[2];
} user, before;
static const struct file_operations *fops;
static struct pvi_vm vm;
static size_t known, given;
static int calls, answer;
static bool changes;

/* Behind each ioctl: sees what the caller has given, and no more. */
int called(struct pvi_vm *endpoint, void *arg)
{
	struct pvi_reply *r = container_of(arg, struct pvi_reply, arg);
	size_t i;

	CHECK(endpoint == &vm && !calls++);
	CHECK(r->size == min(given, known));
	CHECK(*(u32 *)arg == given || changes);
	CHECK(*(u32 *)arg >= r->size);
	for (i = 2 * sizeof(u32); i < known; i++)
		CHECK(((u8 *)arg)[i] == (i < given ? before.bytes[i] : 0));
	memset(arg, 0xab, known);
	return answer;
}

/* All handlers are this one, and all limits are 0. */
int pvi_life_bind(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_expose(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_expose_undo(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_expose_unwire(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_expose_kick(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_expose_wire(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_acl_allow(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_acl_revoke(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_port_set(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_port_close(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_connect(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_hypercall_ioctl(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_stats_get(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_reserve(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_unreserve(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_acl_get_edge(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_bell_create(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_status_create(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_status_drop(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_source_wire(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_source_unwire(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_grant_make(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_grant_revoke(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_state_get(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_state_set(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_state_thaw(struct pvi_vm *vm, void *arg) __alias(called);
int pvi_listing_get(struct pvi_vm *vm, void *arg) __alias(called);

u32 nothing(void)
{
	return 0;
}

__alias(nothing) u32 pvi_hypercall_features(void);
__alias(nothing) u32 pvi_attach_kind(void);
__alias(nothing) u32 pvi_life_max(void);
__alias(nothing) u32 pvi_acl_max(void);
__alias(nothing) u32 pvi_expose_max(void);
__alias(nothing) u32 pvi_port_max(void);
__alias(nothing) u32 pvi_bell_max(void);
__alias(nothing) u32 pvi_grant_max(void);
__alias(nothing) u32 pvi_source_max(void);

struct pvi_vm *pvi_life_open(void)
{
	return NULL;
}

void pvi_life_close(struct pvi_vm *endpoint)
{
}

ssize_t pvi_event_read(struct file *file, char *buf, size_t size, loff_t *pos)
{
	return 0;
}

__poll_t pvi_event_poll(struct file *file, struct poll_table_struct *table)
{
	return 0;
}

void pvi_stats_fdinfo(struct seq_file *m, struct file *file)
{
}

int pvi_vm_usable(struct pvi_vm *endpoint, bool unbound, bool dead)
{
	if (endpoint->life < PVI_LIFE_BOUND)
		return unbound ? 0 : -ENOTCONN;
	return endpoint->life == PVI_LIFE_BOUND || dead ? 0 : -ENODEV;
}

int misc_register(struct miscdevice *device)
{
	fops = device->fops;
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return pvi_ioctl_init();
}

static bool tail_is_zero(void)
{
	size_t i;

	for (i = known; i < given; i++)
		if (before.bytes[i])
			return false;
	return true;
}

/* What the header says of a struct that does not change meanwhile; 0: it is called */
static int expected(size_t i, size_t mapped, u32 mode)
{
	if (!(mode & FMODE_WRITE) && !ops[i].reads)
		return -EBADF;
	if (mapped < sizeof(u32))
		return -EFAULT;
	if (given < ops[i].min)
		return -EINVAL;
	if (given > PAGE_SIZE)
		return -E2BIG;
	if (mapped < given)
		return -EFAULT;
	if (!tail_is_zero())
		return -E2BIG;
	if (before.words[1] & ~ops[i].flags)
		return -EINVAL;
	if (vm.life < PVI_LIFE_BOUND && !ops[i].unbound)
		return -ENOTCONN;
	if (vm.life > PVI_LIFE_BOUND && !ops[i].dead)
		return -ENODEV;
	return 0;
}

/* Behind what the caller knows of the struct nothing is written, and nothing of what failed. */
static void check_written(size_t i, int ret)
{
	size_t end = ret || !ops[i].out ? 0 : min(given, known);

	CHECK(!end || ops[i].cmd == KVM_PVI_GET_INFO || user.bytes[end - 1] == 0xab);
	CHECK(changes || !memcmp(user.bytes + end, before.bytes + end, sizeof(user) - end));
}

/* Where the last version of a struct ends, where the first one, and around both */
static size_t size_of(struct input *in, size_t i)
{
	u8 what = take(in, 1);

	switch (what % 6) {
	case 0:
		return ops[i].size;
	case 1:
		return ops[i].min - 1 + what / 6 % 3;
	case 2:
		return ops[i].size - 1 + what / 6 % 3;
	case 3:
		return PAGE_SIZE - 1 + what / 6 % 3;
	case 4:
		return take(in, 4);
	}
	return ops[i].size + take(in, 1);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t length)
{
	struct input in = { data, length };
	size_t i = take(&in, 1) % ARRAY_SIZE(ops), mapped, n;
	u8 how = take(&in, 1);
	struct file file = { .private_data = &vm, .f_mode = how & 1 ? 1 : 3 };
	int ret;

	known = ops[i].size;
	given = size_of(&in, i);
	answer = how & 2 ? -(int)take(&in, 1) % 200 : 0;
	changes = (how & 0x30) == 0x30;
	vm.life = how & 4 ? take(&in, 1) % 5 : PVI_LIFE_BOUND;
	memset(&user, 0, sizeof(user));
	user.words[0] = given;
	user.words[1] = how & 8 ? take(&in, 4) : take(&in, 1) & ops[i].flags;
	for (n = 8; n < sizeof(user) && in.left; n++)
		user.bytes[n] = take(&in, 1);
	before = user;
	mapped = how & 0x40 ? take(&in, 2) % sizeof(user) : sizeof(user);
	shim_user_set(&user, mapped);
	if (changes)
		shim_user_change(&user.words[0], take(&in, 4));
	calls = 0;
	if (how & 0x80) {
		u32 cmd = take(&in, 4);

		for (n = 0; n < ARRAY_SIZE(ops) && ops[n].cmd != cmd; n++)
			;
		CHECK(n < ARRAY_SIZE(ops) || fops->unlocked_ioctl(&file, cmd, (unsigned long)&user) == -ENOTTY);
		return 0;
	}
	ret = fops->unlocked_ioctl(&file, ops[i].cmd, (unsigned long)&user);
	check_written(i, ret);
	if (!changes) {
		int error = expected(i, mapped, file.f_mode);

		CHECK(calls == (!error && ops[i].cmd != KVM_PVI_GET_INFO));
		CHECK(ret == (error || !calls ? error : answer));
	}
	return 0;
}
