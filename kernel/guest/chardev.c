// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_guest chardev - /dev/kvm_pvi_guest: structs in and out, and what an open file has
 *
 * Connections and eventfds belong to the open file and go with it.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "args.h"
#include "guest.h"

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long ptr)
{
	const struct pvi_ioctl *op = pvi_ioctl_find(cmd);
	void __user *user = (void __user *)ptr;
	union pvi_arg arg;
	int size, ret;

	if (!op)
		return -ENOTTY;
	size = pvi_args_get(&arg, op->size, op->min, op->flags, user);
	if (size < 0)
		return size;
	/* Results must find a place before anything changes. */
	if (copy_to_user(user, &arg, size))
		return -EFAULT;
	ret = op->fn(file->private_data, &arg);
	if (ret)
		return ret;
	return copy_to_user(user, &arg, size) ? -EFAULT : 0;
}

/* Also looks for the host. If there is none nothing works yet, but one may come. */
static int dev_open(struct inode *inode, struct file *file)
{
	static atomic64_t opens = ATOMIC64_INIT(0);
	struct pvi_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return -ENOMEM;
	f->id = atomic64_inc_return(&opens);
	mutex_init(&f->lock);
	xa_init_flags(&f->links, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&f->wires);
	file->private_data = f;
	pvi_detect_check();
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
