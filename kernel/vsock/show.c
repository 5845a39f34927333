// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_vsock show - /proc/net/pvi_vsock, and the attributes of a link
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>

#include "vsock.h"

/* Who can be reached: address, name, this guest's address there, whether the peer is there now */
static int show_peers(struct seq_file *m, void *unused)
{
	struct xarray *peers = pvi_vsock_lock();
	struct pvi_vsock *v;
	unsigned long cid;

	xa_for_each(peers, cid, v)
		seq_printf(m, "%lu %pUb %u %s\n", cid, &v->link->peer, v->cid,
			   READ_ONCE(v->up) ? "up" : "down");
	pvi_vsock_unlock();
	return 0;
}

static struct pvi_vsock *show_of(struct device *dev)
{
	return pvi_link_get_drvdata(to_pvi_link(dev));
}

static ssize_t cid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", show_of(dev)->cid);
}
static DEVICE_ATTR_RO(cid);

static ssize_t peer_cid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", show_of(dev)->peer_cid);
}
static DEVICE_ATTR_RO(peer_cid);

/* As pvictl link --ports takes it. */
static ssize_t ports_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct pvi_vsock *v = show_of(dev);
	u32 i, shown = 0;
	int len = 0;

	if (!v->nr_ports)
		return sysfs_emit(buf, "all\n");
	for (i = 0; i < v->nr_ports; i++) {
		if (v->ports[i].first > v->ports[i].last)
			continue;
		len += sysfs_emit_at(buf, len, shown++ ? ",%u" : "%u", v->ports[i].first);
		if (v->ports[i].first < v->ports[i].last)
			len += sysfs_emit_at(buf, len, "-%u", v->ports[i].last);
	}
	return len + sysfs_emit_at(buf, len, shown ? "\n" : "none\n");
}
static DEVICE_ATTR_RO(ports);

static ssize_t show_count(struct device *dev, enum pvi_vsock_count what, char *buf)
{
	return sysfs_emit(buf, "%ld\n", atomic_long_read(&show_of(dev)->counts[what]));
}

static ssize_t refused_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return show_count(dev, PVI_VSOCK_REFUSED, buf);
}
static DEVICE_ATTR_RO(refused);

static ssize_t bad_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return show_count(dev, PVI_VSOCK_BAD, buf);
}
static DEVICE_ATTR_RO(bad);

static ssize_t dropped_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return show_count(dev, PVI_VSOCK_DROPPED, buf);
}
static DEVICE_ATTR_RO(dropped);

static struct attribute *show_attrs[] = {
	&dev_attr_cid.attr,
	&dev_attr_peer_cid.attr,
	&dev_attr_ports.attr,
	&dev_attr_refused.attr,
	&dev_attr_bad.attr,
	&dev_attr_dropped.attr,
	NULL
};

static const struct attribute_group show_group = {
	.attrs = show_attrs,
};

const struct attribute_group *pvi_vsock_groups[] = {
	&show_group,
	NULL
};

int pvi_vsock_show_init(void)
{
	return proc_create_single("pvi_vsock", 0444, init_net.proc_net, show_peers) ? 0 : -ENOMEM;
}

void pvi_vsock_show_exit(void)
{
	remove_proc_entry("pvi_vsock", init_net.proc_net);
}
