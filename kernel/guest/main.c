// SPDX-License-Identifier: GPL-2.0-only
/* kvm_pvi_guest main - init and exit */
#include <linux/module.h>

#include "guest.h"

static bool late;
module_param(late, bool, 0444);
MODULE_PARM_DESC(late, "load although no host answers yet; each open of the device asks again");

/* One line that says why there is no host. */
static int __init find_host(void)
{
	int ret;

	if (!kvm_para_available()) {
		pr_info("no host: this is not a guest of KVM\n");
		return -ENODEV;
	}
	ret = pvi_detect_probe();
	if (!ret)
		pr_info("this guest is %pUb\n", &pvi_host.uuid);
	else if (ret == -EPROTONOSUPPORT)
		pr_info("no host: its kvm_pvi speaks another ABI than version %u of this driver\n",
			KVM_PVI_ABI_MAJOR);
	else
		pr_info("no host: it has no kvm_pvi, or this VM was not bound to it%s\n",
			late ? ", yet" : "");
	return ret && !late ? -ENODEV : 0;
}

static int __init guest_init(void)
{
	int ret;

	ret = find_host();
	if (ret)
		return ret;
	ret = pvi_ring_init();
	if (ret)
		goto err_host;
	ret = pvi_power_init();
	if (ret)
		goto err_ring;
	ret = pvi_chardev_init();
	if (ret)
		goto err_power;
	return 0;

err_power:
	pvi_power_exit();
err_ring:
	pvi_ring_exit();
err_host:
	pvi_detect_reset();
	return ret;
}

static void __exit guest_exit(void)
{
	pvi_chardev_exit();
	pvi_power_exit();
	pvi_detect_reset();
	pvi_msi_exit();
	pvi_ring_exit();
}

module_init(guest_init);
module_exit(guest_exit);

MODULE_DESCRIPTION("Paravirtual interrupts between virtual machines, for guests");
MODULE_LICENSE("GPL");
