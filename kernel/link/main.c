// SPDX-License-Identifier: GPL-2.0-only
/* kvm_pvi_link main - init and exit */
#include <linux/module.h>

#include "link.h"

struct workqueue_struct *pvi_link_wq;

static int __init link_init(void)
{
	int ret;

	/* Nothing is begun while this guest is put to sleep. */
	pvi_link_wq = alloc_workqueue("kvm_pvi_link", WQ_FREEZABLE | WQ_UNBOUND, 0);
	if (!pvi_link_wq)
		return -ENOMEM;
	ret = pvi_bus_init();
	if (ret)
		goto err_wq;
	ret = pvi_watch_init();
	if (ret)
		goto err_bus;
	ret = pvi_section_init();
	if (ret)
		goto err_watch;
	return 0;

err_watch:
	pvi_watch_exit();
err_bus:
	pvi_bus_exit();
err_wq:
	destroy_workqueue(pvi_link_wq);
	return ret;
}

static void __exit link_exit(void)
{
	pvi_section_exit();
	pvi_watch_exit();
	pvi_bus_exit();
	destroy_workqueue(pvi_link_wq);
}

module_init(link_init);
module_exit(link_exit);

MODULE_DESCRIPTION("Links between virtual machines: shared memory and paravirtual interrupts");
MODULE_LICENSE("GPL");
