/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi peer - who may be rung, seen from the sender */
#ifndef _PVI_PEER_H
#define _PVI_PEER_H

#include "edge.h"
#include "vm.h"

/**
 * struct pvi_name - a name that senders have, or may have one day
 * @node: in the table of all names
 * @uuid: the name
 * @peers: position -> struct pvi_peer; readers use RCU
 * @users: peers, and the endpoint bound to this name; protected by names_lock
 */
struct pvi_name {
	struct rhash_head node;
	uuid_t uuid;
	struct xarray peers;
	unsigned int users;
};

struct pvi_peer_key {
	struct pvi_vm *vm;
	struct pvi_name *name;
};

/**
 * struct pvi_peer - what the rows of one receiver about one sender have in common
 * @node: in the table of all peers, by receiver and name
 * @key: receiver (valid under RCU while listed), name (a reference)
 * @position: in @key.name->peers
 * @heard: epoch of the sender that the receiver was told is up, 0: of none, PVI_PEER_GONE; changed under
 *	pvi_events.lock of the receiver
 * @edges: the rows, protected by the receiver's lock; readers use RCU
 * @list: in pvi_vm.peers of the receiver, protected by its lock
 * @rcu: frees it
 */
struct pvi_peer {
	struct rhash_head node;
	struct pvi_peer_key key;
	u32 position;
	u64 heard;
	struct list_head edges;
	struct list_head list;
	struct rcu_head rcu;
};

/* The receiver is told nothing of that peer any more; neither this nor 0 is an epoch. */
#define PVI_PEER_GONE	U64_MAX

int pvi_peer_init(void);
void pvi_peer_exit(void);
int pvi_peer_get_name(struct pvi_vm *vm);
void pvi_peer_put_name(struct pvi_vm *vm);
int pvi_peer_add_edge(struct pvi_vm *vm, struct pvi_edge *edge);
void pvi_peer_remove_edge(struct pvi_vm *vm, struct pvi_edge *edge);
bool pvi_peer_permits(const struct pvi_peer *peer, const struct pvi_vm *from);
void pvi_peer_tell(struct pvi_vm *vm, const uuid_t *uuid, const struct pvi_edge *changed,
		   bool (*permitted)(const void *arg, const struct pvi_vm *from), const void *arg);
void pvi_peer_tell_senders(struct pvi_vm *vm);
void pvi_peer_tell_receivers(struct pvi_vm *vm);
void pvi_peer_forget(struct pvi_vm *vm);
void pvi_peer_settle(struct pvi_vm *vm);
void pvi_peer_hear(struct pvi_vm *from, struct pvi_edge *edge);
void pvi_peer_unpublish(struct pvi_vm *vm);

/* The peer at position *@i or the next one behind it, or NULL. Called under RCU. */
static inline struct pvi_peer *pvi_peer_next(struct pvi_vm *vm, unsigned long *i)
{
	return xa_find(&vm->name->peers, i, ULONG_MAX, XA_PRESENT);
}

#endif /* _PVI_PEER_H */
