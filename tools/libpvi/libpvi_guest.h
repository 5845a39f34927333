/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libpvi_guest - interrupts between virtual machines, for programs in a guest
 *
 * A thin layer over the ioctls of /dev/kvm_pvi_guest, with what libpvi.h says of
 * threads, descriptors and results: a function returns 0, or a negative errno
 * whose meaning stands in <linux/kvm_pvi_guest.h> with the ioctl of that name.
 */
#ifndef LIBPVI_GUEST_H
#define LIBPVI_GUEST_H

#include <linux/kvm_pvi_guest.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header: the major number above 16 bits of the minor one */
#define LIBPVI_GUEST_VERSION	0x00000001u

/**
 * pvi_guest_version - which version the library is that the program runs with
 *
 * Return: as LIBPVI_GUEST_VERSION of the header; what has come since is not there if it is less.
 */
unsigned int pvi_guest_version(void);

/**
 * pvi_guest_open - open /dev/kvm_pvi_guest
 *
 * Return: a descriptor, or -errno; ENOENT: kvm_pvi_guest is not loaded.
 */
int pvi_guest_open(void);

/**
 * pvi_guest_get_info - the host, and who this guest is
 * @guest: from pvi_guest_open()
 * @info: in: @size is sizeof(*info), the rest is 0; out: the answer
 */
int pvi_guest_get_info(int guest, struct kvm_pvi_guest_info *info);

/**
 * pvi_guest_get_gsi - what this guest may be rung by
 * @guest: from pvi_guest_open()
 * @index: which of them, from 0 on
 * @gsi: in: @size is sizeof(*gsi), @flags is 0; out: the answer
 *
 * Return: 0, or -errno; ENOENT: there are no more.
 */
int pvi_guest_get_gsi(int guest, uint32_t index, struct kvm_pvi_guest_gsi *gsi);

/**
 * pvi_guest_ring - ring a GSI of a VM by its name
 * @guest: from pvi_guest_open()
 * @receiver: the VM
 * @gsi: its GSI
 *
 * Return: the verdict, or -errno.
 */
int pvi_guest_ring(int guest, const unsigned char *receiver, uint32_t gsi);

/**
 * pvi_guest_broadcast - ring a GSI of KVM_PVI_BROADCAST_MAX peers
 * @guest: from pvi_guest_open()
 * @gsi: their GSI
 * @first: the first peer's position
 *
 * Return: how many accepted, or -errno.
 */
int pvi_guest_broadcast(int guest, uint32_t gsi, uint32_t first);

/**
 * pvi_guest_connect - make a port to a GSI of a VM
 * @guest: from pvi_guest_open(), to which the port belongs
 * @receiver: the VM
 * @gsi: its GSI
 *
 * Return: the port, or -errno.
 */
int pvi_guest_connect(int guest, const unsigned char *receiver, uint32_t gsi);

/**
 * pvi_guest_disconnect - close a port
 * @guest: from pvi_guest_open()
 * @port: from pvi_guest_connect()
 */
int pvi_guest_disconnect(int guest, uint32_t port);

/**
 * pvi_guest_notify - ring a port
 * @guest: from pvi_guest_open()
 * @port: from pvi_guest_connect(); with KVM_PVI_GUEST_PORT_VMM the VMM's number
 * @flags: KVM_PVI_GUEST_PORT_VMM
 *
 * Return: the verdict, or -errno.
 */
int pvi_guest_notify(int guest, uint32_t port, uint32_t flags);

/**
 * pvi_guest_wait - make a descriptor for poll() and read()
 * @guest: from pvi_guest_open()
 * @gsi: an exposed GSI of this guest; with KVM_PVI_GUEST_WAIT_PEERS or KVM_PVI_GUEST_WAIT_HOST 0
 * @flags: KVM_PVI_GUEST_WAIT_*
 *
 * Return: the descriptor, from which read() gives a uint64_t, how many interrupts or changes there
 * were; or -errno.
 */
int pvi_guest_wait(int guest, uint32_t gsi, uint32_t flags);

/**
 * pvi_guest_wire - have an eventfd signalled by a GSI
 * @guest: from pvi_guest_open()
 * @gsi: an exposed GSI of this guest
 * @eventfd: an eventfd, or -1 to make one (nonblocking)
 *
 * Return: the eventfd, or -errno.
 */
int pvi_guest_wire(int guest, uint32_t gsi, int eventfd);

/**
 * pvi_guest_unwire - and not any more
 * @guest: from pvi_guest_open()
 * @gsi: the GSI
 * @eventfd: what pvi_guest_wire() returned; stays the caller's to close
 */
int pvi_guest_unwire(int guest, uint32_t gsi, int eventfd);

/**
 * pvi_guest_peers - whom this guest may ring
 * @guest: from pvi_guest_open()
 * @peers: out: their records, ascending by position
 * @nr: how many there is room for
 * @first: the first position; go on behind that of the last record
 *
 * Return: how many were written, KVM_PVI_PEERS_MAX at most, 0 for no more, or -errno.
 */
int pvi_guest_peers(int guest, struct kvm_pvi_peer *peers, size_t nr, uint32_t first);

/**
 * pvi_guest_bell_send - set flags of a peer's bell
 * @guest: from pvi_guest_open()
 * @port: a port to the bell's GSI, as of pvi_guest_notify()
 * @flags: KVM_PVI_GUEST_PORT_VMM
 * @bits: the flags to set
 * @old: out: the flags before, as far as this guest may set them; may be NULL
 *
 * Return: the verdict, or -errno.
 */
int pvi_guest_bell_send(int guest, uint32_t port, uint32_t flags, uint64_t bits, uint64_t *old);

/**
 * pvi_guest_bell_receive - take flags of a bell of this guest
 * @guest: from pvi_guest_open()
 * @bell: its number
 * @clear: the flags to clear
 * @old: out: all flags before; may be NULL
 */
int pvi_guest_bell_receive(int guest, uint32_t bell, uint64_t clear, uint64_t *old);

/**
 * pvi_guest_bell_mask - which flags of a bell interrupt
 * @guest: from pvi_guest_open()
 * @bell: its number
 * @enable: those that do
 * @ack: those that clear by themselves once there was an interrupt
 */
int pvi_guest_bell_mask(int guest, uint32_t bell, uint64_t enable, uint64_t ack);

/**
 * pvi_guest_bell_reset - no flag set, all enabled, none clears by itself
 * @guest: from pvi_guest_open()
 * @bell: its number
 */
int pvi_guest_bell_reset(int guest, uint32_t bell);

struct pvi_ring_shape;

/**
 * pvi_guest_link - open the two sections of a link, which are PCI devices of this guest
 * @guest: from pvi_guest_open()
 * @link: its UUID, or NULL: the only one of kind raw
 * @shape: out: what the own section begins with
 * @peer: out: a descriptor of the peer's section, for pvi_msg_open()
 *
 * For root: the devices have to be enabled. One that a driver has is not opened.
 *
 * Return: a descriptor of the own section, or -errno; ENOENT: there is none, ENOTUNIQ: there are several, EMFILE or
 * ENFILE: no descriptor is free to look by.
 */
int pvi_guest_link(int guest, const unsigned char *link, struct pvi_ring_shape *shape, int *peer);

#ifdef __cplusplus
}
#endif

#endif /* LIBPVI_GUEST_H */
