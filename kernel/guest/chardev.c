// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest chardev - /dev/kvm_pvi_guest: copies structs in and out, keeps what an open file has
 *
 * Connections and eventfds belong to the open file and go with it. What programs
 * may do to each other is limited to ringing and being rung: numbers of
 * connections are the open file's own.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "guest.h"
#include "limit.h"

static unsigned int max_ports = 64;
PVI_LIMIT(max_ports, 65536, "ports of one open file");

static unsigned int max_eventfds = 64;
PVI_LIMIT(max_eventfds, 65536, "eventfds of one open file");

/**
 * struct pvi_file - one open of the device
 * @lock: protects changes of the rest
 * @links: port -> struct kvm_pvi_guest_link; readers use RCU
 * @wires: struct pvi_wire
 * @nr_wires: their number
 */
struct pvi_file {
	struct mutex lock;
	struct xarray links;
	struct list_head wires;
	unsigned int nr_wires;
};

struct header {
	u32 size;
	u32 flags;
};

union arg {
	struct header header;
	struct kvm_pvi_guest_info info;
	struct kvm_pvi_guest_gsi gsi;
	struct kvm_pvi_guest_ring ring;
	struct kvm_pvi_guest_connect connect;
	struct kvm_pvi_guest_port port;
	struct kvm_pvi_guest_wait wait;
	struct kvm_pvi_guest_wire wire;
};

/**
 * struct op - one ioctl
 * @cmd: its number
 * @fn: gets the open file and the struct; does its own locking
 * @size: of the struct, known here
 * @min: of its first version
 * @flags: known
 */
struct op {
	unsigned int cmd;
	int (*fn)(struct pvi_file *f, void *arg);
	u32 size;
	u32 min;
	u32 flags;
};

static int get_info(struct pvi_file *f, void *arg)
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

static int get_gsi(struct pvi_file *f, void *arg)
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

static int ring(struct pvi_file *f, void *arg)
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

static int connect(struct pvi_file *f, void *arg)
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

static int disconnect(struct pvi_file *f, void *arg)
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

static int ring_link(struct pvi_file *f, u32 port)
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

static int notify(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_port *p = arg;
	int ret;

	if (!(p->flags & KVM_PVI_GUEST_PORT_VMM))
		ret = ring_link(f, p->port);
	else if (pvi_ring_is_linked(p->port))
		ret = -ENOENT;
	else
		ret = kvm_pvi_guest_notify(p->port);
	if (ret < 0)
		return ret;
	p->result = ret;
	return 0;
}

static int wait(struct pvi_file *f, void *arg)
{
	struct kvm_pvi_guest_wait *w = arg;
	int ret = pvi_wait_open(w->gsi, w->flags & KVM_PVI_GUEST_WAIT_NONBLOCK);

	if (ret < 0)
		return ret;
	w->fd = ret;
	return 0;
}

static int wire(struct pvi_file *f, void *arg)
{
	const struct kvm_pvi_guest_wire *w = arg;
	int ret = -ENOSPC;

	mutex_lock(&f->lock);
	if (f->nr_wires < READ_ONCE(max_eventfds))
		ret = pvi_wait_wire(&f->wires, w->gsi, w->fd);
	if (!ret)
		f->nr_wires++;
	mutex_unlock(&f->lock);
	return ret;
}

static int unwire(struct pvi_file *f, void *arg)
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

#define OP(_cmd, _fn, type, last, _flags) {			\
	.cmd = _cmd,						\
	.fn = _fn,						\
	.size = sizeof(struct type),				\
	.min = offsetofend(struct type, last),			\
	.flags = _flags,					\
}

static const struct op ops[] = {
	OP(KVM_PVI_GUEST_GET_INFO, get_info, kvm_pvi_guest_info, epoch, 0),
	OP(KVM_PVI_GUEST_GET_GSI, get_gsi, kvm_pvi_guest_gsi, irq, 0),
	OP(KVM_PVI_GUEST_RING, ring, kvm_pvi_guest_ring, __reserved, 0),
	OP(KVM_PVI_GUEST_CONNECT, connect, kvm_pvi_guest_connect, port, 0),
	OP(KVM_PVI_GUEST_NOTIFY, notify, kvm_pvi_guest_port, result, KVM_PVI_GUEST_PORT_VMM),
	OP(KVM_PVI_GUEST_DISCONNECT, disconnect, kvm_pvi_guest_port, result, 0),
	OP(KVM_PVI_GUEST_WAIT, wait, kvm_pvi_guest_wait, fd, KVM_PVI_GUEST_WAIT_NONBLOCK),
	OP(KVM_PVI_GUEST_WIRE, wire, kvm_pvi_guest_wire, fd, 0),
	OP(KVM_PVI_GUEST_UNWIRE, unwire, kvm_pvi_guest_wire, fd, 0),
};

static const struct op *find_op(unsigned int cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (ops[i].cmd == cmd)
			return &ops[i];
	return NULL;
}

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long ptr)
{
	const struct op *op = find_op(cmd);
	void __user *user = (void __user *)ptr;
	union arg arg;
	u32 size;
	int ret;

	if (!op)
		return -ENOTTY;
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < op->min)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	memset(&arg, 0, sizeof(arg));
	ret = copy_struct_from_user(&arg, op->size, user, size);
	if (ret)
		return ret;
	if (arg.header.flags & ~op->flags)
		return -EINVAL;
	/* The size was read twice; what counts is what was checked. */
	arg.header.size = size;

	/* Results must find a place before anything changes. */
	size = min(size, op->size);
	if (copy_to_user(user, &arg, size))
		return -EFAULT;
	ret = op->fn(file->private_data, &arg);
	if (ret)
		return ret;
	return copy_to_user(user, &arg, size) ? -EFAULT : 0;
}

/* Also asks for the host, if there was none: then nothing works, but one may come. */
static int dev_open(struct inode *inode, struct file *file)
{
	struct pvi_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return -ENOMEM;
	mutex_init(&f->lock);
	xa_init_flags(&f->links, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&f->wires);
	file->private_data = f;
	pvi_detect_probe();
	return nonseekable_open(inode, file);
}

static int dev_release(struct inode *inode, struct file *file)
{
	struct pvi_file *f = file->private_data;
	struct kvm_pvi_guest_link *link;
	unsigned long port;

	xa_for_each(&f->links, port, link)
		kvm_pvi_guest_disconnect(link);
	xa_destroy(&f->links);
	pvi_wait_unwire_all(&f->wires);
	kfree(f);
	return 0;
}

static void dev_fdinfo(struct seq_file *m, struct file *file)
{
	struct pvi_file *f = file->private_data;
	struct kvm_pvi_guest_link *link;
	unsigned long port;

	mutex_lock(&f->lock);
	xa_for_each(&f->links, port, link)
		seq_printf(m, "pvi-port:\t%lu host %u\n", port, link->port);
	seq_printf(m, "pvi-eventfds:\t%u\n", f->nr_wires);
	mutex_unlock(&f->lock);
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = dev_open,
	.release = dev_release,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = dev_fdinfo,
};

static ssize_t features_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%#x\n", kvm_pvi_guest_features());
}
static DEVICE_ATTR_RO(features);

static ssize_t uuid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	uuid_t uuid;
	int ret = kvm_pvi_guest_self(&uuid, NULL);

	return ret ? ret : sysfs_emit(buf, "%pUb\n", &uuid);
}
static DEVICE_ATTR_RO(uuid);

static struct attribute *guest_attrs[] = {
	&dev_attr_features.attr,
	&dev_attr_uuid.attr,
	NULL,
};
ATTRIBUTE_GROUPS(guest);

static struct miscdevice dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kvm_pvi_guest",
	.fops = &fops,
	.groups = guest_groups,
	.mode = 0660,
};

int __init pvi_chardev_init(void)
{
	return misc_register(&dev);
}

void pvi_chardev_exit(void)
{
	misc_deregister(&dev);
}
