/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
/*
 * kvm_pvi_guest - paravirtual interrupts, for the programs of a guest
 *
 * The ioctls on /dev/kvm_pvi_guest and the descriptors they give out. Verdicts
 * and the numbers of GSIs are those of kvm_pvi.h.
 */
#ifndef LINUX_KVM_PVI_GUEST_H
#define LINUX_KVM_PVI_GUEST_H

#include <linux/kvm_pvi.h>

/**
 * DOC: ioctls on /dev/kvm_pvi_guest
 *
 * Whoever may open it may ring whatever this guest may ring, wait for any GSI
 * it has been given, and take the flags of any of its bells: the file's mode and
 * owner say who. Ports and eventfds belong to the open file and go with its last
 * descriptor.
 *
 * The conventions are those of /dev/kvm_pvi: a struct starts with @size
 * (sizeof() it, as the caller was compiled) and @flags and may grow at the end;
 * success is 0, results come back in fields, fds are O_CLOEXEC.
 *
 * Every ioctl may fail with
 *
 * * EFAULT: the struct cannot be read or written
 * * EINVAL: @size is below the first version's; an unknown flag; a reserved field is not 0; a
 *   value out of range
 * * E2BIG: @size is beyond a page, or the tail this kernel does not know is not 0
 * * ENOMEM: no memory
 * * ENODEV: no host serves this guest (any more); each open() asks again (not GET_INFO, UNWIRE, and
 *   WAIT with KVM_PVI_GUEST_WAIT_HOST)
 *
 * An unknown ioctl is ENOTTY. Further errors stand with each call.
 *
 * A host may go, come back, or be another one from one call to the next, when the
 * VMM binds this guest anew; KVM_PVI_GUEST_WAIT_HOST tells. Then, and after suspend, a
 * port of before may answer ENXIO: close it, and connect anew. What waits for a GSI goes
 * on to wait and is woken once, to look at what it shares with its peers: a ring may have
 * been dropped meanwhile.
 */

/**
 * struct kvm_pvi_guest_info - KVM_PVI_GUEST_GET_INFO: the host, and who this guest is
 * @size: sizeof(struct kvm_pvi_guest_info)
 * @flags: Must be 0
 * @abi_major: KVM_PVI_ABI_MAJOR
 * @abi_minor: KVM_PVI_ABI_MINOR, of the guest's module
 * @features: out: KVM_PVI_FEAT_* of the host; 0: there is none now, and what follows is 0 but
 *	the limits
 * @max_ports: out: ports one open file may have
 * @max_eventfds: out: eventfds one open file may have wired
 * @max_waiters: out: how many may wait for one GSI, drivers and programs together
 * @uuid: out: the name of this guest
 * @epoch: out: which life of that name this is
 */
struct kvm_pvi_guest_info {
	__u32 size;
	__u32 flags;
	__u32 abi_major;
	__u32 abi_minor;
	__u32 features;
	__u32 max_ports;
	__u32 max_eventfds;
	__u32 max_waiters;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__aligned_u64 epoch;
};
#define KVM_PVI_GUEST_GET_INFO		_IO(KVM_PVI_IOC, 0x80)

/**
 * struct kvm_pvi_guest_gsi - KVM_PVI_GUEST_GET_GSI: what this guest may be rung by
 * @size: sizeof(struct kvm_pvi_guest_gsi)
 * @flags: Must be 0
 * @index: which of them, from 0 on, in ascending order
 * @gsi: out: its number
 * @kind: out: KVM_PVI_GSI_DIRECT...
 * @state: out: KVM_PVI_GSI_WIRED...
 * @bell: out: its bell, or KVM_PVI_GUEST_NO_BELL
 * @irq: out: Linux's number of the interrupt, as in /proc/interrupts, while somebody waits for
 *	it; else 0
 *
 * * ENOENT: there are no more
 */
struct kvm_pvi_guest_gsi {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 gsi;
	__u32 kind;
	__u32 state;
	__u32 bell;
	__u32 irq;
};
#define KVM_PVI_GUEST_GET_GSI		_IO(KVM_PVI_IOC, 0x81)
#define KVM_PVI_GUEST_NO_BELL		0xffffffffu

/**
 * struct kvm_pvi_guest_ring - KVM_PVI_GUEST_RING: ring a GSI of a VM by its name
 * @size: sizeof(struct kvm_pvi_guest_ring)
 * @flags: Must be 0
 * @uuid: the receiver, 16 bytes as RFC 9562 prints them; the max UUID: all that allow this
 *	guest on @gsi
 * @gsi: its GSI
 * @first: with the max UUID: the first of the KVM_PVI_BROADCAST_MAX positions whose peers are
 *	rung; else 0
 * @result: out: the verdict; with the max UUID: how many accepted
 * @__reserved: Must be 0
 *
 * * EPERM: no such VM, not exposed, not allowed, or it has a bell
 * * EAGAIN: throttled or frozen, nothing was rung; ring again later
 */
struct kvm_pvi_guest_ring {
	__u32 size;
	__u32 flags;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__u32 gsi;
	__u32 first;
	__u32 result;
	__u32 __reserved;
};
#define KVM_PVI_GUEST_RING		_IO(KVM_PVI_IOC, 0x82)

/**
 * struct kvm_pvi_guest_connect - KVM_PVI_GUEST_CONNECT: a port to a GSI of a VM
 * @size: sizeof(struct kvm_pvi_guest_connect)
 * @flags: Must be 0
 * @uuid: the receiver
 * @gsi: its GSI
 * @port: out: this open file's own number of it
 *
 * Ringing a port is cheaper than ringing by name, and never reaches a
 * successor of the same name.
 *
 * * EPERM: no such VM, not exposed, or not allowed
 * * ENOSPC: max_ports reached, this open file's or the host's
 */
struct kvm_pvi_guest_connect {
	__u32 size;
	__u32 flags;
	__u8  uuid[KVM_PVI_UUID_SIZE];
	__u32 gsi;
	__u32 port;
};
#define KVM_PVI_GUEST_CONNECT		_IO(KVM_PVI_IOC, 0x83)

/**
 * struct kvm_pvi_guest_port - KVM_PVI_GUEST_NOTIFY, KVM_PVI_GUEST_DISCONNECT: a port
 * @size: sizeof(struct kvm_pvi_guest_port)
 * @flags: NOTIFY: KVM_PVI_GUEST_PORT_VMM; DISCONNECT: Must be 0
 * @port: what CONNECT has given; with KVM_PVI_GUEST_PORT_VMM the VMM's number
 * @result: NOTIFY: out: the verdict; DISCONNECT: Must be 0
 *
 * * ENOENT: no such port of this open file, or of the VMM
 * * ENXIO: NOTIFY: the receiver has died, or the host has closed the port, since this guest was
 *   bound anew; it stays so
 * * EINVAL: NOTIFY: the GSI has a bell
 * * EPERM: NOTIFY: the permission was taken back; it stays so
 * * EAGAIN: NOTIFY: throttled or frozen, nothing was rung; ring again later
 */
struct kvm_pvi_guest_port {
	__u32 size;
	__u32 flags;
	__u32 port;
	__u32 result;
};
#define KVM_PVI_GUEST_NOTIFY		_IO(KVM_PVI_IOC, 0x84)
#define KVM_PVI_GUEST_DISCONNECT	_IO(KVM_PVI_IOC, 0x85)
#define KVM_PVI_GUEST_PORT_VMM		(1u << 0)	/* a port that the VMM has made for this guest */

/**
 * struct kvm_pvi_guest_wait - KVM_PVI_GUEST_WAIT: a descriptor that tells of interrupts, or peers
 * @size: sizeof(struct kvm_pvi_guest_wait)
 * @flags: KVM_PVI_GUEST_WAIT_*
 * @gsi: an exposed GSI of this guest; with KVM_PVI_GUEST_WAIT_PEERS or _HOST 0
 * @fd: out: the descriptor
 *
 * It is readable once there was an interrupt. read() gives a __u64 in the
 * machine's byte order: how many since the last read(); it waits while there was
 * none, or is EAGAIN with O_NONBLOCK, and EINVAL with a buffer below 8 bytes.
 * Several rings may be one interrupt, and an interrupt may come without a new
 * ring. Any number of processes may wait for one GSI, each with a descriptor of
 * its own, and sees all of its interrupts. The descriptor outlives the open
 * file it was made through.
 *
 * Rings of before are told of if nobody waited for that GSI: those that were
 * recorded meanwhile. Look once at what is shared when the call has returned.
 *
 * With KVM_PVI_GUEST_WAIT_PEERS it tells instead that peers may have come or gone, or senders have:
 * look at KVM_PVI_GUEST_PEERS then, and once when the call has returned. For this the driver takes
 * an exposed GSI that others may use too.
 *
 * With KVM_PVI_GUEST_WAIT_HOST it tells that the host has gone or come, or is another one: look at
 * KVM_PVI_GUEST_GET_INFO then, and at all that was made or shared. It may be made without a host.
 *
 * * EINVAL: @gsi is not 0 with one of these two flags; both are set
 * * ENOENT: not exposed; with KVM_PVI_GUEST_WAIT_PEERS: none is
 * * ENOSPC: too many wait for the same already: in all 7/8 of max_waiters (the rest is for drivers),
 *   1/4 through this open file, 1/2 of a user without CAP_SYS_RESOURCE; no vector is free
 * * EBUSY: another driver of this guest has that interrupt, or wants to be alone with it
 * * EOPNOTSUPP: no pin of this guest's IOAPIC, and not virtual; it has no APIC; the host tells
 *   nothing of peers
 * * EMFILE, ENFILE: no descriptor is free
 */
struct kvm_pvi_guest_wait {
	__u32 size;
	__u32 flags;
	__u32 gsi;
	__s32 fd;
};
#define KVM_PVI_GUEST_WAIT		_IO(KVM_PVI_IOC, 0x86)
#define KVM_PVI_GUEST_WAIT_NONBLOCK	(1u << 0)
#define KVM_PVI_GUEST_WAIT_PEERS	(1u << 1)
#define KVM_PVI_GUEST_WAIT_HOST		(1u << 2)	/* since minor 1 */

/**
 * struct kvm_pvi_guest_wire - KVM_PVI_GUEST_WIRE, KVM_PVI_GUEST_UNWIRE: a GSI signals an eventfd
 * @size: sizeof(struct kvm_pvi_guest_wire)
 * @flags: Must be 0
 * @gsi: an exposed GSI of this guest
 * @fd: an eventfd
 *
 * Until UNWIRE or the last close() of this open file; closing @fd itself does
 * not end it. When UNWIRE has returned, the eventfd is not signalled any more.
 * The errors of WIRE beside EBADF, EINVAL and EEXIST are those of KVM_PVI_GUEST_WAIT.
 *
 * * EBADF: @fd is not open
 * * EINVAL: @fd is not an eventfd
 * * EEXIST: WIRE: that eventfd is wired to that GSI through this open file already
 * * ENOSPC: WIRE: max_eventfds reached too
 * * ENOENT: UNWIRE: it is not
 */
struct kvm_pvi_guest_wire {
	__u32 size;
	__u32 flags;
	__u32 gsi;
	__s32 fd;
};
#define KVM_PVI_GUEST_WIRE		_IO(KVM_PVI_IOC, 0x87)
#define KVM_PVI_GUEST_UNWIRE		_IO(KVM_PVI_IOC, 0x88)

/**
 * struct kvm_pvi_guest_bell_send - KVM_PVI_GUEST_BELL_SEND: set flags of a peer's bell
 * @size: sizeof(struct kvm_pvi_guest_bell_send)
 * @flags: KVM_PVI_GUEST_PORT_VMM
 * @port: connected to the GSI of the bell; with KVM_PVI_GUEST_PORT_VMM the VMM's number
 * @result: out: the verdict, see "Bells" in kvm_pvi.h
 * @bits: those to set
 * @old: out: those that were set before, of those this guest may set; 0 without KVM_PVI_FEAT_RBX
 *
 * Errors beside those of KVM_PVI_GUEST_NOTIFY:
 *
 * * EINVAL: @bits is 0; the GSI has no bell
 * * EPERM: a flag that this guest was not granted; nothing changed
 * * EOPNOTSUPP: the host serves no bells
 */
struct kvm_pvi_guest_bell_send {
	__u32 size;
	__u32 flags;
	__u32 port;
	__u32 result;
	__aligned_u64 bits;
	__aligned_u64 old;
};
#define KVM_PVI_GUEST_BELL_SEND		_IO(KVM_PVI_IOC, 0x89)

/**
 * struct kvm_pvi_guest_bell_receive - KVM_PVI_GUEST_BELL_RECEIVE: take flags of one's own bell
 * @size: sizeof(struct kvm_pvi_guest_bell_receive)
 * @flags: Must be 0
 * @bell: its number
 * @__reserved: Must be 0
 * @clear: those to clear, not 0
 * @old: out: all that were set before
 *
 * If an enabled flag is left, there is another interrupt.
 *
 * * ENOENT: no such bell
 * * EOPNOTSUPP: the host serves no bells, or this guest's registers are encrypted
 */
struct kvm_pvi_guest_bell_receive {
	__u32 size;
	__u32 flags;
	__u32 bell;
	__u32 __reserved;
	__aligned_u64 clear;
	__aligned_u64 old;
};
#define KVM_PVI_GUEST_BELL_RECEIVE	_IO(KVM_PVI_IOC, 0x8a)

/**
 * struct kvm_pvi_guest_bell_mask - KVM_PVI_GUEST_BELL_MASK: which flags interrupt
 * @size: sizeof(struct kvm_pvi_guest_bell_mask)
 * @flags: Must be 0
 * @bell: its number
 * @__reserved: Must be 0
 * @enable: those that do
 * @ack: those that clear by themselves once there was an interrupt
 *
 * * ENOENT: no such bell
 * * EOPNOTSUPP: the host serves no bells
 */
struct kvm_pvi_guest_bell_mask {
	__u32 size;
	__u32 flags;
	__u32 bell;
	__u32 __reserved;
	__aligned_u64 enable;
	__aligned_u64 ack;
};
#define KVM_PVI_GUEST_BELL_MASK		_IO(KVM_PVI_IOC, 0x8b)

/**
 * struct kvm_pvi_guest_bell_reset - KVM_PVI_GUEST_BELL_RESET: have a bell as it was made
 * @size: sizeof(struct kvm_pvi_guest_bell_reset)
 * @flags: Must be 0
 * @bell: its number
 * @__reserved: Must be 0
 *
 * No flag set, all enabled, none clears by itself.
 *
 * * ENOENT: no such bell
 * * EOPNOTSUPP: the host serves no bells
 */
struct kvm_pvi_guest_bell_reset {
	__u32 size;
	__u32 flags;
	__u32 bell;
	__u32 __reserved;
};
#define KVM_PVI_GUEST_BELL_RESET	_IO(KVM_PVI_IOC, 0x8c)

/**
 * struct kvm_pvi_guest_peers - KVM_PVI_GUEST_PEERS: whom this guest may ring
 * @size: sizeof(struct kvm_pvi_guest_peers)
 * @flags: Must be 0
 * @first: the position to begin at; go on behind that of the last record until there are none
 * @nr: in: room for so many, at least 1; out: records written, at most KVM_PVI_PEERS_MAX
 * @address: of an array of struct kvm_pvi_peer
 *
 * * EOPNOTSUPP: the host serves it not
 */
struct kvm_pvi_guest_peers {
	__u32 size;
	__u32 flags;
	__u32 first;
	__u32 nr;
	__aligned_u64 address;
};
#define KVM_PVI_GUEST_PEERS		_IO(KVM_PVI_IOC, 0x8d)

#endif /* LINUX_KVM_PVI_GUEST_H */
