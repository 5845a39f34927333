// SPDX-License-Identifier: GPL-2.0-only
/* kvm_pvi main - init and exit */
#include <linux/module.h>

#include "acl.h"
#include "attach.h"
#include "deliver.h"
#include "eventfd.h"
#include "generation.h"
#include "ioctl.h"
#include "kvm_abi.h"
#include "life.h"
#include "peer.h"
#include "plain.h"
#include "reserve.h"
#include "stats.h"
#include "vm.h"

static int __init pvi_init(void)
{
	int ret;

	ret = pvi_kvm_init();
	if (ret)
		return ret;
	pvi_plain_init();
	pvi_generation_init();
	ret = pvi_vm_init();
	if (ret)
		return ret;
	ret = pvi_deliver_init();
	if (ret)
		goto err_vm;
	ret = pvi_peer_init();
	if (ret)
		goto err_deliver;
	ret = pvi_acl_init();
	if (ret)
		goto err_peer;
	ret = pvi_eventfd_init();
	if (ret)
		goto err_acl;
	ret = pvi_life_init();
	if (ret)
		goto err_eventfd;
	pvi_stats_init();
	ret = pvi_ioctl_init();
	if (ret)
		goto err_stats;
	return 0;

err_stats:
	pvi_stats_exit();
	pvi_life_exit();
err_eventfd:
	pvi_eventfd_exit();
err_acl:
	pvi_acl_exit();
err_peer:
	pvi_peer_exit();
err_deliver:
	pvi_deliver_exit();
err_vm:
	pvi_vm_exit();
	return ret;
}

/*
 * No endpoint is open any more, but the last ones may still be ending. Then
 * nobody needs the hook.
 */
static void __exit pvi_exit(void)
{
	pvi_ioctl_exit();
	pvi_stats_exit();
	pvi_life_drain();
	pvi_life_exit();
	pvi_attach_exit();
	rcu_barrier();
	pvi_eventfd_exit();
	pvi_acl_exit();
	pvi_peer_exit();
	pvi_deliver_exit();
	pvi_vm_exit();
	pvi_reserve_exit();
}

module_init(pvi_init);
module_exit(pvi_exit);

MODULE_DESCRIPTION("Paravirtual interrupts between virtual machines");
MODULE_LICENSE("GPL");
