// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest ioctl - what each ioctl does, once chardev.c has copied its struct in
 *
 * What programs may do to each other is limited to ringing and being rung, and
 * to the bells of this guest: numbers of connections are the open file's own.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "guest.h"
#include "limit.h"

static unsigned int max_ports = 64;
PVI_LIMIT(max_ports, 65536, "ports of one open file");

static unsigned int max_eventfds = 64;
PVI_LIMIT(max_eventfds, 65536, "eventfds of one open file");

static int ioctl_get_info(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_info *info = arg;
	uuid_t uuid = {};
	u64 epoch = 0;

	*info = (struct kvm_pvi_guest_info) {
		.size = info->size,
		.abi_major = KVM_PVI_ABI_MAJOR,
		.abi_minor = KVM_PVI_ABI_MINOR,
		.max_ports = READ_ONCE(max_ports),
		.max_eventfds = READ_ONCE(max_eventfds),
		.max_waiters = pvi_irq_max_waiters(),
	};
	if (!kvm_pvi_guest_self(&uuid, &epoch))
		info->features = kvm_pvi_guest_features();
	export_uuid(info->uuid, &uuid);
	info->epoch = epoch;
	return 0;
}

static int ioctl_get_gsi(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_gsi *g = arg;
	long gsi, kind, state, bell;

	gsi = pvi_query(KVM_PVI_Q_GSI, g->index, KVM_PVI_Q_GSI_NUMBER);
	if (gsi < 0)
		return gsi;
	kind = pvi_query(KVM_PVI_Q_GSI, g->index, KVM_PVI_Q_GSI_KIND);
	if (kind < 0)
		return kind;
	state = pvi_query(KVM_PVI_Q_GSI, g->index, KVM_PVI_Q_GSI_STATE);
	if (state < 0)
		return state;
	bell = pvi_query(KVM_PVI_Q_GSI, g->index, KVM_PVI_Q_GSI_BELL);
	g->gsi = gsi;
	g->kind = kind;
	g->state = state;
	g->bell = bell < 0 ? KVM_PVI_GUEST_NO_BELL : bell;
	g->irq = pvi_irq_number(gsi);
	return 0;
}

static int ioctl_ring(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_ring *r = arg;
	uuid_t to;
	int ret;

	if (r->__reserved)
		return -EINVAL;
	import_uuid(&to, r->uuid);
	ret = pvi_ring_uuid(&to, r->gsi, r->first);
	if (ret < 0)
		return ret;
	r->result = ret;
	return 0;
}

static int ioctl_connect(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_connect *c = arg;
	struct kvm_pvi_guest_link *link;
	uuid_t to;
	int ret;

	import_uuid(&to, c->uuid);
	link = kvm_pvi_guest_connect(&to, c->gsi);
	if (IS_ERR(link))
		return PTR_ERR(link);
	mutex_lock(&f->lock);
	ret = xa_alloc(&f->links, &c->port, link, XA_LIMIT(0, READ_ONCE(max_ports) - 1),
		       GFP_KERNEL_ACCOUNT);
	mutex_unlock(&f->lock);
	if (ret) {
		kvm_pvi_guest_disconnect(link);
		return ret == -EBUSY ? -ENOSPC : ret;
	}
	return 0;
}

static int ioctl_disconnect(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_port *p = arg;
	struct kvm_pvi_guest_link *link;

	if (p->result)
		return -EINVAL;
	mutex_lock(&f->lock);
	link = xa_erase(&f->links, p->port);
	mutex_unlock(&f->lock);
	if (!link)
		return -ENOENT;
	kvm_pvi_guest_disconnect(link);
	return 0;
}

static int ioctl_notify_link(struct pvi_file *f, u32 port)
{
	struct kvm_pvi_guest_link *link;
	int ret = -ENOENT;

	rcu_read_lock();
	link = xa_load(&f->links, port);
	if (link)
		ret = kvm_pvi_guest_link_ring(link);
	rcu_read_unlock();
	return ret;
}

static int ioctl_notify_vmm(u32 port)
{
	return pvi_ring_is_linked(port) ? -ENOENT : kvm_pvi_guest_notify(port);
}

static int ioctl_notify(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_port *p = arg;
	int ret;

	if (p->flags & KVM_PVI_GUEST_PORT_VMM)
		ret = ioctl_notify_vmm(p->port);
	else
		ret = ioctl_notify_link(f, p->port);
	if (ret < 0)
		return ret;
	p->result = ret;
	return 0;
}

static int ioctl_wait(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_wait *w = arg;
	u32 kind = w->flags & (KVM_PVI_GUEST_WAIT_PEERS | KVM_PVI_GUEST_WAIT_HOST);
	u32 what = w->gsi;
	int ret;

	if (kind && w->gsi)
		return -EINVAL;
	if (kind == KVM_PVI_GUEST_WAIT_PEERS)
		what = PVI_SEAT_PEERS;
	else if (kind == KVM_PVI_GUEST_WAIT_HOST)
		what = PVI_SEAT_HOST;
	else if (kind)
		return -EINVAL;
	else if (what >= KVM_PVI_GSI_VIRTUAL_END)
		return -ENOENT;
	ret = pvi_wait_open(f->id, what, w->flags & KVM_PVI_GUEST_WAIT_NONBLOCK);
	if (ret < 0)
		return ret;
	w->fd = ret;
	return 0;
}

static int ioctl_wire(struct pvi_file *f, void *arg)
{
	const struct kvm_pvi_guest_wire *w = arg;
	int ret = -ENOSPC;

	if (w->gsi >= KVM_PVI_GSI_VIRTUAL_END)
		return -ENOENT;
	mutex_lock(&f->lock);
	if (f->nr_wires < READ_ONCE(max_eventfds))
		ret = pvi_wait_wire(&f->wires, f->id, w->gsi, w->fd);
	if (!ret)
		f->nr_wires++;
	mutex_unlock(&f->lock);
	return ret;
}

static int ioctl_unwire(struct pvi_file *f, void *arg)
{
	const struct kvm_pvi_guest_wire *w = arg;
	int ret;

	mutex_lock(&f->lock);
	ret = pvi_wait_unwire(&f->wires, w->gsi, w->fd);
	if (!ret)
		f->nr_wires--;
	mutex_unlock(&f->lock);
	return ret;
}

static int ioctl_send_link(struct pvi_file *f, const struct kvm_pvi_guest_bell_send *b, u64 *old)
{
	struct kvm_pvi_guest_link *link;
	int ret = -ENOENT;

	rcu_read_lock();
	link = xa_load(&f->links, b->port);
	if (link)
		ret = kvm_pvi_guest_bell_send(link, b->bits, old);
	rcu_read_unlock();
	return ret;
}

static int ioctl_send_vmm(const struct kvm_pvi_guest_bell_send *b, u64 *old)
{
	return pvi_ring_is_linked(b->port) ? -ENOENT :
	       kvm_pvi_guest_bell_notify(b->port, b->bits, old);
}

static int ioctl_bell_send(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_bell_send *b = arg;
	u64 old;
	int ret;

	if (b->flags & KVM_PVI_GUEST_PORT_VMM)
		ret = ioctl_send_vmm(b, &old);
	else
		ret = ioctl_send_link(f, b, &old);
	if (ret < 0)
		return ret;
	b->result = ret;
	b->old = old;
	return 0;
}

static int ioctl_bell_receive(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_bell_receive *b = arg;
	u64 old;
	int ret;

	if (b->__reserved)
		return -EINVAL;
	ret = kvm_pvi_guest_bell_receive(b->bell, b->clear, &old);
	if (!ret)
		b->old = old;
	return ret;
}

static int ioctl_bell_mask(struct pvi_file *f, void *arg)
{
	const struct kvm_pvi_guest_bell_mask *b = arg;

	if (b->__reserved)
		return -EINVAL;
	return kvm_pvi_guest_bell_mask(b->bell, b->enable, b->ack);
}

static int ioctl_bell_reset(struct pvi_file *f, void *arg)
{
	const struct kvm_pvi_guest_bell_reset *b = arg;

	if (b->__reserved)
		return -EINVAL;
	return kvm_pvi_guest_bell_reset(b->bell);
}

static int ioctl_peers(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_peers *p = arg;
	unsigned int nr = min(p->nr, KVM_PVI_PEERS_MAX);
	struct kvm_pvi_peer *records;
	int ret;

	records = kcalloc(nr, sizeof(*records), GFP_KERNEL_ACCOUNT);
	if (!records)
		return -ENOMEM;
	ret = kvm_pvi_guest_peers(p->first, records, nr);
	if (ret > 0 && copy_to_user(u64_to_user_ptr(p->address), records, ret * sizeof(*records)))
		ret = -EFAULT;
	kfree(records);
	if (ret < 0)
		return ret;
	p->nr = ret;
	return 0;
}

#define OP(_cmd, _fn, type, last, _flags) {			\
	.cmd = _cmd,						\
	.fn = _fn,						\
	.size = sizeof(struct type),				\
	.min = offsetofend(struct type, last),			\
	.flags = _flags,					\
}

static const struct pvi_ioctl ops[] = {
	OP(KVM_PVI_GUEST_GET_INFO, ioctl_get_info, kvm_pvi_guest_info, epoch, 0),
	OP(KVM_PVI_GUEST_GET_GSI, ioctl_get_gsi, kvm_pvi_guest_gsi, irq, 0),
	OP(KVM_PVI_GUEST_RING, ioctl_ring, kvm_pvi_guest_ring, __reserved, 0),
	OP(KVM_PVI_GUEST_CONNECT, ioctl_connect, kvm_pvi_guest_connect, port, 0),
	OP(KVM_PVI_GUEST_NOTIFY, ioctl_notify, kvm_pvi_guest_port, result, KVM_PVI_GUEST_PORT_VMM),
	OP(KVM_PVI_GUEST_DISCONNECT, ioctl_disconnect, kvm_pvi_guest_port, result, 0),
	OP(KVM_PVI_GUEST_WAIT, ioctl_wait, kvm_pvi_guest_wait, fd,
	   KVM_PVI_GUEST_WAIT_NONBLOCK | KVM_PVI_GUEST_WAIT_PEERS | KVM_PVI_GUEST_WAIT_HOST),
	OP(KVM_PVI_GUEST_WIRE, ioctl_wire, kvm_pvi_guest_wire, fd, 0),
	OP(KVM_PVI_GUEST_UNWIRE, ioctl_unwire, kvm_pvi_guest_wire, fd, 0),
	OP(KVM_PVI_GUEST_BELL_SEND, ioctl_bell_send, kvm_pvi_guest_bell_send, old,
	   KVM_PVI_GUEST_PORT_VMM),
	OP(KVM_PVI_GUEST_BELL_RECEIVE, ioctl_bell_receive, kvm_pvi_guest_bell_receive, old, 0),
	OP(KVM_PVI_GUEST_BELL_MASK, ioctl_bell_mask, kvm_pvi_guest_bell_mask, ack, 0),
	OP(KVM_PVI_GUEST_BELL_RESET, ioctl_bell_reset, kvm_pvi_guest_bell_reset, __reserved, 0),
	OP(KVM_PVI_GUEST_PEERS, ioctl_peers, kvm_pvi_guest_peers, address, 0),
};

const struct pvi_ioctl *pvi_ioctl_find(unsigned int cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (ops[i].cmd == cmd)
			return &ops[i];
	return NULL;
}
