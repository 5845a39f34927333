// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_pvi_net life - when frames go: the interface is up, and so is the link
 *
 * Of a link whose interface is down this side uses no queue; so the carrier of either side says
 * that both are up. A change of the number of queues is a new session of the link. While this guest
 * sleeps the bus has no session.
 */
#include "net.h"

/* Every one of the session's queues is empty, or has what another opening left there. */
static void life_start(struct pvi_net *net)
{
	struct net_device *dev = net->dev;
	struct pvi_net_queue *q;

	ASSERT_RTNL();
	/* Without memory there is no carrier; another session is to try again. */
	if (netif_set_real_num_queues(dev, net->active, net->active)) {
		pvi_link_set_queues(net->link, net->use);
		return;
	}
	for (q = net->queues; q < net->queues + net->active; q++)
		pvi_net_tx_begin(q);
	/* Who sends finds all of that: pairs with pvi_net_tx_xmit() */
	smp_store_release(&net->running, true);
	for (q = net->queues; q < net->queues + net->active; q++)
		napi_enable(&q->napi);
	netif_carrier_on(dev);
	/* Of a short break the stack has not heard: what it had for the session before still waits. */
	netif_tx_wake_all_queues(dev);
	/* What the peer has rung for before went unheard. */
	local_bh_disable();
	for (q = net->queues; q < net->queues + net->active; q++)
		napi_schedule(&q->napi);
	local_bh_enable();
}

/* NAPI first: it is who starts queues. When this has returned nothing uses the link's. */
static void life_halt(struct pvi_net *net)
{
	struct pvi_net_queue *q;

	ASSERT_RTNL();
	if (!net->running)
		return;
	WRITE_ONCE(net->running, false);
	netif_carrier_off(net->dev);
	for (q = net->queues; q < net->queues + net->active; q++)
		napi_disable(&q->napi);
	netif_tx_disable(net->dev);
}

int pvi_net_life_open(struct net_device *dev)
{
	struct pvi_net *net = netdev_priv(dev);

	if (net->active)
		life_start(net);
	pvi_link_set_queues(net->link, net->use);
	return 0;
}

int pvi_net_life_stop(struct net_device *dev)
{
	struct pvi_net *net = netdev_priv(dev);

	life_halt(net);
	pvi_link_set_queues(net->link, 0);
	return 0;
}

/* Under rtnl_lock. The link comes down, and up with so many, unless the peer uses fewer. */
void pvi_net_life_use(struct pvi_net *net, unsigned int use)
{
	ASSERT_RTNL();
	net->use = use;
	if (netif_running(net->dev))
		pvi_link_set_queues(net->link, use);
}

void pvi_net_life_up(struct pvi_link *link, unsigned int queues)
{
	struct pvi_net *net = pvi_link_get_drvdata(link);

	rtnl_lock();
	net->active = queues;
	if (netif_running(net->dev))
		life_start(net);
	rtnl_unlock();
}

void pvi_net_life_down(struct pvi_link *link)
{
	struct pvi_net *net = pvi_link_get_drvdata(link);

	rtnl_lock();
	life_halt(net);
	net->active = 0;
	rtnl_unlock();
}
