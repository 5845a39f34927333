// SPDX-License-Identifier: GPL-2.0-only
/* kvm_pvi main - init and exit */
#include <linux/module.h>

#include "pvi.h"

struct workqueue_struct *pvi_wq;

static int __init pvi_init(void)
{
	int ret;

	ret = pvi_kvm_init();
	if (ret)
		return ret;
	pvi_wq = alloc_workqueue("kvm_pvi", WQ_UNBOUND, 0);
	if (!pvi_wq)
		return -ENOMEM;
	pvi_generation_init();
	ret = pvi_vm_init();
	if (ret)
		goto err_wq;
	ret = pvi_peer_init();
	if (ret)
		goto err_vm;
	ret = pvi_acl_init();
	if (ret)
		goto err_peer;
	ret = pvi_eventfd_init();
	if (ret)
		goto err_acl;
	ret = pvi_source_init();
	if (ret)
		goto err_eventfd;
	pvi_stats_init();
	ret = pvi_ioctl_init();
	if (ret)
		goto err_stats;
	return 0;

err_stats:
	pvi_stats_exit();
	pvi_source_exit();
err_eventfd:
	pvi_eventfd_exit();
err_acl:
	pvi_acl_exit();
err_peer:
	pvi_peer_exit();
err_vm:
	pvi_vm_exit();
err_wq:
	destroy_workqueue(pvi_wq);
	return ret;
}

/*
 * No endpoint is open any more, but the teardown of the last ones may still
 * run. Then nobody needs the hook.
 */
static void __exit pvi_exit(void)
{
	pvi_ioctl_exit();
	pvi_stats_exit();
	pvi_vm_drain();
	destroy_workqueue(pvi_wq);
	pvi_source_exit();
	pvi_hook_exit();
	rcu_barrier();
	pvi_eventfd_exit();
	pvi_acl_exit();
	pvi_peer_exit();
	pvi_vm_exit();
	pvi_reserve_exit();
}

module_init(pvi_init);
module_exit(pvi_exit);

MODULE_DESCRIPTION("Paravirtual interrupts between virtual machines");
MODULE_LICENSE("GPL");
