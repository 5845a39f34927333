/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libpvi - interrupts between virtual machines, for VMMs and host processes
 *
 * A thin layer over the ioctls of /dev/kvm_pvi. An endpoint is a file descriptor
 * as pvi_open() returns it; there is no other state, here or in the process, but
 * that of a struct pvi_ivshmem, pvi_msg or pvi_setup_reader, so all functions may be called from any thread at
 * any time. All descriptors that the library makes are close-on-exec and the
 * caller's to close. Nothing is printed.
 *
 * Unless said otherwise a function returns 0, or a negative errno whose meaning
 * stands in <linux/kvm_pvi.h> with the ioctl or the hypercall of that name. A
 * UUID is 16 bytes as RFC 9562 prints them, which is what uuid_parse(3) gives.
 */
#ifndef LIBPVI_H
#define LIBPVI_H

#include <linux/kvm_pvi.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header: the major number above 16 bits of the minor one */
#define LIBPVI_VERSION	0x00000001u

/**
 * pvi_version - which version the library is that the program runs with
 *
 * Return: as LIBPVI_VERSION of the header; what has come since is not there if it is less.
 */
unsigned int pvi_version(void);

/**
 * struct pvi_rate - how often something may be rung; a NULL pointer is no limit
 * @rate: rings a second, 0 for no limit
 * @burst: rings that may come at once, at least 1 if @rate is set
 */
struct pvi_rate {
	uint32_t rate;
	uint32_t burst;
};

/* Endpoints: pvi_endpoint(3) */

/**
 * pvi_open - open /dev/kvm_pvi
 *
 * Return: an endpoint that is not bound, or -errno; ENOENT: kvm_pvi is not loaded.
 */
int pvi_open(void);

/**
 * pvi_get_info - what this host serves
 * @pvi: an endpoint
 * @info: in: @size is sizeof(*info), the rest is 0; out: the answer
 */
int pvi_get_info(int pvi, struct kvm_pvi_info *info);

/**
 * pvi_bind - give an endpoint a VM and a name
 * @pvi: an endpoint that is not bound
 * @vm_fd: what KVM_CREATE_VM returned, or -1 for a host process
 * @uuid: the name
 * @flags: KVM_PVI_BIND_OWNER or KVM_PVI_BIND_VMM, KVM_PVI_BIND_GRANTS_ONLY
 * @owner: with KVM_PVI_BIND_OWNER the uid of the owner, with KVM_PVI_BIND_VMM the process that has the VM, else 0
 * @epoch: out: the number of this binding; may be NULL
 */
int pvi_bind(int pvi, int vm_fd, const unsigned char *uuid, uint32_t flags,
	     uid_t owner, uint64_t *epoch);

/**
 * pvi_enrol - pvi_open() and pvi_bind() in one, without flags
 * @vm_fd: what KVM_CREATE_VM returned, or -1 for a host process
 * @uuid: the name
 *
 * Return: the endpoint, or -errno; EPROTO: the host speaks another version of the interface.
 */
int pvi_enrol(int vm_fd, const unsigned char *uuid);

/**
 * pvi_reserve - keep a name for a user; needs CAP_SYS_ADMIN
 * @pvi: an endpoint, bound or not
 * @uuid: the name
 * @uid: who alone may bind it
 */
int pvi_reserve(int pvi, const unsigned char *uuid, uid_t uid);

/**
 * pvi_unreserve - leave the name to anybody again; needs CAP_SYS_ADMIN
 * @pvi: an endpoint, bound or not
 * @uuid: the name
 */
int pvi_unreserve(int pvi, const unsigned char *uuid);

/**
 * pvi_reserve_from - pvi_reserve(), unless the name is kept for somebody else
 * @pvi: an endpoint, bound or not
 * @uuid: the name
 * @uid: who alone may bind it
 * @from: for whom, beside @uid, it may be kept until now
 *
 * Return: 0, or -errno; EEXIST: it is kept for another one, and stays so.
 */
int pvi_reserve_from(int pvi, const unsigned char *uuid, uid_t uid, uid_t from);

/**
 * pvi_unreserve_from - pvi_unreserve(), if the name is kept for that user
 * @pvi: an endpoint, bound or not
 * @uuid: the name
 * @from: for whom
 *
 * Return: 0, or -errno; EEXIST: it is kept for another one, and stays so.
 */
int pvi_unreserve_from(int pvi, const unsigned char *uuid, uid_t from);

/* What the endpoint receives on: pvi_gsi(3) */

/**
 * pvi_expose - make a GSI ringable
 * @pvi: a bound endpoint
 * @gsi: the GSI
 * @kind: KVM_PVI_GSI_DIRECT, KVM_PVI_GSI_EVENTFD or KVM_PVI_GSI_MSI
 * @rate: of all senders together
 */
int pvi_expose(int pvi, uint32_t gsi, uint32_t kind, const struct pvi_rate *rate);

/**
 * pvi_unexpose - no more rings of a GSI
 * @pvi: a bound endpoint
 * @gsi: an exposed GSI
 */
int pvi_unexpose(int pvi, uint32_t gsi);

/**
 * pvi_wire - signal an eventfd for the rings of a GSI
 * @pvi: a bound endpoint
 * @gsi: an exposed GSI of kind KVM_PVI_GSI_EVENTFD
 * @eventfd: an eventfd, or -1 to make one (nonblocking)
 *
 * Return: the eventfd, or -errno. The kernel keeps what it needs of it.
 */
int pvi_wire(int pvi, uint32_t gsi, int eventfd);

/**
 * pvi_wire_irqfd - wire an eventfd to a GSI, and have it inject that GSI into the VM (KVM_IRQFD)
 * @pvi: the endpoint of the VM
 * @vm_fd: the VM, which must have been made by this process
 * @gsi: an exposed GSI of kind KVM_PVI_GSI_EVENTFD that the VM has a route for
 * @eventfd: an eventfd, or -1 to make one (nonblocking)
 *
 * Return: the eventfd, or -errno of KVM_IRQFD or KVM_PVI_WIRE; then nothing is wired.
 */
int pvi_wire_irqfd(int pvi, int vm_fd, uint32_t gsi, int eventfd);

/**
 * pvi_unwire - signal no eventfd for a GSI any more; rings are latched
 * @pvi: a bound endpoint
 * @gsi: an exposed GSI of kind KVM_PVI_GSI_EVENTFD
 */
int pvi_unwire(int pvi, uint32_t gsi);

/**
 * pvi_unwire_irqfd - undo pvi_wire_irqfd(); the eventfd stays the caller's
 * @pvi: the endpoint of the VM
 * @vm_fd: the VM
 * @gsi: the GSI
 * @eventfd: what pvi_wire_irqfd() returned
 */
int pvi_unwire_irqfd(int pvi, int vm_fd, uint32_t gsi, int eventfd);

/**
 * pvi_kick - deliver what is latched
 * @pvi: a bound endpoint
 * @gsi: an exposed GSI
 */
int pvi_kick(int pvi, uint32_t gsi);

/* Status words, which tell senders that no ring is needed: pvi_status(3) */

/**
 * pvi_status_memory - make shared memory that status words may lie in
 * @size: in bytes; a word has 64
 * @address: out: where it is mapped, writable
 *
 * Return: a memfd, or -errno.
 */
int pvi_status_memory(size_t size, void **address);

/**
 * pvi_status_seal - let nobody map a memfd writable who has not done so yet
 * @memfd: made with MFD_ALLOW_SEALING
 *
 * Return: 0 or -errno; EPERM: it cannot be sealed, EINVAL: it is no memfd.
 */
int pvi_status_seal(int memfd);

/**
 * pvi_set_status - give a GSI a status word
 * @pvi: a bound endpoint
 * @gsi: an exposed GSI
 * @memfd: sealed memory
 * @offset: of the word in it, a multiple of 64
 * @address: where this process has the word mapped, writable
 * @flags: KVM_PVI_STATUS_UNSEALED
 */
int pvi_set_status(int pvi, uint32_t gsi, int memfd, uint64_t offset, void *address,
		   uint32_t flags);

/**
 * pvi_unstatus - take the status word away; senders that skip come back
 * @pvi: a bound endpoint
 * @gsi: the GSI
 */
int pvi_unstatus(int pvi, uint32_t gsi);

/* Who may ring the endpoint: pvi_allow(3) */

/**
 * pvi_allow - let a sender ring
 * @pvi: a bound endpoint
 * @sender: its name; need not be bound
 * @gsi: a GSI, or KVM_PVI_GSI_ANY
 * @rate: of this sender
 */
int pvi_allow(int pvi, const unsigned char *sender, uint32_t gsi,
	      const struct pvi_rate *rate);

/**
 * pvi_allow_owner - allow a sender to ring, if its endpoint belongs to @owner
 * @pvi: a bound endpoint
 * @sender: its name
 * @gsi: a GSI, or KVM_PVI_GSI_ANY
 * @owner: a uid
 * @rate: of this sender
 */
int pvi_allow_owner(int pvi, const unsigned char *sender, uint32_t gsi,
		    uid_t owner, const struct pvi_rate *rate);

/**
 * pvi_revoke - take back what was allowed for @gsi
 * @pvi: a bound endpoint
 * @sender: the name
 * @gsi: exactly as it was allowed
 */
int pvi_revoke(int pvi, const unsigned char *sender, uint32_t gsi);

/**
 * pvi_revoke_all - take back all that a sender was allowed
 * @pvi: a bound endpoint
 * @sender: the name
 */
int pvi_revoke_all(int pvi, const unsigned char *sender);

/* What the endpoint rings: pvi_port(3) */

/**
 * pvi_set_port - make a port that signals an eventfd
 * @pvi: a bound endpoint
 * @port: its number, or KVM_PVI_PORT_ANY
 * @eventfd: the eventfd
 *
 * Return: the port, or -errno.
 */
int pvi_set_port(int pvi, uint32_t port, int eventfd);

/**
 * pvi_connect - make a port that rings a peer
 * @pvi: a bound endpoint
 * @port: its number, or KVM_PVI_PORT_ANY
 * @receiver: the peer's name
 * @gsi: the peer's GSI
 *
 * Return: the port, or -errno.
 */
int pvi_connect(int pvi, uint32_t port, const unsigned char *receiver,
		uint32_t gsi);

/**
 * pvi_connect_owner - make a port, if the peer's endpoint belongs to @owner
 * @pvi: a bound endpoint
 * @port: its number, or KVM_PVI_PORT_ANY
 * @receiver: the peer's name
 * @gsi: the peer's GSI
 * @owner: a uid
 *
 * Return: the port, or -errno.
 */
int pvi_connect_owner(int pvi, uint32_t port, const unsigned char *receiver,
		      uint32_t gsi, uid_t owner);

/**
 * pvi_close_port - close a port
 * @pvi: a bound endpoint
 * @port: the port
 */
int pvi_close_port(int pvi, uint32_t port);

/**
 * pvi_wire_source - have an eventfd ring a port
 * @pvi: a bound endpoint
 * @port: the port
 * @eventfd: an eventfd, for instance of a KVM_IOEVENTFD, or -1 to make one (nonblocking)
 *
 * Return: the eventfd, or -errno. Closing its last descriptor unwires it.
 */
int pvi_wire_source(int pvi, uint32_t port, int eventfd);

/**
 * pvi_unwire_source - undo pvi_wire_source(); the eventfd stays the caller's
 * @pvi: a bound endpoint
 * @port: the port
 * @eventfd: what pvi_wire_source() returned
 */
int pvi_unwire_source(int pvi, uint32_t port, int eventfd);

/* Hypercalls, issued by the endpoint: pvi_call(3) */

/**
 * pvi_call - any hypercall
 * @pvi: a bound endpoint
 * @nr: KVM_HC_PVI_FEATURES...
 * @args: the arguments; addresses are of this process
 * @rbx: out: what the call returns in RBX; may be NULL
 *
 * Return: what the call returns, -KVM_PVI_ENOSYS if the host does not serve it; or -errno
 * of the ioctl.
 */
int64_t pvi_call(int pvi, uint32_t nr, const uint64_t args[4], uint64_t *rbx);

/*
 * The others return the call's result as they say it, or -errno: that of the
 * ioctl, or that of the call; EOPNOTSUPP if the host does not serve it.
 */

/**
 * pvi_features - what the host serves
 * @pvi: a bound endpoint
 *
 * Return: KVM_PVI_FEAT_*, or -errno.
 */
int pvi_features(int pvi);

/**
 * pvi_ring - ring a peer
 * @pvi: a bound endpoint
 * @receiver: the peer's name
 * @gsi: the peer's GSI
 *
 * Return: a verdict (KVM_PVI_RAISED...), or -errno.
 */
int pvi_ring(int pvi, const unsigned char *receiver, uint32_t gsi);

/**
 * pvi_broadcast - ring the peers at KVM_PVI_BROADCAST_MAX positions
 * @pvi: a bound endpoint
 * @gsi: the GSI; peers that do not allow it there are passed over
 * @first: the first position
 *
 * Return: how many rings were accepted, or -errno.
 */
int pvi_broadcast(int pvi, uint32_t gsi, uint32_t first);

/**
 * pvi_broadcast_all - ring all receivers, at all positions, by as many calls as it takes
 * @pvi: a bound endpoint
 * @gsi: the GSI
 *
 * Return: how many rings were accepted, or -errno.
 */
int pvi_broadcast_all(int pvi, uint32_t gsi);

/**
 * pvi_notify - ring a port
 * @pvi: a bound endpoint
 * @port: the port
 *
 * Return: a verdict (KVM_PVI_RAISED...), or -errno.
 */
int pvi_notify(int pvi, uint32_t port);

/**
 * pvi_notify_many - ring the ports @first + n for every bit n of @mask
 * @pvi: a bound endpoint
 * @first: the first port
 * @mask: which ports
 * @accepted: out: the mask of those that accepted; may be NULL
 *
 * Return: how many accepted, or -errno.
 */
int pvi_notify_many(int pvi, uint32_t first, uint64_t mask, uint64_t *accepted);

/**
 * pvi_query - one number about this endpoint
 * @pvi: a bound endpoint
 * @kind: KVM_PVI_Q_ABI...
 * @index: of the GSI or the port, else 0
 * @field: of that kind, without a piece
 * @value: out: the number
 */
int pvi_query(int pvi, uint32_t kind, uint32_t index, uint32_t field, uint64_t *value);

/**
 * pvi_query_wide - a field that comes in four pieces, put together
 * @pvi: a bound endpoint
 * @kind: KVM_PVI_Q_SELF or KVM_PVI_Q_GSI
 * @index: of the GSI, else 0
 * @field: KVM_PVI_Q_SELF_EPOCH or KVM_PVI_Q_GSI_RINGS
 * @value: out: the number
 */
int pvi_query_wide(int pvi, uint32_t kind, uint32_t index, uint32_t field, uint64_t *value);

/**
 * pvi_query_uuid - the name of this endpoint
 * @pvi: a bound endpoint
 * @uuid: out: 16 bytes
 */
int pvi_query_uuid(int pvi, unsigned char *uuid);

/* What the endpoint is told of others: pvi_event(3) */

/**
 * pvi_read_events - what has happened since the last time; waits for something, unless O_NONBLOCK is set
 * @pvi: a bound endpoint
 * @events: out: the events, oldest first
 * @nr: how many there is room for, at least 1
 *
 * Return: how many there were, 0 if the endpoint is dead and nothing is left, or -errno;
 * EAGAIN: there is none, and O_NONBLOCK is set.
 */
int pvi_read_events(int pvi, struct kvm_pvi_event *events, size_t nr);

/**
 * pvi_peers - the peers alive that this endpoint may ring
 * @pvi: a bound endpoint
 * @peers: out: their records, ascending by position
 * @nr: how many there is room for
 * @first: the first position; go on behind the position of the last record
 *
 * Return: how many were written, KVM_PVI_PEERS_MAX at most, 0 for no more, or -errno.
 */
int pvi_peers(int pvi, struct kvm_pvi_peer *peers, size_t nr, uint32_t first);

/**
 * pvi_set_config - have a GSI of one's own rung when there are events
 * @pvi: a bound endpoint
 * @gsi: an exposed GSI, or KVM_PVI_GSI_ANY for none
 */
int pvi_set_config(int pvi, uint32_t gsi);

/* Hypercalls by which a guest sets itself up, in its name: pvi_reset(3) */

/**
 * pvi_call_connect - make a port that rings a peer, which counts as the guest's own
 * @pvi: a bound endpoint
 * @receiver: the peer's name
 * @gsi: the peer's GSI
 *
 * Return: the port, or -errno.
 */
int pvi_call_connect(int pvi, const unsigned char *receiver, uint32_t gsi);

/**
 * pvi_call_disconnect - close a port that the guest or pvi_call_connect() made
 * @pvi: a bound endpoint
 * @port: the port
 */
int pvi_call_disconnect(int pvi, uint32_t port);

/**
 * pvi_set_msi - say which MSI a virtual GSI is
 * @pvi: the endpoint of a VM
 * @gsi: an exposed GSI of kind KVM_PVI_GSI_MSI
 * @address: as the guest's device driver would write it, or 0 for none
 * @data: the same
 */
int pvi_set_msi(int pvi, uint32_t gsi, uint64_t address, uint32_t data);

/**
 * pvi_arm - who handles a GSI is ready: deliver again what may have been overlooked
 * @pvi: a bound endpoint
 * @gsi: an exposed GSI
 */
int pvi_arm(int pvi, uint32_t gsi);

/**
 * pvi_reset - the guest starts anew: undo what it has made
 * @pvi: a bound endpoint
 */
int pvi_reset(int pvi);

/* Permissions that are descriptors: pvi_grant(3) */

/**
 * pvi_grant - make a descriptor that stands for "may ring this GSI"
 * @pvi: a bound endpoint, the receiver
 * @gsi: the GSI; need not be exposed yet
 * @uses: ports that may be made of it in all, 0 stands for 1
 * @rate: of all that hold it together
 * @id: out: names it for pvi_ungrant() and in pvi_next_edge(); may be NULL
 *
 * Return: the descriptor, or -errno.
 */
int pvi_grant(int pvi, uint32_t gsi, uint32_t uses, const struct pvi_rate *rate, uint64_t *id);

/**
 * pvi_grant_bell - make a grant of flags of a bell
 * @pvi: a bound endpoint, the receiver
 * @bell: the bell; need not exist yet
 * @bits: the flags
 * @uses: ports that may be made of it in all, 0 stands for 1
 * @rate: of all that hold it together
 * @id: out: names it for pvi_ungrant() and in pvi_next_edge(); may be NULL
 *
 * Return: the descriptor, or -errno.
 */
int pvi_grant_bell(int pvi, uint32_t bell, uint64_t bits, uint32_t uses,
		   const struct pvi_rate *rate, uint64_t *id);

/**
 * pvi_ungrant - take a grant back, whoever holds it
 * @pvi: the endpoint that made it
 * @id: what pvi_grant() gave
 */
int pvi_ungrant(int pvi, uint64_t id);

/**
 * pvi_connect_grant - make a port of a grant
 * @pvi: a bound endpoint, the sender
 * @port: its number, or KVM_PVI_PORT_ANY
 * @grant: the descriptor
 *
 * Return: the port, or -errno. The port lasts as long as somebody holds the grant open.
 */
int pvi_connect_grant(int pvi, uint32_t port, int grant);

/* Doorbells with 64 flags: pvi_bell(3) */

/**
 * pvi_bell_create - make a bell over a GSI, which then takes no plain rings
 * @pvi: a bound endpoint
 * @bell: the endpoint's own number of it
 * @gsi: an exposed GSI
 */
int pvi_bell_create(int pvi, uint32_t bell, uint32_t gsi);

/**
 * pvi_allow_bell - let a sender set flags of a bell
 * @pvi: a bound endpoint
 * @sender: its name; need not be bound
 * @bell: the bell; need not exist yet
 * @bits: the flags
 * @rate: of this sender
 */
int pvi_allow_bell(int pvi, const unsigned char *sender, uint32_t bell, uint64_t bits,
		   const struct pvi_rate *rate);

/**
 * pvi_allow_bell_owner - allow flags of a bell, if the sender's endpoint belongs to @owner
 * @pvi: a bound endpoint
 * @sender: its name
 * @bell: the bell
 * @bits: the flags
 * @owner: a uid
 * @rate: of this sender
 */
int pvi_allow_bell_owner(int pvi, const unsigned char *sender, uint32_t bell, uint64_t bits,
			 uid_t owner, const struct pvi_rate *rate);

/**
 * pvi_revoke_bell - take back what was allowed for a bell
 * @pvi: a bound endpoint
 * @sender: the name
 * @bell: the bell
 */
int pvi_revoke_bell(int pvi, const unsigned char *sender, uint32_t bell);

/**
 * pvi_bell_send - set flags of a peer's bell
 * @pvi: a bound endpoint
 * @port: a port to the bell's GSI
 * @flags: the flags to set
 * @old: out: the flags before, of those this sender may set; may be NULL
 *
 * Return: a verdict (KVM_PVI_RAISED...), or -errno.
 */
int pvi_bell_send(int pvi, uint32_t port, uint64_t flags, uint64_t *old);

/**
 * pvi_bell_receive - take flags of a bell of one's own
 * @pvi: a bound endpoint
 * @bell: the bell
 * @clear: the flags to clear
 * @old: out: all flags before; may be NULL
 */
int pvi_bell_receive(int pvi, uint32_t bell, uint64_t clear, uint64_t *old);

/**
 * pvi_bell_mask - say which flags raise the GSI, and which clear by themselves when it was raised
 * @pvi: a bound endpoint
 * @bell: the bell
 * @enable: which raise
 * @ack: which clear
 */
int pvi_bell_mask(int pvi, uint32_t bell, uint64_t enable, uint64_t ack);

/**
 * pvi_bell_reset - clear all flags, enable all, clear none by themselves
 * @pvi: a bound endpoint
 * @bell: the bell
 */
int pvi_bell_reset(int pvi, uint32_t bell);

/* Save, migrate, restore: pvi_state(3) */

/**
 * pvi_get_state - write what the guest has made
 * @pvi: a bound endpoint
 * @flags: KVM_PVI_STATE_FREEZE
 * @blob: out: the state
 * @size: how many bytes there is room for, 0 only to ask
 *
 * Return: the length of the state, or -errno. If it is more than @size, nothing was written.
 */
int pvi_get_state(int pvi, uint32_t flags, void *blob, size_t size);

/**
 * pvi_save_state - freeze the endpoint, and get its state into memory of its size
 * @pvi: a bound endpoint
 * @blob: out: the state, for free(); NULL on error
 *
 * Return: its length, or -errno; it may be frozen then, too.
 */
int pvi_save_state(int pvi, void **blob);

/**
 * pvi_set_state - restore what the guest had made
 * @pvi: a bound endpoint whose guest has made nothing yet
 * @blob: the state
 * @length: its length
 */
int pvi_set_state(int pvi, const void *blob, size_t length);

/**
 * pvi_thaw - take rings again, and deliver what is owed
 * @pvi: a bound endpoint
 */
int pvi_thaw(int pvi);

/* Statistics: pvi_stats(3) */

/**
 * pvi_get_stats - counters of an endpoint; of a dead one too
 * @pvi: a bound endpoint
 * @stats: in: @size is sizeof(*stats), the rest is 0; out: the counters
 */
int pvi_get_stats(int pvi, struct kvm_pvi_stats *stats);

/**
 * pvi_list - all endpoints of the host, or what hangs on one; needs CAP_SYS_ADMIN
 * @pvi: an endpoint in any state, also one that was opened for reading
 * @kind: KVM_PVI_LIST_ENDPOINTS, _EDGES, _GSIS or _PORTS
 * @endpoint: @number of the endpoint that is meant; 0 with KVM_PVI_LIST_ENDPOINTS
 * @cursor: in: 0, or as the last call left it; out: where to go on
 * @records: an array of struct kvm_pvi_list_endpoint, _edge, _gsi or _port
 * @record: sizeof() one of them
 * @nr: how many there is room for
 *
 * Returns how many it wrote, 0 behind the last one alone, or -errno.
 */
int pvi_list(int pvi, uint32_t kind, uint64_t endpoint, uint64_t *cursor, void *records, size_t record,
	     unsigned int nr);

/**
 * pvi_next_edge - counters of the next row of an endpoint's table; of a dead one's too
 * @pvi: a bound endpoint
 * @edge: in: @size is sizeof(*edge), @cursor is 0 or as the last call left it; out: the row
 *
 * Return: 1, 0 behind the last row, or -errno.
 */
int pvi_next_edge(int pvi, struct kvm_pvi_edge *edge);

/* The registers of an ivshmem device of 2010: pvi_ivshmem(3) */

#define PVI_IVSHMEM_BAR_SIZE	256
#define PVI_IVSHMEM_DOORBELL	4	/* offset of the register that may be armed */
#define PVI_IVSHMEM_BROADCAST	255	/* the id that stands for all others */
/* What the ring of a message that was accepted rings; @message is 1 to 255 */
#define PVI_IVSHMEM_GSI(message) (0xe00u + (message))

struct pvi_ivshmem;

/**
 * pvi_ivshmem_create - the registers of one device
 * @dev: out: the device; all functions may be called on it from any thread
 * @pvi: the endpoint of the VM, which has to outlive it
 * @uuid: the endpoint's own name
 * @id: what the guest reads in IVPosition, below PVI_IVSHMEM_BROADCAST
 * @gsi: the device's interrupt, exposed already
 * @bell: a bell that is free; it is made over @gsi
 */
int pvi_ivshmem_create(struct pvi_ivshmem **dev, int pvi, const unsigned char *uuid, uint32_t id,
		       uint32_t gsi, uint32_t bell);

/**
 * pvi_ivshmem_destroy - the end of it; the bell stays until its GSI is not exposed any more
 * @dev: the device, which no thread uses
 */
void pvi_ivshmem_destroy(struct pvi_ivshmem *dev);

/**
 * pvi_ivshmem_reset - mask everything, forget what came; once before the guest starts, too
 * @dev: the device
 */
int pvi_ivshmem_reset(struct pvi_ivshmem *dev);

/**
 * pvi_ivshmem_add_peer - say who an id is, and let it ring this device
 * @dev: the device
 * @id: the peer's, below PVI_IVSHMEM_BROADCAST
 * @uuid: the name of its endpoint; need not be bound
 * @gsi: the interrupt of its device
 */
int pvi_ivshmem_add_peer(struct pvi_ivshmem *dev, uint32_t id, const unsigned char *uuid,
			 uint32_t gsi);

/**
 * pvi_ivshmem_remove_peer - undo pvi_ivshmem_add_peer()
 * @dev: the device
 * @id: the peer's
 */
int pvi_ivshmem_remove_peer(struct pvi_ivshmem *dev, uint32_t id);

/**
 * pvi_ivshmem_read - the guest reads the BAR
 * @dev: the device
 * @offset: in the BAR, or beyond
 * @data: out: what it gets
 * @len: bytes, any number
 */
void pvi_ivshmem_read(struct pvi_ivshmem *dev, uint64_t offset, void *data, size_t len);

/**
 * pvi_ivshmem_write - the guest writes the BAR
 * @dev: the device
 * @offset: in the BAR, or beyond
 * @data: what it writes
 * @len: bytes, any number
 *
 * Return: 0, or why a doorbell rang nobody, which the guest is not told.
 */
int pvi_ivshmem_write(struct pvi_ivshmem *dev, uint64_t offset, const void *data, size_t len);

/**
 * pvi_ivshmem_accept - let peers arm their doorbells for a message to this device
 * @dev: the device
 * @message: 1 to 255
 */
int pvi_ivshmem_accept(struct pvi_ivshmem *dev, uint8_t message);

/**
 * pvi_ivshmem_fd - what is readable when pvi_ivshmem_dispatch() has something to do
 * @dev: the device
 *
 * Return: a descriptor, which stays the device's.
 */
int pvi_ivshmem_fd(struct pvi_ivshmem *dev);

/**
 * pvi_ivshmem_dispatch - put messages that came by armed doorbells into IntrStatus
 * @dev: the device
 *
 * Waits for no message, and for nobody else's program; where its own port has to be made anew, for a grace period of the
 * kernel's.
 *
 * Return: 0 or -errno; EAGAIN: the endpoint is frozen, or its GSI may not be rung just now: nothing is lost, and
 * pvi_ivshmem_fd() stays readable. Call it again in a while.
 */
int pvi_ivshmem_dispatch(struct pvi_ivshmem *dev);

/**
 * pvi_ivshmem_arm - have KVM take a value of Doorbell, without an exit (KVM_IOEVENTFD)
 * @dev: the device
 * @vm_fd: the VM, which must have been made by this process
 * @bar: where the guest has the BAR
 * @doorbell: the value, of a peer that is there and accepts the message
 *
 * Return: 0 or -errno; EOPNOTSUPP: one that is for all cannot be armed, EPERM: the peer is not
 * there, or does not accept that message.
 */
int pvi_ivshmem_arm(struct pvi_ivshmem *dev, int vm_fd, uint64_t bar, uint16_t doorbell);

/**
 * pvi_ivshmem_disarm - undo pvi_ivshmem_arm(); what was written before rings
 * @dev: the device
 * @doorbell: the value
 */
int pvi_ivshmem_disarm(struct pvi_ivshmem *dev, uint16_t doorbell);

/* Messages over a link, by linux/pvi_ring.h: pvi_msg(3) */

struct pvi_msg;
struct pvi_ring_shape;

/**
 * pvi_msg_open - become one side of a link, and begin a session
 * @msg: out: what the other functions take; they may be called by one thread at a time
 * @own: the own section: memory, or a file
 * @peer: that of the peer; only read
 * @ring: called to ring GSI @gsi of the peer; it tells pvi_msg_owe() of what is refused for now (EAGAIN)
 * @arg: its first argument
 *
 * @own and @peer may be closed afterwards. @msg is set before @ring is called.
 *
 * Return: 0, or -errno; ENOLINK: the two are not the sections of a link.
 */
int pvi_msg_open(struct pvi_msg **msg, int own, int peer, void (*ring)(void *arg, uint32_t gsi),
		 void *arg);

/**
 * pvi_msg_leave - leave the session, and tell the peer
 * @msg: the side
 *
 * The ring that tells it may be refused for now, as any other: the peer has been told when pvi_msg_pay() returns -1.
 * No other session begins, but by pvi_msg_reset().
 */
void pvi_msg_leave(struct pvi_msg *msg);

/**
 * pvi_msg_close - leave the session, unless that is done, and free what belongs to it
 * @msg: what pvi_msg_open() gave, which is gone then, with the rings that are owed
 *
 * A peer that stays is not to sleep on: pvi_msg_leave() comes before, and pvi_msg_pay() until it returns -1, or as
 * long as one likes: a peer that is frozen refuses until it is thawed.
 */
void pvi_msg_close(struct pvi_msg *msg);

/**
 * pvi_msg_owe - a ring was refused for now, as the peer was rung too often or is being saved: it has to be made again
 * @msg: the side
 * @gsi: which GSI was to be rung
 */
void pvi_msg_owe(struct pvi_msg *msg, uint32_t gsi);

/**
 * pvi_msg_pay - make again what rings are owed; before each wait for a ring
 * @msg: the side
 *
 * Return: for how many milliseconds to wait, after which this is to be called again, or -1: nothing is owed any more,
 * and the wait may be as long as it likes. poll() takes it as it is.
 */
int pvi_msg_pay(struct pvi_msg *msg);

/**
 * pvi_msg_shape - what the own section says: kind, peer, GSIs
 * @msg: the side
 */
const struct pvi_ring_shape *pvi_msg_shape(const struct pvi_msg *msg);

/**
 * pvi_msg_reset - begin a new session, because the peer has died
 * @msg: the side
 * @epoch: what the peer may know of this side: its epoch of kvm_pvi, or 0
 */
void pvi_msg_reset(struct pvi_msg *msg, uint64_t epoch);

/**
 * pvi_msg_follow - do what the peer's state asks for; after pvi_msg_open() and when rung
 * @msg: the side
 *
 * Return: how many queues the session has, or -errno; ENOTCONN: it does not run yet; ECONNRESET, once: the
 * one that ran has ended, with what was not received, and another one was begun.
 */
int pvi_msg_follow(struct pvi_msg *msg);

/**
 * pvi_msg_send - send a message
 * @msg: the side
 * @queue: of which queue
 * @data: the message
 * @len: its length
 *
 * Return: 0, or -errno; EAGAIN: there is no room, and a ring will tell of it; EMSGSIZE: it is too long
 * for this link; ENOTCONN: no session runs, and a ring will tell of it; ECONNRESET: the session has
 * ended, and another one was begun.
 */
int pvi_msg_send(struct pvi_msg *msg, uint32_t queue, const void *data, size_t len);

/**
 * pvi_msg_receive - receive a message
 * @msg: the side
 * @queue: of which queue
 * @data: out: the message
 * @size: how long it may be
 *
 * Return: its length, or -errno as of pvi_msg_send(); EAGAIN: there is none; EMSGSIZE: it was longer
 * than @size, and is lost; EPROTO: the peer has broken a rule, and another session was begun.
 */
ssize_t pvi_msg_receive(struct pvi_msg *msg, uint32_t queue, void *data, size_t size);

/* The two sections of a link, and who may ring whom because of it: pvi_link(3) */

#define PVI_LINK_DIR		"/run/kvm-pvi/links"	/* where pvictl link keeps links */
#define PVI_LINK_SHAPES		"shapes"	/* in the directory of a link, beside "0" and "1" */
#define PVI_LINK_HUGETLB	1u

/**
 * struct pvi_link_side - one of the two
 * @uuid: its name
 * @gsi: it is rung by this GSI: of a VM a virtual one, of a process one below KVM_PVI_GSI_MAX
 * @gsis: and by those that follow, so many in all; 1 or more
 */
struct pvi_link_side {
	unsigned char uuid[KVM_PVI_UUID_SIZE];
	uint32_t gsi, gsis;
};

/**
 * struct pvi_link - what a link is
 * @uuid: its name
 * @kind: PVI_RING_NET, PVI_RING_VSOCK, PVI_RING_RAW
 * @queues: how many each side has, 1 to PVI_RING_MAX_QUEUES
 * @size: bytes of each section; a power of two for a PCI device
 * @sides: who is at its ends
 */
struct pvi_link {
	unsigned char uuid[KVM_PVI_UUID_SIZE];
	uint32_t kind, queues;
	uint64_t size;
	struct pvi_link_side sides[2];
};

/**
 * pvi_link_shape - what the section of one side begins with
 * @link: the link
 * @side: 0 or 1
 * @shape: out: that
 *
 * Return: 0, or -EINVAL: there is no such link, or no room for its queues.
 */
int pvi_link_shape(const struct pvi_link *link, uint32_t side, struct pvi_ring_shape *shape);

/**
 * pvi_link_format - make a file a section, of which all memory is there
 * @section: a file in memory, open for reading and writing
 * @link: the link
 * @side: whose section
 */
int pvi_link_format(int section, const struct pvi_link *link, uint32_t side);

#define PVI_LINK_SECRET		16	/* bytes */

/**
 * pvi_link_secret - write into a section by what it is known as one of its link
 * @section: what pvi_link_format() or pvi_link_memory() has made, open for reading and writing
 * @secret: PVI_LINK_SECRET random bytes, the same for both sections
 *
 * Before either side sees it. The UUID of a link may be known to others, and a peer may write it into its section of
 * another link; without a secret that one would pass for the section of this link's peer.
 *
 * Return: 0, or -errno; EINVAL: it is no section.
 */
int pvi_link_secret(int section, const unsigned char *secret);

/**
 * pvi_link_memory - make a section, of which nobody changes the size
 * @link: the link
 * @side: whose section
 * @flags: PVI_LINK_HUGETLB: in huge pages
 * @peer: out: a descriptor of it for the other side, by which it can be read alone
 *
 * Return: the descriptor for its owner, or -errno. Once the owner has mapped it, pvi_status_seal()
 * makes sure that nobody else ever maps it writable.
 */
int pvi_link_memory(const struct pvi_link *link, uint32_t side, uint32_t flags, int *peer);

/**
 * pvi_link_join - expose the GSIs of a side, and let the other side ring them
 * @pvi: the endpoint of the side
 * @shape: what its section begins with, from who made the link
 *
 * What is exposed already, or allowed, stays.
 */
int pvi_link_join(int pvi, const struct pvi_ring_shape *shape);

/**
 * pvi_link_leave - undo pvi_link_join()
 * @pvi: the endpoint of the side
 * @shape: what its section begins with
 */
int pvi_link_leave(int pvi, const struct pvi_ring_shape *shape);

/**
 * pvi_link_read - what pvictl link has made
 * @dir: where, PVI_LINK_DIR or what its --dir was
 * @uuid: the link
 * @shapes: out: two, what the sections of the sides began with when they were made
 *
 * Return: 0 or -errno; ENOENT: there is no such link, EPERM: others than root and this user could have
 * written what stands there, or may write in @dir, EBADMSG: it is not of that link.
 */
int pvi_link_read(const char *dir, const unsigned char *uuid, struct pvi_ring_shape *shapes);

/**
 * pvi_link_open - open the two sections that pvictl link has made, for the process that is one side
 * @dir: where, PVI_LINK_DIR or what its --dir was
 * @uuid: the link
 * @self: the side's name
 * @shape: out: what its section began with when it was made, for pvi_link_join()
 * @peer: out: a descriptor of the other side's section
 *
 * Return: a descriptor of its own section, or -errno as of pvi_link_read(); ENOENT: it is no side of it,
 * either.
 */
int pvi_link_open(const char *dir, const unsigned char *uuid, const unsigned char *self,
		  struct pvi_ring_shape *shape, int *peer);

/* Descriptors over a unix socket: pvi_fd(3) */

/**
 * pvi_send_fd - send a descriptor
 * @socket: a connected unix socket, SOCK_STREAM
 * @fd: the descriptor; stays open
 */
int pvi_send_fd(int socket, int fd);

/**
 * pvi_recv_fd - receive a descriptor that pvi_send_fd() sent
 * @socket: a connected unix socket, SOCK_STREAM
 *
 * Return: the descriptor, or -errno; ECONNRESET: the other end has closed, EBADMSG: what came
 * is not one descriptor.
 */
int pvi_recv_fd(int socket);

/* The set-up phase between two VMMs, an extension of vhost-user: pvi_setup(3) */

#define PVI_SETUP_FEATURE	56		/* this bit of vhost-user's protocol features */
#define PVI_SETUP_GET		0x50564901u	/* who the back-end is: requests of the front-end */
#define PVI_SETUP_SET		0x50564902u	/* who the front-end is */
#define PVI_SETUP_REPLY		(1u << 2)	/* flags of vhost-user's header */
#define PVI_SETUP_NEED_REPLY	(1u << 3)
#define PVI_SETUP_HEADER	12u		/* bytes that a message begins with */
#define PVI_SETUP_MAX		76u		/* bytes of the longest message */

/**
 * struct pvi_setup - what a VMM tells another of itself, as it stands in a message
 * @flags: PVI_SETUP_GSI: there is something to ring; PVI_SETUP_BELL: it is a bell; PVI_SETUP_GRANT: by a
 *	   grant, which comes as a descriptor
 * @gsi: with PVI_SETUP_GSI what the other one may ring, of a bell that of it; else 0
 * @bits: with PVI_SETUP_BELL the flags that the other one may set, not 0; else 0
 * @uuid: the name of its endpoint
 * @reserved: 0
 */
struct pvi_setup {
	uint32_t flags;
	uint32_t gsi;
	uint64_t bits;
	unsigned char uuid[KVM_PVI_UUID_SIZE];
	uint64_t reserved[4];
};
#define PVI_SETUP_GSI		(1u << 0)
#define PVI_SETUP_BELL		(1u << 1)
#define PVI_SETUP_GRANT		(1u << 2)

/**
 * struct pvi_setup_msg - a message
 * @request: PVI_SETUP_GET or PVI_SETUP_SET
 * @flags: PVI_SETUP_REPLY; or of a PVI_SETUP_SET PVI_SETUP_NEED_REPLY
 * @result: of a reply: 0, or why not
 * @grant: the descriptor that comes with it, or -1
 * @setup: of a PVI_SETUP_SET, and of the reply to a PVI_SETUP_GET unless @result is not 0; else zeroes
 * @reserved: 0
 */
struct pvi_setup_msg {
	uint32_t request;
	uint32_t flags;
	uint64_t result;
	int grant;
	uint32_t reserved[9];
	struct pvi_setup setup;
};

/**
 * struct pvi_setup_reader - a message that has come in part; zeroes before the first one
 * @length: how many bytes have
 * @fds: whether a descriptor has
 * @fd: that descriptor
 * @bytes: the bytes, with room for longer messages of a later library
 */
struct pvi_setup_reader {
	uint32_t length;
	uint32_t fds;
	int fd;
	unsigned char bytes[256];
};

/**
 * pvi_setup_encode - write the bytes of a message; its descriptor goes with the first of them
 * @msg: the message
 * @bytes: out: these
 * @size: how many there is room for; PVI_SETUP_MAX is enough
 *
 * Return: how many there are; -EINVAL: there is no such message; -EMSGSIZE: there is not enough room.
 */
int pvi_setup_encode(const struct pvi_setup_msg *msg, void *bytes, size_t size);

/**
 * pvi_setup_decode - understand a message, all of which may be hostile
 * @msg: out: the message
 * @bytes: its bytes, header and payload
 * @length: how many have come
 * @fds: the descriptors that have come with it; they are the library's now, whatever is returned
 * @nr_fds: how many
 *
 * Return: 0, then @grant of @msg is the caller's to close unless it is -1; or -EBADMSG: it is none, and
 * all descriptors are closed.
 */
int pvi_setup_decode(struct pvi_setup_msg *msg, const void *bytes, size_t length, const int *fds,
		     size_t nr_fds);

/**
 * pvi_setup_send - send a message; does not wait
 * @socket: a connected unix socket, SOCK_STREAM
 * @msg: the message; its descriptor stays open
 *
 * Return: 0 or -errno; EAGAIN: the socket is full, and nothing is sent.
 */
int pvi_setup_send(int socket, const struct pvi_setup_msg *msg);

/**
 * pvi_setup_receive - receive a message, and nothing behind it; does not wait
 * @socket: a connected unix socket, SOCK_STREAM
 * @reader: what has come of it
 * @msg: out: the message
 *
 * Return: 0, and the reader is as new; -EAGAIN: it is not whole yet, call again when the socket is
 * readable; or -errno, and the connection is of no use any more. EBADMSG: it is none, or has brought
 * more than one descriptor, or one behind its first byte; ECONNRESET: the other end has closed.
 */
int pvi_setup_receive(int socket, struct pvi_setup_reader *reader, struct pvi_setup_msg *msg);

/**
 * pvi_setup_forget - close what has come of a message that nobody waits for any more
 * @reader: what has come of it; is as new then
 */
void pvi_setup_forget(struct pvi_setup_reader *reader);

/**
 * pvi_setup_get - ask who the back-end is, and wait for the answer
 * @socket: the front-end's socket, on which nothing else is awaited
 * @setup: out: that
 * @grant: out: the grant, the caller's to close, or -1
 * @timeout: in milliseconds, for all of it
 *
 * Return: 0; -ECONNREFUSED: it does not say; or -errno, and the connection is of no use any more.
 * ETIMEDOUT: there was no answer; else as of pvi_setup_receive().
 */
int pvi_setup_get(int socket, struct pvi_setup *setup, int *grant, unsigned int timeout);

/**
 * pvi_setup_set - say who the front-end is, and wait until the back-end has done what it does about it
 * @socket: the front-end's socket, on which nothing else is awaited
 * @setup: that
 * @grant: the grant, which stays open, or -1
 * @timeout: in milliseconds, for all of it
 *
 * Return: as pvi_setup_get(); -EINVAL: there is no such message.
 */
int pvi_setup_set(int socket, const struct pvi_setup *setup, int grant, unsigned int timeout);

#ifdef __cplusplus
}
#endif

#endif /* LIBPVI_H */
