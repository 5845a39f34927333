// SPDX-License-Identifier: GPL-2.0-only
/* kvm_pvi_link bus - links, and their drivers */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/pm.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "../compat/device.h"
#include "link.h"

static const char * const kinds[] = {
	[PVI_RING_NET] = "net",
	[PVI_RING_VSOCK] = "vsock",
};

static const char *bus_kind(const struct pvi_link *link)
{
	return kinds[link->kind];
}

#define BUS_ATTRIBUTE(name, format, value)					\
static ssize_t name##_show(struct device *dev, struct device_attribute *attr,	\
			   char *buf)						\
{										\
	struct pvi_link *link = to_pvi_link(dev);				\
										\
	return sysfs_emit(buf, format "\n", value);				\
}										\
static DEVICE_ATTR_RO(name)

static const char *bus_state(const struct pvi_link *link)
{
	static const char * const states[] = { "reset", "init", "ready", "run" };

	return states[PVI_RING_STATE(READ_ONCE(pvi_core(link)->ring.life))];
}

static long bus_count_rung(const struct pvi_link *link)
{
	unsigned int n;
	long count = 0;

	for (n = 0; n < link->max_queues; n++)
		count += atomic_long_read(&link->queue[n].rung);
	return count;
}

static long bus_count_rings(const struct pvi_link *link)
{
	unsigned int n;
	long count = 0;

	for (n = 0; n < link->max_queues; n++)
		count += atomic_long_read(&link->queue[n].rings);
	return count;
}

static unsigned int bus_queues(const struct pvi_link *link)
{
	return READ_ONCE(pvi_core(link)->up) ? READ_ONCE(pvi_core(link)->ring.queues) : 0;
}

BUS_ATTRIBUTE(kind, "%s", bus_kind(link));
BUS_ATTRIBUTE(modalias, "pvi_link:%s", bus_kind(link));
BUS_ATTRIBUTE(peer, "%pUb", &link->peer);
BUS_ATTRIBUTE(side, "%u", link->side);
BUS_ATTRIBUTE(state, "%s", bus_state(link));
BUS_ATTRIBUTE(queues, "%u", bus_queues(link));
BUS_ATTRIBUTE(max_queues, "%u", link->max_queues);
BUS_ATTRIBUTE(sessions, "%lu", READ_ONCE(pvi_core(link)->sessions));
BUS_ATTRIBUTE(broken, "%ld", atomic_long_read(&pvi_core(link)->broken));
BUS_ATTRIBUTE(rung, "%ld", bus_count_rung(link));
BUS_ATTRIBUTE(rings, "%ld", bus_count_rings(link));

static struct attribute *link_attrs[] = {
	&dev_attr_kind.attr,
	&dev_attr_modalias.attr,
	&dev_attr_peer.attr,
	&dev_attr_side.attr,
	&dev_attr_state.attr,
	&dev_attr_queues.attr,
	&dev_attr_max_queues.attr,
	&dev_attr_sessions.attr,
	&dev_attr_broken.attr,
	&dev_attr_rung.attr,
	&dev_attr_rings.attr,
	NULL
};

ATTRIBUTE_GROUPS(link);

static int bus_match(struct device *dev, pvi_compat_match_driver *drv)
{
	return to_pvi_link(dev)->kind == container_of(drv, struct pvi_link_driver, driver)->kind;
}

static int bus_uevent(pvi_compat_uevent_device *dev, struct kobj_uevent_env *env)
{
	return add_uevent_var(env, "MODALIAS=pvi_link:%s",
			      bus_kind(container_of(dev, struct pvi_link, dev)));
}

/* The driver core does not come back by itself, where there was no memory. */
static int bus_probe(struct device *dev)
{
	struct pvi_link_driver *driver = container_of(dev->driver, struct pvi_link_driver, driver);
	struct pvi_link *link = to_pvi_link(dev);
	struct pvi_core *core = pvi_core(link);
	int ret;

	WRITE_ONCE(core->use, link->max_queues);
	ret = driver->probe(link);
	WRITE_ONCE(core->hungry, ret == -ENOMEM);
	if (ret == -ENOMEM)
		pvi_section_again();
	if (ret)
		return ret;
	pvi_session_bind(core, driver);
	return 0;
}

static void bus_remove(struct device *dev)
{
	struct pvi_link *link = to_pvi_link(dev);
	struct pvi_core *core = pvi_core(link);
	struct pvi_link_driver *driver = core->driver;

	pvi_session_unbind(core);
	driver->remove(link);
}

static void bus_shutdown(struct device *dev)
{
	pvi_session_halt(pvi_core(to_pvi_link(dev)));
}

static int bus_suspend(struct device *dev)
{
	pvi_session_suspend(pvi_core(to_pvi_link(dev)));
	return 0;
}

static int bus_resume(struct device *dev)
{
	pvi_session_resume(pvi_core(to_pvi_link(dev)));
	return 0;
}

static const struct dev_pm_ops pm_ops = {
	SYSTEM_SLEEP_PM_OPS(bus_suspend, bus_resume)
};

static pvi_compat_bus_type bus = {
	.name = "pvi_link",
	.dev_groups = link_groups,
	.match = bus_match,
	.uevent = bus_uevent,
	.probe = bus_probe,
	.remove = bus_remove,
	.shutdown = bus_shutdown,
	.pm = pm_sleep_ptr(&pm_ops),
};

/**
 * __pvi_link_driver_register() - be told of links of a kind
 * @driver: the driver; its @driver.name is set
 * @owner: its module
 * @name: of the module
 *
 * By pvi_link_driver_register(). What links there are is probed now. May sleep.
 *
 * Return: 0 or -errno.
 */
int __pvi_link_driver_register(struct pvi_link_driver *driver, struct module *owner,
			       const char *name)
{
	driver->driver.owner = owner;
	driver->driver.mod_name = name;
	driver->driver.bus = &bus;
	return driver_register(&driver->driver);
}
EXPORT_SYMBOL_GPL(__pvi_link_driver_register);

/**
 * pvi_link_driver_unregister() - not be told any more
 * @driver: one that is registered
 *
 * When this has returned none of its functions runs. May sleep.
 */
void pvi_link_driver_unregister(struct pvi_link_driver *driver)
{
	driver_unregister(&driver->driver);
}
EXPORT_SYMBOL_GPL(pvi_link_driver_unregister);

static void core_free(struct pvi_core *core)
{
	pvi_bell_free(core);
	kfree(core->link.queue);
	kfree(core);
}

/* Links that are devices. One may be held until long after it was removed, by a work of the driver core's. */
static atomic_t nr_devices = ATOMIC_INIT(0);

static void bus_release(struct device *dev)
{
	core_free(pvi_core(to_pvi_link(dev)));
	if (atomic_dec_and_test(&nr_devices))
		wake_up_var(&nr_devices);
}

/* What is constant of it; -ENODEV: the two sections do not fit. */
static int core_describe(struct pvi_core *core)
{
	const struct pvi_ring_shape *mine = &core->ring.mine, *theirs = &core->ring.theirs;
	struct pvi_link *link = &core->link;

	if (!pvi_ring_pair(&core->ring, core->own->map, core->own->size, core->peer->map,
			   core->peer->size))
		return -ENODEV;
	if (mine->kind >= ARRAY_SIZE(kinds) || !kinds[mine->kind])
		return -ENODEV;
	memcpy(&link->uuid, mine->link, sizeof(link->uuid));
	memcpy(&link->peer, mine->peer, sizeof(link->peer));
	memcpy(link->config, core->ring.own->config, sizeof(link->config));
	link->kind = mine->kind;
	link->side = mine->side;
	link->max_queues = min(mine->queues, theirs->queues);
	link->longest = PVI_RING_LONGEST(min(mine->data_size, theirs->data_size));
	return 0;
}

static int core_make_queues(struct pvi_core *core)
{
	struct pvi_link *link = &core->link;
	unsigned int n;

	link->queue = kcalloc(link->max_queues, sizeof(*link->queue), GFP_KERNEL);
	if (!link->queue)
		return -ENOMEM;
	for (n = 0; n < link->max_queues; n++) {
		link->queue[n].link = link;
		link->queue[n].index = n;
	}
	return pvi_bell_init(core);
}

static struct pvi_core *core_new(struct pvi_section *own, struct pvi_section *peer)
{
	struct pvi_core *core = kzalloc(sizeof(*core), GFP_KERNEL);
	int ret;

	if (!core)
		return ERR_PTR(-ENOMEM);
	core->own = own;
	core->peer = peer;
	init_completion(&core->left);
	ret = core_describe(core);
	if (!ret)
		ret = core_make_queues(core);
	if (ret) {
		core_free(core);
		return ERR_PTR(ret);
	}
	pvi_session_init(core);
	return core;
}

/* As a device. Its driver may be bound at once, so there is nothing behind that which may fail. */
static int core_add(struct pvi_core *core)
{
	struct device *dev = &core->link.dev;
	struct device_link *order;
	int ret;

	ret = dev_set_name(dev, "%pUb", &core->link.uuid);
	if (ret)
		return ret;
	/* It sleeps before its parent; and before this one. Goes with the link. */
	order = device_link_add(dev, &core->peer->pci->dev, DL_FLAG_STATELESS);
	if (!order)
		return -ENOMEM;
	ret = device_add(dev);
	if (ret)
		device_link_del(order);
	return ret;
}

/* The link of two sections, known to its driver if there is one; -ENODEV: they are none, -errno. */
struct pvi_core *pvi_bus_add(struct pvi_section *own, struct pvi_section *peer)
{
	struct pvi_core *core = core_new(own, peer);
	struct device *dev;
	int ret;

	if (IS_ERR(core))
		return core;
	dev = &core->link.dev;
	dev->bus = &bus;
	dev->release = bus_release;
	dev->parent = &own->pci->dev;
	device_initialize(dev);
	atomic_inc(&nr_devices);
	pvi_watch_add(core);
	ret = core_add(core);
	if (ret) {
		pvi_watch_remove(core);
		pvi_session_exit(core);
		put_device(dev);
		return ERR_PTR(ret);
	}
	/* What stands there of this side, if it has no driver: see session_leave() */
	pvi_session_look(core);
	return core;
}

bool pvi_bus_is_hungry(const struct pvi_core *core)
{
	return READ_ONCE(core->hungry);
}

/* There may be memory for its driver now. */
void pvi_bus_feed(struct pvi_core *core)
{
	WRITE_ONCE(core->hungry, false);
	if (device_attach(&core->link.dev) < 0)
		dev_dbg(&core->link.dev, "has no driver still\n");
}

/* When this has returned, its memory is not used any more. */
void pvi_bus_remove(struct pvi_core *core)
{
	pvi_watch_remove(core);
	device_del(&core->link.dev);
	pvi_session_exit(core);
	put_device(&core->link.dev);
}

int __init pvi_bus_init(void)
{
	return bus_register(&bus);
}

void pvi_bus_exit(void)
{
	/* bus_release() is called by then. */
	wait_var_event(&nr_devices, !atomic_read(&nr_devices));
	bus_unregister(&bus);
}
