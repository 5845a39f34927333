// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi ioctl - the misc device: copies structs in and out, no policy
 *
 * All structs start with their size and flags and grow at the end. What is
 * generic is checked here, once: size, unknown tail, unknown flags.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "acl.h"
#include "args.h"
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

/**
 * struct ioctl_op - one ioctl
 * @cmd: its number
 * @fn: gets the endpoint and the struct; does its own locking
 * @size: of the struct, known here
 * @min: of its first version
 * @flags: known
 * @out: the struct is copied back on success
 * @unbound: works on an endpoint that is not bound
 * @dead: works on a dead one
 * @reads: changes nothing, so a descriptor that was opened for reading will do
 */
struct ioctl_op {
	unsigned int cmd;
	int (*fn)(struct pvi_vm *vm, void *arg);
	u32 size;
	u32 min;
	u32 flags;
	bool out;
	bool unbound;
	bool dead;
	bool reads;
};

static int ioctl_get_info(struct pvi_vm *vm, void *arg)
{
	struct kvm_pvi_info *info = arg;

	*info = (struct kvm_pvi_info) {
		.size = info->size,
		.abi_major = KVM_PVI_ABI_MAJOR,
		.abi_minor = KVM_PVI_ABI_MINOR,
		.features = pvi_hypercall_features(),
		.hook = pvi_attach_kind(),
		.max_vms = pvi_life_max(),
		.max_senders = pvi_acl_max(),
		.max_gsis = pvi_expose_max(),
		.max_ports = pvi_port_max(),
		.max_bells = pvi_bell_max(),
		.max_grants = pvi_grant_max(),
		.max_sources = pvi_source_max(),
	};
	return 0;
}

#define OP(_cmd, _fn, type, last, ...) {			\
	.cmd = _cmd,						\
	.fn = _fn,						\
	.size = sizeof(struct type),				\
	.min = offsetofend(struct type, last),			\
	__VA_ARGS__						\
}

static const struct ioctl_op ops[] = {
	OP(KVM_PVI_GET_INFO, ioctl_get_info, kvm_pvi_info, __reserved,
	   .out = true, .unbound = true, .dead = true, .reads = true),
	OP(KVM_PVI_BIND, pvi_life_bind, kvm_pvi_bind, epoch, .out = true, .unbound = true,
	   .flags = KVM_PVI_BIND_HOST | KVM_PVI_BIND_OWNER | KVM_PVI_BIND_GRANTS_ONLY | KVM_PVI_BIND_VMM),
	OP(KVM_PVI_EXPOSE, pvi_expose, kvm_pvi_expose, burst),
	OP(KVM_PVI_UNEXPOSE, pvi_expose_undo, kvm_pvi_gsi, __reserved),
	OP(KVM_PVI_UNWIRE, pvi_expose_unwire, kvm_pvi_gsi, __reserved),
	OP(KVM_PVI_KICK, pvi_expose_kick, kvm_pvi_gsi, __reserved),
	OP(KVM_PVI_WIRE, pvi_expose_wire, kvm_pvi_wire, fd),
	OP(KVM_PVI_ALLOW, pvi_acl_allow, kvm_pvi_allow, burst,
	   .flags = KVM_PVI_ALLOW_OWNER | KVM_PVI_ALLOW_BELL),
	OP(KVM_PVI_REVOKE, pvi_acl_revoke, kvm_pvi_revoke, __reserved,
	   .flags = KVM_PVI_REVOKE_ALL | KVM_PVI_REVOKE_BELL),
	OP(KVM_PVI_SET_PORT, pvi_port_set, kvm_pvi_port, fd, .out = true),
	OP(KVM_PVI_CLOSE_PORT, pvi_port_close, kvm_pvi_port, fd),
	OP(KVM_PVI_CONNECT, pvi_connect, kvm_pvi_connect, owner, .out = true,
	   .flags = KVM_PVI_CONNECT_GRANT | KVM_PVI_CONNECT_OWNER),
	OP(KVM_PVI_CALL, pvi_hypercall_ioctl, kvm_pvi_call, ret2, .out = true),
	OP(KVM_PVI_GET_STATS, pvi_stats_get, kvm_pvi_stats, dropped, .out = true, .dead = true,
	   .reads = true),
	OP(KVM_PVI_RESERVE, pvi_reserve, kvm_pvi_reserve, from,
	   .flags = KVM_PVI_RESERVE_FROM, .unbound = true, .dead = true),
	OP(KVM_PVI_UNRESERVE, pvi_unreserve, kvm_pvi_reserve, from,
	   .flags = KVM_PVI_RESERVE_FROM, .unbound = true, .dead = true),
	OP(KVM_PVI_GET_EDGE, pvi_acl_get_edge, kvm_pvi_edge, counts, .out = true, .dead = true,
	   .reads = true),
	OP(KVM_PVI_BELL, pvi_bell_create, kvm_pvi_bell, gsi),
	OP(KVM_PVI_STATUS, pvi_status_create, kvm_pvi_set_status, address,
	   .flags = KVM_PVI_STATUS_UNSEALED),
	OP(KVM_PVI_UNSTATUS, pvi_status_drop, kvm_pvi_gsi, __reserved),
	OP(KVM_PVI_WIRE_SOURCE, pvi_source_wire, kvm_pvi_source, port),
	OP(KVM_PVI_UNWIRE_SOURCE, pvi_source_unwire, kvm_pvi_source, port),
	OP(KVM_PVI_GRANT, pvi_grant_make, kvm_pvi_grant, __reserved, .out = true,
	   .flags = KVM_PVI_GRANT_BELL),
	OP(KVM_PVI_UNGRANT, pvi_grant_revoke, kvm_pvi_ungrant, id),
	OP(KVM_PVI_GET_STATE, pvi_state_get, kvm_pvi_state, __reserved, .out = true, .dead = true,
	   .flags = KVM_PVI_STATE_FREEZE),
	OP(KVM_PVI_SET_STATE, pvi_state_set, kvm_pvi_state, __reserved),
	OP(KVM_PVI_THAW, pvi_state_thaw, kvm_pvi_thaw, flags),
	OP(KVM_PVI_LIST, pvi_listing_get, kvm_pvi_list, __reserved, .out = true, .unbound = true,
	   .dead = true, .reads = true),
};

static const struct ioctl_op *ioctl_find_op(unsigned int cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (ops[i].cmd == cmd)
			return &ops[i];
	return NULL;
}

static long pvi_ioctl(struct file *file, unsigned int cmd, unsigned long ptr)
{
	const struct ioctl_op *op = ioctl_find_op(cmd);
	struct pvi_vm *vm = file->private_data;
	struct pvi_reply r = { .user = (void __user *)ptr };
	int ret;

	if (!op)
		return -ENOTTY;
	if (!op->reads && !(file->f_mode & FMODE_WRITE))
		return -EBADF;
	ret = pvi_args_get(&r.arg, op->size, op->min, op->flags, r.user);
	if (ret < 0)
		return ret;
	r.size = ret;
	ret = pvi_vm_usable(vm, op->unbound, op->dead);
	if (ret)
		return ret;
	/* Results must find a place before anything changes. */
	if (op->out && pvi_reply(&r.arg))
		return -EFAULT;
	r.sent = false;
	ret = op->fn(vm, &r.arg);
	if (ret || !op->out || r.sent)
		return ret;
	return pvi_reply(&r.arg);
}

static int pvi_open(struct inode *inode, struct file *file)
{
	struct pvi_vm *vm = pvi_life_open();

	if (!vm)
		return -ENOMEM;
	file->private_data = vm;
	return stream_open(inode, file);
}

static int pvi_release(struct inode *inode, struct file *file)
{
	pvi_life_close(file->private_data);
	return 0;
}

static const struct file_operations pvi_fops = {
	.owner = THIS_MODULE,
	.open = pvi_open,
	.release = pvi_release,
	.unlocked_ioctl = pvi_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.read = pvi_event_read,
	.poll = pvi_event_poll,
	.show_fdinfo = pvi_stats_fdinfo,
};

static struct miscdevice pvi_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kvm_pvi",
	.fops = &pvi_fops,
	.mode = 0660,
};

int __init pvi_ioctl_init(void)
{
	return misc_register(&pvi_dev);
}

void pvi_ioctl_exit(void)
{
	misc_deregister(&pvi_dev);
}
