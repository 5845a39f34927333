/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* libpvi: what the files of the ivshmem registers share */
#ifndef LIBPVI_IVSHMEM_H
#define LIBPVI_IVSHMEM_H

#include <pthread.h>
#include <stdbool.h>

#include "internal.h"

#define MESSAGE_BITS	0xffu	/* what the lower half of Doorbell can say */

/*
 * @there:	pvi_ivshmem_add_peer() has named it
 * @port:	to its bell, or -1; it may be one to a VM that has died
 */
struct ivshmem_peer {
	bool there;
	unsigned char uuid[KVM_PVI_UUID_SIZE];
	uint32_t gsi;
	int port;
};

/* A value of Doorbell that KVM takes: @eventfd is a source that rings @port. */
struct ivshmem_armed {
	struct ivshmem_armed *next;
	uint16_t doorbell;
	int vm_fd;
	uint64_t bar;
	int eventfd;
	int port;
};

/*
 * The bell is what the registers show: its flags are IntrStatus, what it enables is IntrMask.
 *
 * @lock:	protects what follows
 * @mask:	as the guest wrote it; the bell knows the lower half alone
 * @accepted:	by value: eventfd of its GSI, or -1
 * @epoll:	readable if one of them is
 * @retired:	@nr_retired ports to peers that have died or revoked, which pvi_ivshmem_unlock() closes: there are
 *		none while nobody holds the lock
 * @nr_closing:	how many of them are being closed without the lock
 * @closed:	one of these is
 */
struct pvi_ivshmem {
	int pvi;
	uint32_t id;
	uint32_t bell;
	pthread_mutex_t lock;
	uint16_t mask;
	struct ivshmem_peer peers[PVI_IVSHMEM_BROADCAST];
	struct ivshmem_armed *armed;
	int accepted[MESSAGE_BITS + 1];
	int epoll;
	unsigned int nr_retired, nr_closing;
	int retired[PVI_IVSHMEM_BROADCAST];
	pthread_cond_t closed;
};

/* ivshmem.c, with the lock held; the first lets it go, the others may meanwhile, where there is no port left */
void pvi_ivshmem_unlock(struct pvi_ivshmem *dev);
bool pvi_ivshmem_make_room(struct pvi_ivshmem *dev);
int pvi_ivshmem_send(struct pvi_ivshmem *dev, uint32_t id, uint8_t message);
bool pvi_ivshmem_is_live(struct pvi_ivshmem *dev, uint32_t id);

/* ivshmem_event.c, with the lock held: for a peer that comes or goes, and for the end */
int pvi_ivshmem_allow_values(struct pvi_ivshmem *dev, const struct ivshmem_peer *peer);
void pvi_ivshmem_revoke_values(struct pvi_ivshmem *dev, const struct ivshmem_peer *peer);
void pvi_ivshmem_disarm_peer(struct pvi_ivshmem *dev, uint32_t id);
void pvi_ivshmem_end_events(struct pvi_ivshmem *dev);

#endif
