// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_link section - PCI devices, two of which are a link
 *
 * A section is the memory of an ivshmem device that begins as ring.rst has it; others, and those of
 * links of kind raw, which are for programs, are left to whoever has a use for them. Two make a link:
 * the one that names this guest as its owner and is the guest's own, to write to, and the one that has the same
 * UUID of a link and the same secret, which the two sides alone know: so no other peer's section passes for one
 * of this link. Who this guest is, the host says; without one the sections wait.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "link.h"

#define SECTION_BAR	2
#define SECTION_AGAIN	HZ	/* until the next try, where there was no memory */

static LIST_HEAD(sections);		/* struct pvi_section */
static LIST_HEAD(starved);		/* those whose probe found no memory */
static DEFINE_MUTEX(sections_lock);	/* protects both, and @core of the first */

static void section_pair_all(struct work_struct *work);
static DECLARE_DELAYED_WORK(work, section_pair_all);

/* The host may say who this guest is. Any context. */
void pvi_section_look(void)
{
	mod_delayed_work(pvi_link_wq, &work, 0);
}

/* There was no memory for something: try it later. Any context. */
void pvi_section_again(void)
{
	queue_delayed_work(pvi_link_wq, &work, SECTION_AGAIN);
}

static bool section_is_side(const struct pvi_section *own, const struct pvi_section *peer)
{
	return own != peer && !peer->core &&
	       !memcmp(own->shape.link, peer->shape.link, sizeof(own->shape.link));
}

/* Make a link of it and of the one that fits, if that is there already. False: there was no memory. */
static bool section_pair(struct pvi_section *own)
{
	struct pvi_section *peer;
	struct pvi_core *core;

	lockdep_assert_held(&sections_lock);
	list_for_each_entry(peer, &sections, node) {
		if (!section_is_side(own, peer))
			continue;
		core = pvi_bus_add(own, peer);
		if (core == ERR_PTR(-ENOMEM))
			return false;
		if (IS_ERR(core))
			continue;
		own->core = core;
		peer->core = core;
		break;
	}
	return true;
}

/* A peer may write the name of this guest, but cannot have its own section be writable here. */
static bool section_is_own(const struct pvi_section *section, const uuid_t *self)
{
	return !memcmp(section->shape.owner, self, sizeof(*self)) && pvi_ring_owns(section->map, get_random_u64());
}

static void section_drop_starved(struct pvi_section *section)
{
	pci_dev_put(section->pci);
	kfree(section);
}

static struct pvi_section *section_next_starved(struct list_head *list)
{
	struct pvi_section *section = list_first_entry_or_null(list, struct pvi_section, node);

	if (section)
		list_del(&section->node);
	return section;
}

/* Those that there are now: one that finds no memory again is another one. */
static void section_feed_all(void)
{
	struct pvi_section *section;
	LIST_HEAD(list);

	mutex_lock(&sections_lock);
	list_splice_init(&starved, &list);
	mutex_unlock(&sections_lock);
	while ((section = section_next_starved(&list))) {
		if (device_attach(&section->pci->dev) < 0)
			pci_dbg(section->pci, "has no driver still\n");
		section_drop_starved(section);
	}
}

static void section_pair_all(struct work_struct *unused)
{
	struct pvi_section *own;
	bool done = true;
	uuid_t self;

	section_feed_all();
	if (kvm_pvi_guest_probe() || kvm_pvi_guest_self(&self, NULL))
		return;
	mutex_lock(&sections_lock);
	list_for_each_entry(own, &sections, node) {
		if (!own->core && section_is_own(own, &self))
			done &= section_pair(own);
		else if (own->core && !own->core->leaving && pvi_bus_is_hungry(own->core))
			pvi_bus_feed(own->core);
	}
	mutex_unlock(&sections_lock);
	if (!done)
		pvi_section_again();
}

/*
 * The memory is other VMs' as well, and cached there, so it is to be here. Below 4 GB firmware has
 * the MTRRs say that there are registers, and memremap() would not map it cached; they mean
 * nothing for this memory.
 */
#if IS_ENABLED(CONFIG_VMAP_PFN)
static void *section_vmap(resource_size_t start, size_t size)
{
	unsigned long i, nr = size >> PAGE_SHIFT, *pfns;
	void *map;

	pfns = kvmalloc_array(nr, sizeof(*pfns), GFP_KERNEL);
	if (!pfns)
		return NULL;
	for (i = 0; i < nr; i++)
		pfns[i] = (start >> PAGE_SHIFT) + i;
	map = vmap_pfn(pfns, nr, PAGE_KERNEL);
	kvfree(pfns);
	return map;
}
#else
static void *section_vmap(resource_size_t start, size_t size)
{
	return NULL;
}
#endif

static bool section_is_low(const struct pci_dev *pci)
{
	return IS_ENABLED(CONFIG_VMAP_PFN) && pci_resource_end(pci, SECTION_BAR) < SZ_4G;
}

static int section_map(struct pvi_section *section)
{
	resource_size_t start = pci_resource_start(section->pci, SECTION_BAR);

	section->size = pci_resource_len(section->pci, SECTION_BAR);
	if (!(pci_resource_flags(section->pci, SECTION_BAR) & IORESOURCE_MEM) ||
	    section->size < PAGE_SIZE)
		return -ENODEV;
	if (section_is_low(section->pci))
		section->map = section_vmap(start, section->size);
	else
		section->map = memremap(start, section->size, MEMREMAP_WB);
	return section->map ? 0 : -ENOMEM;
}

static void section_unmap(struct pvi_section *section)
{
	if (section_is_low(section->pci))
		vunmap(section->map);
	else
		memunmap(section->map);
}

/* Make it known, and look whether the other one is here. */
static void section_add(struct pvi_section *section)
{
	mutex_lock(&sections_lock);
	list_add_tail(&section->node, &sections);
	mutex_unlock(&sections_lock);
	pvi_section_look();
}

/* There was no memory for it: the driver core is asked again, but by @work. */
static void section_starve(struct pvi_section *section)
{
	pci_dev_get(section->pci);
	mutex_lock(&sections_lock);
	list_add_tail(&section->node, &starved);
	mutex_unlock(&sections_lock);
	pvi_section_again();
}

static int section_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct pvi_section *section = kzalloc(sizeof(*section), GFP_KERNEL);
	int ret;

	if (!section)
		return -ENOMEM;
	section->pci = pci;
	ret = pci_enable_device_mem(pci);
	if (ret)
		goto err_free;
	ret = section_map(section);
	if (ret)
		goto err_disable;
	ret = -ENODEV;
	if (!pvi_ring_look(section->map, section->size, &section->shape) ||
	    section->shape.kind == PVI_RING_RAW)
		goto err_unmap;
	ret = pci_request_region(pci, SECTION_BAR, KBUILD_MODNAME);
	if (ret)
		goto err_unmap;
	pci_set_drvdata(pci, section);
	section_add(section);
	return 0;

err_unmap:
	section_unmap(section);
err_disable:
	pci_disable_device(pci);
	if (ret == -ENOMEM) {
		section_starve(section);
		return ret;
	}
err_free:
	kfree(section);
	return ret;
}

/* The link of the section, which is known no more, held; the first to ask is to end it, others wait for that. */
static struct pvi_core *section_leave(struct pvi_section *section, bool *first)
{
	struct pvi_core *core;

	mutex_lock(&sections_lock);
	list_del(&section->node);
	core = section->core;
	if (core) {
		get_device(&core->link.dev);
		*first = !core->leaving;
		core->leaving = true;
	}
	mutex_unlock(&sections_lock);
	return core;
}

static void section_forget(struct pvi_core *core)
{
	mutex_lock(&sections_lock);
	core->own->core = NULL;
	core->peer->core = NULL;
	mutex_unlock(&sections_lock);
}

/*
 * The link ends; the section that remains waits for another. A driver may have to wait for a program
 * meanwhile, which is no reason for other links to: so the lock is not held. Neither section is in
 * another link before.
 */
static void section_unpair(struct pvi_section *section)
{
	bool first = false;
	struct pvi_core *core = section_leave(section, &first);

	if (!core)
		return;
	if (first) {
		pvi_bus_remove(core);
		section_forget(core);
		complete_all(&core->left);
		pvi_section_look();
	} else {
		wait_for_completion(&core->left);
	}
	put_device(&core->link.dev);
}

static void section_remove(struct pci_dev *pci)
{
	struct pvi_section *section = pci_get_drvdata(pci);

	section_unpair(section);
	pci_release_region(pci, SECTION_BAR);
	section_unmap(section);
	pci_disable_device(pci);
	kfree(section);
}

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver driver = {
	.name = KBUILD_MODNAME,
	.id_table = ids,
	.probe = section_probe,
	.remove = section_remove,
};

int __init pvi_section_init(void)
{
	return pci_register_driver(&driver);
}

void pvi_section_exit(void)
{
	struct pvi_section *section;

	pci_unregister_driver(&driver);
	cancel_delayed_work_sync(&work);
	while ((section = section_next_starved(&starved)))
		section_drop_starved(section);
}
