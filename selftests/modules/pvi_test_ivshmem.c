// SPDX-License-Identifier: GPL-2.0-only
/*
 * pvi_test_ivshmem - a guest's driver of QEMU's ivshmem-doorbell. /proc/interrupts counts its MSI-X
 * vectors, the attributes "position" and "doorbell" are the registers of these names.
 */
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/pci.h>

#define IV_POSITION	0x08
#define DOORBELL	0x0c
#define MAX_VECTORS	8

static void __iomem *registers(struct device *dev)
{
	return pcim_iomap_table(to_pci_dev(dev))[0];
}

static irqreturn_t handler(int irq, void *data)
{
	return IRQ_HANDLED;
}

static ssize_t position_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", ioread32(registers(dev) + IV_POSITION));
}
static DEVICE_ATTR_RO(position);

static ssize_t doorbell_store(struct device *dev, struct device_attribute *attr, const char *buf,
			      size_t count)
{
	u32 value;
	int ret = kstrtou32(buf, 0, &value);

	if (ret)
		return ret;
	iowrite32(value, registers(dev) + DOORBELL);
	return count;
}
static DEVICE_ATTR_WO(doorbell);

static struct attribute *ivshmem_attrs[] = {
	&dev_attr_position.attr,
	&dev_attr_doorbell.attr,
	NULL
};
ATTRIBUTE_GROUPS(ivshmem);

static int request_vectors(struct pci_dev *pdev)
{
	int nr = pci_alloc_irq_vectors(pdev, 1, MAX_VECTORS, PCI_IRQ_MSIX), i, ret;
	const char *name;

	for (i = 0; i < nr; i++) {
		name = devm_kasprintf(&pdev->dev, GFP_KERNEL, "ivshmem:%d", i);
		if (!name)
			return -ENOMEM;
		ret = devm_request_irq(&pdev->dev, pci_irq_vector(pdev, i), handler, 0, name, pdev);
		if (ret)
			return ret;
	}
	return min(nr, 0);
}

static int ivshmem_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret;

	/* ivshmem-plain has no doorbell. */
	if (!pdev->msix_cap)
		return -ENODEV;
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	if (!pcim_iomap(pdev, 0, 0))
		return -ENOMEM;
	pci_set_master(pdev);
	return request_vectors(pdev);
}

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver ivshmem_driver = {
	.name = KBUILD_MODNAME,
	.id_table = ids,
	.probe = ivshmem_probe,
	.dev_groups = ivshmem_groups,
};
module_pci_driver(ivshmem_driver);

MODULE_DESCRIPTION("Test of kvm_pvi: drives ivshmem-doorbell");
MODULE_LICENSE("GPL");
