// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* libpvi ivshmem - an ivshmem device of 2010, and its peers */
#include <stdlib.h>
#include <sys/epoll.h>

#include "ivshmem.h"

static int set_up(struct pvi_ivshmem *dev, const unsigned char *uuid, uint32_t gsi)
{
	int ret;

	dev->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (dev->epoll < 0)
		return -errno;
	ret = pvi_bell_create(dev->pvi, dev->bell, gsi);
	if (!ret)
		ret = pvi_ivshmem_add_peer(dev, dev->id, uuid, gsi);
	if (ret)
		close(dev->epoll);
	return ret;
}

int pvi_ivshmem_create(struct pvi_ivshmem **dev, int pvi, const unsigned char *uuid, uint32_t id,
		       uint32_t gsi, uint32_t bell)
{
	struct pvi_ivshmem *new;
	unsigned int i;
	int ret;

	if (id >= PVI_IVSHMEM_BROADCAST)
		return -EINVAL;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->pvi = pvi;
	new->id = id;
	new->bell = bell;
	pthread_mutex_init(&new->lock, NULL);
	pthread_cond_init(&new->closed, NULL);
	for (i = 0; i <= MESSAGE_BITS; i++)
		new->accepted[i] = -1;
	ret = set_up(new, uuid, gsi);
	if (ret)
		free(new);
	else
		*dev = new;
	return ret;
}

/* There is room: who has the lock retires one of each peer at most, or one for each of 16 events. */
static void retire_port(struct pvi_ivshmem *dev, struct ivshmem_peer *peer)
{
	if (peer->port >= 0)
		dev->retired[dev->nr_retired++] = peer->port;
	peer->port = -1;
}

/* Without the lock: who waits for a port is told of each. */
static void close_ports(struct pvi_ivshmem *dev, const int *ports, unsigned int nr)
{
	while (nr) {
		pvi_close_port(dev->pvi, ports[--nr]);
		pthread_mutex_lock(&dev->lock);
		dev->nr_closing--;
		pthread_cond_broadcast(&dev->closed);
		pthread_mutex_unlock(&dev->lock);
	}
}

/* The kernel waits until nobody is ringing by a port that is closed, and others may ring meanwhile. */
void pvi_ivshmem_unlock(struct pvi_ivshmem *dev)
{
	int ports[PVI_IVSHMEM_BROADCAST];
	unsigned int nr = dev->nr_retired;

	memcpy(ports, dev->retired, nr * sizeof(*ports));
	dev->nr_retired = 0;
	dev->nr_closing += nr;
	pthread_mutex_unlock(&dev->lock);
	close_ports(dev, ports, nr);
}

/*
 * All ports of the endpoint are in use, and these need not be: true if there are fewer of them than before. To wait for
 * who is closing some lets the lock go, with none retired: peers may come, go and be connected meanwhile.
 */
bool pvi_ivshmem_make_room(struct pvi_ivshmem *dev)
{
	if (!dev->nr_retired && !dev->nr_closing)
		return false;
	if (!dev->nr_retired) {
		pthread_cond_wait(&dev->closed, &dev->lock);
		return true;
	}
	while (dev->nr_retired)
		pvi_close_port(dev->pvi, dev->retired[--dev->nr_retired]);
	return true;
}

void pvi_ivshmem_destroy(struct pvi_ivshmem *dev)
{
	uint32_t id;

	pvi_ivshmem_end_events(dev);
	for (id = 0; id < PVI_IVSHMEM_BROADCAST; id++)
		if (dev->peers[id].there)
			pvi_ivshmem_remove_peer(dev, id);
	close(dev->epoll);
	pthread_cond_destroy(&dev->closed);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

/* Another id stands for the same endpoint: the rows of its table are of both. */
static bool is_shared(const struct pvi_ivshmem *dev, const struct ivshmem_peer *peer)
{
	uint32_t id;

	for (id = 0; id < PVI_IVSHMEM_BROADCAST; id++)
		if (&dev->peers[id] != peer && dev->peers[id].there &&
		    !memcmp(dev->peers[id].uuid, peer->uuid, sizeof(peer->uuid)))
			return true;
	return false;
}

static int revoke_peer(struct pvi_ivshmem *dev, struct ivshmem_peer *peer)
{
	if (is_shared(dev, peer))
		return 0;
	pvi_ivshmem_revoke_values(dev, peer);
	return pvi_revoke_bell(dev->pvi, peer->uuid, dev->bell);
}

static int add_peer(struct pvi_ivshmem *dev, uint32_t id, const unsigned char *uuid, uint32_t gsi)
{
	struct ivshmem_peer *peer = &dev->peers[id];
	int ret;

	if (peer->there)
		return -EEXIST;
	ret = pvi_allow_bell(dev->pvi, uuid, dev->bell, MESSAGE_BITS, NULL);
	if (ret)
		return ret;
	pvi_copy_uuid(peer->uuid, uuid);
	peer->gsi = gsi;
	peer->port = -1;
	ret = pvi_ivshmem_allow_values(dev, peer);
	if (ret)
		revoke_peer(dev, peer);
	else
		peer->there = true;
	return ret;
}

int pvi_ivshmem_add_peer(struct pvi_ivshmem *dev, uint32_t id, const unsigned char *uuid,
			 uint32_t gsi)
{
	int ret;

	if (id >= PVI_IVSHMEM_BROADCAST)
		return -EINVAL;
	pthread_mutex_lock(&dev->lock);
	ret = add_peer(dev, id, uuid, gsi);
	pvi_ivshmem_unlock(dev);
	return ret;
}

static int remove_peer(struct pvi_ivshmem *dev, uint32_t id)
{
	struct ivshmem_peer *peer = &dev->peers[id];

	if (!peer->there)
		return -ENOENT;
	peer->there = false;
	pvi_ivshmem_disarm_peer(dev, id);
	retire_port(dev, peer);
	return revoke_peer(dev, peer);
}

int pvi_ivshmem_remove_peer(struct pvi_ivshmem *dev, uint32_t id)
{
	int ret;

	if (id >= PVI_IVSHMEM_BROADCAST)
		return -EINVAL;
	pthread_mutex_lock(&dev->lock);
	ret = remove_peer(dev, id);
	pvi_ivshmem_unlock(dev);
	return ret;
}

/*
 * The peer is a name: a VM that has died may have a successor, for which the port is no good. While there is no room
 * for another one the peer may be removed, or connected by another thread.
 */
static int connect_peer(struct pvi_ivshmem *dev, struct ivshmem_peer *peer)
{
	int port;

	retire_port(dev, peer);
	while (peer->there && peer->port < 0) {
		port = pvi_connect(dev->pvi, KVM_PVI_PORT_ANY, peer->uuid, peer->gsi);
		if (port >= 0)
			peer->port = port;
		else if (port != -ENOSPC || !pvi_ivshmem_make_room(dev))
			return port;
	}
	return peer->there ? 0 : -ENOENT;
}

/* Nobody has died or taken anything back since it was made: another port would say the same. */
static bool is_port_live(struct pvi_ivshmem *dev, const struct ivshmem_peer *peer)
{
	uint64_t state;

	return peer->port >= 0 &&
	       !pvi_query(dev->pvi, KVM_PVI_Q_PORT, peer->port, KVM_PVI_Q_PORT_STATE, &state) &&
	       state == KVM_PVI_PORT_LIVE;
}

bool pvi_ivshmem_is_live(struct pvi_ivshmem *dev, uint32_t id)
{
	struct ivshmem_peer *peer = &dev->peers[id];

	return peer->there && (is_port_live(dev, peer) || !connect_peer(dev, peer));
}

int pvi_ivshmem_send(struct pvi_ivshmem *dev, uint32_t id, uint8_t message)
{
	struct ivshmem_peer *peer = &dev->peers[id];
	int ret = -ENXIO;

	if (!peer->there)
		return -ENOENT;
	if (peer->port >= 0)
		ret = pvi_bell_send(dev->pvi, peer->port, message, NULL);
	if (ret == -ENXIO || (ret == -EPERM && !is_port_live(dev, peer))) {
		ret = connect_peer(dev, peer);
		if (!ret)
			ret = pvi_bell_send(dev->pvi, peer->port, message, NULL);
	}
	return ret < 0 ? ret : 0;
}
