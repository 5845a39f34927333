// SPDX-License-Identifier: GPL-2.0-only
/* kvm_pvi_guest main - init and exit */
#include <linux/module.h>

#include "guest.h"

/*
 * A host may come later, when this VM is attached to it while it runs or moves
 * to another machine. So its absence is no reason not to load; to be no guest
 * of KVM is one. Either way one line says why nothing works.
 */
static int __init guest_find_host(void)
{
	int ret;

	if (!kvm_para_available()) {
		pr_info("no host: this is not a guest of KVM\n");
		return -ENODEV;
	}
	ret = kvm_pvi_guest_probe();
	if (ret == -EPROTONOSUPPORT)
		pr_info("no host yet: its kvm_pvi speaks another ABI than version %u of this driver\n",
			KVM_PVI_ABI_MAJOR);
	else if (ret)
		pr_info("no host yet: it has no kvm_pvi, or this VM is not bound to it; each open of /dev/kvm_pvi_guest asks again\n");
	return 0;
}

static int __init guest_init(void)
{
	int ret;

	ret = guest_find_host();
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
	pvi_life_exit();
	pvi_detect_reset();
	return ret;
}

static void __exit guest_exit(void)
{
	pvi_chardev_exit();
	pvi_power_exit();
	/* Of a host that has gone the peers' work tells the other one, which begins nothing where nobody waits. */
	pvi_peers_exit();
	pvi_life_exit();
	pvi_detect_reset();
	pvi_msi_exit();
	pvi_ring_exit();
}

module_init(guest_init);
module_exit(guest_exit);

MODULE_DESCRIPTION("Paravirtual interrupts between virtual machines, for guests");
MODULE_LICENSE("GPL");
